"""Electrical and optical things; their length, or where they look, is x."""

import numpy as np

from .family import Family, Part, hold, part
from .solids import block, ellipsoid, hull, lathe, loop, mirrored, moved, rod, smooth, sweep

Y, Z = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def flashlight(rng: np.random.Generator) -> list[Part]:
    """Torch, lying; it shines to +x."""
    length, thick = rng.uniform(0.08, 0.19), rng.uniform(0.022, 0.04)
    head_width = thick * rng.uniform(1.1, 1.7)
    head, tail = rng.uniform(0.028, 0.05), rng.uniform(0.008, 0.02)
    shape = rng.choice(["round", "octagonal", "hexagonal"])
    lamp = [(-0.002, thick), (0.4 * head, head_width), (head, head_width), (head + 0.003, 0.88 * head_width)]
    button = lathe([(0.3 * thick, 0.013), (0.5 * thick + 0.003, 0.011)], "round", (-0.25 * length, 0, 0))
    return [
        part(
            "body",
            rod([(-length, thick), (-0.5 * length, thick * rng.uniform(0.92, 1.02)), (0, thick)], shape),
        ),
        part("head", rod(lamp)),
        part(
            "tail",
            rod(
                [
                    (-length - tail, 0.85 * thick),
                    (-length - 0.7 * tail, 1.06 * thick),
                    (-length + 0.001, 1.06 * thick),
                ]
            ),
        ),
        part("button", button),
    ]


def phone(rng: np.random.Generator) -> list[Part]:
    """Smart phone lying on its back, its long side along x."""
    length, width, thick = rng.uniform(0.125, 0.168), rng.uniform(0.06, 0.078), rng.uniform(0.008, 0.012)
    body = block((length, width, thick), (0, 0, 0), rng.uniform(0.001, 0.003))
    margin = rng.uniform(0.003, 0.009)
    screen = block((length - 2 * margin, width - 1.2 * margin, 0.0016), (0, 0, thick / 2), 0.0004)
    size = rng.uniform(0.016, 0.03)
    at = (length / 2 - size / 2 - 0.008, width / 2 - size / 2 - 0.007, -thick / 2)
    keys = block((rng.uniform(0.014, 0.03), 0.0024, 0.4 * thick), (0.15 * length, width / 2, 0), 0.0008)
    return [
        part("body", body),
        part("screen", screen),
        part("camera", block((size, size * rng.uniform(0.6, 1), 0.003), at, 0.001)),
        part("keys", keys),
    ]


def remote_control(rng: np.random.Generator) -> list[Part]:
    """Remote control with rows of keys."""
    length, width, thick = rng.uniform(0.11, 0.2), rng.uniform(0.035, 0.052), rng.uniform(0.015, 0.025)
    waist = rng.uniform(0.8, 1.0)
    t = np.linspace(-0.5, 0.5, 7)
    shape = rng.choice(["soft", "square"])
    body = rod(
        [
            (x * length, width * (waist + (1 - waist) * (2 * x) ** 2), thick * (1 - 0.5 * (2 * abs(x)) ** 6))
            for x in t
        ],
        shape,
    )
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(3, 7))
    size = 0.55 * width * waist / columns
    keys = [
        block(
            (size, size, 0.4 * thick),
            ((0.6 * r / rows - 0.13) * length, (c - (columns - 1) / 2) * 1.4 * size, 0.3 * thick + 0.0015),
            0.001,
        )
        for r in range(rows)
        for c in range(columns)
    ]
    pad = lathe(
        [(thick / 2 - 0.003, 0.5 * width), (thick / 2 + 0.002, 0.46 * width)], at=(-0.32 * length, 0, 0)
    )
    return [part("body", body), part("keys", keys, pad)]


