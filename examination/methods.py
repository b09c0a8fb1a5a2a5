"""What is compared: our embedding and the baselines, behind one interface."""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np

from grasp2vec_ros.core import baselines
from grasp2vec_ros.core.inference import Perceiver


class Method(Protocol):
    """Describes what was removed from a scene and what is held, and looks for goals."""

    name: str

    def describe_removed(self, pre: np.ndarray, post: np.ndarray) -> Any:
        """Description of what a grasp took out of the scene; images (H, W, 3) uint8 RGB."""

    def describe_held(self, views: list[np.ndarray]) -> Any:
        """Description of a held object from its views."""

    def similarity(self, queries: list, gallery: list) -> np.ndarray:
        """How alike descriptions are, (queries, gallery); higher is more alike."""

    def heatmaps(self, scene: np.ndarray, goals: list) -> list[np.ndarray]:
        """Where each of several described objects is in a scene, (H, W) each."""

    def mean(self, goals: list) -> Any:
        """A goal that any of several objects satisfies."""


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


class _Vectors:
    """Descriptions that are vectors: alike by their cosine, several of them averaged at unit length."""

    def similarity(self, queries: list, gallery: list) -> np.ndarray:
        return _unit(np.stack(queries)) @ _unit(np.stack(gallery)).T

    def mean(self, goals: list) -> np.ndarray:
        return _unit(np.stack(goals)).mean(axis=0)


class Embedding(_Vectors):
    """Grasp2Vec.

    Args:
        perceiver: has the model.
        name: in the result files.
        views: how many views of a held object are looked at; None: all.
        unaligned: take the difference of the scenes as they are, as in the paper.
    """

    def __init__(
        self, perceiver: Perceiver, name: str, views: int | None = None, unaligned: bool = False
    ) -> None:
        self.name, self._perceiver, self._views, self._unaligned = name, perceiver, views, unaligned

    @property
    def version(self) -> str:
        """Of the checkpoint."""
        return self._perceiver.version

    def describe_removed(self, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
        """phi_s(pre) - phi_s(post), (D,)."""
        if self._unaligned:
            return self._perceiver.embed_scene(pre) - self._perceiver.embed_scene(post)
        return self._perceiver.embed_removed(pre, post)

    def describe_held(self, views: list[np.ndarray]) -> np.ndarray:
        """Mean of phi_o over the views, at unit length each, (D,)."""
        return self.mean(list(self._perceiver.embed_held(views[: self._views])))

    def heatmaps(self, scene: np.ndarray, goals: list) -> list[np.ndarray]:
        return list(self._perceiver.heatmaps(scene, np.stack(goals)))


class MeanChroma(_Vectors):
    """Mean colour of the changed region and of the middle of the held image."""

    name = "mean_chroma"

    def describe_removed(self, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
        return baselines.mean_chroma(pre, baselines.changed_region(pre, post))

    def describe_held(self, views: list[np.ndarray]) -> np.ndarray:
        colours = [baselines.mean_chroma(view, baselines.held_region(view)) for view in views]
        return np.mean(colours, axis=0)

    def heatmaps(self, scene: np.ndarray, goals: list) -> list[np.ndarray]:
        return [baselines.chroma_heatmap(scene, goal) for goal in goals]

    def mean(self, goals: list) -> np.ndarray:
        return np.mean(goals, axis=0)


class ColourHistogram(_Vectors):
    """Colour histograms and their back-projection."""

    name = "colour_histogram"

    def describe_removed(self, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
        return baselines.colour_histogram(pre, baselines.changed_region(pre, post))

    def describe_held(self, views: list[np.ndarray]) -> np.ndarray:
        return self.mean([baselines.colour_histogram(view, baselines.held_region(view)) for view in views])

    def heatmaps(self, scene: np.ndarray, goals: list) -> list[np.ndarray]:
        return [baselines.histogram_heatmap(scene, goal) for goal in goals]


class Sift:
    """Local features, matched and checked by RANSAC."""

    name = "sift"

    def describe_removed(self, pre: np.ndarray, post: np.ndarray) -> list[baselines.LocalFeatures]:
        region = cv2.dilate(baselines.changed_region(pre, post).astype(np.uint8), np.ones((5, 5)))
        return [baselines.local_features(pre, region.astype(bool))]

    def describe_held(self, views: list[np.ndarray]) -> list[baselines.LocalFeatures]:
        return [baselines.local_features(view, baselines.held_region(view)) for view in views]

    def similarity(self, queries: list, gallery: list) -> np.ndarray:
        return np.array([[self._matches(q, g) for g in gallery] for q in queries], float)

    @staticmethod
    def _matches(query: list, views: list) -> int:
        return max(len(baselines.matched_points(view, q)) for q in query for view in views)

    def heatmaps(self, scene: np.ndarray, goals: list) -> list[np.ndarray]:
        everywhere = baselines.local_features(scene, np.ones(scene.shape[:2], bool))
        return [self._heatmap(scene.shape[:2], everywhere, goal) for goal in goals]

    @staticmethod
    def _heatmap(
        size: tuple[int, int], everywhere: baselines.LocalFeatures, goal: list[baselines.LocalFeatures]
    ) -> np.ndarray:
        heat = np.zeros(size, np.float32)
        for view in goal:
            for column, row in baselines.matched_points(view, everywhere):
                heat[min(int(row), heat.shape[0] - 1), min(int(column), heat.shape[1] - 1)] += 1
        return cv2.GaussianBlur(heat, (0, 0), 8.0)

    def mean(self, goals: list) -> list[baselines.LocalFeatures]:
        return [view for goal in goals for view in goal]
