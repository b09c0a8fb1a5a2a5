"""The points of one object, and what must hold of them before a hand is looked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grasp2vec_ros.core.options import option

# What the model looks at; a small object is thinned less, so that so many points remain.
ENOUGH_POINTS = 1024


class CloudError(ValueError):
    """The points will not do; the text says how many or how large they are, what is needed and what to do."""


@dataclass
class CloudConfig:
    """What a cloud must be like, and how it is cleaned."""

    fewest_points: int = option(
        128, "an object has at least so many points; the model needs 128", minimum=128, maximum=100_000
    )
    largest_extent_m: float = option(
        1.0, "a cloud that spans more is a whole scene, not an object", minimum=0.05, maximum=10.0
    )
    voxel_m: float = option(
        0.002,
        "one point is kept in each cube of this size, smaller for small objects",
        minimum=0.0005,
        maximum=0.05,
    )
    outlier_neighbours: int = option(
        16, "a point is judged by the distance to so many neighbours", minimum=2, maximum=200
    )
    outlier_deviations: float = option(
        2.5,
        "it is an outlier when that is more standard deviations over the mean",
        minimum=0.5,
        maximum=20.0,
    )
    normal_neighbours: int = option(
        20, "a normal is that of the plane through so many neighbours", minimum=4, maximum=200
    )


@dataclass(frozen=True)
class ObjectCloud:
    """Points on an object's surface.

    Attributes:
        points: (N, 3) float64, metres, in the frame of the camera or of the sender.
        normals: (N, 3) unit vectors out of the surface, or None when they are not known.
        up: (3,) unit vector against gravity in that frame, or None when it is not known.
    """

    points: np.ndarray
    normals: np.ndarray | None = None
    up: np.ndarray | None = None


def drop_invalid(points: np.ndarray, normals: np.ndarray | None) -> ObjectCloud:
    """Drops points (..., 3) that are not finite; normals (..., 3) are scaled to unit length.

    When a tenth of the normals or more is not usable none is: they are then estimated from the points. Otherwise the
    points without a normal are dropped.
    """
    points = points.reshape(-1, 3)
    # Coordinates of 1e30 are as good as infinite and would overflow in squares.
    good = (np.isfinite(points) & (np.abs(points) < 1e9)).all(axis=1)
    if normals is None:
        return ObjectCloud(points[good])
    normals = normals.reshape(-1, 3)
    usable = good & (np.isfinite(normals) & (np.abs(normals) < 1e9)).all(axis=1)
    length = np.zeros(len(points))
    length[usable] = np.linalg.norm(normals[usable], axis=1)
    usable &= length > 1e-6
    if usable.sum() <= 0.9 * good.sum():
        return ObjectCloud(points[good])
    return ObjectCloud(points[usable], normals[usable] / length[usable, None])


def check_cloud(cloud: ObjectCloud, config: CloudConfig, name: str) -> None:
    """Checks that this can be one object.

    Raises:
        CloudError: too few points, too large, or without any extent.
    """
    count = len(cloud.points)
    if count < config.fewest_points:
        raise CloudError(
            f"{name}: too few points: {count} valid, at least {config.fewest_points} are needed; move the camera nearer"
            " or check the mask and the depth (fewest_points)"
        )
    extent = float(np.ptp(cloud.points, axis=0).max())
    if extent > config.largest_extent_m:
        raise CloudError(
            f"{name}: spans {extent:.3g} m, an object at most {config.largest_extent_m:g} m; cut the object out of the"
            " scene, and use metres (largest_extent_m)"
        )
    if extent < config.voxel_m:
        raise CloudError(f"{name}: all {count} points are at one place; an object has an extent")


def clean_cloud(cloud: ObjectCloud, config: CloudConfig, remove_outliers: bool) -> ObjectCloud:
    """Thins a cloud to one point per cube of `voxel_m` and, if wanted, drops points far from all others.

    Where fewer than ENOUGH_POINTS would remain, cubes of a half, a quarter, and so on are tried.
    """
    import open3d

    points = open3d.utility.Vector3dVector(np.ascontiguousarray(cloud.points, dtype=float))
    whole = open3d.geometry.PointCloud(points)
    if cloud.normals is not None:
        whole.normals = open3d.utility.Vector3dVector(np.ascontiguousarray(cloud.normals, dtype=float))
    whole = _thinned(whole, config.voxel_m)
    if remove_outliers and len(whole.points) > config.outlier_neighbours:
        whole, _ = whole.remove_statistical_outlier(config.outlier_neighbours, config.outlier_deviations)
    normals = None
    if cloud.normals is not None:
        whole.normalize_normals()
        normals = np.asarray(whole.normals).copy()
    return replace(cloud, points=np.asarray(whole.points).copy(), normals=normals)


def _thinned(cloud: Any, voxel_m: float) -> Any:
    for size_m in (voxel_m, voxel_m / 2, voxel_m / 4, voxel_m / 8):
        thin = cloud.voxel_down_sample(size_m)
        if len(thin.points) >= min(ENOUGH_POINTS, len(cloud.points)):
            return thin
    return thin


def normals_toward(points: np.ndarray, camera: np.ndarray, neighbours: int) -> np.ndarray:
    """Normals (N, 3) of points (N, 3), of unit length, on the side of a camera at (3,)."""
    import open3d

    cloud = open3d.geometry.PointCloud(
        open3d.utility.Vector3dVector(np.ascontiguousarray(points, dtype=float))
    )
    cloud.estimate_normals(open3d.geometry.KDTreeSearchParamKNN(neighbours))
    cloud.orient_normals_towards_camera_location(np.asarray(camera, dtype=float))
    return np.asarray(cloud.normals).copy()
