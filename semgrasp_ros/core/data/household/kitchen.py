"""Cutlery and kitchen tools, lying along x; the end that works points to +x."""

import numpy as np

from .family import Family, Part, hold, part
from .solids import blade, block, loop, mirrored, moved, rod, shell, smooth, sweep

Y, Z = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def grip(rng, length: float, thick: float, flat: float = 1.0, shape: str | None = None):
    """Handle from x = -length to 0, rounded at its end; flat is height over width."""
    shape = shape or rng.choice(["round", "soft", "octagonal", "hexagonal", "square"])
    end, belly, neck = rng.uniform(0.7, 1.05), rng.uniform(0.9, 1.15), rng.uniform(0.6, 0.95)
    stations = smooth(
        [(0, 0.6 * end), (0.04, end), (0.5, belly), (0.85, neck), (1, neck)],
        9,
    )
    return rod([((x - 1) * length, w * thick, w * thick * flat) for x, w in stations], shape)


def _cutlery_handle(rng, length: float):
    """Flat handle and the slim neck before the working end, from x = -length to 0: (handle, neck)."""
    width, height, neck = rng.uniform(0.012, 0.019), rng.uniform(0.005, 0.008), rng.uniform(0.006, 0.008)
    split = -length * rng.uniform(0.28, 0.36)
    t = np.linspace(-length, split, 7)
    wave = np.interp(t, [-length, -0.9 * length, split], [0.7 * width, width, neck * 1.1])
    shape = rng.choice(["soft", "round", "square"])
    handle = rod(np.column_stack([t, wave, np.full(7, height)]), shape)
    lift = rng.uniform(0.003, 0.008)
    path = np.array([[split, 0, 0], [split / 2, 0, lift], [0.004, 0, 0.3 * lift]])
    return handle, sweep(path, neck, 0.8 * height, Y, "soft"), height


def _scoop(length: float, width: float, depth: float, wall: float, at, shape: str = "round"):
    """Hollow of a spoon: an open bowl, stretched along x, its brim at z = at[2]."""
    t = np.array([0.0, 0.35, 0.7, 1.0])
    stations = [(depth * (h - 1), width * s) for h, s in zip(t, (0.45, 0.78, 0.93, 1.0), strict=True)]
    bowl = shell(stations, wall, shape, length / width)
    return moved(moved(bowl, turn="z", degrees=90), at)


def knife(rng: np.random.Generator) -> list[Part]:
    """Kitchen, table or carving knife lying on its side."""
    length, thick = rng.uniform(0.09, 0.13), rng.uniform(0.019, 0.028)
    reach, deep = rng.uniform(0.09, 0.22), rng.uniform(0.022, 0.05)
    spine, top = rng.uniform(0.002, 0.0035), thick * 0.35
    point, belly = rng.uniform(0.4, 0.97), rng.uniform(0.2, 0.7)
    t = np.linspace(0, 1, 7)
    low = top - deep * (1 - point * (np.clip(t - belly, 0, 1) / (1 - belly)) ** 2)
    stations = [(x * reach, lo, top) for x, lo in zip(t, low, strict=True)]
    stations[0] = (-0.01, *stations[0][1:])
    handle = grip(rng, length, thick, rng.uniform(0.6, 0.8), rng.choice(["soft", "octagonal", "round"]))
    parts = [part("handle", handle), part("blade", blade(stations, 0.0006, spine))]
    if rng.random() < 0.5:
        size = (rng.uniform(0.007, 0.014), thick * 1.15, thick * 0.75)
        parts.append(part("bolster", block(size, (0, 0, 0), 0.003)))
    return parts


def spoon(rng: np.random.Generator) -> list[Part]:
    """Table, tea or wooden spoon."""
    length = rng.uniform(0.09, 0.17)
    handle, neck, height = _cutlery_handle(rng, length)
    bowl_length = rng.uniform(0.038, 0.065)
    width = bowl_length * rng.uniform(0.62, 0.8)
    depth = rng.uniform(0.007, 0.013)
    bowl = _scoop(bowl_length, width, depth, 0.002, (bowl_length / 2 - 0.001, 0, 0.3 * height))
    return [part("handle", handle), part("neck", neck), part("bowl", bowl)]


