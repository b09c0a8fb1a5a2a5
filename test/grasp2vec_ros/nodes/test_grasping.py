import time

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from semantic_grasping.action import CollectGrasps, GraspObject
from semantic_grasping.srv import SetGoal

from grasp2vec_ros.core.store import ExperienceStore
from grasp2vec_ros.nodes.capture import CaptureNode
from grasp2vec_ros.nodes.grasping import GraspingNode
from grasp2vec_ros.nodes.perception import PerceptionNode
from grasp_node_kit.images import array_to_image
from test.grasp2vec_ros.core.helpers import draw_object
from test.rig import FAKE_CAMERA, FakeRobot, Rig, eventually, wait


@pytest.fixture
def rig(tmp_path):
    made = Rig(
        store=tmp_path / "store",
        checkpoints=tmp_path / "checkpoints",
        input_timeout_s=15.0,
        frame_timeout_s=5.0,
        **FAKE_CAMERA,
    )
    yield made
    made.close()


def collect(rig: Rig, feedback=None, **fields: object):
    return rig.act(CollectGrasps, "grasping/collect_grasps", CollectGrasps.Goal(**fields), feedback)


def grasp(rig: Rig, feedback=None, **fields: object):
    return rig.act(GraspObject, "grasping/grasp_object", GraspObject.Goal(**fields), feedback)


def test_collecting_stores_every_attempt(rig, tmp_path):
    robot = rig.add(FakeRobot())
    rig.add(CaptureNode())
    rig.add(GraspingNode())
    phases = []
    status, result = collect(
        rig, lambda m: phases.append(m.feedback.phase), attempts=4, held_views=2, episode="e"
    )
    assert status == GoalStatus.STATUS_SUCCEEDED and result.outcome == CollectGrasps.Result.OK, result.message
    assert result.attempts == result.stored == 4 and result.lifted >= 3
    assert {"looking", "planning", "grasping", "presenting", "releasing"} <= set(phases)
    with ExperienceStore(tmp_path / "store", read_only=True) as store:
        kept = [store.get(i) for i in store.ids()]
    assert [e.attempt for e in kept] == [0, 1, 2, 3] and all(e.episode == "e" for e in kept)
    assert all(len(e.held) == 2 for e in kept if e.success)
    assert all(e.grasp_position_m is not None and e.base_frame == "base" for e in kept)
    assert robot.held is None


@pytest.mark.parametrize(
    ("turns_rad", "angles"),
    [
        ((-2.0, 9.0), [0, -1, np.pi, np.pi + 1]),
        ((-4.0, 2.0), [0, -1, -np.pi, 1 - np.pi]),
        ((-2.0, 2.0), [0, -1]),
    ],
)
def test_a_held_object_is_looked_at_from_both_sides_as_far_as_the_wrist_reaches(
    rig, tmp_path, turns_rad, angles
):
    robot = rig.add(FakeRobot())
    robot.turns_rad = turns_rad
    rig.add(CaptureNode())
    rig.add(GraspingNode())
    _, result = collect(rig, attempts=2)
    assert result.outcome == CollectGrasps.Result.OK and result.lifted >= 1, result.message
    with ExperienceStore(tmp_path / "store", read_only=True) as store:
        lifted = [e for e in (store.get(i) for i in store.ids()) if e.success]
    for experience in lifted:
        np.testing.assert_allclose(experience.held_angles_rad, angles, atol=1e-5)


def test_a_shown_object_is_picked_and_rewarded(rig, tmp_path):
    rig.add(FakeRobot())
    for kind in (CaptureNode, PerceptionNode, GraspingNode):
        rig.add(kind())
    goal = rig.call(
        SetGoal,
        "perception/set_goal",
        SetGoal.Request(goal_id="it", images=[array_to_image(draw_object(2, 64), "rgb8")]),
    ).goal
    told = []
    status, result = grasp(rig, lambda m: told.append(m.feedback), max_attempts=5, accept_reward=0.0)
    assert status == GoalStatus.STATUS_SUCCEEDED, result.message
    assert result.outcome == GraspObject.Result.OK and result.attempts >= 1 and 0 < result.reward <= 1
    assert any(f.phase == "scoring" for f in told) and result.grasp_pose.header.frame_id == "base"
    with ExperienceStore(tmp_path / "store", read_only=True) as store:
        assert store.get(result.experience_id).commanded_goal == goal.goal_id