def computer_mouse(rng: np.random.Generator) -> list[Part]:
    """Mouse whose keys and wheel are at +x."""
    length, width, height = rng.uniform(0.092, 0.125), rng.uniform(0.054, 0.07), rng.uniform(0.03, 0.042)
    peak = rng.uniform(0.35, 0.55)
    profile = smooth(
        [(0, 0.55, 0.35), (0.08, 0.8, 0.6), (peak, 0.97, 1), (0.8, 1, 0.72), (1, 0.75, 0.35)], 11
    )
    profile[:, 1] *= width
    rings = []
    turn = np.linspace(0, np.pi, 9)
    for x, w, h in profile:
        ring = np.column_stack(
            [np.full(9, x * length), np.cos(turn) * w / 2, np.sin(turn) ** 0.8 * h * height]
        )
        rings.append(np.vstack([ring, ring[[0, -1]] + (0, 0, -0.004)]))
    from_key = 6
    body = [hull(a, b) for a, b in zip(rings[:from_key], rings[1 : from_key + 1], strict=True)]
    low = [
        hull(a * (1, 1, 0.6), b * (1, 1, 0.6))
        for a, b in zip(rings[from_key:-1], rings[from_key + 1 :], strict=True)
    ]
    keys = []
    for a, b in zip(rings[from_key:-1], rings[from_key + 1 :], strict=True):
        left = [np.clip(ring[:9], (-1, 0.0012, 0), (1, 1, 1)) for ring in (a, b)]
        keys.append(hull(*left, *[ring - (0, 0, 0.45 * height * 0.4) for ring in left]))
    x = 0.8 * length
    z = float(np.interp(0.8, profile[:, 0], profile[:, 2])) * height
    wheel = moved(lathe([(-0.0035, 0.02), (0.0035, 0.02)]), turn="x", degrees=90)
    return [
        part("body", body, low),
        part("buttons", keys, mirrored(keys)),
        part("wheel", moved(wheel, (x, 0, z - 0.006))),
    ]


def headphones(rng: np.random.Generator) -> list[Part]:
    """Headphones standing on their cups; the band spans x."""
    inner, height = rng.uniform(0.125, 0.155), rng.uniform(0.15, 0.19)
    band, strip = rng.uniform(0.018, 0.032), rng.uniform(0.006, 0.011)
    cup, depth = rng.uniform(0.06, 0.085), rng.uniform(0.028, 0.042)
    half = inner / 2 + 0.5 * depth
    z = 0.5 * cup
    path = loop(
        (half, 0, z + 0.25 * cup),
        (-half, 0, z + 0.25 * cup),
        (0, 0, height - z - 0.25 * cup),
        rng.uniform(2, 2.6),
        15,
    )
    tall = rng.uniform(1.0, 1.25)
    shell_ = rod(
        [
            (-0.5 * depth, 0.92 * cup, 0.92 * cup * tall),
            (-0.1 * depth, cup, cup * tall),
            (0.25 * depth, cup, cup * tall),
            (0.5 * depth, 0.7 * cup, 0.7 * cup * tall),
        ],
        at=(half, 0, z),
    )
    pad = rod(
        [(-0.5 * depth - 0.012, 0.82 * cup, 0.82 * cup * tall), (-0.45 * depth, 0.9 * cup, 0.9 * cup * tall)],
        at=(half, 0, z),
    )
    return [
        part("headband", sweep(path, band, strip, Y, "soft")),
        part("ear_cups", shell_, mirrored(shell_, 0)),
        part("cushions", pad, mirrored(pad, 0)),
    ]


def light_bulb(rng: np.random.Generator) -> list[Part]:
    """Light bulb, lying; its screw base points to -x."""
    width, base = rng.uniform(0.045, 0.08), rng.uniform(0.022, 0.028)
    neck, length = rng.uniform(0.02, 0.035), width * rng.uniform(0.9, 1.15)
    profile = smooth(
        [
            (0, base * 1.05),
            (neck, base * rng.uniform(1.15, 1.4)),
            (neck + 0.45 * length, width),
            (neck + 0.78 * length, 0.8 * width),
            (neck + 0.95 * length, 0.4 * width),
            (neck + length, 0.08 * width),
        ],
        13,
    )
    screw = rng.uniform(0.02, 0.027)
    rings = [(-x * screw, base * (1.0 if k % 2 else 0.92)) for k, x in enumerate(np.linspace(1, 0, 7))]
    cap = [(-screw - 0.007, 0.35 * base), (-screw, 0.85 * base)]
    return [
        part("glass", rod(profile)),
        part("base", rod([(x, w) for x, w in rings[:-1]] + [(0.001, base * 0.95)]), rod(cap)),
    ]


