"""The teleop node: a person's hand drives a gripper or a robot's hand.

In: hand/keypoints (21 positions in MediaPipe's order: wrist, then thumb, index, middle, ring, little finger, four each
from the knuckle to the tip; metres, NaN where a point is not seen), joint_states. Out, at `rate_hz`: ~/joint_trajectory
for a trajectory controller and ~/joint_command for a position controller, ~/tool_pose where the tool should be, and
~/following (latched): false while nothing usable comes and the last command is held.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseArray, PoseStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool, Float64MultiArray, Header
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from grasp2vec_ros.core.options import option
from grasp_node_kit.extrinsics import to_pose
from grasp_node_kit.monitors import Stopwatch
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import LATCHED, RESULT, SENSOR
from semgrasp_ros.core.retarget.teleop import HandTeleop, TeleopCommand, TeleopConfig
from semgrasp_ros.nodes.robots import JointsError, NamedRobot, RobotConfig, duration

KEYPOINTS = 21


@dataclass
class TeleopNodeConfig:
    """How a hand is followed."""

    rate_hz: float = option(30.0, "commands a second", minimum=1.0, maximum=200.0, read_only=True)
    side: str = option("right", "which hand of the person is seen", choices=("right", "left"), read_only=True)
    scale: float = option(
        0.0,
        "size of the robot's hand over the person's; 0: measured over the first frames",
        minimum=0.0,
        maximum=5.0,
        read_only=True,
    )
    speed_share: float = option(
        0.8, "share of the joints' largest speeds", minimum=0.01, maximum=1.0, read_only=True
    )
    min_cutoff_hz: float = option(
        1.5, "low pass at rest: lower is smoother", minimum=0.05, maximum=50.0, read_only=True
    )
    hold_after_s: float = option(
        0.3, "without usable keypoints for so long, the last command is held", minimum=0.05, maximum=10.0
    )


class TeleopNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("teleop", **options)
        self.config = declare(self, TeleopNodeConfig())
        self.robot_config = declare(self, RobotConfig())
        self._keypoints: NewestSlot[PoseArray] = NewestSlot("hand/keypoints")
        self._joints: NewestSlot[JointState] = NewestSlot("joint_states")
        self._step_time = Stopwatch("retargeting")
        self.monitors = [self._step_time]
        self._lock = Lock()
        self._teleop: HandTeleop | None = None
        self._forget()
        self._trajectory = self.create_publisher(JointTrajectory, "~/joint_trajectory", RESULT)
        self._command_publisher = self.create_publisher(Float64MultiArray, "~/joint_command", RESULT)
        self._tool = self.create_publisher(PoseStamped, "~/tool_pose", RESULT)
        self._following_publisher = self.create_publisher(Bool, "~/following", LATCHED)

    def set_up(self) -> None:
        """Loads the robot."""
        own = self.config
        self._named = NamedRobot(self.robot_config)
        self._teleop = HandTeleop(
            self._named.robot,
            TeleopConfig(
                side=own.side,
                scale=own.scale or None,
                speed_share=own.speed_share,
                min_cutoff_hz=own.min_cutoff_hz,
            ),
        )
        group = ReentrantCallbackGroup()
        self.feed(self._keypoints, PoseArray, SENSOR, group)
        self.feed(self._joints, JointState, SENSOR, group)
        # Wall time: a robot is held when the clock stands still, too.
        self.create_timer(
            1.0 / own.rate_hz,
            self._tick,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def activate(self) -> None:
        """Begins where the fingers are."""
        self._forget()
        self._say_following(False, "")

    def _forget(self) -> None:
        with self._lock:
            self._begun = self._following = False
            self._seen = 0
            self._used_s = -math.inf
            self._reason = ""
            self._command: TeleopCommand | None = None
            self._frame = ""

    def time_jumped(self) -> None:
        """A new recording: begins again where the fingers are."""
        self._forget()

    def slots(self) -> list[NewestSlot]:
        """Keypoints and joint states."""
        return [self._keypoints, self._joints]

    def report(self) -> dict[str, object]:
        """Whether it follows, and why not."""
        return {"following": self._following, "reason": self._reason}

    def waiting_for(self) -> str:
        """Usable keypoints."""
        if self._following or self._keypoints.received == 0:
            return ""
        return f"holding the last command: {self._reason or 'keypoints stopped'}"

    # At every tick.

    def _tick(self) -> None:
        teleop = self._teleop
        if not self.active or teleop is None or not (self._begun or self._begin(teleop)):
            return
        if self._keypoints.received != self._seen:
            self._follow(teleop)
        silent_s = self._now_s() - self._used_s
        if self._following and silent_s > self.config.hold_after_s:
            self._say_following(False, self._reason or f"no keypoints for {silent_s:.1f} s")
        if self._command is not None:
            self._publish(self._command)

    def _begin(self, teleop: HandTeleop) -> bool:
        """Whether it is known where the fingers are; commands begin there."""
        message = self._joints.newest
        if message is None:
            return False
        try:
            teleop.reset(self._named.gripper_positions(message))
        except JointsError as error:
            self._reason = str(error)
            self.get_logger().warning(self._reason, throttle_duration_sec=10.0)
            return False
        self._begun = True
        return True

    def _follow(self, teleop: HandTeleop) -> None:
        message, self._seen = self._keypoints.newest, self._keypoints.received
        if message is None:
            return
        try:
            points = keypoints_of(message)
            stamp = stamp_ns(message.header.stamp) / 1e9
            with self._step_time.measure():
                self._command = teleop.step(points, stamp or self._now_s())
        except ValueError as error:
            self._reason = str(error)
            self.get_logger().warning(self._reason, throttle_duration_sec=10.0)
            return
        self._frame, self._reason = message.header.frame_id, self._command.reason
        if self._command.valid:
            self._used_s = self._now_s()
            if not self._following:
                self._say_following(True, "")

    @staticmethod
    def _now_s() -> float:
        return Clock(clock_type=ClockType.STEADY_TIME).now().nanoseconds / 1e9

    def _say_following(self, following: bool, reason: str) -> None:
        if following and not self._following:
            self.get_logger().info("following the hand")
        elif self._following and not following:
            self.get_logger().warning(f"holding the last command: {reason}")
        self._following, self._reason = following, reason or self._reason
        self._following_publisher.publish(Bool(data=following))

    def _publish(self, command: TeleopCommand) -> None:
        stamp = self.get_clock().now().to_msg()
        point = JointTrajectoryPoint(
            positions=command.positions.tolist(), time_from_start=duration(1.0 / self.config.rate_hz)
        )
        # Stamp 0: now, whatever the controller's clock.
        self._trajectory.publish(
            JointTrajectory(joint_names=list(self._named.gripper_joints), points=[point])
        )
        self._command_publisher.publish(Float64MultiArray(data=command.positions.tolist()))
        if command.wrist is not None:
            header = Header(stamp=stamp, frame_id=self._frame)
            self._tool.publish(PoseStamped(header=header, pose=to_pose(command.wrist)))


def keypoints_of(message: PoseArray) -> np.ndarray:
    """Positions (21, 3) of a message, metres.

    Raises:
        ValueError: there are more or fewer.
    """
    if len(message.poses) != KEYPOINTS:
        raise ValueError(
            f"hand/keypoints: {len(message.poses)} poses; {KEYPOINTS} are needed, in MediaPipe's order, with NaN for"
            " what is not seen"
        )
    return np.array([[pose.position.x, pose.position.y, pose.position.z] for pose in message.poses])


def main() -> None:
    """Runs the node."""
    run(TeleopNode)


if __name__ == "__main__":
    main()
