"""Joint paths as motions in time, within limits of speed and acceleration.

Time-optimal path parameterisation by reachability (Pham and Pham, "A new approach to time-optimal path parameterization
based on reachability analysis", 2018), computed by toppra. Jerk is not limited.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MARGIN = 0.97  # limits hold between the grid's points too
SAMPLE_S = 0.02


@dataclass(frozen=True)
class JointTrajectory:
    """Joint values over time, as in trajectory_msgs/JointTrajectory.

    Attributes:
        joints: names.
        times_s: (T,) from 0, ascending.
        positions: (T, n) radians, metres for sliding joints.
        velocities: (T, n) per second.
        accelerations: (T, n) per second squared.
    """

    joints: tuple[str, ...]
    times_s: np.ndarray
    positions: np.ndarray
    velocities: np.ndarray
    accelerations: np.ndarray

    @property
    def duration_s(self) -> float:
        """Of the whole motion."""
        return float(self.times_s[-1])

    def at(self, time_s: float) -> np.ndarray:
        """Joint values (n,) at a time, held before the start and after the end; cubic between samples."""
        time_s = float(np.clip(time_s, 0.0, self.duration_s))
        after = int(np.clip(np.searchsorted(self.times_s, time_s), 1, len(self.times_s) - 1))
        begin, end = self.times_s[after - 1], self.times_s[after]
        span = max(end - begin, 1e-12)
        share = (time_s - begin) / span
        h00, h10 = 2 * share**3 - 3 * share**2 + 1, share**3 - 2 * share**2 + share
        h01, h11 = 3 * share**2 - 2 * share**3, share**3 - share**2
        return (
            h00 * self.positions[after - 1]
            + h10 * span * self.velocities[after - 1]
            + h01 * self.positions[after]
            + h11 * span * self.velocities[after]
        )


def time_path(
    path: np.ndarray, joints: tuple[str, ...], velocity: np.ndarray, acceleration: np.ndarray
) -> JointTrajectory:
    """The fastest motion along a path that begins and ends at rest.

    Args:
        path: (K, n) joint values on a smooth path, so dense that a cubic spline through them keeps to it.
        joints: names of the n joints.
        velocity: (n,) largest speeds, per second.
        acceleration: (n,) largest accelerations, per second squared.

    Raises:
        ValueError: shapes do not fit, a limit is not above 0, or the path cannot be followed.
    """
    path, velocity, acceleration = (np.asarray(a, float) for a in (path, velocity, acceleration))
    if path.ndim != 2 or path.shape[1] != len(joints) or not np.isfinite(path).all() or not len(path):
        raise ValueError(
            f"path: shape {path.shape} or values do not fit; give finite (K, {len(joints)}), K > 0"
        )
    for name, limit in (("velocity", velocity), ("acceleration", acceleration)):
        if limit.shape != (len(joints),) or not (limit > 0).all():
            raise ValueError(f"{name}: {limit} must be {len(joints)} limits above 0")
    length = np.abs(np.diff(path, axis=0)).max(axis=1, initial=0.0)
    path, length = path[np.r_[True, length > 1e-9]], length[length > 1e-9]
    if len(path) == 1:
        rest = np.zeros_like(path)
        return JointTrajectory(joints, np.zeros(1), path, rest, rest)
    return _timed(path, np.r_[0.0, np.cumsum(length)], joints, velocity, acceleration)


def _timed(
    path: np.ndarray,
    along: np.ndarray,
    joints: tuple[str, ...],
    velocity: np.ndarray,
    acceleration: np.ndarray,
) -> JointTrajectory:
    import toppra

    toppra.setup_logging("ERROR")
    limits = [
        toppra.constraint.JointVelocityConstraint(np.column_stack([-velocity, velocity]) * MARGIN),
        toppra.constraint.JointAccelerationConstraint(
            np.column_stack([-acceleration, acceleration]) * MARGIN
        ),
    ]
    # The end conditions leave the curvature free: nothing is asked of it beyond the path.
    spline = toppra.SplineInterpolator(along, path, bc_type="natural")
    grid = np.linspace(0, along[-1], int(np.clip(4 * len(path), 60, 400)))
    motion = toppra.algorithm.TOPPRA(
        limits, spline, gridpoints=grid, parametrizer="ParametrizeConstAccel"
    ).compute_trajectory()
    if motion is None:
        raise ValueError("path: cannot be followed within the limits; smooth it")
    times = np.linspace(0, motion.duration, max(int(np.ceil(motion.duration / SAMPLE_S)), 2) + 1)
    positions, velocities, accelerations = (motion(times, order) for order in (0, 1, 2))
    velocities[[0, -1]] = 0.0
    # Between the grid's points a limit may be passed by a little: then all goes a little slower.
    slower = max(
        1.0,
        float((np.abs(velocities) / velocity).max()),
        float(np.sqrt((np.abs(accelerations) / acceleration).max())),
    )
    return JointTrajectory(joints, times * slower, positions, velocities / slower, accelerations / slower**2)


def join(first: JointTrajectory, second: JointTrajectory) -> JointTrajectory:
    """One motion after the other, which begins where the first ends.

    Raises:
        ValueError: joints or the joining point differ.
    """
    if first.joints != second.joints:
        raise ValueError(f"joints: {first.joints} are not {second.joints}; join motions of the same joints")
    gap = float(np.abs(first.positions[-1] - second.positions[0]).max())
    if gap > 1e-4:
        raise ValueError(
            f"positions: the second motion begins {gap:.2g} from the first's end; plan it from there"
        )
    times = np.concatenate([first.times_s, first.duration_s + second.times_s[1:]])
    rows = (
        np.concatenate([getattr(first, name), getattr(second, name)[1:]])
        for name in ("positions", "velocities", "accelerations")
    )
    return JointTrajectory(first.joints, times, *rows)


def rounded(corners: np.ndarray, spacing: float) -> np.ndarray:
    """A smooth path (K, n) along straight joint lines through corners (C, n).

    A cubic B-spline: it keeps to the lines but near corners, where it stays within the triangle of the nearest control
    points.

    Args:
        corners: of the lines; the first and the last are kept.
        spacing: of the path's points, largest joint step; control points are four times as far apart.
    """
    from scipy.interpolate import BSpline

    corners = np.asarray(corners, float)
    control = dense(corners, 4 * spacing)
    if len(control) < 4:
        return dense(corners, spacing)
    control = np.concatenate([control[:1], control, control[-1:]])
    knots = np.concatenate([np.zeros(3), np.linspace(0, 1, len(control) - 2), np.ones(3)])
    return BSpline(knots, control, 3)(np.linspace(0, 1, 4 * len(control)))


def dense(corners: np.ndarray, spacing: float) -> np.ndarray:
    """Points (K, n) on the straight lines through corners (C, n), no joint farther apart than `spacing`."""
    corners = np.asarray(corners, float)
    pieces = [corners[:1]]
    for begin, end in zip(corners[:-1], corners[1:], strict=True):
        count = max(int(np.ceil(np.abs(end - begin).max() / spacing)), 1)
        pieces.append(begin + np.linspace(0, 1, count + 1)[1:, None] * (end - begin))
    return np.concatenate(pieces)
