"""Which part of an object each finger of a hand touches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from semgrasp_ros.core.data.manners import FINGERS
from semgrasp_ros.core.metrics.penetration import CONTACT_M, contact_mask
from semgrasp_ros.core.metrics.solid import Solid

FEWEST_VERTICES = 3
"""A finger touches with an area: one vertex that grazes an edge is no touch."""


def finger_touches(
    hand_vertices: np.ndarray,
    regions: np.ndarray,
    thing: object,
    part_of: Callable[[np.ndarray], np.ndarray],
    part_names: Sequence[str],
    within_m: float = CONTACT_M,
    fewest_vertices: int = FEWEST_VERTICES,
) -> tuple[str, ...]:
    """The part that each finger touches.

    A vertex touches the part that its nearest point of the object's surface belongs to. A finger touches the part
    that most of its touching vertices touch (the first of them in a tie).

    Args:
        hand_vertices: (V, 3), metres, in the object's frame.
        regions: (V,) int, to which of FINGERS each vertex belongs; -1 to none (the wrist).
        thing: the object, see `Solid.of`.
        part_of: gives the (N,) index of the part of (N, 3) points.
        part_names: names of the parts by index.
        within_m: how near a touching vertex is, metres.
        fewest_vertices: a finger with fewer touching vertices does not touch.

    Returns:
        Six names in the order of FINGERS, "" where a finger touches nothing.
    """
    regions = np.asarray(regions)
    if regions.shape != (len(hand_vertices),) or regions.max() >= len(FINGERS):
        raise ValueError(
            f"regions of shape {regions.shape}, maximum {regions.max()}: must be one of 0 to {len(FINGERS) - 1} "
            f"(or -1) for each of the {len(hand_vertices)} vertices"
        )
    solid = Solid.of(thing, "object")
    touching = np.flatnonzero(contact_mask(hand_vertices, solid, within_m) & (regions >= 0))
    if len(touching) == 0:
        return ("",) * len(FINGERS)
    parts = np.asarray(part_of(solid.closest(np.asarray(hand_vertices)[touching])[0]))
    votes = np.zeros((len(FINGERS), len(part_names)), int)
    np.add.at(votes, (regions[touching], parts), 1)
    return tuple(part_names[row.argmax()] if row.sum() >= fewest_vertices else "" for row in votes)
