"""Where a hand is near a cloud, for pictures; the pipeline judges contact more carefully."""

from __future__ import annotations

import numpy as np


def near_contacts(
    vertices: np.ndarray, regions: np.ndarray, points: np.ndarray, reach_m: float
) -> np.ndarray:
    """Indices (K,) of vertices (V, 3) of a finger or the palm (regions (V,) not negative) within reach of points."""
    from scipy.spatial import cKDTree

    skin = np.flatnonzero(regions >= 0)
    distance, _ = cKDTree(points).query(vertices[skin], distance_upper_bound=reach_m)
    return skin[np.isfinite(distance)]
