"""Which objects there are, and which of them are kept for examination."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from grasp_cell.config import CellConfig
from grasp_cell.goods import make_goods
from grasp_cell.mesh_folder import find_meshes, load_mesh_object
from grasp_cell.objects import CellObject
from grasp_cell.toys import make_toy

# Toys below this number are for learning, from it on for examination: disjoint whatever the sizes of the splits.
FIRST_NOVEL_TOY = 1_000_000
NOVEL_SHARE_OF_FOLDER = 0.25


class ObjectLibrary(Protocol):
    """Names of objects, and the objects themselves."""

    names: Sequence[str]

    def load(self, name: str) -> CellObject:
        """Makes or reads an object."""


class GeneratedLibrary:
    """Generated toys or goods of one split."""

    def __init__(self, split: str, regime: str, seen_toys: int, novel_toys: int) -> None:
        numbers = []
        if split != "novel":
            numbers += range(seen_toys)
        if split != "seen":
            numbers += range(FIRST_NOVEL_TOY, FIRST_NOVEL_TOY + novel_toys)
        prefix = "goods_" if regime == "goods" else f"toy_{regime[0]}"
        self._regime = regime
        self._numbers = {f"{prefix}{number:06d}": number for number in numbers}
        self.names = list(self._numbers)
        self._made: dict[str, CellObject] = {}

    def load(self, name: str) -> CellObject:
        """Makes an object, once."""
        if name not in self._made:
            number = self._numbers[name]
            self._made[name] = (
                make_goods(number) if self._regime == "goods" else make_toy(number, self._regime)
            )
        return self._made[name]


class MeshLibrary:
    """Objects of a folder, split by a hash of their names."""

    def __init__(self, folder: Path, split: str) -> None:
        files = find_meshes(folder)
        self._files = {
            name: path
            for name, path in files.items()
            if split == "all" or is_novel(name) == (split == "novel")
        }
        if not self._files:
            raise ValueError(
                f"objects_dir: {folder} has {len(files)} object(s), none of them in split {split!r}; add more objects"
            )
        self.names = sorted(self._files)
        self._read: dict[str, CellObject] = {}

    def load(self, name: str) -> CellObject:
        """Reads an object, once."""
        if name not in self._read:
            self._read[name] = load_mesh_object(name, self._files[name])
        return self._read[name]


def is_novel(name: str) -> bool:
    """Whether an object of that name is kept for examination; depends on nothing but the name."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32 < NOVEL_SHARE_OF_FOLDER


def open_library(config: CellConfig) -> ObjectLibrary:
    """The library that a configuration asks for.

    Raises:
        ValueError: `objects_dir` does not exist or has no meshes.
    """
    if config.objects_dir:
        return MeshLibrary(Path(config.objects_dir), config.split)
    return GeneratedLibrary(config.split, config.regime, config.seen_toys, config.novel_toys)
