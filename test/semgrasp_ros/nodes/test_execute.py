"""A planned grasp is done, stopped or refused, on real rclpy and DDS."""

import sys
import time
import types

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from semantic_grasping.action import ExecuteRobotGrasp, FollowTrajectory
from semantic_grasping.msg import RobotGrasp
from sensor_msgs.msg import JointState

from semgrasp_ros.core.retarget.robots import load_robot
from semgrasp_ros.nodes.execute import ExecuteNode
from semgrasp_ros.nodes.robots import duration
from test.rig import Rig, eventually, wait
from test.semgrasp_ros.nodes.fake_arm import ARM, GRIPPER, FakeArm
from test.semgrasp_ros.nodes.robot_scene import motion_message

ACTION = "execute/grasp"
Result = ExecuteRobotGrasp.Result
PANDA = load_robot("panda")


class Cell:
    """A robot and the node that moves it."""

    def __init__(self, **parameters: object) -> None:
        self.rig = Rig(**parameters)
        self.robot = self.rig.add(FakeArm(PANDA))
        self.node = self.rig.add(ExecuteNode())
        eventually(lambda: not self.node.waiting_for() and self.node._joints.received)
        self.feedback: list[tuple[str, float]] = []

    def motion(self, **options: object) -> RobotGrasp:
        """A motion that begins at home, planned now."""
        return motion_message(self.rig.client.get_clock().now().to_msg(), **options)

    def act(self, grasp: RobotGrasp | None = None, **goal: object) -> Result:
        """Does it and returns the result."""
        asked = ExecuteRobotGrasp.Goal(grasp=grasp or self.motion(), **goal)
        return self.rig.act(ExecuteRobotGrasp, ACTION, asked, self._note)

    def begin(self, grasp: RobotGrasp | None = None):
        """Begins it and returns the goal's handle."""
        return self.rig.send(
            ExecuteRobotGrasp, ACTION, ExecuteRobotGrasp.Goal(grasp=grasp or self.motion()), self._note
        )

    def _note(self, message) -> None:
        self.feedback.append((message.feedback.phase, message.feedback.progress))

    def home(self) -> None:
        """As at the beginning."""
        self.robot.positions |= dict(zip(PANDA.arm.joints, PANDA.arm.home_rad, strict=True))
        self.robot.positions |= dict.fromkeys(PANDA.gripper.joints, 0.01)
        self.robot.thing_m, self.robot.speaks, self.robot.aborts_at = 0.04, True, None
        self.robot.refuses.clear()
        self.robot.motions.clear()
        self.feedback.clear()
        received = self.node._joints.received
        eventually(lambda: self.node._joints.received > received + 2 and not self.node._busy.locked())


@pytest.fixture(scope="module", params=["without control_msgs", "with control_msgs"])
def whole(request):
    """Both sides of the door; where control_msgs is not installed, its type is stood in for by the package's own."""
    installed = "control_msgs" in sys.modules or _is_installed()
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "without control_msgs":
            patch.setitem(sys.modules, "control_msgs.action", None)
        elif not installed:
            action = types.ModuleType("control_msgs.action")
            action.FollowJointTrajectory = type("FollowJointTrajectory", (FollowTrajectory,), {})
            patch.setitem(sys.modules, "control_msgs", types.ModuleType("control_msgs"))
            patch.setitem(sys.modules, "control_msgs.action", action)
        cell = Cell()
        yield cell
        cell.rig.close()


def _is_installed() -> bool:
    try:
        import control_msgs.action  # noqa: F401
    except ImportError:
        return False
    return True


@pytest.fixture
def cell(whole):
    whole.home()
    return whole


def test_all_phases_are_done_in_order_and_it_holds(cell):
    grasp = cell.motion()
    status, result = cell.act(grasp)
    assert (status, result.outcome, result.phase) == (GoalStatus.STATUS_SUCCEEDED, Result.OK, "")
    assert [name for name, _ in cell.robot.motions] == [GRIPPER, ARM, ARM, GRIPPER, ARM]
    assert cell.robot.arm_now == pytest.approx(grasp.phases[-1].points[-1].positions)
    assert result.gripper_opening == pytest.approx(0.04, abs=1e-3)
    seen = list(dict.fromkeys(phase for phase, _ in cell.feedback))
    assert seen == ["open", "reach", "approach", "grasp", "lift"]
    shares = [share for _, share in cell.feedback]
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_some_phases_only(cell):
    _, result = cell.act(phases=["open", "reach"])
    assert result.outcome == Result.OK and [name for name, _ in cell.robot.motions] == [GRIPPER, ARM]
    _, result = cell.act(phases=["dance"])
    assert result.outcome == Result.REFUSED and "dance" in result.message and "approach" in result.message


