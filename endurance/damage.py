"""Files as a failing disk leaves them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np

from grasp2vec_ros.core.store import FILE_NAME

FLIPS = 24
CHECKPOINT_DAMAGES = ("truncated", "empty", "zeros", "bits in the header", "bits in the weights")


def flip(
    file: Path, rng: np.random.Generator, begin: int = 0, end: int | None = None, count: int = 1
) -> None:
    """Flips bits at random places between two offsets."""
    content = bytearray(file.read_bytes())
    for place in rng.integers(begin, min(end or len(content), len(content)), count):
        content[place] ^= 1 << int(rng.integers(8))
    file.write_bytes(content)


def truncate(file: Path, rng: np.random.Generator) -> None:
    """Cuts a file off at a random place."""
    content = file.read_bytes()
    file.write_bytes(content[: int(rng.integers(1, len(content)))])


def damage_checkpoint(file: Path, how: str, rng: np.random.Generator) -> None:
    """Damages a safetensors file in one of CHECKPOINT_DAMAGES."""
    size = file.stat().st_size
    header = 8 + int.from_bytes(file.read_bytes()[:8], "little")
    if how == "truncated":
        truncate(file, rng)
    elif how == "empty":
        file.write_bytes(b"")
    elif how == "zeros":
        file.write_bytes(bytes(size))
    elif how == "bits in the header":
        # Behind the header's text there is only padding.
        text = len(file.read_bytes()[:header].rstrip(b" "))
        flip(file, rng, 0, text)
    else:
        flip(file, rng, header, count=1)


def copy_store(store: Path, to: Path) -> None:
    """A whole copy of a store that is in use, as one file."""
    to.mkdir(parents=True, exist_ok=True)
    source = sqlite3.connect(f"{(store / FILE_NAME).resolve().as_uri()}?mode=ro", uri=True)
    target = sqlite3.connect(to / FILE_NAME)
    with source, target:
        source.backup(target)
    source.close()
    target.close()


def damage_store(store: Path, how: str, rng: np.random.Generator) -> None:
    """Truncates a store's file or flips bits in it."""
    file = store / FILE_NAME
    if how == "truncated":
        truncate(file, rng)
    else:
        flip(file, rng, count=FLIPS)
