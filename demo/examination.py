"""The examination: objects that training never saw, grasped by the same policy, scored by ground truth.

The attempts made here never enter the store that the trainer learns from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from grasp2vec_ros.core import baselines, evaluation
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.inference import Perceiver
from grasp2vec_ros.core.results import Results
from grasp_cell.cell import Cell
from grasp_cell.collect import Attempt, collect_attempts
from grasp_cell.config import CellConfig

SPLIT = "toys_novel"


@dataclass
class Examination:
    """Attempts on novel objects that lifted something, with their ground truth.

    Attributes:
        attempts: those that lifted something.
        made: how many were made.
    """

    attempts: list[Attempt]
    made: int

    @property
    def labels(self) -> np.ndarray:
        """Name of the object that each attempt lifted, (n,)."""
        return np.array([attempt.truth.held_object for attempt in self.attempts])

    def other_view(self, index: int) -> int | None:
        """Another attempt that lifted the same object: the goal image is never of the scene it is looked for in."""
        others = [i for i, label in enumerate(self.labels) if label == self.labels[index] and i != index]
        return others[0] if others else None

    def of(self, name: str) -> list[Attempt]:
        """The attempts that lifted one object."""
        return [attempt for attempt in self.attempts if attempt.truth.held_object == name]


def collect_examination(config: CellConfig, attempts: int, seed: int) -> Examination:
    """Makes `attempts` attempts on novel objects."""
    cell = Cell(config)
    lifted = []
    with tqdm(total=attempts, desc="examination: novel objects", unit="grasp", mininterval=2.0) as bar:
        for attempt in collect_attempts(cell, attempts, np.random.default_rng(seed)):
            bar.update()
            if attempt.experience.success and attempt.truth.held_object is not None:
                lifted.append(attempt)
    cell.close()
    return Examination(lifted, attempts)


def embed(examination: Examination, perceiver: Perceiver) -> tuple[np.ndarray, np.ndarray]:
    """phi_s(pre) - phi_s(post) and phi_o(held) of each attempt, (n, D) each."""
    experiences = [attempt.experience for attempt in examination.attempts]
    removed = np.stack([perceiver.embed_scene(e.pre) - perceiver.embed_scene(e.post) for e in experiences])
    return removed, perceiver.embed_held([e.held[0] for e in experiences])


def retrieval(examination: Examination, perceiver: Perceiver) -> Measurement:
    """Retrieval of novel objects."""
    removed, held = embed(examination, perceiver)
    return evaluation.proportion(evaluation.retrieval_hits(removed, held, examination.labels))


def score_model(examination: Examination, perceiver: Perceiver, method: str, results: Results) -> np.ndarray:
    """Retrieval, localisation and reward of a model; returns phi_o of each attempt's held image."""
    labels = examination.labels
    removed, held = embed(examination, perceiver)
    results.add(
        "retrieval", SPLIT, method, evaluation.proportion(evaluation.retrieval_hits(removed, held, labels))
    )
    hits = _localise(examination, lambda scene, goal: perceiver.heatmap(scene, held[goal]))
    results.add("localisation", SPLIT, method, evaluation.proportion(hits))
    results.add("reward_auc", SPLIT, method, evaluation.reward_auc(held, labels))
    return held


def score_baselines(examination: Examination, results: Results) -> None:
    """Chance and the descriptors of colour."""
    labels, experiences = examination.labels, [attempt.experience for attempt in examination.attempts]
    answerable = [i for i in range(len(labels)) if examination.other_view(i) is not None]
    chance = evaluation.retrieval_chance(labels)
    results.add("retrieval", SPLIT, "chance", Measurement(chance, len(answerable), chance, chance))
    area = float(np.mean([examination.attempts[i].truth.masks[labels[i]].mean() for i in answerable]))
    results.add("localisation", SPLIT, "chance", Measurement(area, len(answerable), area, area))
    any_object = float(np.mean([1 / len(examination.attempts[i].truth.objects) for i in answerable]))
    results.add(
        "localisation",
        SPLIT,
        "chance_object",
        Measurement(any_object, len(answerable), any_object, any_object),
    )
    results.add("reward_auc", SPLIT, "chance", Measurement(0.5, len(labels), 0.5, 0.5))
    describers = {"mean_chroma": baselines.mean_chroma, "colour_histogram": baselines.colour_histogram}
    finders = {"mean_chroma": baselines.chroma_heatmap, "colour_histogram": baselines.histogram_heatmap}
    for method, describe in describers.items():
        removed = np.stack([describe(e.pre, baselines.changed_region(e.pre, e.post)) for e in experiences])
        held = np.stack([describe(e.held[0], baselines.held_region(e.held[0])) for e in experiences])
        results.add(
            "retrieval",
            SPLIT,
            method,
            evaluation.proportion(evaluation.retrieval_hits(removed, held, labels)),
        )
        find = finders[method]
        hits = _localise(examination, lambda scene, goal, find=find: find(scene, experiences[goal].held[0]))
        results.add("localisation", SPLIT, method, evaluation.proportion(hits))
        results.add("reward_auc", SPLIT, method, evaluation.reward_auc(held, labels))


def _localise(examination: Examination, heatmap: object) -> np.ndarray:
    """Whether the peak of another view's heatmap lies on the object, for each attempt with another view."""
    hits = []
    for index, attempt in enumerate(examination.attempts):
        goal = examination.other_view(index)
        if goal is not None:
            found = evaluation.peak(heatmap(attempt.experience.pre, goal))
            hits.append(evaluation.on_object(found, attempt.truth.masks[attempt.truth.held_object]))
    return np.array(hits, bool)
