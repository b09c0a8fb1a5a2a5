"""A robot's description and the names that its driver gives to the joints."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from builtin_interfaces.msg import Duration
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from grasp2vec_ros.core.options import option
from grasp_node_kit.limits import MOST_JOINTS, MOST_POINTS, check_count
from semgrasp_ros.core.retarget import trajectory as core
from semgrasp_ros.core.retarget.robot_file import ParallelGripper, Robot
from semgrasp_ros.core.retarget.robots import load_robot

# Measured positions lie a little beyond limits at which an arm rests.
BEYOND_LIMITS_RAD = 0.02
AS_IN_FILE = ""


@dataclass
class RobotConfig:
    """Which robot it is, and what its joints are called."""

    robot_file: str = option(
        "panda", "name of a robot that ships (config/robots), or the path of your own YAML", read_only=True
    )
    arm_joints: list = field(
        default_factory=lambda: [AS_IN_FILE],
        metadata={
            "help": "the arm's joints as joint states and controllers name them, in the order of the robot's file; ['']: as there",
            "read_only": True,
        },
    )
    gripper_joints: list = field(
        default_factory=lambda: [AS_IN_FILE],
        metadata={"help": "the same of the gripper or hand", "read_only": True},
    )


class JointsError(ValueError):
    """Joint states or a trajectory lack joints; names them."""


class NamedRobot:
    """A robot with its driver's names.

    Args:
        config: which robot.

    Attributes:
        robot: its description.
        arm_joints: the driver's names, in the order of `robot.arm.joints`.
        gripper_joints: the same for `robot.gripper.joints`.

    Raises:
        RobotError: the file cannot be used.
        ValueError: there are too few names or too many.
    """

    def __init__(self, config: RobotConfig) -> None:
        self.robot: Robot = load_robot(config.robot_file)
        self.arm_joints = _names("arm_joints", config.arm_joints, self.robot.arm.joints)
        self.gripper_joints = _names("gripper_joints", config.gripper_joints, self.robot.gripper.joints)
        ours = (*self.robot.arm.joints, *self.robot.gripper.joints)
        self._outward = dict(zip(ours, (*self.arm_joints, *self.gripper_joints), strict=True))
        self._inward = {theirs: own for own, theirs in self._outward.items()}

    @property
    def is_jaw(self) -> bool:
        """It has a parallel gripper."""
        return isinstance(self.robot.gripper, ParallelGripper)

    def arm_positions(self, message: JointState) -> np.ndarray:
        """Joints of the arm (n,), radians.

        Raises:
            JointsError: names those that are missing or not finite.
        """
        return _positions(message, self.arm_joints)

    def gripper_positions(self, message: JointState) -> np.ndarray:
        """Joints of the gripper or hand (m,).

        Raises:
            JointsError: names those that are missing or not finite.
        """
        return _positions(message, self.gripper_joints)

    def opening_m(self, message: JointState) -> float:
        """Between the fingers of a jaw; nan for a hand, or when its joints are missing."""
        if not self.is_jaw:
            return float("nan")
        try:
            return float(self.gripper_positions(message).sum())
        except JointsError:
            return float("nan")

    def moves_arm(self, trajectory: core.JointTrajectory) -> bool:
        """A motion is of the arm, not of the gripper."""
        return trajectory.joints == self.robot.arm.joints

    def to_message(self, motion: core.JointTrajectory) -> JointTrajectory:
        """A motion with the driver's names."""
        message = JointTrajectory(joint_names=[self._outward[name] for name in motion.joints])
        rows = zip(
            motion.times_s, motion.positions, motion.velocities, motion.accelerations, strict=True
        )  # fmt: skip
        for time_s, position, velocity, acceleration in rows:
            point = JointTrajectoryPoint(time_from_start=duration(float(time_s)))
            point.positions, point.velocities = position.tolist(), velocity.tolist()
            point.accelerations = acceleration.tolist()
            message.points.append(point)
        return message

    def to_core(self, message: JointTrajectory, name: str) -> core.JointTrajectory:
        """A message with the description's names, its joints in the description's order.

        Raises:
            ValueError: joints are neither those of the arm nor those of the gripper, or points are wrong.
        """
        check_count(len(message.joint_names), MOST_JOINTS, f"{name}.joint_names")
        check_count(len(message.points), MOST_POINTS, f"{name}.points")
        joints = [self._inward.get(joint) for joint in message.joint_names]
        for group in (self.robot.arm.joints, self.robot.gripper.joints):
            if set(joints) == set(group) and len(joints) == len(group):
                break
        else:
            raise JointsError(
                f"{name}.joint_names: {', '.join(message.joint_names)[:200]} are neither the arm's joints"
                f" {', '.join(self.arm_joints)} nor the gripper's {', '.join(self.gripper_joints)}"
            )
        order, count = [joints.index(joint) for joint in group], len(group)
        if not message.points or any(len(point.positions) != count for point in message.points):
            raise ValueError(f"{name}.points: each needs {count} positions, and there must be one at least")
        times = np.array([seconds(point.time_from_start) for point in message.points])
        positions = np.array([point.positions for point in message.points])[:, order]
        rates = [
            np.array([list(getattr(p, kind)) if len(getattr(p, kind)) == count else [0.0] * count for p in message.points])
            for kind in ("velocities", "accelerations")
        ]  # fmt: skip
        return core.JointTrajectory(group, times, positions, rates[0][:, order], rates[1][:, order])


def inside_limits(measured: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Measured positions (n,), those a little beyond their limits put on them, as an arm rests there."""
    inside = np.clip(measured, lower, upper)
    return np.where(np.abs(measured - inside) < BEYOND_LIMITS_RAD, inside, measured)


def duration(seconds_: float) -> Duration:
    """A message of a time span."""
    nanoseconds = round(seconds_ * 1e9)
    return Duration(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def seconds(message: Duration) -> float:
    """A time span in seconds."""
    return message.sec + message.nanosec * 1e-9


def _names(field_: str, given: list, own: tuple[str, ...]) -> tuple[str, ...]:
    if list(given) == [AS_IN_FILE] or not given:
        return own
    if len(given) != len(own) or len(set(given)) != len(given) or not all(given):
        raise ValueError(
            f"{field_}: {list(given)} must be {len(own)} different names, in the order of {', '.join(own)}"
        )
    return tuple(map(str, given))


def _positions(message: JointState, names: tuple[str, ...]) -> np.ndarray:
    check_count(len(message.name), MOST_JOINTS, "joint_states.name")
    known = dict(zip(message.name, message.position, strict=False))
    missing = [name for name in names if not np.isfinite(known.get(name, np.nan))]
    if missing:
        raise JointsError(
            f"joint_states: no position of {', '.join(missing)}; it has {', '.join(message.name)[:200]}; set arm_joints"
            " and gripper_joints to the driver's names"
        )
    return np.array([known[name] for name in names], float)
