import time

import numpy as np
import pytest
from semantic_grasping.msg import TrainingStatus
from semantic_grasping.srv import LoadCheckpoint, SaveCheckpoint
from std_srvs.srv import SetBool, Trigger

from grasp2vec_ros.core.store import ExperienceStore
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


def test_a_late_subscriber_gets_the_status(rig):
    rig.add(TrainerNode())
    time.sleep(1.5)
    late = rig.collect(TrainingStatus, "trainer/status", LATCHED)
    eventually(lambda: late, 3.0)
