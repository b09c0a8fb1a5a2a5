"""Things that stand in a parlour, to be lifted by stem, ring or handle."""

import numpy as np

from .family import Family, Part, hold, part
from .kitchen import grip
from .shapes import half_width, hoop, rounded
from .solids import (
    block,
    dome,
    ellipse,
    ellipsoid,
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

Y = (0.0, 1.0, 0.0)


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
    start = (half_width(profile, brim - 0.12 * tall) - 0.6 * wall, 0, brim - 0.12 * tall)
    end = (half_width(profile, high + 0.3 * tall) - 0.6 * wall, 0, high + 0.3 * tall)
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


def hand_mirror(rng: np.random.Generator) -> list[Part]:
    """Hand mirror lying on its back; the glass faces up."""
    length, thick = rng.uniform(0.095, 0.135), rng.uniform(0.014, 0.024)
    flat = rng.uniform(0.5, 0.8)
    handle = grip(rng, length, thick, flat, rng.choice(["round", "soft", "octagonal"]))
    wide, shape = rng.uniform(0.085, 0.14), rng.choice(["round", "round", "soft", "octagonal", "square"])
    long = wide * rng.uniform(0.95, 1.35)
    bar, deep = rng.uniform(0.007, 0.013), rng.uniform(0.008, 0.012)
    x = long / 2 + 0.25 * bar
    frame = moved(hoop(0, long, wide, bar, shape, deep), (x, 0, 0))
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


def hand_bell(rng: np.random.Generator) -> list[Part]:
    """Hand bell or table bell standing on its mouth, the handle up."""
    width = rng.uniform(0.055, 0.12)
    height, wall = width * rng.uniform(0.7, 1.0), rng.uniform(0.003, 0.005)
    crown, waist = rng.uniform(0.4, 0.6), rng.uniform(0.6, 0.75)
    profile = smooth(
        [
            (0, crown * width),
            (0.12 * height, (0.35 * crown + 0.65 * waist) * width),
            (0.5 * height, (waist + 0.06) * width),
            (0.82 * height, 0.82 * width),
        ],
        6,
    )
    solids = shell(np.vstack([profile, [height, width]]), wall)
    corners = len(section("round"))
    solids = moved(mirrored(solids, 2), (0, 0, height))
    long, thick = rng.uniform(0.06, 0.12), min(rng.uniform(0.019, 0.03), crown * width)
    style = rng.choice(["turned", "turned", "loop", "knob"])
    foot = height - 0.5 * wall
    cover = lathe([(height - 0.7 * wall, 0.96 * crown * width), (height + 0.0012, 0.88 * crown * width)])
    parts = [part("body", solids[:-corners], cover), part("rim", solids[-corners:])]
    if style == "loop":
        span, tall, strap = 0.3 * crown * width, rng.uniform(0.06, 0.085), rng.uniform(0.010, 0.014)
        reach = max(span, 0.024)
        path = rounded(
            [(span, 0, foot), (reach, 0, foot + tall), (-reach, 0, foot + tall), (-span, 0, foot)], 0.021
        )
        handle = sweep(path, 1.6 * strap, 0.7 * strap, Y, "soft")
    elif style == "knob":
        ball = rng.uniform(0.02, 0.034)
        handle = lathe(
            smooth([(0, 0.5 * ball), (0.5 * ball, 0.45 * ball), (1.1 * ball, ball)], 5) + (foot, 0)
        ) + lathe(dome(foot + 1.1 * ball, 0.5 * ball, ball))
    else:
        belly = rng.uniform(0.3, 0.7)
        handle = lathe(
            smooth(
                [
                    (0, 0.75 * thick),
                    (0.1 * long, 0.6 * thick),
                    (belly * long, thick),
                    (0.84 * long, 0.65 * thick),
                    (0.92 * long, 0.95 * thick),
                    (long, 0.5 * thick),
                ],
                14,
            )
            + (foot, 0),
            rng.choice(["round", "octagonal"]),
        )
        if rng.random() < 0.6:
            wide, low = 1.1 * thick, height - 0.9 * wall
            parts.append(
                part("collar", lathe([(low, wide), (height + 0.006, wide), (height + 0.009, 0.82 * wide)]))
            )
    return [part("handle", handle), *parts]


FAMILIES = (
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
        "hand_bell",
        ("bell", "hand bell", "table bell", "school bell"),
        {
            "handle": ("handle", "grip"),
            "collar": ("collar", "ring", "ferrule"),
            "body": ("body", "bell part", "side"),
            "rim": ("rim", "lip", "mouth"),
        },
        (
            hold("handle", "tripod precision", "use lift hold"),
            hold("body", "power precision", "hand_over move hold"),
        ),
        hand_bell,
    ),
)
