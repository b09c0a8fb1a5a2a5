"""The One-Euro filter: smooth when slow, prompt when fast.

Casiez, Roussel, Vogel 2012, "1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems",
https://doi.org/10.1145/2207676.2208639: the cutoff of a first-order low pass grows with the (filtered) speed.
"""

from __future__ import annotations

import numpy as np


class OneEuroFilter:
    """Filters points one by one; each begins anew after it was missing.

    Args:
        min_cutoff_hz: for points at rest: lower is smoother.
        cutoff_per_speed: Hz for each m/s of speed: higher lags less.
        speed_cutoff_hz: of the speed's own low pass.

    Raises:
        ValueError: a cutoff is not above 0, or cutoff_per_speed is negative.
    """

    def __init__(
        self, min_cutoff_hz: float = 1.5, cutoff_per_speed: float = 15.0, speed_cutoff_hz: float = 2.0
    ) -> None:
        if not (min_cutoff_hz > 0 and speed_cutoff_hz > 0 and cutoff_per_speed >= 0):
            raise ValueError(
                f"min_cutoff_hz {min_cutoff_hz}, speed_cutoff_hz {speed_cutoff_hz} must be above 0 and "
                f"cutoff_per_speed {cutoff_per_speed} not below"
            )
        self._least, self._slope, self._speed_cutoff = min_cutoff_hz, cutoff_per_speed, speed_cutoff_hz
        self.reset()

    def reset(self) -> None:
        """Forgets everything."""
        self._value: np.ndarray | None = None
        self._velocity: np.ndarray | None = None

    def step(self, points: np.ndarray, elapsed_s: float) -> np.ndarray:
        """Filtered points.

        Args:
            points: (n, 3) metres; NaN for missing ones.
            elapsed_s: since the last step, above 0; of no meaning in the first.
        """
        if self._value is None:
            self._value, self._velocity = points.copy(), np.zeros_like(points)
            return points.copy()
        missing, fresh = np.isnan(points).any(axis=1), np.isnan(self._value).any(axis=1)
        velocity = np.where((missing | fresh)[:, None], 0.0, (points - self._value) / elapsed_s)
        share = smoothing(self._speed_cutoff, elapsed_s)
        self._velocity = share * velocity + (1 - share) * self._velocity
        self._velocity[missing | fresh] = 0.0
        cutoff = self._least + self._slope * np.linalg.norm(self._velocity, axis=1, keepdims=True)
        share = smoothing(cutoff, elapsed_s)
        value = share * points + (1 - share) * self._value
        self._value = np.where(fresh[:, None], points, value)
        return self._value.copy()


def smoothing(cutoff_hz: np.ndarray | float, elapsed_s: float) -> np.ndarray | float:
    """How much of the new value a first-order low pass takes, in 0..1."""
    turned = 2 * np.pi * cutoff_hz * elapsed_s
    return turned / (turned + 1)
