"""Attempts to examine with: made once by the grasp-anything policy, kept on disk, never trained on."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.held_views import HELD_VIEWS
from grasp_cell.cell import Cell
from grasp_cell.collect import Attempt, Truth, collect_attempts
from grasp_cell.config import CellConfig

ATTEMPTS_PER_FILLING = 6


@dataclass
class Examination:
    """Attempts of one split.

    Attributes:
        made: all of them, those that lifted nothing too.
    """

    made: list[Attempt]

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Those that lifted something."""
        return [a for a in self.made if a.experience.success and a.truth.held_object is not None]

    @cached_property
    def labels(self) -> np.ndarray:
        """Name of the object that each attempt lifted, (n,)."""
        return np.array([attempt.truth.held_object for attempt in self.attempts])

    @cached_property
    def fillings(self) -> np.ndarray:
        """Which filling of the bin each attempt was made in, (n,)."""
        return np.array([attempt.truth.filling for attempt in self.attempts])

    def elsewhere(self, name: str, filling: int) -> list[int]:
        """Attempts that lifted an object out of another filling of the bin."""
        return np.flatnonzero((self.labels == name) & (self.fillings != filling)).tolist()


def collect(
    config: CellConfig,
    count: int,
    seed: int,
    folder: Path | None = None,
    name: str = "",
    views: int = HELD_VIEWS,
) -> Examination:
    """Makes `count` attempts, or reads those that are in `folder` and makes the missing ones.

    Args:
        config: of the cell.
        count: attempts.
        seed: of scenes and grasps.
        folder: where attempts are kept; None: nowhere.
        name: shown beside the progress bar.
        views: of each held object.
    """
    # Attempts of a cell that was set up differently are others: they have a folder of their own.
    kept = [] if folder is None else _read(folder / _mark(config, seed, views), count)
    if len(kept) == count:
        return Examination(kept)
    # Begun again at a new filling, so that an interrupted collection goes on with other scenes.
    begun = kept[-1].truth.filling + 1 if kept else 0
    cell, rng = Cell(config), np.random.default_rng([seed, len(kept)])
    bar = tqdm(total=count, initial=len(kept), desc=f"grasping {name}", unit="grasp", mininterval=2.0)
    for attempt in collect_attempts(cell, count - len(kept), rng, views, ATTEMPTS_PER_FILLING):
        attempt.truth.filling += begun
        if folder is not None:
            _write(folder / _mark(config, seed, views) / f"{len(kept):06d}.npz", attempt)
        kept.append(attempt)
        bar.update()
    bar.close()
    cell.close()
    return Examination(kept)


def _mark(config: CellConfig, seed: int, views: int) -> str:
    return f"{zlib.crc32(repr((config, seed, views, ATTEMPTS_PER_FILLING)).encode()):08x}"


def _write(file: Path, attempt: Attempt) -> None:
    truth, experience = attempt.truth, attempt.experience
    shown = np.zeros(experience.pre.shape[:2], np.uint8)
    for number, name in enumerate(truth.objects, 1):
        shown[truth.masks[name]] = number
    facts = {
        "held": truth.held_object,
        "objects": truth.objects,
        "filling": truth.filling,
        "episode": experience.episode,
        "attempt": experience.attempt,
        "stamp_ns": experience.stamp_ns,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    held = np.stack(experience.held) if experience.held else np.zeros((0, 1, 1, 3), np.uint8)
    unfinished = file.with_suffix(".new.npz")
    np.savez_compressed(
        unfinished, pre=experience.pre, post=experience.post, held=held, shown=shown, facts=json.dumps(facts)
    )
    unfinished.replace(file)


def _read(folder: Path, count: int) -> list[Attempt]:
    found = []
    for number in range(count):
        file = folder / f"{number:06d}.npz"
        if not file.is_file():
            break
        with np.load(file) as data:
            facts, shown = json.loads(str(data["facts"])), data["shown"]
            masks = {name: shown == i for i, name in enumerate(facts["objects"], 1)}
            experience = Experience(
                robot_id="cell",
                episode=facts["episode"],
                attempt=facts["attempt"],
                stamp_ns=facts["stamp_ns"],
                pre=data["pre"],
                post=data["post"],
                held=list(data["held"]),
                held_angles_rad=[0.0] * len(data["held"]),
                success=len(data["held"]) > 0,
            )
        found.append(Attempt(experience, Truth(facts["held"], facts["objects"], masks, facts["filling"])))
    return found
