"""Shapes that families of several kinds are made of."""

from collections.abc import Sequence

import numpy as np

from .solids import Solids, chain, hull, section, sweep

Z = (0.0, 0.0, 1.0)


def half_width(stations, z: float) -> float:
    """Half of the width of a profile of (z, width) at a height."""
    stations = np.asarray(stations)
    return float(np.interp(z, stations[:, 0], stations[:, 1])) / 2


def tower(rows: Sequence[Sequence[float]], shape: str) -> Solids:
    """Like `lathe`, for a bent axis; rows are (z, x of the middle, width along x, along y)."""
    unit = section(shape)
    return chain(
        [np.column_stack([unit * (w / 2, d / 2) + (x, 0), np.full(len(unit), z)]) for z, x, w, d in rows]
    )


def hoop(
    z: float,
    width: float,
    depth: float,
    thick: float,
    shape: str,
    high: float | None = None,
    bar: str = "octagonal",
):
    """Level closed ring along the outline of a cross-section."""
    outline = section(shape) * (width / 2, depth / 2)
    path = np.column_stack([outline, np.full(len(outline), z)])
    return sweep(path, high or thick, thick, Z, bar, closed=True)


def skin(outer: np.ndarray, inner: np.ndarray) -> list[Solids]:
    """Wall between two nets of points, (levels, corners, 3) each: the staves of every level, from below.

    Like those of `staves`, each reaches a little into the ones before it.
    """
    towards = (inner - outer) / np.linalg.norm(inner - outer, axis=-1, keepdims=True)
    rows = []
    for level in range(len(outer) - 1):
        row = []
        for k in range(outer.shape[1]):
            points = []
            for side, slim in ((outer, 5e-5 * towards), (inner, -5e-5 * towards)):
                for up in (0, 1):
                    for on in (0, 1):
                        here = level + up, (k + on) % outer.shape[1]
                        below = max(level - 1, 0) if up == 0 else level + 1
                        before = below, k - 1 if on == 0 else here[1]
                        point = side[here]
                        if here != before:
                            point = 0.97 * point + 0.03 * side[before] + slim[here]
                        points.append(point)
            row.append(hull(np.array(points)))
        rows.append(row)
    return rows


def lipped(stations, wall: float, stretch: float, out: float, lift: float, spread: float, tail: float = 0.0):
    """Open vessel whose brim runs out into a lip towards -x.

    Args:
        stations: Rows (z, outer width along x), from the bottom to the brim.
        wall: Thickness of the wall, measured level, and of the floor.
        stretch: Width along y over width along x.
        out: How far the lip reaches beyond the wall.
        lift: How far the lip rises above the brim.
        spread: Half the lip's width as an angle, radians.
        tail: How far the brim rises at the +x side.

    Returns:
        The floor, the staves of the wall in rows from below, and the numbers of the staves on the lip's side.
    """
    stations = np.asarray(stations, dtype=np.float64)
    angle = 2 * np.pi * np.arange(20) / 20
    lip = np.exp(-(((angle - np.pi) / spread) ** 2))
    lip[lip < 0.02] = 0.0
    back = np.exp(-((np.minimum(angle, 2 * np.pi - angle) / 0.7) ** 2))
    back[back < 0.02] = 0.0
    z, half = stations[:, :1], stations[:, 1:] / 2
    t = ((z - z[0]) / (z[-1] - z[0])) ** 2

    def net(widths):
        x = widths * np.cos(angle) - out * lip * t
        y = widths * stretch * np.sin(angle)
        return np.stack([x, y, z + (lift * lip + tail * back) * t], axis=-1)

    outer, inner = net(half), net(half - wall)
    ground = (outer[0] + inner[0]) / 2
    floor = hull(ground + (0, 0, 0.2 * wall), ground + (0, 0, 1.2 * wall))
    middle = angle + np.pi / 20
    return floor, skin(outer, inner), np.flatnonzero(np.abs(middle - np.pi) < 1.25 * spread)


def slab(rows, top: float = 1.0) -> Solids:
    """Flat bar along x; rows are (x, width, lowest z, highest z), top is its upper over its lower width."""
    return chain(
        [
            np.array([(x, s * w / 2 * f, z) for f, z in ((1.0, low), (top, high)) for s in (-1, 1)])
            for x, w, low, high in rows
        ]
    )


def loaf(rows, shape: str = "soft") -> Solids:
    """Bar along x of a cross-section; rows are (x, width, lowest z, highest z)."""
    unit = section(shape)
    return chain(
        [
            np.column_stack(
                [np.full(len(unit), x), unit[:, 0] * w / 2, (low + high) / 2 + unit[:, 1] * (high - low) / 2]
            )
            for x, w, low, high in rows
        ]
    )


def rounded(corners, radius: float) -> np.ndarray:
    """Path through corners (n, 3), each rounded from a distance of radius on."""
    corners = np.asarray(corners, dtype=np.float64)
    path = [corners[0]]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        start, end = (corner + radius * (p - corner) / np.linalg.norm(p - corner) for p in (before, after))
        path += [(1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end for t in np.linspace(0, 1, 5)]
    return np.array([*path, corners[-1]])
