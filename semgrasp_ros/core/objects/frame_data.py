"""Objects to learn headings from, each with how well it maps onto itself when it is turned about the vertical.

A ball has no heading and a brick has two. So nobody says by hand which families are symmetric: the shape is turned,
put in the middle again as everything that the networks see, and compared with itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
from scipy.spatial import cKDTree

from semgrasp_ros.core.data.household import FAMILIES, HouseholdObject, make_object
from semgrasp_ros.core.data.splits import split_of
from semgrasp_ros.core.objects.clouds import seen_cloud, surface_cloud

CLOUD_POINTS, VIEWS = 1024, 3
# The misfit is known every 5 degrees.
STEPS = 72
_DENSE_POINTS, _ASKED_POINTS, _MIRRORED_POINTS = 8192, 400, 250


@dataclass(frozen=True)
class HeadingExamples:
    """Objects in their canonical heading.

    Attributes:
        objects: O families and instances.
        clouds: (O, 1 + VIEWS, CLOUD_POINTS, 6) float16, metres and unit normals: the whole surface, then views.
        misfit_m: (O, STEPS) float32: `self_misfit` of each object.
    """

    objects: list[tuple[str, int]]
    clouds: np.ndarray
    misfit_m: np.ndarray

    def __len__(self) -> int:
        return len(self.objects)


def instances_of(split: str, count: int) -> list[tuple[str, int]]:
    """The first `count` instances of each family that belong to a split; empty for families outside of it."""
    families = [name for name in FAMILIES if (split == "unseen_families") == _held_out(name)]
    chosen = []
    for family in families:
        instance = found = 0
        while found < count:
            if split_of(family, instance) == split:
                chosen.append((family, instance))
                found += 1
            instance += 1
    return chosen


def _held_out(family: str) -> bool:
    return split_of(family, 0) == "unseen_families"


def load_examples(objects: Iterable[tuple[str, int]], cache: Path | None = None) -> HeadingExamples:
    """Makes examples of objects, or reads them from where they were kept.

    Args:
        objects: families and instances.
        cache: a folder that keeps them between runs; None keeps nothing.

    Raises:
        ValueError: no objects, or an unknown family.
    """
    from tqdm import tqdm

    objects = list(objects)
    if not objects:
        raise ValueError("objects: is empty; give at least one family and instance")
    made = [_kept(pair, cache) for pair in tqdm(objects, desc="objects", unit="object", disable=None)]
    return HeadingExamples(
        objects, np.stack([clouds for clouds, _ in made]), np.stack([misfit for _, misfit in made])
    )


def example(family: str, instance: int) -> tuple[np.ndarray, np.ndarray]:
    """Clouds (1 + VIEWS, CLOUD_POINTS, 6) float16 and misfit (STEPS,) of an object; the same every time."""
    rng = np.random.default_rng([crc32(family.encode()), instance, STEPS])
    thing = make_object(family, instance)
    seen = [surface_cloud(thing, CLOUD_POINTS, rng)]
    seen += [seen_cloud(thing, CLOUD_POINTS, rng) for _ in range(VIEWS)]
    clouds = np.stack([np.concatenate([cloud.points, cloud.normals], axis=1) for cloud in seen])
    return clouds.astype(np.float16), self_misfit(thing, rng)


def self_misfit(thing: HouseholdObject, rng: np.random.Generator) -> np.ndarray:
    """How far an object is from itself when its heading was found wrong.

    Args:
        thing: the object in its canonical heading.
        rng: source of chance, of points on the surface.

    Returns:
        (STEPS,) float32 metres: root mean square over the surface of the distance to the canonical object's surface,
        when the found heading is too large by 0, 5, 10 ... 355 degrees and the object is turned back by it and put
        amid its bounding box. Small parts that stand out count, as a mug's handle; a can's values are all about 0.
    """
    dense = surface_cloud(thing, _DENSE_POINTS, rng).points.astype(np.float64)
    asked = surface_cloud(thing, _ASKED_POINTS, rng).points.astype(np.float64)
    squared = _squared_distances(cKDTree(dense), asked, dense)
    # Neighbouring samples are apart even where surfaces coincide.
    return np.sqrt(np.maximum(squared - squared[0], 0.0)).astype(np.float32)


def mirror_keeps_heading(points: np.ndarray) -> bool:
    """Whether an object's mirror image, left and right exchanged, has the same heading as the object.

    A mug's has. A game controller's is the controller turned around: which end is x is told by where front is.

    Args:
        points: (N, 3) of the whole surface in the canonical heading, metres.
    """
    points = np.asarray(points, dtype=np.float64)
    mirrored = points * [1, -1, 1]
    distance = np.sqrt(_squared_distances(cKDTree(points), mirrored[:_MIRRORED_POINTS], mirrored))
    # A bent thing's image fits a little better when turned a little, which is no other heading.
    near = min(distance[:4].min(), distance[-3:].min())
    return bool(near <= distance.min() + 0.0005)


def _squared_distances(tree: cKDTree, asked: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """Mean squared distances (STEPS,) of points (M, 3) to a tree's, turned back by 0, 5, 10 ... degrees.

    Each time they are moved so that the box of the points `dense` (N, 3), turned likewise, is in the middle.
    """
    turned = []
    for angle in np.arange(STEPS) * (2 * np.pi / STEPS):
        cos, sin = np.cos(angle), np.sin(angle)
        back = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
        box = dense @ back.T
        turned.append(asked @ back.T - (box.min(axis=0) + box.max(axis=0)) / 2)
    return (tree.query(np.concatenate(turned))[0] ** 2).reshape(STEPS, len(asked)).mean(axis=1)


def misfit_at(misfit: np.ndarray, error_rad: np.ndarray) -> np.ndarray:
    """Misfit (O,) metres of objects with `misfit` (O, STEPS) whose heading was found too large by `error_rad` (O,)."""
    place = np.mod(error_rad, 2 * np.pi) * STEPS / (2 * np.pi)
    low = np.floor(place).astype(int)
    share, rows = place - low, np.arange(len(misfit))
    return misfit[rows, low % STEPS] * (1 - share) + misfit[rows, (low + 1) % STEPS] * share


def _kept(pair: Sequence, cache: Path | None) -> tuple[np.ndarray, np.ndarray]:
    file = None if cache is None else Path(cache) / f"{pair[0]}-{pair[1]}.npz"
    if file is not None and file.exists():
        with np.load(file, allow_pickle=False) as arrays:
            return arrays["clouds"], arrays["misfit"]
    clouds, misfit = example(*pair)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial.npz")
        np.savez(partial, clouds=clouds, misfit=misfit)
        partial.rename(file)
    return clouds, misfit
