"""Grasp anything: top-down grasps for a parallel jaw, from one depth image and no knowledge of objects.

The depth image becomes a height map over the workspace. A grasp is a place where the jaws fit on both sides of
something that stands between them; the best ones close on parallel faces near the middle of what they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from grasp2vec_ros.core.options import option

# Faces that lean more than this against the closing direction (as a tangent) slip out, whatever holds them.
STEEPEST_FACE = 0.7


@dataclass
class GraspAnythingConfig:
    """Workspace and gripper. Lengths in metres, workspace in the arm's base frame."""

    workspace_min_x_m: float = option(0.37, "where grasps may lie: smallest x", minimum=-5.0, maximum=5.0)
    workspace_max_x_m: float = option(0.63, "largest x", minimum=-5.0, maximum=5.0)
    workspace_min_y_m: float = option(-0.17, "smallest y", minimum=-5.0, maximum=5.0)
    workspace_max_y_m: float = option(0.17, "largest y", minimum=-5.0, maximum=5.0)
    floor_z_m: float = option(0.006, "height of the surface on which objects lie", minimum=-5.0, maximum=5.0)
    ceiling_z_m: float = option(0.20, "points above this are not objects", minimum=-5.0, maximum=5.0)
    wall_height_m: float = option(
        0.051, "height of walls around the workspace; the floor's where there are none"
    )
    largest_opening_m: float = option(0.08, "how far the gripper opens", minimum=0.01, maximum=0.5)
    finger_thickness_m: float = option(
        0.018, "finger along the closing direction", minimum=0.001, maximum=0.1
    )
    finger_width_m: float = option(0.022, "finger across the closing direction", minimum=0.001, maximum=0.1)
    fingertip_below_tcp_m: float = option(
        0.0095, "how far fingers reach below the tool centre point", minimum=0.0, maximum=0.1
    )
    palm_above_tcp_m: float = option(
        0.036, "how far the palm is above the tool centre point", minimum=0.005, maximum=0.3
    )
    clearance_m: float = option(
        0.003, "room between a fingertip and what is below it", minimum=0.0, maximum=0.05
    )
    smallest_object_height_m: float = option(
        0.010, "anything lower is taken for the floor", minimum=0.001, maximum=0.1
    )
    cell_m: float = option(0.0025, "resolution of the height map", minimum=0.001, maximum=0.02)
    angles: int = option(12, "closing directions that are tried over half a turn", minimum=2, maximum=72)
    exploration: float = option(
        0.35,
        "how much chance there is in which thing is grasped; 0: always the best",
        minimum=0.0,
        maximum=10.0,
    )
    candidates: int = option(40, "how many grasps to return at most", minimum=1, maximum=1000)


@dataclass
class GraspCandidate:
    """A grasp to try.

    Attributes:
        base_from_tcp: (4, 4) tool centre point in the base frame: z along the approach, y along the closing direction.
        opening_m: between the fingers during the approach.
        score: higher is better; comparable within one call.
        pixel: (column, row) of the grasped place in the depth image.
    """

    base_from_tcp: np.ndarray
    opening_m: float
    score: float
    pixel: tuple[int, int]


def deproject(depth_m: np.ndarray, intrinsics: np.ndarray, base_from_camera: np.ndarray) -> np.ndarray:
    """Points of a depth image in the base frame.

    Args:
        depth_m: (H, W), along the optical axis; zero and non-finite are invalid.
        intrinsics: (3, 3), with pixel centres at whole numbers plus a half.
        base_from_camera: (4, 4), of the optical frame.

    Returns:
        (H, W, 3), NaN where the depth is invalid.
    """
    height, width = depth_m.shape
    depth = np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, np.nan)
    u, v = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    x = (u - intrinsics[0, 2]) / intrinsics[0, 0] * depth
    y = (v - intrinsics[1, 2]) / intrinsics[1, 1] * depth
    return np.stack([x, y, depth], axis=-1) @ base_from_camera[:3, :3].T + base_from_camera[:3, 3]


def project(points_m: np.ndarray, intrinsics: np.ndarray, base_from_camera: np.ndarray) -> np.ndarray:
    """Pixels (column, row) of points (n, 3) in the base frame; the inverse of `deproject`. (n, 2)."""
    in_camera = (points_m - base_from_camera[:3, 3]) @ base_from_camera[:3, :3]
    return in_camera[:, :2] / in_camera[:, 2:] * np.diag(intrinsics)[:2] + intrinsics[:2, 2]


