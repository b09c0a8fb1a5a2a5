"""What stands around an object, from a depth camera's points: neighbours and the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grasp2vec_ros.core.options import option
from semgrasp_ros.core.cloud.plane import supporting_plane

# A plane tilted further from the base's horizontal is no table.
STEEPEST_COSINE = 0.97


@dataclass
class SurroundingsConfig:
    """What of a scene is kept away from."""

    radius_m: float = option(
        0.3, "points further from the object's middle are left out", minimum=0.05, maximum=2.0
    )
    margin_m: float = option(
        0.01, "points nearer to the object are taken for the object's own", minimum=0.001, maximum=0.1
    )
    above_table_m: float = option(
        0.008, "points less above the table are taken for the table's own", minimum=0.001, maximum=0.1
    )
    voxel_m: float = option(0.005, "one point is kept in each cube of this size", minimum=0.001, maximum=0.05)


def neighbours_of(
    scene: np.ndarray, thing: np.ndarray, table_z_m: float | None, config: SurroundingsConfig
) -> np.ndarray:
    """Points (M, 3) around an object that are neither its own nor the table's, float64.

    Args:
        scene: (..., 3) all that a camera sees, metres, in the base frame (z up); NaN where it sees nothing.
        thing: (N, 3) of the object, alike.
        table_z_m: height of the table; None: there is none.
        config: what counts.
    """
    from scipy.spatial import cKDTree

    points = scene.reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    points = points[np.linalg.norm(points - thing.mean(axis=0), axis=1) < config.radius_m]
    if table_z_m is not None:
        points = points[points[:, 2] > table_z_m + config.above_table_m]
    if not len(points):
        return points
    _, kept = np.unique(np.floor(points / config.voxel_m).astype(np.int64), axis=0, return_index=True)
    points = points[np.sort(kept)]
    return points[cKDTree(thing).query(points)[0] > config.margin_m]


def table_height(
    scene: np.ndarray,
    thing: np.ndarray,
    base_from_camera: np.ndarray,
    config: SurroundingsConfig,
    tolerance_m: float = 0.006,
    least_share: float = 0.3,
) -> float | None:
    """Height of the table under an object in the base frame, metres; None when no level plane is seen.

    Args:
        scene: (..., 3) all that the camera sees, in its frame; NaN where it sees nothing.
        thing: (N, 3) of the object, in the camera's frame.
        base_from_camera: (4, 4).
        config: how far around the object is looked.
        tolerance_m: how far a point may be from the plane.
        least_share: of the points around the object that must lie on it.
    """
    points = scene.reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    middle = thing.mean(axis=0)
    points = points[np.linalg.norm(points - middle, axis=1) < config.radius_m]
    plane = supporting_plane(points, np.random.default_rng(0), tolerance_m, least_share)
    if plane is None:
        return None
    normal = base_from_camera[:3, :3] @ plane.normal
    if normal[2] < STEEPEST_COSINE:
        return None
    # The plane below the object's middle, along the base's z.
    above = base_from_camera[:3, :3] @ middle + base_from_camera[:3, 3]
    return float(above[2] - plane.heights_m(middle) / normal[2])
