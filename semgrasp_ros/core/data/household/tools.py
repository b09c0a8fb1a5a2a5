"""Hand tools, lying along x; the end that works points to +x."""

import numpy as np

from .family import Family, Part, hold, part
from .kitchen import grip
from .solids import blade, block, ellipse, hull, lathe, mirrored, moved, rod, sweep

Y, Z = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def hammer(rng: np.random.Generator) -> list[Part]:
    """Claw, peen or mallet hammer; the head lies along y."""
    length, thick = rng.uniform(0.20, 0.32), rng.uniform(0.022, 0.032)
    held = length * rng.uniform(0.4, 0.55)
    handle = moved(grip(rng, held, thick, rng.uniform(0.75, 1)), (held, 0, 0))
    shaft = rod([(held - 0.003, 0.72 * thick, 0.6 * thick), (length, 0.62 * thick, 0.55 * thick)], "soft")
    face, neck = rng.uniform(0.022, 0.035), rng.uniform(0.018, 0.026)
    front, back = rng.uniform(0.035, 0.055), rng.uniform(0.045, 0.07)
    style = rng.choice(["claw", "peen", "mallet"])
    if style == "mallet":
        size = face * rng.uniform(1.4, 2.0)
        head = rod(
            [(-front * 1.2, size * 0.95), (-front, size), (front, size), (front * 1.2, size * 0.95)],
            rng.choice(["round", "soft", "square"]),
        )
    else:
        shape = rng.choice(["round", "octagonal", "square"])
        head = rod(
            [(-front, face), (-front + 0.012, face), (-front + 0.02, neck * 0.9), (0.012, neck)], shape
        )
        if style == "peen":
            head += rod(
                [(0.010, neck), (0.7 * back, 0.9 * neck, 0.6 * neck), (back, 0.9 * neck, 0.006)], "soft"
            )
        else:
            spread = rng.uniform(0.004, 0.009)
            for side in (-1, 1):
                t = np.linspace(0, 1, 5)
                path = np.column_stack([0.006 + back * t, -0.35 * back * t**2, side * (0.003 + spread * t)])
                head += sweep(path, neck * 0.5 - 0.2 * neck * t, neck * (0.9 - 0.65 * t), Z, "square")
    return [
        part("handle", handle),
        part("shaft", shaft),
        part("head", moved(moved(head, turn="z", degrees=90), (length, 0, 0))),
    ]


def screwdriver(rng: np.random.Generator) -> list[Part]:
    """Slotted or crosshead screwdriver."""
    length, thick = rng.uniform(0.075, 0.115), rng.uniform(0.021, 0.036)
    handle = grip(rng, length, thick, 1.0, rng.choice(["hexagonal", "round", "octagonal", "soft"]))
    reach, steel = rng.uniform(0.06, 0.15), rng.uniform(0.005, 0.008)
    shaft = rod([(-0.01, steel), (reach, steel)], rng.choice(["round", "hexagonal"]))
    if rng.random() < 0.5:
        tip = rod(
            [
                (reach - 0.001, steel, steel),
                (reach + 0.009, 1.3 * steel, 0.0016),
                (reach + 0.013, steel, 0.0012),
            ],
            "square",
        )
    else:
        tip = rod(
            [(reach - 0.001, 1.02 * steel), (reach + 0.006, 0.8 * steel), (reach + 0.011, 0.0016)],
            "octagonal",
        )
    return [part("handle", handle), part("shaft", shaft), part("tip", tip)]


def _crossing(rng, arm, spread: float, thick: float):
    """Two copies of an arm (+y side, through the origin), opened by spread degrees, one above the other."""
    lift = 0.42 * thick
    one = moved(moved(arm, turn="z", degrees=spread / 2), (0, 0, lift))
    return one, moved(mirrored(one), (0, 0, -2 * lift))


