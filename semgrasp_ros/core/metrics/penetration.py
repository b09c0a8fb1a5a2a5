"""How deep and how much a hand is inside an object, and whether it touches it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from semgrasp_ros.core.metrics.solid import Solid

CONTACT_M = 0.005
"""What counts as touching: real skin gives way, and a fitted hand is some millimetres off."""

GRID = 128
"""Voxels along each side of the object's bounding box."""


def penetration_depth_cm(hand_vertices: np.ndarray, thing: object) -> float:
    """Depth of the deepest hand vertex inside the object; 0 where none is inside.

    Args:
        hand_vertices: (V, 3), metres.
        thing: the object, see `Solid.of`, in the same frame.
    """
    hand_vertices = _vertices(hand_vertices)
    solid = Solid.of(thing, "object")
    # Only what is inside has a depth, and most of a hand is not.
    within = hand_vertices[solid.inside(hand_vertices)]
    return float(100.0 * solid.closest(within)[1].max()) if len(within) else 0.0


def intersection_volume_cm3(hand: object, thing: object, grid: int = GRID) -> float:
    """Volume that the closed hand and the object share.

    The object's axis-aligned bounding box is divided into grid^3 voxels (each as long, wide and high as a 1/grid of
    the box, so not cubes). The centres that are inside both the object and the hand are counted; the result is
    their number times a voxel's volume. Centres outside the hand's bounding box cannot count and are not looked at,
    which changes nothing in the result.

    Args:
        hand: see `Solid.of`; metres. Fingers that cross each other count once.
        thing: the object, see `Solid.of`, in the same frame.
        grid: voxels along each side.
    """
    hand, solid = Solid.of(hand, "hand"), Solid.of(thing, "object")
    voxel_m = (solid.high - solid.low) / grid
    centres = [solid.low[axis] + (np.arange(grid) + 0.5) * voxel_m[axis] for axis in range(3)]
    centres = [c[(c > hand.low[a]) & (c < hand.high[a])] for a, c in enumerate(centres)]
    if min(map(len, centres)) == 0:
        return 0.0
    shared = hand.inside_grid(*centres) & solid.inside_grid(*centres)
    return float(1e6 * shared.sum() * voxel_m.prod())


def contact_mask(hand_vertices: np.ndarray, thing: object, within_m: float = CONTACT_M) -> np.ndarray:
    """Which hand vertices touch the object: inside it, or no further from it than `within_m`.

    Args:
        hand_vertices: (V, 3), metres.
        thing: the object, see `Solid.of`, in the same frame.
        within_m: metres.

    Returns:
        (V,) bool.
    """
    hand_vertices = _vertices(hand_vertices)
    solid = Solid.of(thing, "object")
    near = ((hand_vertices >= solid.low - within_m) & (hand_vertices <= solid.high + within_m)).all(axis=1)
    touching = np.zeros(len(hand_vertices), bool)
    touching[near] = solid.signed_distance(hand_vertices[near]) <= within_m
    return touching


def contact_ratio(masks: Sequence[np.ndarray]) -> float:
    """Share of grasps in which any hand vertex touches the object; NaN of no grasps.

    Args:
        masks: one `contact_mask` for each grasp.
    """
    return float(np.mean([np.any(mask) for mask in masks])) if len(masks) else float("nan")


def _vertices(vertices: np.ndarray) -> np.ndarray:
    vertices = np.asarray(vertices, float)
    if vertices.ndim != 2 or vertices.shape[1] != 3 or not np.isfinite(vertices).all():
        raise ValueError(f"hand_vertices of shape {vertices.shape} must be (V, 3) and finite, metres")
    return vertices