def fork(rng: np.random.Generator) -> list[Part]:
    """Fork with three or four tines."""
    length = rng.uniform(0.10, 0.15)
    handle, neck, height = _cutlery_handle(rng, length)
    count, width = int(rng.integers(2, 5)), rng.uniform(0.020, 0.028)
    root, tines = rng.uniform(0.014, 0.024), rng.uniform(0.035, 0.055)
    thick = 0.0028
    head = rod([(-0.002, 0.008, 0.005), (0.5 * root, 0.85 * width, thick), (root, width, thick)], "square")
    bend = rng.uniform(0.002, 0.007)
    spread = np.linspace(-1, 1, count) * (width / 2 - 0.0018)
    bars = []
    for y in spread:
        path = np.array([[root - 0.003, y, 0], [root + 0.5 * tines, y, -bend], [root + tines, y * 0.96, 0]])
        bars += sweep(path, (0.0035, 0.003, 0.0016), (thick, thick, 0.0014), Y, "square")
    return [part("handle", handle), part("neck", neck), part("tines", head, bars)]


def ladle(rng: np.random.Generator) -> list[Part]:
    """Soup ladle: a deep bowl across the end of a long handle."""
    length, width = rng.uniform(0.17, 0.26), rng.uniform(0.065, 0.10)
    depth, wall = width * rng.uniform(0.3, 0.5), 0.003
    bowl = _scoop(width, width, depth, wall, (width / 2 - wall, 0, 0))
    thick = rng.uniform(0.011, 0.018)
    rise = rng.uniform(0.02, 0.06)
    t = np.linspace(0, 1, 8)
    path = np.column_stack([-length * t, 0 * t, rise * t**0.7 - 0.003])
    path[0, 0] = wall * 0.3
    height = thick * np.interp(t, [0, 0.43, 0.57, 0.9, 1], [0.5, 0.55, 1, 1, 0.7])
    bar = sweep(path, height * rng.uniform(1, 1.5), height, Y, "soft")
    hook = loop(path[-1] + (0.003, 0.006, 0), path[-1] + (0.003, -0.006, 0), (-0.016, 0, 0), 2, 7)
    return [
        part("handle", bar[3:], sweep(hook, 0.005, 0.005, Z, "octagonal")),
        part("shaft", bar[:3]),
        part("bowl", bowl),
    ]


def spatula(rng: np.random.Generator) -> list[Part]:
    """Turner with or without slots, or a dough scraper."""
    handle = grip(rng, rng.uniform(0.10, 0.15), rng.uniform(0.017, 0.026), rng.uniform(0.6, 1))
    shaft_length, drop = rng.uniform(0.06, 0.13), rng.uniform(0, 0.03)
    thick = rng.uniform(0.007, 0.010)
    path = np.array([[-0.006, 0, 0], [0.4 * shaft_length, 0, 0], [shaft_length, 0, -drop]])
    length, width = rng.uniform(0.07, 0.11), rng.uniform(0.055, 0.085)
    front, sheet = rng.uniform(0.85, 1.15), rng.uniform(0.002, 0.004)
    x, z = shaft_length - 0.008, -drop
    if rng.random() < 0.5:
        head = rod(
            [(x, 0.5 * width, sheet), (x + 0.2 * length, width, sheet), (x + length, width * front, sheet)],
            "square",
            (0, 0, z),
        )
    else:
        bars = int(rng.integers(3, 6))
        step = width / bars
        head = [
            block((length * 0.7, step * 0.55, sheet), (x + 0.5 * length, (k - (bars - 1) / 2) * step, z))
            for k in range(bars)
        ]
        head += [
            block((0.22 * length, width, sheet), (x + 0.11 * length, 0, z)),
            block((0.2 * length, width, sheet), (x + 0.9 * length, 0, z)),
        ]
    return [part("handle", handle), part("shaft", sweep(path, thick * 1.2, thick, Y)), part("blade", head)]