def scissors(rng: np.random.Generator) -> list[Part]:
    """Scissors, a little open, with two finger loops."""
    reach, thick = rng.uniform(0.06, 0.12), rng.uniform(0.0032, 0.0045)
    deep, back = rng.uniform(0.011, 0.018), rng.uniform(0.035, 0.06)
    spread = rng.uniform(3, 16)
    steel = blade(
        [
            (-0.012, -0.45 * deep, 0.5 * deep),
            (0, -0.5 * deep, 0.5 * deep),
            (0.6 * reach, -0.4 * deep, 0.42 * deep),
            (reach, -0.35 * deep, -0.2 * deep),
        ],
        thick,
        thick,
    )
    top, bottom = _crossing(rng, steel, spread, thick)
    bar, high = rng.uniform(0.007, 0.010), rng.uniform(0.007, 0.010)
    blades, handles = [top, bottom], []
    for k, wide in enumerate((rng.uniform(0.013, 0.016), rng.uniform(0.014, 0.02))):
        long = wide * rng.uniform(1.2, 1.9)
        centre = (-0.010 - back - 0.5 * long, -(wide + bar * 0.5 + 0.002), 0)
        ring = sweep(
            ellipse(centre, (long, 0.25 * wide, 0), (-0.2 * wide, wide, 0), 12),
            high,
            bar * 0.8,
            Z,
            "coarse",
            closed=True,
        )
        start = np.array([-0.008, 0, 0])
        end = np.array([centre[0] + 0.95 * long, centre[1] + 0.3 * wide, 0])
        link = sweep(np.array([start, (start + end) / 2 + (0, 0.002, 0), end]), 0.8 * high, bar, Z, "square")
        both = moved(ring + link, turn="z", degrees=spread / 2)
        handles.append(both if k == 0 else mirrored(both))
    pivot = lathe([(-1.3 * thick, 0.008), (1.3 * thick, 0.008)])
    return [part("handles", *handles), part("blades", *blades), part("pivot", pivot)]


def pliers(rng: np.random.Generator) -> list[Part]:
    """Pliers or pincers, a little open, with covered handles."""
    reach, jaw = rng.uniform(0.03, 0.065), rng.uniform(0.011, 0.017)
    length, thick = rng.uniform(0.09, 0.13), rng.uniform(0.009, 0.012)
    nose, spread = rng.uniform(0.25, 0.9), rng.uniform(2, 10)
    steel = [(-0.012, 1.3 * jaw), (0.0, 1.4 * jaw), (0.3 * reach, jaw), (reach, jaw * nose)]
    rings = [
        np.array([(x, y * w, z) for y in (0.0, 0.85) for z in (-thick * f / 2, thick * f / 2)])
        for (x, w), f in zip(steel, (1, 1, 1, 0.7), strict=True)
    ]
    half = [hull(a, b) for a, b in zip(rings[:-1], rings[1:], strict=True)]
    upper = moved(half, turn="z", degrees=spread / 2)
    wide, gap = rng.uniform(0.009, 0.013), rng.uniform(0.038, 0.052)
    t = np.linspace(0, 1, 8)
    y = 0.006 + (gap / 2 - wide / 2 - 0.006) * np.sin(0.5 * np.pi * np.minimum(1.0, 1.6 * t)) - 0.003 * t**3
    path = np.column_stack([-0.008 - length * t, y, 0 * t])
    width = wide * np.interp(t, [0, 0.15, 0.3, 0.9, 1], [0.8, 0.8, 1.15, 1.05, 0.7])
    arm = sweep(path, thick * np.interp(t, [0, 0.2, 0.35, 1], [0.8, 0.8, 1.25, 1.1]), width, Z, "soft")
    joint = lathe([(-0.62 * thick, 1.9 * jaw), (0.62 * thick, 1.9 * jaw)])
    return [
        part("handles", arm, mirrored(arm)),
        part("jaws", upper, mirrored(upper)),
        part("joint", joint),
    ]