def binoculars(rng: np.random.Generator) -> list[Part]:
    """Binoculars, lying; they look to +x."""
    length, front = rng.uniform(0.075, 0.13), rng.uniform(0.036, 0.056)
    apart = front * rng.uniform(1.12, 1.3)
    narrow = front * rng.uniform(0.72, 0.9)
    barrel = rod(
        [
            (-0.5 * length, narrow),
            (0.05 * length, narrow * 1.02),
            (0.3 * length, front),
            (0.5 * length, front),
        ],
        "round",
        (0, apart / 2, 0),
    )
    eye, eye_width = rng.uniform(0.016, 0.028), narrow * rng.uniform(0.75, 0.95)
    cup = rod(
        [
            (-0.5 * length - eye, eye_width),
            (-0.5 * length - 0.3 * eye, eye_width),
            (-0.5 * length + 0.002, 0.85 * eye_width),
        ],
        "round",
        (0, apart / 2, 0),
    )
    bridge = block((0.45 * length, apart * 0.7, 0.5 * narrow), (-0.12 * length, 0, 0), 0.004)
    wheel = rod([(-0.28 * length, 0.02), (-0.05 * length, 0.02)], "octagonal", (0, 0, 0.32 * narrow))
    return [
        part("barrels", barrel, mirrored(barrel)),
        part("eyepieces", cup, mirrored(cup)),
        part("bridge", bridge),
        part("focus_wheel", wheel),
    ]


def camera(rng: np.random.Generator) -> list[Part]:
    """Camera with a lens and a grip; it looks to +x."""
    width, height, depth = rng.uniform(0.10, 0.14), rng.uniform(0.065, 0.09), rng.uniform(0.03, 0.045)
    body = block((depth, width, height), (0, 0, height / 2), 0.006)
    lens_width, lens = min(rng.uniform(0.055, 0.075), 0.92 * height), rng.uniform(0.03, 0.09)
    steps = [
        (depth / 2 - 0.003, 0.95 * lens_width),
        (depth / 2 + 0.5 * lens, 0.95 * lens_width),
        (depth / 2 + 0.5 * lens, lens_width),
        (depth / 2 + lens, lens_width * rng.uniform(0.88, 1)),
    ]
    y = rng.uniform(0.02, 0.1) * width
    steps[2] = (steps[2][0] + 0.002, steps[2][1])
    tube = rod(steps, "round", (0, y, height * 0.48))
    out = rng.uniform(0.012, 0.02)
    grip = block((depth + out, 0.026, height * 0.94), (out / 2, -width / 2 + 0.012, height * 0.47), 0.008)
    hump = lathe(
        [
            (height - 0.003, 0.8 * depth, 0.3 * width),
            (height + rng.uniform(0.01, 0.02), 0.55 * depth, 0.2 * width),
        ],
        "square",
        (0, y, 0),
    )
    button = lathe([(height * 0.93, 0.013), (height + 0.003, 0.012)], at=(out * 0.6, -width / 2 + 0.013, 0))
    return [
        part("body", body),
        part("lens", tube),
        part("grip", grip),
        part("viewfinder", hump),
        part("shutter", button),
    ]


def iron(rng: np.random.Generator) -> list[Part]:
    """Clothes iron on its sole; its point is at +x."""
    length, width, height = rng.uniform(0.2, 0.27), rng.uniform(0.095, 0.125), rng.uniform(0.045, 0.06)
    t = np.array([-0.5, -0.45, 0.05, 0.3, 0.45, 0.5])
    outline = width * np.array([0.8, 0.95, 1.0, 0.62, 0.24, 0.04])
    sole = [(x * length, w, 0.008) for x, w in zip(t, outline, strict=True)]
    plate = rod(sole, "square", (0, 0, 0.004))
    rings = []
    for x, w in zip(t * 0.96, outline * 0.9, strict=True):
        high = height * (1 - 0.45 * max(0.0, 2 * x) ** 1.5)
        rings.append(
            np.array(
                [
                    (x * length, s * w * f / 2, z)
                    for s in (-1, 1)
                    for f, z in ((1, 0.007), (0.95, 0.4 * height), (0.6, high))
                ]
            )
        )
    body = [hull(a, b) for a, b in zip(rings[:-1], rings[1:], strict=True)]
    thick = rng.uniform(0.024, 0.034)
    reach = rng.uniform(0.062, 0.08)
    path = loop(
        (0.22 * length, 0, 0.75 * height),
        (-0.4 * length, 0, 0.75 * height),
        (0, 0, reach),
        rng.uniform(3, 4.5),
        12,
    )
    dial = lathe([(0.7 * height, 0.032), (height + 0.004, 0.028)], at=(-0.05 * length, 0, 0))
    return [
        part("handle", sweep(path, thick * 1.1, thick, Y)),
        part("body", body),
        part("soleplate", plate),
        part("dial", dial),
    ]


