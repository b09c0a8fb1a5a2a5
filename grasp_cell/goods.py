"""Generated goods: packages, bottles, tubs, cases, dishes and tools, printed and in the sizes of a shop's shelf.

Toys teach patterns on shapes. What robots pick is mostly packed and printed: each side looks different, and what they
share is a make-up of colours, a name, a picture. Each one is made from its number alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import trimesh

from grasp_cell.objects import CellObject
from grasp_cell.prints import Brand, draw_face, draw_plain, make_brand, material_colour
from grasp_cell.shapes import FAMILIES, Part
from grasp_cell.textures import make_texture
from grasp_cell.toys import scaled

DENSITY_KG_M3 = 250.0
LIGHTEST_KG, HEAVIEST_KG = 0.02, 0.30
# The gripper opens to 80 mm; things that are wider in every direction could never be taken.
WIDEST_SHORT_SIDE_M, NARROWEST_M, LONGEST_M = 0.07, 0.010, 0.22
FACE_TEXELS = 72
EDGE_TEXELS = 1.0
# Directions of a material's faces in the texture, and what is printed on them.
KINDS = ("front", "side", "back", "side", "cap", "cap")


@dataclass
class Piece:
    """A convex part and what it is made of: "printed", "plain:<n>" or "pattern"."""

    part: Part
    material: str


def carton(rng: np.random.Generator) -> list[Piece]:
    """A folding box."""
    sides = np.sort(np.exp(rng.uniform(np.log(0.022), np.log(0.2), 3)))
    sides[0] = min(sides[0], rng.uniform(0.02, 0.068))
    return [Piece(_box(rng.permutation(sides)), "printed")]


def case(rng: np.random.Generator) -> list[Piece]:
    """A disc, a game or a book: thin and wide."""
    sides = np.array([rng.uniform(0.1, 0.15), rng.uniform(0.011, 0.035), rng.uniform(0.12, 0.2)])
    pieces = [Piece(_box(sides), "printed")]
    if rng.uniform() < 0.3:
        rim = sides * [1.03, 0.6, 1.03]
        pieces.append(Piece(_box(rim), "plain:0"))
    return pieces


def hanging_card(rng: np.random.Generator) -> list[Piece]:
    """A card with something bulging on it."""
    width, height = rng.uniform(0.06, 0.12), rng.uniform(0.09, 0.17)
    bulge = np.array(
        [width * rng.uniform(0.5, 0.9), rng.uniform(0.018, 0.05), height * rng.uniform(0.4, 0.8)]
    )
    return [
        Piece(_box(np.array([width, 0.004, height])), "printed"),
        Piece(
            _box(bulge, [0, bulge[1] / 2, rng.uniform(-0.2, 0.05) * height]),
            rng.choice(["plain:0", "printed"]),
        ),
    ]


def bottle(rng: np.random.Generator) -> list[Piece]:
    """Body, shoulder, neck and cap; the body is printed."""
    radius, height = rng.uniform(0.015, 0.036), rng.uniform(0.05, 0.15)
    neck, cap = radius * rng.uniform(0.3, 0.8), rng.uniform(0.012, 0.035)
    shoulder = rng.uniform(0.2, 1.2) * radius
    flat = rng.uniform(0.55, 1.0) if rng.uniform() < 0.4 else 1.0
    stretch = np.array([1.0, flat, 1.0])
    corners = 20
    foot = radius * rng.uniform(0.9, 1.0)
    return [
        Piece(_frustum(foot, radius, 0, height, corners, stretch), "printed"),
        Piece(_frustum(radius, neck, height, height + shoulder, corners, stretch), "plain:0"),
        Piece(
            _frustum(
                neck * rng.uniform(1.0, 1.25),
                neck * rng.uniform(0.7, 1.15),
                height + shoulder,
                height + shoulder + cap,
                corners,
                stretch,
            ),
            "plain:1",
        ),
    ]


def tub(rng: np.random.Generator) -> list[Piece]:
    """A jar, a can or a tub with its lid."""
    radius, height = rng.uniform(0.018, 0.036), rng.uniform(0.025, 0.11)
    lid = rng.uniform(0.004, 0.02)
    return [
        Piece(_frustum(radius * rng.uniform(0.75, 1.0), radius, 0, height, 20), "printed"),
        Piece(_frustum(radius * 1.04, radius * rng.uniform(0.9, 1.04), height, height + lid, 20), "plain:0"),
    ]


def tube(rng: np.random.Generator) -> list[Piece]:
    """A tube of cream, flat at one end."""
    radius, height = rng.uniform(0.012, 0.026), rng.uniform(0.06, 0.14)
    ring, flat = _ring(radius, 0, 20), _ring(radius * 1.25, height, 20) * [1, 0.12, 1]
    return [
        Piece(Part(trimesh.convex.convex_hull(np.vstack([ring, flat]))), "printed"),
        Piece(_frustum(radius * 0.8, radius * 0.85, -rng.uniform(0.012, 0.03), 0, 20), "plain:0"),
    ]


def pouch(rng: np.random.Generator) -> list[Piece]:
    """A soft bag."""
    width, height, depth = rng.uniform(0.05, 0.13), rng.uniform(0.08, 0.18), rng.uniform(0.02, 0.055)
    outline = np.array([[x, y, z] for x in (-1, 1) for y in (-0.05, 0.05) for z in (-1, 1)])
    belly = np.array([[x, y, z] for x in (-0.75, 0.75) for y in (-1, 1) for z in (-0.6, 0.4)])
    points = np.vstack([outline, belly]) * np.array([width, depth, height]) / 2
    return [Piece(Part(trimesh.convex.convex_hull(points)), "printed")]


def dish(rng: np.random.Generator) -> list[Piece]:
    """A bowl, pot or saucer: floor and walls."""
    corners, radius = int(rng.choice([4, 6, 8, 12])), rng.uniform(0.03, 0.065)
    height, wall = rng.uniform(0.02, 0.07), rng.uniform(0.004, 0.008)
    foot, floor = radius * rng.uniform(0.5, 1.0), rng.uniform(0.005, 0.01)
    pieces = [Piece(_frustum(foot, foot + (radius - foot) * floor / height, 0, floor, corners), "plain:0")]
    low, high = _ring(foot, 0, corners), _ring(radius, height, corners)
    for i in range(corners):
        j = (i + 1) % corners
        outer = np.array([low[i], low[j], high[i], high[j]])
        inner = outer - np.c_[_unit(outer[:, :2]) * wall, np.zeros(4)]
        pieces.append(Piece(Part(trimesh.convex.convex_hull(np.vstack([outer, inner]))), "plain:0"))
    return pieces


def utensil(rng: np.random.Generator) -> list[Piece]:
    """A handle with a head: brushes, spoons, dippers, tools."""
    length, thick = rng.uniform(0.08, 0.17), rng.uniform(0.006, 0.014)
    size = rng.uniform([0.014, 0.012, 0.02], [0.035, 0.028, 0.06])
    handle = _frustum(thick, thick * rng.uniform(0.6, 1.2), 0, length, 12)
    if rng.uniform() < 0.5:
        head = _box(size, [0, 0, length + size[2] / 2 - 0.004])
    else:
        ball = trimesh.creation.icosphere(subdivisions=2).vertices * size / 2
        head = Part(trimesh.convex.convex_hull(ball + [0, 0, length + size[2] / 2 - 0.004]))
    return [Piece(handle, "plain:0"), Piece(head, rng.choice(["plain:0", "plain:1", "pattern"]))]


def figure(rng: np.random.Generator) -> list[Piece]:
    """An animal or a doll of rounded pieces."""
    body = rng.uniform([0.022, 0.016, 0.02], [0.045, 0.03, 0.05])
    pieces = [Piece(_ellipsoid(body, np.zeros(3)), "plain:0")]
    for _ in range(int(rng.integers(2, 7))):
        direction = _unit(rng.normal(size=(1, 3)))[0]
        size = body.min() * rng.uniform([0.3, 0.3, 0.3], [0.9, 0.9, 1.2])
        pieces.append(
            Piece(
                _ellipsoid(size, direction * body),
                str(rng.choice(["plain:0", "plain:0", "plain:1", "pattern"])),
            )
        )
    return pieces


def device(rng: np.random.Generator) -> list[Piece]:
    """A telephone, remote control or charger: a slab with a panel."""
    sides = np.array([rng.uniform(0.03, 0.09), rng.uniform(0.01, 0.03), rng.uniform(0.06, 0.2)])
    panel = sides * [rng.uniform(0.6, 0.95), 0.5, rng.uniform(0.3, 0.9)]
    return [
        Piece(_box(sides), str(rng.choice(["plain:0", "printed"]))),
        Piece(_box(panel, [0, -0.27 * sides[1], rng.uniform(-0.05, 0.3) * (sides[2] - panel[2])]), "plain:1"),
    ]


def toy(rng: np.random.Generator) -> list[Piece]:
    """One of the toys' shapes in another size, painted or printed."""
    material = str(rng.choice(["pattern", "printed", "plain:0"]))
    parts = scaled(FAMILIES[rng.integers(len(FAMILIES))](rng), rng.uniform(0.8, 1.8), np.zeros(3))
    return [Piece(part, material) for part in parts]


