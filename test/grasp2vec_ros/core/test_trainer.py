import copy
import time

import numpy as np
import pytest
import torch

from grasp2vec_ros.core import batches as batches_module
from grasp2vec_ros.core.augmentation import AugmentationConfig, Batch
from grasp2vec_ros.core.checkpoint import Checkpoint, CheckpointError, checkpoints, save_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, make_model
from grasp2vec_ros.core.learner import Learner, LearnerConfig, NotFiniteError
from grasp2vec_ros.core.objective import ObjectiveConfig
from grasp2vec_ros.core.store import ExperienceStore
from grasp2vec_ros.core.trainer import OnlineTrainer, TrainerConfig, make_learner
from grasp2vec_ros.core.training_state import OPTIMISER_FILE, load_training_state, save_training_state
from test.grasp2vec_ros.core.helpers import make_experience


def config(**changes: object) -> TrainerConfig:
    values = {
        "batch_size": 16,
        "smallest_batch": 4,
        "checkpoint_every_s": 0.5,
        "evaluate_every_s": 0.5,
        "encoder": EncoderConfig(
            width=8, embedding_size=32, scene_width_px=64, held_size_px=32, held_crop=1.0
        ),
        "augmentation": AugmentationConfig(window_px=32, jitter_px=4),
        "learner": LearnerConfig(learning_rate=3e-3, warm_up_steps=5),
        **changes,
    }
    return TrainerConfig(**values)


def fill(folder, count: int, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    with ExperienceStore(folder) as store:
        for _ in range(count):
            store.add(make_experience(rng))


def weights(trainer: OnlineTrainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer._learner.model.state_dict().items()}


@pytest.mark.slow
def test_it_learns(tmp_path):
    """Held-out retrieval rises well above the untrained net's."""
    fill(tmp_path / "s", 300)
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    before, gallery = trainer.evaluate()
    after = []
    for _ in range(3):  # one measurement on a few dozen attempts is noisy
        for _ in range(80):
            trainer.train_step()
        after.append(trainer.evaluate()[0])
    trainer.close()
    assert gallery >= 15
    assert np.mean(after) > before + 0.12 and np.mean(after) > 3 / gallery


def test_it_waits_for_experience_and_then_begins(tmp_path):
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    trainer.start()
    time.sleep(0.3)
    assert (
        trainer.status().waiting
        and "waiting for experience" in trainer.status().message
        and trainer.step == 0
    )
    fill(tmp_path / "s", 12)
    deadline = time.monotonic() + 20
    while trainer.step < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert trainer.step >= 3 and not trainer.status().waiting
    trainer.close()


def test_it_goes_on_where_it_stopped(tmp_path):
    """Weights, step and the optimiser's moments: the next step is the one it would have taken."""
    fill(tmp_path / "s", 20)
    first = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    for _ in range(5):
        first.train_step()
    first.close()
    second = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    assert second.step == 5
    a, b = weights(first), weights(second)
    assert all(torch.equal(a[name], b[name]) for name in a)
    moments = [state["exp_avg"].abs().sum() for state in second._learner.optimiser.state.values()]
    assert len(moments) == len(first._learner.optimiser.state) and max(moments) > 0
    second.close()


def test_a_damaged_newest_checkpoint_gives_way_to_an_older_one(tmp_path):
    fill(tmp_path / "s", 20)
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    trainer.train_step()
    trainer.save()
    trainer.train_step()
    newest = trainer.save().path
    trainer.close()
    newest.write_bytes(newest.read_bytes()[:1000])
    again = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    assert again.step == 1
    again.close()


def test_a_number_that_is_none_costs_a_batch_only(tmp_path, monkeypatch):
    fill(tmp_path / "s", 20)
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    trainer.train_step()
    real = batches_module.make_batch

    def poisoned(*arguments: object) -> object:
        batch = real(*arguments)
        batch.pre[0, 0, 0, 0] = float("nan")
        return batch

    monkeypatch.setattr(batches_module, "make_batch", poisoned)
    trainer.train_step()  # its batch was made before
    before = weights(trainer)
    assert trainer.train_step() is None
    assert trainer.status().skipped_batches == 1 and "left out" in trainer.status().message
    after = weights(trainer)
    assert all(torch.equal(before[name], after[name]) for name in before)
    monkeypatch.setattr(batches_module, "make_batch", real)
    trainer.train_step()
    assert trainer.train_step() is not None
    trainer.close()


def test_a_learner_with_a_bad_gradient_keeps_its_weights(tmp_path, monkeypatch):
    fill(tmp_path / "s", 20)
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    before = weights(trainer)
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: torch.tensor(float("inf")))
    with pytest.raises(NotFiniteError, match="gradient"):
        trainer._learner.step(trainer._batches.next().batch)
    assert all(torch.equal(before[name], value) for name, value in weights(trainer).items())
    trainer.close()


