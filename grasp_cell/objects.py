"""An object of the cell: what is seen, what collides, how heavy it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh

from grasp_cell.shapes import Part


@dataclass
class CellObject:
    """An object that can lie in the bin; its frame is at the centre of its bounding box [m].

    Attributes:
        name: unique in its library.
        vertices: (n, 3) corners of the visible surface, repeated per face so that texture seams are sharp.
        faces: (m, 3) indices into `vertices`.
        texture_coordinates: (n, 2), repeating with period 1.
        texture: (h, w, 3) uint8 RGB.
        parts: convex parts that collide.
        mass_kg: total mass.
    """

    name: str
    vertices: np.ndarray
    faces: np.ndarray
    texture_coordinates: np.ndarray
    texture: np.ndarray
    parts: list[Part]
    mass_kg: float


def box_projection(mesh: trimesh.Trimesh, tile_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unwraps a mesh by projecting each face along the axis it looks at most.

    Args:
        mesh: the surface [m].
        tile_m: how wide one tile of the texture is.

    Returns:
        vertices (3m, 3), faces (m, 3), texture coordinates (3m, 2).
    """
    vertices = mesh.triangles.reshape(-1, 3)
    axis = np.repeat(np.abs(mesh.face_normals).argmax(axis=1), 3)
    across = np.array([[1, 2], [0, 2], [0, 1]])[axis]
    coordinates = np.take_along_axis(vertices, across, axis=1) / tile_m
    return vertices, np.arange(len(vertices)).reshape(-1, 3), coordinates
