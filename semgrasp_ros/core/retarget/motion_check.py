"""Whether a motion may be given to a robot, whoever made it."""

from __future__ import annotations

import numpy as np

from semgrasp_ros.core.retarget.robot_check import limits
from semgrasp_ros.core.retarget.robot_file import Robot
from semgrasp_ros.core.retarget.robot_model import build_model
from semgrasp_ros.core.retarget.trajectory import JointTrajectory

# Planned motions keep to limits; messages round.
SLACK_RAD = 1e-3
SPEED_SLACK = 1.05


class MotionError(ValueError):
    """A motion must not be done; the text names phase, joint and value."""


class MotionCheck:
    """Limits of a robot's joints, and what must hold of motions.

    Args:
        robot: from `load_robot`.
    """

    def __init__(self, robot: Robot) -> None:
        model = build_model(robot)
        self._limits = {name: limits(model, name) for name in (*robot.arm.joints, *robot.gripper.joints)}

    def check(self, name: str, motion: JointTrajectory) -> None:
        """Checks numbers, order of times, positions and speeds.

        Args:
            name: of the phase.
            motion: of joints that the robot has.

        Raises:
            MotionError: something is wrong.
        """
        times, positions = motion.times_s, motion.positions
        if not len(times) or positions.shape != (len(times), len(motion.joints)):
            raise MotionError(
                f"{name}: {len(times)} points of shape {positions.shape}; give one value for each joint"
            )
        if not (np.isfinite(times).all() and np.isfinite(positions).all()):
            raise MotionError(f"{name}: has a number that is not finite")
        if times[0] < 0 or (np.diff(times) <= 0).any():
            raise MotionError(f"{name}: times must begin at 0 or later and ascend")
        low, high, speed = np.array([self._limits[joint] for joint in motion.joints]).T
        self._refuse(
            name,
            motion,
            np.maximum(low - positions, positions - high).max(axis=0),
            SLACK_RAD,
            "is {:.3f} beyond its limit",
        )
        if len(times) > 1:
            fastest = np.abs(np.diff(positions, axis=0) / np.diff(times)[:, None]).max(axis=0)
            self._refuse(name, motion, fastest / speed, SPEED_SLACK, "is {:.2f} times as fast as it may be")

    @staticmethod
    def _refuse(name: str, motion: JointTrajectory, values: np.ndarray, most: float, text: str) -> None:
        worst = int(values.argmax())
        if values[worst] > most:
            raise MotionError(f"{name}: {motion.joints[worst]} {text.format(values[worst])}")


def check_start(name: str, motion: JointTrajectory, now: np.ndarray, tolerance_rad: float) -> None:
    """Checks that a motion begins where the robot is.

    Args:
        name: of the phase.
        motion: to be done.
        now: (n,) positions of its joints.
        tolerance_rad: largest difference.

    Raises:
        MotionError: it begins elsewhere.
    """
    apart = np.abs(motion.positions[0] - now)
    worst = int(apart.argmax())
    if not apart[worst] <= tolerance_rad:
        raise MotionError(
            f"{name}: begins {apart[worst]:.3f} rad from where {motion.joints[worst]} is, {tolerance_rad:g} are allowed;"
            " the arm has moved since it was planned: plan again"
        )
