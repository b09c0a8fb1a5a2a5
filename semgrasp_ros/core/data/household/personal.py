"""Care, desk, sport and food: what lies about in a home; length along x."""

import numpy as np

from .family import Family, Part, hold, part
from .kitchen import grip
from .solids import block, ellipse, ellipsoid, lathe, loop, mirrored, moved, rod, smooth, sweep

Y, Z = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def hairbrush(rng: np.random.Generator) -> list[Part]:
    """Hairbrush lying on its back, bristles up."""
    length, thick = rng.uniform(0.09, 0.125), rng.uniform(0.018, 0.026)
    handle = grip(rng, length, thick, rng.uniform(0.65, 0.95), rng.choice(["round", "soft", "octagonal"]))
    reach, width, high = rng.uniform(0.08, 0.12), rng.uniform(0.04, 0.075), rng.uniform(0.011, 0.016)
    t = np.linspace(0, 1, 8)
    outline = np.maximum(
        width * np.sqrt(np.clip(1 - (2 * t - 1) ** 4, 0, 1)), 0.6 * thick * (t < 0.5) + 0.012
    )
    head = rod(np.column_stack([-0.004 + reach * t, outline, np.full(8, high)]), "soft")
    tall, rows, columns = rng.uniform(0.011, 0.017), int(rng.integers(6, 9)), int(rng.integers(3, 5))
    pins = []
    for u in np.linspace(0.16, 0.86, rows):
        half = 0.36 * np.interp(u, t, outline)
        for v in np.linspace(-1, 1, columns):
            base = (-0.004 + reach * u, v * half, 0)
            pins += lathe([(0.3 * high, 0.0036), (0.5 * high + tall, 0.0026)], "hexagonal", base)
    return [part("handle", handle), part("head", head), part("bristles", pins)]


def toothbrush(rng: np.random.Generator) -> list[Part]:
    """Toothbrush, bristles up."""
    length, thick = rng.uniform(0.10, 0.125), rng.uniform(0.011, 0.016)
    handle = grip(rng, length, thick, rng.uniform(0.7, 1), rng.choice(["round", "soft"]))
    neck, bend = rng.uniform(0.025, 0.04), rng.uniform(-0.004, 0.006)
    path = np.array([[-0.004, 0, 0], [0.5 * neck, 0, bend], [neck + 0.004, 0, bend]])
    reach, width = rng.uniform(0.022, 0.032), rng.uniform(0.010, 0.014)
    head = rod(
        [
            (neck, 0.6 * width, 0.005),
            (neck + 0.25 * reach, width, 0.005),
            (neck + 0.8 * reach, width, 0.005),
            (neck + reach, 0.5 * width, 0.005),
        ],
        "soft",
        (0, 0, bend),
    )
    tall, count = rng.uniform(0.009, 0.012), int(rng.integers(4, 6))
    step = 0.72 * reach / count
    tufts = [
        block(
            (0.75 * step, 0.72 * width, tall + 0.002),
            (neck + 0.18 * reach + (k + 0.5) * step, 0, bend + 0.0015 + tall / 2),
            0.0008,
        )
        for k in range(count)
    ]
    return [
        part("handle", handle),
        part("neck", sweep(path, (0.6 * thick, 0.007, 0.006), 0.006, Y)),
        part("head", head),
        part("bristles", tufts),
    ]


def umbrella(rng: np.random.Generator) -> list[Part]:
    """Folded umbrella, its handle at -x: a crook, a knob or a straight grip."""
    length, thick = rng.uniform(0.2, 0.38), rng.uniform(0.034, 0.055)
    tip = rng.uniform(0.012, 0.035)
    folds = smooth(
        [(0, 0.75 * thick), (0.1 * length, thick), (0.5 * length, 0.85 * thick), (length, 0.3 * thick)], 7
    )
    canopy = rod(folds, rng.choice(["round", "octagonal", "hexagonal"]))
    spike = rod([(length - 0.003, 0.011), (length + tip, 0.007)])
    shaft = rng.uniform(0.02, 0.05)
    bar = rng.uniform(0.017, 0.024)
    style = rng.choice(["crook", "straight", "knob"])
    if style == "crook":
        straight, radius = rng.uniform(0.045, 0.07), rng.uniform(0.032, 0.045)
        bend = loop(
            (-shaft - straight, 0, 0), (-shaft - straight, -2 * radius, 0), (-1.1 * radius, 0, 0), 2, 9
        )
        path = np.vstack([[(-shaft + 0.003, 0, 0)], bend, bend[-1] + [(0.02, 0, 0)]])
        handle = sweep(path, bar, bar, Z)
    elif style == "straight":
        handle = moved(grip(rng, rng.uniform(0.08, 0.11), 1.3 * bar, 1.0), (-shaft + 0.003, 0, 0))
    else:
        ball = rng.uniform(0.034, 0.045)
        handle = [
            *rod([(-shaft - 0.03, bar), (-shaft + 0.003, bar)]),
            ellipsoid((ball * 1.3, ball, ball), (-shaft - 0.03 - 0.5 * ball, 0, 0)),
        ]
    return [
        part("handle", handle),
        part("shaft", rod([(-shaft, 0.010), (0.01, 0.010)])),
        part("canopy", canopy),
        part("tip", spike),
    ]


