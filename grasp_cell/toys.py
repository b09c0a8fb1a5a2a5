"""Generated toys: any number of graspable objects, each made from its number alone."""

from __future__ import annotations

import numpy as np
import trimesh

from grasp_cell.objects import CellObject, box_projection
from grasp_cell.shapes import FAMILIES, Part
from grasp_cell.surface import sample_texels, texel_areas
from grasp_cell.textures import TEXTURE_SIZE, make_texture

DENSITY_KG_M3 = 450.0
LIGHTEST_KG, HEAVIEST_KG = 0.02, 0.30
LONGEST_M = 0.115
# The gripper opens to 80 mm; something must be left for the fingers to come down beside the object.
WIDEST_GRASP_M, NARROWEST_M = 0.058, 0.016
SHARED_SIZE_M = 0.047


def scaled(parts: list[Part], factor: float, shift: np.ndarray) -> list[Part]:
    """The parts moved by `shift`, then scaled about the origin."""
    result = []
    for part in parts:
        mesh = part.mesh.copy()
        mesh.apply_translation(shift)
        mesh.apply_scale(factor)
        scaled = Part(mesh)
        if part.box is not None:
            size, transform = part.box
            scaled.box = (size * factor, _moved(transform, shift, factor))
        if part.cylinder is not None:
            radius, height, transform = part.cylinder
            scaled.cylinder = (radius * factor, height * factor, _moved(transform, shift, factor))
        result.append(scaled)
    return result


def _moved(transform: np.ndarray, shift: np.ndarray, factor: float) -> np.ndarray:
    moved = transform.copy()
    moved[:3, 3] = (moved[:3, 3] + shift) * factor
    return moved


def _extents(parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    points = np.vstack([part.mesh.vertices for part in parts])
    return points.min(axis=0), points.max(axis=0)


def graspable(parts: list[Part]) -> bool:
    """Whether a parallel jaw can close on the parts lying flat or standing, by their bounding box."""
    low, high = _extents(parts)
    sides = np.sort(high - low)
    return (
        sides[0] >= NARROWEST_M
        and sides[1] <= WIDEST_GRASP_M + 0.02
        and sides[0] <= WIDEST_GRASP_M
        and sides[2] <= LONGEST_M
    )


def make_toy(number: int, regime: str) -> CellObject:
    """Makes toy `number`.

    Args:
        number: any non-negative integer; the same number gives the same toy for ever.
        regime: "varied": colours and size of its own; "shared_palette": the same four colours in equal shares
            and the same size for all toys, so that only shape and pattern tell them apart.

    Raises:
        ValueError: unknown regime.
    """
    if regime not in ("varied", "shared_palette"):
        raise ValueError(f"regime: {regime!r} is unknown; use 'varied' or 'shared_palette'")
    shared = regime == "shared_palette"
    rng = np.random.default_rng([number, int(shared)])
    while True:
        parts = FAMILIES[rng.integers(len(FAMILIES))](rng)
        low, high = _extents(parts)
        factor = SHARED_SIZE_M / np.prod(high - low) ** (1 / 3) if shared else 1.0
        parts = scaled(parts, factor, -(low + high) / 2)
        if graspable(parts):
            break
    mesh = trimesh.util.concatenate([part.mesh for part in parts])
    vertices, faces, coordinates = box_projection(mesh, tile_m=rng.uniform(0.03, 0.06))
    areas = None
    if shared:
        # Parts of the tile lie on the surface more than once and others not at all: equal areas of the tile alone
        # would leave each toy a colour balance of its own.
        areas = texel_areas(sample_texels(vertices, faces, coordinates, parts, TEXTURE_SIZE), TEXTURE_SIZE)
    volume = sum(part.mesh.volume for part in parts)
    return CellObject(
        name=f"toy_{'s' if shared else 'v'}{number:06d}",
        vertices=vertices,
        faces=faces,
        texture_coordinates=coordinates,
        texture=make_texture(rng, shared, texel_areas=areas),
        parts=parts,
        mass_kg=float(np.clip(volume * DENSITY_KG_M3, LIGHTEST_KG, HEAVIEST_KG)),
    )