def hair_dryer(rng: np.random.Generator) -> list[Part]:
    """Hair dryer lying on its side: it blows to +x, the handle points to -y."""
    length, width = rng.uniform(0.12, 0.18), rng.uniform(0.062, 0.085)
    back = rng.uniform(0.85, 1.05)
    barrel = rod(
        smooth(
            [
                (-0.5 * length, 0.6 * width),
                (-0.4 * length, back * width),
                (0.1 * length, 0.95 * width),
                (0.5 * length, 0.68 * width),
            ],
            8,
        )
    )
    mouth = rng.uniform(0.03, 0.05)
    nozzle = rod(
        [
            (0.5 * length - 0.003, 0.71 * width),
            (0.5 * length + 0.4 * mouth, 0.72 * width),
            (0.5 * length + mouth, 0.95 * width, 0.25 * width),
        ]
    )
    tall, thick, lean = rng.uniform(0.10, 0.13), rng.uniform(0.03, 0.04), rng.uniform(-0.01, 0.03)
    t = np.linspace(0, 1, 6)
    path = np.column_stack([-0.15 * length + lean * t, -0.3 * width - (tall + 0.15 * width) * t, 0 * t])
    handle = sweep(
        path,
        thick * 0.95,
        thick * np.interp(t, [0, 0.3, 0.9, 1], [1.25, 1.05, 1, 0.8]),
        Z,
        rng.choice(["coarse", "soft"]),
    )
    at = path[2] + (0.48 * thick, 0, 0)
    switch = block((0.010, 0.028, 0.012), at, 0.002)
    return [part("handle", handle), part("body", barrel), part("nozzle", nozzle), part("switch", switch)]