def test_cancel_stops_the_motion_where_it_is(cell):
    handle = cell.begin(cell.motion(step_rad=0.8))
    eventually(lambda: any(phase == "reach" and share > 0.1 for phase, share in cell.feedback))
    asked_s = time.monotonic()
    wait(handle.cancel_goal_async(), 10.0)
    answer = wait(handle.get_result_async(), 10.0)
    assert (answer.status, answer.result.outcome) == (GoalStatus.STATUS_CANCELED, Result.CANCELLED)
    assert answer.result.phase == "reach" and "stopped" in answer.result.message
    # A period of the node's and one of the controller's; the rest is a busy machine.
    assert cell.robot.stopped_s - asked_s < 0.5
    before = cell.robot.arm_now
    time.sleep(0.1)
    assert np.array_equal(cell.robot.arm_now, before)
    assert before[0] < PANDA.arm.home_rad[0] + 0.75


def test_what_is_too_old_is_refused(cell):
    grasp = cell.motion()
    grasp.header.stamp.sec -= 60
    status, result = cell.act(grasp)
    assert (status, result.outcome) == (GoalStatus.STATUS_ABORTED, Result.REFUSED)
    assert "60" in result.message and "max_age_s" in result.message and not cell.robot.motions


def _elsewhere(grasp: RobotGrasp) -> None:
    for phase in grasp.phases:
        if phase.joint_names[0] == "panda_joint1":
            for point in phase.points:
                point.positions[2] += 0.3


def _beyond(grasp: RobotGrasp) -> None:
    grasp.phases[2].points[-1].positions[0] = 4.0


def _fast(grasp: RobotGrasp) -> None:
    for point in grasp.phases[1].points[1:]:
        point.time_from_start = duration(
            point.time_from_start.nanosec * 1e-9 / 50 + 1e-3 * len(grasp.phases[1].points)
        )
    times = [0.001 * i for i in range(len(grasp.phases[1].points))]
    for point, at_s in zip(grasp.phases[1].points, times, strict=True):
        point.time_from_start = duration(at_s)


def _backwards(grasp: RobotGrasp) -> None:
    grasp.phases[1].points[3].time_from_start = duration(0.0)


def _nan(grasp: RobotGrasp) -> None:
    grasp.phases[1].points[3].positions[0] = float("nan")


def _other_joints(grasp: RobotGrasp) -> None:
    grasp.phases[1].joint_names = [f"other_{i}" for i in range(7)]


def _no_points(grasp: RobotGrasp) -> None:
    grasp.phases[1].points = []


def _names(grasp: RobotGrasp) -> None:
    grasp.phase_names = ["reach"]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (_elsewhere, ("panda_joint3", "0.300 rad", "plan again")),
        (_beyond, ("approach", "panda_joint1", "beyond its limit")),
        (_fast, ("reach", "times as fast")),
        (_backwards, ("reach", "ascend")),
        (_nan, ("reach", "not finite")),
        (_other_joints, ("other_0", "panda_joint1")),
        (_no_points, ("reach", "at least")),
        (_names, ("1 names for 5 phases",)),
        (lambda grasp: setattr(grasp, "robot", "ur5_jaw85"), ("ur5_jaw85", "robot_file")),
        (
            lambda grasp: (setattr(grasp, "success", False), setattr(grasp, "reason", "too wide")),
            ("too wide",),
        ),
    ],
)
def test_what_must_not_be_done_is_refused_by_name(cell, harm, words):
    grasp = cell.motion()
    harm(grasp)
    _, result = cell.act(grasp)
    assert result.outcome == Result.REFUSED and not cell.robot.motions
    for word in words:
        assert word in result.message


