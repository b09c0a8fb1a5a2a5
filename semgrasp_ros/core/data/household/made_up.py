"""Things that do not exist: parts as household objects have them, put together by chance.

A family always has its parts in the same places. Whoever should find the spout of a thing never seen before has to know
what spouts are, rather than where teapots have theirs.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .family import Part, part
from .kitchen import grip
from .solids import (
    SECTIONS,
    Solids,
    blade,
    block,
    dome,
    ellipsoid,
    lathe,
    loop,
    mirrored,
    moved,
    rod,
    shell,
    smooth,
    staves,
    sweep,
)

Y, Z = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def made_up(rng: np.random.Generator) -> list[Part]:
    """A tool, a vessel, a goblet, a thing with a pistol's handle or a box."""
    kinds: tuple[Callable, ...] = (_tool, _tool, _vessel, _vessel, _goblet, _pistol, _box)
    return kinds[int(rng.integers(len(kinds)))](rng)


def _shape(rng: np.random.Generator) -> str:
    return str(rng.choice(list(SECTIONS)))


def _chance(rng: np.random.Generator, share: float) -> bool:
    return bool(rng.random() < share)


# Tools: a handle along x, perhaps something slim, and an end that works.


def _tool(rng: np.random.Generator) -> list[Part]:
    thick = rng.uniform(0.010, 0.036)
    handle = grip(rng, rng.uniform(0.05, 0.2), thick, rng.uniform(0.45, 1.2), _shape(rng))
    parts = [part("handle", handle)]
    slim, at = thick * rng.uniform(0.25, 0.6), 0.0
    if _chance(rng, 0.3):
        length = rng.uniform(0.006, 0.02)
        wide = thick * rng.uniform(0.9, 1.3)
        parts.append(
            part(str(rng.choice(["collar", "ferrule"])), rod([(-0.003, wide), (length, wide)], _shape(rng)))
        )
        at = length
    if _chance(rng, 0.65):
        length = rng.uniform(0.02, 0.16)
        # A short slim piece is a neck, a long one a shaft.
        name = "neck" if length < 0.06 else "shaft"
        bend = rng.uniform(-0.25, 0.25) * length
        path = np.array([[at - 0.004, 0, 0], [at + length / 2, 0, bend / 3], [at + length + 0.003, 0, bend]])
        parts.append(part(name, sweep(path, slim, slim * rng.uniform(0.6, 1.4), Y, _shape(rng))))
        place = (at + length, 0.0, bend)
    else:
        place = (at, 0.0, 0.0)
    ends = (_blade, _scoop, _head, _brush, _tip, _tines, _roller)
    parts += ends[int(rng.integers(len(ends)))](rng, place, max(slim, 0.004))
    if _chance(rng, 0.15):
        length = rng.uniform(0.01, 0.03)
        back = handle[0].bounds[0, 0]
        wide = thick * rng.uniform(0.8, 1.2)
        parts.append(part("cap", rod([(back - length, 0.7 * wide), (back + 0.004, wide)], _shape(rng))))
    return parts


def _blade(rng: np.random.Generator, at: tuple, slim: float) -> list[Part]:
    length, deep = rng.uniform(0.04, 0.22), rng.uniform(0.012, 0.09)
    t = np.linspace(0, 1, 6)
    low, high = -deep * rng.uniform(0.3, 1.0), deep * rng.uniform(0.0, 0.4)
    point = rng.uniform(0.1, 1.0)
    rows = [(-0.006 + length * x, low * (1 - (1 - point) * x**2), high * (1 - (1 - point) * x**2)) for x in t]
    spine = rng.uniform(0.0015, 0.005)
    solids = blade(rows, min(0.0008, spine), spine)
    if _chance(rng, 0.5):
        solids = moved(solids, turn="x", degrees=float(rng.choice([90.0, -90.0, 180.0])))
    return [part("blade", moved(solids, at))]


def _scoop(rng: np.random.Generator, at: tuple, slim: float) -> list[Part]:
    width, stretch = rng.uniform(0.03, 0.1), rng.uniform(0.6, 1.1)
    depth = width * rng.uniform(0.18, 0.6)
    steps = np.array([0.0, 0.35, 0.7, 1.0])
    rows = [(depth * (h - 1), width * s) for h, s in zip(steps, (0.45, 0.78, 0.93, 1.0), strict=True)]
    bowl = moved(shell(rows, 0.0025, "round", stretch), turn="z", degrees=90)
    reach = width * stretch / 2 - 0.002
    return [part("bowl", moved(bowl, (at[0] + reach, 0, at[2] + 0.4 * slim)))]


