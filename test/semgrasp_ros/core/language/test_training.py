import shutil

import pytest
import torch

from semgrasp_ros.core.language import (
    GraspLanguageModel,
    check,
    describe,
    generate,
    load_model,
    save_model,
    train_language_model,
)
from semgrasp_ros.core.language.batches import collate, encode
from semgrasp_ros.core.language.training import NotFiniteError, StageTrainer, schedule
from test.semgrasp_ros.core.language import tiny


def test_the_small_model_learns_what_the_text_decides(tmp_path):
    model = tiny.small_model(
        stage1_steps=220, stage2_steps=10, batch=10, save_every=1000, describe_weight=2.0
    )
    known = tiny.examples()
    looks = []
    checked = train_language_model(model, known, tiny.features, tmp_path, known, looks.append)
    assert [look["stage"] for look in looks] == [1, 2]
    assert checked["o"] == checked["m"] == checked["r"] == 1.0
    again = load_model(tmp_path)
    for example in known[:8]:
        thing = tiny.features([example.object_key])
        assert generate(again, *thing, example.caption.request, 1)[0].tokens == example.grasp_tokens
        likely = generate(
            again, *thing, example.caption.request, 8, generator=torch.Generator().manual_seed(0)
        )
        assert likely[0].tokens == example.grasp_tokens
    for example in known[8:]:
        said = describe(again, *tiny.features([0]), example.grasp_tokens, "What is this grasp?")
        assert said == example.caption.answer


def test_stages_train_what_they_should(tmp_path):
    model = tiny.small_model()
    before = tiny.weights(model)
    StageTrainer(model, 1, tiny.examples(), tiny.features, tmp_path).run()
    between = tiny.weights(model)
    assert all(not torch.equal(before[name], between[name]) for name in before if "projector.queries" in name)
    assert any(not torch.equal(before[name], between[name]) for name in before if name.startswith("lm."))
    StageTrainer(model, 2, tiny.examples(), tiny.features, tmp_path).run()
    after = tiny.weights(model)
    changed = {name for name in after if not torch.equal(between[name], after[name])}
    assert not [name for name in changed if name.startswith("projector.")]
    assert "new_tokens.weight" in changed
    assert [name for name in changed if name.startswith("lm.")]
    with pytest.raises(ValueError, match="stage: 3"):
        model.trainable(3)


def test_resumed_training_is_the_same_as_uninterrupted(tmp_path):
    changes = dict(dropout=0.2, word_dropout=0.2, stage1_steps=7, save_every=3)
    calls = []

    def fresh(epoch):
        calls.append(epoch)
        return tiny.examples()[epoch % 2 :: 2] * 2

    whole = tiny.small_model(**changes)
    StageTrainer(whole, 1, fresh, tiny.features, tmp_path / "whole").run()
    first = StageTrainer(tiny.small_model(**changes), 1, fresh, tiny.features, tmp_path / "parts")
    for _ in range(4):
        first.train_step()
        if first.step == 3:
            first.save()
    resumed = tiny.small_model(**changes)
    torch.manual_seed(99)
    second = StageTrainer(resumed, 1, fresh, tiny.features, tmp_path / "parts")
    assert second.step == 3
    second.run()
    assert max(calls) >= 2
    tiny.assert_same_weights(whole, resumed)
    assert [path.name for path in (tmp_path / "parts" / "stage1").iterdir()] == ["checkpoint-00000007"]


def test_resuming_needs_the_same_run(tmp_path):
    trainer = StageTrainer(tiny.small_model(), 1, tiny.examples(), tiny.features, tmp_path)
    trainer.train_step()
    trainer.save()
    with pytest.raises(ValueError, match="another stage1_rate"):
        StageTrainer(tiny.small_model(stage1_rate=0.1), 1, tiny.examples(), tiny.features, tmp_path)
    with pytest.raises(ValueError, match="number of examples \\(10, now 3\\)"):
        StageTrainer(tiny.small_model(), 1, tiny.examples()[:3], tiny.features, tmp_path)
    with pytest.raises(ValueError, match="none to learn from"):
        StageTrainer(tiny.small_model(), 1, [], tiny.features, tmp_path / "other")


