"""Things that lie on a desk or in a drawer; the end that works points to +x."""

import numpy as np

from .family import Family, Part, hold, part
from .shapes import loaf
from .solids import block, hull, lathe, moved, rod


def syringe(rng: np.random.Generator) -> list[Part]:
    """Syringe lying flat, the plunger at -x, with a needle, a capped needle or a plain nozzle."""
    thick = rng.uniform(0.012, 0.034)
    length, out = thick * rng.uniform(2.6, 3.2) + 0.03, rng.uniform(0.015, 0.06)
    barrel = rod([(0, thick), (length - 0.003, thick), (length, 0.75 * thick)])
    wing = rng.uniform(1.6, 2.1) * thick
    sheet = rng.uniform(0.0025, 0.004)
    flange = rod(
        [(0, wing, 1.12 * thick), (sheet, wing, 1.12 * thick)], rng.choice(["round", "soft", "octagonal"])
    )
    press = thick * rng.uniform(0.95, 1.2)
    rib = 0.7 * thick
    disc = rod([(-out - 0.003, 0.92 * press), (-out - 0.002, press), (-out + 0.0005, press)])
    if rng.random() < 0.6:
        stem = [
            block((out + 0.012, w, h), (0.006 - out / 2, 0, 0)) for w, h in ((rib, 0.0028), (0.0028, rib))
        ]
    else:
        stem = rod([(-out, 0.8 * rib), (0.006, 0.8 * rib)])
    hub, luer = rng.uniform(0.009, 0.014), max(0.25 * thick, 0.0055)
    end = length + hub
    parts = [part("barrel", barrel), part("pump", stem, disc), part("collar", flange)]
    style = rng.choice(["needle", "capped", "plain", "plain"])
    tip = rod([(length - 0.004, 1.15 * luer), (end, 0.85 * luer)])
    if style == "needle":
        needle = rng.uniform(0.02, 0.04)
        tip += rod(
            [(end - 0.003, 0.0018), (end + needle - 0.003, 0.0018), (end + needle, 0.0008)], "octagonal"
        )
    elif style == "capped":
        cover = rng.uniform(0.025, 0.045)
        parts.append(
            part(
                "cap",
                rod(
                    [
                        (end - 0.005, 1.35 * luer),
                        (end + cover, 0.9 * luer),
                        (end + cover + 0.002, 0.6 * luer),
                    ],
                    "coarse",
                ),
            )
        )
    return [*parts, part("tip", tip)]


def stapler(rng: np.random.Generator) -> list[Part]:
    """Desk stapler, its mouth at +x a little open."""
    length, width = rng.uniform(0.085, 0.185), rng.uniform(0.03, 0.042)
    sole, high = rng.uniform(0.008, 0.013), rng.uniform(0.016, 0.026)
    rear, front = -length / 2, length / 2
    base = loaf(
        [
            (rear, 0.85 * width, 0, 0.8 * sole),
            (rear + 0.008, width, 0, sole),
            (0.1 * length, rng.uniform(0.75, 1) * width, 0, sole),
            (front - 0.008, width, 0, 0.8 * sole),
            (front, 0.85 * width, 0, 0.5 * sole),
        ],
        "square",
    )
    slim, shape = width * rng.uniform(0.62, 0.85), rng.choice(["soft", "square", "round"])
    mag, hump = rng.uniform(0.007, 0.010), rng.uniform(0.85, 1.25)
    axis = sole + rng.uniform(0.008, 0.013)
    arm = loaf(
        [
            (0.0, 0.9 * slim, mag - 0.002, 0.75 * high),
            (0.15 * length, slim, mag - 0.003, high),
            (0.55 * length, slim, mag - 0.003, hump * high),
            (0.88 * length, 1.05 * slim, mag - 0.003, 0.95 * high),
            (0.99 * length, 0.85 * slim, mag - 0.001, 0.6 * high),
        ],
        shape,
    )
    tray = block((0.92 * length, 0.62 * slim, mag), (0.5 * length, 0, 0.5 * mag), 0.001)
    gape = rng.uniform(3, 9)
    top = moved(moved([*arm, tray], turn="y", degrees=-gape), (rear + 0.002, 0, axis - 0.006))
    long = rng.uniform(0.02, 0.03)
    cheek = hull(
        np.array(
            [
                (rear + 0.003 + x, s * (slim / 2 + 0.0015), z)
                for s in (-1, 1)
                for x, z in (
                    (0, 0.6 * sole),
                    (long * 1.2, 0.6 * sole),
                    (long, axis + 0.5 * high),
                    (0.002, axis + 0.5 * high),
                )
            ]
        )
    )
    pin = rod([(-0.5 * slim - 0.004, 0.008), (0.5 * slim + 0.004, 0.008)])
    pin = moved(moved(pin, turn="z", degrees=90), (rear + 0.55 * long, 0, axis + 0.1 * high))
    return [part("top", top), part("base", base), part("hinge", cheek, pin)]