def magnifying_glass(rng: np.random.Generator) -> list[Part]:
    """Magnifying glass lying flat."""
    handle = grip(rng, rng.uniform(0.07, 0.11), rng.uniform(0.014, 0.022))
    radius, rim = rng.uniform(0.025, 0.045), rng.uniform(0.006, 0.009)
    neck = rng.uniform(0.006, 0.02)
    centre = (neck + radius, 0, 0)
    ring = sweep(
        ellipse(centre, (radius, 0, 0), (0, radius, 0), 16),
        rim * rng.uniform(1, 1.8),
        rim,
        Z,
        "soft",
        closed=True,
    )
    lens = lathe(
        [
            (-0.0025, 1.4 * radius),
            (-0.001, 2 * radius - 0.001),
            (0.001, 2 * radius - 0.001),
            (0.0025, 1.4 * radius),
        ],
        at=centre,
    )
    return [
        part("handle", handle, rod([(-0.003, 0.009), (neck, 0.008)])),
        part("rim", ring),
        part("lens", lens),
    ]


def dumbbell(rng: np.random.Generator) -> list[Part]:
    """Dumbbell with round or hexagonal weights."""
    held, thick = rng.uniform(0.105, 0.135), rng.uniform(0.026, 0.035)
    width, long = rng.uniform(0.06, 0.095), rng.uniform(0.03, 0.065)
    shape = rng.choice(["hexagonal", "round", "octagonal"])
    swell = rng.uniform(0.95, 1.15)
    bar = rod(
        smooth([(-held / 2 - 0.004, thick * 0.9), (0, swell * thick), (held / 2 + 0.004, thick * 0.9)], 7)
    )
    x = held / 2
    weight = rod(
        [(x, 0.85 * width), (x + 0.2 * long, width), (x + 0.8 * long, width), (x + long, 0.85 * width)], shape
    )
    return [part("handle", bar), part("weights", weight, mirrored(weight, 0))]


def banana(rng: np.random.Generator) -> list[Part]:
    """Banana lying on its side, its stem at -x."""
    length, thick, bend = rng.uniform(0.14, 0.2), rng.uniform(0.03, 0.042), rng.uniform(0.2, 0.45)
    t = np.linspace(0, 1, 11)
    angle = (t - 0.5) * 2 * bend * 1.6
    radius = length / (bend * 3.2)
    path = np.column_stack([radius * np.sin(angle), radius * (1 - np.cos(angle)), 0 * t])
    width = thick * np.interp(t, [0, 0.12, 0.3, 0.7, 0.92, 1], [0.42, 0.75, 1, 1, 0.65, 0.28])
    shape = rng.choice(["hexagonal", "coarse", "octagonal"])
    stem_length = rng.uniform(0.016, 0.032)
    along = path[0] - path[1]
    along /= np.linalg.norm(along)
    stem = np.array([path[0] - 0.003 * along, path[0] + stem_length * along])
    return [
        part("body", sweep(path, width, width, Z, shape)),
        part("stem", sweep(stem, (0.4 * thick, 0.3 * thick), (0.4 * thick, 0.34 * thick), Z, "soft")),
    ]


def apple(rng: np.random.Generator) -> list[Part]:
    """Apple or pear with a stem."""
    width, tall = rng.uniform(0.055, 0.088), rng.uniform(0.8, 1.35)
    shift = rng.uniform(0.4, 0.56) if tall < 1.05 else rng.uniform(0.3, 0.36)
    high = width * tall
    top = 0.3 if tall < 1.05 else 0.22
    profile = smooth(
        [
            (0, 0.3),
            (0.08, 0.62),
            (shift, 1),
            (0.72, 0.85 if tall < 1.05 else 0.52),
            (0.93, top + 0.2),
            (1, top),
        ],
        13,
    )
    stem = sweep(
        np.array(
            [
                [0, 0, 0.94 * high],
                [0.001, 0, high + 0.006],
                [rng.uniform(0.002, 0.006), 0, high + rng.uniform(0.012, 0.02)],
            ]
        ),
        0.004,
        0.004,
        Y,
        "hexagonal",
    )
    return [part("body", lathe([(z * high, w * width) for z, w in profile])), part("stem", stem)]


