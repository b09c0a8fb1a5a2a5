"""Things of pantry and shelf that have one handle."""

import numpy as np

from .family import Family, Part, hold, part
from .kitchen import grip
from .shapes import half_width, hoop
from .solids import block, ellipse, lathe, loop, mirrored, moved, rod, section, shell, staves, sweep

Y = (0.0, 1.0, 0.0)
Z = (0.0, 0.0, 1.0)
_HANDLE = ("handle", "grip", "haft")


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
        part("rim", hoop(0, width, width, 0.005, "round", band)),
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
            wide = 2 * half_width(profile, z) - 0.4 * wall
            body += hoop(z, wide, stretch * wide, 0.0095, shape, 0.55 * height / count, "hexagonal")
    elif style == "wire":
        wire = rng.uniform(0.0038, 0.005)
        body = []
        for z in np.array([0.0, 0.5]) * height:
            wide = 2 * half_width(profile, z)
            body += hoop(z, wide, stretch * wide, wire, shape, bar="hexagonal")
        spots = section(shape) / 2
        for spot in spots:
            ends = [np.array([*(spot * (1, stretch) * 2 * half_width(profile, z)), z]) for z in (0, height)]
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
    rim = hoop(height, length, stretch * length, brim, shape)
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
                out = half_width(profile, z) * (1 if turned else stretch)
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


FAMILIES = (
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
)