class HeightMap:
    """Heights over the workspace, as seen from the camera; what is hidden counts as floor.

    Attributes:
        heights_m: (rows along x, columns along y).
    """

    def __init__(self, points_m: np.ndarray, config: GraspAnythingConfig) -> None:
        self._config = config
        low = np.array([config.workspace_min_x_m, config.workspace_min_y_m])
        high = np.array([config.workspace_max_x_m, config.workspace_max_y_m])
        # A border as wide as the open gripper: fingers may come down outside the workspace, beside its walls.
        self.border = (
            int(np.ceil((config.largest_opening_m / 2 + config.finger_thickness_m) / config.cell_m)) + 2
        )
        shape = np.ceil((high - low) / config.cell_m).astype(int)
        self._origin = low - self.border * config.cell_m
        points = points_m.reshape(-1, 3)
        points = points[np.isfinite(points).all(axis=1)]
        points = points[(points[:, 2] < config.ceiling_z_m)]
        cells = np.floor((points[:, :2] - low) / config.cell_m).astype(int)
        inside = ((cells >= 0) & (cells < shape)).all(axis=1)
        cells, z = cells[inside], np.maximum(points[inside, 2], config.floor_z_m)
        seen = np.full(shape, -np.inf)
        np.maximum.at(seen, (cells[:, 0], cells[:, 1]), z)
        # Cells between the samples of a surface take their neighbours' height.
        filled = cv2.dilate(np.where(np.isfinite(seen), seen, -1e3).astype(np.float32), np.ones((3, 3)))
        heights = np.where(np.isfinite(seen), seen, np.where(filled > -1e2, filled, config.floor_z_m))
        self.heights_m = np.full(shape + 2 * self.border, config.wall_height_m, np.float32)
        self.heights_m[self.border : -self.border, self.border : -self.border] = heights
        self.inside = np.zeros(self.heights_m.shape, bool)
        self.inside[self.border : -self.border, self.border : -self.border] = True

    def things(self) -> tuple[int, np.ndarray]:
        """Connected regions above the floor: their number and the label of each cell, 0 for floor."""
        limit = self._config.floor_z_m + self._config.smallest_object_height_m
        count, labels = cv2.connectedComponents(
            ((self.heights_m > limit) & self.inside).astype(np.uint8), connectivity=4
        )
        return count - 1, labels

    def position(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Base-frame x, y [m] of cell centres, (n, 2)."""
        return self._origin + (np.stack([rows, columns], axis=-1) + 0.5) * self._config.cell_m

    def cell(self, xy_m: np.ndarray) -> np.ndarray:
        """Fractional row and column of base-frame positions (n, 2)."""
        return (xy_m - self._origin) / self._config.cell_m - 0.5


def plan_grasps(
    depth_m: np.ndarray,
    intrinsics: np.ndarray,
    base_from_camera: np.ndarray,
    config: GraspAnythingConfig,
    rng: np.random.Generator,
    near_pixel: tuple[int, int] | None = None,
    near_radius_m: float = 0.04,
) -> list[GraspCandidate]:
    """Plans top-down grasps of whatever stands in the workspace.

    Args:
        depth_m: (H, W) along the optical axis; zero and non-finite are invalid.
        intrinsics: (3, 3).
        base_from_camera: (4, 4), of the optical frame.
        config: workspace and gripper.
        rng: decides what is grasped among the good ones.
        near_pixel: (column, row); only grasps within `near_radius_m` of this place are returned.
        near_radius_m: see above.

    Returns:
        Best first; empty when nothing can be grasped.

    Raises:
        ValueError: depth is not a two-dimensional image, or `near_pixel` is outside it.
    """
    if depth_m.ndim != 2:
        raise ValueError(f"depth_m: shape {depth_m.shape} is not a depth image (H, W)")
    points = deproject(depth_m, intrinsics, base_from_camera)
    target = None if near_pixel is None else _place_of_pixel(points, near_pixel)
    if near_pixel is not None and target is None:
        return []
    heights = HeightMap(points, config)
    count, labels = heights.things()
    if count == 0:
        return []
    favour = rng.normal(scale=config.exploration, size=count + 1) if target is None else np.zeros(count + 1)
    found: list[tuple[float, np.ndarray, float]] = []
    for angle in (np.arange(config.angles) + rng.uniform()) * np.pi / config.angles:
        found += _grasps_at_angle(heights, labels, angle, config, rng, favour, target, near_radius_m)
    found.sort(key=lambda grasp: -grasp[0])
    kept = _spread_out(found, config.candidates)
    pixels = project(
        np.array([pose[:3, 3] for _, pose, _ in kept]).reshape(-1, 3), intrinsics, base_from_camera
    )
    return [
        GraspCandidate(pose, opening, score, (int(u), int(v)))
        for (score, pose, opening), (u, v) in zip(kept, pixels, strict=True)
    ]


def _place_of_pixel(points: np.ndarray, pixel: tuple[int, int], radius_px: int = 4) -> np.ndarray | None:
    """The base-frame position that a pixel shows: the median of the valid ones around it, (3,)."""
    u, v = int(pixel[0]), int(pixel[1])
    height, width = points.shape[:2]
    if not (0 <= u < width and 0 <= v < height):
        raise ValueError(f"near_pixel: ({u}, {v}) is outside the image of {width} x {height} pixels")
    window = points[
        max(0, v - radius_px) : v + radius_px + 1, max(0, u - radius_px) : u + radius_px + 1
    ].reshape(-1, 3)
    window = window[np.isfinite(window).all(axis=1)]
    return np.median(window, axis=0) if len(window) else None


def _spread_out(found: list, most: int) -> list:
    """Keeps the best grasps that differ by at least 8 mm or 20 degrees from each better one."""
    kept: list = []
    for grasp in found:
        pose = grasp[1]
        same = (
            np.linalg.norm(pose[:3, 3] - other[1][:3, 3]) < 0.008
            and abs(pose[:3, 1] @ other[1][:3, 1]) > 0.94
            for other in kept
        )
        if not any(same):
            kept.append(grasp)
            if len(kept) == most:
                break
    return kept


def _grasps_at_angle(
    heights: HeightMap,
    labels: np.ndarray,
    angle: float,
    config: GraspAnythingConfig,
    rng: np.random.Generator,
    favour: np.ndarray,
    target: np.ndarray | None,
    near_radius_m: float,
) -> list[tuple[float, np.ndarray, float]]:
    """Grasps that close along one direction, `angle` from the x axis of the base."""
    rotated, back = _rotate(heights.heights_m, angle, config.wall_height_m)
    cell = config.cell_m
    half_width = max(1, round(config.finger_width_m / 2 / cell))
    thickness = max(1, round(config.finger_thickness_m / cell))
    strip = np.ones((2 * half_width + 1, 1))
    found = []
    for opening in (0.55, 0.78, 1.0):
        opening_m = opening * config.largest_opening_m
        half_gap = int(opening_m / 2 / cell)
        # Highest thing in the strip between the jaws, and where each finger would come down.
        between = cv2.dilate(rotated, np.ones((2 * half_width + 1, 2 * half_gap - 1)))
        finger = cv2.dilate(rotated, np.ones((2 * half_width + 1, thickness)))
        reach = half_gap + thickness // 2
        under = np.maximum(_shift(finger, reach), _shift(finger, -reach))
        middle = cv2.erode(rotated, strip) if half_width < 3 else cv2.erode(rotated, np.ones((3, 3)))
        lowest = np.maximum(under, config.floor_z_m) + config.clearance_m + config.fingertip_below_tcp_m
        tcp_z = np.maximum(np.minimum(middle - 0.012, between - 0.5 * config.palm_above_tcp_m), lowest)
        tcp_z = np.maximum(tcp_z, between - config.palm_above_tcp_m + 0.004)
        overlap = middle - (tcp_z - config.fingertip_below_tcp_m)
        fits = (overlap > 0.012) & (middle > config.floor_z_m + config.smallest_object_height_m)
        rows, columns = np.nonzero(fits)
        if len(rows) > 60:
            chosen = rng.choice(len(rows), 60, replace=False)
            rows, columns = rows[chosen], columns[chosen]
        for row, column in zip(rows, columns, strict=True):
            at = back @ np.array([column, row, 1.0])
            label = labels[tuple(np.clip(np.round(at[::-1]).astype(int), 0, np.array(labels.shape) - 1))]
            xy = heights.position(np.array(at[1]), np.array(at[0]))
            if label == 0 or (target is not None and np.linalg.norm(xy - target[:2]) > near_radius_m):
                continue
            quality = _quality(rotated, row, column, half_gap, half_width, float(tcp_z[row, column]), config)
            if quality is None:
                continue
            score = (
                quality
                + favour[label]
                + 4.0 * min(float(overlap[row, column]), 0.03)
                - 0.3 * (opening - 0.55)
            )
            if target is not None:
                score -= 8.0 * float(np.linalg.norm(xy - target[:2]))
            found.append((score, _pose(xy, float(tcp_z[row, column]), angle), opening_m))
    return found


def _quality(
    rotated: np.ndarray,
    row: int,
    column: int,
    half_gap: int,
    half_width: int,
    tcp_z: float,
    config: GraspAnythingConfig,
) -> float | None:
    """How well the jaws close there: parallel faces, in the middle of the thing along and across the fingers."""
    window = rotated[row - half_width : row + half_width + 1, column - half_gap + 1 : column + half_gap]
    if window.shape != (2 * half_width + 1, 2 * half_gap - 1):
        return None
    solid = window > tcp_z - config.fingertip_below_tcp_m * 0.5
    touched = solid.any(axis=1)
    if touched.mean() < 0.6:
        return None
    first, last = solid.argmax(axis=1)[touched], solid.shape[1] - 1 - solid[:, ::-1].argmax(axis=1)[touched]
    # Only the foremost points of each face are touched; how unlike they are tells how slanted the face is.
    slant = (np.ptp(first) + np.ptp(last)) / (2 * max(1, touched.sum()))
    if slant > STEEPEST_FACE:
        return None
    off_centre = abs((first.min() + last.max()) / 2 - (half_gap - 1)) / half_gap
    # The same strip, longer: the thing's extent across the fingers tells how far from its middle they close.
    along = rotated[max(0, row - 28) : row + 29, max(0, column - half_gap + 1) : column + half_gap]
    standing = (along > config.floor_z_m + config.smallest_object_height_m).sum(axis=1)
    rows = np.arange(len(standing)) - min(28, row)
    connected = _run_through_zero(standing > 0, rows)
    lever = (
        abs((standing[connected] * rows[connected]).sum() / max(1, standing[connected].sum())) * config.cell_m
    )
    return float(1.0 - 0.8 * slant - 0.5 * off_centre - 12.0 * lever)


def _run_through_zero(standing: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Indices of the unbroken run of true values that contains row 0."""
    zero = int(np.flatnonzero(rows == 0)[0])
    first, last = zero, zero
    while first > 0 and standing[first - 1]:
        first -= 1
    while last < len(standing) - 1 and standing[last + 1]:
        last += 1
    return np.arange(first, last + 1)


def _rotate(heights: np.ndarray, angle: float, outside: float) -> tuple[np.ndarray, np.ndarray]:
    """The height map turned so that the closing direction runs along its columns.

    Returns:
        The turned map and the (2, 3) affine map from its (column, row) to the original's.
    """
    rows, columns = heights.shape
    size = int(np.ceil(np.hypot(rows, columns)))
    # In (column, row) coordinates the column axis is base y and the row axis is base x.
    across, along = np.array([np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), -np.sin(angle)])
    back = np.zeros((2, 3))
    back[:, 0], back[:, 1] = across, along
    back[:, 2] = np.array([(columns - 1) / 2, (rows - 1) / 2]) - back[:, :2] @ np.full(2, (size - 1) / 2)
    turned = cv2.warpAffine(
        heights,
        back,
        (size, size),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=outside,
    )
    return turned, back


def _shift(image: np.ndarray, columns: int) -> np.ndarray:
    """The image whose pixel (r, c) is the old one's (r, c + columns); edges repeat."""
    return image[:, np.clip(np.arange(image.shape[1]) + columns, 0, image.shape[1] - 1)]


def _pose(xy_m: np.ndarray, z_m: float, angle: float) -> np.ndarray:
    """Top-down pose whose y axis is the closing direction, `angle` from the base's x axis."""
    pose = np.eye(4)
    closing = np.array([np.cos(angle), np.sin(angle), 0.0])
    approach = np.array([0.0, 0.0, -1.0])
    pose[:3, :3] = np.stack([np.cross(closing, approach), closing, approach], axis=1)
    pose[:3, 3] = *xy_m, z_m
    return pose