def whisk(rng: np.random.Generator) -> list[Part]:
    """Balloon whisk: crossing wire loops in a handle."""
    handle = grip(rng, rng.uniform(0.09, 0.14), rng.uniform(0.018, 0.027), 1.0, "round")
    length, width = rng.uniform(0.09, 0.15), rng.uniform(0.045, 0.075)
    wire, count = rng.uniform(0.0026, 0.0034), int(rng.integers(3, 5))
    profile = smooth([(0, 0.12), (0.3, 0.5), (0.7, 1), (0.92, 0.7), (1, 0)], 8)
    wires = []
    for k in range(count):
        half = np.column_stack([profile[:, 0] * length - 0.006, profile[:, 1] * width / 2, 0 * profile[:, 0]])
        path = np.vstack([half, half[-2::-1] * (1, -1, 1)])
        wires += moved(sweep(path, wire, wire, Z, "hexagonal"), turn="x", degrees=180 * k / count)
    return [part("handle", handle), part("wires", wires)]


def tongs(rng: np.random.Generator) -> list[Part]:
    """Kitchen tongs, half open, joined at -x."""
    length, gap = rng.uniform(0.16, 0.25), rng.uniform(0.035, 0.06)
    width, thick = rng.uniform(0.012, 0.02), rng.uniform(0.004, 0.006)
    tip = rng.uniform(0.035, 0.05)
    t = np.linspace(0, 1, 6)
    arm = np.column_stack([length * t, 0.004 + (gap / 2 - 0.004) * t**0.8, 0 * t])
    end = np.array(
        [arm[-1] - (0.003, 0, 0), arm[-1] + (0.5 * tip, 0.004, 0), arm[-1] + (tip, -0.35 * gap, 0)]
    )
    arms = sweep(arm, width, thick, Z, "square")
    paw = sweep(end, (width, 1.5 * width, 1.3 * width), thick, Z, "square")
    hinge = block((0.022, 0.016 + 2 * thick, width * 1.25), (0, 0, 0), 0.004)
    return [
        part("arms", arms, mirrored(arms)),
        part("tips", paw, mirrored(paw)),
        part("hinge", hinge),
    ]


def wine_opener(rng: np.random.Generator) -> list[Part]:
    """Corkscrew with a cross handle (along y) on a straight shaft."""
    across, thick = rng.uniform(0.075, 0.105), rng.uniform(0.019, 0.028)
    middle, shape = rng.uniform(0.8, 1.2), rng.choice(["round", "octagonal", "soft"])
    bar = rod(
        smooth(
            [
                (-across / 2, 0.6 * thick),
                (-0.4 * across, thick),
                (0, middle * thick),
                (0.4 * across, thick),
                (across / 2, 0.6 * thick),
            ],
            9,
        ),
        shape,
    )
    shaft, screw, wire = rng.uniform(0.022, 0.04), rng.uniform(0.045, 0.06), 0.0034
    turns, radius = rng.uniform(3, 5), 0.0035
    t = np.linspace(0, 1, 26)
    angle = 2 * np.pi * turns * t
    start = 0.4 * thick + shaft
    path = np.column_stack(
        [start + screw * t, radius * np.sin(angle), radius * (np.cos(angle) - 1) * (1 - 0.4 * t)]
    )
    path[:, 1] *= 1 - 0.4 * t
    neck = rod([(0, 0.011), (0.6 * (start), 0.008), (start + 0.003, 0.006)])
    return [
        part("handle", moved(bar, turn="z", degrees=90)),
        part("shaft", neck),
        part("screw", sweep(path, wire, wire, (0, 0.3, 1.0), "hexagonal")),
    ]


