"""Things from the garage and the garden; the end that works points to +x."""

import numpy as np

from .family import Family, Part, hold, part
from .kitchen import grip
from .shapes import slab
from .solids import block, chain, hull, mirrored, moved, rod, smooth, sweep

Y = (0.0, 1.0, 0.0)
Z = (0.0, 0.0, 1.0)
_HANDLE = ("handle", "grip", "haft")


def chisel(rng: np.random.Generator) -> list[Part]:
    """Bench chisel, mortise chisel or gouge, lying on its blade's back."""
    length, thick = rng.uniform(0.10, 0.135), rng.uniform(0.024, 0.034)
    handle = grip(rng, length, thick, rng.uniform(0.85, 1), rng.choice(["round", "octagonal", "soft"]))
    neck, steel = rng.uniform(0.025, 0.055), rng.uniform(0.008, 0.012)
    style = rng.choice(["bench", "bench", "mortise", "gouge"])
    reach, width = rng.uniform(0.07, 0.14), rng.uniform(0.008, 0.036)
    end = neck + reach
    if style == "gouge":
        bend, sheet = rng.uniform(0.25, 0.5) * width, 0.0028
        rings = [
            np.array([(x, y, z + s) for y, z in ((0, 0), (w / 2, bend * w / width)) for s in (-sheet / 2, h)])
            for x, w, h in (
                (neck - 0.006, 0.6 * width, sheet / 2),
                (neck + 0.015, width, sheet / 2),
                (end - 0.006, width, sheet / 2),
                (end, width, 0.2 * sheet - sheet / 2),
            )
        ]
        half = chain(rings)
        steel_blade = half + mirrored(half)
    else:
        if style == "mortise":
            width = min(width, 0.014)
        high = rng.uniform(0.008, 0.012) if style == "mortise" else rng.uniform(0.0035, 0.005)
        bevel = high * rng.uniform(1.8, 3)
        low = -0.5 * high
        steel_blade = slab(
            [
                (neck - 0.006, min(width, steel * 0.9), -0.3 * steel, 0.3 * steel),
                (neck + 0.012, width, low, low + high),
                (end - bevel, width, low, low + 0.85 * high),
                (end, width, low, low + 0.0006),
            ],
            rng.uniform(0.6, 1),
        )
    parts = [
        part("handle", handle),
        part("neck", rod([(-0.008, 1.25 * steel), (0.3 * neck, steel), (neck, 0.85 * steel)])),
        part("blade", steel_blade),
    ]
    if rng.random() < 0.6:
        band = thick * rng.uniform(0.75, 0.98)
        parts.append(part("ferrule", rod([(-rng.uniform(0.008, 0.014), band), (0.007, 0.92 * band)])))
    if rng.random() < 0.35:
        back = thick * rng.uniform(0.85, 1.1)
        parts.append(
            part(
                "cap", rod([(-length - 0.005, 0.8 * back), (-length - 0.003, back), (-length + 0.007, back)])
            )
        )
    return parts


def _cube(half: float) -> np.ndarray:
    """Corners (8, 3) of a cube about the origin."""
    return half * np.stack(np.meshgrid(*[(-1, 1)] * 3, indexing="ij"), -1).reshape(-1, 3)


