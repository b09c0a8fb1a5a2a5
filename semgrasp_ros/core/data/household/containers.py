"""Closed containers: bottles, jars, cans, boxes, and what sprays or pumps."""

import numpy as np

from .family import Family, Part, hold, part
from .solids import block, dome, lathe, loop, rod, smooth, sweep

Y, Z = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


def bottle(rng: np.random.Generator) -> list[Part]:
    """Upright bottle with shoulder, neck and cap."""
    width, height = rng.uniform(0.05, 0.088), rng.uniform(0.13, 0.3)
    neck, cap = rng.uniform(0.024, 0.034), rng.uniform(0.014, 0.028)
    shoulder = height * rng.uniform(0.5, 0.75)
    waist = width * rng.uniform(0.85, 1.0)
    body = smooth(
        [(0, 0.92 * width), (0.06 * shoulder, width), (0.5 * shoulder, waist), (shoulder, width)], 7
    )
    neck_from = shoulder + (height - shoulder) * rng.uniform(0.35, 0.6)
    rise = smooth(
        [(shoulder, width), ((shoulder + neck_from) / 2, 0.5 * (width + neck)), (neck_from, neck)], 5
    )
    shape, flat = rng.choice(["round", "round", "soft", "square", "octagonal"]), rng.uniform(0.65, 1.0)
    flat = 1.0 if rng.random() < 0.5 else flat
    slim = [
        (z, w, w * (1 - (1 - flat) * (w - neck) / (width - neck))) for z, w in np.vstack([body, rise[1:]])
    ]
    top = height + cap
    return [
        part("body", lathe(slim, shape)),
        part("neck", lathe([(neck_from - 0.002, neck * 0.98), (height, neck * 0.98)])),
        part("cap", lathe([(height - 0.004, neck * 1.12), (top - 0.003, neck * 1.12), (top, neck)])),
    ]


def spray_bottle(rng: np.random.Generator) -> list[Part]:
    """Trigger spray: a body, a slim neck, a head with a trigger and a nozzle towards -x."""
    width, height = rng.uniform(0.06, 0.09), rng.uniform(0.12, 0.18)
    neck = rng.uniform(0.026, 0.034)
    neck_height = rng.uniform(0.035, 0.055)
    depth = rng.uniform(0.6, 0.95)
    shape = rng.choice(["round", "soft", "square"])
    waist = rng.uniform(0.7, 1)
    body = smooth(
        [(0, width), (0.55 * height, width), (0.82 * height, waist * width), (height, 1.15 * neck)], 8
    )
    slim = [(z, w, max(w * depth, 1.1 * neck)) for z, w in body]
    top = height + neck_height
    collar = lathe([(height + 0.2 * neck_height, neck * 1.2), (height + 0.7 * neck_height, neck * 1.2)])
    head_length, head_height = rng.uniform(0.07, 0.095), rng.uniform(0.022, 0.032)
    head_width = rng.uniform(0.02, 0.03)
    z = top + head_height / 2 - 0.003
    front = -0.62 * head_length
    head = rod(
        [
            (front, head_width * 0.8, head_height * 0.7),
            (front + 0.3 * head_length, head_width, head_height),
            (front + 0.85 * head_length, head_width, head_height),
            (front + head_length, head_width * 0.7, head_height * 0.45),
        ],
        "soft",
        (0, 0, z),
    )
    nozzle = rod([(front - 0.014, 0.013), (front + 0.003, 0.016)], rng.choice(["round", "square"]), (0, 0, z))
    drop, lean = rng.uniform(0.04, 0.055), rng.uniform(0.002, 0.014)
    at = front + 0.2 * head_length
    curve = np.array(
        [[at, 0, z], [at - 0.2 * lean, 0, z - 0.35 * drop], [at, 0, z - 0.7 * drop], [at - lean, 0, z - drop]]
    )
    trigger = sweep(curve, rng.uniform(0.011, 0.016), 0.006, Y, "soft")
    return [
        part("body", lathe(slim, shape)),
        part("neck", lathe([(height - 0.002, neck), (top + 0.004, neck)]), collar),
        part("head", head),
        part("trigger", trigger),
        part("nozzle", nozzle),
    ]