def _head(rng: np.random.Generator, at: tuple, slim: float) -> list[Part]:
    long, wide, tall = rng.uniform(0.015, 0.06), rng.uniform(0.015, 0.11), rng.uniform(0.012, 0.06)
    if _chance(rng, 0.5):
        solid = block((long, wide, tall), (long / 2 - 0.003, 0, 0), rng.uniform(0, 0.006))
    else:
        solid = ellipsoid((long, wide, tall), (long / 2 - 0.004, 0, 0))
    return [part("head", moved([solid], at))]


def _brush(rng: np.random.Generator, at: tuple, slim: float) -> list[Part]:
    long, wide, tall = rng.uniform(0.02, 0.1), rng.uniform(0.012, 0.06), rng.uniform(0.005, 0.014)
    deep = rng.uniform(0.008, 0.03)
    head = block((long, wide, tall), (long / 2 - 0.004, 0, 0), 0.002)
    tufts = block((0.86 * long, 0.8 * wide, deep), (long / 2 - 0.004, 0, -tall / 2 - deep / 2 + 0.001))
    both = part("head", moved([head], at)), part("bristles", moved([tufts], at))
    return list(both)


def _tip(rng: np.random.Generator, at: tuple, slim: float) -> list[Part]:
    length = rng.uniform(0.008, 0.05)
    rows = [(-0.003, 1.3 * slim), (0.4 * length, slim), (length, rng.uniform(0.05, 0.5) * slim)]
    return [part("tip", moved(rod(rows, _shape(rng)), at))]


def _tines(rng: np.random.Generator, at: tuple, slim: float) -> list[Part]:
    count, wide = int(rng.integers(2, 6)), rng.uniform(0.02, 0.08)
    root, length, thick = rng.uniform(0.01, 0.025), rng.uniform(0.03, 0.08), rng.uniform(0.002, 0.005)
    solids = rod([(-0.004, slim, 1.2 * thick), (root, wide, thick)], "square")
    bend = rng.uniform(-0.02, 0.02)
    for y in np.linspace(-1, 1, count) * (wide / 2 - thick):
        path = np.array([[root - 0.004, y, 0], [root + length / 2, y, bend / 4], [root + length, y, bend]])
        solids += sweep(path, thick, thick, Y, "square")
    return [part("tines", moved(solids, at))]


def _roller(rng: np.random.Generator, at: tuple, slim: float) -> list[Part]:
    long, wide = rng.uniform(0.03, 0.14), rng.uniform(0.02, 0.06)
    solids = moved(rod([(-long / 2, wide), (long / 2, wide)]), turn="z", degrees=90)
    return [part("roller", moved(solids, (at[0] + 0.4 * wide, 0, at[2])))]


# Vessels: a body that stands, and what people hold, close and pour with.


def _vessel(rng: np.random.Generator) -> list[Part]:
    height, width = rng.uniform(0.05, 0.24), rng.uniform(0.05, 0.18)
    shape, stretch = _shape(rng), rng.uniform(0.6, 1.0)
    foot, belly, mouth = rng.uniform(0.5, 1.0), rng.uniform(0.9, 1.15), rng.uniform(0.45, 1.05)
    profile = smooth([(0, foot * width), (0.45 * height, belly * width), (height, mouth * width)], 6)

    def radius(z: float) -> float:
        return float(np.interp(z, *profile.T)) / 2

    parts, top, wide = [], height, mouth * width
    if closed := _chance(rng, 0.6):
        parts.append(part("body", lathe([(z, w, w * stretch) for z, w in profile], shape)))
    else:
        wall = rng.uniform(0.003, 0.006)
        parts.append(part("body", shell(profile, wall, shape, stretch)))
        if _chance(rng, 0.5):
            tall = rng.uniform(0.006, 0.016)
            rows = [(height - 0.0005, wide), (height + tall, wide * rng.uniform(0.95, 1.15))]
            parts.append(part("rim", staves(rows, wall, shape, stretch)))
    if closed:
        parts += _closure(rng, top, wide, stretch, shape)
    reach = rng.uniform(0.022, 0.06)
    thick = rng.uniform(0.006, 0.02)
    kind = int(rng.integers(4))
    low, high = height * rng.uniform(0.1, 0.4), height * rng.uniform(0.6, 0.92)
    bar = thick, thick * rng.uniform(0.5, 1.2)
    square = rng.uniform(1.8, 4.0)
    if kind == 0:
        ends = [(radius(z) - 0.004, 0, z) for z in (high, low)]
        parts.append(part("handle", sweep(loop(*ends, (reach, 0, 0), square, 11), *bar, Y, _shape(rng))))
    elif kind == 1:
        long, out = rng.uniform(0.08, 0.2), radius(high) - 0.004
        rise = rng.uniform(-0.1, 0.4) * long
        path = np.array(
            [[out, 0, high], [out + 0.5 * long, 0, high + 0.6 * rise], [out + long, 0, high + rise]]
        )
        parts.append(part("handle", sweep(path, *bar, Y, _shape(rng))))
    elif kind == 2:
        ends = [(side * (radius(high) - 0.004), 0, high) for side in (-1, 1)]
        path = loop(*ends, (0, 0, height - high + rng.uniform(0.04, 0.1)), square, 15)
        parts.append(part("handle", sweep(path, *bar, Y, _shape(rng))))
    else:
        span = rng.uniform(0.012, 0.035)
        out = radius(high) * stretch - 0.004
        ends = [(side * span, out, high) for side in (-1, 1)]
        one = sweep(loop(*ends, (0, reach * 0.7, 0), square, 9), thick * 0.6, thick * 0.6, Z, _shape(rng))
        parts.append(part("handles", one, mirrored(one)))
    if _chance(rng, 0.4):
        parts.append(_spout(rng, radius, height))
    return parts