# What there is more of on a shelf stands here more often.
KINDS_OF_GOODS: tuple[Callable[[np.random.Generator], list[Piece]], ...] = (
    carton, carton, carton, carton, carton, case, case, hanging_card, bottle, bottle, tub, tub, tube, pouch, dish,
    utensil, figure, device, toy, toy, toy,
)  # fmt: skip


def make_goods(number: int) -> CellObject:
    """Makes goods `number`: any non-negative integer; the same number gives the same object for ever."""
    rng = np.random.default_rng([number, 2])
    while True:
        pieces = KINDS_OF_GOODS[rng.integers(len(KINDS_OF_GOODS))](rng)
        points = np.vstack([piece.part.mesh.vertices for piece in pieces])
        low, high = points.min(axis=0), points.max(axis=0)
        sides = np.sort(high - low)
        if NARROWEST_M <= sides[0] <= WIDEST_SHORT_SIDE_M and sides[2] <= LONGEST_M:
            break
    parts = scaled([piece.part for piece in pieces], 1.0, -(low + high) / 2)
    materials = sorted({piece.material for piece in pieces})
    rows = [materials.index(piece.material) for piece in pieces]
    vertices, faces, coordinates = _unwrapped(parts, rows, len(materials))
    volume = sum(part.mesh.volume for part in parts)
    return CellObject(
        name=f"goods_{number:06d}",
        vertices=vertices,
        faces=faces,
        texture_coordinates=coordinates,
        texture=_texture(rng, parts, rows, materials),
        parts=parts,
        mass_kg=float(np.clip(volume * DENSITY_KG_M3, LIGHTEST_KG, HEAVIEST_KG)),
    )


