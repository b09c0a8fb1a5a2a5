"""Whitening: what it does to vectors, how it is fitted, and how a trained model learns on by it."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grasp2vec_ros.__main__ import main
from grasp2vec_ros.core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, Grasp2Vec, make_model
from grasp2vec_ros.core.inference import Perceiver, PerceiverConfig
from grasp2vec_ros.core.store import ExperienceStore
from grasp2vec_ros.core.trainer import FineTuningConfig, OnlineTrainer, TrainerConfig
from grasp2vec_ros.core.whitening import FITTED_COUNT_AS, Whitening
from grasp2vec_ros.core.whitening_fit import with_whitening
from test.grasp2vec_ros.core.helpers import make_experience

PLAIN = EncoderConfig(width=4, embedding_size=8, scene_width_px=64, held_size_px=32, held_crop=1.0)
COLOURED = dataclasses.replace(PLAIN, colour_size=16, colour_weight=0.5)
WHITENED = dataclasses.replace(COLOURED, whitening_floor=1.0)


def noisy_grasps(
    count: int, size: int, noisy: int, seed: int = 0, amount: float = 3.0
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Random objects, three views each, whose first `noisy` entries have nothing to do with the object."""
    generator = torch.Generator().manual_seed(seed)
    grasps = []
    for _ in range(count):
        truth = torch.randn(size, generator=generator)
        seen = truth + 0.3 * torch.randn(4, size, generator=generator)
        seen[:, :noisy] = amount * torch.randn(4, noisy, generator=generator)
        seen = torch.nn.functional.normalize(seen, dim=1)
        grasps.append((seen[0], seen[1:]))
    return grasps


def found(grasps: list, change=lambda vectors: vectors) -> float:
    removed, held = (torch.stack([change(part) for part in parts]) for parts in zip(*grasps, strict=True))
    cosines = torch.nn.functional.cosine_similarity(removed[:, None], held.mean(dim=1)[None], dim=2)
    return float((cosines.argmax(dim=1) == torch.arange(len(grasps))).float().mean())


def test_what_has_nothing_to_do_with_the_object_counts_less():
    whitening = Whitening([24], floor=1.0)
    whitening.count_in(noisy_grasps(200, 24, 6, seed=0))
    others = noisy_grasps(150, 24, 6, seed=1)  # of other objects
    assert found(others, whitening) > found(others) + 0.15


@given(st.integers(1, 12), st.integers(0, 5), st.floats(0.1, 100.0), st.integers(0, 2**20))
def test_undoing_gives_back_what_was_given(first: int, second: int, floor: float, seed: int):
    whitening = Whitening([first, second], floor)
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(5, first + second, generator=generator)
    assert torch.equal(whitening(vectors), vectors)  # before any grasp
    removed, held = torch.randn(4, first + second, generator=generator), torch.randn(4, 2, first + second)
    whitening.count_in(zip(removed, held, strict=True))
    assert torch.allclose(whitening.undone(whitening(vectors)), vectors, atol=1e-3)


@given(st.integers(1, 30), st.integers(0, 2**20))
def test_grasps_one_by_one_or_all_at_once(count: int, seed: int):
    grasps, at_once, one_by_one = (
        noisy_grasps(count, 6, 2, seed),
        Whitening([4, 2], 3.0),
        Whitening([4, 2], 3.0),
    )
    at_once.count_in(grasps)
    for grasp in grasps:
        one_by_one.count_in([grasp])
    assert float(at_once.attempts) == float(one_by_one.attempts) == count
    vectors = torch.randn(3, 6)
    assert torch.allclose(at_once(vectors), one_by_one(vectors), atol=1e-4)


def test_the_larger_the_floor_the_less_is_changed():
    vectors, turned = torch.randn(20, 24), []
    for floor in (0.5, 5.0, 5000.0):
        whitening = Whitening([24], floor)
        whitening.count_in(noisy_grasps(100, 24, 6))
        turned.append(float(torch.nn.functional.cosine_similarity(whitening(vectors), vectors).mean()))
    assert turned[0] < turned[1] < turned[2] and turned[2] == pytest.approx(1, abs=1e-3)


def test_what_it_was_fitted_to_counts_as_few_grasps():
    whitening = Whitening([24], floor=1.0)
    whitening.count_in(noisy_grasps(400, 24, 6, seed=0))
    whitening.count_as(10)
    before = whitening.moments0.clone()
    new = noisy_grasps(30, 24, 6, seed=2, amount=0.1)
    whitening.count_in(new)
    own = Whitening([24], floor=1.0)
    own.count_in(new)
    assert float(whitening.attempts) == 40
    assert torch.allclose(whitening.moments0, 0.25 * before + 0.75 * own.moments0, atol=1e-5)


