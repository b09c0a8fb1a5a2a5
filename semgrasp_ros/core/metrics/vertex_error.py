"""How far a predicted hand is from the true one, vertex by vertex."""

from __future__ import annotations

import numpy as np


def mpvpe_mm(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean per-vertex position error.

    Args:
        predicted: (..., V, 3), metres.
        true: (..., V, 3), metres, the same frame and the same order of vertices.

    Returns:
        (...) millimetres; a scalar array for one hand.

    Raises:
        ValueError: where the shapes differ or are not vertices.
    """
    predicted, true = np.asarray(predicted, float), np.asarray(true, float)
    if predicted.shape != true.shape or predicted.ndim < 2 or predicted.shape[-1] != 3:
        raise ValueError(
            f"predicted has shape {predicted.shape} and true {true.shape}: both must be the same (..., V, 3)"
        )
    return 1000.0 * np.linalg.norm(predicted - true, axis=-1).mean(axis=-1)