def wrench(rng: np.random.Generator) -> list[Part]:
    """Open-ended spanner, or a combination one with a ring."""
    length, width, thick = rng.uniform(0.10, 0.24), rng.uniform(0.014, 0.024), rng.uniform(0.006, 0.010)
    nut = width * rng.uniform(0.75, 1.0)
    shape = rng.choice(["soft", "square", "octagonal"])
    bar = rod(
        [
            (-length, width, thick),
            (-0.6 * length, 0.85 * width, 0.8 * thick),
            (-0.3 * length, 0.85 * width, 0.8 * thick),
            (0, width * 1.2, thick),
        ],
        shape,
    )
    tilt, jaw_wide = rng.uniform(0, 20), rng.uniform(0.6, 0.75) * nut
    palm = block((0.9 * nut, 2 * jaw_wide + nut * 0.9, 1.3 * thick), (0.2 * nut, 0, 0), 0.25 * thick)
    prong = block((1.5 * nut, jaw_wide, 1.3 * thick), (0.9 * nut, nut / 2 + jaw_wide / 2, 0), 0.25 * thick)
    jaw = moved([palm, prong, *mirrored([prong])], turn="z", degrees=tilt)
    parts = [part("handle", bar), part("jaw", jaw)]
    if rng.random() < 0.6:
        radius = 0.62 * nut + 0.35 * width
        path = ellipse((-length - 0.8 * radius, 0, 0), (radius, 0, 0), (0, radius, 0), 12)
        parts.append(part("ring", sweep(path, 1.25 * thick, 0.55 * width, Z, "soft", closed=True)))
    return parts


def axe(rng: np.random.Generator) -> list[Part]:
    """Hatchet; its blade points to -y."""
    length, thick = rng.uniform(0.28, 0.42), rng.uniform(0.024, 0.034)
    held = length * rng.uniform(0.42, 0.55)
    bow = rng.uniform(0, 0.015)
    t = np.linspace(0, 1, 11)
    path = np.column_stack([length * t, bow * np.sin(2 * np.pi * t), 0 * t])
    width = thick * np.interp(t, [0, 0.06, 0.15, 0.5, 1], [1.0, 1.35, 1.1, 1.15, 1.1])
    split = int(round(held / length * 10))
    wood = sweep(path, width * 0.75, width, Z, "round")
    deep, edge, top = rng.uniform(0.06, 0.1), rng.uniform(0.075, 0.12), rng.uniform(0.03, 0.045)
    poll = rng.uniform(0.018, 0.03)
    at = length - 0.6 * top
    rings = [
        np.array([(at + a, y, z) for a in (-w / 2 + d, w / 2 + d) for z in (-h / 2, h / 2)])
        for y, w, h, d in (
            (poll, top, 0.026, 0),
            (-0.4 * thick, top, 0.028, 0),
            (-0.4 * deep, top * 1.05, 0.014, 0),
            (-deep, edge, 0.0015, 0.06 * edge),
        )
    ]
    head = [hull(a, b) for a, b in zip(rings[:-1], rings[1:], strict=True)]
    return [part("handle", wood[:split]), part("shaft", wood[split:]), part("head", head)]


def trowel(rng: np.random.Generator) -> list[Part]:
    """Garden or mason's trowel."""
    handle = grip(rng, rng.uniform(0.10, 0.135), rng.uniform(0.024, 0.033), rng.uniform(0.85, 1))
    neck, drop, steel = rng.uniform(0.05, 0.08), rng.uniform(0.015, 0.035), rng.uniform(0.008, 0.011)
    path = np.array([[-0.008, 0, 0], [0.35 * neck, 0, 0], [0.7 * neck, 0, -drop], [neck + 0.012, 0, -drop]])
    length, width = rng.uniform(0.10, 0.16), rng.uniform(0.055, 0.09)
    bend, sheet = rng.uniform(0.0, 0.018), 0.0028
    t = np.linspace(0, 1, 5)
    outline = width / 2 * np.interp(t, [0, 0.15, 0.55, 0.8, 1], [0.75, 1, 0.95, 0.7, 0.08])
    # Both halves of the blade rise to the side, like a gutter.
    rings = [
        np.array(
            [
                (neck + x * length, y, z + s)
                for y, z in ((0, 0), (half, bend * half / (width / 2)))
                for s in (0, sheet)
            ]
        )
        for x, half in zip(t, outline, strict=True)
    ]
    half = moved([hull(a, b) for a, b in zip(rings[:-1], rings[1:], strict=True)], (0, 0, -drop - sheet))
    return [
        part("handle", handle),
        part("neck", sweep(path, steel, steel, Y)),
        part("blade", half, mirrored(half)),
    ]


