"""The three actions of a robot, done with trajectory controllers that follow, stop and refuse, on real rclpy and DDS."""

import time

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from geometry_msgs.msg import PointStamped, PoseStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.parameter import Parameter
from semantic_grasping.action import ExecuteGrasp, PresentObject, ReleaseObject

from grasp_node_kit.extrinsics import to_pose
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.robots import load_robot
from semgrasp_ros.nodes.arm import ArmNode
from test.rig import Rig, eventually, wait
from test.semgrasp_ros.core.retarget.test_bin_motion import grasp_pose
from test.semgrasp_ros.nodes.fake_arm import ARM, GRIPPER, FakeArm

PANDA = load_robot("panda")
KINEMATICS = ArmKinematics(PANDA)
PRESENTED = np.array(PANDA.arm.presented_rad)
OPEN_M, THING_M = 0.08, 0.03
QUICK = {"speed": 1.0, "close_s": 0.4, "settle_s": 0.05, "travel_m": 0.12}
Result = ExecuteGrasp.Result


def goal(x: float = 0.5, y: float = 0.0, z: float = 0.03, **fields: object) -> ExecuteGrasp.Goal:
    """A grasp from above."""
    pose = PoseStamped(pose=to_pose(grasp_pose(x, y, z, 0.4)))
    pose.header.frame_id = "panda_link0"
    return ExecuteGrasp.Goal(**{"grasp_pose": pose, "opening": 0.06} | fields)


class Cell:
    """A robot and the node that serves its actions."""

    def __init__(self) -> None:
        self.rig = Rig(**QUICK)
        self.robot = self.rig.add(FakeArm(PANDA))
        self.robot.positions |= dict.fromkeys(PANDA.gripper.joints, OPEN_M / 2)
        self.node = self.rig.add(ArmNode())
        assert not self.node.problem, self.node.problem
        eventually(lambda: not self.node.waiting_for() and self.node._joints.received)
        self.phases: list[str] = []

    def home(self) -> None:
        """As at the beginning, the gripper open; what it was last told is forgotten."""
        robot = self.robot
        eventually(lambda: not self.node._busy.locked() and not robot.following)
        robot.positions |= dict(zip(PANDA.arm.joints, PANDA.arm.home_rad, strict=True))
        robot.positions |= dict.fromkeys(PANDA.gripper.joints, OPEN_M / 2)
        robot.thing_m, robot.speaks, robot.aborts_at, robot.haste = 0.0, True, None, 8.0
        robot.refuses.clear()
        robot.motions.clear()
        self.phases.clear()
        self.node._closed = None
        eventually(self._is_seen_at_home)

    def _is_seen_at_home(self) -> bool:
        # On a busy machine messages from before arrive late.
        newest = self.node._joints.newest
        seen = dict(zip(newest.name, newest.position, strict=True))
        return self.node._joints.age_s < 0.2 and all(
            abs(seen[name] - value) < 1e-9 for name, value in self.robot.positions.items()
        )

    def note(self, message) -> None:
        """Keeps a phase that the feedback names."""
        self.phases.append(message.feedback.phase)

    def grasp(self, asked: ExecuteGrasp.Goal | None = None):
        """Status and result of a grasp."""
        return self.rig.act(ExecuteGrasp, "execute_grasp", asked or goal(), self.note)

    def hold(self) -> None:
        """Something is held up."""
        self.robot.thing_m = THING_M
        assert self.grasp()[1].outcome == Result.OK
        self.robot.motions.clear()
        self.phases.clear()

    def release(self, place: PointStamped | None = None):
        """Status and result of a release; what is held falls when the gripper opens."""
        asked = ReleaseObject.Goal(place=place or PointStamped())
        return self.rig.act(ReleaseObject, "release_object", asked, self.note)

    def begin(self, kind: type, name: str, asked: object):
        """A motion of the arm that runs, in its own time."""
        self.robot.haste = 1.0
        handle = self.rig.send(kind, name, asked)
        eventually(lambda: any(each == ARM for each, _ in self.robot.motions))
        return handle

    def cancel(self, handle):
        """The answer to a cancelled goal, and how long the robot went on [s]."""
        asked_s = time.monotonic()
        wait(handle.cancel_goal_async(), 10.0)
        answer = wait(handle.get_result_async(), 10.0)
        before = self.robot.arm_now
        time.sleep(0.1)
        assert np.array_equal(self.robot.arm_now, before)
        return answer, self.robot.stopped_s - asked_s


@pytest.fixture(scope="module")
def whole():
    cell = Cell()
    yield cell
    cell.rig.close()


@pytest.fixture
def cell(whole):
    whole.home()
    return whole


