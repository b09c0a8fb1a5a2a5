"""Grasps on disk: one small file for each object, so that making them can be interrupted and go on."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from semgrasp_ros.core.data.grasp import Grasp

WORDS = ("part", "manner", "intent")


class GraspFolder:
    """A folder of grasps of generated objects.

    Args:
        path: the folder; made when it is written to.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)

    def file(self, family: str, instance: int) -> Path:
        """Where an object's grasps are."""
        return self.path / family / f"{instance:06d}.npz"

    def has(self, family: str, instance: int) -> bool:
        """Whether the object was done, with or without success."""
        return self.file(family, instance).exists()

    def write(self, family: str, instance: int, grasps: list[Grasp]) -> None:
        """Stores an object's grasps, all of them or, after a crash, none."""
        target = self.file(family, instance)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".partial")
        with partial.open("wb") as stream:
            np.savez_compressed(
                stream,
                wrist=np.array([grasp.wrist for grasp in grasps], dtype=np.float32).reshape(-1, 4, 4),
                joint_rotations=np.array([grasp.joint_rotations for grasp in grasps], np.float32).reshape(
                    -1, 15, 3
                ),
                shape=np.array([grasp.shape for grasp in grasps], dtype=np.float32).reshape(-1, 10),
                touches=np.array([grasp.touches for grasp in grasps], dtype=str).reshape(-1, 6),
                **{word: np.array([getattr(grasp, word) for grasp in grasps], dtype=str) for word in WORDS},
            )
        partial.rename(target)

    def read(self, family: str, instance: int) -> list[Grasp]:
        """The grasps of one object.

        Raises:
            FileNotFoundError: the object was not done.
            ValueError: the file is damaged.
        """
        path = self.file(family, instance)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                data = {name: arrays[name] for name in arrays.files}
            return [
                Grasp(
                    family,
                    instance,
                    data["wrist"][row],
                    data["joint_rotations"][row],
                    data["shape"][row],
                    *(str(data[word][row]) for word in WORDS),
                    tuple(str(touch) for touch in data["touches"][row]),
                )
                for row in range(len(data["wrist"]))
            ]
        except (zipfile.BadZipFile, KeyError, EOFError, IndexError) as error:
            raise ValueError(f"{path}: is damaged ({error}); remove it and generate again") from error

    def objects(self) -> list[tuple[str, int]]:
        """Families and instances that were done, in order."""
        return sorted((path.parent.name, int(path.stem)) for path in self.path.glob("*/*.npz"))

    def grasps(self, objects: Iterable[tuple[str, int]] | None = None) -> Iterator[Grasp]:
        """All grasps, or those of the given objects."""
        for family, instance in self.objects() if objects is None else objects:
            yield from self.read(family, instance)