def hand_rake(rng: np.random.Generator) -> list[Part]:
    """Garden claw, hand rake with a row of teeth, or small leaf rake; the tines bend down."""
    handle = grip(rng, rng.uniform(0.10, 0.14), rng.uniform(0.024, 0.034), rng.uniform(0.85, 1))
    neck, steel, drop = rng.uniform(0.05, 0.10), rng.uniform(0.008, 0.011), rng.uniform(0, 0.02)
    path = np.array([[-0.008, 0, 0], [0.35 * neck, 0, 0], [0.7 * neck, 0, -drop], [neck, 0, -drop]])
    style = rng.choice(["claw", "row", "fan"])
    start = np.array([neck - 0.004, 0, -drop])
    tines = []
    if style == "claw":
        count, width = int(rng.integers(3, 6)), rng.uniform(0.06, 0.09)
        reach, deep, wire = rng.uniform(0.07, 0.10), rng.uniform(0.03, 0.055), rng.uniform(0.005, 0.007)
        t = np.array([0, 0.35, 0.7, 0.88, 0.97, 1.0])
        taper = wire * np.array([1, 1, 1, 0.95, 0.8, 0.35])
        for y in np.linspace(-0.5, 0.5, count) * width:
            fan = np.array([0, 0.45, 1, 1, 1, 1]) * y
            rise = np.array([0, 0.08, 0.02, -0.2, -0.6, -1.0]) * deep
            tine = np.column_stack([reach * t, fan, rise]) + start
            tines += sweep(tine, taper * rng.choice([1.0, 1.3]), taper, Y, "octagonal")
        tines += rod([(neck - 0.012, 1.25 * steel), (neck + 0.008, 1.5 * steel)], "soft", (0, 0, -drop))
    elif style == "row":
        count, width = int(rng.integers(5, 10)), rng.uniform(0.08, 0.16)
        deep, wire, bar = rng.uniform(0.03, 0.055), rng.uniform(0.0045, 0.0065), rng.uniform(0.009, 0.014)
        tines.append(block((bar, width, bar), start + (bar / 2, 0, 0), 0.0015))
        for y in np.linspace(-0.5, 0.5, count) * (width - 1.2 * wire):
            tooth = np.array([[0.3, 0, -0.1], [0.42, 0, -0.5], [0.36, 0, -1.0]]) * (deep, 1, deep)
            root = start + (0, y, 0)
            tines += sweep(root + tooth, wire * 1.1, wire * np.array([1, 1, 0.35]), Y, "octagonal")
            tines.append(
                hull(root + tooth[:1] + _cube(0.4 * wire), root + (bar / 2, 0, 0) + _cube(0.4 * wire))
            )
    else:
        count, width = int(rng.integers(5, 10)), rng.uniform(0.11, 0.18)
        reach, deep, flat = rng.uniform(0.12, 0.17), rng.uniform(0.015, 0.025), rng.uniform(0.005, 0.008)
        t = np.array([0, 0.5, 0.93, 1.0])
        for y in np.linspace(-0.5, 0.5, count) * width:
            far = np.sqrt(1 - 0.6 * (y / width) ** 2 * 2)
            tine = np.column_stack(
                [reach * far * t, y * np.array([0, 0.5, 0.93, 1]), deep * np.array([0, 0, -0.1, -1.0])]
            )
            tines += sweep(tine + start, flat * np.array([0.8, 1, 1, 0.7]), 0.0028, Y, "square")
        half = 0.5 * width * 0.55
        x = 0.55 * reach * np.sqrt(1 - 0.6 * 0.5)
        tines.append(block((0.007, 2 * half, 0.005), start + (x, 0, 0), 0.001))
        tines += rod([(neck - 0.014, steel * 1.2), (neck + 0.012, 0.025, 0.008)], "soft", (0, 0, -drop))
    return [
        part("handle", handle),
        part("neck", sweep(path, steel, steel, Y)),
        part("tines", tines),
    ]


def sickle(rng: np.random.Generator) -> list[Part]:
    """Sickle or grass hook lying flat; the blade turns to +y."""
    handle = grip(rng, rng.uniform(0.105, 0.15), rng.uniform(0.025, 0.034), rng.uniform(0.8, 1))
    neck, steel = rng.uniform(0.02, 0.05), rng.uniform(0.009, 0.013)
    if rng.random() < 0.6:
        first, turned, length = rng.uniform(-60, -25), rng.uniform(180, 225), rng.uniform(0.28, 0.38)
    else:
        first, turned, length = rng.uniform(-25, 5), rng.uniform(75, 120), rng.uniform(0.18, 0.27)
    count, uneven = 17, rng.uniform(0.85, 1.3)
    t = np.linspace(0, 1, count)
    heading = np.radians(first + turned * t**uneven)
    steps = np.column_stack([np.cos(heading), np.sin(heading)]) * length / (count - 1)
    back = np.vstack([[0, 0], np.cumsum((steps[:-1] + steps[1:]) / 2, axis=0)]) + (neck, -0.4 * steel)
    wide, most = rng.uniform(0.018, 0.034), rng.uniform(0.3, 0.6)
    width = np.interp(t, [0, 0.12, most, 0.85, 1], [steel, 0.7 * wide, wide, 0.55 * wide, 0.003])
    left = np.column_stack([-np.sin(heading), np.cos(heading)])
    spine, edge = rng.uniform(0.003, 0.0045) * np.interp(t, [0, 0.9, 1], [1, 0.8, 0.5]), 0.0008
    rings = []
    for k in range(count):
        cut = back[k] + width[k] * left[k]
        rings.append(
            np.array([(*p, s * w / 2) for p, w in ((back[k], spine[k]), (cut, edge)) for s in (-1, 1)])
        )
    shank = rod([(-0.010, 1.3 * steel, steel), (0.5 * neck, steel, 0.8 * steel)], "soft")
    tang = hull(
        np.array([(0.5 * neck - 1e-4, y * steel / 2, z * 0.35 * steel) for y in (-1, 1) for z in (-1, 1)]),
        rings[0],
        rings[1][:2] * (1, 1, 1.2),
    )
    return [
        part("handle", handle),
        part("neck", shank, tang),
        part("blade", chain(rings)),
    ]