def rolling_pin(rng: np.random.Generator) -> list[Part]:
    """Rolling pin with turned handles."""
    length, width = rng.uniform(0.18, 0.30), rng.uniform(0.04, 0.065)
    handle, thick = rng.uniform(0.085, 0.11), rng.uniform(0.02, 0.03)
    shape = smooth([(0, 0.55 * thick), (0.3, thick), (0.75, 0.95 * thick), (1, 0.6 * thick)], 7)
    one = rod([(length / 2 - 0.002 + x * handle, w) for x, w in shape])
    roll = rod(
        [
            (-length / 2, width * 0.94),
            (-length / 2 + 0.006, width),
            (length / 2 - 0.006, width),
            (length / 2, width * 0.94),
        ]
    )
    return [part("roller", roll), part("handles", one, mirrored(one, 0))]


def cleaver(rng: np.random.Generator) -> list[Part]:
    """Cleaver: a high rectangular blade."""
    length, thick = rng.uniform(0.095, 0.125), rng.uniform(0.024, 0.032)
    reach, deep = rng.uniform(0.13, 0.19), rng.uniform(0.065, 0.095)
    top, front = 0.4 * thick, rng.uniform(0.85, 1.05)
    stations = [(-0.012, top - 0.6 * thick, top), (0.008, top - deep, top), (reach, top - deep * front, top)]
    return [
        part("handle", grip(rng, length, thick, rng.uniform(0.65, 0.85))),
        part("blade", blade(stations, 0.0008, rng.uniform(0.003, 0.0045))),
    ]


def peeler(rng: np.random.Generator) -> list[Part]:
    """Y-shaped peeler: a yoke that holds a blade across."""
    handle = grip(rng, rng.uniform(0.08, 0.11), rng.uniform(0.017, 0.026), rng.uniform(0.55, 0.9))
    width, reach = rng.uniform(0.045, 0.06), rng.uniform(0.035, 0.055)
    bar = rng.uniform(0.007, 0.010)
    half = np.array(
        [
            [-0.004, 0, 0],
            [0.25 * reach, 0.28 * width, 0],
            [0.5 * reach, 0.48 * width, 0],
            [reach, width / 2, 0],
        ]
    )
    arm = sweep(half, bar, bar * 0.8, Z, "soft")
    sheet = block((0.011, width, 0.002), (0.86 * reach, 0, 0))
    return [part("handle", handle), part("yoke", arm, mirrored(arm)), part("blade", sheet)]


def ice_cream_scoop(rng: np.random.Generator) -> list[Part]:
    """Scoop with a solid neck and a half-round bowl."""
    handle = grip(rng, rng.uniform(0.09, 0.12), rng.uniform(0.021, 0.03), rng.uniform(0.8, 1))
    width, neck = rng.uniform(0.042, 0.058), rng.uniform(0.025, 0.05)
    bowl = _scoop(width * rng.uniform(1, 1.2), width, 0.5 * width, 0.003, (neck + width / 2, 0, 0.004))
    shaft = rod([(-0.004, 0.014), (neck + 0.004, 0.010)], at=(0, 0, -0.003))
    return [part("handle", handle), part("neck", shaft), part("bowl", bowl)]


_HANDLE = ("handle", "grip", "haft")