def hole_puncher(rng: np.random.Generator) -> list[Part]:
    """Desk hole puncher: a lever over a body on a base; paper comes from -x, one presses at +x."""
    length, width = rng.uniform(0.085, 0.12), rng.uniform(0.10, 0.15)
    sole, gap = rng.uniform(0.010, 0.016), rng.uniform(0.003, 0.005)
    round_base = rng.choice(["square", "soft"])
    base = lathe(
        [(0, length, width), (0.8 * sole, length, width), (sole, 0.96 * length, 0.97 * width)], round_base
    )
    tall, deep = rng.uniform(0.022, 0.034), rng.uniform(0.026, 0.036)
    at = rng.uniform(-0.2, -0.05) * length
    across = rng.uniform(0.78, 0.9) * width
    upper = block((deep, across, tall), (at, 0, sole + gap + tall / 2), 0.003)
    web = block((0.6 * deep, across * 0.94, gap + 0.004), (at + 0.2 * deep, 0, sole + gap / 2), 0.0)
    sheet, rise = rng.uniform(0.008, 0.013), rng.uniform(8, 24)
    reach = 0.5 * length - at + rng.uniform(-0.01, 0.015) + 0.4 * deep
    bend, far = rng.uniform(0.7, 1.05), rng.uniform(0.5, 1.0)
    lever = loaf(
        [
            (0.0, 0.9 * across, 0.2 * sheet, 0.8 * sheet),
            (0.06 * reach, across * 1.03, 0, sheet),
            (0.5 * reach, bend * across, 0, 1.15 * sheet),
            (0.93 * reach, far * across, 0, sheet),
            (reach, 0.85 * far * across, 0.2 * sheet, 0.7 * sheet),
        ],
        rng.choice(["square", "soft"]),
    )
    lever = moved(
        moved(lever, turn="y", degrees=-rise), (at - 0.6 * deep, 0, sole + gap + tall - 0.6 * sheet)
    )
    posts = [
        lathe(
            [
                (sole + gap + 0.3 * tall, 0.010),
                (sole + gap + tall + 0.5 * deep * np.tan(np.radians(rise)), 0.010),
            ],
            "coarse",
            (at + 0.15 * deep, s * 0.3 * across, 0),
        )
        for s in (-1, 1)
    ]
    return [part("handle", lever), part("body", upper, web, *posts), part("base", base)]


FAMILIES = (
    Family(
        "syringe",
        ("syringe", "injection syringe", "medicine syringe"),
        {
            "barrel": ("barrel", "body", "tube"),
            "pump": ("plunger", "piston", "push rod"),
            "collar": ("collar", "finger flange", "wings"),
            "tip": ("tip", "nozzle", "needle"),
            "cap": ("cap", "needle cap", "cover"),
        },
        (
            hold("barrel", "tripod precision lateral", "use lift hold hand_over"),
            hold("pump", "tripod precision lateral", "open move"),
        ),
        syringe,
    ),
    Family(
        "stapler",
        ("stapler", "desk stapler", "office stapler"),
        {
            "top": ("top", "arm", "upper part", "lever"),
            "base": ("base", "bottom", "foot"),
            "hinge": ("hinge", "joint", "pivot"),
        },
        (
            hold("top", "power precision", "use lift open"),
            hold("base", "precision lateral", "hand_over move"),
            hold("hinge", "precision tripod lateral", "move lift"),
        ),
        stapler,
    ),
    Family(
        "hole_puncher",
        ("hole puncher", "hole punch", "paper punch", "puncher"),
        {
            "handle": ("handle", "lever", "press arm"),
            "body": ("body", "middle", "housing"),
            "base": ("base", "bottom", "tray"),
        },
        (
            hold("handle", "power precision lateral", "use lift"),
            hold("base", "precision lateral", "hand_over move"),
        ),
        hole_puncher,
    ),
)
