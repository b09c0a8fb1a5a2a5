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
# A winding number of a half is right behind a surface; one of this much is on the border of what is open.
ENCLOSED = 0.25
WINDING_POINTS = 512


@dataclass(frozen=True)
class FieldSample:
    """What the field says at points (...).

    Attributes:
        distance: (...) metres, negative inside.
        normal: (..., 3) the distance's gradient, outward, of about unit length; without gradient of its own.
    """

    distance: torch.Tensor
    normal: torch.Tensor


@dataclass(frozen=True)
class Grid:
    """A distance on a regular grid, looked up to first order from the nearest cell: one memory access a point.

    Attributes:
        rows: (layers, cells, 4) distance and its gradient in each cell, x fastest.
        counts: (3,) cells along x, y, z.
        low: (3,) the first cell's centre, metres.
        high: (3,) the last cell's centre.
    """

    rows: torch.Tensor
    counts: torch.Tensor
    low: torch.Tensor
    high: torch.Tensor

    def sample(self, points: torch.Tensor, layer: torch.Tensor | None = None) -> FieldSample:
        """Looks points up; beyond the grid the way to it is added.

        Args:
            points: (B, ..., 3) metres, object frame.
            layer: (B,) which of the layers; the first when missing.
        """
        inside = torch.minimum(torch.maximum(points, self.low), self.high)
        beyond = torch.linalg.norm(points - inside + 1e-9, dim=-1)
        with torch.no_grad():
            spacing = (self.high - self.low) / (self.counts - 1)
            cell = ((inside - self.low) / spacing).round()
            centre = self.low + cell * spacing
            x, y, z = cell.long().unbind(-1)
            index = (z * self.counts[1] + y) * self.counts[0] + x
            if layer is not None:
                index = index + (layer * self.rows.shape[1]).reshape(-1, *[1] * (index.dim() - 1))
            row = self.rows.reshape(-1, 4).index_select(0, index.flatten()).reshape(*index.shape, 4)
            at_centre, normal = row[..., 0], row[..., 1:]
        return FieldSample(at_centre + ((inside - centre) * normal).sum(dim=-1) + beyond, normal)


@dataclass(frozen=True)
class ObjectField:
    """Distances around an object, in the object's frame.

    Attributes:
        whole: signed distance to the object, negative inside.
        parts: unsigned distance to each part, one layer each, on a coarser grid over the same box.
    """

    whole: Grid
    parts: Grid

    def sample(self, points: torch.Tensor) -> FieldSample:
        """Distance to the object and its gradient at points (..., 3), metres, object frame."""
        return self.whole.sample(points)

    def part_distance(self, points: torch.Tensor, part: torch.Tensor) -> torch.Tensor:
        """Distance (B, ...) of points (B, ..., 3) to the surface of one part (B,) each; not negative."""
        return self.parts.sample(points, part).distance.clamp_min(0)


def field_of_mesh(mesh: trimesh.Trimesh, parts: list[trimesh.Trimesh]) -> ObjectField:
    """The field of a closed mesh and of its parts.

    Args:
        mesh: watertight, metres.
        parts: surfaces of the parts, in the same frame; at least one.
    """
    cells, spacing = _cells(mesh.bounds, MOST_CELLS)
    few, few_spacing = _cells(mesh.bounds, MOST_PART_CELLS)
    return _field(
        _distances(mesh, cells, signed=True),
        spacing,
        [_distances(part, few, signed=False) for part in parts],
        few_spacing,
        mesh.bounds,
    )


def field_of_points(points: np.ndarray, normals: np.ndarray, part: np.ndarray | None = None) -> ObjectField:
    """The field of a point cloud with outward normals, and of one of its parts.

    Near the points the sign is the side of the nearest planes. Farther behind them it depends on how much the points
    enclose a place: what no camera has seen is neither known to be inside nor outside.

    Args:
        points: (N, 3) metres, on the surface; may cover only the side that a camera sees.
        normals: (N, 3) outward, of unit length.
        part: (N,) bool, which points belong to the part; all when missing.
    """
    from scipy.spatial import cKDTree

    bounds = np.stack([points.min(axis=0), points.max(axis=0)])
    cells, spacing = _cells(bounds, MOST_CELLS)
    flat = cells.reshape(-1, 3)
    near, index = cKDTree(points).query(flat, k=4)
    # The mean of a few neighbours, since one noisy normal would flip the sign of a whole cell.
    side = np.einsum("nkc,nkc->nk", flat[:, None] - points[index], normals[index]).mean(axis=1)
    distance, behind = near[:, 0].copy(), side < 0
    enclosed = winding_number(flat[behind], points, normals)
    distance[behind] *= np.clip(1 - enclosed / ENCLOSED, -1, 1)
    few, few_spacing = _cells(bounds, MOST_PART_CELLS)
    near, _ = cKDTree(points if part is None else points[part]).query(few)
    return _field(distance.reshape(cells.shape[:3]), spacing, [near], few_spacing, bounds)


def winding_number(places: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """How much points enclose places: 1 inside of a closed surface, 0 outside, in between where it is open.

    The generalised winding number of a point cloud (Barill et al. 2018, https://doi.org/10.1145/3197517.3201337), each
    point standing for the area around it; from some of the points, evenly chosen.

    Args:
        places: (M, 3) metres.
        points: (N, 3) on the surface.
        normals: (N, 3) outward, of unit length.

    Returns:
        (M,) float32.
    """
    from scipy.spatial import cKDTree

    chosen = np.random.default_rng(0).permutation(len(points))[:WINDING_POINTS]
    points, normals = points[chosen], normals[chosen]
    neighbours = min(8, len(points) - 1)
    reach = cKDTree(points).query(points, k=neighbours + 1)[0][:, -1]
    weighted = normals * (np.pi * reach**2 / neighbours / (4 * np.pi))[:, None]
    surface, weighted = torch.from_numpy(points).float(), torch.from_numpy(weighted).float()
    across = (weighted * surface).sum(dim=1)
    found = []
    for some in torch.from_numpy(places).float().split(8192):
        distance = torch.cdist(some, surface).clamp_min(2e-3)
        found.append(((across - some @ weighted.T) / distance**3).sum(dim=1))
    return torch.cat(found).numpy()


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
    distance: np.ndarray,
    spacing: list[float],
    parts: list[np.ndarray],
    few_spacing: list[float],
    bounds: np.ndarray,
) -> ObjectField:
    return ObjectField(_grid([distance], spacing, bounds), _grid(parts, few_spacing, bounds))


def _grid(layers: list[np.ndarray], spacing: list[float], bounds: np.ndarray) -> Grid:
    rows = [np.stack([layer, *np.gradient(layer, *spacing)], axis=-1) for layer in layers]
    # From axes x, y, z to x fastest.
    ordered = [row.astype(np.float32).transpose(2, 1, 0, 3).reshape(-1, 4) for row in rows]
    return Grid(
        torch.from_numpy(np.stack(ordered)),
        torch.tensor(layers[0].shape),
        torch.from_numpy(bounds[0] - MARGIN_M).float(),
        torch.from_numpy(bounds[1] + MARGIN_M).float(),
    )