@pytest.mark.parametrize("failure", ["send_to_zero", "shared_label"])
def test_failed_grasps_teach_too(tmp_path, failure):
    fill(tmp_path / "s", 20)
    with ExperienceStore(tmp_path / "s") as store:
        for seed in range(10):
            nudged = make_experience(
                np.random.default_rng(seed + 100)
            ).pre  # something moved, nothing was taken
            store.add(make_experience(np.random.default_rng(seed), success=False, post=nudged))
    losses = []
    for weight in (0.0, 1.0):
        objective = ObjectiveConfig(failure=failure, failure_weight=weight)
        trainer = OnlineTrainer(config(objective=objective), tmp_path / "s", tmp_path / f"c{weight}")
        losses.append(trainer.train_step())
        trainer.close()
    assert losses[1] > losses[0]


def test_an_unreadable_experience_is_left_out(tmp_path):
    import sqlite3

    fill(tmp_path / "s", 20)
    connection = sqlite3.connect(tmp_path / "s/experience.sqlite3")
    connection.execute("UPDATE image SET png = x'00' WHERE experience <= 5")
    connection.commit()
    connection.close()
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    for _ in range(4):
        assert trainer.train_step() is not None
    trainer.close()


def test_pause_reset_save_and_load(tmp_path):
    fill(tmp_path / "s", 20)
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    trainer.start()
    deadline = time.monotonic() + 20
    while trainer.step < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    trainer.pause()
    step = trainer.step
    time.sleep(0.3)
    assert trainer.step == step >= 2 and trainer.status().paused
    saved = trainer.save(tmp_path / "elsewhere")
    trainer.reset()
    assert trainer.step == 0
    assert trainer.load(saved.path) == saved.version and trainer.step == step
    with pytest.raises(CheckpointError):
        trainer.load(tmp_path / "none")
    assert trainer.step == step
    trainer.close()


def test_old_checkpoints_are_deleted(tmp_path):
    fill(tmp_path / "s", 20)
    trainer = OnlineTrainer(config(keep_checkpoints=2), tmp_path / "s", tmp_path / "c")
    for _ in range(4):
        trainer.train_step()
        trainer.save()
    trainer.close()
    assert [int(path.name[10:19]) for path in checkpoints(tmp_path / "c")] == [3, 4]


def test_a_checkpoint_of_another_shape_is_refused(tmp_path):
    fill(tmp_path / "s", 20)
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    trainer.train_step()
    path = trainer.save().path
    trainer.close()
    other = OnlineTrainer(
        config(encoder=EncoderConfig(width=4, embedding_size=8)), tmp_path / "s", tmp_path / "d"
    )
    with pytest.raises(CheckpointError, match="encoder"):
        other.load(path)
    other.close()


def test_a_flipped_bit_in_the_optimisers_state_is_noticed(tmp_path):
    config = TrainerConfig(seed=3)
    learner = make_learner(config, None, torch.device("cpu"))
    learner.optimiser.state[next(learner.model.parameters())]["step"] = torch.tensor(1.0)
    save_training_state(tmp_path, learner, Checkpoint("1-abc", tmp_path / "x", 1), "{}")
    assert load_training_state(tmp_path, learner, "1-abc") == "{}"
    file = tmp_path / OPTIMISER_FILE
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(bytes(content))
    before = [value.clone() for value in learner.model.parameters()]
    assert load_training_state(tmp_path, learner, "1-abc") is None
    assert all(torch.equal(a, b) for a, b in zip(before, learner.model.parameters(), strict=True))


def test_it_begins_with_a_trained_model_and_goes_on_gently(tmp_path):
    fill(tmp_path / "s", 20)
    first = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    for _ in range(3):
        first.train_step()
    shipped = first.save(tmp_path / "shipped").path
    first.close()
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "robot", shipped)
    begun = trainer._learner.averaged.state_dict()
    saved = first._learner.averaged.state_dict()
    assert trainer.step == 0 and all(torch.equal(begun[name], saved[name]) for name in saved)
    assert trainer._learner.config.learning_rate == config().fine_tuning.learning_rate
    for _ in range(2):
        trainer.train_step()
    trainer.close()
    # Its own checkpoint counts from then on, still as fine-tuning.
    again = OnlineTrainer(config(), tmp_path / "s", tmp_path / "robot", shipped)
    assert again.step == 2 and again._learner.config.learning_rate == config().fine_tuning.learning_rate
    again.reset()
    assert again.step == 0
    assert all(torch.equal(v, saved[n]) for n, v in again._learner.averaged.state_dict().items())
    again.close()
    with pytest.raises(CheckpointError, match="does not exist"):
        OnlineTrainer(config(), tmp_path / "s", tmp_path / "x", tmp_path / "missing.safetensors")