def test_an_outcome_that_is_not_the_goal_is_put_back(rig):
    robot = rig.add(FakeRobot())
    for kind in (CaptureNode, PerceptionNode, GraspingNode):
        rig.add(kind())
    rig.call(
        SetGoal, "perception/set_goal", SetGoal.Request(images=[array_to_image(draw_object(9, 64), "rgb8")])
    )
    _, result = grasp(rig, max_attempts=2, accept_reward=1.0)
    assert (
        result.outcome in (GraspObject.Result.WRONG_OBJECT, GraspObject.Result.NOT_FOUND) and result.message
    )
    assert robot.held is None


def test_cancel_is_accepted_and_passed_on_to_the_robot(rig):
    robot = rig.add(FakeRobot())
    robot.slow_s = 20.0
    rig.add(CaptureNode())
    rig.add(GraspingNode())
    phases = []
    handle = rig.send(
        CollectGrasps,
        "grasping/collect_grasps",
        CollectGrasps.Goal(),
        lambda m: phases.append(m.feedback.phase),
    )
    while "grasping" not in phases:
        time.sleep(0.02)
    began = time.monotonic()
    assert wait(handle.cancel_goal_async(), 5.0).goals_canceling
    answer = wait(handle.get_result_async(), 10.0)
    assert (
        answer.status == GoalStatus.STATUS_CANCELED
        and answer.result.outcome == CollectGrasps.Result.CANCELLED
    )
    assert time.monotonic() - began < 5.0


def test_one_action_at_a_time(rig):
    robot = rig.add(FakeRobot())
    robot.slow_s = 30.0
    rig.add(CaptureNode())
    rig.add(GraspingNode())
    phases = []
    goal = CollectGrasps.Goal(attempts=1)
    first = rig.send(
        CollectGrasps, "grasping/collect_grasps", goal, lambda m: phases.append(m.feedback.phase)
    )
    while "grasping" not in phases:
        time.sleep(0.02)
    assert not rig.send(GraspObject, "grasping/grasp_object", GraspObject.Goal()).accepted
    wait(first.cancel_goal_async(), 5.0)
    assert wait(first.get_result_async(), 30.0).result.outcome == CollectGrasps.Result.CANCELLED
    robot.slow_s = 0.0
    _, result = collect(rig, attempts=1)
    assert result.attempts == 1


def test_missing_partners_and_input_are_named(rig):
    node = rig.add(GraspingNode())
    node.config.input_timeout_s = 1.0
    _, result = collect(rig, attempts=1)
    assert result.outcome == CollectGrasps.Result.ROBOT_FAILED and "release_object" in result.message
    robot = rig.add(FakeRobot())
    eventually(
        lambda: all(client.server_is_ready() for client in (node._execute, node._present, node._release)),
        30.0,
    )
    _, result = collect(rig, attempts=1)
    assert result.outcome == CollectGrasps.Result.NO_INPUT and "capture/begin_attempt" in result.message
    rig.add(CaptureNode())
    eventually(
        lambda: all(client.service_is_ready() for client in (node._begin, node._add_view, node._complete)),
        30.0,
    )
    node.config.input_timeout_s = 3.0
    robot.with_depth = False
    _, result = collect(rig, attempts=1)
    assert result.outcome == CollectGrasps.Result.NO_INPUT and "/scene/depth" in result.message
    node.config.input_timeout_s = 15.0
    robot.with_depth, robot.refuse = True, True
    _, result = collect(rig, attempts=1)
    assert result.outcome == CollectGrasps.Result.ROBOT_FAILED and "emergency stop" in result.message
    robot.refuse = False
    _, result = collect(rig, attempts=1)
    assert result.outcome == CollectGrasps.Result.OK


def test_goals_out_of_range_are_refused(rig):
    rig.add(FakeRobot())
    rig.add(CaptureNode())
    rig.add(GraspingNode())
    _, result = collect(rig, held_views=99)
    assert result.outcome == CollectGrasps.Result.INVALID_GOAL and "held_views: 99" in result.message
    _, result = grasp(rig, max_attempts=1000)
    assert result.outcome == GraspObject.Result.INVALID_GOAL and "max_attempts: 1000" in result.message
    _, result = grasp(rig)
    assert result.outcome == GraspObject.Result.INVALID_GOAL and "no goal yet" in result.message
