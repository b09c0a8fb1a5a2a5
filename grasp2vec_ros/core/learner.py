"""One optimiser step, and what it needs: model, optimiser, guard against numbers that are none."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from grasp2vec_ros.core.arithmetic import pool
from grasp2vec_ros.core.augmentation import Batch
from grasp2vec_ros.core.encoder import Grasp2Vec
from grasp2vec_ros.core.objective import Embeddings, ObjectiveConfig, objective
from grasp2vec_ros.core.options import option
from grasp2vec_ros.core.peers import Alone


@dataclass
class LearnerConfig:
    """The optimiser. The paper's: learning_rate 1e-4, weight_decay 0."""

    learning_rate: float = option(1e-3, "of AdamW", minimum=1e-7, maximum=1.0)
    trunk_rate: float = option(
        0.15,
        "learning rate of the trunk of efficientnet_lite0, as a part of the others': it has learned already",
        minimum=0.0,
        maximum=1.0,
    )
    frozen_stages: int = option(
        0,
        "first stages of that trunk that stay as they are, which makes steps cheaper; 0: all of it learns",
        minimum=0,
        maximum=7,
    )
    frozen_depthwise: bool = option(
        False,
        "the filters of that trunk's depthwise convolutions stay as they are: on a CPU their gradient takes a third of a"
        " step",
    )
    weight_decay: float = option(1e-4, "of AdamW", minimum=0.0, maximum=1.0)
    warm_up_steps: int = option(
        50, "steps in which the learning rate rises from zero", minimum=0, maximum=100000
    )
    decay_steps: int = option(
        0,
        "the learning rate falls along a cosine to a twentieth over so many steps; 0: it stays",
        minimum=0,
        maximum=10**9,
    )
    gradient_limit: float = option(1.0, "largest norm of the gradient", minimum=1e-3, maximum=1000.0)
    averaging: float = option(
        0.995,
        "how much of the averaged weights, which are the ones in use, stays at each step",
        minimum=0.0,
        maximum=0.99999,
    )
    frozen_centre: bool = option(
        False, "the mean that held objects are counted from stays as it is", read_only=True
    )
    precision: str = option(
        "auto",
        "of convolutions; auto: bfloat16 where the processor has it",
        choices=["auto", "float32", "bfloat16"],
        read_only=True,
    )


class NotFiniteError(ArithmeticError):
    """A loss or a gradient is not finite; the weights are unchanged."""


def choose_precision(precision: str, device: torch.device) -> torch.dtype:
    """The type to convolve in; bfloat16 halves the time of a step where the hardware has it."""
    if precision != "auto":
        return torch.bfloat16 if precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if torch.ops.mkldnn._is_mkldnn_bf16_supported() else torch.float32


