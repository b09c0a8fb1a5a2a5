"""The examination: objects that training never saw, grasped by the same policy, scored by ground truth.

The attempts made here never enter the store the trainer learns from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from grasp2vec_ros.core import baselines, evaluation
from grasp2vec_ros.core.inference import Perceiver, PerceiverConfig
from grasp_cell.cell import Cell, CellConfig
from grasp_cell.collect import Attempt, collect_attempts


@dataclass
class Examination:
    """Attempts on novel objects that lifted something, with their ground truth."""

    attempts: list[Attempt]
    made: int

    @property
    def labels(self) -> np.ndarray:
        """Name of the object that each attempt lifted, shape (n,)."""
        return np.array([attempt.truth.held_object for attempt in self.attempts])


def collect_examination(config: CellConfig, attempts: int, seed: int) -> Examination:
    """Grasps novel objects until `attempts` attempts were made."""
    cell = Cell(config)
    rng = np.random.default_rng(seed)
    lifted = []
    bar = tqdm(total=attempts, desc="examination on novel objects", unit="grasp")
    for attempt in collect_attempts(cell, attempts, rng, held_views=1):
        bar.update()
        if attempt.experience.success and attempt.truth.held_object is not None:
            lifted.append(attempt)
    bar.close()
    cell.close()
    return Examination(lifted, attempts)


def score_checkpoint(examination: Examination, perceiver: Perceiver) -> dict[str, evaluation.Proportion]:
    """Retrieval of novel objects by one model: the learning curve's point."""
    queries, held = _embed(examination, perceiver)
    return {"retrieval": evaluation.retrieval(queries, held, examination.labels)}


def _embed(examination: Examination, perceiver: Perceiver) -> tuple[np.ndarray, np.ndarray]:
    pre = np.stack([perceiver.embed_scene(a.experience.pre) for a in examination.attempts])
    post = np.stack([perceiver.embed_scene(a.experience.post) for a in examination.attempts])
    held = perceiver.embed_held([a.experience.held[0] for a in examination.attempts])
    return pre - post, held