def ball(rng: np.random.Generator) -> list[Part]:
    """Ball: round or egg-shaped like a rugby ball, smooth, or with a raised band around its middle."""
    width = rng.uniform(0.042, 0.098)
    stretch = 1.0 if rng.random() < 0.6 else rng.uniform(1.15, 1.7)
    fine = int(rng.integers(9, 14))
    body = ellipsoid((width * stretch, width, width), rings=fine, corners=2 * fine)
    band, out = rng.uniform(0.08, 0.25) * width * stretch, rng.uniform(1.01, 1.04) * width
    t = np.linspace(-0.5, 0.5, 5) * band
    ring = [(x, out * np.sqrt(1 - (2 * x / (width * stretch)) ** 2)) for x in t]
    return [part("body", body), part("band", rod(ring))]


def book(rng: np.random.Generator) -> list[Part]:
    """Closed book lying flat; the spine is along x at -y."""
    length, width, thick = rng.uniform(0.14, 0.24), rng.uniform(0.10, 0.17), rng.uniform(0.012, 0.045)
    cover = rng.uniform(0.0022, 0.0035)
    pages = block((length - 0.006, width - 0.005, thick), (0, 0.0005, 0))
    boards = [block((length, width, cover), (0, 0, s * (thick / 2 + 0.3 * cover)), 0.0004) for s in (-1, 1)]
    spine = block((length, 2 * cover, thick + 2.4 * cover), (0, -width / 2, 0), 0.0008)
    return [part("pages", pages), part("covers", boards), part("spine", spine)]


def marker(rng: np.random.Generator) -> list[Part]:
    """Marker or pen, its tip at +x, the cap on its end or beside its clip."""
    length, thick = rng.uniform(0.09, 0.125), rng.uniform(0.0085, 0.02)
    shape = rng.choice(["round", "hexagonal", "octagonal"])
    nose = rng.uniform(0.012, 0.022)
    cap_length, cap_width = rng.uniform(0.025, 0.045), 1.14 * thick
    clip = block(
        (0.8 * cap_length, 0.003, 0.0025), (-length - 0.55 * cap_length, 0, 0.5 * cap_width + 0.0005), 0.0005
    )
    point = rod([(nose - 0.001, 0.4 * thick), (nose + 0.006, 0.16 * thick)], "octagonal")
    cone = rod([(-0.001, 0.95 * thick), (nose, 0.42 * thick)])
    return [
        part("barrel", rod([(-length, 0.97 * thick), (0, thick)], shape)),
        part("tip", cone, point),
        part(
            "cap",
            rod(
                [
                    (-length - cap_length, 0.85 * cap_width),
                    (-length - 0.85 * cap_length, cap_width),
                    (-length + 0.004, cap_width),
                ]
            ),
            clip,
        ),
    ]


def key(rng: np.random.Generator) -> list[Part]:
    """Door key, lying flat; its bow is at -x."""
    thick, reach, width = rng.uniform(0.0024, 0.0034), rng.uniform(0.028, 0.045), rng.uniform(0.0075, 0.010)
    radius, bar = rng.uniform(0.010, 0.014), rng.uniform(0.006, 0.009)
    bow = sweep(
        ellipse((-radius - 0.4 * bar, 0, 0), (radius, 0, 0), (0, radius * rng.uniform(0.85, 1.15), 0), 12),
        thick * 1.4,
        bar,
        Z,
        "square",
        closed=True,
    )
    shaft = rod(
        [(-0.4 * bar, width, thick), (0.9 * reach, width, thick), (reach, 0.3 * width, thick)], "square"
    )
    count = int(rng.integers(3, 6))
    teeth = [
        block(
            (0.5 * reach / count, rng.uniform(0.3, 0.7) * width, 0.9 * thick),
            ((0.35 + 0.5 * k / count) * reach, -0.55 * width, 0),
        )
        for k in range(count)
    ]
    return [part("bow", bow), part("blade", shaft, teeth)]


