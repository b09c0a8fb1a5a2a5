"""Vessels to carry and to pour from, each with a handle."""

import numpy as np

from .family import Family, Part, hold, part
from .shapes import half_width, lipped, tower
from .solids import block, lathe, loop, moved, shell, smooth, staves, sweep

Y = (0.0, 1.0, 0.0)


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
        ends = [(half_width(profile, z) - 0.004, 0, z) for z in (high, low)]
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
        stripe = 2 * half_width(profile, z) + 0.003
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


def gravy_boat(rng: np.random.Generator) -> list[Part]:
    """Oval sauce boat on a foot, a long lip towards -x, a handle at +x."""
    length, height, wall = rng.uniform(0.11, 0.15), rng.uniform(0.05, 0.075), rng.uniform(0.0045, 0.006)
    stretch, foot = rng.uniform(0.6, 0.78), rng.uniform(0.45, 0.6)
    profile = smooth(
        [(0, foot * length), (0.35 * height, rng.uniform(0.86, 0.94) * length), (height, length)], 6
    )
    tail = rng.uniform(0, 0.016)
    out, lift = rng.uniform(0.026, 0.045), rng.uniform(0.006, 0.022)
    floor, rows, lip = lipped(profile, wall, stretch, out, lift, rng.uniform(0.4, 0.52), tail)
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
    ends = [(half_width(profile, min(z, height)) - 0.6 * wall, 0, z) for z in (high, low)]
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
    body = tower(
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
    start, end = [(half_width(profile, h) - 0.005, 0, h) for h in (high, low)]
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
        profile = [row for row in profile if row[0] < brim - 0.002] + [(brim, 2 * half_width(profile, brim))]
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
    floor, rows, lip = lipped(profile, wall, 1.0, out, rng.uniform(0, 0.006), spread)
    body, edge, spout = [floor], [], []
    for level, row in enumerate(rows):
        for k, stave in enumerate(row):
            where = spout if level >= 2 and k in lip else edge if level == len(rows) - 1 else body
            where.append(stave)
    high, low = brim - 0.006, height * rng.uniform(0.14, 0.24)
    ends = [(half_width(profile, z) - 0.6 * wall, 0, z) for z in (high, low)]
    path = loop(
        *ends, (rng.uniform(0.038, 0.05), 0, rng.uniform(-0.1, 0.15) * height), rng.uniform(2.4, 4), 11
    )
    thick = rng.uniform(0.009, 0.013)
    handle = sweep(path, thick * rng.uniform(1.2, 2), thick, Y, rng.choice(["coarse", "octagonal", "soft"]))
    return [part("body", body), part("rim", edge), part("spout", spout), part("handle", handle)]


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
