"""Processes that learn one model together, on one machine or several, by `accelerate`."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from accelerate import Accelerator


class Alone:
    """One process; the interface of `Peers`.

    Attributes:
        count: processes.
        index: number of this one.
    """

    count = 1
    index = 0

    def gather(self, rows: Tensor) -> Tensor:
        """The rows of all processes in their order; gradients come back to the process that the rows are of.

        Args:
            rows: (n, ...), of the same shape in every process.

        Returns:
            (count n, ...).
        """
        return rows

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Gives all processes the mean of their gradients."""

    def any(self, flag: bool) -> bool:
        """Whether it is true in any of the processes."""
        return flag

    def close(self) -> None:
        """Leaves the group."""


class Peers(Alone):
    """Several processes, each with the same model and its part of every batch.

    The loss is computed by each of them from gathered rows, so its gradient by a gathered row arrives `count` times, and
    the mean over processes is the gradient of one loss: what one process with the whole batch would have, up to the
    order of its sums.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self.count, self.index = accelerator.num_processes, accelerator.process_index

    def gather(self, rows: Tensor) -> Tensor:
        """See `Alone`."""
        return _Gather.apply(rows.contiguous(), self._accelerator)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """See `Alone`. One message for all: the nets are small beside their batches."""
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        mean = self._accelerator.reduce(torch.cat([g.reshape(-1) for g in gradients]), reduction="mean")
        for gradient, part in zip(gradients, mean.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def any(self, flag: bool) -> bool:
        """See `Alone`."""
        told = torch.tensor([float(flag)], device=self._accelerator.device)
        return bool(self._accelerator.reduce(told, reduction="sum") > 0)

    def close(self) -> None:
        """See `Alone`."""
        self._accelerator.end_training()


class _Gather(torch.autograd.Function):
    """All rows forward; backward the sum over processes of the gradients by the own rows."""

    @staticmethod
    def forward(context: Any, rows: Tensor, accelerator: Accelerator) -> Tensor:
        context.accelerator, context.count = accelerator, len(rows)
        return accelerator.gather(rows)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        accelerator, count = context.accelerator, context.count
        total = accelerator.reduce(gradient.contiguous(), reduction="sum")
        begin = accelerator.process_index * count
        return total[begin : begin + count], None


def join_peers(device: str) -> tuple[Alone, torch.device]:
    """The processes that `accelerate launch` or `torchrun` started, and the device of this one.

    Args:
        device: "auto", "cpu" or "cuda".
    """
    from grasp2vec_ros.core.inference import choose_device

    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return Alone(), choose_device(device)
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=choose_device(device).type == "cpu")
    return Peers(accelerator), accelerator.device
