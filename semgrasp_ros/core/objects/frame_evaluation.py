"""How well headings are found: against chance and principal axes, on objects and families never learned from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.metrics.intervals import ROUNDS, mean_by_object, proportion
from semgrasp_ros.core.objects.frame import CONFIG, HeadingEstimator, turned
from semgrasp_ros.core.objects.frame_data import (
    STEPS,
    HeadingExamples,
    instances_of,
    load_examples,
    misfit_at,
)

KINDS = ("whole", "partial_clouds", "partial_clouds_no_normals", "partial_clouds_tilted")
WITHIN_RAD = np.radians(15.0)
_NOISE_M, _TILT_RAD, _BIG_TILT_RAD = 0.001, 0.02, 0.1


@dataclass(frozen=True)
class Trials:
    """One cloud of each of O objects, turned by chance.

    Attributes:
        points: (O, N, 3) metres.
        normals: (O, N, 3).
        heading_rad: (O,) the true headings.
        misfit_m: (O, STEPS) of the objects.
    """

    points: torch.Tensor
    normals: torch.Tensor
    heading_rad: np.ndarray
    misfit_m: np.ndarray


def trials(examples: HeadingExamples, kind: str, seed: int) -> Trials:
    """Clouds to find headings of: `whole` surfaces with normals, or `partial_clouds` as one camera sees them.

    Both tilted by about a degree, whole ones with a millimetre of noise; views have a camera's noise already. The last
    two kinds are harder views: normals are all zero, or up is off by about 6 degrees each way.

    Raises:
        ValueError: unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is unknown; use one of {', '.join(KINDS)}")
    rng = np.random.default_rng(seed)
    count = len(examples)
    heading = rng.uniform(0, 2 * np.pi, count)
    view = np.zeros(count, int) if kind == "whole" else rng.integers(1, examples.clouds.shape[1], count)
    clouds = torch.from_numpy(examples.clouds[np.arange(count), view].astype(np.float32))
    angle = torch.from_numpy(heading.astype(np.float32))
    points, normals = turned(clouds[..., :3], angle), turned(clouds[..., 3:], angle)
    tilt = (_BIG_TILT_RAD if kind.endswith("tilted") else _TILT_RAD) * torch.from_numpy(
        rng.standard_normal((count, 2)).astype(np.float32)
    )
    points, normals = _tilted(points, tilt), _tilted(normals, tilt)
    if kind == "whole":
        points = points + _NOISE_M * torch.from_numpy(rng.standard_normal(points.shape).astype(np.float32))
    if kind.endswith("no_normals"):
        normals = torch.zeros_like(normals)
    return Trials(points, normals, heading, examples.misfit_m)


def _tilted(vectors: torch.Tensor, tilt_rad: torch.Tensor) -> torch.Tensor:
    """Turned by small angles (O, 2) about x and y; to first order."""
    axis = torch.cat([tilt_rad, torch.zeros(len(tilt_rad), 1)], dim=1)[:, None].expand_as(vectors)
    return vectors + torch.linalg.cross(axis, vectors, dim=2)


def found_by(model: HeadingEstimator, tried: Trials, batch: int = 64) -> np.ndarray:
    """Headings (O,) that the network finds."""
    angles = [
        model.heading(tried.points[low : low + batch], tried.normals[low : low + batch])[0]
        for low in range(0, len(tried.points), batch)
    ]
    return torch.cat(angles).numpy()


def principal_heading(tried: Trials) -> np.ndarray:
    """Baseline: the longest horizontal axis; it points to the end with more of the surface, as a hammer's does to its head.

    Of the two signs this one is right more often on objects to learn from.
    """
    flat = tried.points[..., :2].numpy().astype(np.float64)
    flat = flat - flat.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(flat.transpose(0, 2, 1) @ flat)
    longest = axes[:, :, -1]
    skew = (np.einsum("onk,ok->on", flat, longest) ** 3).sum(axis=1)
    longest = longest * np.where(skew > 0, -1.0, 1.0)[:, None]
    return np.arctan2(longest[:, 1], longest[:, 0])


def right_within(
    misfit_m: np.ndarray, error_rad: np.ndarray, within_rad: float = WITHIN_RAD, same_m: float = 0.003
) -> np.ndarray:
    """(O,) bool: found within an angle of a heading under which the object lies on itself within `same_m`.

    Where the object itself lies so after the error, it is right as well: headings of round things are all right.
    """
    same = np.arange(STEPS) * (2 * np.pi / STEPS)
    away = np.abs(np.mod(error_rad[:, None] - same + np.pi, 2 * np.pi) - np.pi)
    near = ((away <= within_rad) & (misfit_m <= same_m)).any(axis=1)
    return near | (misfit_at(misfit_m, error_rad) <= same_m)


