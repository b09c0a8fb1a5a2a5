"""Ways of an arm without collision: freely between joint values, and straight lines of the tool; and of a jaw's fingers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from semgrasp_ros.core.retarget.collision import RobotCollision
from semgrasp_ros.core.retarget.free_motion import FreeMotionConfig, free_path
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.trajectory import JointTrajectory, dense, rounded, time_path


class NoWayError(Exception):
    """There is no such way; the text is the reason."""


class ArmPaths:
    """Finds ways of one arm among its obstacles. Not to be shared between threads.

    Args:
        arm: its kinematics.
        collision: the same robot with its obstacles.
        rng: source of chance.
        speed: share of the robot's limits of speed; accelerations are scaled by its square.
        line_step_m: between the poses of a straight way.
        largest_joint_step_rad: between poses of a straight way; more is a jump to another solution.
    """

    def __init__(
        self,
        arm: ArmKinematics,
        collision: RobotCollision,
        rng: np.random.Generator,
        speed: float = 0.5,
        line_step_m: float = 0.005,
        largest_joint_step_rad: float = 0.15,
    ) -> None:
        self._arm, self._collision, self._rng = arm, collision, rng
        self._speed, self._line_step_m = speed, line_step_m
        self._largest_joint_step_rad = largest_joint_step_rad

    def free(self, start: np.ndarray, goal: np.ndarray, fingers: np.ndarray) -> np.ndarray | None:
        """A smooth path (K, n) from joint values to others, None when none is found.

        Args:
            start: (n,) radians, free of collision.
            goal: (n,) radians, free of collision.
            fingers: (m,) joints of the gripper on the way.
        """
        corners = free_path(
            start, goal, lambda q: self._collision.touch(q, fingers) is None, self._arm.lower_rad,
            self._arm.upper_rad, self._rng,
        )  # fmt: skip
        return None if corners is None else self._smooth(corners, fingers)

    def line(
        self, q: np.ndarray, direction: np.ndarray, length_m: float, fingers: np.ndarray, what: str
    ) -> np.ndarray:
        """Joint values (K, n) that move the tool straight from q on, its turn kept.

        Args:
            q: (n,) radians.
            direction: (3,) unit, in the base frame.
            length_m: of the way.
            fingers: (m,) joints of the gripper; they may touch what is to be grasped.
            what: the way's name, for reasons.

        Raises:
            NoWayError: the arm does not reach so far, or touches something.
        """
        path, tool = [q], self._arm.forward(q)
        for way in np.linspace(0, length_m, int(np.ceil(length_m / self._line_step_m)) + 1)[1:]:
            target = tool.copy()
            target[:3, 3] += way * direction
            result = self._arm.solve(target, path[-1], restarts=0)
            if not result.converged:
                raise NoWayError(f"unreachable: the straight {what} ends after {way * 1e3:.0f} mm")
            if np.abs(result.q - path[-1]).max() > self._largest_joint_step_rad:
                raise NoWayError(f"unreachable: the joints jump on the straight {what}")
            touch = self._collision.touch(result.q, fingers, grasping=True)
            if touch:
                raise NoWayError(f"collision: {touch}, on the {what}")
            path.append(result.q)
        return np.array(path)

    def timed(self, path: np.ndarray) -> JointTrajectory:
        """A path (K, n) in time, within the robot's limits."""
        return time_path(
            path, self._arm.robot.arm.joints, self._arm.velocity_rad_s * self._speed,
            self._arm.acceleration_rad_s2 * self._speed**2,
        )  # fmt: skip

    def _smooth(self, corners: np.ndarray, fingers: np.ndarray) -> np.ndarray:
        """The path with rounded corners; with a stop-free finer rounding where that would touch something."""
        step = FreeMotionConfig().step_rad
        for spacing in (step, step / 3):
            path = rounded(corners, spacing)
            if all(self._collision.touch(q, fingers) is None for q in path):
                return path
        return dense(corners, step / 3)


def finger_motion(
    joints: tuple[str, ...], corners: Sequence[np.ndarray], duration_s: float
) -> JointTrajectory:
    """Through finger joints in turn on a quintic in time, at rest at both ends.

    Args:
        joints: names.
        corners: K >= 2 joint values (m,), one after the other.
        duration_s: of all.
    """
    times = np.linspace(0, duration_s, 26)
    share = times / duration_s
    shape = 10 * share**3 - 15 * share**4 + 6 * share**5
    slope = (30 * share**2 * (1 - share) ** 2 / duration_s)[:, None]
    bend = (60 * share * (1 - share) * (1 - 2 * share) / duration_s**2)[:, None]
    way = PchipInterpolator(np.linspace(0, 1, len(corners)), np.asarray(corners, float))
    rate, change = way(shape, 1), way(shape, 2)
    return JointTrajectory(joints, times, way(shape), rate * slope, change * slope**2 + rate * bend)