def soldering_iron(rng: np.random.Generator) -> list[Part]:
    """Soldering iron lying flat; a piece of its cable ends at -x."""
    length, thick = rng.uniform(0.09, 0.13), rng.uniform(0.017, 0.028)
    waist, shape = rng.uniform(0.75, 0.95), rng.choice(["round", "octagonal", "hexagonal", "soft"])
    profile = smooth([(0, 0.75), (0.15, 1), (0.6, waist), (0.9, 1), (1, 0.95)], 10)
    handle = rod([((x - 1) * length, w * thick) for x, w in profile], shape)
    flange, disc = rng.uniform(0.004, 0.012), thick * rng.uniform(1.2, 1.6)
    collar = rod([(-0.002, 0.9 * disc), (0.25 * flange, disc), (flange, 0.7 * disc)])
    reach, steel = rng.uniform(0.045, 0.085), rng.uniform(0.006, 0.012)
    shaft = rod(
        [
            (flange - 0.003, 1.15 * steel),
            (flange + 0.2 * reach, 1.15 * steel),
            (flange + 0.22 * reach, steel),
            (flange + reach, steel),
        ]
    )
    x, point, thin = flange + reach, rng.uniform(0.018, 0.035), steel * rng.uniform(0.55, 0.85)
    style = rng.choice(["cone", "chisel", "bent"])
    if style == "cone":
        tip = rod([(x - 0.002, thin), (x + 0.4 * point, thin), (x + point, 0.0014)])
    elif style == "chisel":
        tip = rod([(x - 0.002, thin), (x + 0.6 * point, thin), (x + point, 1.1 * thin, 0.0014)])
    else:
        bend = np.array(
            [[-0.002, 0, 0], [0.4 * point, 0, 0], [0.8 * point, 0.25 * point, 0], [point, 0.55 * point, 0]]
        )
        tip = sweep(
            bend + (x, 0, 0), thin * np.array([1, 1, 0.8, 0.35]), thin * np.array([1, 1, 0.8, 0.35]), Z
        )
    cable, cord = rng.uniform(0.035, 0.08), rng.uniform(0.005, 0.007)
    t = np.linspace(0, 1, 7)
    path = np.column_stack([-length + 0.006 - cable * t, rng.uniform(-0.3, 0.3) * cable * t**2, 0 * t])
    sleeve = np.interp(t, [0, 0.3, 0.45, 1], [1.7, 1.4, 1, 1])
    return [
        part("handle", handle),
        part("collar", collar),
        part("shaft", shaft),
        part("tip", tip),
        part("tail", sweep(path, cord * sleeve, cord * sleeve, Z)),
    ]


