"""What is too large or too many on the wire is refused by name, and the node goes on."""

from __future__ import annotations

import numpy as np
import pytest
from semantic_grasping.action import CollectGrasps, ExecuteGrasp, GraspObject, ReleaseObject
from semantic_grasping.msg import GraspExperience, GraspReward
from semantic_grasping.srv import (
    AddHeldView,
    BeginAttempt,
    CompleteAttempt,
    Embed,
    GenerateGrasp,
    LoadCheckpoint,
    SaveCheckpoint,
    ScoreOutcome,
    SetGoal,
)
from sensor_msgs.msg import CameraInfo, Image, JointState, PointCloud2, PointField

from grasp2vec_ros.core.goals import MOST_GOALS, GoalEntry
from grasp_node_kit.images import array_to_image, image_to_depth_m, image_to_rgb
from grasp_node_kit.intrinsics import intrinsics_of
from grasp_node_kit.limits import LARGEST_SIDE_PX, LONGEST_TEXT, MOST_JOINTS
from semgrasp_ros.core.cloud.packed import MOST_POINTS
from semgrasp_ros.nodes.messages import arrays_to_cloud, cloud_to_arrays
from test.grasp_node_kit.every_node import make
from test.rig import FakeRobot, Rig, eventually

LONG = "x" * 100_000
NAMES = ("capture", "perception", "trainer", "grasping", "semgrasp", "cell")


class Nodes:
    """All nodes with a robot; the cell in a namespace of its own."""

    def __init__(self, folder) -> None:
        self.rig = Rig()
        self.robot = self.rig.add(FakeRobot())
        self.nodes = {
            name: self.rig.add(make(name, folder, "/other" if name == "cell" else "")) for name in NAMES
        }


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    made = Nodes(tmp_path_factory.mktemp("limits"))
    yield made
    made.rig.close()


def picture(**changed: object) -> Image:
    message = array_to_image(np.zeros((8, 8, 3), np.uint8), "rgb8")
    for name, value in changed.items():
        setattr(message, name, value)
    return message


def cloud(**changed: object) -> PointCloud2:
    message = arrays_to_cloud(np.random.default_rng(0).uniform(-0.03, 0.03, (500, 3)))
    for name, value in changed.items():
        setattr(message, name, value)
    return message


def many_fields(count: int) -> list[PointField]:
    return [PointField(name=f"f{i}", datatype=7, count=1) for i in range(count)]


PLY = {"instruction": "hold it"}
CASES = [
    ("capture/begin_attempt", BeginAttempt, {"episode": LONG}, "episode: longer than 256"),
    ("capture/begin_attempt", BeginAttempt, {"robot_id": LONG}, "robot_id: longer"),
    ("capture/add_held_view", AddHeldView, {"attempt_id": LONG}, "is not open"),
    ("capture/complete_attempt", CompleteAttempt, {"attempt_id": LONG}, "is not open"),
    ("perception/set_goal", SetGoal, {"goal_id": LONG}, "goal_id: longer"),
    ("perception/set_goal", SetGoal, {"label": LONG}, "label: longer"),
    ("perception/set_goal", SetGoal, {"images": [picture()] * 65}, "images: 65 given"),
    ("perception/set_goal", SetGoal, {"goal_ids": ["a"] * 1000}, "goal_ids: 1000 given"),
    ("perception/set_goal", SetGoal, {"goal_ids": [LONG]}, "longer than 256"),
    ("perception/set_goal", SetGoal, {"experience_ids": ["a"] * 1000}, "experience_ids: 1000 given"),
    ("perception/set_goal", SetGoal, {"experience_ids": [LONG]}, "longer than 256"),
    ("perception/set_goal", SetGoal, {"images": [picture(width=100_000)]}, f"more than {LARGEST_SIDE_PX}"),
    ("perception/set_goal", SetGoal, {"images": [picture(encoding=LONG)]}, "cannot be read as colours"),
    ("perception/score_outcome", ScoreOutcome, {"image": picture(), "goal_id": LONG}, "goal_id: longer"),
    ("perception/score_outcome", ScoreOutcome, {"image": picture(), "episode": LONG}, "episode: longer"),
    ("perception/embed", Embed, {"image": picture(height=2**31)}, "pixels are more"),
    ("perception/load_checkpoint", LoadCheckpoint, {"path": LONG}, "path: longer"),
    ("trainer/load_checkpoint", LoadCheckpoint, {"path": LONG}, "path: longer"),
    ("trainer/save_checkpoint", SaveCheckpoint, {"path": LONG}, "path: longer"),
    ("semgrasp/generate_grasp", GenerateGrasp, {"instruction": LONG}, "instruction: 100000 characters"),
    ("semgrasp/generate_grasp", GenerateGrasp, {"turns": ["a"] * 999}, "turns: 999 texts"),
    ("semgrasp/generate_grasp", GenerateGrasp, PLY | {"part": LONG}, "part: 100000 characters"),
    ("semgrasp/generate_grasp", GenerateGrasp, PLY | {"manner": LONG}, "manner"),
    ("semgrasp/generate_grasp", GenerateGrasp, PLY | {"candidates": 10_000}, "candidates: 10000"),
    (
        "semgrasp/generate_grasp",
        GenerateGrasp,
        PLY | {"cloud": cloud(width=2**31, height=4)},
        f"more than {MOST_POINTS}",
    ),
    (
        "semgrasp/generate_grasp",
        GenerateGrasp,
        PLY | {"cloud": cloud(fields=many_fields(1000))},
        "cloud.fields: 1000 given",
    ),
    (
        "semgrasp/generate_grasp",
        GenerateGrasp,
        PLY | {"cloud": cloud(fields=[PointField(name=LONG)])},
        "cloud.fields: longer",
    ),
    (
        "semgrasp/generate_grasp",
        GenerateGrasp,
        PLY | {"cloud": cloud(), "mask": picture(encoding=LONG)},
        "is no mask",
    ),
]