def power_drill(rng: np.random.Generator) -> list[Part]:
    """Cordless drill standing on its battery, the chuck towards +x."""
    length, width = rng.uniform(0.12, 0.17), rng.uniform(0.052, 0.066)
    tall, thick = rng.uniform(0.105, 0.13), rng.uniform(0.032, 0.042)
    lean = rng.uniform(0.0, 0.03)
    foot = rng.uniform(0.035, 0.055)
    shape = rng.choice(["round", "soft", "octagonal"])
    z = foot + tall + 0.4 * width
    barrel = rod(
        [
            (-0.4 * length, 0.8 * width),
            (-0.36 * length, width),
            (0.4 * length, width),
            (0.5 * length, 0.75 * width),
        ],
        shape,
        (0, 0, z),
    )
    chuck_width, chuck = rng.uniform(0.034, 0.045), rng.uniform(0.03, 0.045)
    x = 0.5 * length
    front = rod(
        [(x - 0.003, chuck_width), (x + 0.6 * chuck, chuck_width), (x + chuck, 0.4 * chuck_width)],
        "round",
        (0, 0, z),
    )
    reach = rng.uniform(0.02, 0.07)
    bit = rod(
        [(x + chuck - 0.004, 0.007), (x + chuck + reach, 0.006), (x + chuck + reach + 0.006, 0.0015)],
        "hexagonal",
        (0, 0, z),
    )
    t = np.linspace(0, 1, 5)
    axis = np.column_stack([-0.02 - lean * (1 - t), 0 * t, foot - 0.004 + (tall + 0.01) * t])
    handle = sweep(
        axis,
        thick * np.interp(t, [0, 0.5, 1], [0.95, 1, 0.95]),
        thick * np.interp(t, [0, 0.5, 1], [1.1, 1.2, 1.35]),
        Y,
        "soft",
    )
    battery = block(
        (rng.uniform(0.085, 0.12), rng.uniform(0.06, 0.078), foot), (-0.01 - lean, 0, foot / 2), 0.006
    )
    pull = block((0.022, 0.016, 0.032), (-0.02 + 0.65 * thick, 0, foot + tall - 0.018), 0.004)
    return [
        part("handle", handle),
        part("trigger", pull),
        part("body", barrel),
        part("chuck", front),
        part("bit", bit),
        part("battery", battery),
    ]


def paintbrush(rng: np.random.Generator) -> list[Part]:
    """Flat decorator's brush or round artist's brush."""
    flat = rng.random() < 0.6
    length = rng.uniform(0.10, 0.16)
    width = rng.uniform(0.03, 0.075) if flat else rng.uniform(0.008, 0.018)
    high = rng.uniform(0.012, 0.02) if flat else width
    thick = rng.uniform(0.015, 0.022) if flat else rng.uniform(0.009, 0.013)
    t = np.linspace(0, 1, 8)
    swell = thick * np.interp(t, [0, 0.1, 0.45, 0.75], [0.5, 0.8, 1.2, 0.9])
    wide = np.where(t > 0.75, swell + (width - swell) * np.clip((t - 0.75) * 4, 0, 1) ** 2, swell)
    tall = np.where(t > 0.75, swell + (high - swell) * np.clip((t - 0.75) * 4, 0, 1), swell)
    handle = rod(np.column_stack([(t - 1) * length, wide, tall]), "soft" if flat else "round")
    band, hair = rng.uniform(0.022, 0.04), rng.uniform(0.03, 0.06)
    shape = "square" if flat else "round"
    ferrule = rod([(-0.002, width * 1.05, high * 1.05), (band, width * 1.05, high * 1.05)], shape)
    tip = (0.95 * width, 0.25 * high) if flat else (0.25 * width, 0.25 * high)
    bristles = rod(
        [
            (band - 0.002, 0.98 * width, 0.98 * high),
            (band + 0.5 * hair, width, 0.85 * high),
            (band + hair, *tip),
        ],
        shape,
    )
    return [part("handle", handle), part("ferrule", ferrule), part("bristles", bristles)]