def has_heading(misfit_m: np.ndarray) -> np.ndarray:
    """(O,) bool: whether fewer than half of all headings would be right: mugs and knives, no cans."""
    every = np.arange(STEPS) * (2 * np.pi / STEPS)
    right = np.stack([right_within(misfit_m, np.full(len(misfit_m), angle)) for angle in every], axis=1)
    return right.mean(axis=1) < 0.5


def median(values: np.ndarray, groups: Sequence[object], seed: int = 0) -> Measurement:
    """Median of values (n,), its interval from drawing groups of them again, each with all of its values."""
    rng = np.random.default_rng(seed)
    _, which = np.unique(np.array(groups), return_inverse=True)
    rows = [np.flatnonzero(which == group) for group in range(which.max() + 1)]
    drawn = [
        np.median(values[np.concatenate([rows[group] for group in rng.integers(0, len(rows), len(rows))])])
        for _ in range(ROUNDS)
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Measurement(float(np.median(values)), len(values), float(low), float(high))


def evaluate(
    model: HeadingEstimator, splits: dict[str, HeadingExamples], results: Results, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Adds rows of every split and kind of cloud; returns the share right of each family.

    Metrics: `heading_15deg` of all objects, `heading_15deg_asymmetric` of those with a heading, and the median
    `misfit_mm` after alignment, of all and of those. Methods: `ours`, `principal_axis`, and `chance`, which is not to
    align at all. Intervals are by object; for the split `unseen_families` by family, since objects of one family fail
    together.
    """
    families: dict[str, dict[str, float]] = {}
    for split, examples in splits.items():
        families_of = np.array([family for family, _ in examples.objects])
        held_out = split == "unseen_families"
        for kind in KINDS:
            tried = trials(examples, kind, seed)
            rng = np.random.default_rng([seed, 1])
            methods = {
                "ours": found_by(model, tried),
                "principal_axis": principal_heading(tried),
                "chance": rng.uniform(0, 2 * np.pi, len(examples)),
            }
            name = split if kind == "whole" else f"{split}_{kind}"
            clear = has_heading(tried.misfit_m)
            for method, found in methods.items():
                error = found - tried.heading_rad
                right = right_within(tried.misfit_m, error)
                misfit = misfit_at(tried.misfit_m, error) * 1000
                for ending, chosen in (("", np.ones(len(right), bool)), ("_asymmetric", clear)):
                    if not chosen.any():
                        continue
                    groups = families_of[chosen] if held_out else np.flatnonzero(chosen)
                    share = mean_by_object(right[chosen], groups) if held_out else proportion(right[chosen])
                    results.add("heading_15deg" + ending, name, method, share)
                    results.add("misfit_mm" + ending, name, method, median(misfit[chosen], groups))
                if method == "ours":
                    families[name] = _by_family(examples, right)
    return families


def _by_family(examples: HeadingExamples, right: np.ndarray) -> dict[str, float]:
    names = np.array([family for family, _ in examples.objects])
    return {str(name): round(float(right[names == name].mean()), 3) for name in np.unique(names)}


def write_results(model_folder: Path, cache: Path | None, file: Path, seed: int = 0) -> None:
    """Evaluates a trained model on objects of families and instances that were held out, and writes the result file.

    Args:
        model_folder: that `train-frame` wrote.
        cache: a folder that keeps the objects' clouds between runs.
        file: to write.
        seed: of turns, views and noise.

    Raises:
        FileNotFoundError: the folder holds no model.
    """
    model = HeadingEstimator.load(model_folder)
    notes = json.loads((Path(model_folder) / CONFIG).read_text())["notes"]
    kept = f" --clouds {cache}" if cache else ""
    results = Results(
        f"python -m semgrasp_ros train-frame --output {model_folder}{kept} --results {file}", seed
    )
    splits = {
        "unseen_instances": load_examples(instances_of("unseen_instances", 8), cache),
        "unseen_families": load_examples(instances_of("unseen_families", 24), cache),
    }
    families = evaluate(model, splits, results, seed)
    results.write(Path(file), training=notes, families=families)