def lotion_pump(rng: np.random.Generator) -> list[Part]:
    """Dispenser with a pump whose spout points to -x."""
    width, height = rng.uniform(0.055, 0.085), rng.uniform(0.09, 0.17)
    neck = rng.uniform(0.024, 0.034)
    shape, depth = rng.choice(["round", "soft", "square", "hexagonal"]), rng.uniform(0.65, 1.0)
    shoulder = height * rng.uniform(0.8, 0.93)
    body = [(0, 0.95 * width), (0.008, width), (shoulder, width), (height, 1.1 * neck)]
    slim = [(z, w, max(w * depth, 1.1 * neck)) for z, w in body]
    collar, stalk = rng.uniform(0.014, 0.022), rng.uniform(0.022, 0.04)
    top = height + collar + stalk
    head = rng.uniform(0.022, 0.032)
    reach = rng.uniform(0.032, 0.05)
    spout = np.array(
        [[-0.2 * head, 0, top + 0.004], [-0.7 * reach, 0, top + 0.005], [-reach, 0, top - 0.003]]
    )
    return [
        part("body", lathe(slim, shape)),
        part(
            "collar",
            lathe([(height - 0.002, 1.2 * neck), (height + collar, 1.15 * neck)]),
            lathe([(height + collar - 0.002, 0.011), (top + 0.002, 0.011)]),
        ),
        part("pump", lathe([(top - 0.003, head * 0.8), (top + 0.004, head), (top + 0.011, 0.85 * head)])),
        part("spout", sweep(spout, (0.014, 0.012, 0.009), (0.01, 0.009, 0.008), Y, "soft")),
    ]


def jar(rng: np.random.Generator) -> list[Part]:
    """Jar with a screw lid."""
    width, height = rng.uniform(0.055, 0.095), rng.uniform(0.05, 0.15)
    mouth, cap = width * rng.uniform(0.75, 0.97), rng.uniform(0.012, 0.024)
    belly = rng.uniform(0.98, 1.06)
    profile = smooth(
        [(0, 0.9 * width), (0.1 * height, width), (0.5 * height, belly * width), (height, 0.93 * mouth)], 8
    )
    shape = rng.choice(["round", "round", "soft", "hexagonal", "octagonal"])
    squash = [(z, w, w) for z, w in profile]
    lid = lathe([(height - 0.003, mouth), (height + 0.85 * cap, mouth), (height + cap, mouth * 0.93)])
    return [part("body", lathe(squash, shape)), part("lid", lid)]


def can(rng: np.random.Generator) -> list[Part]:
    """Food tin or drink can."""
    width, height = rng.uniform(0.052, 0.092), rng.uniform(0.05, 0.17)
    neck = rng.uniform(0.8, 1.0)
    edge = rng.uniform(0.004, 0.008)
    side = [(0, 0.9 * width), (0.03 * height, width), (0.93 * height, width), (height, neck * width)]
    lid_width = neck * width * 1.02
    lid = lathe(
        [(height - 0.001, lid_width), (height + edge, lid_width), (height + edge + 0.001, 0.9 * lid_width)]
    )
    tab_at = (0.15 * lid_width, 0, height + edge + 0.0015)
    tab = block((0.026, 0.015, 0.0025), tab_at, 0.001)
    return [part("body", lathe(side)), part("lid", lid), part("tab", tab)]


def box(rng: np.random.Generator) -> list[Part]:
    """Cardboard or gift box with a lid that reaches over its sides."""
    length, depth = rng.uniform(0.08, 0.24), rng.uniform(0.045, 0.09)
    height = rng.uniform(0.035, 0.2)
    lid, over = rng.uniform(0.012, 0.3) * height + 0.008, rng.uniform(0.001, 0.004)
    bevel = rng.uniform(0, 0.004)
    body = block((length, depth, height), (0, 0, height / 2), bevel)
    top = block((length + 2 * over, depth + 2 * over, lid), (0, 0, height - lid / 2 + over), bevel)
    return [part("body", body), part("lid", top)]


