"""Open vessels and vessels that pour, standing upright; handles point along x."""

import numpy as np

from .family import Family, Part, hold, part
from .solids import ellipsoid, hull, lathe, loop, moved, rod, section, shell, smooth, staves, sweep

Y, Z = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def _radius(stations, z: float) -> float:
    """Outer radius of a profile of (z, width) at a height."""
    stations = np.asarray(stations)
    return float(np.interp(z, stations[:, 0], stations[:, 1])) / 2


def _shell_and_rim(stations, wall, shape):
    """An open vessel, (body, rim): the rim is what lies between the last two stations."""
    solids = shell(stations, wall, shape)
    corners = len(section(shape))
    return solids[:-corners], solids[-corners:]


def _side_handle(rng, stations, wall, high, low, reach, width, thickness):
    """Handle on the +x side of a profile, from one height to another."""
    start = (_radius(stations, high) - 0.6 * wall, 0, high)
    end = (_radius(stations, low) - 0.6 * wall, 0, low)
    path = loop(start, end, (reach, 0, rng.uniform(-0.1, 0.15) * reach), rng.uniform(1.8, 4.0), 11)
    return sweep(path, width, thickness, Y, rng.choice(["coarse", "octagonal", "soft"]))


def _spout(base, tip, thick, thin, bend):
    """Tapering bent pipe from base to tip, both (3,); bend is how far its middle sags, metres."""
    base, tip = np.asarray(base), np.asarray(tip)
    t = np.linspace(0, 1, 7)[:, None]
    path = base + (tip - base) * t + np.array([0, 0, -bend]) * np.sin(np.pi * t)
    width = thick + (thin - thick) * t[:, 0]
    return sweep(path, width, width, Y)


def mug(rng: np.random.Generator) -> list[Part]:
    """Straight, tapered or bellied mug with a handle."""
    height, width, wall = rng.uniform(0.075, 0.125), rng.uniform(0.065, 0.095), rng.uniform(0.003, 0.006)
    foot, belly = rng.uniform(0.72, 1.02), rng.uniform(0.95, 1.12)
    profile = smooth([(0, foot * width), (0.45 * height, belly * width * (1 + foot) / 2), (height, width)], 5)
    shape = rng.choice(["round", "round", "soft", "octagonal"])
    rim_from = height - rng.uniform(0.010, 0.016)
    profile = np.vstack([profile[profile[:, 0] < rim_from], [rim_from, 2 * _radius(profile, rim_from)]])
    body, rim = _shell_and_rim(np.vstack([profile, [height, width]]), wall, shape)
    thickness = rng.uniform(0.007, 0.012)
    handle = _side_handle(
        rng,
        profile,
        wall,
        high=height * rng.uniform(0.76, 0.86),
        low=height * rng.uniform(0.16, 0.3),
        reach=rng.uniform(0.026, 0.042),
        width=rng.uniform(0.010, 0.020),
        thickness=thickness,
    )
    return [
        part("body", body),
        part("rim", rim),
        part("handle", handle),
    ]


def cup(rng: np.random.Generator) -> list[Part]:
    """Cup or tumbler without a handle."""
    height, width, wall = rng.uniform(0.065, 0.15), rng.uniform(0.06, 0.092), rng.uniform(0.0025, 0.005)
    foot = rng.uniform(0.6, 1.0) * width
    shape = rng.choice(["round", "soft", "square", "hexagonal", "octagonal"])
    rim_from = height - rng.uniform(0.010, 0.018)
    at_rim = foot + (width - foot) * rim_from / height
    middle = 0.5 * rim_from, (foot + at_rim) / 2 * rng.uniform(0.94, 1.08)
    body, rim = _shell_and_rim([(0, foot), middle, (rim_from, at_rim), (height, width)], wall, shape)
    return [part("body", body), part("rim", rim)]


def bowl(rng: np.random.Generator) -> list[Part]:
    """Bowl on a small foot."""
    width, wall = rng.uniform(0.10, 0.22), rng.uniform(0.003, 0.006)
    height = width * rng.uniform(0.3, 0.55)
    foot, steep = width * rng.uniform(0.35, 0.55), rng.uniform(0.45, 0.8)
    t = np.array([0, 0.12, 0.3, 0.55, 0.85, 1])
    profile = np.column_stack([height * t, foot + (width - foot) * t**steep])
    shape = rng.choice(["round", "round", "soft", "octagonal"])
    body, rim = _shell_and_rim(profile, wall, shape)
    return [
        part(
            "base", lathe([(-0.3 * wall - rng.uniform(0.003, 0.012), foot * 0.95), (0.5 * wall, foot * 0.9)])
        ),
        part("body", body),
        part("rim", rim),
    ]