def _spout(rng: np.random.Generator, radius: Callable[[float], float], height: float) -> Part:
    root = height * rng.uniform(0.2, 0.7)
    out = radius(root)
    tip = (-out - rng.uniform(0.03, 0.12), 0, max(root, height * rng.uniform(0.6, 1.2)))
    thick, thin = rng.uniform(0.014, 0.03), rng.uniform(0.007, 0.014)
    t = np.linspace(0, 1, 6)[:, None]
    base = np.array([-0.85 * out, 0, root])
    sag = np.array([0, 0, -rng.uniform(0, 0.02)]) * np.sin(np.pi * t)
    width = thick + (thin - thick) * t[:, 0]
    return part("spout", sweep(base + (np.array(tip) - base) * t + sag, width, width, Y))


def _closure(rng: np.random.Generator, top: float, wide: float, stretch: float, shape: str) -> list[Part]:
    """What is on a body that is closed: a lid with or without a knob, or a neck with a cap, or nothing."""
    kind = int(rng.integers(3))
    if kind == 0:
        flat = rng.uniform(0.004, 0.03)
        rows = [(z, w, w * stretch) for z, w in dome(top - 0.001, flat, wide * rng.uniform(0.9, 1.04))]
        parts = [part("lid", lathe(rows, shape))]
        if _chance(rng, 0.7):
            size = rng.uniform(0.012, 0.03)
            parts.append(part("knob", ellipsoid((size, size, size * 0.8), (0, 0, top + flat + 0.25 * size))))
        return parts
    if kind == 1:
        slim, tall = wide * rng.uniform(0.25, 0.6), rng.uniform(0.012, 0.08)
        parts = [
            part(
                "neck",
                lathe([(top - 0.002, max(slim, 0.5 * wide)), (top + 0.4 * tall, slim), (top + tall, slim)]),
            )
        ]
        if _chance(rng, 0.7):
            cap, over = slim * rng.uniform(1.0, 1.3), rng.uniform(0.01, 0.035)
            rows = [(top + tall - 0.003, cap), (top + tall + over, cap * rng.uniform(0.7, 1.0))]
            parts.append(part("cap", lathe(rows, _shape(rng))))
        return parts
    return []


def _goblet(rng: np.random.Generator) -> list[Part]:
    """Something on a foot and a stem: a bowl, a head or a body."""
    foot, tall, slim = rng.uniform(0.05, 0.12), rng.uniform(0.04, 0.16), rng.uniform(0.006, 0.022)
    name = str(rng.choice(["foot", "base"]))
    parts = [
        part(name, lathe([(0, foot), (rng.uniform(0.003, 0.015), foot), (0.022, 1.5 * slim)], _shape(rng))),
        part(
            "stem",
            lathe([(0.02, 1.4 * slim), (0.02 + tall / 2, slim), (0.02 + tall, 1.4 * slim)], _shape(rng)),
        ),
    ]
    at, width = 0.019 + tall, rng.uniform(0.04, 0.12)
    if _chance(rng, 0.5):
        high = width * rng.uniform(0.5, 1.4)
        rows = smooth([(0, 2 * slim), (0.3 * high, 0.85 * width), (high, width * rng.uniform(0.7, 1.1))], 6)
        parts.append(part("bowl", shell(rows + (at - 0.002, 0), 0.003, _shape(rng))))
    else:
        solid = ellipsoid((width, width * rng.uniform(0.3, 1.0), width * rng.uniform(0.5, 1.2)))
        parts.append(
            part(str(rng.choice(["head", "body"])), moved([solid], (0, 0, at - solid.bounds[0, 2] - 0.004)))
        )
    return parts


