import math
import os
import subprocess
import sys

import numpy as np
import pytest
from geometry_msgs.msg import PointStamped
from semantic_grasping.msg import Goal, GoalHeatmap, GraspExperience, GraspReward
from semantic_grasping.srv import Embed, LoadCheckpoint, ScoreOutcome, SetGoal
from sensor_msgs.msg import Image, RegionOfInterest
from std_msgs.msg import String
from std_srvs.srv import Trigger

from grasp2vec_ros.core.checkpoint import read_metadata, save_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, make_model
from grasp2vec_ros.core.inference import default_checkpoint
from grasp2vec_ros.core.store import ExperienceStore
from grasp2vec_ros.nodes.messages import experience_message
from grasp2vec_ros.nodes.perception import PerceptionNode
from grasp_node_kit.images import array_to_image, image_to_float, image_to_rgb
from grasp_node_kit.qos import LATCHED
from test.grasp2vec_ros.core.helpers import draw_object, make_experience
from test.rig import FAKE_CAMERA, FakeRobot, Rig, eventually

SMALL = EncoderConfig(width=4, embedding_size=16, scene_width_px=160, held_size_px=32, held_crop=1.0)


@pytest.fixture
def rig(tmp_path):
    made = Rig(
        store=tmp_path / "store",
        checkpoints=tmp_path / "checkpoints",
        initial_checkpoint="none",
        reload_every_s=0.2,
        **FAKE_CAMERA,
    )
    yield made
    made.close()


def picture(kind: int) -> Image:
    return array_to_image(draw_object(kind, 48), "rgb8")


def set_goal(rig: Rig, **fields: object) -> SetGoal.Response:
    return rig.call(SetGoal, "perception/set_goal", SetGoal.Request(**fields))


def test_heatmap_peak_and_point_belong_to_the_scene(rig):
    rig.add(FakeRobot())
    rig.add(PerceptionNode())
    heatmaps, infos = (
        rig.collect(Image, "perception/heatmap"),
        rig.collect(GoalHeatmap, "perception/heatmap_info"),
    )
    overlays, points = (
        rig.collect(Image, "perception/overlay"),
        rig.collect(PointStamped, "perception/target_point"),
    )
    scenes = rig.collect(Image, "scene/image")
    answer = set_goal(rig, images=[picture(2)], label="block")
    assert answer.success and answer.goal.images == 1 and len(answer.goal.embedding) == 128
    eventually(lambda: len(heatmaps) > 2 and len(infos) > 2 and overlays and points)
    info = infos[-1]
    heat = image_to_float(next(h for h in heatmaps if h.header.stamp == info.header.stamp))
    assert heat.shape == (120, 160) and np.unravel_index(heat.argmax(), heat.shape) == (
        info.peak_v,
        info.peak_u,
    )
    assert info.peak_score == pytest.approx(float(heat.max())) and -1.1 <= info.peak_score <= 1.1
    assert info.header.frame_id == "scene_camera" and info.header.stamp in [
        scene.header.stamp for scene in scenes
    ]
    assert info.point_valid and info.point.header.frame_id == "base"
    # Straight down from 1 m over (0.5, 0): columns along -y.
    assert info.point.point.y == pytest.approx(
        (80 - info.peak_u - 0.5) / 800 * (1 - info.point.point.z), abs=1e-3
    )
    assert image_to_rgb(overlays[-1]).shape == (120, 160, 3)


def test_missing_depth_is_no_point_but_still_a_heatmap(rig):
    robot = rig.add(FakeRobot())
    robot.with_depth = False
    rig.add(PerceptionNode())
    infos = rig.collect(GoalHeatmap, "perception/heatmap_info")
    set_goal(rig, images=[picture(1)])
    assert not eventually(lambda: infos and infos[-1]).point_valid


