"""A table with a ball and a box on it, its depth image computed exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 160, 120
INTRINSICS = np.array([[180.0, 0.0, 80.0], [0.0, 180.0, 60.0], [0.0, 0.0, 1.0]])
BALL, BALL_RADIUS_M = np.array([0.0, -0.12, 0.04]), 0.04
BOX_LOW, BOX_HIGH = np.array([-0.03, 0.06, 0.0]), np.array([0.03, 0.14, 0.05])


@dataclass(frozen=True)
class Scene:
    """depth_m (H, W); what (H, W): 0 table, 1 ball, 2 box; camera (4, 4): pose of the optical frame, z of the world up."""

    depth_m: np.ndarray
    what: np.ndarray
    camera: np.ndarray

    def middle(self, thing: int) -> tuple[int, int]:
        """A pixel (column, row) amid a thing."""
        rows, columns = np.nonzero(self.what == thing)
        best = np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2)
        return int(columns[best]), int(rows[best])


def look(eye: tuple[float, float, float] = (0.45, 0.0, 0.45)) -> Scene:
    """What a camera at `eye` [m] sees that looks at the middle of the table."""
    camera = _pose(np.array(eye))
    u, v = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    rays = np.stack([(u - 80.0) / 180.0, (v - 60.0) / 180.0, np.ones_like(u)], axis=-1) @ camera[:3, :3].T
    start = camera[:3, 3]
    distances = np.stack([-start[2] / rays[..., 2], _ball(start, rays), _box(start, rays)])
    return Scene(distances.min(axis=0), distances.argmin(axis=0), camera)


def _pose(eye: np.ndarray) -> np.ndarray:
    z = -eye / np.linalg.norm(eye)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = np.stack([x, np.cross(z, x), z], axis=1), eye
    return pose


def _ball(start: np.ndarray, rays: np.ndarray) -> np.ndarray:
    away = start - BALL
    a, b, c = (rays**2).sum(-1), rays @ away, away @ away - BALL_RADIUS_M**2
    with np.errstate(invalid="ignore"):
        near = (-b - np.sqrt(b**2 - a * c)) / a
    return np.where(np.isfinite(near), near, np.inf)


def _box(start: np.ndarray, rays: np.ndarray) -> np.ndarray:
    low, high = (BOX_LOW - start) / rays, (BOX_HIGH - start) / rays
    enter, leave = np.minimum(low, high).max(-1), np.maximum(low, high).min(-1)
    return np.where(enter < leave, enter, np.inf)
