"""Stores of any number of small generated attempts, for measurements of scale: `python -m benchmarks.scale_store`."""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.record import Record, encode_record
from grasp2vec_ros.core.store import ExperienceStore

KINDS = 64
IN_SCENE = 6
SCENE_PX = (48, 64)
HELD_PX = 40
SIDE_PX = 12
# A transaction waits for the disk once, however many attempts are in it.
CHUNK = 1000
# Drawing and encoding images takes most of the time: scenes come again, under other ids, as bytes of their own.
SCENES = 2000
FAILED_SHARE = 0.2


def pictures(seed: int) -> np.ndarray:
    """A striped square for each kind of object, (KINDS, SIDE_PX, SIDE_PX, 3) uint8."""
    rng = np.random.default_rng(seed)
    colours = rng.integers(30, 255, (KINDS, 2, 3), np.uint8)
    u, v = np.meshgrid(np.arange(SIDE_PX) / SIDE_PX, np.arange(SIDE_PX) / SIDE_PX)
    across, down = rng.integers(0, 4, (KINDS, 1, 1)), rng.integers(1, 4, (KINDS, 1, 1))
    stripes = (np.sin(2 * np.pi * (across * u + down * v)) > 0).astype(int)
    return np.stack([own[stripe] for own, stripe in zip(colours, stripes, strict=True)])


def make_scene(number: int, seed: int, objects: np.ndarray) -> Record:
    """A scene of 64 x 48 pixels, from which one of six objects is taken; depends on number and seed alone."""
    rng = np.random.default_rng((seed, number))
    scene = np.full((*SCENE_PX, 3), 120, np.uint8)
    kinds = rng.choice(KINDS, IN_SCENE, replace=False)
    corners = [
        (int(rng.integers(0, 10)) + 24 * (i // 3), int(rng.integers(0, 8)) + 21 * (i % 3))
        for i in range(IN_SCENE)
    ]
    for kind, (row, column) in zip(kinds, corners, strict=True):
        scene[row : row + SIDE_PX, column : column + SIDE_PX] = objects[kind]
    success = bool(rng.random() >= FAILED_SHARE)
    post, held = scene.copy(), []
    if success:
        row, column = corners[0]
        post[row : row + SIDE_PX, column : column + SIDE_PX] = 120
        view = np.full((HELD_PX, HELD_PX, 3), 200, np.uint8)
        begin = (HELD_PX - 2 * SIDE_PX) // 2
        view[begin:-begin, begin:-begin] = objects[kinds[0]].repeat(2, 0).repeat(2, 1)
        held = [view]
    experience = Experience(
        robot_id="generated",
        episode="generated",
        attempt=0,
        stamp_ns=0,
        pre=scene,
        post=post,
        held=held,
        held_angles_rad=[0.0] * len(held),
        success=success,
        experience_id="generated",
    )
    return encode_record(experience)


def make_record(number: int, seed: int, scenes: list[Record]) -> Record:
    """Attempt `number` of a fleet: one of the scenes, with robot, episode, time and id of its own."""
    return replace(
        scenes[number % len(scenes)],
        robot_id=f"robot{number // 1000 % 1000:03d}",
        episode=f"{number // 20}",
        attempt=number % 20,
        stamp_ns=10**18 + 10**10 * number,
        experience_id=hashlib.md5(f"{seed} {number}".encode()).hexdigest(),
    )


def fill(folder: Path, count: int, seed: int = 0) -> None:
    """Brings a store to `count` attempts; goes on where it was interrupted."""
    objects = pictures(seed)
    scenes = [make_scene(number, seed, objects) for number in range(SCENES)]
    with ExperienceStore(folder) as store:
        done = len(store)
        with tqdm(
            total=count, initial=done, desc=f"generating {folder.name}", unit="attempt", mininterval=2.0
        ) as bar:
            for begin in range(done, count, CHUNK):
                numbers = range(begin, min(begin + CHUNK, count))
                store.add_new(make_record(number, seed, scenes) for number in numbers)
                bar.update(len(numbers))


def main() -> None:
    """Makes or completes a store."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale_store", description=main.__doc__)
    parser.add_argument("--store", type=Path, required=True, help="its folder")
    parser.add_argument("--experiences", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    fill(options.store, options.experiences, options.seed)


if __name__ == "__main__":
    main()