def test_a_goal_stays_valid_after_a_new_checkpoint(rig, tmp_path):
    rig.add(PerceptionNode())
    goals = rig.collect(Goal, "perception/goal", LATCHED)
    first = set_goal(rig, goal_id="mug", images=[picture(1)]).goal
    assert first.model_version == "untrained"
    checkpoint = save_checkpoint(tmp_path / "checkpoints", make_model(SMALL, 3), step=10)
    renewed = eventually(lambda: goals and goals[-1].model_version == checkpoint.version and goals[-1])
    assert renewed.goal_id == "mug" and len(renewed.embedding) == 16
    scored = rig.call(
        ScoreOutcome, "perception/score_outcome", ScoreOutcome.Request(image=picture(1), goal_id="mug")
    )
    assert scored.success and scored.reward.reward == pytest.approx(1.0, abs=1e-3)
    assert scored.reward.held_model_version == scored.reward.goal_model_version == checkpoint.version


def test_rewards_follow_experiences(rig):
    rig.add(PerceptionNode())
    rewards = rig.collect(GraspReward, "perception/reward")
    publisher = rig.client.create_publisher(GraspExperience, "capture/experience", 10)
    eventually(lambda: publisher.get_subscription_count())
    set_goal(rig, goal_id="a", images=[picture(1)])
    set_goal(rig, goal_id="b", images=[picture(2)])
    rng = np.random.default_rng(0)
    held = [draw_object(1, 48)]
    lifted = experience_message(
        make_experience(
            rng, held=held, commanded_goal="a", episode="e", attempt=4, held_stamps_ns=[7 * 10**9]
        )
    )
    publisher.publish(lifted)
    publisher.publish(experience_message(make_experience(rng, success=False)))
    eventually(lambda: len(rewards) == 2)
    first = next(r for r in rewards if r.lifted)
    second = next(r for r in rewards if not r.lifted)
    assert first.goal_id == "a" and first.step == 4 and first.episode == "e" and first.image_stamp.sec == 7
    assert first.reward == pytest.approx(1.0, abs=1e-3) and first.experience_id == lifted.experience_id
    assert second.goal_id == "b" and second.reward == 0.0 and math.isnan(second.cosine)


def test_goals_of_every_source(rig, tmp_path):
    rig.add(FakeRobot())
    rig.add(PerceptionNode())
    with ExperienceStore(tmp_path / "store") as store:
        stored = store.add(make_experience(np.random.default_rng(0)))
    by_experience = set_goal(rig, experience_ids=[stored])
    assert by_experience.success and by_experience.goal.source == Goal.SOURCE_EXPERIENCE
    crop = RegionOfInterest(x_offset=30, y_offset=20, width=24, height=24)
    by_crop = eventually(lambda: (answer := set_goal(rig, crop=crop)).success and answer)
    assert by_crop.goal.source == Goal.SOURCE_SCENE_CROP
    average = set_goal(rig, goal_ids=[by_experience.goal.goal_id, by_crop.goal.goal_id])
    assert average.goal.source == Goal.SOURCE_AVERAGE and average.goal.images == 2
    assert set_goal(rig, images=[picture(1)], experience_ids=[stored]).goal.source == Goal.SOURCE_MIXED


def test_bad_goals_are_refused_by_name_and_nothing_changes(rig, tmp_path):
    rig.add(FakeRobot())
    node = rig.add(PerceptionNode())
    good = set_goal(rig, goal_id="good", images=[picture(1)])
    eventually(lambda: node._scene.newest)
    assert good.success
    wrong = picture(1)
    wrong.encoding = "nonsense8"
    short = picture(1)
    short.height = 99
    with ExperienceStore(tmp_path / "store") as store:
        failed = store.add(make_experience(np.random.default_rng(0), success=False))
    cases = [
        ({}, "images"),
        ({"images": [wrong]}, "images[0].encoding"),
        ({"images": [picture(1), short]}, "images[1].data"),
        ({"images": [Image(encoding="rgb8")]}, "images[0]: is empty"),
        ({"images": [picture(1)] * 65}, "images: 65"),
        ({"goal_ids": ["nonsense"]}, "'nonsense' is unknown; known goals: good"),
        ({"experience_ids": ["nonsense"]}, "experience_id: 'nonsense'"),
        ({"experience_ids": [failed]}, "lifted nothing"),
        ({"images": [picture(1)], "label": "x" * 300}, "label"),
        ({"crop": RegionOfInterest(x_offset=150, y_offset=0, width=50, height=20)}, "crop: 50x20"),
    ]
    for fields, words in cases:
        answer = set_goal(rig, **fields)
        assert not answer.success and words in answer.message, (fields.keys(), answer.message)
    assert node._current == "good"
    for request, words in (
        (ScoreOutcome.Request(image=picture(1), goal_id="nonsense"), "'nonsense' is unknown"),
        (ScoreOutcome.Request(image=Image(), goal_id="good"), "image: is empty"),
    ):
        answer = rig.call(ScoreOutcome, "perception/score_outcome", request)
        assert not answer.success and words in answer.message
    assert "kind: 7" in rig.call(Embed, "perception/embed", Embed.Request(image=picture(1), kind=7)).message