def test_bad_batches_are_left_out(tmp_path):
    def broken(keys):
        tokens, sizes = tiny.features(keys)
        return tokens * torch.nan, sizes

    model = tiny.small_model()
    before = tiny.weights(model)
    trainer = StageTrainer(model, 1, tiny.examples(), broken, tmp_path)
    with pytest.raises(NotFiniteError, match="20 steps up to 20"):
        for _ in range(30):
            trainer.train_step()
    assert all(torch.equal(before[name], value) for name, value in model.named_parameters())


def test_padding_changes_no_loss():
    model = tiny.small_model()
    items = [
        encode(example, model.vocabulary, model.config)
        for example in tiny.examples()[-2:] + tiny.examples()[:2]
    ]
    slots = model.projector(*tiny.features([0, 0, 0, 1]))
    with torch.no_grad():
        right, _ = model(collate(items, slots.shape[1], model.vocabulary), slots)
        left, _ = model(collate(items, slots.shape[1], model.vocabulary, left=True), slots)
        alone = [
            model(collate([item], slots.shape[1], model.vocabulary), slots[[n]])[0]
            for n, item in enumerate(items)
        ]
    for n, one in enumerate(alone):
        assert float(right[n].sum()) == pytest.approx(float(one.sum()), abs=1e-3)
        assert float(left[n].sum()) == pytest.approx(float(one.sum()), abs=1e-3)


def test_a_look_changes_nothing():
    model = tiny.small_model().train()
    before = tiny.weights(model)
    found = check(model, tiny.examples(), tiny.features, batch=3)
    assert model.training
    assert set(found) == {"loss", "o", "m", "r", "words"}
    assert found == pytest.approx(check(model, tiny.examples(), tiny.features, batch=64), abs=1e-4)
    assert all(torch.equal(before[name], value) for name, value in model.named_parameters())


def test_schedule_rises_and_falls():
    rates = [schedule(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[9] == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.02


@pytest.mark.parametrize("half", [False, True])
def test_saved_and_loaded_it_is_the_same(tmp_path, half):
    model = tiny.small_model(object_slots=0)
    save_model(model, tmp_path, {"note": 1}, half=half)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    ]
    again = GraspLanguageModel.load(tmp_path)
    assert not again.training
    for name, value in model.named_parameters():
        assert torch.allclose(value, dict(again.named_parameters())[name], atol=1e-3 if half else 0.0)
    thing = tiny.features([0])
    turns = tiny.request("hold the lid")
    if not half:
        tiny.assert_same_candidates(generate(again, *thing, turns, 1), generate(model, *thing, turns, 1))


def test_bad_folders(tmp_path):
    with pytest.raises(FileNotFoundError, match="has no config.json"):
        load_model(tmp_path)
    save_model(tiny.small_model(), tmp_path)
    with pytest.raises(ValueError, match="has no other base"):
        load_model(tmp_path, base="/somewhere")
    other = tiny.small_model(width=16)
    save_model(other, tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model.safetensors", tmp_path)
    with pytest.raises(ValueError, match="does not fit its configuration"):
        load_model(tmp_path)


def test_bad_weights_are_not_saved(tmp_path):
    model = tiny.small_model()
    with torch.no_grad():
        model.new_tokens.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match="new_tokens.weight is not finite"):
        save_model(model, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_which_base_needs_a_vocabulary(tmp_path):
    with pytest.raises(ValueError, match="'small' needs one"):
        GraspLanguageModel.make(tiny.config())
    with pytest.raises(ValueError, match="brings its own"):
        GraspLanguageModel.make(tiny.config(base=str(tmp_path)), tiny.vocabulary())
    with pytest.raises(FileNotFoundError, match="is not the folder of a language model"):
        GraspLanguageModel.make(tiny.config(base=str(tmp_path / "missing")))
    with pytest.raises(ValueError, match="cannot be divided by 3 heads"):
        GraspLanguageModel.make(tiny.config(heads=3), tiny.vocabulary())
