"""Smooth motion between joint positions within speed and acceleration limits."""

from __future__ import annotations

import numpy as np

from grasp_cell.arm import ACCELERATION_LIMIT_RAD_S2, SPEED_LIMIT_RAD_S

# Peaks of the quintic s(t) = 10 t^3 - 15 t^4 + 6 t^5 on [0, 1].
_PEAK_SPEED, _PEAK_ACCELERATION = 1.875, 5.7735


class JointMotion:
    """A quintic from one joint position to another: at rest at both ends."""

    def __init__(self, start_rad: np.ndarray, goal_rad: np.ndarray, shortest_s: float = 0.15) -> None:
        self._start, self._way = np.asarray(start_rad, float), np.asarray(goal_rad, float) - start_rad
        by_speed = _PEAK_SPEED * np.abs(self._way) / SPEED_LIMIT_RAD_S
        by_acceleration = np.sqrt(_PEAK_ACCELERATION * np.abs(self._way) / ACCELERATION_LIMIT_RAD_S2)
        self.duration_s = float(max(shortest_s, by_speed.max(), by_acceleration.max()))

    def at(self, time_s: float) -> tuple[np.ndarray, np.ndarray]:
        """Position [rad] and velocity [rad/s] at a time since the start; clamped to the ends."""
        t = min(max(time_s / self.duration_s, 0.0), 1.0)
        s = t**3 * (10 - 15 * t + 6 * t**2)
        ds = 30 * t**2 * (1 - t) ** 2 / self.duration_s
        return self._start + s * self._way, ds * self._way