def carton(rng: np.random.Generator) -> list[Part]:
    """Milk or juice carton with a gable top and a screw cap."""
    width, depth = rng.uniform(0.06, 0.095), rng.uniform(0.055, 0.088)
    height, gable = rng.uniform(0.10, 0.22), rng.uniform(0.025, 0.04)
    fin = rng.uniform(0.010, 0.018)
    body = block((width, depth, height), (0, 0, height / 2), 0.002)
    roof = lathe(
        [(height - 0.001, width * 1.04, depth * 1.04), (height + gable, width * 1.04, 0.008)], "square"
    )
    ridge = block((width * 0.98, 0.007, fin), (0, 0, height + gable + fin / 2 - 0.002), 0.001)
    cap_width, cap = rng.uniform(0.022, 0.03), rng.uniform(0.012, 0.018)
    at = np.array([0, -0.27 * depth, height + 0.5 * gable])
    slope = np.array([0, -gable, depth / 2]) / np.hypot(gable, depth / 2)
    screw = sweep(np.array([at - 0.008 * slope, at + cap * slope]), cap_width, cap_width, (1, 0, 0), "round")
    return [part("body", body), part("gable", roof, ridge), part("cap", screw)]


def tube(rng: np.random.Generator) -> list[Part]:
    """Toothpaste or cream tube, lying, the cap towards +x."""
    length, width = rng.uniform(0.09, 0.17), rng.uniform(0.03, 0.05)
    cap, cap_width = rng.uniform(0.016, 0.03), width * rng.uniform(0.45, 0.85)
    body = smooth(
        [(0, 1.25 * width, 0.003), (0.4 * length, 1.15 * width, 0.6 * width), (length, width, width)], 7
    )
    shoulder = [(length, width), (length + 0.008, 0.6 * cap_width)]
    end = length + 0.006
    shape = rng.choice(["round", "octagonal", "hexagonal"])
    return [
        part("body", rod(body), rod(shoulder)),
        part("cap", rod([(end, cap_width), (end + cap, cap_width * rng.uniform(0.8, 1))], shape)),
    ]


def toolbox(rng: np.random.Generator) -> list[Part]:
    """Toolbox or cash box carried by a handle on its lid."""
    length, depth, height = rng.uniform(0.22, 0.4), rng.uniform(0.11, 0.19), rng.uniform(0.09, 0.16)
    split = height * rng.uniform(0.55, 0.8)
    body = lathe([(0, 0.96 * length, 0.94 * depth), (split, length, depth)], "square")
    lid = lathe(
        [(split, length * 1.01, depth * 1.03), (height, 0.97 * length, depth * rng.uniform(0.6, 0.95))],
        "square",
    )
    half, thick = rng.uniform(0.055, 0.07), rng.uniform(0.014, 0.024)
    path = loop(
        (half, 0, height - 0.004), (-half, 0, height - 0.004), (0, 0, rng.uniform(0.045, 0.06)), 4, 11
    )
    latch = [block((0.024, 0.008, 0.03), (s * 0.3 * length, -0.5 * depth, split), 0.002) for s in (-1, 1)]
    return [
        part("body", body),
        part("lid", lid),
        part("handle", sweep(path, thick * rng.uniform(1, 1.4), thick, Y, rng.choice(["coarse", "soft"]))),
        part("latches", latch),
    ]


def shaker(rng: np.random.Generator) -> list[Part]:
    """Salt, pepper or spice shaker with a domed top."""
    width, height = rng.uniform(0.032, 0.055), rng.uniform(0.05, 0.11)
    waist, cap = rng.uniform(0.65, 1.0), rng.uniform(0.014, 0.03)
    shape = rng.choice(["round", "square", "hexagonal", "octagonal"])
    profile = smooth([(0, width), (0.6 * height, waist * width), (height, 0.86 * width)], 6)
    top = lathe([(height - 0.002, 0.9 * width), (height + 0.2 * cap, 0.92 * width)])
    return [
        part("body", lathe(profile, shape)),
        part("top", top, lathe(dome(height + 0.2 * cap, 0.8 * cap, 0.92 * width))),
    ]