def game_controller(rng: np.random.Generator) -> list[Part]:
    """Game controller lying flat: two grips towards -y."""
    width, depth, high = rng.uniform(0.085, 0.105), rng.uniform(0.05, 0.062), rng.uniform(0.026, 0.034)
    body = block((width, depth, high), (0, 0, 0), 0.010)
    reach, thick, out = rng.uniform(0.055, 0.075), rng.uniform(0.036, 0.044), rng.uniform(0.012, 0.026)
    t = np.linspace(0, 1, 6)
    path = np.column_stack([width / 2 - 0.006 + out * t, 0.005 - reach * t, -0.004 * t])
    taper = np.interp(t, [0, 0.4, 0.85, 1], [1.15, 1, 0.8, 0.5])
    horn = sweep(path, 0.8 * thick * taper, thick * taper, Z)
    stick = lathe([(0.4 * high, 0.010), (0.5 * high + 0.007, 0.009)]) + lathe(
        [(0.5 * high + 0.006, 0.017), (0.5 * high + 0.010, 0.016)]
    )
    sticks = [moved(stick, (s * 0.22 * width, -0.18 * depth, 0)) for s in (-1, 1)]
    keys = [
        lathe(
            [(0.2 * high, 0.009), (0.5 * high + 0.003, 0.008)],
            at=(0.25 * width + dx * 0.0085, 0.12 * depth + dy * 0.0085, 0),
        )
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    return [
        part("grips", horn, mirrored(horn, 0)),
        part("body", body),
        part("sticks", *sticks),
        part("buttons", *keys),
    ]


def microphone(rng: np.random.Generator) -> list[Part]:
    """Hand microphone, lying; its head is at +x."""
    length, thick = rng.uniform(0.12, 0.18), rng.uniform(0.024, 0.032)
    end = thick * rng.uniform(0.7, 0.9)
    ball, tall = rng.uniform(0.044, 0.056), rng.uniform(0.95, 1.15)
    collar = rod([(-0.004, 1.1 * thick), (0.004, 0.75 * ball), (0.012, 0.75 * ball)])
    button = lathe(
        [(0.4 * thick, 0.010, 0.007), (0.5 * thick + 0.002, 0.009, 0.006)], "soft", (-0.25 * length, 0, 0)
    )
    return [
        part("handle", rod([(-length, 0.9 * end), (-length + 0.004, end), (0, thick * 1.1)])),
        part("head", ellipsoid((ball * tall, ball, ball), (0.008 + 0.45 * ball * tall, 0, 0)), collar),
        part("switch", button),
    ]


FAMILIES = (
    Family(
        "flashlight",
        ("flashlight", "torch", "pocket lamp"),
        {
            "body": ("body", "handle", "tube", "grip"),
            "head": ("head", "lamp", "lens"),
            "tail": ("tail", "tail cap", "end"),
            "button": ("button", "switch"),
        },
        (
            hold("body", "power precision", "use lift hold"),
            hold("head", "power tripod precision", "hand_over move"),
            hold("tail", "tripod precision", "open"),
        ),
        flashlight,
    ),
    Family(
        "phone",
        ("phone", "smartphone", "mobile phone", "cell phone"),
        {
            "body": ("body", "sides", "edges", "back"),
            "screen": ("screen", "display", "glass"),
            "camera": ("camera", "lens"),
            "keys": ("keys", "side buttons"),
        },
        (hold("body", "power precision lateral", "use lift hold hand_over move"),),
        phone,
    ),
    Family(
        "remote_control",
        ("remote control", "remote", "TV remote"),
        {"body": ("body", "sides", "back"), "keys": ("keys", "buttons", "keypad")},
        (hold("body", "power precision lateral", "use lift hold hand_over move"),),
        remote_control,
    ),
    Family(
        "computer_mouse",
        ("computer mouse", "mouse"),
        {
            "body": ("body", "back", "shell"),
            "buttons": ("buttons", "keys", "front"),
            "wheel": ("wheel", "scroll wheel"),
        },
        (
            hold("body", "power precision", "use move hold lift"),
            hold("buttons", "precision tripod", "hand_over"),
        ),
        computer_mouse,
    ),
    Family(
        "headphones",
        ("headphones", "headset", "earphones"),
        {
            "headband": ("headband", "band", "bow"),
            "ear_cups": ("ear cups", "cups", "earpieces"),
            "cushions": ("cushions", "ear pads", "pads"),
        },
        (
            hold("headband", "hook power precision", "lift move hand_over hold"),
            hold("ear_cups", "power precision", "use open"),
        ),
        headphones,
    ),
    Family(
        "light_bulb",
        ("light bulb", "bulb", "lamp"),
        {"glass": ("glass", "globe", "round part"), "base": ("base", "screw base", "socket end", "thread")},
        (
            hold("glass", "power precision tripod", "use lift hold"),
            hold("base", "precision tripod", "hand_over move"),
        ),
        light_bulb,
    ),
    Family(
        "binoculars",
        ("binoculars", "field glasses", "pair of binoculars"),
        {
            "barrels": ("barrels", "tubes", "sides"),
            "eyepieces": ("eyepieces", "oculars", "eye cups"),
            "bridge": ("bridge", "middle", "hinge"),
            "focus_wheel": ("focus wheel", "focus knob", "wheel"),
        },
        (
            hold("barrels", "power precision", "use lift hold hand_over"),
            hold("bridge", "precision", "move"),
            hold("eyepieces", "precision tripod", "move"),
        ),
        binoculars,
    ),
    Family(
        "camera",
        ("camera", "photo camera", "digital camera"),
        {
            "body": ("body", "housing", "back"),
            "lens": ("lens", "objective"),
            "grip": ("grip", "hand grip", "handle"),
            "viewfinder": ("viewfinder", "hump", "top"),
            "shutter": ("shutter", "shutter button", "release"),
        },
        (
            hold("grip", "power", "use lift hold"),
            hold("body", "power precision lateral", "move hand_over"),
            hold("lens", "power precision", "hand_over open"),
        ),
        camera,
    ),
    Family(
        "iron",
        ("iron", "clothes iron", "steam iron"),
        {
            "handle": ("handle", "grip"),
            "body": ("body", "housing"),
            "soleplate": ("soleplate", "sole", "hot plate"),
            "dial": ("dial", "knob", "temperature dial"),
        },
        (hold("handle", "power hook", "use lift move hand_over"),),
        iron,
    ),
    Family(
        "hair_dryer",
        ("hair dryer", "blow dryer", "hairdryer"),
        {
            "handle": ("handle", "grip"),
            "body": ("body", "barrel", "housing"),
            "nozzle": ("nozzle", "mouth", "front"),
            "switch": ("switch", "button"),
        },
        (
            hold("handle", "power", "use lift hold"),
            hold("body", "power", "hand_over move"),
            hold("nozzle", "precision tripod", "open"),
        ),
        hair_dryer,
    ),
    Family(
        "game_controller",
        ("game controller", "gamepad", "controller"),
        {
            "grips": ("grips", "handles", "horns"),
            "body": ("body", "middle", "housing"),
            "sticks": ("sticks", "thumb sticks", "joysticks"),
            "buttons": ("buttons", "keys"),
        },
        (
            hold("grips", "power", "use lift hold"),
            hold("body", "precision lateral power", "hand_over move"),
        ),
        game_controller,
    ),
    Family(
        "microphone",
        ("microphone", "mic", "hand microphone"),
        {
            "handle": ("handle", "body", "grip"),
            "head": ("head", "grille", "ball"),
            "switch": ("switch", "button"),
        },
        (
            hold("handle", "power precision", "use lift hold"),
            hold("head", "power tripod", "hand_over move"),
        ),
        microphone,
    ),
)