def test_a_grasp_ends_with_the_object_held_up(cell):
    cell.robot.thing_m = THING_M
    status, result = cell.grasp()
    assert (status, result.outcome) == (GoalStatus.STATUS_SUCCEEDED, Result.OK), result.message
    assert result.gripper_opening == pytest.approx(THING_M, abs=1e-3)
    assert cell.robot.arm_now == pytest.approx(PRESENTED, abs=1e-6)
    assert cell.phases == ["approaching", "closing", "lifting", "presenting"]
    # Fingers, to above and down, fingers, up, to where it is held up.
    assert [name for name, _ in cell.robot.motions] == [GRIPPER, ARM, ARM, GRIPPER, ARM, ARM]
    assert sum(cell.robot.motions[0][1]) == pytest.approx(0.06)
    at = KINEMATICS.forward(np.array(cell.robot.motions[2][1]))
    assert at[:3, 3] == pytest.approx([0.5, 0.0, 0.03], abs=1e-3)
    lifted = KINEMATICS.forward(np.array(cell.robot.motions[4][1]))
    assert lifted[:3, 3] == pytest.approx([0.5, 0.0, 0.03 + QUICK["travel_m"]], abs=1e-3)


def test_closing_on_nothing_is_empty_and_ends_out_of_view_with_an_open_gripper(cell):
    status, result = cell.grasp()
    assert (status, result.outcome) == (GoalStatus.STATUS_SUCCEEDED, Result.EMPTY)
    assert "nothing" in result.message and cell.phases[-1] == "returning"
    assert cell.robot.arm_now == pytest.approx(PRESENTED, abs=1e-6)
    assert sum(cell.robot.positions[joint] for joint in PANDA.gripper.joints) == pytest.approx(OPEN_M)


def test_what_is_lost_on_the_way_is_empty(cell):
    cell.robot.thing_m = THING_M
    handle = cell.rig.send(ExecuteGrasp, "execute_grasp", goal(), cell.note)
    eventually(lambda: len(cell.robot.motions) == 6)
    cell.robot.thing_m = 0.0
    cell.robot.positions |= dict.fromkeys(PANDA.gripper.joints, 0.0)
    assert wait(handle.get_result_async(), 20.0).result.outcome == Result.EMPTY
    assert "presenting" in cell.phases


def test_what_is_held_is_turned_before_the_camera(cell):
    cell.hold()
    for angle in (0.8, -0.8, 0.0):
        status, result = cell.rig.act(PresentObject, "present_object", PresentObject.Goal(wrist_angle=angle))
        assert status == GoalStatus.STATUS_SUCCEEDED and result.success and result.holding, result.message
        assert cell.robot.arm_now == pytest.approx([*PRESENTED[:-1], PRESENTED[-1] + angle], abs=1e-6)
    status, result = cell.rig.act(PresentObject, "present_object", PresentObject.Goal(wrist_angle=5.0))
    assert (status, result.success) == (GoalStatus.STATUS_ABORTED, False)
    assert "wrist_angle: 5.00 rad is out of reach" in result.message
    cell.robot.thing_m = 0.0
    cell.robot.positions |= dict.fromkeys(PANDA.gripper.joints, 0.0)
    received = cell.node._joints.received
    eventually(lambda: cell.node._joints.received > received + 2)
    _, result = cell.rig.act(PresentObject, "present_object", PresentObject.Goal(wrist_angle=0.2))
    assert result.success and not result.holding


@pytest.mark.parametrize("place", [None, (0.45, -0.05, 0.1)])
def test_what_is_held_is_put_into_the_bin(cell, place):
    cell.hold()
    message = PointStamped()
    if place is not None:
        message.header.frame_id = "panda_link0"
        message.point.x, message.point.y, message.point.z = place
    status, result = cell.release(message)
    assert (status, result.success) == (GoalStatus.STATUS_SUCCEEDED, True), result.message
    assert cell.phases == ["carrying", "opening", "returning"]
    assert [name for name, _ in cell.robot.motions] == [ARM, ARM, GRIPPER, ARM, ARM]
    let_go = KINEMATICS.forward(np.array(cell.robot.motions[1][1]))[:3, 3]
    if place is not None:
        assert let_go == pytest.approx(place, abs=1e-3)
    assert 0.37 < let_go[0] < 0.63 and -0.17 < let_go[1] < 0.17 and 0.0 < let_go[2] < 0.15
    assert sum(cell.robot.motions[2][1]) == pytest.approx(OPEN_M)
    assert cell.robot.arm_now == pytest.approx(PRESENTED, abs=1e-6)


def test_with_nothing_held_it_opens_and_goes_out_of_view(cell):
    _, result = cell.release()
    assert result.success and "nothing was held" in result.message
    assert "carrying" not in cell.phases and cell.robot.arm_now == pytest.approx(PRESENTED, abs=1e-6)


def test_after_a_start_a_gripper_that_may_hold_something_is_emptied_over_the_bin(cell):
    cell.robot.positions |= dict.fromkeys(PANDA.gripper.joints, THING_M / 2)
    received = cell.node._joints.received
    eventually(lambda: cell.node._joints.received > received + 2)
    _, result = cell.grasp()
    assert result.outcome == Result.FAILED and "release_object" in result.message
    assert not cell.robot.motions
    _, result = cell.release()
    assert result.success and cell.phases[0] == "carrying"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (goal(x=1.5), ("unreachable",)),
        (goal(z=-0.05), ("collision", "floor")),
        (goal(y=0.14, z=0.03), ("collision", "wall at +y")),
    ],
)
def test_a_grasp_out_of_reach_is_refused_with_the_reason_and_nothing_moves(cell, asked, words):
    status, result = cell.grasp(asked)
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Result.UNREACHABLE), result.message
    assert all(word in result.message for word in words) and not cell.robot.motions