def razor(rng: np.random.Generator) -> list[Part]:
    """Safety razor: a head across the end of a handle."""
    length, thick = rng.uniform(0.085, 0.125), rng.uniform(0.011, 0.017)
    handle = grip(
        rng, length, thick, rng.uniform(0.75, 1), rng.choice(["round", "octagonal", "soft", "hexagonal"])
    )
    rise, width = rng.uniform(0.008, 0.018), rng.uniform(0.036, 0.045)
    path = np.array([[-0.004, 0, 0], [0.010, 0, 0.3 * rise], [0.022, 0, rise]])
    head = block((rng.uniform(0.012, 0.024), width, 0.008), (0.026, 0, rise), 0.002)
    return [
        part("handle", handle),
        part("neck", sweep(path, 0.7 * thick, 0.6 * thick, Y)),
        part("head", head),
    ]


def comb(rng: np.random.Generator) -> list[Part]:
    """Comb lying flat: teeth towards -y, with or without a handle."""
    length, high, thick = rng.uniform(0.09, 0.13), rng.uniform(0.012, 0.018), rng.uniform(0.0035, 0.006)
    tooth, count = rng.uniform(0.018, 0.026), int(rng.integers(14, 24))
    step = (length - 0.012) / (count - 1)
    bar = block((length, high, thick), (0, high / 2, 0), 0.001)
    teeth = [
        block((0.45 * step, tooth, 0.7 * thick), (-length / 2 + 0.006 + k * step, -tooth / 2 + 0.002, 0))
        for k in range(count)
    ]
    tail = rng.uniform(0.06, 0.09)
    wide = rng.uniform(0.9, 1.5) * high
    handle = rod(
        [
            (-length / 2 - tail, 0.6 * wide, 1.2 * thick),
            (-length / 2 - 0.8 * tail, wide, 1.6 * thick),
            (-length / 2 + 0.004, high, 1.1 * thick),
        ],
        "soft",
        (0, high / 2, 0),
    )
    return [part("handle", handle), part("back", bar), part("teeth", teeth)]


def sunglasses(rng: np.random.Generator) -> list[Part]:
    """Folding glasses, open, lenses towards +x, standing on their arms and rims."""
    wide, high = rng.uniform(0.05, 0.058), rng.uniform(0.036, 0.048)
    bridge, rim = rng.uniform(0.016, 0.022), rng.uniform(0.0035, 0.005)
    arm, thick = rng.uniform(0.115, 0.14), rng.uniform(0.0035, 0.005)
    y, shape = (wide + bridge) / 2, rng.choice(["round", "soft", "square", "octagonal"])
    glass = rod([(-0.001, wide - 0.001, high - 0.001), (0.001, wide - 0.001, high - 0.001)], shape, (0, y, 0))
    corners = {"round": 2.0, "soft": 3.0, "square": 5.0, "octagonal": 2.4}[str(shape)]
    turn = 2 * np.pi * np.arange(16) / 16
    unit = np.stack([np.cos(turn), np.sin(turn)], 1)
    unit = np.sign(unit.round(9)) * np.abs(unit) ** (2 / corners)
    frame = sweep(
        np.column_stack([0 * turn, y + unit[:, 0] * wide / 2, unit[:, 1] * high / 2]),
        1.2 * rim,
        rim,
        (1, 0, 0),
        "octagonal",
        closed=True,
    )
    nose = loop(
        (0, bridge / 2 + 0.002, 0.1 * high), (0, -bridge / 2 - 0.002, 0.1 * high), (0, 0, 0.12 * high), 2, 5
    )
    side, z = y + wide / 2, 0.2 * high
    path = np.array(
        [
            [0.002, side - 0.001, z],
            [-0.008, side + 0.003, z],
            [-0.7 * arm, side + 0.001, z],
            [-arm, side - 0.004, z - 0.025],
        ]
    )
    bow = sweep(path, (1.6 * thick, 1.6 * thick, 1.2 * thick, 1.8 * thick), thick, Z, "octagonal")
    return [
        part("arms", bow, mirrored(bow)),
        part("frame", frame, mirrored(frame), sweep(nose, 1.2 * rim, rim, (1, 0, 0), "octagonal")),
        part("lenses", glass, mirrored(glass)),
    ]


