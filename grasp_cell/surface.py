"""How much of an object's outer surface shows each texel of its texture."""

from __future__ import annotations

import numpy as np
import trimesh

from grasp_cell.shapes import Part

SAMPLES = 20_000


def sample_texels(
    vertices: np.ndarray,
    faces: np.ndarray,
    texture_coordinates: np.ndarray,
    parts: list[Part],
    size: int,
    seed: int = 0,
) -> np.ndarray:
    """Texels shown by points that are spread evenly over the outer surface.

    Args:
        vertices: (n, 3) [m].
        faces: (m, 3).
        texture_coordinates: (n, 2), repeating with period 1.
        parts: the convex parts; surface inside any of them is hidden and left out.
        size: side of the texture in texels.
        seed: of the points.

    Returns:
        (k, 2) row and column of each point's texel; row 0 is the texture's upper edge.
    """
    surface = trimesh.Trimesh(vertices, faces, process=False)
    points, face = trimesh.sample.sample_surface(surface, SAMPLES, seed=seed)
    outside = np.ones(len(points), bool)
    for part in parts if len(parts) > 1 else ():
        outside &= ~_inside(part.mesh, points)
    points, face = points[outside], face[outside]
    weights = trimesh.triangles.points_to_barycentric(surface.triangles[face], points)
    u, v = np.einsum("kc,kcd->dk", weights, texture_coordinates[faces[face]])
    return np.floor(np.stack([1 - v, u], axis=1) * size).astype(int) % size


def texel_areas(texels: np.ndarray, size: int) -> np.ndarray:
    """Share of the surface that shows each texel, (size, size), from `sample_texels`."""
    counts = np.bincount(texels[:, 0] * size + texels[:, 1], minlength=size * size)
    return counts.reshape(size, size) / len(texels)


def _inside(convex: trimesh.Trimesh, points_m: np.ndarray, margin_m: float = 1e-5) -> np.ndarray:
    """Which points (k, 3) are inside a convex surface, deeper than the margin; (k,) bool."""
    offsets = np.einsum("fd,fd->f", convex.face_normals, convex.triangles[:, 0])
    return (points_m @ convex.face_normals.T < offsets - margin_m).all(axis=1)
