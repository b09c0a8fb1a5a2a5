"""Small synthetic experience: patterned squares on a floor, drawn with numpy."""

from __future__ import annotations

import numpy as np

from grasp2vec_ros.core.experience import Experience


def draw_object(kind: int, size: int) -> np.ndarray:
    """A square whose colours and stripes depend on its kind, (size, size, 3) uint8."""
    rng = np.random.default_rng(kind)
    colours = rng.integers(30, 255, (2, 3))
    u, v = np.meshgrid(np.arange(size) / size, np.arange(size) / size)
    stripes = (np.sin(2 * np.pi * (rng.integers(0, 4) * u + rng.integers(1, 4) * v)) > 0).astype(int)
    return colours[stripes].astype(np.uint8)


def make_experience(
    rng: np.random.Generator, kinds: list[int] | None = None, success: bool = True, **changes: object
) -> Experience:
    """An attempt that takes the first of some kinds out of a scene of 64 x 48 pixels."""
    kinds = kinds or rng.choice(20, 3, replace=False).tolist()
    post = np.full((48, 64, 3), 120, np.uint8)
    places = [(int(rng.integers(1, 30)), 1 + 21 * i) for i in range(3)]
    for kind, (row, column) in list(zip(kinds, places, strict=False))[1:]:
        post[row : row + 16, column : column + 16] = draw_object(kind, 16)
    pre = post.copy()
    row, column = places[0]
    pre[row : row + 16, column : column + 16] = draw_object(kinds[0], 16)
    held = np.full((40, 40, 3), 200, np.uint8)
    held[10:30, 10:30] = draw_object(kinds[0], 20)
    values = {
        "robot_id": "r1",
        "episode": "e1",
        "attempt": 0,
        "stamp_ns": int(rng.integers(1, 2**40)),
        "pre": pre,
        "post": post if success else pre.copy(),
        "held": [held] if success else [],
        "held_angles_rad": [0.0] if success else [],
        "success": success,
        # From the seed, as the split into training and held-out experience depends on it.
        "experience_id": f"{rng.bytes(15).hex()}{int(success):02x}",
        **changes,
    }
    return Experience(**values)
