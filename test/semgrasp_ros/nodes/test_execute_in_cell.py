"""The simulated cell's arm does a planned motion through its controllers, as a real one would."""

import time

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from rclpy.parameter import Parameter
from semantic_grasping.action import ExecuteRobotGrasp

from grasp_cell.node import CellNode
from grasp_node_kit.motion_door import TRAJECTORY, action_of
from semgrasp_ros.nodes.execute import ExecuteNode
from semgrasp_ros.nodes.robots import duration
from test.grasp_node_kit.every_node import NODES
from test.rig import Rig, eventually, wait
from test.semgrasp_ros.nodes.robot_scene import motion_message

Result = ExecuteRobotGrasp.Result


@pytest.fixture(scope="module")
def cell():
    rig = Rig()
    # Simulated time is nobody's here: an arm that stands says where it is twice a second.
    values = NODES["cell"].parameters | {"camera_rate_hz": 10.0, "real_time_factor": 1.0}
    rig.add(CellNode(parameter_overrides=[Parameter(name, value=value) for name, value in values.items()]))
    node = rig.add(ExecuteNode(parameter_overrides=[Parameter("joints_timeout_s", value=10.0)]))
    eventually(lambda: node._joints.received and not node.waiting_for(), 60.0)
    yield rig, node
    rig.close()


def motion(rig, node):
    """The short motion, begun where the cell's arm is."""
    grasp = motion_message(rig.client.get_clock().now().to_msg())
    begin = np.array(grasp.phases[1].points[0].positions)
    shift = node._named.arm_positions(node._joints.newest) - begin
    for phase in grasp.phases:
        if len(phase.joint_names) == 7:
            for point in phase.points:
                point.positions = (np.array(point.positions) + shift).tolist()
    return grasp


def test_it_goes_where_it_was_planned_and_holds_nothing(cell):
    rig, node = cell
    grasp = motion(rig, node)
    phases = ["open", "reach", "approach"]
    status, result = rig.act(
        ExecuteRobotGrasp,
        "execute/grasp",
        ExecuteRobotGrasp.Goal(grasp=grasp, phases=phases),
        timeout_s=120.0,
    )
    assert (status, result.outcome) == (GoalStatus.STATUS_SUCCEEDED, Result.OK), result.message
    goal = np.array(grasp.phases[2].points[-1].positions)
    received = node._joints.received
    eventually(lambda: node._joints.received > received + 2)
    assert node._named.arm_positions(node._joints.newest) == pytest.approx(goal, abs=0.01)
    assert result.gripper_opening == pytest.approx(0.06, abs=0.003)
    _, result = rig.act(
        ExecuteRobotGrasp,
        "execute/grasp",
        ExecuteRobotGrasp.Goal(grasp=grasp, phases=["grasp"]),
        timeout_s=120.0,
    )
    assert (result.outcome, result.phase) == (Result.EMPTY, "grasp")


def test_cancel_stops_the_cells_arm(cell):
    rig, node = cell
    grasp = motion(rig, node)
    for number, point in enumerate(grasp.phases[1].points):
        point.time_from_start = duration(0.5 * number)
    seen = []
    goal = ExecuteRobotGrasp.Goal(grasp=grasp, phases=["reach"])
    handle = rig.send(ExecuteRobotGrasp, "execute/grasp", goal, lambda m: seen.append(m.feedback.progress))
    eventually(lambda: seen and seen[-1] > 0.02, 60.0)
    wait(handle.cancel_goal_async(), 20.0)
    answer = wait(handle.get_result_async(), 20.0)
    assert answer.result.outcome == Result.CANCELLED
    received = node._joints.received
    eventually(lambda: node._joints.received > received + 2)
    before = node._named.arm_positions(node._joints.newest)
    time.sleep(0.5)
    received = node._joints.received
    eventually(lambda: node._joints.received > received + 1)
    assert node._named.arm_positions(node._joints.newest) == pytest.approx(before, abs=0.01)
    assert np.abs(before - grasp.phases[1].points[-1].positions).max() > 0.05


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda t: setattr(t, "joint_names", ["a", "b"]), "neither those of the arm nor of the fingers"),
        (lambda t: setattr(t, "points", []), "at least"),
        (lambda t: t.points[0].positions.__setitem__(0, float("nan")), "finite"),
    ],
)
def test_the_cell_refuses_what_it_cannot_follow(cell, harm, words):
    rig, node = cell
    kind = action_of(TRAJECTORY)
    trajectory = motion(rig, node).phases[0]
    harm(trajectory)
    if list(trajectory.joint_names) == ["a", "b"]:
        assert len(trajectory.points[0].positions) == 2
    status, result = rig.act(
        kind, "gripper_controller/follow_joint_trajectory", kind.Goal(trajectory=trajectory)
    )
    assert status == GoalStatus.STATUS_ABORTED and words in result.error_string
    assert result.error_code == result.INVALID_GOAL
