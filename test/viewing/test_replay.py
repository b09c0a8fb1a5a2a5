"""The simulated cell is recorded into MCAP, and the bag goes through fresh nodes on another DDS domain."""

import os
import subprocess
import sys

import numpy as np
import pytest
from rosbags.highlevel import AnyReader
from semantic_grasping.action import CollectGrasps
from semantic_grasping.msg import Goal, GraspReward
from semantic_grasping.srv import SetGoal
from sensor_msgs.msg import Image

from grasp2vec_ros.nodes.capture import CaptureNode
from grasp2vec_ros.nodes.grasping import GraspingNode
from grasp2vec_ros.nodes.perception import PerceptionNode
from grasp_bags.kinds import definitions
from grasp_bags.player import Player, tracks
from grasp_bags.recorder import Recorder
from grasp_cell.config import CellConfig
from grasp_cell.node import CellNode
from grasp_cell.scene import make_cameras
from grasp_node_kit.bringup.bags import INPUTS, RESULTS
from grasp_node_kit.extrinsics import rotation_xyzw
from grasp_node_kit.images import array_to_image
from grasp_node_kit.newest import stamp_ns
from grasp_node_kit.qos import LATCHED, SENSOR
from test.rig import Rig, eventually

CAMERA = make_cameras(CellConfig())["scene"].base_from_camera
CAMERAS = ["scene/image", "scene/depth", "scene/camera_info", "held/image", "joint_states"]
GOAL = "first thing"


def rig_for(folder, **parameters) -> Rig:
    return Rig(
        store=folder / "store",
        checkpoints=folder / "checkpoints",
        scene_width_px=160,
        scene_height_px=120,
        held_size_px=64,
        seen_toys=6,
        novel_toys=1,
        objects_per_scene=4,
        real_time_factor=0.0,
        camera_rate_hz=10.0,
        **{
            "extrinsics.translation_m": CAMERA[:3, 3].tolist(),
            "extrinsics.rotation_xyzw": rotation_xyzw(CAMERA),
        },
        **parameters,
    )


def set_goal(rig: Rig, picture: np.ndarray) -> None:
    request = SetGoal.Request(goal_id=GOAL, images=[array_to_image(picture, "rgb8")])
    answer = rig.call(SetGoal, "perception/set_goal", request)
    assert answer.success, answer.message


@pytest.fixture(scope="module")
def goal_picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def bag(tmp_path_factory, goal_picture):
    """Two attempts in the cell with all inputs and results."""
    folder = tmp_path_factory.mktemp("recorded")
    rig = rig_for(folder)
    try:
        for kind in (CellNode, CaptureNode, PerceptionNode, GraspingNode):
            rig.add(kind())
        recorder = Recorder(rig.client, folder / "bag", [*CAMERAS, *INPUTS, *RESULTS, "clock"])
        set_goal(rig, goal_picture)
        rig.act(CollectGrasps, "grasping/collect_grasps", CollectGrasps.Goal(attempts=2, held_views=1))
        eventually(lambda: recorder.counts["/perception/reward"] >= 2)
        recorder.close()
    finally:
        rig.close()
    return folder / "bag"


def read(bag, topic: str) -> list:
    with AnyReader([bag], default_typestore=definitions()) as reader:
        chosen = [c for c in reader.connections if c.topic == topic]
        return [reader.deserialize(raw, c.msgtype) for c, _, raw in reader.messages(chosen)]


def test_a_bag_holds_what_went_in_and_what_was_said(bag):
    found = tracks(bag)
    assert {f"/{name}" for name in CAMERAS} <= set(found) and "/clock" in found
    assert found["/perception/reward"].count == found["/capture/experience"].count == 2
    assert found["/perception/heatmap"].count > 1 and found["/perception/goal"].count >= 1
    assert found["/capture/experience"].kind == "semantic_grasping/msg/GraspExperience"
    assert next(bag.glob("*.mcap")).stat().st_size < 4_000_000


def test_fresh_nodes_say_the_same_rewards_and_heatmaps(bag, tmp_path, goal_picture):
    before = os.environ["ROS_DOMAIN_ID"]
    rig = rig_for(tmp_path)
    try:
        assert os.environ["ROS_DOMAIN_ID"] != before
        rig.add(PerceptionNode())
        heatmaps = rig.collect(Image, "perception/heatmap")
        rewards = rig.collect(GraspReward, "perception/reward")
        scenes = rig.collect(Image, "scene/image", SENSOR)
        set_goal(rig, goal_picture)
        player = Player(
            rig.client, bag, ["/scene/image", "/scene/depth", "/scene/camera_info", "/capture/experience"]
        )
        assert not player.wait_for_subscribers(10.0)
        sent = player.play()
        eventually(lambda: len(rewards) == sent["/capture/experience"] == 2 and len(heatmaps) > 1)
        eventually(lambda: heatmaps[-1].header.stamp == scenes[-1].header.stamp)
    finally:
        rig.close()
    recorded = {each.experience_id: each for each in read(bag, "/perception/reward")}
    # Something was held, so that the rewards say something.
    assert any(reward.lifted and reward.cosine != 0 for reward in rewards)
    for reward in rewards:
        same = recorded[reward.experience_id]
        assert (reward.goal_id, reward.reward, reward.lifted) == (GOAL, same.reward, same.lifted)
        assert reward.cosine == same.cosine or (np.isnan(reward.cosine) and np.isnan(same.cosine))
        assert reward.held_model_version == same.held_model_version
    were = {stamp_ns(each.header.stamp): each for each in read(bag, "/perception/heatmap")}
    compared = [each for each in heatmaps if stamp_ns(each.header.stamp) in were]
    assert len(compared) >= 2
    for heatmap in compared:
        assert heatmap.data.tobytes() == were[stamp_ns(heatmap.header.stamp)].data.tobytes()


def test_latched_topics_of_a_bag_reach_who_comes_late(bag, tmp_path):
    rig = Rig()
    try:
        Player(rig.client, bag, ["/perception/goal"]).play(rate=100.0)
        goals = rig.collect(Goal, "/perception/goal", LATCHED)
        assert eventually(lambda: goals and goals[-1]).goal_id == GOAL
    finally:
        rig.close()


def test_a_bag_that_exists_is_not_overwritten(bag):
    rig = Rig()
    try:
        with pytest.raises(ValueError, match="exists; choose another folder"):
            Recorder(rig.client, bag, ["scene/image"])
        with pytest.raises(ValueError, match=r"topics: /nothing not in .*it has .*/scene/image"):
            Player(rig.client, bag, ["/nothing"])
        with pytest.raises(ValueError, match="rate: 0 is not above 0"):
            Player(rig.client, bag, ["/clock"]).play(rate=0)
    finally:
        rig.close()


def test_the_command_line_lists_and_plays(bag):
    def run(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "grasp_bags", *arguments], capture_output=True, text=True, timeout=60
        )

    assert "/perception/reward  semantic_grasping/msg/GraspReward" in run("info", str(bag)).stdout
    played = run("play", str(bag), "--rate", "100", "--wait", "0")
    assert played.returncode == 0 and "messages of" in played.stdout and "/scene/image" in played.stderr
    refused = run("play", "nowhere")
    assert refused.returncode == 1 and "there is no nowhere" in refused.stderr
