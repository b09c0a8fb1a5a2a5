"""Convex solids from which household objects are put together.

Everything is in metres. A shape that is not convex (a bent handle, the wall of a mug) is a list of convex solids
that share their end faces, so that the same list serves collision checks, distances and the union.
"""

from collections.abc import Iterable, Sequence

import manifold3d
import numpy as np
import trimesh
from scipy.interpolate import PchipInterpolator
from scipy.spatial.transform import Rotation

Solids = list[trimesh.Trimesh]

# Cross-sections: how many corners, and the exponent of the superellipse on which they lie (2 is an ellipse).
SECTIONS = {
    "round": (16, 2.0),
    "coarse": (10, 2.0),
    "soft": (16, 3.0),
    "square": (16, 7.0),
    "hexagonal": (6, 2.0),
    "octagonal": (8, 2.0),
}


def section(shape: str) -> np.ndarray:
    """A cross-section with half-widths of one.

    Args:
        shape: One of `SECTIONS`.

    Returns:
        (n, 2), counter-clockwise, convex; the first corner lies on the first axis.
    """
    corners, exponent = SECTIONS[shape]
    angle = 2 * np.pi * np.arange(corners) / corners
    unit = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    unit[np.abs(unit) < 1e-12] = 0.0
    return np.sign(unit) * np.abs(unit) ** (2.0 / exponent)


def hull(*points: np.ndarray) -> trimesh.Trimesh:
    """Convex hull of one or several sets of points, (n, 3) each."""
    mesh = manifold3d.Manifold.hull_points(np.concatenate(points).astype(np.float64)).to_mesh64()
    return trimesh.Trimesh(mesh.vert_properties[:, :3].copy(), mesh.tri_verts.astype(np.int64), process=False)


def chain(sections: Sequence[np.ndarray]) -> Solids:
    """Hulls between neighbouring cross-sections in parallel planes, (n, 3) each."""
    return [hull(a, b) for a, b in zip(sections[:-1], sections[1:], strict=True)]


def overlapping_chain(sections: Sequence[np.ndarray], closed: bool = False) -> Solids:
    """Like `chain`, for sections that are tilted to each other; closed joins the last to the first.

    End faces that meet only up to rounding would leave cracks in the union. So every piece starts a little inside of
    the one before it, on a section that is 0.05 mm smaller.
    """
    count = len(sections)
    solids = []
    for k in range(count if closed else count - 1):
        start, end = sections[k], sections[(k + 1) % count]
        if k > 0 or closed:
            centre, before = start.mean(axis=0), sections[k - 1].mean(axis=0)
            radius = np.linalg.norm(start - centre, axis=1, keepdims=True)
            start = centre + (start - centre) * (1 - 5e-5 / radius) + 0.03 * (before - centre)
        solids.append(hull(start, end))
    return solids


def smooth(stations: Sequence[Sequence[float]], count: int) -> np.ndarray:
    """More stations along a rounded, overshoot-free curve through the given ones.

    Args:
        stations: (n, 1 + k): the position along the axis, increasing, and k widths.
        count: How many stations to return.

    Returns:
        (count, 1 + k), the first and last as given.
    """
    stations = np.asarray(stations, dtype=np.float64)
    at = np.linspace(stations[0, 0], stations[-1, 0], count)
    return np.column_stack([at, PchipInterpolator(stations[:, 0], stations[:, 1:])(at)])


def dome(start: float, height: float, width: float, count: int = 4) -> list[tuple[float, float]]:
    """Stations of a rounded end: from full width at start to a small tip at start + height (may be negative)."""
    turn = np.linspace(0.0, 0.45 * np.pi, count)
    return [(start + height * np.sin(t) / np.sin(turn[-1]), width * np.cos(t)) for t in turn]


