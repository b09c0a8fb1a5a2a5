"""What a real camera does: how much retrieval and localisation drop under each disturbance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from examination.attempts import Examination, collect
from examination.methods import Embedding
from grasp2vec_ros.core import evaluation
from grasp2vec_ros.core.held_views import HELD_VIEWS
from grasp2vec_ros.core.results import Results
from grasp_cell.cell import Cell
from grasp_cell.collect import Attempt
from grasp_cell.config import CellConfig
from grasp_cell.removals import simulate_removals

MOST = 100
WITH_SHADOWS = 150
REMOVALS = 150
Disturbance = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _gain(*factors: float) -> Disturbance:
    """The camera changes its exposure or white balance by these factors, one or one per channel."""
    return lambda image, _: np.clip(image * np.array(factors), 0, 255).astype(np.uint8)


def _out_of_focus(sigma_px: float) -> Disturbance:
    return lambda image, _: cv2.GaussianBlur(image, (0, 0), sigma_px)


def _noisy(deviation: float) -> Disturbance:
    return lambda image, rng: np.clip(image + rng.normal(scale=deviation, size=image.shape), 0, 255).astype(
        np.uint8
    )


def _bumped(distance_px: float) -> Disturbance:
    def move(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        angle = rng.uniform(0, 2 * np.pi)
        shift = np.array([[1, 0, distance_px * np.cos(angle)], [0, 1, distance_px * np.sin(angle)]])
        size = (image.shape[1], image.shape[0])
        return cv2.warpAffine(image, shift, size, borderMode=cv2.BORDER_REPLICATE)

    return move


# Name: what happens to post alone, between the two pictures; what happens to both scenes.
DISTURBANCES: dict[str, tuple[Disturbance | None, Disturbance | None]] = {
    "none": (None, None),
    "exposure_post_-20%": (_gain(0.8), None),
    "exposure_post_+20%": (_gain(1.2), None),
    "white_balance_post": (_gain(1.12, 1.0, 0.88), None),
    "exposure_both_-30%": (None, _gain(0.7)),
    "white_balance_both": (None, _gain(1.15, 1.0, 0.85)),
    "blur_1px": (None, _out_of_focus(1.0)),
    "blur_2px": (None, _out_of_focus(2.0)),
    "noise_4%": (None, _noisy(10.0)),
    "noise_8%": (None, _noisy(20.0)),
    "camera_shift_2px": (_bumped(2.0), None),
    "camera_shift_5px": (_bumped(5.0), None),
}


def add_robustness(
    examination: Examination,
    config: CellConfig,
    split: str,
    methods: list[Embedding],
    folder: Path,
    seed: int,
    results: Results,
) -> None:
    """Adds a row per disturbance and method: metric `retrieval:<disturbance>`, `localisation:<disturbance>`.

    Args:
        examination: attempts without disturbances.
        config: of the cell they were made in.
        split: its name.
        methods: what is compared.
        folder: where attempts with shadows are kept.
        seed: of everything random.
        results: gets the rows.
    """
    attempts = examination.attempts[:MOST]
    shadows = collect(
        replace(config, shadows=True), WITH_SHADOWS, seed, folder, f"{split} with shadows"
    ).attempts[:MOST]
    still, nudged = (_removals(config, seed, nudge) for nudge in (0.0, 0.012))
    others = {"shadows": shadows, "removal": still, "removal_neighbours_nudged_12mm": nudged}
    rows = [(method, name) for method in methods for name in (*DISTURBANCES, *others)]
    for method, name in tqdm(rows, desc=f"{split}, disturbed", unit="row"):
        if name in others:
            disturbed = others[name]
        else:
            disturbed = _disturbed(attempts, *DISTURBANCES[name], np.random.default_rng(seed))
        _score(disturbed, method, split, name, results)


def _removals(config: CellConfig, seed: int, nudge_m: float) -> list[Attempt]:
    """Removals of the same objects from the same bins with the neighbours pushed by so much."""
    cell = Cell(config)
    made = list(
        simulate_removals(cell, REMOVALS, np.random.default_rng(seed), HELD_VIEWS, nudge_m, nudge_share=1.0)
    )
    cell.close()
    return made


def _disturbed(
    attempts: list[Attempt],
    to_post: Disturbance | None,
    to_both: Disturbance | None,
    rng: np.random.Generator,
) -> list[Attempt]:
    changed = []
    for attempt in attempts:
        pre, post = attempt.experience.pre, attempt.experience.post
        if to_both is not None:
            pre, post = to_both(pre, rng), to_both(post, rng)
        if to_post is not None:
            post = to_post(post, rng)
        changed.append(Attempt(replace(attempt.experience, pre=pre, post=post), attempt.truth))
    return changed


def _score(attempts: list[Attempt], method: Embedding, split: str, name: str, results: Results) -> None:
    labels = np.array([attempt.truth.held_object for attempt in attempts])
    removed = [method.describe_removed(a.experience.pre, a.experience.post) for a in attempts]
    held = [method.describe_held(a.experience.held) for a in attempts]
    hits = evaluation.retrieval_hits(method.similarity(removed, held), labels)
    asked = labels[evaluation.answerable(labels)]
    results.add(f"retrieval:{name}", split, method.name, evaluation.proportion(hits, asked))
    found, looked_for = [], []
    for i, attempt in enumerate(attempts):
        others = np.flatnonzero((labels == labels[i]) & (np.arange(len(labels)) != i))
        if len(others) and labels[i] in attempt.truth.masks:
            spot = evaluation.peak(method.heatmaps(attempt.experience.pre, [held[int(others[0])]])[0])
            found.append(evaluation.on_object(spot, attempt.truth.masks[labels[i]]))
            looked_for.append(labels[i])
    if found:
        measured = evaluation.proportion(np.array(found, bool), np.array(looked_for))
        results.add(f"localisation:{name}", split, method.name, measured)
