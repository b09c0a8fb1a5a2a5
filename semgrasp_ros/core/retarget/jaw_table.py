"""What a table changes for a jaw: flat things have sides that no camera measures, and fingers end above the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.robot_file import ParallelGripper

# Columns of an object that end lower than this are taken to reach down to the table.
LOW_M = 0.04
CELL_M, STEP_M = 0.002, 0.002
NEAR_M = 0.06
SMOOTH_CELLS = 2.0
# Fingers end so far above the table.
FREE_M = 0.001


@dataclass(frozen=True)
class LowThing:
    """What lies low on a table around a grasp: its outline from above and its sides.

    Attributes:
        plane: (4,) of the table, unit normal up and offset.
        frame: (4, 4) from outline to points: z up, the origin on the table below the grasp.
        top_m: (C, C) height of what is seen in each cell of 2 mm, NaN where the table is.
        flat: whether all around the grasp is low.
    """

    plane: np.ndarray
    frame: np.ndarray
    top_m: np.ndarray
    flat: bool

    @classmethod
    def around(cls, points: np.ndarray, plane: np.ndarray, middle: np.ndarray) -> LowThing:
        """Looks at seen points (N, 3) near the middle (3,) of a grasp."""
        up = plane[:3]
        across = np.cross(up, np.eye(3)[int(np.argmin(np.abs(up)))])
        across /= np.linalg.norm(across)
        frame = np.eye(4)
        frame[:3, :3] = np.column_stack([across, np.cross(up, across), up])
        frame[:3, 3] = middle - (middle @ up + plane[3]) * up
        local = (points - frame[:3, 3]) @ frame[:3, :3]
        away = np.linalg.norm(local[:, :2], axis=1)
        here = local[away < NEAR_M / 2, 2]
        flat = bool(len(here) and np.percentile(here, 95) < LOW_M)
        return cls(plane, frame, _highest(local[away < NEAR_M]), flat)

    def walls(self) -> tuple[np.ndarray, np.ndarray]:
        """Points (K, 3) and outward normals (K, 3) of upright walls under the outline.

        From above a camera sees a flat thing's upper side, whose outline is where fingers meet it; its sides are too low
        to be measured.
        """
        rows, columns, outward = _outline(np.isfinite(self.top_m))
        # A wall is as high as what is seen right inside it.
        inside = np.column_stack([rows, columns]) - np.round(1.5 * outward).astype(int)
        inside = np.clip(inside, 0, len(self.top_m) - 1)
        high = np.fmax(self.top_m[rows, columns], self.top_m[inside[:, 0], inside[:, 1]])
        place = (np.column_stack([rows, columns]) - len(self.top_m) // 2) * CELL_M
        # What was looked at ends somewhere: that is no outline.
        low = (high < LOW_M) & (np.linalg.norm(place, axis=1) < NEAR_M - 3 * CELL_M)
        points, normals = [np.zeros((0, 3))], [np.zeros((0, 3))]
        for spot, direction, height in zip(place[low], outward[low], high[low], strict=True):
            levels = np.arange(STEP_M / 2, max(height, STEP_M), STEP_M)
            points.append(np.column_stack([np.tile(spot, (len(levels), 1)), levels]))
            normals.append(np.tile([*direction, 0.0], (len(levels), 1)))
        rotation = self.frame[:3, :3].T
        return np.concatenate(points) @ rotation + self.frame[:3, 3], np.concatenate(normals) @ rotation

    def looked_at(self, points: np.ndarray) -> np.ndarray:
        """Which points (N, 3) are where the outline is known, (N,) bool."""
        local = (points - self.frame[:3, 3]) @ self.frame[:3, :3]
        return np.linalg.norm(local[:, :2], axis=1) < NEAR_M

    def above(self, points: np.ndarray) -> np.ndarray:
        """Which points (N, 3) are above the table, (N,) bool."""
        return points @ self.plane[:3] + self.plane[3] > 0


def _highest(points: np.ndarray) -> np.ndarray:
    """Largest z of points (N, 3) in each cell of a square grid about zero; gaps of single cells closed, NaN elsewhere."""
    from scipy.ndimage import binary_closing, maximum_filter

    half = int(np.ceil(NEAR_M / CELL_M)) + 2
    top = np.full((2 * half + 1, 2 * half + 1), -np.inf)
    cells = np.round(points[:, :2] / CELL_M).astype(int) + half
    np.maximum.at(top, (cells[:, 0], cells[:, 1]), points[:, 2])
    filled = binary_closing(np.isfinite(top), np.ones((3, 3)))
    top = np.where(np.isfinite(top), top, maximum_filter(top, 3))
    return np.where(filled & np.isfinite(top), top, np.nan)


def _outline(filled: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns (K,) of filled cells beside empty ones, and directions (K, 2) out of them."""
    from scipy.ndimage import binary_erosion, gaussian_filter

    edge = filled & ~binary_erosion(filled)
    rows, columns = np.nonzero(edge)
    slope = np.stack(np.gradient(gaussian_filter(filled.astype(float), SMOOTH_CELLS)), axis=-1)[rows, columns]
    length = np.linalg.norm(slope, axis=1)
    # On a line of single cells both sides are outside.
    kept = length > 1e-3
    return rows[kept], columns[kept], -slope[kept] / length[kept, None]


def raised(
    rotations: np.ndarray,
    tips: np.ndarray,
    opening_m: np.ndarray,
    plane: np.ndarray,
    gripper: ParallelGripper,
) -> np.ndarray:
    """Tips (S, 3), lifted off the table as far as the open fingers would reach into it.

    Args:
        rotations: (S, 3, 3) of the poses.
        tips: (S, 3) between the finger ends.
        opening_m: (S,) between the fingers.
        plane: (4,) of the table.
        gripper: of the robot.
    """
    up = rotations.transpose(0, 2, 1) @ plane[:3]
    reach = (opening_m / 2 + gripper.finger_thickness_m) * np.abs(up[:, 0])
    reach = reach + gripper.finger_width_m / 2 * np.abs(up[:, 1])
    lowest = tips @ plane[:3] + plane[3] - reach
    return tips + np.maximum(FREE_M - lowest, 0)[:, None] * plane[:3]