FAMILIES = (
    Family(
        "hairbrush",
        ("hairbrush", "brush", "hair brush"),
        {"handle": ("handle", "grip"), "head": ("head", "back", "paddle"), "bristles": ("bristles", "pins")},
        (
            hold("handle", "power precision", "use lift hold"),
            hold("head", "precision lateral power", "hand_over move"),
        ),
        hairbrush,
    ),
    Family(
        "toothbrush",
        ("toothbrush", "tooth brush"),
        {
            "handle": ("handle", "grip"),
            "neck": ("neck", "thin part"),
            "head": ("head", "brush end"),
            "bristles": ("bristles", "tufts"),
        },
        (
            hold("handle", "power tripod lateral precision", "use lift hold"),
            hold("neck", "precision tripod", "move hand_over"),
        ),
        toothbrush,
    ),
    Family(
        "umbrella",
        ("umbrella", "folded umbrella", "brolly"),
        {
            "handle": ("handle", "grip", "crook"),
            "shaft": ("shaft", "stick", "rod"),
            "canopy": ("canopy", "cloth", "folded part"),
            "tip": ("tip", "point", "ferrule"),
        },
        (
            hold("handle", "power", "use lift hold open"),
            hold("canopy", "power", "hand_over move"),
        ),
        umbrella,
    ),
    Family(
        "magnifying_glass",
        ("magnifying glass", "magnifier", "hand lens"),
        {"handle": ("handle", "grip", "stem"), "rim": ("rim", "frame", "ring"), "lens": ("lens", "glass")},
        (
            hold("handle", "power precision tripod", "use lift hold"),
            hold("rim", "precision lateral", "hand_over move"),
        ),
        magnifying_glass,
    ),
    Family(
        "dumbbell",
        ("dumbbell", "hand weight", "weight"),
        {"handle": ("handle", "bar", "grip"), "weights": ("weights", "heads", "ends")},
        (hold("handle", "power hook", "use lift move"), hold("weights", "power", "hand_over hold")),
        dumbbell,
    ),
    Family(
        "banana",
        ("banana",),
        {"body": ("body", "middle", "fruit"), "stem": ("stem", "stalk", "end")},
        (
            hold("body", "power precision", "lift use hold hand_over"),
            hold("stem", "precision tripod lateral", "open move"),
        ),
        banana,
    ),
    Family(
        "apple",
        ("apple", "pear", "fruit"),
        {"body": ("body", "side", "fruit"), "stem": ("stem", "stalk")},
        (
            hold("body", "power tripod precision", "use lift hold hand_over"),
            hold("stem", "precision lateral", "move"),
        ),
        apple,
    ),
    Family(
        "ball",
        ("ball", "toy ball", "rubber ball"),
        {"body": ("body", "surface", "side"), "band": ("band", "stripe", "middle")},
        (
            hold("body", "power precision tripod", "use lift hold hand_over"),
            hold("band", "power tripod", "move hold"),
        ),
        ball,
    ),
    Family(
        "book",
        ("book", "paperback", "notebook"),
        {
            "pages": ("pages", "paper"),
            "covers": ("covers", "front and back", "boards"),
            "spine": ("spine", "back edge"),
        },
        (
            hold("covers", "lateral precision power", "lift hold hand_over open"),
            hold("spine", "precision lateral", "move hand_over"),
        ),
        book,
    ),
    Family(
        "marker",
        ("marker", "pen", "felt-tip pen"),
        {
            "barrel": ("barrel", "body", "shaft"),
            "tip": ("tip", "nib", "point"),
            "cap": ("cap", "lid", "clip end"),
        },
        (
            hold("barrel", "tripod precision lateral", "use lift hold hand_over"),
            hold("cap", "precision tripod", "open move"),
        ),
        marker,
    ),
    Family(
        "key",
        ("key", "door key", "house key"),
        {"bow": ("bow", "head", "round end"), "blade": ("blade", "shaft", "teeth")},
        (
            hold("bow", "lateral precision", "use lift hold open"),
            hold("blade", "precision lateral", "hand_over"),
        ),
        key,
    ),
    Family(
        "razor",
        ("razor", "shaver", "safety razor"),
        {
            "handle": ("handle", "grip", "stem"),
            "neck": ("neck", "thin part"),
            "head": ("head", "blades", "blade end"),
        },
        (
            hold("handle", "precision tripod power", "use lift hold"),
            hold("neck", "precision tripod", "move"),
            hold("head", "lateral precision", "hand_over"),
        ),
        razor,
    ),
    Family(
        "comb",
        ("comb", "hair comb"),
        {"handle": ("handle", "tail", "grip"), "back": ("back", "spine", "bar"), "teeth": ("teeth", "tines")},
        (
            hold("handle", "lateral precision tripod", "use lift hold"),
            hold("back", "lateral precision", "move hand_over"),
        ),
        comb,
    ),
    Family(
        "sunglasses",
        ("sunglasses", "glasses", "spectacles", "eyeglasses"),
        {
            "arms": ("arms", "temples", "bows"),
            "frame": ("frame", "bridge", "rims"),
            "lenses": ("lenses", "glasses"),
        },
        (
            hold("arms", "precision lateral", "use open hand_over"),
            hold("frame", "precision tripod", "lift move hold"),
        ),
        sunglasses,
    ),
)
