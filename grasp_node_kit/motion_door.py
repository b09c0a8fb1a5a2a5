"""The door to controllers of arms and grippers.

Where control_msgs is installed, as on any machine with ROS 2 control, its actions are used; where it is not, the
package's own FollowTrajectory, whose fields have the same names and meaning, for arm and gripper alike.
"""

from __future__ import annotations

import importlib
import threading
from typing import Any

from action_msgs.msg import GoalStatus
from rclpy.callback_groups import CallbackGroup
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.task import Future
from trajectory_msgs.msg import JointTrajectory

from grasp_node_kit.action_client import ThreadSafeActionClient

TRAJECTORY, PARALLEL_GRIPPER, GRIPPER = "trajectory", "parallel_gripper_command", "gripper_command"
KINDS = (TRAJECTORY, PARALLEL_GRIPPER, GRIPPER)
# PATH_TOLERANCE_VIOLATED and GOAL_TOLERANCE_VIOLATED of FollowJointTrajectory.
FELL_SHORT = (-4, -5)
_NAMES = {
    TRAJECTORY: "FollowJointTrajectory",
    PARALLEL_GRIPPER: "ParallelGripperCommand",
    GRIPPER: "GripperCommand",
}


def action_of(kind: str) -> type:
    """The type of a controller's action.

    Args:
        kind: one of KINDS.

    Raises:
        ImportError: a gripper's command is wanted and control_msgs is not installed.
    """
    try:
        return getattr(importlib.import_module("control_msgs.action"), _NAMES[kind])
    except ImportError as error:
        if kind == TRAJECTORY:
            from semantic_grasping.action import FollowTrajectory

            return FollowTrajectory
        raise ImportError(
            f"{kind} needs the package control_msgs, which is not installed (on ROS 2: ros-${{ROS_DISTRO}}-control-msgs);"
            f" install it, or use {TRAJECTORY!r}"
        ) from error


class Motion:
    """A motion that a controller was asked for.

    Attributes:
        ended: set when the controller has said how it ended.
        fell_short: the controller gave up because the joints were not where they should be, as on an obstacle.
    """

    def __init__(self, client: ThreadSafeActionClient, goal: Any, judge: Any) -> None:
        self.ended, self.fell_short = threading.Event(), False
        self._judge, self._problem = judge, "the controller has not answered"
        self._lock = threading.Lock()
        self._handle: Any = None
        self._stop_asked = False
        client.send_goal_async(goal).add_done_callback(self._answered)

    @property
    def problem(self) -> str:
        """Why it did not reach its end; empty when it did."""
        return self._problem

    def stop(self) -> None:
        """Asks the controller to stop, at once or as soon as it has accepted."""
        with self._lock:
            self._stop_asked = True
            handle = self._handle
        if handle is not None:
            handle.cancel_goal_async()

    def _answered(self, future: Future) -> None:
        handle = future.result()
        if not handle.accepted:
            self._end("the controller rejected the motion")
            return
        with self._lock:
            self._handle = handle
            stop = self._stop_asked
        if stop:
            handle.cancel_goal_async()
        handle.get_result_async().add_done_callback(self._finished)

    def _finished(self, future: Future) -> None:
        answer = future.result()
        self.fell_short = getattr(answer.result, "error_code", 0) in FELL_SHORT
        if answer.status == GoalStatus.STATUS_CANCELED:
            self._end("the motion was stopped")
        else:
            self._end(self._judge(answer))

    def _end(self, problem: str) -> None:
        self._problem = problem
        self.ended.set()


class Controller:
    """A controller that moves some joints.

    Args:
        node: who asks.
        name: of the controller's action.
        kind: of the action, one of KINDS.
        group: callback group, reentrant.
        max_effort: of a gripper's command [N]; 0: the gripper's own.

    Raises:
        ImportError: the action's type is not installed.
    """

    def __init__(
        self, node: Node, name: str, kind: str, group: CallbackGroup, max_effort: float = 0.0
    ) -> None:
        self.name, self.kind = name, kind
        self._action, self._max_effort = action_of(kind), max_effort
        self._client = ThreadSafeActionClient(node, self._action, name, callback_group=group)

    @property
    def is_there(self) -> bool:
        """Somebody serves the action."""
        return self._client.server_is_ready()

    def wait(self, timeout_s: float) -> bool:
        """Waits for somebody to serve the action."""
        return self._client.wait_for_server(timeout_s)

    def start(self, trajectory: JointTrajectory, late_s: float) -> Motion:
        """Asks for a motion; a gripper's command goes to its last point at once.

        Args:
            trajectory: with one point at least.
            late_s: how much later than planned a trajectory may end.
        """
        judge = _judge_trajectory if self.kind == TRAJECTORY else _judge_gripper
        return Motion(self._client, self._goal(trajectory, late_s), judge)

    def _goal(self, trajectory: JointTrajectory, late_s: float) -> Any:
        goal = self._action.Goal()
        last = trajectory.points[-1].positions
        if self.kind == TRAJECTORY:
            goal.trajectory = trajectory
            goal.goal_time_tolerance = Duration(seconds=late_s).to_msg()
        elif self.kind == PARALLEL_GRIPPER:
            # The other finger mimics the first.
            goal.command.name, goal.command.position = [trajectory.joint_names[0]], [last[0]]
            goal.command.effort = [self._max_effort] if self._max_effort else []
        else:
            goal.command.position, goal.command.max_effort = last[0], self._max_effort
        return goal


def _judge_trajectory(answer: Any) -> str:
    result = answer.result
    if answer.status == GoalStatus.STATUS_SUCCEEDED and result.error_code == result.SUCCESSFUL:
        return ""
    return f"the controller aborted the motion: {result.error_string or 'no reason given'} (error {result.error_code})"


def _judge_gripper(answer: Any) -> str:
    """A gripper that is stopped by what it holds has done what it should."""
    result = answer.result
    if result.reached_goal or result.stalled or answer.status == GoalStatus.STATUS_SUCCEEDED:
        return ""
    return "the gripper neither reached its goal nor was stopped by an object"
