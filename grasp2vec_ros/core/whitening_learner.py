"""Learning on from a trained model whose weights stay: each new grasp says which differences are none of the object's.

A few objects more do not teach the nets without costing them others. What they tell at once is how what is taken here
differs from what is then held, with this gripper, these cameras and this kind of things; see `whitening.py`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from grasp2vec_ros.core.encoder import Grasp2Vec
from grasp2vec_ros.core.evaluation import own_retrieval
from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.inference import Perceiver, PerceiverConfig
from grasp2vec_ros.core.learner import NotFiniteError
from grasp2vec_ros.core.store import StoreError
from grasp2vec_ros.core.whitening_fit import grasp_of

logger = logging.getLogger(__name__)

MOST_REMEMBERED = 1000


class WhiteningLearner:
    """A whitened model, and the grasps that it takes into account one after the other.

    Args:
        model: a whitened one.
        device: where its nets look at images: "auto", "cpu" or "cuda".

    Attributes:
        taken_in: id of the attempt that was taken in last; None before the first.
        averaged: the model as it is to be used and saved.
        step_count: grasps that were taken in.
    """

    def __init__(self, model: Grasp2Vec, device: str) -> None:
        self.averaged, self.step_count = model.cpu().eval(), 0
        self.taken_in: str | None = None
        # The nets do not change: what they say of an attempt is asked for once.
        self._perceiver = Perceiver(PerceiverConfig(device=device), model.config)
        self._perceiver.use(model, "learning")
        self._seen: dict[str, tuple[Tensor, Tensor] | None] = {}

    def step(self, experience: Experience) -> float | None:
        """Takes an attempt in that lifted something.

        Returns:
            1 less the cosine of what was taken and what was then held, by the model before; None where one of them is
            not to be seen, and nothing was learned.

        Raises:
            NotFiniteError: nothing was learned.
        """
        grasp = grasp_of(self._perceiver, experience)
        if grasp is None:
            return None
        removed, held = self._whitened(grasp)
        loss = 1 - float(functional.cosine_similarity(removed, held, dim=0))
        if not math.isfinite(loss):
            raise NotFiniteError(f"attempt {experience.experience_id}: its vectors are not finite")
        self.averaged.whitening.count_in([grasp])
        self.step_count += 1
        return loss

    def retrieval(self, ids: list[str], read: Callable[[str], Experience]) -> tuple[float, int]:
        """How often the own held image of attempts is the nearest of all of theirs, and how many were compared.

        Args:
            ids: of attempts that lifted something.
            read: an attempt of an id; those that raise StoreError are left out.
        """
        grasps = [grasp for grasp in (self._remembered(i, read) for i in ids) if grasp is not None]
        if len(grasps) < 2:
            return math.nan, len(grasps)
        queries, held = zip(*map(self._whitened, grasps), strict=True)
        return own_retrieval(torch.stack(queries).numpy(), torch.stack(held).numpy()), len(grasps)

    def _remembered(self, identity: str, read: Callable[[str], Experience]) -> tuple[Tensor, Tensor] | None:
        if identity not in self._seen:
            while len(self._seen) >= MOST_REMEMBERED:
                del self._seen[next(iter(self._seen))]
            try:
                self._seen[identity] = grasp_of(self._perceiver, read(identity))
            except StoreError as error:
                logger.error("left out of the measurement: %s", error)
                self._seen[identity] = None
        return self._seen[identity]

    @torch.no_grad()
    def _whitened(self, grasp: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """What left the scene, and the mean of the views of what was held, (D,) each."""
        removed, held = (self.averaged.of_plain(vectors) for vectors in grasp)
        return removed, held.mean(dim=0)