def lathe(stations: Iterable[Sequence[float]], shape: str = "round", at=(0.0, 0.0, 0.0)) -> Solids:
    """Solid of full slices standing on z.

    Args:
        stations: Rows (z, width) or (z, width along x, width along y), full widths.
        shape: Cross-section, see `SECTIONS`.
        at: Where the axis' zero lies.

    Returns:
        One convex frustum per pair of neighbouring stations.
    """
    unit = section(shape)
    rings = []
    for station in stations:
        z, width, depth = station if len(station) == 3 else (*station, station[-1])
        flat = unit * (width / 2, depth / 2)
        rings.append(np.column_stack([flat, np.full(len(flat), z)]) + at)
    return chain(rings)


def rod(stations: Iterable[Sequence[float]], shape: str = "round", at=(0.0, 0.0, 0.0)) -> Solids:
    """Solid of full slices lying along x; rows are (x, width) or (x, width along y, height along z)."""
    unit = section(shape)
    rings = []
    for station in stations:
        x, width, height = station if len(station) == 3 else (*station, station[-1])
        flat = unit * (width / 2, height / 2)
        rings.append(np.column_stack([np.full(len(flat), x), flat]) + at)
    return chain(rings)


def shell(
    stations: Sequence[Sequence[float]], wall: float, shape: str = "round", stretch: float = 1.0
) -> Solids:
    """Open vessel: rings of convex staves, and a floor.

    Args:
        stations: Rows (z, outer width along x), from the bottom to the brim.
        wall: Thickness of the wall and the floor.
        shape: Cross-section, see `SECTIONS`.
        stretch: Width along y over width along x.

    Returns:
        The floor first, then the staves.
    """
    stations = np.asarray(stations, dtype=np.float64)
    floor_top = stations[0, 0] + 1.2 * wall
    floor = [(z, np.interp(z, *stations.T) - wall) for z in (stations[0, 0] + 0.3 * wall, floor_top)]
    solids = lathe([(z, width, width * stretch) for z, width in floor], shape)
    return solids + staves(stations, wall, shape, stretch)


def staves(
    stations: Sequence[Sequence[float]], wall: float, shape: str = "round", stretch: float = 1.0
) -> Solids:
    """Wall of `shell` alone: an open tube of convex staves, each reaching a little into its neighbours."""
    unit = section(shape)
    rows = []
    for z, width in np.asarray(stations, dtype=np.float64):
        outer = np.column_stack([unit * (width / 2, width / 2 * stretch), np.full(len(unit), z)])
        rows.append((outer, outer * (1 - 2 * wall / width, 1 - 2 * wall / width, 1.0)))
    solids = []
    for level in range(len(rows) - 1):
        lower, upper = rows[level], rows[level + 1]
        if level > 0:
            lower = _inset(lower, rows[level - 1])
        for k in range(len(unit)):
            n = (k + 1) % len(unit)
            corners = [side[n] for ring in (lower, upper) for side in ring]
            for ring in (lower, upper):
                before = tuple(side[k - 1] for side in ring)
                corners += _inset(tuple(side[k] for side in ring), before)
            solids.append(hull(np.array(corners)))
    return solids


def _inset(ring, before):
    """Outer and inner points of a wall, 3 % towards the ones before them and 0.05 mm inside of the wall."""
    outer, inner = (0.97 * a + 0.03 * b for a, b in zip(ring, before, strict=True))
    slim = 5e-5 / np.linalg.norm(outer - inner, axis=-1, keepdims=True).mean()
    return outer + slim * (inner - outer), inner + slim * (outer - inner)


def sweep(
    path: np.ndarray,
    width,
    thickness,
    across: Sequence[float] = (0.0, 1.0, 0.0),
    shape: str = "coarse",
    closed: bool = False,
) -> Solids:
    """Bar along a bent path.

    Args:
        path: (n, 3) centre line.
        width: Full width along `across`; one number or n.
        thickness: Full width across both the path and `across`; one number or n.
        across: Direction that the path never runs along; for a plane path, the plane's normal.
        shape: Cross-section, see `SECTIONS`.
        closed: Joins the end to the start.

    Returns:
        One convex solid per piece of the path.
    """
    path = np.asarray(path, dtype=np.float64)
    if closed:
        tangent = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    up = np.cross(tangent, np.asarray(across, dtype=np.float64))
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    side = np.cross(up, tangent)
    unit = section(shape)
    half_width = np.broadcast_to(width, len(path))[:, None, None] / 2
    half_thick = np.broadcast_to(thickness, len(path))[:, None, None] / 2
    rings = path[:, None] + half_width * unit[None, :, :1] * side[:, None]
    return overlapping_chain(list(rings + half_thick * unit[None, :, 1:] * up[:, None]), closed)


