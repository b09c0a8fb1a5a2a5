"""Rewards for off-policy RL from stored experience (Grasp2Vec, section 4.3 and table 2).

An attempt is an episode of one decision: the scene before, the grasp, the scene after. It is relabelled with goals:

- hindsight ("PL"): the goal is what was held; whatever was lifted was right, reward 1;
- embedding similarity ("ES"): the goal is the one that was asked for, reward cos(phi_o(goal), phi_o(held));
- auxiliary ("Aux"): the goal is an object of another attempt, with its ES reward; with 0 instead it hurts (table 2).

An attempt that lifted nothing has reward 0 for any goal.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.inference import Perceiver
from grasp2vec_ros.core.store import ExperienceStore, ExperienceUnreadableError

Scheme = Literal["hindsight", "embedding_similarity", "auxiliary"]
SCHEMES: tuple[Scheme, ...] = ("hindsight", "embedding_similarity", "auxiliary")


@dataclass(frozen=True)
class Transition:
    """One goal-conditioned transition; always the last of its episode.

    Attributes:
        experience: where it comes from: `pre` is the observation, `post` the next one, `grasp_position_m` and
            `grasp_orientation_xyzw` the action.
        goal_image: (H, W, 3) uint8 RGB of the goal as it is held; None when the goal is known by its vector only.
        goal: (D,) phi_o of the goal.
        reward: in [0, 1].
        scheme: how it was labelled.
    """

    experience: Experience
    goal_image: np.ndarray | None
    goal: np.ndarray
    reward: float
    scheme: Scheme


class Relabeller:
    """Makes transitions out of a store.

    Args:
        store: where attempts are.
        perceiver: embeds goals and outcomes; rewards are those of the model that it has at the time.
        commanded_goals: vectors (D,) of the goals that were asked for, by the id that the attempts carry; of the
            perceiver's model.
        seed: of the auxiliary goals.
        remembered: how many embeddings are kept in memory.
    """

    def __init__(
        self,
        store: ExperienceStore,
        perceiver: Perceiver,
        commanded_goals: Mapping[str, np.ndarray] | None = None,
        seed: int = 0,
        remembered: int = 10_000,
    ) -> None:
        self._store, self._perceiver = store, perceiver
        self._commanded = dict(commanded_goals or {})
        self._rng = np.random.default_rng(seed)
        self._vectors: OrderedDict[tuple[str, str], np.ndarray] = OrderedDict()
        self._remembered = remembered

    def relabel(
        self, experience: Experience, schemes: tuple[Scheme, ...] = SCHEMES, auxiliary_goals: int = 1
    ) -> list[Transition]:
        """All transitions of one attempt.

        Args:
            experience: an attempt.
            schemes: which labels to make.
            auxiliary_goals: how many other objects an attempt is scored against.

        Raises:
            ValueError: an unknown scheme.
        """
        unknown = set(schemes) - set(SCHEMES)
        if unknown:
            raise ValueError(f"schemes: {sorted(unknown)[0]!r} is unknown; use {', '.join(SCHEMES)}")
        made = []
        if "hindsight" in schemes and experience.success:
            made.append(
                Transition(experience, experience.held[0], self._outcome(experience), 1.0, "hindsight")
            )
        if "embedding_similarity" in schemes and experience.commanded_goal in self._commanded:
            goal = self._commanded[experience.commanded_goal]
            made.append(
                Transition(experience, None, goal, self._reward(goal, experience), "embedding_similarity")
            )
        if "auxiliary" in schemes:
            for other in self._others(experience, auxiliary_goals):
                goal = self._outcome(other)
                reward = self._reward(goal, experience)
                made.append(Transition(experience, other.held[0], goal, reward, "auxiliary"))
        return made

    def transitions(
        self, count: int, schemes: tuple[Scheme, ...] = SCHEMES, auxiliary_goals: int = 1
    ) -> Iterator[Transition]:
        """`count` transitions of random attempts, for a replay buffer; ends early when the store yields none.

        Attempts that cannot be read are left out.
        """
        made, barren = 0, 0
        while made < count and barren < 100:
            barren += 1
            for experience_id in self._store.sample(16, self._rng, lifted=None, split=None):
                try:
                    experience = self._store.get(experience_id)
                except ExperienceUnreadableError:
                    continue
                for transition in self.relabel(experience, schemes, auxiliary_goals):
                    if made < count:
                        yield transition
                        made, barren = made + 1, 0

    def _others(self, experience: Experience, count: int) -> list[Experience]:
        """Other attempts that lifted something."""
        ids = self._store.sample(4 * count, self._rng, lifted=True, split=None)
        chosen = [i for i in dict.fromkeys(ids) if i != experience.experience_id][:count]
        found = []
        for experience_id in chosen:
            try:
                found.append(self._store.get(experience_id))
            except ExperienceUnreadableError:
                continue
        return found

    def _reward(self, goal: np.ndarray, experience: Experience) -> float:
        return self._perceiver.reward(goal, self._outcome(experience))[0] if experience.success else 0.0

    def _outcome(self, experience: Experience) -> np.ndarray:
        """phi_o of the first held view, (D,)."""
        key = (self._perceiver.version, experience.experience_id)
        if key not in self._vectors:
            self._vectors[key] = self._perceiver.embed_held([experience.held[0]])[0]
            if len(self._vectors) > self._remembered:
                self._vectors.popitem(last=False)
        self._vectors.move_to_end(key)
        return self._vectors[key]
