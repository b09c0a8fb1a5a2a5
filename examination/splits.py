"""Which objects are examined, and under which name a result file knows them."""

from __future__ import annotations

import os
from pathlib import Path

from grasp_cell.config import CellConfig

# As many as the novel split has, so that both galleries are equally hard; all of them were trained on.
SEEN_TOYS = 60
# Fewer of them: they are larger than toys.
LARGE_OBJECTS = 5
# Scanned objects that are tried when they are there; training never sees them.
SCANNED_FOLDER = Path(os.environ.get("SCANNED_OBJECTS", "../shared/data/gso"))

SPLITS = {
    "toys_seen": CellConfig(split="seen", regime="varied", seen_toys=SEEN_TOYS),
    "toys_novel": CellConfig(split="novel", regime="varied"),
    "toys_palette_seen": CellConfig(split="seen", regime="shared_palette", seen_toys=SEEN_TOYS),
    "toys_palette_novel": CellConfig(split="novel", regime="shared_palette"),
    "goods_seen": CellConfig(
        split="seen", regime="goods", seen_toys=SEEN_TOYS, objects_per_scene=LARGE_OBJECTS
    ),
    "goods_novel": CellConfig(split="novel", regime="goods", objects_per_scene=LARGE_OBJECTS),
}
SCANNED_SPLIT = "gso_novel"
# Training meets so many goods that hardly one of these was among them: they serve to choose thresholds, and "seen"
# would say too much.
REFERENCE_ONLY = "goods_seen"


def available_splits() -> dict[str, CellConfig]:
    """The splits that can be examined here."""
    found = dict(SPLITS)
    if SCANNED_FOLDER.is_dir():
        # Everything in the folder is novel.
        found[SCANNED_SPLIT] = CellConfig(
            split="all", objects_dir=str(SCANNED_FOLDER), objects_per_scene=LARGE_OBJECTS
        )
    return found
