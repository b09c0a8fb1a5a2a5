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


def proportion(right: np.ndarray, objects: np.ndarray | None = None) -> Measurement:
    """A share of successes with an interval.

    Args:
        right: (n,) bool.
        objects: (n,) what each case is about. Where given, the interval is the wider one of Wilson's, which takes
            cases for independent, and one from resampling the objects: some are easy and some are hard, and which of
            them are lifted often is luck.
    """
    n = len(right)
    if n == 0:
        return Measurement(float("nan"), 0, 0.0, 1.0)
    share = float(np.mean(right))
    middle = (share + _Z95**2 / (2 * n)) / (1 + _Z95**2 / n)
    half = _Z95 / (1 + _Z95**2 / n) * np.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n * n))
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    if objects is not None:
        resampled = np.percentile(_resampled_shares(right, objects), [2.5, 97.5])
        low, high = min(low, float(resampled[0])), max(high, float(resampled[1]))
    return Measurement(share, n, low, high)


def _resampled_shares(
    right: np.ndarray, objects: np.ndarray, rounds: int = 2000, seed: int = 0
) -> np.ndarray:
    """Shares of successes when objects are drawn with replacement, (rounds,)."""
    names, which = np.unique(objects, return_inverse=True)
    successes, cases = np.bincount(which, weights=right), np.bincount(which)
    drawn = np.random.default_rng(seed).integers(0, len(names), (rounds, len(names)))
    return successes[drawn].sum(axis=1) / cases[drawn].sum(axis=1)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def cosines(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Cosines of all pairs; (n, D) and (m, D) give (n, m)."""
    return _unit(queries) @ _unit(gallery).T


def retrieval_hits(
    similarity: np.ndarray, labels: np.ndarray, groups: np.ndarray | None = None
) -> np.ndarray:
    """Whether the most similar held image of another attempt shows the same object.

    Args:
        similarity: (n, n), of what each attempt removed (rows) and what each attempt held (columns).
        labels: (n,) names of the objects.
        groups: (n,); where given, attempts of the query's own group are left out of the gallery.

    Returns:
        (m,) bool, for the attempts whose object is in the gallery.
    """
    gallery = _gallery(labels, groups)
    same = (labels[:, None] == labels[None, :]) & gallery
    nearest = np.where(gallery, similarity, -np.inf).argmax(axis=1)
    return same[np.arange(len(labels)), nearest][answerable(labels, groups)]


def answerable(labels: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """Whether an attempt's object is in its gallery, (n,) bool; arguments as for `retrieval_hits`."""
    return ((labels[:, None] == labels[None, :]) & _gallery(labels, groups)).any(axis=1)


def retrieval_chance(labels: np.ndarray, groups: np.ndarray | None = None) -> float:
    """Expected retrieval of a random choice from the gallery."""
    gallery = _gallery(labels, groups)
    same = (labels[:, None] == labels[None, :]) & gallery
    asked = answerable(labels, groups)
    shares = same[asked].sum(axis=1) / gallery[asked].sum(axis=1)
    return float(shares.mean()) if asked.any() else float("nan")


def _gallery(labels: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Which attempts (columns) are in the gallery of each query (rows): never its own, (n, n) bool."""
    own = np.eye(len(labels), dtype=bool)
    return ~own if groups is None else ~own & (groups[:, None] != groups[None, :])


def own_retrieval(queries: np.ndarray, gallery: np.ndarray) -> float:
    """Share of attempts whose own held image is the nearest of all: needs no labels, for use while training."""
    return float((cosines(queries, gallery).argmax(axis=1) == np.arange(len(queries))).mean())


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


def reward_pairs(similarity: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores of all pairs of held images of different attempts: of the same object, of different objects.

    Args:
        similarity: (n, n) of held images, symmetric.
        labels: (n,).
    """
    above = np.triu(np.ones_like(similarity, bool), 1)
    same = labels[:, None] == labels[None, :]
    return similarity[above & same], similarity[above & ~same]


def reward_auc(similarity: np.ndarray, labels: np.ndarray, rounds: int = 100, seed: int = 0) -> Measurement:
    """The reward as a same-or-different detector, with an interval from resampling the objects.

    Args:
        similarity: (n, n) of held images, symmetric.
        labels: (n,).
        rounds: resamples.
        seed: of the resampling.
    """
    right, wrong = reward_pairs(similarity, labels)
    if len(right) == 0 or len(wrong) == 0:
        return Measurement(float("nan"), len(right), 0.0, 1.0)
    rng, names = np.random.default_rng(seed), np.unique(labels)
    values = []
    for _ in range(rounds):
        # A name that was drawn twice would make pairs of an attempt with itself; it counts once.
        rows = np.isin(labels, rng.choice(names, len(names)))
        r, w = reward_pairs(similarity[np.ix_(rows, rows)], labels[rows])
        if len(r) and len(w):
            values.append(area_under_curve(r, w))
    low, high = np.percentile(values, [2.5, 97.5])
    return Measurement(area_under_curve(right, wrong), len(right) + len(wrong), float(low), float(high))


def reward_accuracy(similarity: np.ndarray, labels: np.ndarray) -> Measurement:
    """Same-or-different decisions by a threshold that was chosen on other objects.

    Half of the objects choose the threshold for the other half and the other way round. Same and different pairs
    count alike; the interval is that of as many independent decisions as there are attempts, not pairs.
    """
    values = [
        _balanced_accuracy(best_threshold(*chosen), *measured)
        for chosen, measured in _halves(similarity, labels)
    ]
    value, n = float(np.mean(values)), len(labels)
    half = _Z95 * float(np.sqrt(value * (1 - value) / n))
    return Measurement(value, n, max(0.0, value - half), min(1.0, value + half))


def reward_calibration(similarity: np.ndarray, labels: np.ndarray, bins: int = 10) -> Measurement:
    """How far the reward, read as the probability that both are the same object, is from the truth.

    The expected calibration error, same and different pairs counting alike, of a logistic curve through the scores
    that was fitted on the other half of the objects. 0 is best.
    """
    errors = []
    for (same, different), measured in _halves(similarity, labels):
        slope, offset = _logistic_fit(same, different)
        scores = np.concatenate(measured)
        truth = np.concatenate([np.ones(len(measured[0])), np.zeros(len(measured[1]))])
        weight = np.where(truth == 1, 0.5 / len(measured[0]), 0.5 / len(measured[1]))
        believed = 1 / (1 + np.exp(-np.clip(slope * scores + offset, -50, 50)))
        which = np.minimum((believed * bins).astype(int), bins - 1)
        gaps = [abs((weight * (truth - believed))[which == b].sum()) for b in range(bins)]
        errors.append(sum(gaps))
    return Measurement(float(np.mean(errors)), len(labels), float(min(errors)), float(max(errors)))


def _halves(similarity: np.ndarray, labels: np.ndarray) -> list:
    """((same, different) scores of one half of the objects, those of the other half), both ways round."""
    half = np.isin(labels, np.unique(labels)[::2])
    parts = [reward_pairs(similarity[np.ix_(rows, rows)], labels[rows]) for rows in (half, ~half)]
    return [(parts[0], parts[1]), (parts[1], parts[0])]


def _balanced_accuracy(threshold: float, same: np.ndarray, different: np.ndarray) -> float:
    return float(((same >= threshold).mean() + (different < threshold).mean()) / 2)


def best_threshold(same: np.ndarray, different: np.ndarray) -> float:
    """The score that separates same from different best, both kinds counting alike."""
    candidates = np.quantile(np.concatenate([same, different]), np.linspace(0, 1, 400))
    accuracies = [_balanced_accuracy(threshold, same, different) for threshold in candidates]
    return float(candidates[int(np.argmax(accuracies))])


def _logistic_fit(same: np.ndarray, different: np.ndarray, rounds: int = 50) -> tuple[float, float]:
    """Slope and offset of a logistic curve by Newton's method, both kinds weighing alike."""
    scores = np.concatenate([same, different])
    truth = np.concatenate([np.ones(len(same)), np.zeros(len(different))])
    weight = np.where(truth == 1, 0.5 / len(same), 0.5 / len(different))
    inputs = np.stack([scores, np.ones_like(scores)], axis=1)
    beta = np.zeros(2)
    for _ in range(rounds):
        believed = 1 / (1 + np.exp(-np.clip(inputs @ beta, -50, 50)))
        gradient = inputs.T @ (weight * (believed - truth)) + 1e-6 * beta
        hessian = (inputs * (weight * believed * (1 - believed))[:, None]).T @ inputs + 1e-6 * np.eye(2)
        beta = beta - np.clip(np.linalg.solve(hessian, gradient), -5, 5)
    return float(beta[0]), float(beta[1])
