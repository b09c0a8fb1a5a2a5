"""Things to hit a ball or row with; the end that works points to +x."""

import numpy as np

from .family import Family, Part, hold, part
from .kitchen import grip
from .shapes import slab
from .solids import block, ellipse, lathe, mirrored, moved, rod, smooth, sweep

Z = (0.0, 0.0, 1.0)


def racket(rng: np.random.Generator) -> list[Part]:
    """Table tennis bat, beach bat, badminton or children's tennis racket, lying flat."""
    style = rng.choice(["table", "beach", "badminton", "tennis"])
    if style in ("table", "beach"):
        long = rng.uniform(0.095, 0.105) if style == "table" else rng.uniform(0.10, 0.13)
        wide, thick = rng.uniform(0.025, 0.03), rng.uniform(0.021, 0.025)
        flare, waist = rng.uniform(1.0, 1.3), rng.uniform(0.88, 1.1)
        handle = rod(
            smooth(
                [
                    (-long, 0.92 * flare * wide, 0.92 * thick),
                    (-0.95 * long, flare * wide, thick),
                    (-0.4 * long, waist * wide, thick),
                    (0, wide, 0.92 * thick),
                ],
                8,
            ),
            rng.choice(["soft", "round", "octagonal"]),
        )
        face = rng.uniform(0.148, 0.16) if style == "table" else rng.uniform(0.18, 0.22)
        across = face * rng.uniform(0.92, 1.0)
        sheet = rng.uniform(0.009, 0.013) if style == "table" else rng.uniform(0.007, 0.010)
        throat = rng.uniform(0.018, 0.03)
        plate = lathe(
            [
                (-sheet / 2, 0.985 * face, 0.985 * across),
                (-0.3 * sheet, face, across),
                (0.3 * sheet, face, across),
                (sheet / 2, 0.985 * face, 0.985 * across),
            ],
            "round",
            (throat + face / 2 - 0.008, 0, 0),
        )
        neck = slab(
            [(-0.012, 0.95 * wide, -0.003, 0.003), (throat + 0.012, 0.075, -0.003, 0.003)],
        )
        return [part("handle", handle), part("neck", neck), part("head", plate)]
    if style == "badminton":
        long, wide, rim = rng.uniform(0.12, 0.15), rng.uniform(0.022, 0.027), rng.uniform(0.008, 0.0105)
        throat, face, across = rng.uniform(0.09, 0.15), rng.uniform(0.21, 0.25), rng.uniform(0.16, 0.19)
        neck = rod([(-0.01, 0.009), (throat + 0.4 * rim, rng.uniform(0.0075, 0.009))])
        cone = rod([(-0.001, 0.85 * wide), (0.02, 0.011)])
    else:
        long, wide, rim = rng.uniform(0.12, 0.15), rng.uniform(0.027, 0.033), rng.uniform(0.013, 0.018)
        throat, face, across = rng.uniform(0.05, 0.08), rng.uniform(0.23, 0.28), rng.uniform(0.19, 0.225)
        spread = 0.3 * across
        meet = throat + face / 2 * (1 - np.sqrt(1 - (2 * spread / across) ** 2))
        path = np.array([[-0.010, 0.2 * wide, 0], [0.3 * throat, 0.3 * wide, 0], [meet + 0.002, spread, 0]])
        arm = sweep(path, 0.8 * rim, 0.8 * rim, Z, "soft")
        neck = arm + mirrored(arm) + [block((0.03, 0.7 * wide, 0.7 * rim), (0.0, 0, 0), 0.002)]
        cone = []
    handle = grip(rng, long, wide, rng.uniform(0.85, 1), rng.choice(["octagonal", "soft", "round"]))
    centre = np.array([throat + face / 2, 0, 0])
    ring = ellipse(centre, (face / 2, 0, 0), (0, across / 2, 0), 28)
    deep = rim if style == "badminton" else 1.2 * rim
    head = sweep(ring, deep, 0.8 * rim, Z, "coarse", closed=True)
    string, step = 0.0022, rng.uniform(0.017, 0.023)
    lines = np.arange(-np.floor(0.42 * across / step), 0.42 * across / step)
    for y in lines * step:
        half = face / 2 * np.sqrt(1 - (2 * y / across) ** 2)
        head.append(block((2 * half, string, string), centre + (0, y, 0.0004)))
    lines = np.arange(-np.floor(0.42 * face / step), 0.42 * face / step)
    for x in lines * step:
        half = across / 2 * np.sqrt(1 - (2 * x / face) ** 2)
        head.append(block((string, 2 * half, string), centre + (x, 0, -0.0004)))
    return [part("handle", handle, cone), part("neck", neck), part("head", head)]


