"""Convolutions for inference on a CPU: weights lie as oneDNN wants them, and ReLU6 is computed along.

By default PyTorch brings a convolution's weights into another order at every call, and bounds its output in a pass over
memory of its own. Both are known beforehand where weights no longer change. PyTorch's compiler does the same (Inductor
with `freezing`), and takes up to a minute for it; here it takes milliseconds, so that a checkpoint can be taken over
while a robot works.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

logger = logging.getLogger(__name__)

# The order in which floating-point numbers are added differs.
TOLERANCE = 1e-4
# Scenes of a camera or two, and held images; each size that is kept costs the memory of the weights once more.
MOST_SIZES = 4


class PackedConvolution(nn.Module):
    """A convolution whose weights no longer change; gives what it did, bounded to [0, 6] if asked for.

    The best order of weights depends on the size of the input: in that of another one, they can take five times as
    long. They are brought into it when a size is seen first.

    Args:
        convolution: as it was.
        bounded: ReLU6 follows.
    """

    def __init__(self, convolution: nn.Conv2d, bounded: bool) -> None:
        super().__init__()
        self.convolution, self._bounded = convolution, bounded
        self._settings = (
            convolution.padding,
            convolution.stride,
            convolution.dilation,
            convolution.groups,
        )
        # What it pads by itself, more behind than before, oneDNN does not.
        self._padded: Callable[[Tensor], Tensor] = getattr(convolution, "padded", lambda x: x)
        self._activation = ("hardtanh", [0.0, 6.0], "") if bounded else ("none", [], "")
        self._packed: dict[torch.Size, Tensor] = {}  # by height and width of the input

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, D, h, w)."""
        weight = self._packed.get(x.shape[2:])
        if weight is None:
            if len(self._packed) >= MOST_SIZES:
                y = self.convolution(x)
                return functional.relu6(y) if self._bounded else y
            weight = self._packed[x.shape[2:]] = self._pack(self._padded(x))
        return torch.ops.mkldnn._convolution_pointwise(
            self._padded(x), weight, self.convolution.bias, *self._settings, *self._activation
        )

    def _pack(self, x: Tensor) -> Tensor:
        weight = self.convolution.weight.detach()
        return torch.ops.mkldnn._reorder_convolution_weight(weight, *self._settings, list(x.shape))


def pack(model: nn.Module, run: Callable[[nn.Module], list[Tensor]]) -> nn.Module:
    """Packs a model's convolutions in place.

    Args:
        model: on the CPU, in inference mode from now on; it can no longer learn or be saved.
        run: gives a model an example; what comes out is compared.

    Returns:
        The model; as it was where this PyTorch cannot pack, or where outputs would differ.
    """
    if not torch.backends.mkldnn.is_available():
        return model
    expected, replaced = run(model), _replace(model)
    try:
        differs = any(
            not torch.allclose(own, other, rtol=TOLERANCE, atol=TOLERANCE * float(other.abs().max()))
            for own, other in zip(run(model), expected, strict=True)
        )
    # What these operations of PyTorch's own compiler are called and take is not promised from version to version.
    except (AttributeError, RuntimeError, TypeError) as error:
        logger.info("convolutions stay as they are: %s", error)
        differs = True
    if differs:
        for parent, name, module in replaced:
            setattr(parent, name, module)
    return model


def _replace(model: nn.Module) -> list[tuple[nn.Module, str, nn.Module]]:
    """Puts packed convolutions in the place of all others; returns what was where."""
    replaced = []
    for parent in list(model.modules()):
        bounded = getattr(parent, "bounded_convolutions", ())
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d):
                replaced.append((parent, name, child))
                setattr(parent, name, PackedConvolution(child, name in bounded))
        if bounded:
            replaced.append((parent, "bound", parent.bound))
            parent.bound = nn.Identity()
    return replaced
