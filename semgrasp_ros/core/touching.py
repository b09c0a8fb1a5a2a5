"""What the fingers of hands touch, as far as somebody knows who only sees points and guesses their parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from semgrasp_ros.core.data.manners import FINGERS

TOUCH_M = 0.006
FEWEST_VERTICES = 3


@dataclass(frozen=True)
class Touches:
    """Of one hand.

    Attributes:
        parts: six, in the order of FINGERS: the likeliest part that each touches, "" for none.
        wanted: (6,) how likely that what each touches belongs to the wanted part; 0 for those that touch nothing.
    """

    parts: tuple[str, ...]
    wanted: np.ndarray


class TouchedParts:
    """Reads the touches of hands on one cloud.

    Args:
        regions: (V,) index of the hand's vertices into FINGERS, -1 for none.
        points: (N, 3) of the object.
        probabilities: (N, W) of parts.
        names: W, of the parts.
        wanted: the part that is to be held.
    """

    def __init__(
        self,
        regions: np.ndarray,
        points: np.ndarray,
        probabilities: np.ndarray,
        names: Sequence[str],
        wanted: str,
    ) -> None:
        self._fingers = np.flatnonzero(regions >= 0)
        self._finger_of = regions[self._fingers]
        self._tree, self._probabilities = cKDTree(points), probabilities
        self._names, self._wanted = tuple(names), tuple(names).index(wanted)

    def of(self, vertices: np.ndarray) -> list[Touches]:
        """Touches of hands (B, V, 3): what is near a finger is what most of its vertices are near."""
        distance, nearest = self._tree.query(vertices[:, self._fingers], distance_upper_bound=TOUCH_M)
        return [self._one(*hand) for hand in zip(distance < TOUCH_M, nearest, strict=True)]

    def _one(self, touching: np.ndarray, nearest: np.ndarray) -> Touches:
        parts, wanted = [""] * len(FINGERS), np.zeros(len(FINGERS))
        for finger in range(len(FINGERS)):
            mine = nearest[touching & (self._finger_of == finger)]
            if len(mine) < FEWEST_VERTICES:
                continue
            likely = self._probabilities[mine].mean(axis=0)
            parts[finger], wanted[finger] = self._names[int(likely.argmax())], likely[self._wanted]
        return Touches(tuple(parts), wanted)