def handsaw(rng: np.random.Generator) -> list[Part]:
    """Small saw with a straight handle."""
    length, thick = rng.uniform(0.10, 0.13), rng.uniform(0.024, 0.032)
    reach, deep = rng.uniform(0.15, 0.27), rng.uniform(0.035, 0.07)
    top, front = 0.4 * thick, rng.uniform(0.3, 0.8)
    stations = [(-0.012, -0.4 * thick, top), (0.01, top - deep, top), (reach, top - deep * front, top)]
    return [
        part("handle", grip(rng, length, thick, rng.uniform(0.7, 0.9))),
        part("blade", blade(stations, 0.0014, 0.002)),
        part("back", rod([(-0.002, 0.007, 0.006), (0.96 * reach, 0.007, 0.006)], "square", (0, top, 0))),
    ]


def clamp(rng: np.random.Generator) -> list[Part]:
    """C-clamp with a screw and a wing handle, lying flat; the screw turns about x."""
    gap, deep = rng.uniform(0.05, 0.10), rng.uniform(0.04, 0.07)
    bar, thick = rng.uniform(0.012, 0.018), rng.uniform(0.011, 0.016)
    side = gap / 2 + bar / 2
    frame = [
        block((bar, deep + bar, thick), (side, -deep / 2, 0), 0.002),
        block((gap + 2 * bar, bar, thick), (0, -deep - bar / 2 + 0.003, 0), 0.002),
        block((bar * 1.3, deep + bar, thick), (-side, -deep / 2, 0), 0.002),
    ]
    screw, out = rng.uniform(0.008, 0.011), rng.uniform(0.03, 0.05)
    spindle = rod([(-side - out, screw), (side - bar * 0.5 - 0.25 * gap, screw)])
    pad = rod([(0.18 * gap, 0.02), (0.18 * gap + 0.006, 0.02)])
    x = -side - out
    wing = rng.uniform(0.045, 0.065)
    handle = rod([(-wing / 2, 0.010), (0, 0.015), (wing / 2, 0.010)], "soft")
    spindle = rod([(x, screw), (0.2 * gap, screw)])
    return [
        part("frame", frame),
        part("screw", spindle, pad),
        part("handle", moved(moved(handle, turn="z", degrees=90), (x, 0, 0))),
    ]


_HANDLE = ("handle", "grip", "haft")

