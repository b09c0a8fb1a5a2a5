"""Reads the intent off a grasp: if a small classifier can, the grasp shows what it is for.

Papers ask a commercial language model whether a grasp suits the words. Here a linear classifier learns from the true
grasps of the training split and reads the generated ones; the intent accuracy is the share that it reads as asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from semgrasp_ros.core.data.manners import FINGERS


def grasp_features(touches: Sequence[str], joint_rotations: np.ndarray, parts: Sequence[str]) -> np.ndarray:
    """What the classifier sees of a grasp.

    Args:
        touches: six parts in the order of FINGERS, "" where a finger touches nothing.
        joint_rotations: (15, 3), axis-angle, radians.
        parts: the known parts (or roles of parts, where `touches` has been mapped to them); another part counts as
            touched, but as none of these.

    Returns:
        (6 * (1 + len(parts)) + 45,): for each finger whether it touches and which part; the joints.
    """
    if len(touches) != len(FINGERS):
        raise ValueError(f"touches has {len(touches)} entries: must have one for each of {FINGERS}")
    index = {part: i for i, part in enumerate(parts)}
    table = np.zeros((len(FINGERS), 1 + len(parts)))
    for row, part in zip(table, touches, strict=True):
        row[0] = part != ""
        if part in index:
            row[1 + index[part]] = 1.0
    return np.concatenate([table.ravel(), np.asarray(joint_rotations, float).ravel()])


class IntentClassifier:
    """Multinomial logistic regression on standardised features.

    Args:
        penalty: of the squared weights, against the mean log-likelihood.
    """

    def __init__(self, penalty: float = 1e-3) -> None:
        if penalty < 0:
            raise ValueError(f"penalty is {penalty}: must not be negative")
        self.penalty = penalty
        self.classes: tuple[str, ...] = ()

    def fit(self, features: np.ndarray, intents: Sequence[str]) -> IntentClassifier:
        """Learns from the training split.

        Args:
            features: (n, D).
            intents: (n,) names.

        Returns:
            Itself.
        """
        from scipy.optimize import minimize

        features = _features(features)
        if len(features) == 0 or len(features) != len(intents):
            raise ValueError(
                f"{len(features)} rows of features and {len(intents)} intents: give as many of both"
            )
        names, truth = np.unique(np.asarray(intents), return_inverse=True)
        self.classes = tuple(str(name) for name in names)
        self._mean, deviation = features.mean(axis=0), features.std(axis=0)
        # What never varied in training says nothing; it must not shout when it does later.
        self._scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 1e-9)
        inputs, target = self._inputs(features), np.eye(len(names))[truth]
        shape = (inputs.shape[1], len(names))

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            weights = flat.reshape(shape)
            penalised = weights * (np.arange(shape[0]) < shape[0] - 1)[:, None]
            logs = _log_softmax(inputs @ weights)
            value = -(logs * target).sum() / len(target) + self.penalty * (penalised**2).sum()
            slope = inputs.T @ (np.exp(logs) - target) / len(target) + 2 * self.penalty * penalised
            return value, slope.ravel()

        found = minimize(loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 300})
        self._weights = found.x.reshape(shape)
        return self

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """(n, D) to (n, number of classes), in the order of `classes`."""
        if not self.classes:
            raise ValueError("the classifier has learned nothing yet: call fit first")
        features = _features(features)
        if features.shape[1] != len(self._mean):
            raise ValueError(
                f"features have {features.shape[1]} columns; the classifier learned {len(self._mean)}"
            )
        return np.exp(_log_softmax(self._inputs(features) @ self._weights))

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The likeliest intents; (n, D) to (n,) names."""
        return np.array(self.classes)[self.probabilities(features).argmax(axis=1)]

    def right(self, features: np.ndarray, asked: Sequence[str]) -> np.ndarray:
        """Whether each grasp is read as the intent that was asked; (n,) bool. Its mean is the intent accuracy."""
        return self.predict(features) == np.asarray(asked)

    def _inputs(self, features: np.ndarray) -> np.ndarray:
        return np.hstack([(features - self._mean) * self._scale, np.ones((len(features), 1))])


def _features(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, float)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise ValueError(f"features of shape {features.shape} must be (n, D) and finite")
    return features


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