@pytest.mark.parametrize(
    ("service", "kind", "fields", "words"), CASES, ids=[f"{c[0]}-{'-'.join(c[2])}-{c[3][:12]}" for c in CASES]
)
def test_a_request_that_is_too_large_is_refused_by_name(nodes, service, kind, fields, words):
    answer = nodes.rig.call(kind, service, kind.Request(**fields))
    assert not answer.success and words in answer.message
    # Nor is what was too long sent back.
    assert len(answer.message) < 1000 and nodes.nodes[service.split("/")[0]].active


@pytest.mark.parametrize(
    ("name", "kind", "goal", "words"),
    [
        ("grasping/collect_grasps", CollectGrasps, {"held_views": 99}, "held_views: 99"),
        ("grasping/collect_grasps", CollectGrasps, {"episode": LONG}, "episode: 100000"),
        ("grasping/collect_grasps", CollectGrasps, {"duration_s": float("nan")}, "duration_s: nan"),
        ("grasping/grasp_object", GraspObject, {"goal_id": LONG}, "goal_id"),
        ("grasping/grasp_object", GraspObject, {"max_attempts": 10**6}, "max_attempts: 1000000"),
        ("/other/execute_grasp", ExecuteGrasp, {"opening": 9.0}, "base frame"),
    ],
)
def test_an_action_that_is_too_large_is_refused_by_name(nodes, name, kind, goal, words):
    _, result = nodes.rig.act(kind, name, kind.Goal(**goal))
    assert result.outcome != kind.Result.OK and words in result.message and len(result.message) < 1000


def test_a_place_that_is_no_place_is_refused(nodes):
    goal = ReleaseObject.Goal()
    goal.place.header.frame_id, goal.place.point.x = "panda_link0", float("inf")
    _, result = nodes.rig.act(ReleaseObject, "/other/release_object", goal)
    assert not result.success and "not finite" in result.message


def test_too_many_goals_are_refused(nodes):
    perception = nodes.nodes["perception"]
    entry = GoalEntry("", "", 1, (), np.zeros(128, np.float32), "untrained")
    perception._goals._goals = {str(i): entry for i in range(MOST_GOALS)}
    request = SetGoal.Request(goal_id="one more", images=[picture()])
    answer = nodes.rig.call(SetGoal, "perception/set_goal", request)
    assert not answer.success and f"{MOST_GOALS} goals" in answer.message
    perception._goals.clear()


def test_messages_that_are_too_large_are_dropped(nodes):
    perception, grasping = nodes.nodes["perception"], nodes.nodes["grasping"]
    rewards = nodes.rig.collect(GraspReward, "perception/reward")
    assert nodes.rig.call(
        SetGoal, "perception/set_goal", SetGoal.Request(goal_id="it", images=[picture()])
    ).success
    eventually(lambda: nodes.rig.client.count_publishers("perception/reward"))
    good = GraspExperience(experience_id="good", success=True, held=[picture()])
    for message in (
        GraspExperience(experience_id="many", success=True, held=[picture()] * 100),
        GraspExperience(experience_id=LONG, success=True, held=[picture()]),
        GraspExperience(experience_id="long", commanded_goal=LONG, success=True, held=[picture()]),
        good,
    ):
        perception._reward_experience(message)
    eventually(lambda: rewards)
    assert [reward.experience_id for reward in rewards] == ["good"]
    for i in range(100):
        grasping._keep_reward(GraspReward(experience_id=str(i)))
    grasping._keep_reward(GraspReward(experience_id=LONG))
    assert len(grasping._rewards) == 32 and LONG not in grasping._rewards


def test_joints_without_end_are_refused(nodes):
    capture = nodes.nodes["capture"]
    names = [str(i) for i in range(MOST_JOINTS + 1)]
    nodes.robot.publish = lambda: None
    capture._joints.put(JointState(name=names, position=[0.0] * len(names)))
    slot, capture._joints = capture._joints, type(capture._joints)("still")
    capture._joints.put(slot.newest)
    with pytest.raises(ValueError, match="joint_states.name: 1025 given"):
        capture._opening_m()
    capture._joints = slot


def test_texts_are_bounded_in_what_is_said_about_them():
    for read in (image_to_rgb, image_to_depth_m):
        with pytest.raises(ValueError) as said:
            read(picture(encoding=LONG))
        assert len(str(said.value)) < 600
    with pytest.raises(ValueError) as said:
        cloud_to_arrays(cloud(fields=[PointField(name="y" * LONGEST_TEXT)] * 20))
    assert len(str(said.value)) < 20 * LONGEST_TEXT + 600


@pytest.mark.parametrize("focal", [0.0, -5.0, float("nan"), float("inf")])
def test_intrinsics_that_are_none_are_refused(focal):
    info = CameraInfo(width=8, height=6, k=[focal, 0.0, 4.0, 0.0, 5.0, 3.0, 0.0, 0.0, 1.0])
    with pytest.raises(ValueError, match="scene/camera_info.k: focal"):
        intrinsics_of(info, (6, 8), "scene/camera_info")
    with pytest.raises(ValueError, match="is for 8x6 px, the depth has 9x6"):
        intrinsics_of(info, (6, 9), "scene/camera_info")
