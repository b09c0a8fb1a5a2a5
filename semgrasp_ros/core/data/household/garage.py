"""Things from the garage, the garden and the desk; the end that works points to +x."""

import numpy as np

from .family import Family, Part, hold, part
from .kitchen import grip
from .solids import (
    Solids,
    block,
    chain,
    dome,
    ellipse,
    hull,
    lathe,
    mirrored,
    moved,
    rod,
    section,
    shell,
    smooth,
    sweep,
)

Y, Z = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def _slab(rows, top: float = 1.0) -> Solids:
    """Flat bar along x; rows are (x, width, lowest z, highest z), top is its upper over its lower width."""
    return chain(
        [
            np.array([(x, s * w / 2 * f, z) for f, z in ((1.0, low), (top, high)) for s in (-1, 1)])
            for x, w, low, high in rows
        ]
    )


def _loaf(rows, shape: str = "soft") -> Solids:
    """Bar along x of a cross-section; rows are (x, width, lowest z, highest z)."""
    unit = section(shape)
    return chain(
        [
            np.column_stack(
                [np.full(len(unit), x), unit[:, 0] * w / 2, (low + high) / 2 + unit[:, 1] * (high - low) / 2]
            )
            for x, w, low, high in rows
        ]
    )


def _rounded(corners, radius: float) -> np.ndarray:
    """Path through corners (n, 3), each rounded from a distance of radius on."""
    corners = np.asarray(corners, dtype=np.float64)
    path = [corners[0]]
    for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
        start, end = (corner + radius * (p - corner) / np.linalg.norm(p - corner) for p in (before, after))
        path += [(1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * end for t in np.linspace(0, 1, 5)]
    return np.array([*path, corners[-1]])


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
        steel_blade = _slab(
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


def _cube(half: float) -> np.ndarray:
    """Corners (8, 3) of a cube about the origin."""
    return half * np.stack(np.meshgrid(*[(-1, 1)] * 3, indexing="ij"), -1).reshape(-1, 3)


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


def paint_roller(rng: np.random.Generator) -> list[Part]:
    """Paint roller lying flat, the roller across its end."""
    handle = grip(rng, rng.uniform(0.10, 0.14), rng.uniform(0.024, 0.034), rng.uniform(0.8, 1))
    long, thick = rng.uniform(0.09, 0.23), rng.uniform(0.028, 0.056)
    wire = rng.uniform(0.0055, 0.008)
    straight, arm = rng.uniform(0.03, 0.07), rng.uniform(0.05, 0.09) + thick / 2
    side = long / 2 + rng.uniform(0.010, 0.018)
    far = straight + arm
    slant = rng.choice([0.0, 0.0, rng.uniform(0.2, 0.45)]) * arm
    path = _rounded(
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
        middle = _slab(
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
    strip = _slab(
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
    edge = _slab([(length - 0.003, width, 0, 0.9 * wall), (length + lip, 0.985 * width, 0, 0.0012)])
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
        neck = _slab(
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
        path = _rounded(
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


def stapler(rng: np.random.Generator) -> list[Part]:
    """Desk stapler, its mouth at +x a little open."""
    length, width = rng.uniform(0.085, 0.185), rng.uniform(0.03, 0.042)
    sole, high = rng.uniform(0.008, 0.013), rng.uniform(0.016, 0.026)
    rear, front = -length / 2, length / 2
    base = _loaf(
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
    arm = _loaf(
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
    lever = _loaf(
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


_HANDLE = ("handle", "grip", "haft")

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
