"""A robot in name only for tests: joints that follow trajectories, and fingers that a thing may stop."""

from __future__ import annotations

import time

import numpy as np
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState

from grasp_node_kit.motion_door import TRAJECTORY, action_of
from semgrasp_ros.core.retarget.robot_file import HandGripper, Robot
from semgrasp_ros.nodes.robots import seconds

ARM, GRIPPER = "arm_controller/follow_joint_trajectory", "gripper_controller/follow_joint_trajectory"
PERIOD_S = 0.01


class FakeArm(Node):
    """Joint states at 50 Hz, and two trajectory controllers.

    Attributes:
        positions: of all joints, by name.
        thing_m: width of what is between the fingers; they do not close further.
        speaks: joint states are published.
        refuses: names of controllers that reject.
        aborts_at: so many motions of the arm are done before one is aborted half-way.
        motions: that were begun, by controller.
        following: names of controllers that are moving.
        haste: so many times faster than planned does it move.
        stopped_s: when a motion was stopped, monotonic.
    """

    def __init__(self, robot: Robot) -> None:
        super().__init__("fake_arm")
        self.robot = robot
        home = robot.arm.home_rad
        self.positions = dict(zip(robot.arm.joints, home, strict=True)) | dict.fromkeys(
            robot.gripper.joints, 0.01
        )
        if isinstance(robot.gripper, HandGripper):
            self.positions |= robot.gripper.open_rad
        self.thing_m, self.speaks = 0.0, True
        self.refuses: set[str] = set()
        self.aborts_at: int | None = None
        self.motions: list[tuple[str, list[float]]] = []
        self.following: list[str] = []
        self.stopped_s, self.haste = 0.0, 1.0
        group = ReentrantCallbackGroup()
        self._joints = self.create_publisher(JointState, "joint_states", 1)
        self.create_timer(0.02, self._speak, callback_group=group)
        self._servers = [
            ActionServer(
                self, action_of(TRAJECTORY), name,
                lambda handle, name=name: self._follow(handle, name),
                goal_callback=lambda _, name=name: GoalResponse.REJECT if name in self.refuses else GoalResponse.ACCEPT,
                cancel_callback=lambda _: CancelResponse.ACCEPT,
                callback_group=group,
            )
            for name in (ARM, GRIPPER)
        ]  # fmt: skip

    @property
    def arm_now(self) -> np.ndarray:
        """Where the arm is."""
        return np.array([self.positions[name] for name in self.robot.arm.joints])

    def _speak(self) -> None:
        if self.speaks:
            message = JointState(name=list(self.positions), position=list(self.positions.values()))
            message.header.stamp = self.get_clock().now().to_msg()
            self._joints.publish(message)

    def _follow(self, handle, name: str):
        self.following.append(name)
        try:
            return self._move(handle, name)
        finally:
            self.following.remove(name)

    def _move(self, handle, name: str):
        trajectory = handle.request.trajectory
        self.motions.append((name, list(trajectory.points[-1].positions)))
        times = np.array([seconds(point.time_from_start) for point in trajectory.points])
        points = np.array([point.positions for point in trajectory.points])
        now = np.array([self.positions[joint] for joint in trajectory.joint_names])
        if times[0] > 0:
            times, points = np.append(0.0, times), np.concatenate([now[None], points])
        number = sum(each == ARM for each, _ in self.motions)
        result = action_of(TRAJECTORY).Result()
        began_s = time.monotonic()
        while (elapsed_s := self.haste * (time.monotonic() - began_s)) < times[-1]:
            if handle.is_cancel_requested:
                self.stopped_s = time.monotonic()
                handle.canceled()
                return result
            if name == ARM and number == self.aborts_at and elapsed_s > times[-1] / 2:
                result.error_code, result.error_string = result.PATH_TOLERANCE_VIOLATED, "the arm met a wall"
                handle.abort()
                return result
            self._put(trajectory.joint_names, [np.interp(elapsed_s, times, column) for column in points.T])
            time.sleep(PERIOD_S)
        self._put(trajectory.joint_names, points[-1])
        handle.succeed()
        return result

    def _put(self, names, values) -> None:
        for name, value in zip(names, values, strict=True):
            self.positions[name] = (
                max(float(value), self.thing_m / 2) if name in self.robot.gripper.joints else float(value)
            )
