"""What learning online adds: a robot with the shipped model meets ten toys that it has never seen and grasps them."""

from __future__ import annotations

import shutil
from dataclasses import replace
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
from grasp2vec_ros.core.trainer import OnlineTrainer, TrainerConfig
from grasp_cell.cell import Cell
from grasp_cell.config import CellConfig
from grasp_cell.library import open_library
from grasp_cell.removals import simulate_removals

UNKNOWN_TOYS = 10
GRASPS = 100
STEPS = 300
REHEARSED = 1500  # simulated removals of toys that the model knows
RESAMPLES = 2000


def _unknown_cell() -> CellConfig:
    return CellConfig(split="novel", regime="shared_palette", novel_toys=UNKNOWN_TOYS)


def unknown_toys() -> list[str]:
    """Names of the toys that are new to the robot."""
    return list(open_library(_unknown_cell()).names)


def add_online(
    checkpoint: Path,
    known: dict[str, Examination],
    folder: Path,
    attempts: int,
    seed: int,
    results: Results,
) -> None:
    """Adds rows `before`, `after` and `gain` (paired) for the unknown toys and for what was known.

    Args:
        checkpoint: the model to begin with.
        known: examinations of objects that must not be forgotten, by split.
        folder: where attempts and the store go.
        attempts: on the unknown toys, to measure with; none of them is learned from.
        seed: of everything.
        results: gets the rows.
    """
    toys, kept = _unknown_cell(), folder / "attempts"
    examined = collect(toys, attempts, seed + 20, kept, f"{UNKNOWN_TOYS} unknown toys, to measure")
    lessons = collect(replace(toys, seed=1), 2 * GRASPS, seed + 30, kept, "unknown toys, to learn from")
    learned = _learn(checkpoint, lessons, folder / "online", _rehearsal(folder / "rehearsal", seed), seed)
    before, after = (_embedding(path) for path in (checkpoint, learned))
    for split, examination in {"toys_palette_10_unknown": examined, **known}.items():
        hits = [_hits(examination, method) for method in (before, after)]
        for name, hit in zip(("before", "after"), hits, strict=True):
            results.add("retrieval_online", split, name, evaluation.proportion(hit))
        results.add("retrieval_online", split, "gain", _paired_gain(*hits, seed))


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


def _learn(checkpoint: Path, lessons: Examination, folder: Path, rehearsal: Path, seed: int) -> Path:
    """Learns from the first grasps that lifted something, and returns the new checkpoint."""
    # The same lessons give the same model: an earlier one is no head start.
    shutil.rmtree(folder, ignore_errors=True)
    with ExperienceStore(folder / "store") as store:
        for attempt in lessons.attempts[:GRASPS]:
            store.add(attempt.experience)
    model, _ = load_checkpoint(checkpoint)
    config = TrainerConfig(encoder=model.config, seed=seed)
    trainer = OnlineTrainer(config, folder / "store", folder / "checkpoints", checkpoint, rehearsal)
    torch.manual_seed(seed)
    for _ in tqdm(range(STEPS), desc="learning the unknown toys", unit="step", mininterval=2.0):
        trainer.train_step()
    saved = trainer.save().path
    trainer.close()
    return saved


def _embedding(checkpoint: Path) -> Embedding:
    perceiver = Perceiver()
    perceiver.load(checkpoint)
    return Embedding(perceiver, "ours")


def _hits(examination: Examination, method: Embedding) -> np.ndarray:
    experiences = [attempt.experience for attempt in examination.attempts]
    removed = [method.describe_removed(e.pre, e.post) for e in experiences]
    held = [method.describe_held(e.held) for e in experiences]
    return evaluation.retrieval_hits(
        method.similarity(removed, held), examination.labels, examination.fillings
    )


def _paired_gain(before: np.ndarray, after: np.ndarray, seed: int) -> Measurement:
    """Mean difference over the same queries, with a bootstrap interval."""
    difference = after.astype(float) - before
    rng = np.random.default_rng(seed)
    means = [rng.choice(difference, len(difference)).mean() for _ in range(RESAMPLES)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Measurement(float(difference.mean()), len(difference), float(low), float(high))
