"""Goals keep the images they were made from, so that a new model can embed them again."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass

import numpy as np
import torch

from grasp2vec_ros.core.arithmetic import mean_of_goals
from grasp2vec_ros.core.inference import Perceiver

MOST_IMAGES = 64
MOST_GOALS = 256


class UnknownGoalError(KeyError):
    """No goal of that id."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class GoalView:
    """An image of a goal.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        region: (left, top, width, height) [px] when the object is pointed at in a scene; None for a held object.
    """

    image: np.ndarray
    region: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class GoalEntry:
    """A goal.

    Attributes:
        goal_id: its name.
        label: for people.
        source: one of Goal.SOURCE_* of the message.
        views: the images that it was made from.
        embedding: (D,) float32, of unit length or shorter (a mean of unit vectors).
        model_version: of the checkpoint that made `embedding`.
    """

    goal_id: str
    label: str
    source: int
    views: tuple[GoalView, ...]
    embedding: np.ndarray
    model_version: str


class GoalBook:
    """All goals of a robot; safe to use from several threads."""

    def __init__(self) -> None:
        self._goals: dict[str, GoalEntry] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._goals)

    def set(
        self, perceiver: Perceiver, views: list[GoalView], goal_id: str = "", label: str = "", source: int = 1
    ) -> GoalEntry:
        """Makes a goal, the mean over its views, and keeps it; one of the same id is replaced.

        Raises:
            ValueError: no views, too many, or too many goals.
        """
        if not 1 <= len(views) <= MOST_IMAGES:
            raise ValueError(f"images: {len(views)} given; a goal is made from 1 to {MOST_IMAGES} images")
        goal_id = goal_id or f"goal-{uuid.uuid4().hex[:8]}"
        embedding, version = _embed(perceiver, tuple(views))
        entry = GoalEntry(goal_id, label, source, tuple(views), embedding, version)
        with self._lock:
            if goal_id not in self._goals and len(self._goals) >= MOST_GOALS:
                raise ValueError(f"goal_id: {MOST_GOALS} goals are kept at most; clear them first")
            self._goals[goal_id] = entry
        return entry

    def get(self, goal_id: str) -> GoalEntry:
        """The goal of that id.

        Raises:
            UnknownGoalError: names the ids that there are.
        """
        with self._lock:
            if goal_id not in self._goals:
                known = ", ".join(list(self._goals)[:10]) or "none; set one first"
                raise UnknownGoalError(f"goal_id: {goal_id!r} is unknown; known goals: {known}")
            return self._goals[goal_id]

    def clear(self) -> None:
        """Forgets all goals."""
        with self._lock:
            self._goals.clear()

    def reembed(self, perceiver: Perceiver) -> list[str]:
        """Embeds the goals of older models again, from their images. Returns the ids of those."""
        with self._lock:
            old = [entry for entry in self._goals.values() if entry.model_version != perceiver.version]
        for entry in old:
            embedding, version = _embed(perceiver, entry.views)
            renewed = GoalEntry(entry.goal_id, entry.label, entry.source, entry.views, embedding, version)
            with self._lock:
                # Left alone when it was replaced or cleared meanwhile.
                if self._goals.get(entry.goal_id) is entry:
                    self._goals[entry.goal_id] = renewed
        return [entry.goal_id for entry in old]


def _embed(perceiver: Perceiver, views: tuple[GoalView, ...]) -> tuple[np.ndarray, str]:
    while True:
        version = perceiver.version
        vectors = []
        for view in views:
            if view.region is None:
                vectors.append(perceiver.embed_held([view.image])[0])
            else:
                vectors.append(perceiver.embed_region(view.image, *view.region))
        # A model that was swapped meanwhile would mix two spaces.
        if perceiver.version == version:
            return mean_of_goals(torch.from_numpy(np.stack(vectors))).numpy(), version
