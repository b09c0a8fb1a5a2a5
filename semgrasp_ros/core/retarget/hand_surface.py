"""Distance to an object of which only points and normals are known."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

NEIGHBOURS = 4
SMOOTH_M = 1e-3
# Inside, the nearest surface lies straight along its normal; beside a sharp edge it does not.
INSIDE_COSINE = 0.4


class CloudSurface:
    """A point cloud as a surface: planes near it, plain distance beyond its edges.

    Args:
        points: (N, 3) metres, whole or as one camera sees them.
        normals: (N, 3) outward, unit; without them the surface has no inside.

    Attributes:
        spacing_m: from a point to its fourth next, median.
    """

    def __init__(self, points: np.ndarray, normals: np.ndarray | None = None) -> None:
        self._points, self._normals = points, normals
        self._tree = cKDTree(points)
        self._neighbours = min(NEIGHBOURS, len(points))
        some = points[:: max(len(points) // 200, 1)]
        fourth = min(5, len(points))
        self.spacing_m = float(np.median(self._tree.query(some, k=[fourth])[0]))
        self._low, self._high = points.min(axis=0), points.max(axis=0)

    def query(self, at: np.ndarray, reach_m: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
        """Looks points up.

        Args:
            at: (n, 3) metres.
            reach_m: points farther from the surface are looked up by their nearest point alone, which is cheaper.

        Returns:
            Signed distances (n,), negative inside, and their gradients (n, 3), of unit length.
        """
        if self._normals is not None and np.isfinite(reach_m):
            distance, gradient, nearest = self._nearest(at)
            side = np.einsum("nc,nc->n", gradient, self._normals[nearest])
            sign = np.where((side < -INSIDE_COSINE) & self._maybe_inside(at), -1.0, 1.0)
            near = np.flatnonzero((distance < reach_m) | (sign < 0))  # one normal alone may mislead
            distance, gradient = sign * distance, sign[:, None] * gradient
            if len(near):
                distance[near], gradient[near] = self.query(at[near])
            return distance, gradient
        if self._normals is None:
            return self._nearest(at)[:2]
        distance, index = self._tree.query(at, k=self._neighbours)
        distance, index = distance.reshape(len(at), -1), index.reshape(len(at), -1)
        normals = self._normals[index]
        # The other side of a thin wall would cancel this one.
        agreeing = np.einsum("nkc,nc->nk", normals, normals[:, 0]) > 0
        weight = agreeing / (distance**2 + SMOOTH_M**2)
        weight /= weight.sum(axis=1, keepdims=True)
        normal = np.einsum("nk,nkc->nc", weight, normals)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
        offset = at - np.einsum("nk,nkc->nc", weight, self._points[index])
        height = np.einsum("nc,nc->n", offset, normal)
        aside = offset - height[:, None] * normal
        width = np.linalg.norm(aside, axis=1)
        # Between points the plane counts; what lies farther aside is beyond the surface's edge.
        beyond = np.maximum(width - self.spacing_m, 0)
        size = np.hypot(height, beyond)
        sign = np.where((height < -INSIDE_COSINE * size) & self._maybe_inside(at), -1.0, 1.0)
        way = height[:, None] * normal + (beyond / np.maximum(width, 1e-9))[:, None] * aside
        gradient = np.where(
            size[:, None] > 1e-9, sign[:, None] * way / np.maximum(size, 1e-9)[:, None], normal
        )
        return sign * size, gradient

    def _maybe_inside(self, at: np.ndarray) -> np.ndarray:
        slack = self.spacing_m
        return ((at > self._low - slack) & (at < self._high + slack)).all(axis=1)

    def _nearest(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distances (n,) to the nearest points, directions (n, 3) away from them, and their rows (n,)."""
        distance, rows = self._tree.query(at)
        return distance, (at - self._points[rows]) / np.maximum(distance, 1e-9)[:, None], rows

    def nearest(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distances (n,) to the nearest points of the cloud and their rows (n,)."""
        return self._tree.query(at)