def test_an_unreadable_checkpoint_is_named_and_the_model_stays(rig, tmp_path):
    node = rig.add(PerceptionNode())
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nonsense")
    answer = rig.call(LoadCheckpoint, "perception/load_checkpoint", LoadCheckpoint.Request(path=str(bad)))
    assert (
        not answer.success and "bad.safetensors" in answer.message and node._perceiver.version == "untrained"
    )
    good = save_checkpoint(tmp_path / "other", make_model(SMALL), step=5)
    answer = rig.call(
        LoadCheckpoint, "perception/load_checkpoint", LoadCheckpoint.Request(path=str(good.path))
    )
    assert answer.success and answer.version == good.version
    embedded = rig.call(Embed, "perception/embed", Embed.Request(image=picture(1), kind=Embed.Request.SCENE))
    assert embedded.success and len(embedded.embedding) == 16 and embedded.model_version == good.version


def test_clearing_goals_ends_heatmaps(rig):
    rig.add(FakeRobot())
    rig.add(PerceptionNode())
    infos = rig.collect(GoalHeatmap, "perception/heatmap_info")
    set_goal(rig, images=[picture(1)])
    eventually(lambda: infos)
    assert "1 goal(s)" in rig.call(Trigger, "perception/clear_goals", Trigger.Request()).message
    answer = rig.call(ScoreOutcome, "perception/score_outcome", ScoreOutcome.Request(image=picture(1)))
    assert not answer.success and "no goal is set" in answer.message


_SUBSCRIBER = """
import rclpy
from sensor_msgs.msg import Image
from semantic_grasping.msg import GraspReward
rclpy.init()
node = rclpy.create_node("somebody_else")
got = {}
node.create_subscription(Image, "perception/heatmap", lambda m: got.setdefault("heatmap", (m.encoding, m.height, m.width)), 10)
node.create_subscription(GraspReward, "perception/reward", lambda m: got.setdefault("reward", (m.goal_id, round(m.reward, 2))), 10)
print("ready", flush=True)
while len(got) < 2:
    rclpy.spin_once(node, timeout_sec=0.5)
print(got, flush=True)
"""


def test_the_shipped_model_is_in_use_by_default(tmp_path):
    rig = Rig(store=tmp_path / "store", checkpoints=tmp_path / "checkpoints", **FAKE_CAMERA)
    try:
        rig.add(PerceptionNode())
        model = rig.collect(String, "perception/model", LATCHED)
        shipped = read_metadata(default_checkpoint())["version"]
        assert eventually(lambda: model and model[-1]).data == shipped
    finally:
        rig.close()


def test_a_plain_subscriber_in_another_process_gets_heatmap_and_reward(rig):
    rig.add(FakeRobot())
    rig.add(PerceptionNode())
    other = subprocess.Popen(
        [sys.executable, "-c", _SUBSCRIBER], stdout=subprocess.PIPE, text=True, env=os.environ
    )
    assert other.stdout.readline().strip() == "ready"
    publisher = rig.client.create_publisher(GraspExperience, "capture/experience", 10)
    set_goal(rig, goal_id="mug", images=[picture(1)])
    message = experience_message(make_experience(np.random.default_rng(0), held=[draw_object(1, 48)]))
    rig.client.create_timer(0.3, lambda: publisher.publish(message))
    try:
        received, _ = other.communicate(timeout=20)
    finally:
        other.kill()
    assert "('32FC1', 120, 160)" in received and "('mug', 1.0)" in received
