"""The paper's measurements (Grasp2Vec, section 5): retrieval, localisation, reward; each with a 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_Z95 = 1.959964


@dataclass(frozen=True)
class Measurement:
    """A number and how sure it is.

    Attributes:
        value: between 0 and 1.
        n: how many cases.
        low, high: 95 % interval.
    """

    value: float
    n: int
    low: float
    high: float


def proportion(right: np.ndarray) -> Measurement:
    """A share of successes with Wilson's interval; (n,) bool."""
    n = len(right)
    if n == 0:
        return Measurement(float("nan"), 0, 0.0, 1.0)
    share = float(np.mean(right))
    middle = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 / (1 + _Z95**2 / n) * np.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n * n))
    return Measurement(share, n, max(0.0, middle - half), min(1.0, middle + half))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def retrieval_hits(queries: np.ndarray, gallery: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether the nearest held image of another attempt shows the same object.

    Args:
        queries: (n, D), phi_s(pre) - phi_s(post) of each attempt.
        gallery: (n, D), phi_o(held) of each attempt.
        labels: (n,) names of the objects.

    Returns:
        (m,) bool, for the attempts whose object was lifted in another attempt too.
    """
    similarity = _unit(queries) @ _unit(gallery).T
    np.fill_diagonal(similarity, -np.inf)
    same = labels[:, None] == labels[None, :]
    np.fill_diagonal(same, False)
    answerable = same.any(axis=1)
    nearest = similarity.argmax(axis=1)
    return same[np.arange(len(labels)), nearest][answerable]


def retrieval_chance(labels: np.ndarray) -> float:
    """Expected retrieval of a random choice among the other attempts."""
    same = (labels[:, None] == labels[None, :]).sum(axis=1) - 1
    answerable = same > 0
    return float((same[answerable] / (len(labels) - 1)).mean()) if answerable.any() else float("nan")


def own_retrieval(queries: np.ndarray, gallery: np.ndarray) -> float:
    """Share of attempts whose own held image is the nearest of all: needs no labels, for use while training."""
    return float(((_unit(queries) @ _unit(gallery).T).argmax(axis=1) == np.arange(len(queries))).mean())


def peak(heatmap: np.ndarray) -> tuple[int, int]:
    """(column, row) of the arg-max."""
    row, column = np.unravel_index(int(np.argmax(heatmap)), heatmap.shape)
    return int(column), int(row)


def on_object(peak_uv: tuple[int, int], mask: np.ndarray) -> bool:
    """Whether a peak lies on an object's visible pixels (H, W)."""
    return bool(mask[peak_uv[1], peak_uv[0]])


def area_under_curve(right: np.ndarray, wrong: np.ndarray) -> float:
    """Probability that a right pair scores higher than a wrong one."""
    scores = np.concatenate([right, wrong])
    order = scores.argsort(kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    # Ties share their mean rank.
    unique, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks) / counts)[inverse] if len(unique) < len(scores) else ranks
    return float((ranks[: len(right)].sum() - len(right) * (len(right) + 1) / 2) / (len(right) * len(wrong)))


def reward_pairs(held: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cosines of all pairs of held images of different attempts: of the same object, of different objects."""
    cosines = _unit(held) @ _unit(held).T
    above = np.triu(np.ones_like(cosines, bool), 1)
    same = labels[:, None] == labels[None, :]
    return cosines[above & same], cosines[above & ~same]


def reward_auc(held: np.ndarray, labels: np.ndarray, rounds: int = 200, seed: int = 0) -> Measurement:
    """The reward as a same-or-different detector, with an interval from resampling the objects.

    Args:
        held: (n, D) phi_o of each attempt.
        labels: (n,).
        rounds: resamples.
        seed: of the resampling.
    """
    right, wrong = reward_pairs(held, labels)
    if len(right) == 0 or len(wrong) == 0:
        return Measurement(float("nan"), len(right), 0.0, 1.0)
    rng, names = np.random.default_rng(seed), np.unique(labels)
    values = []
    for _ in range(rounds):
        rows = [np.flatnonzero(labels == name) for name in rng.choice(names, len(names))]
        # A name that was drawn twice counts as two objects only against others, never as a pair of itself.
        resampled = np.unique(np.concatenate(rows))
        r, w = reward_pairs(held[resampled], labels[resampled])
        if len(r) and len(w):
            values.append(area_under_curve(r, w))
    low, high = np.percentile(values, [2.5, 97.5])
    return Measurement(area_under_curve(right, wrong), len(right) + len(wrong), float(low), float(high))
