"""Attempts to measure with: coloured blocks on a grainy table, of which the gripper takes one."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.store import ExperienceStore

WIDTH_PX, HEIGHT_PX, HELD_PX, BLOCKS = 640, 480, 128, 6


def scene(rng: np.random.Generator, blocks: list[tuple]) -> np.ndarray:
    """A picture (480, 640, 3) of blocks, each a corner, a size and a colour."""
    grain = rng.normal(scale=3.0, size=(HEIGHT_PX // 2, WIDTH_PX // 2, 3))
    picture = np.clip(120 + cv2.resize(grain, (WIDTH_PX, HEIGHT_PX)), 0, 255).astype(np.uint8)
    for (left, top), (width, height), colour in blocks:
        cv2.rectangle(picture, (left, top), (left + width, top + height), colour, -1)
        cv2.circle(picture, (left + width // 2, top + height // 2), width // 4, colour[::-1], -1)
    return picture


def attempt(rng: np.random.Generator, held_views: int = 3) -> Experience:
    """An attempt that lifted the first of its blocks."""
    blocks = [
        (
            (int(rng.integers(0, WIDTH_PX - 110)), int(rng.integers(0, HEIGHT_PX - 110))),
            (int(rng.integers(40, 110)), int(rng.integers(40, 110))),
            tuple(int(c) for c in rng.integers(20, 256, 3)),
        )
        for _ in range(BLOCKS)
    ]
    side, views = HELD_PX * 2, []
    (_, (width, height), colour) = blocks[0]
    for _ in range(held_views):
        around = scene(rng, [((side // 2 - width // 2, side // 2 - height // 2), (width, height), colour)])
        views.append(cv2.resize(around[:side, :side], (HELD_PX, HELD_PX)))
    return Experience(
        robot_id="bench",
        episode="bench",
        attempt=0,
        stamp_ns=int(rng.integers(1, 2**60)),
        pre=scene(rng, blocks),
        post=scene(rng, blocks[1:]),
        held=views,
        held_angles_rad=[float(number) for number in range(held_views)],
        success=True,
        experience_id=rng.bytes(16).hex(),
    )


def fill_store(folder: Path, attempts: int, seed: int) -> None:
    """A store with so many attempts."""
    rng = np.random.default_rng(seed)
    with ExperienceStore(folder) as store:
        for _ in range(attempts):
            store.add(attempt(rng))