def plate(rng: np.random.Generator) -> list[Part]:
    """Dinner plate, saucer or soup plate."""
    width, thick = rng.uniform(0.14, 0.27), rng.uniform(0.004, 0.006)
    depth = rng.uniform(0.014, 0.032)
    inner = width * rng.uniform(0.55, 0.72)
    shape = rng.choice(["round", "round", "soft", "square"])
    base = lathe([(0, 0.9 * inner), (thick, inner * 1.01)], shape)
    # The wall is measured level; a rim this flat needs a long one to be as thick as the base.
    wall = thick * (width - inner) / 2 / (depth - 0.7 * thick)
    rim = staves([(0.7 * thick, inner), (depth, width)], wall, shape)
    return [part("base", base), part("rim", rim)]


def wine_glass(rng: np.random.Generator) -> list[Part]:
    """Glass with a bowl, a stem and a foot."""
    width, wall = rng.uniform(0.055, 0.095), rng.uniform(0.0022, 0.0035)
    stem_height, bowl_height = rng.uniform(0.055, 0.11), rng.uniform(0.06, 0.13)
    stem = rng.uniform(0.007, 0.012)
    foot = rng.uniform(0.06, 0.08)
    brim = width * rng.uniform(0.7, 1.1)
    bowl_profile = smooth(
        [
            (0, 2.2 * stem),
            (0.14 * bowl_height, 0.62 * width),
            (0.45 * bowl_height, width),
            (bowl_height, brim),
        ],
        7,
    ) + (stem_height, 0)
    return [
        part("foot", lathe([(0, foot), (0.003, foot), (0.010, 1.6 * stem)])),
        part(
            "stem",
            lathe(
                [
                    (0.008, 1.6 * stem),
                    (0.02, stem),
                    (stem_height - 0.012, stem),
                    (stem_height + 0.4 * wall, 2 * stem),
                ]
            ),
        ),
        part("bowl", shell(bowl_profile, wall)),
    ]


def teapot(rng: np.random.Generator) -> list[Part]:
    """Closed teapot with a handle, a spout, a lid and a knob."""
    width, height = rng.uniform(0.11, 0.16), rng.uniform(0.085, 0.14)
    foot, top = width * rng.uniform(0.5, 0.75), width * rng.uniform(0.5, 0.65)
    belly = height * rng.uniform(0.35, 0.55)
    profile = smooth([(0, foot), (belly, width), (height, top)], 9)
    handle = _side_handle(
        rng,
        profile,
        0.016,
        high=height * rng.uniform(0.78, 0.88),
        low=height * rng.uniform(0.2, 0.32),
        reach=rng.uniform(0.042, 0.058),
        width=rng.uniform(0.012, 0.02),
        thickness=rng.uniform(0.009, 0.013),
    )
    low = height * rng.uniform(0.25, 0.45)
    spout = _spout(
        (-_radius(profile, low) + 0.008, 0, low),
        (-width / 2 - rng.uniform(0.035, 0.06), 0, height * rng.uniform(0.85, 1.05)),
        rng.uniform(0.024, 0.034),
        rng.uniform(0.011, 0.016),
        rng.uniform(0, 0.012),
    )
    lid_height, knob = rng.uniform(0.010, 0.022), rng.uniform(0.016, 0.026)
    lid = lathe(
        [
            (height - 0.002, 0.94 * top),
            (height + 0.3 * lid_height, 0.9 * top),
            (height + lid_height, 0.4 * top),
        ]
    )
    above = height + lid_height
    stalk = lathe([(above - 0.002, 0.5 * knob), (above + 0.3 * knob, 0.5 * knob)])
    ball = ellipsoid((knob, knob, knob * rng.uniform(0.7, 1)), (0, 0, above + 0.55 * knob))
    return [
        part("body", lathe(profile)),
        part("handle", handle),
        part("spout", spout),
        part("lid", lid),
        part("knob", stalk, ball),
    ]


