"""The people whose hands grasp in the generated data: a few shapes, as in recorded data sets."""

from __future__ import annotations

import numpy as np

PEOPLE = 12
SPREAD = 0.8


def hand_shapes() -> np.ndarray:
    """Shape values (12, 10) of the people's hands."""
    return (
        np.random.default_rng(20240405).normal(scale=SPREAD, size=(PEOPLE, 10)).clip(-2, 2).astype(np.float32)
    )