def fitted_model(seed: int = 1) -> Grasp2Vec:
    model = make_model(WHITENED, seed).eval()
    size = WHITENED.vector_size
    generator = torch.Generator().manual_seed(seed)
    model.whitening.count_in(
        (torch.randn(size, generator=generator), torch.randn(2, size)) for _ in range(20)
    )
    return model


def image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (48, 64, 3), np.uint8)


def perceiver_of(model: Grasp2Vec) -> Perceiver:
    perceiver = Perceiver(PerceiverConfig(device="cpu"))
    perceiver.use(model, "test")
    return perceiver


def test_vectors_of_a_model_are_whitened_and_can_be_had_plain():
    model = fitted_model()
    plain_model = make_model(COLOURED).eval()
    plain_model.load_state_dict(
        {name: value for name, value in model.state_dict().items() if not name.startswith("whitening.")}
    )
    whitened, plain = perceiver_of(model), perceiver_of(plain_model)
    pairs = [(of.embed_removed(image(1), image(2)), of.embed_held([image(3)])[0]) for of in (whitened, plain)]
    for ours, theirs in zip(*pairs, strict=True):
        assert np.linalg.norm(ours) == pytest.approx(
            np.linalg.norm(theirs), rel=1e-3
        )  # parts count as before
        assert not np.allclose(ours, theirs, atol=0.05)
        assert np.allclose(whitened.plain(ours), plain.plain(theirs), atol=1e-3)


def test_heatmaps_and_vectors_are_whitened_alike():
    """Where the goal is all there is, the heatmap's cosine is that of the vectors."""
    model = fitted_model()
    learned = model.whitened_map(0, torch.randn(1, 8, 1, 1))[0, :, 0, 0]
    part = torch.nn.functional.normalize(learned, dim=0)
    vector = torch.zeros(1, WHITENED.vector_size)
    unwhitened = torch.linalg.solve(model.whitening.matrix0, learned)
    vector[0, :8] = torch.nn.functional.normalize(unwhitened, dim=0)
    assert torch.allclose(model.of_plain(vector)[0, :8], part, atol=1e-4)
    perceiver = perceiver_of(model)
    goal = perceiver.embed_held([image(1)])[0]
    heat = perceiver.heatmap(image(2), goal)
    assert heat.shape == (48, 64) and np.isfinite(heat).all()


def test_a_checkpoint_keeps_it(tmp_path):
    model = fitted_model()
    for half in (False, True):
        saved = save_checkpoint(tmp_path / str(half), model, step=3, half=half)
        read, _ = load_checkpoint(saved.path)
        vectors = torch.randn(4, WHITENED.vector_size)
        assert torch.allclose(read.of_plain(vectors), model.of_plain(vectors), atol=1e-2 if half else 1e-5)
        assert float(read.whitening.attempts) == 20


