"""From a depth image to the points of one object: those of a mask, or what is grown around a pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grasp2vec_ros.core.grasp_anything import deproject
from grasp2vec_ros.core.options import option
from semgrasp_ros.core.cloud.object_cloud import CloudError, ObjectCloud
from semgrasp_ros.core.cloud.plane import Plane, supporting_plane


@dataclass
class DepthConfig:
    """How an object is cut out of a depth image."""

    radius_m: float = option(
        0.2, "an object reaches at most so far from the heatmap's peak", minimum=0.02, maximum=2.0
    )
    jump_m: float = option(
        0.015,
        "neighbouring pixels further apart in depth belong to different things",
        minimum=0.001,
        maximum=0.2,
    )
    plane_tolerance_m: float = option(
        0.006, "points nearer to the supporting plane belong to it", minimum=0.0005, maximum=0.05
    )
    plane_share: float = option(
        0.3, "share of the points around the object that make a plane a support", minimum=0.05, maximum=1.0
    )
    peak_slack_px: int = option(
        8, "the object is looked for this far around the heatmap's peak", minimum=0, maximum=200
    )


def camera_points(depth_m: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """Points (H, W, 3) of a depth image (H, W) in the camera's optical frame, metres; NaN where there is no depth.

    Raises:
        ValueError: the intrinsics (3, 3) are those of no camera.
    """
    fx, fy = intrinsics[0, 0], intrinsics[1, 1]
    if not np.isfinite(intrinsics).all() or fx <= 0 or fy <= 0:
        raise ValueError(
            f"camera_info.k: focal lengths {fx:g} and {fy:g} px; they must be above 0: calibrate the camera"
        )
    return deproject(depth_m, intrinsics, np.eye(4))


def masked_object(
    points: np.ndarray, mask: np.ndarray, config: DepthConfig, rng: np.random.Generator
) -> ObjectCloud:
    """The points (H, W, 3) under a mask (H, W) bool, without what the mask shows of the supporting plane.

    The plane is looked for around the mask only, so that a flat object is not taken for it.

    Raises:
        CloudError: the mask is empty or of another size.
    """
    _check_same_size(points, mask)
    if not mask.any():
        raise CloudError("mask: no pixel is set; nothing is selected")
    inside = mask & np.isfinite(points).all(axis=-1)
    if not inside.any():
        raise CloudError(
            f"mask: none of its {int(mask.sum())} pixels has a valid depth; is the object too near for the camera, or shiny?"
        )
    plane = _plane_near(points, ~mask, np.median(points[inside], axis=0), config, rng)
    if plane is not None:
        above = inside & (plane.heights_m(points) > config.plane_tolerance_m)
        # Something as flat as the table (a sheet, a card) is still what was asked for.
        inside = above if above.sum() >= 0.2 * inside.sum() else inside
    return ObjectCloud(points[inside], up=None if plane is None else plane.normal)


def grown_object(
    points: np.ndarray, pixel: tuple[int, int], config: DepthConfig, rng: np.random.Generator
) -> ObjectCloud:
    """What is connected to a pixel (column, row) in depth, above the supporting plane and within a radius.

    Args:
        points: (H, W, 3) in the camera's frame, NaN where there is no depth.
        pixel: where to begin, for instance a heatmap's peak.
        config: limits.
        rng: of the search for the plane.

    Raises:
        CloudError: the pixel is outside the image, without depth, or nothing stands there.
    """
    height, width = points.shape[:2]
    u, v = pixel
    if not (0 <= u < width and 0 <= v < height):
        raise CloudError(f"peak: ({u}, {v}) is outside the depth image of {width}x{height} px")
    valid = np.isfinite(points).all(axis=-1)
    start = _nearest(valid, pixel, config.peak_slack_px)
    if start is None:
        raise CloudError(f"peak: no valid depth within {config.peak_slack_px} px of ({u}, {v})")
    near = valid & (np.linalg.norm(points - points[start[1], start[0]], axis=-1) < config.radius_m)
    plane = _plane_near(points, near, points[start[1], start[0]], config, rng)
    standing = near if plane is None else near & (plane.heights_m(points) > config.plane_tolerance_m)
    seed = _nearest(standing, pixel, config.peak_slack_px)
    if seed is None:
        raise CloudError(
            f"peak: ({u}, {v}) lies on the supporting plane; nothing higher than"
            f" {1000 * config.plane_tolerance_m:.0f} mm stands within {config.peak_slack_px} px of it"
        )
    region = connected_region(points[..., 2], standing, seed, config.jump_m)
    return ObjectCloud(points[region], up=None if plane is None else plane.normal)


def connected_region(
    depth_m: np.ndarray, allowed: np.ndarray, seed: tuple[int, int], jump_m: float
) -> np.ndarray:
    """Pixels (H, W) bool that are reached from a seed (column, row) over allowed neighbours of similar depth.

    Args:
        depth_m: (H, W).
        allowed: (H, W) bool; the seed is allowed.
        seed: where to begin.
        jump_m: largest step in depth between the four neighbours of a pixel.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    number = np.full(allowed.shape, -1)
    number[allowed] = np.arange(int(allowed.sum()))
    pairs = []
    for one, other in (
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
        (np.s_[:-1], np.s_[1:]),
    ):
        with np.errstate(invalid="ignore"):
            joined = allowed[one] & allowed[other] & (np.abs(depth_m[one] - depth_m[other]) < jump_m)
        pairs.append(np.stack([number[one][joined], number[other][joined]]))
    rows, columns = np.concatenate(pairs, axis=1)
    count = int(allowed.sum())
    links = coo_matrix((np.ones(len(rows), dtype=bool), (rows, columns)), shape=(count, count))
    labels = connected_components(links, directed=False)[1]
    region = np.zeros(allowed.shape, dtype=bool)
    region[allowed] = labels == labels[number[seed[1], seed[0]]]
    return region


def _check_same_size(points: np.ndarray, mask: np.ndarray) -> None:
    if mask.shape != points.shape[:2]:
        raise CloudError(
            f"mask: {mask.shape[1]}x{mask.shape[0]} px, the depth or cloud has {points.shape[1]}x{points.shape[0]};"
            " register one to the other"
        )


def _plane_near(
    points: np.ndarray, allowed: np.ndarray, centre: np.ndarray, config: DepthConfig, rng: np.random.Generator
) -> Plane | None:
    near = allowed & (np.linalg.norm(points - centre, axis=-1) < config.radius_m)
    return supporting_plane(points[near], rng, config.plane_tolerance_m, config.plane_share)


def _nearest(allowed: np.ndarray, pixel: tuple[int, int], slack_px: int) -> tuple[int, int] | None:
    """The allowed pixel (column, row) nearest to another one, at most `slack_px` away in each direction."""
    u, v = pixel
    top, left = max(0, v - slack_px), max(0, u - slack_px)
    rows, columns = np.nonzero(allowed[top : v + slack_px + 1, left : u + slack_px + 1])
    if len(rows) == 0:
        return None
    best = np.argmin((rows + top - v) ** 2 + (columns + left - u) ** 2)
    return int(columns[best] + left), int(rows[best] + top)