def _unwrapped(parts: list[Part], rows: list[int], count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Projects each part's faces along the axis that they look at most into their material's row of the texture."""
    vertices, coordinates = [], []
    for part, row in zip(parts, rows, strict=True):
        corners = part.mesh.triangles
        low, extent = part.mesh.bounds[0], np.ptp(part.mesh.bounds, axis=0)
        relative = (corners - low) / np.maximum(extent, 1e-6)
        normals = part.mesh.face_normals
        axis = np.abs(normals).argmax(axis=1)
        positive = np.take_along_axis(normals, axis[:, None], axis=1)[:, 0] > 0
        # Seen from outside: to the right, and up.
        right = np.select(
            [axis == 0, axis == 1], [relative[..., 1].T, (1 - relative[..., 0]).T], relative[..., 0].T
        ).T
        right = np.where(positive[:, None], right, 1 - right)
        up = np.where((axis == 2)[:, None], relative[..., 1], relative[..., 2])
        # Column of the texture: front -y, side +x, back +y, side -x, top and bottom.
        column = np.select(
            [axis == 0, axis == 1],
            [np.where(positive, 1, 3), np.where(positive, 2, 0)],
            np.where(positive, 4, 5),
        )
        inset = EDGE_TEXELS / FACE_TEXELS
        right, up = (inset + (1 - 2 * inset) * side for side in (right, up))
        u = (column[:, None] + right) / len(KINDS)
        v = 1 - (row + 1 - up) / count
        vertices.append(corners.reshape(-1, 3))
        coordinates.append(np.stack([u, v], axis=-1).reshape(-1, 2))
    vertices = np.vstack(vertices)
    return vertices, np.arange(len(vertices)).reshape(-1, 3), np.vstack(coordinates)


def _texture(
    rng: np.random.Generator, parts: list[Part], rows: list[int], materials: list[str]
) -> np.ndarray:
    brand = make_brand(rng)
    result = []
    for row, material in enumerate(materials):
        first = parts[rows.index(row)]
        result.append(np.hstack(_faces(rng, brand, material, np.ptp(first.mesh.bounds, axis=0))))
    return np.vstack(result)


def _faces(rng: np.random.Generator, brand: Brand, material: str, extent_m: np.ndarray) -> list[np.ndarray]:
    if material == "printed":
        x, y, z = extent_m
        sizes = [(x, z), (y, z), (x, z), (y, z), (x, y), (x, y)]
        kinds = list(KINDS)
        if rng.uniform() < 0.4:
            kinds[2] = "front"  # the back shows as much as the front
        if rng.uniform() < 0.4:
            # Thin in x or lying: the largest face is the front, whichever it is.
            kinds = [
                "front" if w * h == max(a * b for a, b in sizes) else kind
                for kind, (w, h) in zip(kinds, sizes, strict=True)
            ]
        return [
            draw_face(rng, brand, kind, w, h, FACE_TEXELS) for kind, (w, h) in zip(kinds, sizes, strict=True)
        ]
    if material == "pattern":
        return [make_texture(rng, shared_palette=False, size=FACE_TEXELS)] * len(KINDS)
    colour = brand.second if rng.uniform() < 0.4 else material_colour(rng)
    return [draw_plain(rng, colour, FACE_TEXELS)] * len(KINDS)


def _box(extents: np.ndarray, middle: np.ndarray | list[float] | None = None) -> Part:
    transform = np.eye(4)
    transform[:3, 3] = 0 if middle is None else middle
    mesh = trimesh.creation.box(extents=extents, transform=transform)
    return Part(mesh, box=(np.asarray(extents, float), transform))


def _ring(radius: float, z: float, corners: int) -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(corners, z)], axis=1)


def _frustum(
    low_radius: float,
    high_radius: float,
    low: float,
    high: float,
    corners: int,
    stretch: np.ndarray | None = None,
) -> Part:
    points = np.vstack([_ring(low_radius, low, corners), _ring(high_radius, high, corners)])
    return Part(trimesh.convex.convex_hull(points if stretch is None else points * stretch))


def _ellipsoid(radii: np.ndarray, middle: np.ndarray) -> Part:
    ball = trimesh.creation.icosphere(subdivisions=2).vertices
    return Part(trimesh.convex.convex_hull(ball * radii + middle))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