def kettle(rng: np.random.Generator) -> list[Part]:
    """Stove kettle with a handle over its top."""
    width, height = rng.uniform(0.15, 0.2), rng.uniform(0.10, 0.14)
    top = width * rng.uniform(0.35, 0.5)
    profile = smooth([(0, width * 0.94), (0.25 * height, width), (height, top)], 8)
    foot_z, wide = height * 0.86, _radius(profile, height * 0.86) - 0.008
    grip = rng.uniform(0.018, 0.026)
    reach = rng.uniform(0.06, 0.08) + 0.14 * height
    path = loop((wide, 0, foot_z), (-wide, 0, foot_z), (0, 0, reach), rng.uniform(2.4, 4), 13)
    thick = np.full(13, 0.5 * grip)
    thick[4:9] = grip
    spout = _spout(
        (-0.40 * width, 0, 0.45 * height),
        (-0.5 * width - rng.uniform(0.03, 0.05), 0, height * rng.uniform(0.85, 1.05)),
        0.042,
        0.02,
        0.004,
    )
    knob = rng.uniform(0.018, 0.028)
    lid = lathe([(height - 0.003, 0.92 * top), (height + 0.008, 0.7 * top)])
    return [
        part("body", lathe(profile)),
        part("handle", sweep(path, thick, thick, Y)),
        part("spout", spout),
        part(
            "lid",
            lid,
            lathe([(height + 0.004, 0.6 * knob), (height + 0.015, knob), (height + 0.022, 0.8 * knob)]),
        ),
    ]


def pitcher(rng: np.random.Generator) -> list[Part]:
    """Tall open jug with a lip and a big handle."""
    height, width, wall = rng.uniform(0.15, 0.25), rng.uniform(0.08, 0.11), rng.uniform(0.004, 0.006)
    neck = width * rng.uniform(0.65, 0.95)
    profile = smooth(
        [
            (0, width * rng.uniform(0.7, 1)),
            (0.35 * height, width),
            (0.8 * height, neck),
            (height, neck * 1.06),
        ],
        7,
    )
    shape = rng.choice(["round", "round", "soft"])
    handle = _side_handle(
        rng,
        profile,
        wall,
        high=height * rng.uniform(0.82, 0.92),
        low=height * rng.uniform(0.25, 0.42),
        reach=rng.uniform(0.045, 0.06),
        width=rng.uniform(0.016, 0.026),
        thickness=rng.uniform(0.010, 0.016),
    )
    out, tall, wide = rng.uniform(0.014, 0.024), rng.uniform(0.03, 0.05), neck * rng.uniform(0.4, 0.6)
    brim = -0.53 * neck + 1.5 * wall
    beak = np.array(
        [(brim, s * wide / 2, z) for s in (-1, 1) for z in (height - 0.001, height - tall)]
        + [(-0.53 * neck - out, s * 0.005, height - drop) for s in (-1, 1) for drop in (0.001, 0.006)]
    )
    return [
        part("body", shell(profile, wall, shape)),
        part("handle", handle),
        part("spout", hull(beak)),
    ]


def bucket(rng: np.random.Generator) -> list[Part]:
    """Bucket with a bail and a grip."""
    height, width, wall = rng.uniform(0.15, 0.27), rng.uniform(0.17, 0.27), rng.uniform(0.004, 0.006)
    foot = width * rng.uniform(0.68, 0.9)
    profile = [(0, foot), (0.9 * height, foot + 0.9 * (width - foot))]
    shape = rng.choice(["round", "round", "soft"])
    rim = staves([(0.88 * height, foot + 0.9 * (width - foot)), (height, width)], wall * 1.5, shape)
    side, pin = width / 2 - 0.4 * wall, 0.93 * height
    reach = rng.uniform(0.09, 0.12) + 0.1 * width
    path = loop((side, 0, pin), (-side, 0, pin), (0, 0, reach), 2.0, 17)
    wire, grip = rng.uniform(0.006, 0.009), rng.uniform(0.02, 0.03)
    return [
        part("body", shell(profile, wall, shape)),
        part("rim", rim),
        part(
            "bail", sweep(path[:8], wire, wire, Y, "octagonal"), sweep(path[9:], wire, wire, Y, "octagonal")
        ),
        part("handle", sweep(path[6:11], grip, grip, Y)),
    ]