class Learner:
    """A model, its optimiser, and the running average of its weights.

    The average is what is used and saved: it fluctuates less from step to step than the weights that are learned.

    Several processes that learn together (`peers`) each give `step` their part of the batch. What the encoders make of
    it is gathered, so that each computes the loss of the whole batch with all its negatives and the same statistics;
    gradients are averaged. All have the same weights after the step, those that one process would have.
    """

    def __init__(
        self,
        model: Grasp2Vec,
        config: LearnerConfig,
        loss: ObjectiveConfig,
        device: torch.device,
        peers: Alone | None = None,
    ) -> None:
        self._peers = peers or Alone()
        self.model = model.to(device, memory_format=torch.channels_last).train()
        self.config, self.loss, self.device = config, loss, device
        if config.frozen_centre:
            self.model.centre.eval()
        self.model.freeze_trunk(config.frozen_stages, config.frozen_depthwise)
        self.averaged = copy.deepcopy(self.model).eval().requires_grad_(False)
        self._precision = choose_precision(config.precision, device)
        self.optimiser = torch.optim.AdamW(
            self._groups(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.step_count = 0

    def _groups(self) -> list[dict]:
        """Parameters with the part of the learning rate that is theirs."""
        trunk = self.model.trunk_parameters()
        known = {id(parameter) for parameter in trunk}
        others = [parameter for parameter in self.model.parameters() if id(parameter) not in known]
        groups = [{"params": others, "part": 1.0}]
        return [*groups, {"params": trunk, "part": self.config.trunk_rate}] if trunk else groups

    def step(
        self, batch: Batch, failed_pre: Tensor | None = None, failed_post: Tensor | None = None
    ) -> float:
        """Learns from a batch and returns its loss.

        Raises:
            NotFiniteError: nothing was learned, the weights are as before.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate() * group["part"]
        self.optimiser.zero_grad(set_to_none=True)
        statistics = [buffer.clone() for buffer in self.model.buffers()]
        try:
            loss = self._differentiate(batch, failed_pre, failed_post)
        except NotFiniteError:
            self.optimiser.zero_grad(set_to_none=True)
            # The running means have taken in the batch already.
            for buffer, value in zip(self.model.buffers(), statistics, strict=True):
                buffer.copy_(value)
            raise
        self.optimiser.step()
        self.step_count += 1
        self._average()
        return loss

    def _differentiate(self, batch: Batch, failed_pre: Tensor | None, failed_post: Tensor | None) -> float:
        """Leaves the gradient of the loss in the parameters and returns the loss."""
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self._precision is torch.bfloat16, cache_enabled=True
        ):
            embeddings = self._embed(batch, failed_pre, failed_post)
        loss = objective(embeddings, self.loss)
        if not torch.isfinite(loss):
            raise NotFiniteError(f"loss is {float(loss.detach())} at step {self.step_count}")
        loss.backward()
        self._peers.average_gradients(self.model.parameters())
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.gradient_limit)
        if not torch.isfinite(norm):
            raise NotFiniteError(f"gradient is {float(norm)} at step {self.step_count}")
        return float(loss.detach())

    def _learning_rate(self) -> float:
        rate = self.config.learning_rate * min(1.0, (self.step_count + 1) / max(1, self.config.warm_up_steps))
        if self.config.decay_steps:
            progress = min(1.0, self.step_count / self.config.decay_steps)
            rate *= 0.05 + 0.95 * (1 + math.cos(math.pi * progress)) / 2
        return rate

    @torch.no_grad()
    def _average(self) -> None:
        # The first weights are random: the average must not remember them for long.
        keep = min(self.config.averaging, (1 + self.step_count) / (10 + self.step_count))
        for average, new in zip(self.averaged.parameters(), self.model.parameters(), strict=True):
            average.lerp_(new, 1 - keep)
        for average, new in zip(self.averaged.buffers(), self.model.buffers(), strict=True):
            average.copy_(new)

    def _embed(self, batch: Batch, failed_pre: Tensor | None, failed_post: Tensor | None) -> Embeddings:
        model, rows = self.model, len(batch.pre)
        failed = [] if failed_pre is None else [failed_pre, failed_post]
        # Everything that one encoder sees goes through it in one batch.
        scenes = self._on_device(torch.cat([batch.pre, batch.post, *failed]))
        views = self._on_device(torch.cat([batch.held, batch.held_again]))
        maps = model.scene_map(scenes).float()
        pooled = pool(maps, model.config.pooling)
        views = pool(model.held(views).float(), model.config.pooling)
        gather = self._peers.gather
        # Means and sizes of phi_o are those of all held images of the batch.
        held, held_again = model.centre(torch.cat([gather(views[:rows]), gather(views[rows:])])).chunk(2)
        count = 0 if failed_pre is None else len(failed_pre)
        # The largest by far; the loss looks at them for presence only.
        gather_maps = gather if self.loss.presence_weight > 0 else lambda own: own
        return Embeddings(
            pre_map=gather_maps(maps[:rows]),
            post_map=gather_maps(maps[rows : 2 * rows]),
            pre=gather(pooled[:rows]),
            post=gather(pooled[rows : 2 * rows]),
            held=held,
            held_again=held_again,
            failed_pre=gather(pooled[2 * rows : 2 * rows + count]),
            failed_post=gather(pooled[2 * rows + count :]),
            log_temperature=model.log_temperature,
        )

    def _on_device(self, images: Tensor) -> Tensor:
        return images.to(self.device, memory_format=torch.channels_last)
