"""The signed distance field of an object on a grid: fast to look up for many points, and differentiable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    import trimesh

MARGIN_M = 0.025
MOST_CELLS = 110_000
FINEST_M = 0.0025
# Distances to parts only draw fingers near, so that fewer cells are enough.
MOST_PART_CELLS = 16_000


@dataclass(frozen=True)
class FieldSample:
    """What the field says at points (...).

    Attributes:
        distance: (...) metres, negative inside.
        normal: (..., 3) the distance's gradient, outward, of about unit length; without gradient of its own.
        part_distance: (..., P) metres to each part's surface, not negative.
    """

    distance: torch.Tensor
    normal: torch.Tensor
    part_distance: torch.Tensor


@dataclass(frozen=True)
class ObjectField:
    """Distances around an object, in the object's frame.

    Attributes:
        distance: (1, 1, Z, Y, X) signed distance, negative inside, metres.
        normal: (1, 3, Z, Y, X) its gradient.
        part_distance: (1, P, Z', Y', X') unsigned distance to each of P parts, on a coarser grid over the same box.
        low: (3,) the first cell's centre, metres.
        high: (3,) the last cell's centre.
    """

    distance: torch.Tensor
    normal: torch.Tensor
    part_distance: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor

    @property
    def parts(self) -> int:
        """How many parts the field tells apart."""
        return self.part_distance.shape[1]

    def sample(self, points: torch.Tensor) -> FieldSample:
        """Looks points up, by trilinear interpolation; beyond the grid the way to it is added.

        Args:
            points: (..., 3) metres, object frame.
        """
        flat = points.reshape(1, -1, 1, 1, 3)
        inside = torch.minimum(torch.maximum(flat, self.low), self.high)
        unit = 2 * (inside - self.low) / (self.high - self.low) - 1
        beyond = torch.linalg.norm(flat - inside + 1e-9, dim=-1).reshape(points.shape[:-1])
        with torch.no_grad():
            normal = _look_up(self.normal, unit).reshape(points.shape)
        distance = _look_up(self.distance, unit).reshape(points.shape[:-1])
        part_distance = _look_up(self.part_distance, unit).reshape(*points.shape[:-1], self.parts)
        return FieldSample(distance + beyond, normal, part_distance + beyond[..., None])


def _look_up(grid: torch.Tensor, unit: torch.Tensor) -> torch.Tensor:
    """Values (N, C) of a grid (1, C, Z, Y, X) at N places in -1..1."""
    return torch.nn.functional.grid_sample(grid, unit, mode="bilinear", align_corners=True)[0, :, :, 0, 0].T


def field_of_mesh(mesh: trimesh.Trimesh, parts: list[trimesh.Trimesh]) -> ObjectField:
    """The field of a closed mesh and of its parts.

    Args:
        mesh: watertight, metres.
        parts: surfaces of the parts, in the same frame; at least one.
    """
    cells, spacing = _cells(mesh.bounds, MOST_CELLS)
    few, _ = _cells(mesh.bounds, MOST_PART_CELLS)
    return _field(
        _distances(mesh, cells, signed=True),
        spacing,
        [_distances(part, few, signed=False) for part in parts],
        mesh.bounds,
    )


def field_of_points(points: np.ndarray, normals: np.ndarray) -> ObjectField:
    """The field of a point cloud with outward normals, as of one part: the sign is the side of the nearest planes.

    Args:
        points: (N, 3) metres, on the surface; may cover only the side that a camera sees.
        normals: (N, 3) outward, of unit length.
    """
    from scipy.spatial import cKDTree

    bounds = np.stack([points.min(axis=0), points.max(axis=0)])
    cells, spacing = _cells(bounds, MOST_CELLS)
    near, index = cKDTree(points).query(cells.reshape(-1, 3), k=4)
    # The mean of a few neighbours, since one noisy normal would flip the sign of a whole cell.
    offsets = cells.reshape(-1, 1, 3) - points[index]
    side = np.einsum("nkc,nkc->nk", offsets, normals[index]).mean(axis=1)
    distance = (near[:, 0] * np.where(side < 0, -1, 1)).reshape(cells.shape[:3])
    few, _ = _cells(bounds, MOST_PART_CELLS)
    near, _ = cKDTree(points).query(few)
    return _field(distance, spacing, [near], bounds)


def _cells(bounds: np.ndarray, most: int) -> tuple[np.ndarray, list[float]]:
    """Cell centres (X, Y, Z, 3) with a margin, about `most` of them, and their spacing along each axis."""
    low, high = bounds[0] - MARGIN_M, bounds[1] + MARGIN_M
    spacing = max(FINEST_M, float((np.prod(high - low) / most) ** (1 / 3)))
    counts = np.ceil((high - low) / spacing).astype(int) + 1
    axes = [np.linspace(low[axis], high[axis], counts[axis]) for axis in range(3)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1), [float(axis[1] - axis[0]) for axis in axes]


def _distances(mesh: trimesh.Trimesh, cells: np.ndarray, signed: bool) -> np.ndarray:
    import open3d

    scene = open3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(
        open3d.core.Tensor(np.asarray(mesh.vertices, dtype=np.float32)),
        open3d.core.Tensor(np.asarray(mesh.faces, dtype=np.uint32)),
    )
    query = open3d.core.Tensor(cells.astype(np.float32))
    measure = scene.compute_signed_distance if signed else scene.compute_distance
    return measure(query, nthreads=1).numpy()


def _field(
    distance: np.ndarray, spacing: list[float], parts: list[np.ndarray], bounds: np.ndarray
) -> ObjectField:
    def grid(layers: list[np.ndarray]) -> torch.Tensor:
        # From axes x, y, z to what torch's sampling wants.
        return torch.from_numpy(np.stack(layers).astype(np.float32)).permute(0, 3, 2, 1)[None].contiguous()

    return ObjectField(
        grid([distance]),
        grid(np.gradient(distance, *spacing)),
        grid(parts),
        torch.from_numpy(bounds[0] - MARGIN_M).float(),
        torch.from_numpy(bounds[1] + MARGIN_M).float(),
    )