def loop(start, end, reach, squareness: float = 2.0, count: int = 9) -> np.ndarray:
    """Path of a handle: from start out by the vector reach and back to end.

    Args:
        start: (3,) first point.
        end: (3,) last point.
        reach: (3,) from the middle of start and end to the furthest point of the handle.
        squareness: Exponent of the superellipse: 2 is round, 4 a rounded rectangle.
        count: How many points.

    Returns:
        (count, 3).
    """
    start, end, reach = (np.asarray(v, dtype=np.float64) for v in (start, end, reach))
    turn = np.linspace(np.pi / 2, -np.pi / 2, count)[:, None]
    power = 2.0 / squareness
    along = np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power
    out = np.abs(np.where(np.abs(np.cos(turn)) < 1e-9, 0.0, np.cos(turn))) ** power
    return (start + end) / 2 + along * (start - end) / 2 + out * reach


def ellipse(centre, first, second, count: int = 12) -> np.ndarray:
    """Closed path: (count, 3) points on centre + cos·first + sin·second."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)[:, None]
    return np.asarray(centre) + np.cos(turn) * np.asarray(first) + np.sin(turn) * np.asarray(second)


def blade(stations: Iterable[Sequence[float]], edge: float, spine: float, z: float = 0.0) -> Solids:
    """Flat wedge in the x-y plane; rows are (x, y of the edge, y of the spine), edge and spine thicknesses."""
    rings = []
    for x, low, high in stations:
        corners = [(x, low, -edge / 2), (x, low, edge / 2), (x, high, spine / 2), (x, high, -spine / 2)]
        rings.append(np.array(corners) + (0, 0, z))
    return chain(rings)


def block(size, at=(0.0, 0.0, 0.0), bevel: float = 0.0) -> trimesh.Trimesh:
    """Box of a size (3,) centred at a point, its edges and corners cut by a bevel."""
    half = np.asarray(size, dtype=np.float64) / 2
    bevel = min(bevel, 0.9 * half.min())
    signs = np.stack(np.meshgrid(*[(-1, 1)] * 3, indexing="ij"), -1).reshape(-1, 3)
    if bevel == 0:
        return hull(signs * half + at)
    return hull(*[signs * (half - bevel * (np.arange(3) != axis)) + at for axis in range(3)])


def ellipsoid(size, at=(0.0, 0.0, 0.0), rings: int = 9, corners: int = 16) -> trimesh.Trimesh:
    """Ellipsoid of full widths size (3,), one convex solid."""
    polar = np.linspace(0, np.pi, rings)[1:-1, None]
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)[None]
    unit = np.stack(
        [np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar) + 0 * turn], axis=-1
    )
    unit = np.concatenate([unit.reshape(-1, 3), [[0, 0, 1], [0, 0, -1]]])
    return hull(unit * (np.asarray(size) / 2) + at)


def moved(solids: Iterable[trimesh.Trimesh], offset=(0.0, 0.0, 0.0), turn=None, degrees=0.0) -> Solids:
    """Copies turned about an axis ("x", "y" or "z") through the origin, then shifted by offset (3,)."""
    rotation = Rotation.identity() if turn is None else Rotation.from_euler(turn, degrees, degrees=True)
    return [
        trimesh.Trimesh(rotation.apply(solid.vertices) + offset, solid.faces.copy(), process=False)
        for solid in solids
    ]


def mirrored(solids: Iterable[trimesh.Trimesh], axis: int = 1) -> Solids:
    """Copies mirrored at the plane through the origin across an axis (0, 1 or 2)."""
    flip = np.ones(3)
    flip[axis] = -1
    return [
        trimesh.Trimesh(solid.vertices * flip, solid.faces[:, ::-1].copy(), process=False) for solid in solids
    ]
