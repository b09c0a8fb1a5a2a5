"""Where on an object the part is that a grasp was asked for, as far as somebody knows who guesses parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

MOST_POINTS = 512


@dataclass(frozen=True)
class PartBelief:
    """How likely points of an object belong to the part that is meant.

    Attributes:
        points: (P, 3) metres, at least one.
        probability: (P,) from 0 to 1.
    """

    points: np.ndarray
    probability: np.ndarray

    @classmethod
    def sampled(cls, points: np.ndarray, probability: np.ndarray) -> PartBelief:
        """Of many points (N, 3) and their probabilities (N,) at most MOST_POINTS, the same ones each time."""
        chosen = np.random.default_rng(0).permutation(len(points))[:MOST_POINTS]
        return cls(points[chosen], probability[chosen])

    def at(self, points: np.ndarray) -> np.ndarray:
        """The probability of other points (N, 3) of the object: (N,), that of the nearest known one."""
        return self.probability[cKDTree(self.points).query(points)[1]]

    def moved(self, pose: np.ndarray) -> PartBelief:
        """In another frame; `pose` (4, 4) leads there from this one."""
        return PartBelief(self.points @ pose[:3, :3].T + pose[:3, 3], self.probability)