def watering_can(rng: np.random.Generator) -> list[Part]:
    """Watering can with a handle behind or above and a long spout."""
    height, width = rng.uniform(0.12, 0.18), rng.uniform(0.11, 0.16)
    top = width * rng.uniform(0.7, 0.95)
    profile = [(0, width), (0.6 * height, width), (height, top)]
    thick = rng.uniform(0.016, 0.024)
    if rng.random() < 0.5:
        handle = _side_handle(
            rng, profile, 0.016, 0.92 * height, 0.3 * height, rng.uniform(0.05, 0.07), thick, thick * 0.7
        )
    else:
        path = loop(
            (0.3 * top, 0, height - 0.005),
            (-0.38 * top, 0, height - 0.005),
            (0, 0, rng.uniform(0.06, 0.08)),
            3,
            11,
        )
        handle = sweep(path, thick, thick * 0.8, Y)
    tip = np.array([-width / 2 - rng.uniform(0.10, 0.17), 0, height * rng.uniform(0.95, 1.25)])
    spout = _spout((-0.42 * width, 0, 0.25 * height), tip, rng.uniform(0.026, 0.036), 0.016, 0.0)
    rose = rng.uniform(0.035, 0.055)
    rose_solids = moved(rod([(-0.024, rose), (-0.018, rose), (0.004, 0.015)]), tip, "y", 20)
    return [
        part("body", lathe(profile)),
        part("handle", handle),
        part("spout", spout),
        part("rose", rose_solids),
    ]


def pan(rng: np.random.Generator) -> list[Part]:
    """Frying pan or saucepan with one long handle."""
    width, wall = rng.uniform(0.15, 0.27), rng.uniform(0.0035, 0.006)
    height, flare = rng.uniform(0.035, 0.09), rng.uniform(0.8, 1.0)
    profile = [(0, width * flare), (height, width)]
    thick = rng.uniform(0.016, 0.026)
    length = rng.uniform(0.14, 0.2)
    start = _radius(profile, 0.75 * height) - 0.4 * wall
    t = np.linspace(0, 1, 9)
    path = np.column_stack(
        [start + length * t, 0 * t, 0.75 * height + rng.uniform(0, 0.05) * np.sin(t * 1.5)]
    )
    grip = thick * np.interp(t, [0, 0.15, 0.7, 0.95, 1], [0.7, 0.75, 1.1, 1.0, 0.6])
    handle = sweep(path, grip * rng.uniform(1.0, 1.5), grip, Y, rng.choice(["coarse", "soft", "octagonal"]))
    return [part("body", shell(profile, wall)), part("handle", handle)]


def pot(rng: np.random.Generator) -> list[Part]:
    """Covered cooking pot with two handles."""
    width, height, wall = rng.uniform(0.15, 0.24), rng.uniform(0.08, 0.16), rng.uniform(0.004, 0.006)
    profile = [(0, width * rng.uniform(0.9, 1)), (0.1 * height, width), (height, width)]
    z, half = height * rng.uniform(0.65, 0.85), rng.uniform(0.035, 0.05)
    at = np.sqrt((width / 2) ** 2 - half**2) - 1.5 * wall
    reach = width / 2 - at + rng.uniform(0.03, 0.042)
    path = loop((at, half, z), (at, -half, z), (reach, 0, rng.uniform(0, 0.01)), rng.uniform(2.2, 4), 10)
    handle = sweep(path, rng.uniform(0.009, 0.016), rng.uniform(0.010, 0.014), Z)
    rise, knob = rng.uniform(0.012, 0.03), rng.uniform(0.028, 0.042)
    brim = [(height - 0.001, width * 1.01), (height + 0.003, width * 1.01)]
    above = height + rise
    stalk = lathe([(above - 0.002, 0.5 * knob), (above + 0.018, 0.45 * knob)])
    cap = lathe([(above + 0.014, 0.9 * knob), (above + 0.022, knob), (above + 0.03, 0.7 * knob)])
    return [
        part("body", shell(profile, wall)),
        part("handles", handle, moved(handle, turn="z", degrees=180)),
        part("lid", lathe([*brim, (above, 0.25 * width)])),
        part("knob", stalk, cap),
    ]


