"""Families of shapes, each a list of convex parts: what the generated toys are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh
from trimesh.transformations import rotation_matrix


@dataclass
class Part:
    """A convex part of an object.

    Attributes:
        mesh: closed convex surface in the object's frame [m].
        box: (size, transform) when the part is a box, which physics treats faster and better than a mesh.
        cylinder: (radius, height, transform) when the part is a cylinder.
    """

    mesh: trimesh.Trimesh
    box: tuple[np.ndarray, np.ndarray] | None = None
    cylinder: tuple[float, float, np.ndarray] | None = None


def _box(extents: np.ndarray, transform: np.ndarray | None = None) -> Part:
    transform = np.eye(4) if transform is None else transform
    return Part(
        trimesh.creation.box(extents=extents, transform=transform),
        box=(np.asarray(extents, float), transform),
    )


def _cylinder(radius: float, height: float, transform: np.ndarray | None = None) -> Part:
    transform = np.eye(4) if transform is None else transform
    mesh = trimesh.creation.cylinder(radius=radius, height=height, sections=20, transform=transform)
    return Part(mesh, cylinder=(radius, height, transform))


def _hull(points: np.ndarray) -> Part:
    return Part(trimesh.convex.convex_hull(points))


def _move(x: float = 0, y: float = 0, z: float = 0) -> np.ndarray:
    transform = np.eye(4)
    transform[:3, 3] = x, y, z
    return transform


def _ring(radius: float, z: float, sections: int = 16) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, sections, endpoint=False)
    return np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(sections, z)], axis=1)


def box(rng: np.random.Generator) -> list[Part]:
    """A block."""
    return [_box(rng.uniform([0.025, 0.02, 0.025], [0.09, 0.055, 0.07]))]


def cylinder(rng: np.random.Generator) -> list[Part]:
    """A can or a disc."""
    return [_cylinder(rng.uniform(0.013, 0.028), rng.uniform(0.03, 0.09))]


def capsule(rng: np.random.Generator) -> list[Part]:
    """A rounded rod."""
    mesh = trimesh.creation.capsule(
        height=rng.uniform(0.02, 0.06), radius=rng.uniform(0.013, 0.024), count=(10, 14)
    )
    return [Part(mesh)]


def ellipsoid(rng: np.random.Generator) -> list[Part]:
    """An egg."""
    return [
        _hull(
            trimesh.creation.icosphere(subdivisions=2).vertices
            * rng.uniform([0.015, 0.015, 0.02], [0.045, 0.027, 0.04])
        )
    ]


def prism(rng: np.random.Generator) -> list[Part]:
    """A prism over a polygon of three to eight corners, perhaps tapered."""
    corners, height = int(rng.integers(3, 9)), rng.uniform(0.025, 0.08)
    ring = _ring(rng.uniform(0.02, 0.03), 0.0, corners)
    top = ring * rng.uniform(0.35, 1.0)
    return [_hull(np.vstack([ring - [0, 0, height / 2], top * [1, 1, 0] + [0, 0, height / 2]]))]


def random_hull(rng: np.random.Generator) -> list[Part]:
    """A pebble: the hull of random points."""
    points = rng.normal(size=(int(rng.integers(7, 18)), 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return [_hull(points * rng.uniform([0.02, 0.018, 0.018], [0.045, 0.028, 0.032]))]


def lathed(rng: np.random.Generator) -> list[Part]:
    """A turned profile: vases, bottles, spindles."""
    levels = int(rng.integers(3, 6))
    z = np.concatenate([[0], np.cumsum(rng.uniform(0.01, 0.03, levels - 1))])
    radii = rng.uniform(0.009, 0.028, levels)
    return [
        _hull(np.vstack([_ring(radii[i], z[i]), _ring(radii[i + 1], z[i + 1])])) for i in range(levels - 1)
    ]


def swept(rng: np.random.Generator) -> list[Part]:
    """A bent bar: a rectangle swept along an arc or an S."""
    pieces, bend = int(rng.integers(3, 6)), rng.uniform(-0.8, 0.8)
    width, height, step = rng.uniform(0.016, 0.026), rng.uniform(0.02, 0.035), rng.uniform(0.018, 0.026)
    wave = rng.uniform() < 0.5
    heading, position, parts = 0.0, np.zeros(2), []
    for i in range(pieces):
        transform = rotation_matrix(heading, [0, 0, 1])
        transform[:2, 3] = position + step / 2 * np.array([np.cos(heading), np.sin(heading)])
        parts.append(_box(np.array([step * 1.25, width, height]), transform))
        position = position + step * np.array([np.cos(heading), np.sin(heading)])
        heading += -bend if wave and i >= pieces // 2 else bend
    return parts


def crossed(rng: np.random.Generator) -> list[Part]:
    """Crosses, L and T shapes from two or three bars."""
    length = rng.uniform(0.05, 0.09, 2)
    width, height = rng.uniform(0.016, 0.028, 2), rng.uniform(0.02, 0.035)
    shift = rng.choice([0.0, 0.5, -0.5]) * (length[0] - width[1])
    along = rng.choice([0.0, 0.5]) * (length[1] - width[0])
    return [
        _box(np.array([length[0], width[0], height])),
        _box(np.array([width[1], length[1], height * 0.999]), _move(shift, along)),
    ]


def dumbbell(rng: np.random.Generator) -> list[Part]:
    """Two heads on a bar."""
    length, bar = rng.uniform(0.035, 0.06), rng.uniform(0.008, 0.013)
    turn = rotation_matrix(np.pi / 2, [0, 1, 0])
    parts = [_cylinder(bar, length, turn)]
    for side in (-1, 1):
        size = rng.uniform(0.015, 0.024)
        if rng.uniform() < 0.5:
            parts.append(_box(np.full(3, 2 * size * 0.85), _move(side * length / 2)))
        else:
            parts.append(
                _hull(
                    trimesh.creation.icosphere(subdivisions=2, radius=size).vertices
                    + [side * length / 2, 0, 0]
                )
            )
    return parts


def ring(rng: np.random.Generator) -> list[Part]:
    """A ring of segments, like a nut or a bangle."""
    segments, radius = int(rng.integers(6, 9)), rng.uniform(0.022, 0.03)
    thickness, height = rng.uniform(0.008, 0.014), rng.uniform(0.022, 0.04)
    chord = 2 * radius * np.tan(np.pi / segments) * 1.15
    parts = []
    for angle in np.linspace(0, 2 * np.pi, segments, endpoint=False):
        transform = rotation_matrix(angle, [0, 0, 1])
        transform[:3, 3] = radius * np.cos(angle), radius * np.sin(angle), 0
        parts.append(_box(np.array([thickness, chord, height]), transform))
    return parts


def mug(rng: np.random.Generator) -> list[Part]:
    """A cup with a handle."""
    radius, height = rng.uniform(0.019, 0.026), rng.uniform(0.04, 0.065)
    grip, reach = rng.uniform(0.008, 0.011), rng.uniform(0.014, 0.02)
    bar = height * rng.uniform(0.5, 0.7)
    parts = [
        _hull(np.vstack([_ring(radius * rng.uniform(0.75, 1.0), -height / 2), _ring(radius, height / 2)]))
    ]
    parts.append(_box(np.array([grip, grip, bar]), _move(radius + reach)))
    parts += [
        _box(np.array([reach + grip, grip, grip]), _move(radius + reach / 2, 0, s * (bar - grip) / 2))
        for s in (-1, 1)
    ]
    return parts


def star(rng: np.random.Generator) -> list[Part]:
    """A star prism: a core with points around it."""
    points, height = int(rng.integers(4, 7)), rng.uniform(0.022, 0.04)
    inner, outer = rng.uniform(0.014, 0.02), rng.uniform(0.03, 0.042)
    parts = [_hull(np.vstack([_ring(inner, -height / 2, points), _ring(inner, height / 2, points)]))]
    for i in range(points):
        a, b = 2 * np.pi * i / points, 2 * np.pi * (i + 1) / points
        corner = [[inner * np.cos(a), inner * np.sin(a)], [inner * np.cos(b), inner * np.sin(b)]]
        tip = [outer * np.cos((a + b) / 2), outer * np.sin((a + b) / 2)]
        outline = np.array([*corner, tip])
        parts.append(_hull(np.vstack([np.c_[outline, np.full(3, z)] for z in (-height / 2, height / 2)])))
    return parts


def stacked(rng: np.random.Generator) -> list[Part]:
    """Two or three blocks and cans on top of each other."""
    parts, z = [], 0.0
    for _ in range(int(rng.integers(2, 4))):
        height, width = rng.uniform(0.015, 0.03), rng.uniform(0.022, 0.05)
        if rng.uniform() < 0.5:
            parts.append(
                _box(np.array([width, rng.uniform(0.022, 0.05), height]), _move(0, 0, z + height / 2))
            )
        else:
            parts.append(_cylinder(width / 2, height, _move(0, 0, z + height / 2)))
        z += height
    return parts


FAMILIES: tuple[Callable[[np.random.Generator], list[Part]], ...] = (
    box, cylinder, capsule, ellipsoid, prism, random_hull, lathed, swept, crossed, dumbbell, ring, mug, star, stacked,
)  # fmt: skip
