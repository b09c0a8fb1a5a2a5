"""One optimiser step, and what it needs: model, optimiser, guard against numbers that are none."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from grasp2vec_ros.core.arithmetic import pool
from grasp2vec_ros.core.augmentation import Batch
from grasp2vec_ros.core.encoder import Grasp2Vec
from grasp2vec_ros.core.objective import Embeddings, ObjectiveConfig, objective
from grasp2vec_ros.core.options import option


@dataclass
class LearnerConfig:
    """The optimiser. The paper's: learning_rate 1e-4, weight_decay 0."""

    learning_rate: float = option(1e-3, "of AdamW", minimum=1e-7, maximum=1.0)
    weight_decay: float = option(1e-4, "of AdamW", minimum=0.0, maximum=1.0)
    warm_up_steps: int = option(
        50, "steps in which the learning rate rises from zero", minimum=0, maximum=100000
    )
    gradient_limit: float = option(1.0, "largest norm of the gradient", minimum=1e-3, maximum=1000.0)


class NotFiniteError(ArithmeticError):
    """A loss or a gradient is not finite; the weights are unchanged."""


class Learner:
    """A model and its optimiser."""

    def __init__(
        self, model: Grasp2Vec, config: LearnerConfig, loss: ObjectiveConfig, device: torch.device
    ) -> None:
        self.model = model.to(device, memory_format=torch.channels_last).train()
        self.config, self.loss, self.device = config, loss, device
        self.optimiser = torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.step_count = 0

    def step(
        self, batch: Batch, failed_pre: Tensor | None = None, failed_post: Tensor | None = None
    ) -> float:
        """Learns from a batch and returns its loss.

        Raises:
            NotFiniteError: nothing was learned, the weights are as before.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.learning_rate * min(
                1.0, (self.step_count + 1) / max(1, self.config.warm_up_steps)
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss = objective(self._embed(batch, failed_pre, failed_post), self.loss)
        if not torch.isfinite(loss):
            raise NotFiniteError(f"loss is {float(loss.detach())} at step {self.step_count}")
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_limit)
        if not torch.isfinite(norm):
            self.optimiser.zero_grad(set_to_none=True)
            raise NotFiniteError(f"gradient is {float(norm)} at step {self.step_count}")
        self.optimiser.step()
        self.step_count += 1
        return float(loss.detach())

    def _embed(self, batch: Batch, failed_pre: Tensor | None, failed_post: Tensor | None) -> Embeddings:
        model, rows = self.model, len(batch.pre)
        failed = [] if failed_pre is None else [failed_pre, failed_post]
        # Everything that one encoder sees goes through it in one batch.
        scenes = self._on_device(torch.cat([batch.pre, batch.post, *failed]))
        views = self._on_device(torch.cat([batch.held, batch.held_again]))
        maps = model.scene_map(scenes)
        pooled = pool(maps, model.config.pooling)
        held = model.embed_held(views)
        count = 0 if failed_pre is None else len(failed_pre)
        return Embeddings(
            pre_map=maps[:rows],
            post_map=maps[rows : 2 * rows],
            pre=pooled[:rows],
            post=pooled[rows : 2 * rows],
            held=held[:rows],
            held_again=held[rows:],
            failed_pre=pooled[2 * rows : 2 * rows + count],
            failed_post=pooled[2 * rows + count :],
            log_temperature=model.log_temperature,
        )

    def _on_device(self, images: Tensor) -> Tensor:
        return images.to(self.device, memory_format=torch.channels_last)
