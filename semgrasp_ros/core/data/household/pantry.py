"""Things of pantry and shelf: cans and jugs to carry, vessels to pour, and what has one handle."""

from collections.abc import Sequence

import numpy as np

from .family import Family, Part, hold, part
from .kitchen import grip
from .solids import (
    Solids,
    block,
    chain,
    dome,
    ellipse,
    ellipsoid,
    hull,
    lathe,
    loop,
    mirrored,
    moved,
    rod,
    section,
    shell,
    smooth,
    staves,
    sweep,
)

Y, Z = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def _half(stations, z: float) -> float:
    """Half of the width of a profile of (z, width) at a height."""
    stations = np.asarray(stations)
    return float(np.interp(z, stations[:, 0], stations[:, 1])) / 2


def _tower(rows: Sequence[Sequence[float]], shape: str) -> Solids:
    """Like `lathe`, for a bent axis; rows are (z, x of the middle, width along x, along y)."""
    unit = section(shape)
    return chain(
        [np.column_stack([unit * (w / 2, d / 2) + (x, 0), np.full(len(unit), z)]) for z, x, w, d in rows]
    )


def _hoop(
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


def _skin(outer: np.ndarray, inner: np.ndarray) -> list[Solids]:
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


def _lipped(stations, wall: float, stretch: float, out: float, lift: float, spread: float, tail: float = 0.0):
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
    return floor, _skin(outer, inner), np.flatnonzero(np.abs(middle - np.pi) < 1.25 * spread)


def thermos(rng: np.random.Generator) -> list[Part]:
    """Insulated flask whose handle is at its side or over its cap."""
    height, width = rng.uniform(0.17, 0.27), rng.uniform(0.062, 0.088)
    shape = rng.choice(["round", "round", "octagonal", "soft"])
    foot, mouth = rng.uniform(0.86, 1.02), rng.uniform(0.68, 0.98)
    shoulder = height * rng.uniform(0.84, 0.94)
    profile = [
        (0, 0.95 * foot * width),
        (0.012, foot * width),
        (0.3 * height, width),
        (shoulder, width),
        (height, mouth * width),
    ]
    cap, cap_width = rng.uniform(0.03, 0.065), mouth * width * rng.uniform(0.94, 1.04)
    top = height + cap
    lid = lathe(
        [
            (height - 0.002, cap_width),
            (top - 0.006, cap_width * rng.uniform(0.84, 0.97)),
            (top, 0.78 * cap_width),
        ]
    )
    thick = rng.uniform(0.010, 0.016)
    form = rng.choice(["coarse", "soft", "octagonal"])
    if rng.random() < 0.6:
        high, low = shoulder - 0.01, shoulder - rng.uniform(0.095, 0.12)
        ends = [(_half(profile, z) - 0.004, 0, z) for z in (high, low)]
        path = loop(*ends, (rng.uniform(0.04, 0.052), 0, rng.uniform(-0.004, 0.004)), rng.uniform(2.4, 4), 11)
        handle = sweep(path, thick * rng.uniform(1.2, 1.8), thick, Y, form)
    else:
        side = rng.uniform(0.044, 0.05)
        pin = height - 0.014
        path = loop(
            (side, 0, pin),
            (-side, 0, pin),
            (0, 0, cap + 0.014 + rng.uniform(0.038, 0.05)),
            rng.uniform(3, 4),
            15,
        )
        handle = sweep(path, thick * rng.uniform(1.1, 1.6), 0.8 * thick, Y, form)
        handle += lathe([(pin - 0.006, 2 * side), (pin + 0.004, 2 * side)])
    parts = [part("body", lathe(profile, shape)), part("cap", lid), part("handle", handle)]
    if rng.random() < 0.4:
        z, high = height * rng.uniform(0.12, 0.3), rng.uniform(0.01, 0.03)
        stripe = 2 * _half(profile, z) + 0.003
        parts.append(part("band", lathe([(z - high / 2, stripe), (z + high / 2, stripe)], shape)))
    return parts


def jerrycan(rng: np.random.Generator) -> list[Part]:
    """Canister with a handle on its top and a screw cap in a corner at -x."""
    length, depth, height = rng.uniform(0.2, 0.27), rng.uniform(0.10, 0.15), rng.uniform(0.19, 0.29)
    shoulder, roof = height * rng.uniform(0.78, 0.9), rng.uniform(0.8, 0.93)
    shape = rng.choice(["square", "square", "soft"])
    body = lathe(
        [
            (0, 0.94 * length, 0.9 * depth),
            (0.04 * height, length, depth),
            (shoulder, length, depth),
            (height, roof * length, rng.uniform(0.45, 0.75) * depth),
        ],
        shape,
    )
    if rng.random() < 0.6:
        # Ridges on both broad sides: a cross as on steel cans, or level ones.
        wide, high = 0.75 * length, 0.6 * shoulder
        if rng.random() < 0.5:
            turn = np.degrees(np.arctan2(high, wide))
            bar = block((0.9 * np.hypot(wide, high), depth * 1.03, 0.014), bevel=0.003)
            bars = moved([bar], turn="y", degrees=turn) + moved([bar], turn="y", degrees=-turn)
        else:
            bars = [
                block((wide, depth * 1.03, 0.012), (0, 0, k * 0.28 * high), 0.003)
                for k in (-1.5, -0.5, 0.5, 1.5)
            ]
        body += moved(bars, (0, 0, 0.5 * shoulder))
    thick = rng.uniform(0.016, 0.024)
    start, end = -rng.uniform(0.04, 0.07) * length, 0.5 * roof * length - 0.5 * thick
    path = loop(
        (end, 0, height - 0.005),
        (start, 0, height - 0.005),
        (rng.uniform(-0.008, 0.008), 0, rng.uniform(0.048, 0.06)),
        rng.uniform(2.8, 4.5),
        11,
    )
    handle = sweep(path, thick * rng.uniform(1, 1.5), thick, Y, rng.choice(["coarse", "soft", "square"]))
    cap_width, cap, neck = rng.uniform(0.038, 0.052), rng.uniform(0.016, 0.026), rng.uniform(0.008, 0.02)
    lean = rng.uniform(0, 35)
    at = (-0.31 * length, 0, height - 0.003 - 0.1 * cap_width)
    pipe = lathe([(-0.02, 0.85 * cap_width), (neck + 0.004, 0.85 * cap_width)])
    lid = lathe(
        [(neck, cap_width), (neck + 0.8 * cap, cap_width), (neck + cap, 0.85 * cap_width)],
        rng.choice(["round", "octagonal"]),
    )
    return [
        part("body", body),
        part("handle", handle),
        part("neck", moved(pipe, at, "y", -lean)),
        part("cap", moved(lid, at, "y", -lean)),
    ]


def sieve(rng: np.random.Generator) -> list[Part]:
    """Kitchen sieve or tea strainer: a round, conical or flat net in a ring, of mesh or of wires."""
    width = rng.uniform(0.07, 0.10) if rng.random() < 0.3 else rng.uniform(0.10, 0.2)
    style = rng.choice(["round", "cone", "flat"])
    depth = width * {"round": 0.42, "cone": 0.7, "flat": 0.28}[style] * rng.uniform(0.85, 1.1)
    t = np.linspace(0, 1, 6)
    swell = {"round": 0.3 + 0.7 * t**0.55, "cone": 0.16 + 0.84 * t, "flat": 0.82 + 0.18 * t}[style]
    profile = np.column_stack([depth * (t - 1), width * swell])
    band = rng.uniform(0.005, 0.008)
    if rng.random() < 0.6:
        net = shell(profile, 0.0025, "round")
    else:
        wire = 0.003
        net = lathe([(-depth - 0.001, width * swell[0]), (-depth + 0.002, width * swell[0])])
        half = np.column_stack([(width * swell - 0.4 * wire) / 2, 0 * t, profile[:, 0]])
        rib = sweep(half, wire, wire, Y, "hexagonal")
        count = int(rng.integers(8, 13))
        for k in range(count):
            net += moved(rib, turn="z", degrees=360 * k / count)
        for x in (0.35, 0.7):
            ring = width * np.interp(x, t, swell) - 0.4 * wire
            net += sweep(
                ellipse((0, 0, depth * (x - 1)), (ring / 2, 0, 0), (0, ring / 2, 0), 16),
                wire,
                wire,
                Z,
                "hexagonal",
                closed=True,
            )
    at, length = width / 2 - 0.001, rng.uniform(0.09, 0.15) + 0.15 * width
    rise = rng.uniform(0, 0.02)
    if rng.random() < 0.35:
        # A long wire bent to and fro.
        wide, wire = rng.uniform(0.018, 0.026), rng.uniform(0.0045, 0.006)
        path = loop((at, wide / 2, 0), (at, -wide / 2, 0), (length, 0, rise), 6, 13)
        handle = sweep(path, wire, wire, Z, "octagonal")
        handle.append(block((0.55 * length, wide, 0.003), (at + 0.62 * length, 0, 0.62 * rise), 0.001))
    else:
        thick = rng.uniform(0.010, 0.02)
        x = np.linspace(0, 1, 8)
        wide = thick * np.interp(x, [0, 0.25, 0.5, 0.9, 1], [0.6, 0.65, 1, 1.1, 0.7])
        path = np.column_stack([at - 0.001 + length * x, 0 * x, rise * x])
        handle = sweep(
            path, wide * rng.uniform(1, 1.7), 0.7 * wide, Y, rng.choice(["round", "soft", "square"])
        )
    parts = [
        part("handle", handle),
        part("rim", _hoop(0, width, width, 0.005, "round", band)),
        part("bowl", net),
    ]
    if rng.random() < 0.6:
        wide = rng.uniform(0.014, 0.028)
        path = loop((-at, wide / 2, 0), (-at, -wide / 2, 0), (-rng.uniform(0.016, 0.026), 0, 0), 3, 9)
        parts.append(part("tab", sweep(path, 0.005, 0.005, Z, "octagonal")))
    return parts


def basket(rng: np.random.Generator) -> list[Part]:
    """Wicker, wire or plastic basket with a handle over it."""
    length, height = rng.uniform(0.16, 0.29), rng.uniform(0.07, 0.14)
    stretch = rng.uniform(0.6, 1.0)
    foot = rng.uniform(0.72, 0.95)
    shape = rng.choice(["round", "soft", "square"])
    style = rng.choice(["wicker", "wire", "plain"])
    profile = [(0, foot * length), (height, length)]
    if style == "wicker":
        wall, count = 0.006, 4
        body = shell(profile, wall, shape, stretch)
        for k in range(count):
            z = height * (k + 0.5) / count
            wide = 2 * _half(profile, z) - 0.4 * wall
            body += _hoop(z, wide, stretch * wide, 0.0095, shape, 0.55 * height / count, "hexagonal")
    elif style == "wire":
        wire = rng.uniform(0.0038, 0.005)
        body = []
        for z in np.array([0.0, 0.5]) * height:
            wide = 2 * _half(profile, z)
            body += _hoop(z, wide, stretch * wide, wire, shape, bar="hexagonal")
        spots = section(shape) / 2
        for spot in spots:
            ends = [np.array([*(spot * (1, stretch) * 2 * _half(profile, z)), z]) for z in (0, height)]
            body += sweep(np.array(ends), wire, wire, (-spot[1], spot[0], 0), "hexagonal")
        quarter = spots[:5] * foot * length
        for share in (-0.6, -0.2, 0.2, 0.6):
            # The floor is a lattice between the points of the lowest ring.
            y = share * quarter[4, 1]
            x = np.interp(abs(y), quarter[:, 1], quarter[:, 0])
            bar = np.array([[-x, y, 0], [x, y, 0]])
            body += sweep(bar * (1, stretch, 1), wire, wire, Z, "hexagonal")
            body += sweep(
                bar[:, [1, 0, 2]] * (1, stretch, 1) + (0, 0, 0.4 * wire), wire, wire, Z, "hexagonal"
            )
    else:
        body = shell(profile, 0.005, shape, stretch)
    brim = rng.uniform(0.009, 0.014)
    rim = _hoop(height, length, stretch * length, brim, shape)
    thick = rng.uniform(0.012, 0.02)
    reach = rng.uniform(0.10, 0.14) + 0.1 * length
    if rng.random() < 0.5:
        ends = [(s * 0.5 * length, 0, height - 0.002) for s in (1, -1)]
        path, across = loop(*ends, (0, 0, reach), rng.uniform(2, 3.2), 15), Y
    else:
        ends = [(0, s * 0.5 * stretch * length, height - 0.002) for s in (1, -1)]
        path, across = loop(*ends, (0, 0, reach), rng.uniform(2, 3.2), 15), (1.0, 0.0, 0.0)
    handle = sweep(path, thick * rng.uniform(1, 1.7), 0.75 * thick, across, rng.choice(["coarse", "soft"]))
    return [part("body", body), part("rim", rim), part("handle", handle)]


def trophy(rng: np.random.Generator) -> list[Part]:
    """Prize cup on a plinth, with two ears, open or with a lid."""
    tall, width, wall = rng.uniform(0.075, 0.13), rng.uniform(0.07, 0.115), 0.004
    plinth, base = rng.uniform(0.02, 0.05), rng.uniform(0.065, 0.095)
    stem, thick = rng.uniform(0.04, 0.075), rng.uniform(0.012, 0.018)
    shape = rng.choice(["round", "square", "octagonal"])
    foot = lathe(
        [
            (0, base),
            (0.75 * plinth, rng.uniform(0.88, 1) * base),
            (0.78 * plinth, 0.86 * base),
            (plinth, 0.84 * base),
        ],
        shape,
    )
    foot += lathe([(plinth - 0.001, 0.7 * base), (plinth + 0.006, 0.6 * base), (plinth + 0.012, 1.5 * thick)])
    low = plinth + 0.01
    high = low + stem
    knop = rng.uniform(1.3, 2.1) if rng.random() < 0.7 else 1.0
    column = smooth(
        [
            (low, 1.5 * thick),
            (low + 0.25 * stem, thick),
            (low + 0.5 * stem, knop * thick),
            (low + 0.75 * stem, thick),
            (high + 0.6 * wall, 1.9 * thick),
        ],
        13,
    )
    waist = rng.uniform(0.68, 1.0)
    profile = smooth(
        [
            (high, 2 * thick),
            (high + 0.14 * tall, 0.62 * waist * width),
            (high + 0.45 * tall, waist * width),
            (high + tall, width),
        ],
        7,
    )
    brim = high + tall
    ear = rng.uniform(0.008, 0.012)
    start = (_half(profile, brim - 0.12 * tall) - 0.6 * wall, 0, brim - 0.12 * tall)
    end = (_half(profile, high + 0.3 * tall) - 0.6 * wall, 0, high + 0.3 * tall)
    path = loop(
        start, end, (rng.uniform(0.036, 0.05), 0, rng.uniform(0, 0.35) * tall), rng.uniform(1.7, 3), 13
    )
    handle = sweep(path, ear * rng.uniform(1, 1.4), ear, Y, rng.choice(["coarse", "octagonal"]))
    parts = [
        part("base", foot),
        part("stem", lathe(column)),
        part("bowl", shell(profile, wall)),
        part("handles", handle, mirrored(handle, 0)),
    ]
    if rng.random() < 0.3:
        rise, knob = rng.uniform(0.015, 0.03), rng.uniform(0.014, 0.02)
        cover = [(brim - 0.001, 1.03 * width), (brim + 0.004, 1.03 * width)]
        parts += [
            part(
                "lid", lathe([*cover, (brim + 0.004 + 0.6 * rise, 0.6 * width), (brim + rise + 0.004, knob)])
            ),
            part(
                "knob",
                lathe([(brim + rise, 0.6 * knob), (brim + rise + 0.01, 0.5 * knob)]),
                ellipsoid((knob, knob, 1.3 * knob), (0, 0, brim + rise + 0.008 + 0.6 * knob)),
            ),
        ]
    return parts


def gravy_boat(rng: np.random.Generator) -> list[Part]:
    """Oval sauce boat on a foot, a long lip towards -x, a handle at +x."""
    length, height, wall = rng.uniform(0.11, 0.15), rng.uniform(0.05, 0.075), rng.uniform(0.0045, 0.006)
    stretch, foot = rng.uniform(0.6, 0.78), rng.uniform(0.45, 0.6)
    profile = smooth(
        [(0, foot * length), (0.35 * height, rng.uniform(0.86, 0.94) * length), (height, length)], 6
    )
    tail = rng.uniform(0, 0.016)
    out, lift = rng.uniform(0.026, 0.045), rng.uniform(0.006, 0.022)
    floor, rows, lip = _lipped(profile, wall, stretch, out, lift, rng.uniform(0.4, 0.52), tail)
    body, spout = [floor], []
    for level, row in enumerate(rows):
        for k, stave in enumerate(row):
            (spout if level >= 2 and k in lip else body).append(stave)
    stand = rng.uniform(0.006, 0.02)
    oval = foot * length * np.array([1, stretch])
    base = lathe(
        [
            (-stand, *(oval * rng.uniform(0.95, 1.15))),
            (-0.6 * stand, *(0.8 * oval)),
            (0.9 * wall, *(0.85 * oval)),
        ]
    )
    high, low = 0.94 * height + 0.8 * tail, height * rng.uniform(0.2, 0.35)
    ends = [(_half(profile, min(z, height)) - 0.6 * wall, 0, z) for z in (high, low)]
    path = loop(
        *ends, (rng.uniform(0.034, 0.05), 0, rng.uniform(0, 0.35) * height), rng.uniform(1.8, 3.2), 11
    )
    thick = rng.uniform(0.007, 0.010)
    handle = sweep(path, thick * rng.uniform(1.1, 1.7), thick, Y, rng.choice(["coarse", "octagonal", "soft"]))
    return [part("body", body), part("spout", spout), part("base", base), part("handle", handle)]


def detergent_jug(rng: np.random.Generator) -> list[Part]:
    """Laundry detergent jug: a flat bottle with a handle in its upper corner at +x and a big cap."""
    width, depth, height = rng.uniform(0.15, 0.185), rng.uniform(0.07, 0.098), rng.uniform(0.2, 0.27)
    cut, low = rng.uniform(0.056, 0.066), height * rng.uniform(0.38, 0.46)
    shape = rng.choice(["soft", "round", "square"])
    neck = rng.uniform(0.042, 0.056)
    slim, lean = width - cut, -cut / 2
    body = _tower(
        [
            (0, 0, 0.94 * width, 0.92 * depth),
            (0.04 * height, 0, width, depth),
            (low - 0.02, 0, width, depth),
            (low + 0.006, 0.1 * lean, width + 0.2 * lean, 0.98 * depth),
            (low + 0.03, lean, slim, 0.94 * depth),
            (0.88 * height, lean, rng.uniform(0.9, 1) * slim, 0.9 * depth),
            (height, lean, 1.15 * neck, 1.1 * neck),
        ],
        shape,
    )
    thick = rng.uniform(0.02, 0.026)
    inside, outside = width / 2 - cut, width / 2 - 0.55 * thick
    top = height * rng.uniform(0.86, 0.92)
    t = np.linspace(0, 0.5 * np.pi, 5)
    bend = 0.03
    path = np.vstack(
        [
            [[inside - 0.02, 0, top]],
            np.column_stack([outside - bend + bend * np.sin(t), 0 * t, top - bend + bend * np.cos(t)]),
            [[outside + rng.uniform(-0.003, 0.002), 0, (top + low) / 2 - 0.01], [outside, 0, low - 0.014]],
        ]
    )
    handle = sweep(path, thick * rng.uniform(0.9, 1.3), thick, Y, rng.choice(["coarse", "soft", "round"]))
    ring, cap, cap_width = rng.uniform(0.006, 0.012), rng.uniform(0.026, 0.05), neck * rng.uniform(1.08, 1.3)
    above = height + ring
    lid = lathe(
        [(above - 0.002, cap_width), (above + 0.9 * cap, 0.93 * cap_width), (above + cap, 0.85 * cap_width)],
        rng.choice(["round", "round", "octagonal"]),
        (lean, 0, 0),
    )
    return [
        part("body", body),
        part("handle", handle),
        part("neck", lathe([(height - 0.004, neck), (above, neck)], at=(lean, 0, 0))),
        part("cap", lid),
    ]


def oil_can(rng: np.random.Generator) -> list[Part]:
    """Workshop oiler or kitchen oil can: a small tank with a long thin spout towards -x and a handle."""
    width, height = rng.uniform(0.065, 0.10), rng.uniform(0.06, 0.12)
    style = rng.choice(["cone", "dome", "drum"])
    neck = rng.uniform(0.020, 0.03)
    if style == "cone":
        profile = [(0, width), (0.15 * height, width), (height, neck)]
    elif style == "dome":
        profile = smooth(
            [(0, width), (0.4 * height, 0.95 * width), (0.8 * height, 0.62 * width), (height, neck)], 8
        )
    else:
        profile = [(0, width), (0.72 * height, width), (0.82 * height, 0.75 * width), (height, neck)]
    nut = rng.uniform(0.010, 0.018)
    cap = lathe([(height - 0.004, 1.1 * neck), (height + nut, rng.uniform(0.85, 1.1) * neck)], "hexagonal")
    reach, rise = rng.uniform(0.09, 0.15), rng.uniform(0.05, 0.13)
    z = height + nut - 0.005
    t = np.linspace(0, 1, 9)
    if rng.random() < 0.5:
        path = np.column_stack([-reach * t**1.6, 0 * t, z + rise * t])
    else:
        path = np.column_stack([-reach * t**1.3, 0 * t, z + rise * (1.25 * np.sin(0.6 * np.pi * t))])
    thick = rng.uniform(0.009, 0.014)
    spout = sweep(path, np.linspace(thick, 0.005, 9), np.linspace(thick, 0.005, 9), Y, "round")
    bar = rng.uniform(0.009, 0.014)
    low = height * rng.uniform(0.12, 0.3)
    high = height * 0.72 if style == "drum" else height * rng.uniform(0.74, 0.86)
    start, end = [(_half(profile, h) - 0.005, 0, h) for h in (high, low)]
    out = rng.uniform(0.044, 0.056) + 0.5 * (end[0] - start[0])
    path = loop(start, end, (out, 0, rng.uniform(0, 0.25) * height), rng.uniform(2, 3.4), 11)
    handle = sweep(
        path, bar * rng.uniform(1.1, 1.7), 0.8 * bar, Y, rng.choice(["coarse", "soft", "octagonal"])
    )
    parts = [
        part("body", lathe(profile)),
        part("cap", cap),
        part("spout", spout),
        part("handle", handle),
    ]
    if rng.random() < 0.4:
        # A thumb lever over the handle works the pump.
        far = rng.uniform(0.05, 0.065)
        lever = np.array(
            [[0.2 * neck, 0, z - 0.002], [0.5 * far, 0, z + 0.012], [far, 0, z + rng.uniform(0.004, 0.014)]]
        )
        parts.append(part("trigger", sweep(lever, (0.010, 0.012, 0.018), 0.005, Y, "soft")))
    return parts


def lantern(rng: np.random.Generator) -> list[Part]:
    """Storm, candle or camping lantern under a bail."""
    style = rng.choice(["storm", "candle", "camping"])
    width, tall = rng.uniform(0.08, 0.12), rng.uniform(0.08, 0.14)
    wire = rng.uniform(0.005, 0.007)
    shape = rng.choice(["square", "hexagonal"]) if style == "candle" else "round"
    base_height = rng.uniform(0.018, 0.04)
    roof_height = rng.uniform(0.03, 0.055)
    low, high = base_height, base_height + tall
    if style == "storm":
        base = lathe(
            [
                (0, width),
                (0.7 * base_height, width),
                (base_height, 0.72 * width),
                (base_height + 0.008, 0.5 * width),
            ]
        )
        low += 0.007
        glass = lathe(
            smooth(
                [(low - 0.002, 0.44 * width), (low + 0.4 * tall, 0.74 * width), (high + 0.002, 0.42 * width)],
                8,
            )
        )
        top = lathe(
            [
                (high, 0.56 * width),
                (high + 0.25 * roof_height, 0.5 * width),
                (high + 0.3 * roof_height, 0.68 * width),
                (high + 0.6 * roof_height, 0.5 * width),
                (high + roof_height, 0.3 * width),
            ]
        )
        side = 0.5 * width + 0.004
        z = high + 0.12 * roof_height
        tube = np.array(
            [
                [0.4 * width, 0, 0.8 * base_height],
                [side, 0, base_height + 0.12 * tall],
                [side, 0, base_height + 0.5 * tall],
                [side, 0, base_height + 0.85 * tall],
                [0.2 * width, 0, z],
            ]
        )
        bars = sweep(tube, 0.009, 0.008, Y, "octagonal")
        frame, pin = bars + mirrored(bars, 0), base_height + 0.82 * tall
        side += 0.003
    else:
        bevel = 0.94 if style == "candle" else 0.9
        base = lathe([(0, bevel * width), (0.2 * base_height, width), (base_height, 0.97 * width)], shape)
        glass = lathe([(low - 0.002, 0.76 * width), (high + 0.002, 0.76 * width)], shape)
        peak = rng.uniform(0.2, 0.3) * width
        if style == "candle":
            roof = [(high, 1.02 * width), (high + 0.008, 1.02 * width), (high + roof_height, peak)]
            top = lathe(roof, shape)
            corners = {"square": ((1, 1), (1, -1), (-1, -1), (-1, 1)), "hexagonal": section("hexagonal")}[
                shape
            ]
            spots = np.array(corners) * 0.39 * width * (1 if shape == "square" else 1.05)
        else:
            top = lathe([(high, 0.96 * width), (high + 0.3 * roof_height, 0.96 * width)])
            top += lathe(dome(high + 0.3 * roof_height, 0.7 * roof_height, 0.9 * width))
            turn = 2 * np.pi * (np.arange(4) + 0.5) / 4
            spots = 0.4 * width * np.column_stack([np.cos(turn), np.sin(turn)])
        post = rng.uniform(0.006, 0.009)
        frame = [block((post, post, tall + 0.004), (x, y, (low + high) / 2)) for x, y in spots]
        side, pin = 0.5 * width + 0.001, high + 0.004
    knob = rod([(side - 0.006, 0.012), (side + 0.5 * wire, 0.011)], at=(0, 0, pin))
    knobs = knob + mirrored(knob, 0)
    reach = high + roof_height - pin + rng.uniform(0.042, 0.06)
    path = loop((side, 0, pin), (-side, 0, pin), (0, 0, reach), rng.uniform(2.2, 3), 15)
    handle = sweep(path, wire, wire, Y, "octagonal")
    return [
        part("base", base),
        part("glass", glass),
        part("frame", frame, knobs if style == "storm" else []),
        part("top", top, [] if style == "storm" else knobs),
        part("handle", handle),
    ]


def candlestick(rng: np.random.Generator) -> list[Part]:
    """Turned, fluted or plain candlestick; a low one may have a handle at its base."""
    low = rng.random() < 0.3
    height = rng.uniform(0.065, 0.095) if low else rng.uniform(0.11, 0.24)
    thick, base = rng.uniform(0.015, 0.024), rng.uniform(0.075, 0.115)
    plate = rng.uniform(0.010, 0.022)
    shape = rng.choice(["round", "round", "square", "octagonal"])
    if low:
        # A dish with a raised border catches the wax.
        foot = lathe([(0, 0.9 * base), (0.006, base)]) + staves(
            [(0.001, 0.9 * base), (plate + 0.004, 1.1 * base)], 0.005
        )
        foot += lathe([(0.004, 2.2 * thick), (plate, 1.5 * thick)])
    else:
        step = rng.uniform(0.6, 0.85)
        foot = lathe(
            [(0, base), (0.4 * plate, base), (0.45 * plate, step * base), (plate, 1.7 * thick)], shape
        )
    t = np.linspace(0, 1, 15)
    style = rng.choice(["turned", "taper", "plain"])
    if style == "turned":
        swell = 1 + rng.uniform(0.25, 0.5) * np.cos(2 * np.pi * rng.integers(2, 5) * t)
    elif style == "taper":
        swell = np.interp(t, [0, 0.15, 1], [1.6, 1.25, 0.85])
    else:
        swell = np.ones(15)
    column = [
        (plate - 0.003 + (height - plate + 0.006) * x, thick * s) for x, s in zip(t, swell, strict=True)
    ]
    pan, deep, wall = rng.uniform(0.036, 0.06), rng.uniform(0.018, 0.03), 0.003
    socket = rng.uniform(0.028, 0.034)
    top = lathe([(height - 0.002, 1.3 * thick), (height + 0.004, pan), (height + 0.007, pan)])
    top += shell(
        [(height + 0.005, 0.8 * socket), (height + 0.4 * deep, socket), (height + deep, 1.05 * socket)], wall
    )
    parts = [
        part("base", foot),
        part("stem", lathe(column, "octagonal" if style == "taper" else "round")),
        part("top", top),
    ]
    if low:
        ring = rng.uniform(0.017, 0.022)
        path = ellipse((0.52 * base + ring, 0, plate), (ring, 0, 0), (0, 0, ring * rng.uniform(0.8, 1)), 12)
        path[:, 2] += max(0.0, 0.003 - path[:, 2].min())
        parts.append(
            part("handle", sweep(path, rng.uniform(0.008, 0.012), 0.006, Y, "octagonal", closed=True))
        )
    return parts


def _bumps(rng, width: float, length: float, size: float):
    """Middles (n, 2) of teeth in staggered rows over a field centred at zero, long along the second axis."""
    across, along = max(2, int(width / (3.4 * size))), max(3, int(length / (3.4 * size)))
    x = (np.arange(across) - (across - 1) / 2) * width / across
    y = (np.arange(along) - (along - 1) / 2) * length / along
    shift = rng.uniform(0.1, 0.25) * width / across
    return np.array([(a + shift * (-1) ** k, b) for k, b in enumerate(y) for a in x])


def grater(rng: np.random.Generator) -> list[Part]:
    """Box grater standing below its handle, or a flat or fine one lying along x."""
    style = rng.choice(["box", "flat", "fine"])
    if style == "box":
        width, depth, height = rng.uniform(0.085, 0.11), rng.uniform(0.06, 0.08), rng.uniform(0.14, 0.2)
        taper, wall = rng.uniform(0.72, 0.88), 0.0025
        stretch = depth / width
        profile = [(0, width), (height, taper * width)]
        sheet = staves(profile, wall, "square", stretch)
        sheet += lathe(
            [
                (height - 0.003, taper * width - wall, taper * depth - wall),
                (height, taper * width - 0.001, taper * depth - 0.001),
            ],
            "square",
        )
        for side, turned in ((1, False), (-1, False), (1, True), (-1, True)):
            size = rng.uniform(0.0035, 0.006)
            field = 0.62 * taper * (depth if turned else width)
            for a, b in _bumps(rng, field, 0.62 * height, size):
                z = 0.47 * height + b
                out = _half(profile, z) * (1 if turned else stretch)
                at = (side * out, a, z) if turned else (a, side * out, z)
                cube = (0.003, size, 0.6 * size) if turned else (size, 0.003, 0.6 * size)
                sheet.append(block(cube, at))
        foot = staves(
            [(-0.001, width + 0.004), (rng.uniform(0.008, 0.014), width + 0.003)],
            wall + 0.002,
            "square",
            stretch,
        )
        thick = rng.uniform(0.013, 0.02)
        half = min(0.5 * taper * width - 0.5 * thick, 0.05)
        half = max(half, 0.5 * taper * width - 1.1 * thick)
        path = loop(
            (half, 0, height - 0.004), (-half, 0, height - 0.004), (0, 0, rng.uniform(0.042, 0.055)), 4, 11
        )
        handle = sweep(path, thick * rng.uniform(1.1, 1.6), thick, Y, rng.choice(["coarse", "soft"]))
        return [part("handle", handle), part("blade", sheet), part("frame", foot)]
    handle = grip(rng, rng.uniform(0.09, 0.125), rng.uniform(0.02, 0.03), rng.uniform(0.6, 0.9))
    if style == "flat":
        length, width, size = rng.uniform(0.13, 0.2), rng.uniform(0.065, 0.10), rng.uniform(0.004, 0.006)
    else:
        length, width, size = rng.uniform(0.15, 0.21), rng.uniform(0.025, 0.04), rng.uniform(0.0032, 0.0042)
    sheet = 0.0025
    start, bar = (0.02 if style == "flat" else 0.012), rng.uniform(0.005, 0.007)
    x = start + length / 2
    plate = [block((length, width, sheet), (x, 0, 0))]
    for a, b in _bumps(rng, 0.8 * width, 0.86 * length, size):
        plate.append(block((0.6 * size, size, 0.003), (x + b, a, 0.6 * sheet)))
    edge = width / 2
    side = np.array([[-0.01, 0.2 * bar, 0], [start, edge, 0], [start + length, edge, 0]])
    if style == "flat":
        side = np.array(
            [
                [-0.01, 0.3 * bar, 0],
                [0.35 * start, 0.7 * edge, 0],
                [start, edge, 0],
                [start + length, edge, 0],
            ]
        )
    rail = sweep(side, bar, 0.8 * bar, Z, "octagonal")
    end = block((bar, width + 0.8 * bar, bar), (start + length, 0, 0), 0.001)
    return [part("handle", handle), part("blade", plate), part("frame", rail, mirrored(rail), end)]


def pizza_cutter(rng: np.random.Generator) -> list[Part]:
    """Pizza wheel lying on its side: a disc in a fork on a handle."""
    length, thick = rng.uniform(0.095, 0.125), rng.uniform(0.021, 0.03)
    handle = grip(rng, length, thick, rng.uniform(0.75, 1))
    width, steel = rng.uniform(0.06, 0.10), rng.uniform(0.0018, 0.0026)
    neck = rng.uniform(0.012, 0.03)
    hub = neck + width / 2 + 0.004
    disc = lathe(
        [(-steel / 2, 0.9 * width), (-0.0003, width), (0.0003, width), (steel / 2, 0.9 * width)],
        at=(hub, 0, 0),
    )
    arm, gap = rng.uniform(0.003, 0.005), rng.uniform(0.0035, 0.006)
    wide = rng.uniform(0.010, 0.016)
    path = np.array(
        [
            [neck - 0.004, 0, 0.3 * gap],
            [neck + 0.006, 0, gap],
            [0.5 * (neck + hub), 0, gap + 0.001],
            [hub + 0.4 * wide, 0, gap],
        ]
    )
    prong = sweep(path, (1.4 * wide, 1.3 * wide, wide, 0.9 * wide), arm, Y, "square")
    yoke = rod([(-0.008, 0.6 * thick), (neck, 1.4 * wide, 2 * gap + arm)], "soft") + prong
    if rng.random() < 0.7:
        yoke += mirrored(prong, 2)
    reach = gap + 0.5 * arm + 0.0025
    pin = lathe([(-reach, 0.8 * wide), (reach, 0.8 * wide)], at=(hub, 0, 0))
    parts = [part("handle", handle), part("yoke", yoke), part("wheel", disc), part("pivot", pin)]
    if rng.random() < 0.5:
        guard = rng.uniform(1.4, 1.9) * thick
        plate = rod(
            [
                (-0.003, 0.9 * guard, 0.9 * thick),
                (0.0, guard, thick),
                (0.004, guard, thick),
                (0.006, 0.8 * guard, 0.8 * thick),
            ],
            "soft",
        )
        parts.append(part("collar", plate))
    return parts


def hand_mirror(rng: np.random.Generator) -> list[Part]:
    """Hand mirror lying on its back; the glass faces up."""
    length, thick = rng.uniform(0.095, 0.135), rng.uniform(0.014, 0.024)
    flat = rng.uniform(0.5, 0.8)
    handle = grip(rng, length, thick, flat, rng.choice(["round", "soft", "octagonal"]))
    wide, shape = rng.uniform(0.085, 0.14), rng.choice(["round", "round", "soft", "octagonal", "square"])
    long = wide * rng.uniform(0.95, 1.35)
    bar, deep = rng.uniform(0.007, 0.013), rng.uniform(0.008, 0.012)
    x = long / 2 + 0.25 * bar
    frame = moved(_hoop(0, long, wide, bar, shape, deep), (x, 0, 0))
    back = lathe(
        [(-0.42 * deep, 0.9 * long, 0.9 * wide), (-0.36 * deep, long, wide), (0.1 * deep, long, wide)], shape
    )
    glass = lathe(
        [(0, long - 0.3 * bar, wide - 0.3 * bar), (0.25 * deep, long - 0.3 * bar, wide - 0.3 * bar)], shape
    )
    neck = rng.uniform(0.5, 0.9) * thick
    joint = rod([(-0.004, neck, 0.8 * flat * neck), (0.6 * bar, 1.4 * neck, 0.8 * deep)], "soft")
    return [
        part("handle", handle),
        part("frame", frame, joint),
        part("back", moved(back, (x, 0, 0))),
        part("glass", moved(glass, (x, 0, 0))),
    ]


def measuring_cup(rng: np.random.Generator) -> list[Part]:
    """Scoop with a long flat handle, or a jug with a lip and an ear."""
    wall = rng.uniform(0.0035, 0.005)
    if rng.random() < 0.5:
        width = rng.uniform(0.055, 0.095)
        height = width * rng.uniform(0.42, 0.75)
        shape, foot = rng.choice(["round", "round", "soft", "octagonal"]), rng.uniform(0.72, 0.98)
        brim = height - rng.uniform(0.008, 0.012)
        profile = smooth(
            [(0, 0.85 * foot * width), (0.2 * height, (0.3 + 0.7 * foot) * width), (height, width)], 4
        )
        profile = [row for row in profile if row[0] < brim - 0.002] + [(brim, 2 * _half(profile, brim))]
        edge = staves([profile[-1], (height, width)], wall, shape)
        body = shell(profile, wall, shape)
        length, thick = rng.uniform(0.08, 0.12), rng.uniform(0.016, 0.024)
        t = np.linspace(0, 1, 8)
        start = width / 2 - 0.5 * wall
        z = height - 0.005
        path = np.column_stack([start + length * t, 0 * t, z + rng.uniform(-0.006, 0.012) * t**2])
        broad = thick * np.interp(t, [0, 0.2, 0.5, 0.92, 1], [1.1, 0.75, 0.9, 1.1, 0.8])
        handle = sweep(path, broad, rng.uniform(0.005, 0.010), Y, rng.choice(["soft", "square", "round"]))
        return [part("body", body), part("rim", edge), part("handle", handle)]
    width, height = rng.uniform(0.085, 0.12), rng.uniform(0.085, 0.13)
    foot = rng.uniform(0.75, 0.96)
    brim = height - rng.uniform(0.010, 0.014)
    levels = [*np.linspace(0, 0.96 * brim, 4), brim, height]
    profile = [(z, width * (foot + (1 - foot) * z / height)) for z in levels]
    profile[0] = (0, 0.95 * foot * width)
    out, spread = rng.uniform(0.012, 0.022), rng.uniform(0.3, 0.4)
    floor, rows, lip = _lipped(profile, wall, 1.0, out, rng.uniform(0, 0.006), spread)
    body, edge, spout = [floor], [], []
    for level, row in enumerate(rows):
        for k, stave in enumerate(row):
            where = spout if level >= 2 and k in lip else edge if level == len(rows) - 1 else body
            where.append(stave)
    high, low = brim - 0.006, height * rng.uniform(0.14, 0.24)
    ends = [(_half(profile, z) - 0.6 * wall, 0, z) for z in (high, low)]
    path = loop(
        *ends, (rng.uniform(0.038, 0.05), 0, rng.uniform(-0.1, 0.15) * height), rng.uniform(2.4, 4), 11
    )
    thick = rng.uniform(0.009, 0.013)
    handle = sweep(path, thick * rng.uniform(1.2, 2), thick, Y, rng.choice(["coarse", "octagonal", "soft"]))
    return [part("body", body), part("rim", edge), part("spout", spout), part("handle", handle)]


_HANDLE = ("handle", "grip", "haft")

FAMILIES = (
    Family(
        "thermos",
        ("thermos", "thermos flask", "vacuum flask", "insulated flask"),
        {
            "body": ("body", "side", "cylinder"),
            "cap": ("cap", "lid", "stopper"),
            "handle": ("handle", "grip", "carrying handle"),
            "band": ("band", "stripe"),
        },
        (
            hold("handle", "power hook", "use lift move pour"),
            hold("body", "power", "pour hold hand_over"),
            hold("cap", "precision tripod", "open"),
        ),
        thermos,
    ),
    Family(
        "jerrycan",
        ("jerrycan", "canister", "fuel can", "petrol can"),
        {
            "body": ("body", "tank", "side"),
            "handle": ("handle", "grip", "carrying handle"),
            "neck": ("neck", "throat"),
            "cap": ("cap", "screw cap", "lid"),
        },
        (
            hold("handle", "power hook", "use lift move pour hand_over"),
            hold("cap", "precision tripod", "open"),
        ),
        jerrycan,
    ),
    Family(
        "sieve",
        ("sieve", "strainer", "kitchen sieve", "tea strainer"),
        {
            "handle": ("handle", "grip", "stick"),
            "rim": ("rim", "frame", "ring"),
            "bowl": ("bowl", "net", "mesh"),
            "tab": ("tab", "rest", "lug"),
        },
        (
            hold("handle", "power precision lateral", "use lift hold"),
            hold("rim", "lateral precision", "hand_over move"),
            hold("bowl", "precision", "move"),
        ),
        sieve,
    ),
    Family(
        "basket",
        ("basket", "wicker basket", "bread basket", "shopping basket"),
        {
            "body": ("body", "wall", "side"),
            "rim": ("rim", "edge", "brim"),
            "handle": ("handle", "grip", "carrying handle"),
        },
        (
            hold("handle", "hook power", "use lift move hand_over"),
            hold("rim", "lateral precision", "hold move"),
        ),
        basket,
    ),
    Family(
        "trophy",
        ("trophy", "trophy cup", "prize cup", "winner's cup"),
        {
            "base": ("base", "plinth", "bottom"),
            "stem": ("stem", "neck"),
            "bowl": ("bowl", "cup"),
            "handles": ("handles", "side handles", "ears"),
            "lid": ("lid", "cover"),
            "knob": ("knob", "lid knob"),
        },
        (
            hold("handles", "precision lateral", "use lift hold"),
            hold("stem", "precision tripod", "lift move hold"),
            hold("base", "power precision", "hand_over hold"),
            hold("bowl", "power", "hold move"),
        ),
        trophy,
    ),
    Family(
        "gravy_boat",
        ("gravy boat", "sauce boat", "sauce jug"),
        {
            "body": ("body", "belly", "side"),
            "spout": ("spout", "lip"),
            "base": ("base", "foot", "bottom"),
            "handle": ("handle", "ear", "grip"),
        },
        (
            hold("handle", "precision lateral tripod", "use pour lift"),
            hold("body", "power precision", "hand_over hold"),
            hold("spout", "precision", "move"),
        ),
        gravy_boat,
    ),
    Family(
        "detergent_jug",
        ("detergent jug", "detergent bottle", "laundry detergent", "bleach bottle"),
        {
            "body": ("body", "bottle part", "side"),
            "handle": ("handle", "grip", "ear"),
            "neck": ("neck", "throat"),
            "cap": ("cap", "lid", "screw cap"),
        },
        (
            hold("handle", "power hook", "use pour lift move"),
            hold("body", "power", "hold hand_over"),
            hold("cap", "precision tripod power", "open"),
        ),
        detergent_jug,
    ),
    Family(
        "oil_can",
        ("oil can", "oiler", "oil dispenser"),
        {
            "body": ("body", "tank", "side"),
            "cap": ("cap", "screw cap", "lid"),
            "spout": ("spout", "nozzle", "pipe"),
            "handle": ("handle", "grip", "ear"),
            "trigger": ("trigger", "lever"),
        },
        (
            hold("handle", "power precision hook", "use pour lift"),
            hold("body", "power precision", "hold hand_over"),
            hold("spout", "precision tripod lateral", "move"),
            hold("cap", "precision tripod", "open"),
        ),
        oil_can,
    ),
    Family(
        "lantern",
        ("lantern", "storm lantern", "candle lantern", "camping lamp"),
        {
            "base": ("base", "foot", "bottom"),
            "glass": ("glass", "globe", "chimney"),
            "frame": ("frame", "bars", "posts"),
            "top": ("top", "cap", "roof"),
            "handle": ("handle", "bail", "carrying handle"),
        },
        (
            hold("handle", "hook power lateral", "use lift move hand_over"),
            hold("base", "power precision", "hold hand_over"),
            hold("top", "precision", "open"),
        ),
        lantern,
    ),
    Family(
        "candlestick",
        ("candlestick", "candle holder", "candle stand"),
        {
            "base": ("base", "foot", "bottom"),
            "stem": ("stem", "neck"),
            "top": ("top", "socket", "candle cup"),
            "handle": ("handle", "ring", "ear"),
        },
        (
            hold("stem", "precision tripod power", "use lift hold"),
            hold("base", "lateral precision", "hand_over"),
            hold("top", "precision tripod", "move"),
        ),
        candlestick,
    ),
    Family(
        "grater",
        ("grater", "cheese grater", "kitchen grater", "zester"),
        {
            "handle": ("handle", "grip"),
            "blade": ("blade", "grating surface", "metal part"),
            "frame": ("frame", "border"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("blade", "precision", "hand_over move"),
        ),
        grater,
    ),
    Family(
        "pizza_cutter",
        ("pizza cutter", "pizza wheel", "pizza slicer"),
        {
            "handle": _HANDLE,
            "yoke": ("yoke", "fork", "arms"),
            "wheel": ("wheel", "cutting wheel", "blade"),
            "pivot": ("pivot", "axle", "screw"),
            "collar": ("collar", "finger guard"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("wheel", "lateral precision", "hand_over"),
            hold("yoke", "precision tripod", "move"),
        ),
        pizza_cutter,
    ),
    Family(
        "hand_mirror",
        ("hand mirror", "mirror", "vanity mirror"),
        {
            "handle": ("handle", "grip", "stick"),
            "frame": ("frame", "rim", "border"),
            "back": ("back", "rear side"),
            "glass": ("glass", "mirror glass", "reflecting side"),
        },
        (
            hold("handle", "power precision lateral", "use lift hold"),
            hold("frame", "lateral precision", "hand_over move"),
        ),
        hand_mirror,
    ),
    Family(
        "measuring_cup",
        ("measuring cup", "measuring jug", "measuring scoop"),
        {
            "body": ("body", "side", "wall"),
            "rim": ("rim", "top edge", "brim"),
            "spout": ("spout", "lip"),
            "handle": ("handle", "grip", "ear"),
        },
        (
            hold("handle", "power precision lateral", "use lift pour"),
            hold("body", "power precision", "hand_over hold"),
            hold("rim", "lateral precision", "move"),
        ),
        measuring_cup,
    ),
)