FAMILIES = (
    Family(
        "mug",
        ("mug", "coffee mug", "coffee cup"),
        {
            "body": ("body", "side", "cylinder"),
            "rim": ("rim", "top edge", "brim"),
            "handle": ("handle", "ear", "grip"),
        },
        (
            hold("handle", "power precision hook", "use lift pour"),
            hold("body", "power", "hand_over hold lift"),
            hold("rim", "precision tripod", "move lift"),
        ),
        mug,
    ),
    Family(
        "cup",
        ("cup", "tumbler", "drinking glass", "beaker"),
        {"body": ("body", "side", "wall"), "rim": ("rim", "top edge", "brim")},
        (
            hold("body", "power precision", "use lift hold pour"),
            hold("rim", "precision tripod", "move hand_over"),
        ),
        cup,
    ),
    Family(
        "bowl",
        ("bowl", "cereal bowl", "dish"),
        {"base": ("base", "foot", "bottom"), "body": ("body", "side"), "rim": ("rim", "edge", "brim")},
        (hold("rim", "lateral precision", "lift move hand_over pour"), hold("body", "power", "hold use")),
        bowl,
    ),
    Family(
        "plate",
        ("plate", "dinner plate", "saucer"),
        {"base": ("base", "middle", "bottom"), "rim": ("rim", "edge", "border")},
        (hold("rim", "lateral precision", "lift move hand_over hold"),),
        plate,
    ),
    Family(
        "wine_glass",
        ("wine glass", "goblet", "stemmed glass"),
        {"foot": ("foot", "base"), "stem": ("stem", "neck"), "bowl": ("bowl", "cup", "glass")},
        (
            hold("stem", "precision tripod lateral", "use lift hold"),
            hold("bowl", "power precision", "hold pour move"),
            hold("foot", "lateral precision", "hand_over move"),
        ),
        wine_glass,
    ),
    Family(
        "teapot",
        ("teapot", "tea pot", "pot of tea"),
        {
            "body": ("body", "belly"),
            "handle": ("handle", "grip", "ear"),
            "spout": ("spout", "snout"),
            "lid": ("lid", "cover"),
            "knob": ("knob", "lid knob", "button on the lid"),
        },
        (
            hold("handle", "power hook", "use pour lift hand_over"),
            hold("knob", "precision tripod", "open"),
            hold("spout", "precision", "move"),
        ),
        teapot,
    ),
    Family(
        "kettle",
        ("kettle", "tea kettle", "stove kettle"),
        {
            "body": ("body", "belly", "side"),
            "handle": ("handle", "grip", "top handle"),
            "spout": ("spout", "snout"),
            "lid": ("lid", "cover", "lid knob"),
        },
        (hold("handle", "power hook", "use pour lift move"), hold("lid", "precision tripod", "open")),
        kettle,
    ),
    Family(
        "pitcher",
        ("pitcher", "jug", "water jug"),
        {"body": ("body", "belly", "side"), "handle": ("handle", "grip"), "spout": ("spout", "lip")},
        (hold("handle", "power hook", "use pour lift"), hold("body", "power", "hand_over hold")),
        pitcher,
    ),
    Family(
        "bucket",
        ("bucket", "pail"),
        {
            "body": ("body", "wall", "side"),
            "rim": ("rim", "edge", "brim"),
            "bail": ("bail", "wire"),
            "handle": ("handle", "grip", "carrying handle"),
        },
        (
            hold("handle", "hook power", "use lift move hand_over"),
            hold("rim", "lateral precision", "pour hold move"),
        ),
        bucket,
    ),
    Family(
        "watering_can",
        ("watering can", "plant waterer", "garden can"),
        {
            "body": ("body", "tank"),
            "handle": ("handle", "grip"),
            "spout": ("spout", "pipe"),
            "rose": ("rose", "sprinkler head", "shower head"),
        },
        (
            hold("handle", "power hook", "use pour lift"),
            hold("spout", "power precision", "hand_over move"),
            hold("rose", "precision tripod", "open"),
        ),
        watering_can,
    ),
    Family(
        "pan",
        ("pan", "frying pan", "saucepan", "skillet"),
        {"body": ("body", "bowl of the pan", "side"), "handle": ("handle", "grip", "stick")},
        (hold("handle", "power", "use lift pour move"), hold("body", "lateral precision", "hand_over")),
        pan,
    ),
    Family(
        "pot",
        ("pot", "cooking pot", "casserole"),
        {
            "body": ("body", "side", "wall"),
            "handles": ("handles", "side handles", "ears"),
            "lid": ("lid", "cover"),
            "knob": ("knob", "lid knob"),
        },
        (
            hold("handles", "hook lateral power", "lift use move pour"),
            hold("knob", "precision tripod power", "open"),
        ),
        pot,
    ),
)
