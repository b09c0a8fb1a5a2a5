"""95 % intervals: Wilson's for shares of independent cases, the cluster bootstrap for everything by object.

Grasps of one object are much alike. An interval that takes them for independent cases is too narrow, so objects are
drawn again, each with all of its grasps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from grasp2vec_ros.core.evaluation import Measurement, proportion

__all__ = ["Measurement", "mean_by_object", "proportion"]

ROUNDS = 2000


def mean_by_object(
    values: np.ndarray, objects: Sequence[object], rounds: int = ROUNDS, seed: int = 0
) -> Measurement:
    """The mean of all values, with an interval from drawing the objects again.

    Args:
        values: (n,) numbers or bools; NaN is refused, since leaving failures out would flatter.
        objects: (n,) which object each value belongs to: names, or tuples such as (family, instance).
        rounds: how often the objects are drawn.
        seed: of the drawing.

    Returns:
        `n` counts the values. The interval is NaN where there are fewer than two objects.
    """
    values = np.asarray(values, float)
    if values.ndim != 1 or len(values) != len(objects):
        raise ValueError(f"values {values.shape} and {len(objects)} objects: give one object for each value")
    if not np.isfinite(values).all():
        raise ValueError(
            f"values: {int((~np.isfinite(values)).sum())} are not finite; decide what a failure counts"
        )
    which = _numbered(objects)
    count = int(which.max()) + 1 if len(which) else 0
    if count < 2:
        value = float(values.mean()) if len(values) else float("nan")
        return Measurement(value, len(values), float("nan"), float("nan"))
    sums, sizes = np.bincount(which, values), np.bincount(which)
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=rounds)
    low, high = np.percentile((drawn @ sums) / (drawn @ sizes), [2.5, 97.5])
    return Measurement(float(values.mean()), len(values), float(low), float(high))


def _numbered(objects: Sequence[object]) -> np.ndarray:
    """(n,) int: equal objects get equal numbers."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(_plain(thing), len(numbers)) for thing in objects], int)


def _plain(thing: object) -> object:
    return tuple(thing) if isinstance(thing, list | np.ndarray) else thing