def test_a_goal_that_is_wrong_is_refused_by_name(cell):
    elsewhere = goal()
    elsewhere.grasp_pose.header.frame_id = "scene_camera"
    broken = goal()
    broken.grasp_pose.pose.position.x = float("nan")
    for asked, word in (
        (elsewhere, "'scene_camera' is not the base frame 'panda_link0'"),
        (broken, "grasp_pose"),
        (goal(opening=0.5), "opening: 0.5"),
        (goal(opening=float("nan")), "opening: nan"),
        (goal(approach_distance=-1.0), "approach_distance: -1"),
    ):
        status, result = cell.grasp(asked)
        assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Result.FAILED)
        assert word in result.message, result.message
    cell.hold()
    for x, frame, word in ((3.0, "panda_link0", "place: unreachable"), (0.5, "map", "place.header.frame_id")):
        place = PointStamped()
        place.header.frame_id, place.point.x, place.point.z = frame, x, 0.1
        _, result = cell.release(place)
        assert not result.success and word in result.message, result.message
    assert not cell.robot.motions


@pytest.mark.parametrize("action", ["execute_grasp", "present_object", "release_object"])
def test_cancel_stops_the_motion_where_it_is(cell, action):
    kinds = {
        "execute_grasp": (ExecuteGrasp, goal()),
        "present_object": (PresentObject, PresentObject.Goal(wrist_angle=1.5)),
        "release_object": (ReleaseObject, ReleaseObject.Goal()),
    }
    kind, asked = kinds[action]
    if action != "execute_grasp":
        cell.hold()
    cell.node.motion_config.speed = 0.1
    try:
        answer, went_on_s = cell.cancel(cell.begin(kind, action, asked))
    finally:
        cell.node.motion_config.speed = QUICK["speed"]
    assert answer.status == GoalStatus.STATUS_CANCELED and "stopped" in answer.result.message
    if action == "execute_grasp":
        assert answer.result.outcome == Result.CANCELLED
    else:
        assert not answer.result.success
    # A period of the node's and one of the controller's; the rest is a busy machine.
    assert went_on_s < 0.5
    # What is asked next begins there.
    assert cell.release()[1].success
    assert cell.robot.arm_now == pytest.approx(PRESENTED, abs=1e-6)


def test_one_goal_at_a_time(cell):
    handle = cell.begin(ExecuteGrasp, "execute_grasp", goal())
    assert not cell.rig.send(ReleaseObject, "release_object", ReleaseObject.Goal()).accepted
    cell.cancel(handle)


def test_a_controller_that_aborts_or_rejects_is_named(cell):
    cell.robot.aborts_at = 2
    _, result = cell.grasp()
    assert result.outcome == Result.FAILED and "met a wall" in result.message and ARM in result.message
    cell.home()
    cell.robot.refuses.add(GRIPPER)
    _, result = cell.grasp()
    assert result.outcome == Result.FAILED and "rejected" in result.message and GRIPPER in result.message


def test_fingers_that_would_be_too_fast_are_refused_before_anything_moves(cell):
    cell.node.motion_config.close_s = 0.1
    _, result = cell.grasp()
    cell.node.motion_config.close_s = QUICK["close_s"]
    assert result.outcome == Result.FAILED and "close_s" in result.message and not cell.robot.motions


def test_without_joint_states_nothing_moves(cell):
    cell.robot.speaks = False
    eventually(lambda: cell.node._joints.age_s > 1.1)
    _, result = cell.grasp()
    assert result.outcome == Result.FAILED and "joint_states" in result.message and not cell.robot.motions


def test_a_deactivated_node_stops_the_robot_and_refuses(cell):
    cell.node.motion_config.speed = 0.1
    handle = cell.begin(ExecuteGrasp, "execute_grasp", goal())
    cell.node.motion_config.speed = QUICK["speed"]
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_ACTIVATE):
        if transition == Transition.TRANSITION_ACTIVATE:
            result = wait(handle.get_result_async(), 10.0).result
            assert result.outcome == Result.FAILED and "deactivated" in result.message
            assert not cell.rig.send(ExecuteGrasp, "execute_grasp", goal()).accepted
        request = ChangeState.Request(transition=Transition(id=transition))
        assert cell.rig.call(ChangeState, "arm/change_state", request).success


def test_a_robot_that_cannot_do_it_keeps_the_node_unconfigured_with_words(cell):
    hand = [Parameter("robot_file", value="panda_allegro")]
    node = cell.rig.add(ArmNode(namespace="other", parameter_overrides=hand))
    assert "parallel gripper" in node.problem and not node.ready
