"""The paper's measurements of one method on one split (Grasp2Vec, section 5), and some it does not have."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from examination.attempts import Examination
from examination.methods import Method
from grasp2vec_ros.core import evaluation
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results

TARGETS_AT_ONCE = 3
EITHER = "either of two"


@dataclass
class Described:
    """What a method makes of the attempts of a split.

    Attributes:
        removed, held: a description per attempt that lifted something.
        rows: which attempts those are.
    """

    removed: list = field(default_factory=list)
    held: list = field(default_factory=list)
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, int))


def examine(
    examination: Examination,
    method: Method,
    split: str,
    results: Results,
    most: int | None = None,
    heatmaps: bool = True,
) -> Described:
    """Adds every row of a method on a split, and returns its descriptions.

    Args:
        examination: the attempts.
        method: what is measured.
        split: its name in the result file.
        results: gets the rows.
        most: how many attempts are looked at; None: all. For methods that take minutes.
        heatmaps: measure localisation too.
    """
    rows = np.arange(len(examination.attempts))[:most]
    described = Described(rows=rows)
    for row in tqdm(rows, desc=f"{split}: {method.name}", unit="attempt", mininterval=2.0, leave=False):
        experience = examination.attempts[row].experience
        described.removed.append(method.describe_removed(experience.pre, experience.post))
        described.held.append(method.describe_held(experience.held))
    labels, fillings = examination.labels[rows], examination.fillings[rows]
    similarity = method.similarity(described.removed, described.held)
    # In the same filling of the bin an object often lies and is held as it was: the harder question leaves that out.
    for metric, groups in (("retrieval", None), ("retrieval_other_filling", fillings)):
        hits = evaluation.retrieval_hits(similarity, labels, groups)
        asked = labels[evaluation.answerable(labels, groups)]
        results.add(metric, split, method.name, evaluation.proportion(hits, asked))
    alike = method.similarity(described.held, described.held)
    results.add("reward_auc", split, method.name, evaluation.reward_auc(alike, labels))
    results.add("reward_accuracy", split, method.name, evaluation.reward_accuracy(alike, labels))
    results.add("reward_calibration_error", split, method.name, evaluation.reward_calibration(alike, labels))
    if heatmaps:
        _heatmaps(examination, described, method, split, results)
    return described


def _heatmaps(
    examination: Examination, described: Described, method: Method, split: str, results: Results
) -> None:
    """Localisation of one target, of several at once, and of either of two by their mean."""
    rng = np.random.default_rng(0)
    place = {int(row): i for i, row in enumerate(described.rows)}
    hits: dict[str, list[bool]] = {
        "localisation": [],
        f"localisation_of_{TARGETS_AT_ONCE}": [],
        "composition": [],
    }
    lifted: dict[str, list[str]] = {metric: [] for metric in hits}
    for row in tqdm(described.rows, desc=f"{split}: {method.name}, heatmaps", mininterval=2.0, leave=False):
        attempt = examination.attempts[row]
        scene, masks = attempt.experience.pre, attempt.truth.masks
        goals = {}
        for name in attempt.truth.objects:
            views = [place[i] for i in examination.elsewhere(name, attempt.truth.filling) if i in place]
            # What cannot be seen cannot be pointed at.
            if views and masks[name].any():
                goals[name] = described.held[views[rng.integers(len(views))]]
        wanted, looked_for = attempt.truth.held_object, dict(goals)
        names = []
        if len(goals) >= TARGETS_AT_ONCE:
            names = [str(name) for name in rng.choice(sorted(goals), TARGETS_AT_ONCE, replace=False)]
            looked_for[EITHER] = method.mean([goals[name] for name in names[:2]])
        if not looked_for:
            continue
        heats = method.heatmaps(scene, list(looked_for.values()))
        peaks = {name: evaluation.peak(heat) for name, heat in zip(looked_for, heats, strict=True)}
        found = {}
        if wanted in goals:
            found["localisation"] = evaluation.on_object(peaks[wanted], masks[wanted])
        if names:
            on_own = [evaluation.on_object(peaks[name], masks[name]) for name in names]
            found[f"localisation_of_{TARGETS_AT_ONCE}"] = all(on_own)
            on_either = [evaluation.on_object(peaks[EITHER], masks[name]) for name in names[:2]]
            found["composition"] = any(on_either)
        for metric, hit in found.items():
            hits[metric].append(hit)
            lifted[metric].append(wanted)
    for metric in hits:
        measured = evaluation.proportion(np.array(hits[metric], bool), np.array(lifted[metric]))
        results.add(metric, split, method.name, measured)


def add_chance(examination: Examination, split: str, results: Results) -> None:
    """What guessing achieves: a random attempt of the gallery, a random object of the bin."""
    labels, n = examination.labels, len(examination.labels)
    for metric, groups in (("retrieval", None), ("retrieval_other_filling", examination.fillings)):
        share = evaluation.retrieval_chance(labels, groups)
        results.add(metric, split, "chance", Measurement(share, n, share, share))
    objects = float(np.mean([1 / len(a.truth.objects) for a in examination.attempts]))
    pixels = float(np.mean([a.truth.masks[a.truth.held_object].mean() for a in examination.attempts]))
    for metric, value, name in (
        ("localisation", objects, "chance"),
        ("localisation", pixels, "chance_pixel"),
        (f"localisation_of_{TARGETS_AT_ONCE}", objects**TARGETS_AT_ONCE, "chance"),
        ("composition", min(1.0, 2 * objects), "chance"),
        ("reward_auc", 0.5, "chance"),
        ("reward_accuracy", 0.5, "chance"),
    ):
        results.add(metric, split, name, Measurement(value, n, value, value))