FAMILIES = (
    Family(
        "bottle",
        ("bottle", "water bottle", "drink bottle", "flask"),
        {
            "body": ("body", "side", "belly"),
            "neck": ("neck", "throat"),
            "cap": ("cap", "lid", "bottle top", "stopper"),
        },
        (
            hold("body", "power", "use lift pour hold"),
            hold("neck", "power precision hook", "hand_over move lift"),
            hold("cap", "precision tripod lateral", "open"),
        ),
        bottle,
    ),
    Family(
        "spray_bottle",
        ("spray bottle", "sprayer", "spray", "cleaning spray"),
        {
            "body": ("body", "tank", "bottle part"),
            "neck": ("neck", "collar", "throat"),
            "head": ("head", "spray head", "top"),
            "trigger": ("trigger", "lever"),
            "nozzle": ("nozzle", "tip"),
        },
        (
            hold("neck", "power", "use lift"),
            hold("trigger", "power", "use"),
            hold("body", "power", "hand_over hold move"),
            hold("head", "precision tripod power", "move hand_over"),
            hold("nozzle", "precision tripod", "open"),
        ),
        spray_bottle,
    ),
    Family(
        "lotion_pump",
        ("lotion pump", "soap dispenser", "pump bottle", "hand soap"),
        {
            "body": ("body", "bottle part", "side"),
            "collar": ("collar", "screw cap", "ring"),
            "pump": ("pump", "pump head", "push top"),
            "spout": ("spout", "nozzle"),
        },
        (
            hold("body", "power", "lift hand_over hold move"),
            hold("collar", "precision tripod", "open"),
            hold("pump", "precision tripod", "use"),
        ),
        lotion_pump,
    ),
    Family(
        "jar",
        ("jar", "jam jar", "glass jar", "pot of jam"),
        {"body": ("body", "side", "glass"), "lid": ("lid", "cap", "screw top")},
        (
            hold("body", "power", "lift hold hand_over pour use"),
            hold("lid", "precision tripod power", "open move"),
        ),
        jar,
    ),
    Family(
        "can",
        ("can", "tin", "soda can", "tin can"),
        {
            "body": ("body", "side", "cylinder"),
            "lid": ("lid", "top", "upper rim"),
            "tab": ("tab", "ring pull"),
        },
        (
            hold("body", "power", "use lift pour hold hand_over"),
            hold("lid", "precision tripod", "move"),
            hold("tab", "lateral precision", "open"),
        ),
        can,
    ),
    Family(
        "box",
        ("box", "cardboard box", "gift box", "package"),
        {"body": ("body", "side", "lower half"), "lid": ("lid", "cover", "top")},
        (hold("body", "power precision", "lift hold move hand_over"), hold("lid", "precision power", "open")),
        box,
    ),
    Family(
        "carton",
        ("carton", "milk carton", "juice carton"),
        {
            "body": ("body", "side", "lower part"),
            "gable": ("gable", "top", "ridge"),
            "cap": ("cap", "screw cap", "lid"),
        },
        (
            hold("body", "power", "use pour lift hold"),
            hold("gable", "lateral precision", "move hand_over"),
            hold("cap", "precision tripod", "open"),
        ),
        carton,
    ),
    Family(
        "tube",
        ("tube", "toothpaste tube", "cream tube", "toothpaste"),
        {"body": ("body", "side", "squeezable part"), "cap": ("cap", "lid", "top")},
        (
            hold("body", "power precision", "use lift hold hand_over"),
            hold("cap", "precision tripod lateral", "open"),
        ),
        tube,
    ),
    Family(
        "toolbox",
        ("toolbox", "tool case", "cash box"),
        {
            "body": ("body", "lower box", "side"),
            "lid": ("lid", "cover", "top"),
            "handle": ("handle", "carrying handle", "grip"),
            "latches": ("latches", "clasps", "locks"),
        },
        (
            hold("handle", "hook power", "lift use move hand_over"),
            hold("lid", "precision lateral", "open"),
        ),
        toolbox,
    ),
    Family(
        "shaker",
        ("shaker", "salt shaker", "pepper shaker", "spice jar"),
        {"body": ("body", "side", "lower part"), "top": ("top", "cap", "dome")},
        (
            hold("body", "power precision tripod", "use lift pour hold"),
            hold("top", "precision tripod", "open move hand_over"),
        ),
        shaker,
    ),
)
