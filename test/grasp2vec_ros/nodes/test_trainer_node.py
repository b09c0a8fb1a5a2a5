import time

import numpy as np
import pytest
import torch
from semantic_grasping.msg import TrainingStatus
from semantic_grasping.srv import LoadCheckpoint, SaveCheckpoint
from std_srvs.srv import SetBool, Trigger

from grasp2vec_ros.core.checkpoint import load_checkpoint, save_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, make_model
from grasp2vec_ros.core.store import ExperienceStore
from grasp2vec_ros.core.whitening_fit import with_whitening
from grasp2vec_ros.nodes.trainer import TrainerNode
from grasp_node_kit.qos import LATCHED
from test.grasp2vec_ros.core.helpers import make_experience
from test.rig import Rig, eventually

SMALL = {
    "initial_checkpoint": "none",
    "encoder.width": 4,
    "encoder.embedding_size": 8,
    "encoder.scene_width_px": 64,
    "encoder.held_size_px": 32,
    "augmentation.window_px": 32,
    "batch_size": 8,
    "smallest_batch": 4,
}


def fill(folder, count: int) -> None:
    with ExperienceStore(folder) as store:
        for seed in range(count):
            store.add(make_experience(np.random.default_rng(seed)))


@pytest.fixture
def rig(tmp_path):
    made = Rig(store=tmp_path / "store", checkpoints=tmp_path / "checkpoints", **SMALL)
    yield made
    made.close()


def test_it_learns_says_so_and_does_what_it_is_told(rig, tmp_path):
    node = rig.add(TrainerNode())
    assert node.training.encoder.width == 4  # groups of parameters reach the parts
    waiting = rig.collect(TrainingStatus, "trainer/status", LATCHED)
    assert "waiting for experience" in eventually(lambda: waiting and waiting[-1]).message
    fill(tmp_path / "store", 30)
    eventually(lambda: waiting[-1].step >= 3, 30.0)
    assert waiting[-1].experiences == 30 and waiting[-1].loss > 0
    assert rig.call(SetBool, "trainer/pause", SetBool.Request(data=True)).success
    step = node.trainer.step
    time.sleep(0.5)
    assert node.trainer.step == step and eventually(lambda: waiting[-1].paused)
    saved = rig.call(SaveCheckpoint, "trainer/save_checkpoint", SaveCheckpoint.Request())
    assert saved.success and saved.version.startswith(f"{step}-")
    assert rig.call(Trigger, "trainer/reset", Trigger.Request()).success and node.trainer.step == 0
    loaded = rig.call(LoadCheckpoint, "trainer/load_checkpoint", LoadCheckpoint.Request())
    assert loaded.version == saved.version and node.trainer.step == step
    missing = rig.call(LoadCheckpoint, "trainer/load_checkpoint", LoadCheckpoint.Request(path="/nowhere/x"))
    assert not missing.success and "/nowhere/x" in missing.message
    assert rig.call(SetBool, "trainer/pause", SetBool.Request(data=False)).success
    eventually(lambda: node.trainer.step > step)


def test_a_trained_model_takes_in_what_is_stored_and_says_so(tmp_path):
    """Perception gets a checkpoint that knows the new grasps; the weights are those that it began with."""
    model = with_whitening(make_model(EncoderConfig(width=4, embedding_size=8, scene_width_px=64)), 3.0)
    initial = save_checkpoint(tmp_path / "initial", model, step=7)
    made = Rig(
        store=tmp_path / "store", checkpoints=tmp_path / "checkpoints", initial_checkpoint=str(initial.path)
    )
    try:
        fill(tmp_path / "store", 12)
        node = made.add(TrainerNode())
        told = made.collect(TrainingStatus, "trainer/status", LATCHED)
        with ExperienceStore(tmp_path / "store", read_only=True) as store:
            lessons = len(store.ids(lifted=True, split="train"))
        eventually(lambda: told and told[-1].step == lessons, 20.0)
        eventually(lambda: "taken in" in told[-1].message and told[-1].waiting)
        assert "taken in" in node.waiting_for() and 0 <= told[-1].loss <= 2
        saved = made.call(SaveCheckpoint, "trainer/save_checkpoint", SaveCheckpoint.Request())
        learned, _ = load_checkpoint(saved.path)
        assert float(learned.whitening.attempts) == lessons
        known = model.state_dict()
        assert all(torch.equal(known[name], value) for name, value in learned.named_parameters())
    finally:
        made.close()


def test_a_late_subscriber_gets_the_status(rig):
    rig.add(TrainerNode())
    time.sleep(1.5)
    late = rig.collect(TrainingStatus, "trainer/status", LATCHED)
    eventually(lambda: late, 3.0)
