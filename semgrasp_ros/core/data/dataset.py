"""Grasps and clouds in memory, ready for training: clouds of each object once, grasps by object."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np
import torch

from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.household import FAMILIES, MADE_UP, make_object
from semgrasp_ros.core.data.splits import split_of
from semgrasp_ros.core.objects.clouds import Cloud, seen_cloud, surface_cloud
from semgrasp_ros.core.tokens.pose import HandPose

CLOUD_POINTS = 2048
# How a camera sees each object: so many views, each from another side.
VIEWS, VIEW_POINTS = 3, 1024
log = logging.getLogger(__name__)


def part_vocabulary() -> tuple[str, ...]:
    """All names of parts, in order: what the encoder learns to tell apart."""
    return tuple(sorted({part for family in FAMILIES.values() for part in family.parts}))


@dataclass
class GraspData:
    """The grasps of one split.

    Attributes:
        objects: family and instance of each object that has a grasp.
        grasps: all grasps.
        owner: (N,) index into `objects` for each grasp, in order.
        clouds: (O, P, 7) float32 of whole surfaces: point, normal, index into the part vocabulary.
        views: (O, V, Q, 7) the same, as a camera sees them from V sides; V may be 0.
    """

    objects: list[tuple[str, int]]
    grasps: list[Grasp]
    owner: torch.Tensor
    clouds: torch.Tensor
    views: torch.Tensor

    def __len__(self) -> int:
        return len(self.grasps)

    def rows(self) -> list[slice]:
        """For each object, which grasps are its."""
        counts = torch.bincount(self.owner, minlength=len(self.objects))
        ends = counts.cumsum(0).tolist()
        return [slice(end - count, end) for end, count in zip(ends, counts.tolist(), strict=True)]

    def poses(self) -> HandPose:
        """All grasps' hand poses."""
        return HandPose(
            torch.from_numpy(np.stack([grasp.wrist for grasp in self.grasps])),
            torch.from_numpy(np.stack([grasp.joint_rotations for grasp in self.grasps])),
            torch.from_numpy(np.stack([grasp.shape for grasp in self.grasps])),
        )


def load_split(folder: Path, split: str, cache: Path | None = None, views: int = 0) -> GraspData:
    """Reads a split of a grasp folder.

    Args:
        folder: of the grasps.
        split: of SPLITS.
        cache: a folder that keeps the objects' clouds between runs; they are made anew when None.
        views: of each object as a camera sees it.

    Raises:
        ValueError: nothing of this split is there.
    """
    store = GraspFolder(folder)
    chosen = [pair for pair in store.objects() if split_of(*pair) == split]
    by_object = {pair: list(store.grasps([pair])) for pair in chosen}
    objects = [pair for pair in chosen if by_object[pair]]
    if not objects:
        raise ValueError(f"{folder}: has no grasps of the split {split!r}; generate some first")
    grasps = [grasp for pair in objects for grasp in by_object[pair]]
    owner = [index for index, pair in enumerate(objects) for _ in by_object[pair]]
    clouds, seen = _clouds(objects, views, cache)
    return GraspData(objects, grasps, torch.tensor(owner), clouds, seen)


def load_shapes(
    split: str, families: Sequence[str], instances: int, cache: Path | None = None, views: int = 0
) -> GraspData:
    """The objects of a split without grasps: of each family those among its first instances.

    Args:
        split: of SPLITS.
        families: keys of FAMILIES.
        instances: how many of each family are looked through.
        cache: a folder that keeps the objects' clouds between runs; they are made anew when None.
        views: of each object as a camera sees it.

    Raises:
        ValueError: none of so few instances is of this split, or a family is unknown.
    """
    objects = [
        (family, instance)
        for family in families
        for instance in range(instances)
        if split_of(family, instance) == split
    ]
    if not objects:
        raise ValueError(f"instances: among {instances} of a family none is of the split {split!r}; use more")
    clouds, seen = _clouds(objects, views, cache)
    return GraspData(objects, [], torch.zeros(0, dtype=torch.long), clouds, seen)


def load_made_up(count: int, cache: Path | None = None, views: int = 0) -> GraspData:
    """Things that do not exist, with parts and without grasps; see `load_shapes`."""
    objects = [(MADE_UP, instance) for instance in range(count)]
    clouds, seen = _clouds(objects, views, cache)
    return GraspData(objects, [], torch.zeros(0, dtype=torch.long), clouds, seen)


def joined(first: GraspData, second: GraspData) -> GraspData:
    """Both, the first one's objects and grasps before the second one's."""
    return GraspData(
        first.objects + second.objects,
        first.grasps + second.grasps,
        torch.cat([first.owner, second.owner + len(first.objects)]),
        torch.cat([first.clouds, second.clouds]),
        torch.cat([first.views, second.views]),
    )


def object_cloud(family: str, instance: int, count: int = CLOUD_POINTS) -> Cloud:
    """The cloud of a generated object that training and evaluation use; the same every time."""
    rng = np.random.default_rng([crc32(family.encode()), instance, count])
    return surface_cloud(make_object(family, instance), count, rng)


def object_view(family: str, instance: int, view: int, count: int = VIEW_POINTS) -> Cloud:
    """A generated object as a camera sees it; the same every time for the same view."""
    rng = np.random.default_rng([crc32(family.encode()), instance, count, view])
    return seen_cloud(make_object(family, instance), count, rng)


def _clouds(
    objects: Sequence[tuple[str, int]], views: int, cache: Path | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Whole clouds (O, P, 7) and views (O, V, Q, 7) of objects."""
    from tqdm import tqdm

    clouds, seen = [], []
    for pair in tqdm(objects, desc="clouds", unit="object"):
        file = None if cache is None else cache / f"{pair[0]}-{pair[1]}-{views}.npz"
        if file is not None and file.exists():
            with np.load(file, allow_pickle=False) as arrays:
                rows = arrays["cloud"], arrays["views"]
        else:
            rows = _rows_of(*pair, views)
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                partial = file.with_suffix(".partial.npz")
                np.savez(partial, cloud=rows[0], views=rows[1])
                partial.rename(file)
        clouds.append(torch.from_numpy(rows[0]))
        seen.append(torch.from_numpy(rows[1]))
    return torch.stack(clouds), torch.stack(seen)


def _rows_of(family: str, instance: int, views: int) -> tuple[np.ndarray, np.ndarray]:
    vocabulary = {name: index for index, name in enumerate(part_vocabulary())}
    names = np.array([vocabulary[part.name] for part in make_object(family, instance).parts])

    def rows(cloud: Cloud) -> np.ndarray:
        columns = [cloud.points, cloud.normals, names[cloud.parts][:, None]]
        return np.concatenate(columns, axis=1).astype(np.float32)

    seen = [rows(object_view(family, instance, view)) for view in range(views)]
    return rows(object_cloud(family, instance)), np.array(seen, np.float32).reshape(views, VIEW_POINTS, 7)
