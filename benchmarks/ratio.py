"""Ratios of two things that are timed in turns, so that what else the machine does meanwhile falls on both."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from grasp2vec_ros.core.evaluation import Measurement

ROUNDS = 2000


def median(values: np.ndarray, seed: int = 0) -> Measurement:
    """A median with the 95 % interval of its bootstrap; values (n,)."""
    return _bootstrapped(lambda rows: np.median(values[rows], axis=-1), len(values), seed)


def paired_ratio(ours: np.ndarray, reference: np.ndarray, seed: int = 0) -> Measurement:
    """The median of the ratios of neighbours in time; ours (n,) and reference (n,), pairs are resampled.

    Raises:
        ValueError: there are not as many of one as of the other.
    """
    return median(ours / _same_length(ours, reference), seed)


def paired_difference(ours: np.ndarray, reference: np.ndarray, seed: int = 0) -> Measurement:
    """The median of the differences of neighbours in time, as `paired_ratio`.

    Raises:
        ValueError: there are not as many of one as of the other.
    """
    return median(ours - _same_length(ours, reference), seed)


def ratio_of_medians(ours: np.ndarray, reference: np.ndarray, seed: int = 0) -> Measurement:
    """For what does not come in pairs: ours (n,), reference (m,), each resampled by itself; n is the smaller count."""
    rng = np.random.default_rng(seed)
    if not len(ours) or not len(reference):
        return Measurement(float("nan"), 0, float("nan"), float("nan"))
    tops, bottoms = (
        np.median(values[rng.integers(len(values), size=(ROUNDS, len(values)))], axis=1)
        for values in (ours, reference)
    )
    low, high = np.percentile(tops / bottoms, [2.5, 97.5])
    value = float(np.median(ours) / np.median(reference))
    return Measurement(value, min(len(ours), len(reference)), float(low), float(high))


def take_turns(
    parts: dict[str, Callable[[], object]],
    rounds: int,
    warm_up: int = 1,
    before: Callable[[], object] = lambda: None,
) -> dict[str, np.ndarray]:
    """Seconds of each part, (rounds,): one of each in every round, in an order that alternates.

    Args:
        parts: by name, what is timed.
        rounds: how often.
        warm_up: rounds that are not counted.
        before: called before every part, untimed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    for number in range(warm_up + rounds):
        names = list(parts) if number % 2 == 0 else list(reversed(parts))
        for name in names:
            before()
            began = time.perf_counter()
            parts[name]()
            if number >= warm_up:
                seconds[name].append(time.perf_counter() - began)
    return {name: np.array(values) for name, values in seconds.items()}


def _same_length(ours: np.ndarray, reference: np.ndarray) -> np.ndarray:
    if len(ours) != len(reference):
        raise ValueError(f"reference: {len(reference)} values for {len(ours)} of ours; time them in turns")
    return reference


def _bootstrapped(statistic: Callable[[np.ndarray], np.ndarray], count: int, seed: int) -> Measurement:
    if count == 0:
        return Measurement(float("nan"), 0, float("nan"), float("nan"))
    rows = np.random.default_rng(seed).integers(count, size=(ROUNDS, count))
    low, high = np.percentile(statistic(rows), [2.5, 97.5])
    return Measurement(float(statistic(np.arange(count))), count, float(low), float(high))