def test_closing_on_nothing_ends_it(cell):
    cell.robot.thing_m = 0.0
    status, result = cell.act()
    assert (status, result.outcome, result.phase) == (GoalStatus.STATUS_ABORTED, Result.EMPTY, "grasp")
    assert "40 mm were expected" in result.message and len(cell.robot.motions) == 4


def test_the_phase_that_a_controller_aborts_is_named_with_its_reason(cell):
    cell.robot.aborts_at = 2
    _, result = cell.act()
    assert (result.outcome, result.phase) == (Result.FAILED, "approach")
    assert "met a wall" in result.message and ARM in result.message


def test_a_controller_that_rejects_is_named(cell):
    cell.robot.refuses.add(ARM)
    _, result = cell.act()
    assert (result.outcome, result.phase) == (Result.FAILED, "reach") and "rejected" in result.message


def test_without_joint_states_the_arm_is_stopped(cell):
    handle = cell.begin(cell.motion(step_rad=1.0, slowness=4.0))
    eventually(lambda: any(phase == "reach" and share > 0.05 for phase, share in cell.feedback))
    cell.robot.speaks = False
    result = wait(handle.get_result_async(), 20.0).result
    assert (result.outcome, result.phase) == (Result.FAILED, "reach") and "joint states" in result.message
    _, result = cell.act()
    assert result.outcome == Result.REFUSED and "joint_states" in result.message


def test_one_at_a_time(cell):
    handle = cell.begin(cell.motion(step_rad=0.5))
    eventually(lambda: cell.feedback)
    second = cell.rig.send(ExecuteRobotGrasp, ACTION, ExecuteRobotGrasp.Goal(grasp=cell.motion()))
    assert not second.accepted
    wait(handle.cancel_goal_async(), 10.0)
    wait(handle.get_result_async(), 10.0)


def test_a_preview_shows_the_motion_and_moves_nothing(cell):
    shown = cell.rig.collect(JointState, "execute/preview_joint_states")
    before = cell.robot.arm_now
    grasp = cell.motion()
    _, result = cell.act(grasp, preview=True)
    assert result.outcome == Result.OK and "nothing has moved" in result.message
    assert not cell.robot.motions and np.array_equal(cell.robot.arm_now, before)
    end = np.array(grasp.phases[-1].points[-1].positions)
    # The last of it may still be on its way.
    eventually(lambda: np.allclose(shown[-1].position, end) if len(shown[-1].position) == 7 else False)
    arm = [np.array(state.position) for state in shown if len(state.position) == 7]
    assert arm[0] == pytest.approx(np.array(grasp.phases[1].points[0].positions), abs=0.1)
    assert len(arm) > 10 and max(np.abs(np.diff(arm, axis=0)).max(axis=1)) < 0.1


def test_without_a_grasp_the_newest_is_done(cell):
    _, result = cell.rig.act(ExecuteRobotGrasp, ACTION, ExecuteRobotGrasp.Goal(preview=True))
    assert result.outcome == Result.REFUSED and "retarget/robot_grasp" in result.message
    publisher = cell.rig.client.create_publisher(RobotGrasp, "retarget/robot_grasp", 10)
    eventually(
        lambda: publisher.get_subscription_count() and cell.node._grasp.subscription.get_publisher_count()
    )
    received = cell.node._grasp.received
    publisher.publish(cell.motion())
    eventually(lambda: cell.node._grasp.received > received)
    _, result = cell.rig.act(ExecuteRobotGrasp, ACTION, ExecuteRobotGrasp.Goal(phases=["open"]))
    assert result.outcome == Result.OK and [name for name, _ in cell.robot.motions] == [GRIPPER]


def test_a_deactivated_node_stops_the_robot(cell):
    handle = cell.begin(cell.motion(step_rad=1.0))
    eventually(lambda: any(phase == "reach" and share > 0.05 for phase, share in cell.feedback))
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_ACTIVATE):
        if transition == Transition.TRANSITION_ACTIVATE:
            result = wait(handle.get_result_async(), 10.0).result
            assert result.outcome == Result.FAILED and "deactivated" in result.message
            assert not cell.rig.send(ExecuteRobotGrasp, ACTION, ExecuteRobotGrasp.Goal()).accepted
        request = ChangeState.Request(transition=Transition(id=transition))
        assert cell.rig.call(ChangeState, "execute/change_state", request).success