def glue_gun(rng: np.random.Generator) -> list[Part]:
    """Hot glue gun lying on its side: the nozzle points to +x, the handle to -y."""
    length, width = rng.uniform(0.10, 0.15), rng.uniform(0.036, 0.054)
    flat = rng.uniform(0.65, 0.9)
    rows = smooth([(-0.5, 0.75), (-0.42, 1.0), (0.1, rng.uniform(0.9, 1.05)), (0.5, 0.6)], 8)
    body = rod(
        [(x * length, w * width, w * width * flat) for x, w in rows],
        rng.choice(["soft", "round", "octagonal"]),
    )
    x, neck, mouth = 0.5 * length, 0.55 * width * flat, rng.uniform(0.022, 0.038)
    nozzle = rod(
        [
            (x - 0.004, neck),
            (x + 0.45 * mouth, 0.85 * neck),
            (x + 0.5 * mouth, 0.5 * neck),
            (x + 0.85 * mouth, 0.4 * neck),
            (x + mouth, 0.003),
        ]
    )
    tall, thick, lean = rng.uniform(0.085, 0.115), rng.uniform(0.026, 0.034), rng.uniform(0.0, 0.035)
    root = rng.uniform(-0.32, -0.15) * length
    t = np.linspace(0, 1, 6)
    path = np.column_stack([root - lean * t, -0.25 * width - (tall + 0.2 * width) * t, 0 * t])
    handle = sweep(
        path,
        min(0.9 * thick, 0.85 * width * flat),
        thick * np.interp(t, [0, 0.3, 0.9, 1], [1.35, 1.1, 1.1, 1.25]),
        Z,
        rng.choice(["soft", "coarse"]),
    )
    front = path[1] + (0.55 * thick, -0.004, 0)
    pull = rng.uniform(0.032, 0.045)
    trigger = moved(
        sweep(
            np.array(
                [
                    [-0.002, 0.45 * pull, 0],
                    [0.010, 0.1 * pull, 0],
                    [0.011, -0.2 * pull, 0],
                    [0.013, -0.5 * pull, 0],
                ]
            ),
            0.014,
            (0.022, 0.02, 0.018, 0.008),
            Z,
            "soft",
        ),
        front,
    )
    stick = rng.uniform(0.007, 0.0115)
    rest = rod([(-0.5 * length - rng.uniform(0.02, 0.07), stick), (-0.4 * length, stick)])
    return [
        part("handle", handle),
        part("trigger", trigger),
        part("body", body),
        part("nozzle", nozzle),
        part("tail", rest),
    ]


FAMILIES = (
    Family(
        "chisel",
        ("chisel", "wood chisel", "gouge"),
        {
            "handle": _HANDLE,
            "neck": ("neck", "shank", "shaft"),
            "blade": ("blade", "metal part", "cutting edge"),
            "ferrule": ("ferrule", "metal band"),
            "cap": ("cap", "striking cap", "end cap"),
        },
        (
            hold("handle", "power precision", "use lift hold"),
            hold("neck", "tripod precision", "use move"),
            hold("blade", "lateral precision", "hand_over move"),
        ),
        chisel,
    ),
    Family(
        "hand_rake",
        ("hand rake", "garden claw", "hand cultivator", "small rake"),
        {
            "handle": _HANDLE,
            "neck": ("neck", "shank", "shaft"),
            "tines": ("tines", "prongs", "teeth", "claws"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("neck", "precision tripod", "move hand_over"),
        ),
        hand_rake,
    ),
    Family(
        "sickle",
        ("sickle", "hand sickle", "grass hook", "reaping hook"),
        {
            "handle": _HANDLE,
            "neck": ("neck", "tang", "shank"),
            "blade": ("blade", "curved blade", "crescent"),
        },
        (
            hold("handle", "power", "use lift hold move"),
            hold("blade", "lateral precision", "hand_over"),
        ),
        sickle,
    ),
    Family(
        "soldering_iron",
        ("soldering iron", "solder iron", "soldering pen"),
        {
            "handle": ("handle", "grip", "body"),
            "collar": ("collar", "flange", "finger guard"),
            "shaft": ("shaft", "heating element", "metal tube"),
            "tip": ("tip", "point", "hot end"),
            "tail": ("tail", "cable", "cord"),
        },
        (
            hold("handle", "tripod precision power", "use lift hold hand_over"),
            hold("collar", "tripod precision", "move"),
            hold("tail", "lateral tripod", "move lift"),
        ),
        soldering_iron,
    ),
    Family(
        "glue_gun",
        ("glue gun", "hot glue gun", "hot-melt gun"),
        {
            "handle": ("handle", "grip", "pistol grip"),
            "trigger": ("trigger", "lever"),
            "body": ("body", "barrel", "housing"),
            "nozzle": ("nozzle", "tip", "hot end"),
            "tail": ("tail", "glue stick", "glue"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("trigger", "power", "use"),
            hold("body", "power precision", "hand_over move"),
            hold("tail", "tripod lateral precision", "open"),
        ),
        glue_gun,
    ),
)