FAMILIES = (
    Family(
        "knife",
        ("knife", "kitchen knife", "chef's knife", "table knife"),
        {
            "handle": _HANDLE,
            "blade": ("blade", "cutting edge", "metal part"),
            "bolster": ("bolster", "collar"),
        },
        (
            hold("handle", "power precision", "use lift hold"),
            hold("blade", "lateral precision", "hand_over move"),
        ),
        knife,
    ),
    Family(
        "cleaver",
        ("cleaver", "butcher's knife", "chopping knife"),
        {"handle": _HANDLE, "blade": ("blade", "metal part")},
        (hold("handle", "power", "use lift hold"), hold("blade", "lateral precision", "hand_over move")),
        cleaver,
    ),
    Family(
        "spoon",
        ("spoon", "tablespoon", "teaspoon"),
        {"handle": ("handle", "stem"), "neck": ("neck", "thin part"), "bowl": ("bowl", "scoop", "spoon end")},
        (
            hold("handle", "tripod lateral precision", "use lift hold"),
            hold("neck", "precision tripod", "move use"),
            hold("bowl", "precision lateral", "hand_over"),
        ),
        spoon,
    ),
    Family(
        "fork",
        ("fork", "table fork", "dinner fork"),
        {
            "handle": ("handle", "stem"),
            "neck": ("neck", "thin part"),
            "tines": ("tines", "prongs", "fork end"),
        },
        (
            hold("handle", "tripod lateral precision", "use lift hold"),
            hold("neck", "precision tripod", "move use"),
            hold("tines", "precision lateral", "hand_over"),
        ),
        fork,
    ),
    Family(
        "ladle",
        ("ladle", "soup ladle", "soup spoon"),
        {"handle": _HANDLE, "shaft": ("shaft", "stem", "neck"), "bowl": ("bowl", "cup", "scoop")},
        (
            hold("handle", "power lateral precision", "use lift pour"),
            hold("shaft", "precision tripod", "move hold"),
            hold("bowl", "precision power", "hand_over"),
        ),
        ladle,
    ),
    Family(
        "spatula",
        ("spatula", "turner", "pancake turner", "flipper"),
        {"handle": _HANDLE, "shaft": ("shaft", "stem", "neck"), "blade": ("blade", "flat end", "head")},
        (
            hold("handle", "power lateral", "use lift hold"),
            hold("shaft", "precision tripod", "move"),
            hold("blade", "lateral precision", "hand_over"),
        ),
        spatula,
    ),
    Family(
        "whisk",
        ("whisk", "balloon whisk", "egg beater"),
        {"handle": _HANDLE, "wires": ("wires", "wire loops", "balloon")},
        (
            hold("handle", "power precision tripod", "use lift hold"),
            hold("wires", "precision power", "hand_over move"),
        ),
        whisk,
    ),
    Family(
        "tongs",
        ("tongs", "kitchen tongs", "salad tongs"),
        {
            "arms": ("arms", "legs", "sides"),
            "tips": ("tips", "claws", "ends"),
            "hinge": ("hinge", "joint", "closed end"),
        },
        (
            hold("arms", "power precision", "use lift hold"),
            hold("hinge", "precision tripod lateral", "move"),
            hold("tips", "precision", "hand_over"),
        ),
        tongs,
    ),
    Family(
        "wine_opener",
        ("wine opener", "corkscrew", "bottle opener"),
        {
            "handle": ("handle", "cross bar", "grip"),
            "shaft": ("shaft", "stem"),
            "screw": ("screw", "spiral", "worm"),
        },
        (
            hold("handle", "power", "use lift open"),
            hold("shaft", "precision tripod", "move"),
            hold("screw", "precision tripod", "hand_over"),
        ),
        wine_opener,
    ),
    Family(
        "rolling_pin",
        ("rolling pin", "dough roller"),
        {"roller": ("roller", "middle", "barrel"), "handles": ("handles", "ends", "grips")},
        (hold("handles", "power", "use lift"), hold("roller", "power", "hand_over move hold")),
        rolling_pin,
    ),
    Family(
        "peeler",
        ("peeler", "vegetable peeler", "potato peeler"),
        {"handle": _HANDLE, "yoke": ("yoke", "fork", "arms"), "blade": ("blade", "cutting edge")},
        (
            hold("handle", "power precision tripod", "use lift hold"),
            hold("yoke", "precision lateral", "hand_over move"),
        ),
        peeler,
    ),
    Family(
        "ice_cream_scoop",
        ("ice cream scoop", "scoop", "portion spoon"),
        {"handle": _HANDLE, "neck": ("neck", "shaft"), "bowl": ("bowl", "scoop end", "cup")},
        (
            hold("handle", "power", "use lift hold"),
            hold("neck", "precision tripod", "move"),
            hold("bowl", "precision tripod", "hand_over"),
        ),
        ice_cream_scoop,
    ),
)
