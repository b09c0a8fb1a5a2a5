"""Things to paint, wipe and sweep with; the end that works points to +x."""

import numpy as np

from .family import Family, Part, hold, part
from .kitchen import grip
from .shapes import rounded, slab
from .solids import chain, ellipse, hull, moved, rod, sweep

Y = (0.0, 1.0, 0.0)
Z = (0.0, 0.0, 1.0)
_HANDLE = ("handle", "grip", "haft")


def paint_roller(rng: np.random.Generator) -> list[Part]:
    """Paint roller lying flat, the roller across its end."""
    handle = grip(rng, rng.uniform(0.10, 0.14), rng.uniform(0.024, 0.034), rng.uniform(0.8, 1))
    long, thick = rng.uniform(0.09, 0.23), rng.uniform(0.028, 0.056)
    wire = rng.uniform(0.0055, 0.008)
    straight, arm = rng.uniform(0.03, 0.07), rng.uniform(0.05, 0.09) + thick / 2
    side = long / 2 + rng.uniform(0.010, 0.018)
    far = straight + arm
    slant = rng.choice([0.0, 0.0, rng.uniform(0.2, 0.45)]) * arm
    path = rounded(
        [
            (-0.015, 0, 0),
            (straight, 0, 0),
            (straight + slant, side, 0),
            (far, side, 0),
            (far, 0.3 * long, 0),
        ],
        rng.uniform(0.009, 0.014),
    )
    ends = rng.uniform(0.85, 0.97)
    roll = [
        (-long / 2, ends * thick),
        (-long / 2 + 0.004, thick),
        (long / 2 - 0.004, thick),
        (long / 2, ends * thick),
    ]
    hub = [(long / 2 - 0.002, 0.5 * thick), (long / 2 + 0.003, 0.45 * thick)]
    return [
        part("handle", handle),
        part("frame", sweep(path, wire, wire, Z)),
        part("roller", moved(moved(rod(roll) + rod(hub), turn="z", degrees=90), (far, 0, 0))),
    ]


def squeegee(rng: np.random.Generator) -> list[Part]:
    """Window or shower squeegee: a rubber blade in a bar across the end of a handle."""
    thick, flat = rng.uniform(0.022, 0.032), rng.uniform(0.6, 0.95)
    handle = grip(rng, rng.uniform(0.10, 0.15), thick, flat)
    neck, width = rng.uniform(0.03, 0.07), rng.uniform(0.14, 0.32)
    bar, high = rng.uniform(0.014, 0.026), rng.uniform(0.010, 0.018)
    drop = rng.uniform(0, 0.018)
    if rng.random() < 0.5:  # A triangle that widens to the bar
        wide = width * rng.uniform(0.2, 0.55)
        middle = slab(
            [
                (-0.008, 0.5 * thick, -0.16 * thick, 0.16 * thick),
                (0.4 * neck, 0.9 * thick, -0.5 * drop - 0.006, 0.006 - 0.5 * drop),
                (neck + 0.3 * bar, wide, -drop - 0.3 * high, 0.3 * high - drop),
            ],
            0.9,
        )
    else:
        path = np.array([[-0.008, 0, 0], [0.4 * neck, 0, -0.3 * drop], [neck + 0.3 * bar, 0, -drop]])
        middle = sweep(path, thick * np.array([0.7, 0.6, 0.9]), 0.7 * high, Y, "soft")
    ends = [(-width / 2, bar, 0.9 * high), (width / 2, bar, 0.9 * high)]
    head = rod(
        [ends[0], (0, bar * rng.uniform(1, 1.25), high), ends[1]], rng.choice(["soft", "square", "octagonal"])
    )
    centre = neck + bar / 2
    reach, rubber = rng.uniform(0.014, 0.026), rng.uniform(0.003, 0.0045)
    front = centre + bar / 2
    strip = slab(
        [
            (front - 0.006, width * 0.99, -rubber / 2 - drop, rubber / 2 - drop),
            (front + reach, width * 0.99, -rubber * 0.25 - drop, rubber * 0.25 - drop),
        ]
    )
    return [
        part("handle", handle),
        part("neck", middle),
        part("head", moved(moved(head, turn="z", degrees=90), (centre, 0, -drop))),
        part("blade", strip),
    ]