def paddle(rng: np.random.Generator) -> list[Part]:
    """Short canoe paddle or toy paddle lying flat."""
    thick, pole = rng.uniform(0.02, 0.029), rng.uniform(0.13, 0.21)
    shaft = rod(
        [(-0.01, 0.95 * thick), (0.5 * pole, thick), (pole + 0.010, thick, 0.85 * thick)],
        rng.choice(["round", "round", "soft"]),
    )
    style = rng.choice(["cross", "pear", "knob"])
    wide = rng.uniform(0.065, 0.105)
    if style == "cross":
        bar = rng.uniform(0.022, 0.03)
        cross = rod(
            smooth(
                [
                    (-wide / 2, 0.6 * bar),
                    (-0.4 * wide, bar),
                    (0, 1.05 * bar),
                    (0.4 * wide, bar),
                    (wide / 2, 0.6 * bar),
                ],
                9,
            ),
            rng.choice(["round", "soft"]),
        )
        handle = moved(moved(cross, turn="z", degrees=90), (-0.3 * bar, 0, 0))
        handle += rod([(-0.3 * bar, 1.15 * thick), (0.03, 1.1 * thick)])
    elif style == "pear":
        deep = rng.uniform(0.055, 0.075)
        handle = rod(
            smooth(
                [
                    (-deep, 0.35 * wide, 0.5 * thick),
                    (-0.85 * deep, 0.75 * wide, 0.9 * thick),
                    (-0.6 * deep, 0.85 * wide, 1.05 * thick),
                    (0.25 * deep, 1.15 * thick, 1.1 * thick),
                ],
                9,
            )
        )
    else:
        ball = rng.uniform(0.034, 0.046)
        long = rng.uniform(0.06, 0.09)
        handle = rod(
            smooth(
                [
                    (-long, 0.5 * ball),
                    (-0.9 * long, 0.9 * ball),
                    (-0.75 * long, ball),
                    (-0.45 * long, 1.2 * thick),
                    (0.02, 1.15 * thick),
                ],
                10,
            )
        )
    length, width = rng.uniform(0.17, 0.25), rng.uniform(0.10, 0.16)
    shoulder, end, plate = rng.uniform(0.25, 0.5), rng.uniform(0.6, 0.95), rng.uniform(0.008, 0.012)
    outline = smooth(
        [
            (0, 1.05 * thick, thick),
            (0.5 * shoulder, 0.6 * width, 0.6 * thick + 0.4 * plate),
            (shoulder, width, plate),
            (0.85, (0.4 + 0.6 * end) * width, plate),
            (0.96, end * 0.75 * width, 0.8 * plate),
            (1, end * 0.45 * width, 0.5 * plate),
        ],
        13,
    )
    face = rod([(pole + x * length, w, h) for x, w, h in outline], rng.choice(["round", "soft", "octagonal"]))
    return [part("handle", handle), part("shaft", shaft), part("blade", face)]


FAMILIES = (
    Family(
        "racket",
        ("racket", "bat", "table tennis bat", "badminton racket"),
        {
            "handle": ("handle", "grip"),
            "neck": ("neck", "throat", "shaft"),
            "head": ("head", "face", "hitting surface"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("neck", "tripod precision lateral", "move hand_over"),
            hold("head", "lateral precision", "hand_over"),
        ),
        racket,
    ),
    Family(
        "paddle",
        ("paddle", "canoe paddle", "oar", "boat paddle"),
        {
            "handle": ("handle", "grip", "top grip"),
            "shaft": ("shaft", "pole", "stick"),
            "blade": ("blade", "flat end", "wide end"),
        },
        (
            hold("handle", "power precision", "use lift"),
            hold("shaft", "power", "use lift hold move"),
            hold("blade", "lateral precision", "hand_over"),
        ),
        paddle,
    ),
)