def test_what_is_saved_is_the_average_and_learning_goes_on_from_the_weights(tmp_path):
    fill(tmp_path / "s", 20)
    trainer = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    for _ in range(4):
        trainer.train_step()
    learned, averaged = weights(trainer), trainer._learner.averaged.state_dict()
    name = "scene.head.weight"
    assert not torch.equal(learned[name], averaged[name])
    averaged = {key: value.clone() for key, value in averaged.items()}
    trainer.close()
    again = OnlineTrainer(config(), tmp_path / "s", tmp_path / "c")
    assert torch.equal(again._learner.averaged.state_dict()[name], averaged[name])
    assert torch.equal(weights(again)[name], learned[name])
    again.close()


def test_a_batch_of_whole_scenes(tmp_path):
    rng = np.random.default_rng(0)
    with ExperienceStore(tmp_path / "s") as store:
        for scene in range(12):
            for attempt in range(4):
                store.add(make_experience(rng, episode=f"scene{scene}", attempt=attempt))
        episode_of = {i: store.get(i).episode for i in store.ids()}
    trainer = OnlineTrainer(config(scene_group=4), tmp_path / "s", tmp_path / "c")
    drawn = []
    trainer._batches.cache.get = lambda experience_id: drawn.append(episode_of[experience_id])
    for _ in range(5):
        drawn.clear()
        trainer._batches._draw()
        counts = np.unique(drawn, return_counts=True)[1]
        assert 12 <= len(drawn) <= 16 and counts.mean() > 2.0
    trainer.close()


def test_the_learning_rate_rises_then_falls(tmp_path):
    fill(tmp_path / "s", 20)
    learner = LearnerConfig(learning_rate=1e-2, warm_up_steps=5, decay_steps=40)
    trainer = OnlineTrainer(config(learner=learner), tmp_path / "s", tmp_path / "c")
    rates = []
    for step in (0, 4, 20, 40, 100):
        trainer._learner.step_count = step
        rates.append(trainer._learner._learning_rate())
    trainer._learner.step_count = 0
    trainer.close()
    assert rates[0] == pytest.approx(2e-3, rel=0.01) and rates[1] > rates[2] > rates[3]
    assert rates[3] == rates[4] == pytest.approx(5e-4)


def test_a_trained_model_brings_its_encoder_with_it(tmp_path):
    """Who configures nothing goes on from any model; who chose another encoder is told."""
    fill(tmp_path / "s", 20)
    own = EncoderConfig(width=4, embedding_size=8, scene_width_px=64, held_size_px=32, held_crop=1.0)
    trained = save_checkpoint(tmp_path / "trained", make_model(own), step=5)
    plain = config(encoder=EncoderConfig())
    trainer = OnlineTrainer(plain, tmp_path / "s", tmp_path / "c", trained.path)
    assert trainer.config is plain and plain.encoder == own
    assert trainer.train_step() is not None
    trainer.save()
    trainer.close()
    # Its own checkpoints come first; the initial model that fits them no longer is named.
    other = save_checkpoint(tmp_path / "other", make_model(EncoderConfig(width=8, embedding_size=8)), step=5)
    with pytest.raises(CheckpointError, match="that fit together"):
        OnlineTrainer(config(encoder=EncoderConfig()), tmp_path / "s", tmp_path / "c", other.path)
    with pytest.raises(CheckpointError, match="that fit together"):
        OnlineTrainer(config(), tmp_path / "s", tmp_path / "d", trained.path)


def test_a_trunk_that_has_learned_before_learns_slower_or_not_at_all():
    image = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    batch = Batch(image, image.flip(0), image, image)
    moved = {}
    for frozen, rate in ((0, 0.1), (0, 1.0), (3, 1.0)):
        model = make_model(EncoderConfig(backbone="efficientnet_lite0", width=4, blocks=1), seed=1)
        # The trunk's maps must count for something, or nothing is learned there.
        for project in model.scene.backbone.lateral:
            torch.nn.init.normal_(project[1].weight, std=0.1)
        settings = LearnerConfig(trunk_rate=rate, frozen_stages=frozen, warm_up_steps=0, weight_decay=0.0)
        learner = Learner(model, settings, ObjectiveConfig(), torch.device("cpu"))
        before = copy.deepcopy(model.scene.backbone.trunk.state_dict())
        learner.step(batch)
        after = model.scene.backbone.trunk.state_dict()
        moved[frozen, rate] = {name: float((after[name] - before[name]).abs().max()) for name in before}
    assert moved[0, 0.1]["stem.weight"] == pytest.approx(0.1 * moved[0, 1.0]["stem.weight"], rel=0.05)
    stages = {name.split(".")[1] for name, size in moved[3, 1.0].items() if size > 0}
    assert stages == {"3", "4", "5", "6"}


def test_depthwise_filters_can_stay_as_they_are():
    model = make_model(EncoderConfig(backbone="efficientnet_lite0", width=4, blocks=1), seed=1)
    model.freeze_trunk(2, depthwise=True)
    learning = {name for name, p in model.scene.backbone.trunk.named_parameters() if p.requires_grad}
    assert learning and not any("depthwise" in name for name in learning)
    assert {name.split(".")[1] for name in learning} == {"2", "3", "4", "5", "6"}