def dustpan(rng: np.random.Generator) -> list[Part]:
    """Dustpan on its floor; it opens to +x, the handle points to -x."""
    length, width = rng.uniform(0.13, 0.21), rng.uniform(0.17, 0.27)
    high, wall = rng.uniform(0.032, 0.06), rng.uniform(0.003, 0.0045)
    front, fall = rng.uniform(0.15, 0.6), rng.uniform(1.0, 2.5)
    turn = np.linspace(-np.pi / 2, np.pi / 2, 13)
    power = 2 / rng.uniform(2.8, 7)
    unit = np.column_stack(
        [1 - np.abs(np.cos(turn)) ** power, np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** power]
    )
    unit[[0, -1], 0] = 1.0
    narrow = rng.uniform(0.75, 1.0)
    unit[:, 1] *= narrow + (1 - narrow) * unit[:, 0]
    outer = unit * (length, width / 2)
    inner = wall * np.array([1, 0]) + unit * (length - wall, width / 2 - wall)
    posts = []
    for a, b, x in zip(outer, inner, unit[:, 0], strict=True):
        top = high * (1 - (1 - front) * x**fall)
        posts.append(np.array([(*p, z) for p in (a, b) for z in (0, top)]))
    middle = 0.5 * (outer + inner)
    floor = hull(*[np.column_stack([middle, np.full(len(middle), z)]) for z in (0.0003, wall)])
    lip = rng.uniform(0.010, 0.02)
    edge = slab([(length - 0.003, width, 0, 0.9 * wall), (length + lip, 0.985 * width, 0, 0.0012)])
    reach, thick = rng.uniform(0.10, 0.14), rng.uniform(0.014, 0.022)
    wide = thick * rng.uniform(1.1, 1.7)
    at, rise = rng.uniform(0.5, 0.75) * high, rng.uniform(0.0, 0.04)
    t = np.linspace(0, 1, 9)
    path = np.column_stack([0.6 * wall - (reach + wall) * t, 0 * t, at + rise * t**1.5])
    swell = np.interp(t, [0, 0.15, 0.6, 0.93, 1], [rng.uniform(1, 1.5), 0.85, 1, 0.95, 0.6])
    held = sweep(
        path,
        wide * swell,
        thick * np.interp(t, [0, 0.93, 1], [1, 0.95, 0.6]),
        Y,
        rng.choice(["soft", "coarse", "square"]),
    )
    if rng.random() < 0.4:
        radius = rng.uniform(0.012, 0.016)
        ring = ellipse(path[-1] - (radius - 0.004, 0, 0), (radius, 0, 0), (0, radius, 0), 12)
        held += sweep(ring, 0.5 * thick, 0.006, Z, "soft", closed=True)
    return [
        part("handle", held),
        part("body", chain(posts), floor),
        part("rim", edge),
    ]


FAMILIES = (
    Family(
        "paint_roller",
        ("paint roller", "wall roller", "decorator's roller"),
        {
            "handle": _HANDLE,
            "frame": ("frame", "wire", "wire arm", "bracket"),
            "roller": ("roller", "sleeve", "roll", "cylinder"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("frame", "precision tripod lateral", "move hand_over"),
            hold("roller", "power precision", "hand_over open"),
        ),
        paint_roller,
    ),
    Family(
        "squeegee",
        ("squeegee", "window wiper", "window squeegee", "shower wiper"),
        {
            "handle": _HANDLE,
            "neck": ("neck", "joint", "throat"),
            "head": ("head", "bar", "cross bar", "channel"),
            "blade": ("blade", "rubber", "rubber lip"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("head", "precision lateral power", "hand_over move"),
            hold("neck", "precision", "move"),
        ),
        squeegee,
    ),
    Family(
        "dustpan",
        ("dustpan", "dust pan", "sweeping pan", "dirt shovel"),
        {
            "handle": ("handle", "grip"),
            "body": ("body", "pan", "tray", "scoop"),
            "rim": ("rim", "lip", "front edge"),
        },
        (
            hold("handle", "power", "use lift hold pour"),
            hold("rim", "lateral precision", "hand_over move"),
        ),
        dustpan,
    ),
)
