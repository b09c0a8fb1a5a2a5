"""What learning online adds: a robot with the shipped model meets ten objects that it has never seen and grasps them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from examination.attempts import Examination, collect
from examination.methods import Embedding
from grasp2vec_ros.core import evaluation
from grasp2vec_ros.core.checkpoint import load_checkpoint
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.inference import Perceiver
from grasp2vec_ros.core.results import Results
from grasp2vec_ros.core.store import ExperienceStore
from grasp2vec_ros.core.trainer import FineTuningConfig, OnlineTrainer, TrainerConfig
from grasp_cell.cell import Cell
from grasp_cell.config import CellConfig
from grasp_cell.library import open_library
from grasp_cell.removals import simulate_removals

ONLINE = "retrieval_online"
UNKNOWN = 10
GRASPS = 100
# What the gallery has besides the unknown objects: those of this split, which the robot knows.
KNOWN = "toys_palette_seen"
STEPS = 300  # of the optimiser
REHEARSED = 1500  # simulated removals of toys that the model knows
RESAMPLES = 2000


def unknown_toys() -> list[str]:
    """Names of the toys that are new to the robot."""
    return list(open_library(_unknown_toys()).names)


def _unknown_toys() -> CellConfig:
    return CellConfig(split="novel", regime="shared_palette", novel_toys=UNKNOWN)


def unknown_scans(scanned: Path, folder: Path, seed: int) -> CellConfig:
    """A cell with ten of the scanned objects, which are linked in `folder`."""
    names = sorted(path.name for path in scanned.iterdir() if path.is_dir())
    folder.mkdir(parents=True, exist_ok=True)
    for name in np.random.default_rng(seed).choice(names, UNKNOWN, replace=False):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to((scanned / name).resolve())
    return CellConfig(split="all", objects_dir=str(folder), objects_per_scene=5)


def add_online(
    checkpoint: Path,
    known: dict[str, Examination],
    scanned: Path,
    folder: Path,
    attempts: int,
    seed: int,
    results: Results,
) -> None:
    """Adds rows before and after learning and the paired gain, for unknown objects and for what was known.

    Args:
        checkpoint: the model to begin with.
        known: examinations of objects that must not be forgotten, by split.
        scanned: folder of scanned objects; they are left out where it is missing.
        folder: where attempts and stores go.
        attempts: on unknown objects, to measure with; none of them is learned from.
        seed: of everything.
        results: gets the rows.
    """
    cells = {f"toys_palette_{UNKNOWN}_unknown": (_unknown_toys(), 2 * GRASPS, ("whitening", "gradient"))}
    if scanned.is_dir():
        cell = unknown_scans(scanned, folder / "unknown_scans", seed)
        cells[f"gso_{UNKNOWN}_unknown"] = (cell, 5 * GRASPS, ("whitening",))
    known_before = _described(known, checkpoint)
    for split, (cell, tries, hows) in cells.items():
        kept = folder / "attempts"
        examined = collect(cell, attempts, seed + 20, kept, f"{split}, to measure")
        lessons = collect(replace(cell, seed=1), tries, seed + 30, kept, f"{split}, to learn from")
        examined_all = {split: examined, **known}
        rows = {split: [split], f"{split}_among_known": [split, KNOWN]}
        rows |= {f"{name}_after_{split}": [name] for name in known}
        described = {**_described({split: examined}, checkpoint), **known_before}
        before = {row: _hits([described[name] for name in names]) for row, names in rows.items()}
        labels = {row: _asked(examined_all[names[0]]) for row, names in rows.items()}
        for row, hits in before.items():
            results.add(ONLINE, row, "before", evaluation.proportion(hits, labels[row]))
        for how in hows:
            learned = _learn(checkpoint, lessons, folder / "online", folder / "rehearsal", seed, how)
            described = _described(examined_all, learned)
            for row, names in rows.items():
                hits = _hits([described[name] for name in names])
                results.add(ONLINE, row, f"after_{how}", evaluation.proportion(hits, labels[row]))
                gain = _paired_gain(before[row], hits, labels[row], seed)
                results.add(ONLINE, row, f"gain_{how}", gain)


def _learn(
    checkpoint: Path, lessons: Examination, folder: Path, rehearsal: Path, seed: int, how: str
) -> Path:
    """Learns from the first grasps that lifted something, and returns the new checkpoint."""
    # The same lessons give the same model: an earlier one is no head start.
    shutil.rmtree(folder, ignore_errors=True)
    if len(lessons.attempts) < GRASPS:
        raise ValueError(f"only {len(lessons.attempts)} of the lessons lifted something; {GRASPS} are needed")
    with ExperienceStore(folder / "store") as store:
        for attempt in lessons.attempts[:GRASPS]:
            store.add(attempt.experience)
    model, _ = load_checkpoint(checkpoint)
    config = TrainerConfig(encoder=model.config, seed=seed, fine_tuning=FineTuningConfig(how=how))
    rehearsed = _rehearsal(rehearsal, seed) if how == "gradient" else None
    trainer = OnlineTrainer(config, folder / "store", folder / "checkpoints", checkpoint, rehearsed)
    torch.manual_seed(seed)
    for _ in tqdm(range(STEPS), desc=f"learning what is unknown, {how}", unit="step", mininterval=2.0):
        if trainer.caught_up:
            break
        trainer.train_step()
    saved = trainer.save().path
    trainer.close()
    return saved


def _rehearsal(folder: Path, seed: int) -> Path:
    """A store of simulated removals, made once."""
    with ExperienceStore(folder) as store:
        missing = REHEARSED - len(store)
        if missing > 0:
            cell = Cell(CellConfig(regime="shared_palette", seen_toys=1500, variation=1.0))
            rng = np.random.default_rng([seed, len(store)])
            for removal in tqdm(simulate_removals(cell, missing, rng), total=missing, desc="rehearsal"):
                store.add(removal.experience)
            cell.close()
    return folder


@dataclass(frozen=True)
class Described:
    """Attempts, and vectors of what each removed and what was then held."""

    examination: Examination
    removed: np.ndarray
    held: np.ndarray


def _described(examinations: dict[str, Examination], checkpoint: Path) -> dict[str, Described]:
    perceiver = Perceiver()
    perceiver.load(checkpoint)
    method, described = Embedding(perceiver, "ours"), {}
    for name, examination in examinations.items():
        bar = tqdm(examination.attempts, desc=f"{name}: {perceiver.version}", mininterval=2.0, leave=False)
        vectors = [
            (method.describe_removed(e.pre, e.post), method.describe_held(e.held))
            for e in (attempt.experience for attempt in bar)
        ]
        removed, held = map(np.stack, zip(*vectors, strict=True))
        described[name] = Described(examination, removed, held)
    return described


def _asked(examination: Examination) -> np.ndarray:
    """Objects of the attempts that `_hits` asks for, (m,)."""
    return examination.labels[evaluation.answerable(examination.labels, examination.fillings)]


def _hits(described: list[Described]) -> np.ndarray:
    """Whether what each attempt of the first removed is found among all that was held in other fillings, (m,)."""
    removed = np.concatenate([each.removed for each in described])
    held = np.concatenate([each.held for each in described])
    labels = np.concatenate([each.examination.labels for each in described])
    fillings = np.concatenate([[f"{i} {f}" for f in d.examination.fillings] for i, d in enumerate(described)])
    hits = evaluation.retrieval_hits(evaluation.cosines(removed, held), labels, fillings)
    return hits[: len(_asked(described[0].examination))]


def _paired_gain(before: np.ndarray, after: np.ndarray, labels: np.ndarray, seed: int) -> Measurement:
    """Mean difference over the same queries; the wider one of two bootstrap intervals, over queries and over objects."""
    difference = after.astype(float) - before
    rng = np.random.default_rng(seed)
    names, which = np.unique(labels, return_inverse=True)
    sums, counts = np.bincount(which, weights=difference), np.bincount(which)
    drawn = rng.integers(0, len(names), (RESAMPLES, len(names)))
    bounds = [
        np.percentile(means, [2.5, 97.5])
        for means in (
            [rng.choice(difference, len(difference)).mean() for _ in range(RESAMPLES)],
            sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1),
        )
    ]
    low, high = min(bound[0] for bound in bounds), max(bound[1] for bound in bounds)
    return Measurement(float(difference.mean()), len(difference), float(low), float(high))