FAMILIES = (
    Family(
        "hammer",
        ("hammer", "claw hammer", "mallet"),
        {
            "handle": _HANDLE,
            "shaft": ("shaft", "stem", "neck"),
            "head": ("head", "hammer head", "striking end"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("shaft", "power precision", "move lift"),
            hold("head", "power precision tripod", "hand_over"),
        ),
        hammer,
    ),
    Family(
        "screwdriver",
        ("screwdriver", "screw driver"),
        {"handle": _HANDLE, "shaft": ("shaft", "rod", "shank"), "tip": ("tip", "bit", "point")},
        (
            hold("handle", "power precision tripod", "use lift hold"),
            hold("shaft", "precision tripod lateral", "hand_over move"),
        ),
        screwdriver,
    ),
    Family(
        "scissors",
        ("scissors", "pair of scissors", "shears"),
        {
            "handles": ("handles", "finger loops", "rings", "grips"),
            "blades": ("blades", "cutting edges"),
            "pivot": ("pivot", "screw", "joint"),
        },
        (
            hold("handles", "precision tripod lateral", "use open lift"),
            hold("blades", "lateral precision", "hand_over move"),
            hold("pivot", "precision", "move"),
        ),
        scissors,
    ),
    Family(
        "pliers",
        ("pliers", "pincers", "pair of pliers"),
        {
            "handles": ("handles", "grips", "arms"),
            "jaws": ("jaws", "nose", "mouth"),
            "joint": ("joint", "pivot", "hinge"),
        },
        (
            hold("handles", "power", "use open lift hold"),
            hold("jaws", "precision lateral", "hand_over"),
            hold("joint", "precision tripod", "move"),
        ),
        pliers,
    ),
    Family(
        "wrench",
        ("wrench", "spanner", "open-end wrench"),
        {
            "handle": ("handle", "shaft", "bar"),
            "jaw": ("jaw", "open end", "mouth"),
            "ring": ("ring", "closed end", "box end"),
        },
        (
            hold("handle", "power lateral", "use lift hold"),
            hold("jaw", "precision lateral", "hand_over move"),
        ),
        wrench,
    ),
    Family(
        "axe",
        ("axe", "hatchet", "ax"),
        {
            "handle": _HANDLE,
            "shaft": ("shaft", "upper handle", "neck"),
            "head": ("head", "blade", "axe head"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("shaft", "power", "move lift hand_over"),
            hold("head", "precision power", "hand_over"),
        ),
        axe,
    ),
    Family(
        "trowel",
        ("trowel", "garden trowel", "hand shovel"),
        {"handle": _HANDLE, "neck": ("neck", "shank", "shaft"), "blade": ("blade", "scoop", "shovel end")},
        (
            hold("handle", "power", "use lift hold pour"),
            hold("neck", "precision tripod", "move"),
            hold("blade", "lateral precision", "hand_over"),
        ),
        trowel,
    ),
    Family(
        "power_drill",
        ("power drill", "cordless drill", "drill", "electric screwdriver"),
        {
            "handle": ("handle", "grip", "pistol grip"),
            "trigger": ("trigger", "switch"),
            "body": ("body", "motor", "barrel"),
            "chuck": ("chuck", "drill head"),
            "bit": ("bit", "drill bit", "tip"),
            "battery": ("battery", "base", "foot"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("trigger", "power", "use"),
            hold("body", "power", "hand_over move"),
            hold("chuck", "precision tripod power", "open"),
            hold("bit", "precision tripod", "open"),
        ),
        power_drill,
    ),
    Family(
        "paintbrush",
        ("paintbrush", "paint brush", "artist's brush"),
        {
            "handle": ("handle", "stem", "grip"),
            "ferrule": ("ferrule", "metal band"),
            "bristles": ("bristles", "hair", "tip"),
        },
        (
            hold("handle", "tripod precision power", "use lift hold"),
            hold("ferrule", "tripod precision", "use move"),
            hold("bristles", "precision", "hand_over"),
        ),
        paintbrush,
    ),
    Family(
        "handsaw",
        ("saw", "handsaw", "wood saw"),
        {"handle": _HANDLE, "blade": ("blade", "saw blade", "teeth"), "back": ("back", "spine")},
        (
            hold("handle", "power", "use lift hold"),
            hold("back", "lateral precision", "hand_over move"),
            hold("blade", "lateral precision", "hand_over"),
        ),
        handsaw,
    ),
    Family(
        "clamp",
        ("clamp", "C-clamp", "screw clamp"),
        {
            "frame": ("frame", "body", "bow"),
            "screw": ("screw", "spindle", "bolt"),
            "handle": ("handle", "wing", "lever"),
        },
        (
            hold("frame", "power", "lift hold hand_over"),
            hold("handle", "tripod lateral precision", "use open"),
        ),
        clamp,
    ),
)
