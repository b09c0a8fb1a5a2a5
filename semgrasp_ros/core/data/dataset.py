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
from semgrasp_ros.core.data.household import FAMILIES, make_object
from semgrasp_ros.core.data.splits import split_of
from semgrasp_ros.core.objects.clouds import Cloud, surface_cloud
from semgrasp_ros.core.tokens.pose import HandPose

CLOUD_POINTS = 2048
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
        owner: (N,) index into `objects` for each grasp.
        points: (O, P, 3) float32.
        normals: (O, P, 3) float32.
        parts: (O, P) index into the part vocabulary.
    """

    objects: list[tuple[str, int]]
    grasps: list[Grasp]
    owner: torch.Tensor
    points: torch.Tensor
    normals: torch.Tensor
    parts: torch.Tensor

    def __len__(self) -> int:
        return len(self.grasps)

    def poses(self) -> HandPose:
        """All grasps' hand poses."""
        return HandPose(
            torch.from_numpy(np.stack([grasp.wrist for grasp in self.grasps])),
            torch.from_numpy(np.stack([grasp.joint_rotations for grasp in self.grasps])),
            torch.from_numpy(np.stack([grasp.shape for grasp in self.grasps])),
        )


def load_split(folder: Path, split: str, clouds: Path | None = None) -> GraspData:
    """Reads a split of a grasp folder.

    Args:
        folder: of the grasps.
        split: of SPLITS.
        clouds: a file that keeps the objects' clouds between runs; made anew when None.

    Raises:
        ValueError: nothing of this split is there.
    """
    store = GraspFolder(folder)
    chosen = [pair for pair in store.objects() if split_of(*pair) == split]
    by_object = {pair: list(store.grasps([pair])) for pair in chosen}
    objects = [pair for pair in chosen if by_object[pair]]
    if not objects:
        raise ValueError(f"{folder}: has no grasps of the split {split!r}; generate some first")
    data = _clouds(objects, clouds)
    grasps = [grasp for pair in objects for grasp in by_object[pair]]
    owner = [index for index, pair in enumerate(objects) for _ in by_object[pair]]
    return GraspData(objects, grasps, torch.tensor(owner), *data)


def object_cloud(family: str, instance: int, count: int = CLOUD_POINTS) -> Cloud:
    """The cloud of a generated object that training and evaluation use; the same every time."""
    rng = np.random.default_rng([crc32(family.encode()), instance, count])
    return surface_cloud(make_object(family, instance), count, rng)


def _clouds(
    objects: Sequence[tuple[str, int]], cache: Path | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Clouds of objects; parts are counted in the vocabulary of all families."""
    known: dict[str, np.ndarray] = {}
    if cache is not None and cache.exists():
        with np.load(cache, allow_pickle=False) as arrays:
            known = {name: arrays[name] for name in arrays.files}
    vocabulary = {name: index for index, name in enumerate(part_vocabulary())}
    missing = [pair for pair in objects if f"{pair[0]}/{pair[1]}" not in known]
    if missing:
        from tqdm import tqdm

        for family, instance in tqdm(missing, desc="clouds", unit="object"):
            cloud = object_cloud(family, instance)
            names = np.array([vocabulary[part.name] for part in make_object(family, instance).parts])
            known[f"{family}/{instance}"] = np.concatenate(
                [cloud.points, cloud.normals, names[cloud.parts][:, None]], axis=1
            ).astype(np.float32)
        if cache is not None:
            cache.parent.mkdir(parents=True, exist_ok=True)
            partial = cache.with_suffix(".partial.npz")
            np.savez(partial, **known)
            partial.rename(cache)
    rows = torch.from_numpy(np.stack([known[f"{family}/{instance}"] for family, instance in objects]))
    return rows[..., :3].contiguous(), rows[..., 3:6].contiguous(), rows[..., 6].long()