def fill(folder, count: int, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    with ExperienceStore(folder) as store:
        for _ in range(count):
            store.add(make_experience(rng))


def test_the_command_whitens_a_model(tmp_path, capsys):
    fill(tmp_path / "s", 12)
    trained = save_checkpoint(tmp_path / "trained", make_model(COLOURED, 1), step=5)
    arguments = ["--checkpoint", str(trained.path), "--store", str(tmp_path / "s"), "--output"]
    assert main(["whiten", *arguments, str(tmp_path / "w"), "--attempts", "10"]) == 0
    model, metadata = load_checkpoint(tmp_path / "w")
    assert metadata["step"] == "5" and '"whitening": {"attempts": 1' in metadata["details"]
    assert model.config == dataclasses.replace(COLOURED, whitening_floor=3.0)
    assert 0 < float(model.whitening.attempts) <= FITTED_COUNT_AS
    assert main(["whiten", *arguments, str(tmp_path / "x"), "--floor", "0"]) == 2
    assert "whitening_floor: 0" in capsys.readouterr().err
    (tmp_path / "e").mkdir()
    ExperienceStore(tmp_path / "e").close()
    arguments[3] = str(tmp_path / "e")
    assert main(["whiten", *arguments, str(tmp_path / "x")]) == 2


def whitened_checkpoint(folder):
    return save_checkpoint(folder, with_whitening(make_model(COLOURED, 1), 3.0), step=50).path


def trainer_of(tmp_path, **changes) -> OnlineTrainer:
    return OnlineTrainer(
        TrainerConfig(**changes), tmp_path / "s", tmp_path / "c", whitened_checkpoint(tmp_path / "shipped")
    )


def take_in_all(trainer: OnlineTrainer) -> list[float]:
    losses = []
    while not trainer.caught_up:
        losses.append(trainer.train_step())
    return losses


def test_a_trained_model_takes_in_every_grasp_once_and_its_weights_stay(tmp_path):
    fill(tmp_path / "s", 30)
    trainer = trainer_of(tmp_path)
    lessons = trainer.store.ids(lifted=True, split="train")
    losses = take_in_all(trainer)
    assert len(losses) == trainer.step == len(lessons) < 30 and all(0 <= loss <= 2 for loss in losses)
    assert trainer.train_step() is None
    assert trainer.status().waiting and "waiting for experience" in trainer.status().message
    learned, before = load_checkpoint(trainer.save().path)[0], make_model(COLOURED, 1)
    weights = learned.state_dict()
    assert all(torch.equal(weights[name], value) for name, value in before.state_dict().items())
    assert float(learned.whitening.attempts) == len(lessons)
    with ExperienceStore(tmp_path / "s") as store:
        while len(store.ids(lifted=True, split="train")) == len(lessons):
            store.add(make_experience(np.random.default_rng(len(store))))
    assert not trainer.caught_up and trainer.train_step() is not None and trainer.caught_up
    retrieval, compared = trainer.evaluate()
    assert compared == len(trainer.store.ids(lifted=True, split="heldout")) and 0 <= retrieval <= 1
    trainer.close()


def test_it_goes_on_with_the_grasp_at_which_it_stopped(tmp_path):
    fill(tmp_path / "s", 16)
    straight = trainer_of(tmp_path)
    take_in_all(straight)
    whole = straight._learner.averaged.whitening.moments0.clone()
    straight.reset()
    assert straight.step == 0 and not straight.caught_up
    for _ in range(4):
        straight.train_step()
    straight.close()
    again = trainer_of(tmp_path)
    assert again.step == 4
    take_in_all(again)
    assert torch.allclose(again._learner.averaged.whitening.moments0, whole, atol=1e-5)
    again.close()


def test_a_grasp_without_anything_to_see_is_left_out(tmp_path):
    fill(tmp_path / "s", 3)
    with ExperienceStore(tmp_path / "s") as store:
        rng, before = np.random.default_rng(5), len(store.ids(lifted=True, split="train"))
        while len(store.ids(lifted=True, split="train")) == before:
            nothing = make_experience(rng)
            store.add(dataclasses.replace(nothing, post=nothing.pre))
    trainer = trainer_of(tmp_path)
    losses = take_in_all(trainer)
    assert losses[-1] is None and trainer.step == before and trainer.status().skipped_batches == 1
    assert "not to be seen" in trainer.status().message
    trainer.close()


def test_how_to_learn_on_can_be_chosen(tmp_path):
    fill(tmp_path / "s", 12)
    gradient = trainer_of(tmp_path, fine_tuning=FineTuningConfig(how="gradient"), smallest_batch=4)
    before = {name: value.clone() for name, value in gradient._learner.model.named_parameters()}
    assert gradient.train_step() is not None and not gradient.caught_up
    assert any(
        not torch.equal(before[name], value) for name, value in gradient._learner.model.named_parameters()
    )
    gradient.close()
    plain = save_checkpoint(tmp_path / "plain", make_model(COLOURED, 1), step=50).path
    with pytest.raises(
        CheckpointError, match=r"fine_tuning.how: 'whitening'.*python -m grasp2vec_ros whiten"
    ):
        OnlineTrainer(
            TrainerConfig(fine_tuning=FineTuningConfig(how="whitening")),
            tmp_path / "s",
            tmp_path / "d",
            plain,
        )
    auto = OnlineTrainer(TrainerConfig(smallest_batch=4), tmp_path / "s", tmp_path / "d", plain)
    assert not auto.caught_up and auto.train_step() is not None
    auto.close()


def test_the_command_line_takes_in_a_store(tmp_path, capsys):
    fill(tmp_path / "s", 12)
    shipped = whitened_checkpoint(tmp_path / "shipped")
    arguments = [
        "--store",
        str(tmp_path / "s"),
        "--checkpoints",
        str(tmp_path / "c"),
        "--initial",
        str(shipped),
    ]
    assert main(["train", *arguments, "--steps", "100"]) == 0
    with ExperienceStore(tmp_path / "s") as store:
        count = len(store.ids(lifted=True, split="train"))
    assert f"step {count};" in capsys.readouterr().out


def test_an_object_looks_alike_after_learning(tmp_path):
    """Of objects that were learned from, what is taken is found among what is held at least as often as before."""
    rng, folder = np.random.default_rng(3), tmp_path / "s"
    with ExperienceStore(folder) as store:
        for _ in range(60):
            store.add(make_experience(rng))
    trainer = trainer_of(tmp_path)
    before = trainer._learner.retrieval(trainer.store.ids(lifted=True), trainer.store.get)[0]
    take_in_all(trainer)
    after = trainer._learner.retrieval(trainer.store.ids(lifted=True), trainer.store.get)[0]
    assert after >= before - 0.03
    trainer.close()