# Things with a pistol's handle, and boxes.


def _pistol(rng: np.random.Generator) -> list[Part]:
    long, wide = rng.uniform(0.08, 0.2), rng.uniform(0.035, 0.09)
    front = rng.uniform(0.6, 1.05) * wide
    parts = [part("body", rod(smooth([(0, 0.7 * wide), (0.3 * long, wide), (long, front)], 6), _shape(rng)))]
    thick, tall = rng.uniform(0.022, 0.036), rng.uniform(0.08, 0.13)
    lean, at = rng.uniform(-20, 25), rng.uniform(0.15, 0.5) * long
    handle = moved(
        lathe(smooth([(-tall, 1.1 * thick), (0, thick), (wide / 4, thick)], 5), _shape(rng)),
        turn="y",
        degrees=lean,
    )
    parts.append(part("handle", moved(handle, (at, 0, -0.4 * wide))))
    if _chance(rng, 0.75):
        out, slim = rng.uniform(0.015, 0.07), rng.uniform(0.3, 0.9) * front
        rows = [(long - 0.004, slim), (long + out, slim * rng.uniform(0.3, 1.1))]
        name = "nozzle" if slim > 0.02 else "tip"
        parts.append(part(name, rod(rows, _shape(rng))))
    if _chance(rng, 0.6):
        size = rng.uniform(0.008, 0.016), rng.uniform(0.006, 0.014), rng.uniform(0.02, 0.035)
        parts.append(
            part(
                "trigger",
                block(
                    (size[0] * 2, size[1], size[2]),
                    (at + 0.5 * thick + size[0] * 0.4, 0, -0.4 * wide - size[2] * 0.6),
                ),
            )
        )
    if _chance(rng, 0.3):
        parts.append(
            part("button", block((0.02, 0.012, 0.014), (rng.uniform(0.3, 0.7) * long, 0, 0.45 * wide)))
        )
    if _chance(rng, 0.7):
        # As drills and glue guns lie on a table.
        parts = [part(one.name, moved(one.solids, turn="x", degrees=90)) for one in parts]
    return parts


def _box(rng: np.random.Generator) -> list[Part]:
    size = rng.uniform(0.03, 0.16), rng.uniform(0.025, 0.1), rng.uniform(0.02, 0.2)
    x, y, z = size
    parts = [part("body", block(size, bevel=rng.uniform(0, 0.008)))]
    kind = int(rng.integers(5))
    if kind == 0:
        thick, reach = rng.uniform(0.006, 0.016), rng.uniform(0.03, 0.06)
        span = rng.uniform(0.5, 0.9) * x / 2
        ends = [(side * span, 0, z / 2 - 0.003) for side in (-1, 1)]
        parts.append(
            part(
                "handle",
                sweep(loop(*ends, (0, 0, reach), rng.uniform(2, 4), 11), thick, thick, Y, _shape(rng)),
            )
        )
    elif kind == 1:
        tall = rng.uniform(0.008, 0.04)
        parts.append(part("lid", block((1.02 * x, 1.02 * y, tall), (0, 0, z / 2 + tall / 2 - 0.002), 0.003)))
    elif kind == 2:
        cap, tall = min(x, y) * rng.uniform(0.3, 0.8), rng.uniform(0.01, 0.03)
        place = (rng.uniform(-0.25, 0.25) * x, 0, 0)
        parts.append(
            part("cap", moved(lathe([(z / 2 - 0.002, cap), (z / 2 + tall, 0.9 * cap)], _shape(rng)), place))
        )
    elif kind == 3:
        count, wide = int(rng.integers(2, 6)), rng.uniform(0.006, 0.014)
        tops = [
            block((wide, wide, 0.008), (place, 0, z / 2)) for place in np.linspace(-0.35, 0.35, count) * x
        ]
        parts.append(part("buttons", tops))
    else:
        thick = rng.uniform(0.012, 0.03)
        solids: Solids = grip(rng, rng.uniform(0.07, 0.14), thick, rng.uniform(0.5, 1.0), _shape(rng))
        parts.append(part("handle", moved(solids, (-x / 2 + 0.004, 0, rng.uniform(-0.2, 0.2) * z))))
    return parts
