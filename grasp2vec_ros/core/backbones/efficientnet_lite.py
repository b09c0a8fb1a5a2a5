"""A backbone that has seen ImageNet: EfficientNet-Lite0 beside the small net (https://arxiv.org/abs/1905.11946).

The Lite variants have ReLU6 and no squeeze-and-excitation (https://github.com/tensorflow/tpu, models/official/
efficientnet/lite), so that no place of a map depends on what is far away: training looks at windows of scenes and the
heatmap at whole ones.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp2vec_ros.core.backbones.small import ChannelNorm, SmallNet

# Expansion, channels, kernel, stride and repetitions of each stage.
STAGES = (
    (1, 16, 3, 1, 1),
    (6, 24, 3, 2, 2),
    (6, 40, 5, 2, 2),
    (6, 80, 3, 2, 3),
    (6, 112, 5, 1, 3),
    (6, 192, 5, 2, 4),
    (6, 320, 3, 1, 1),
)
# Stages whose maps are used: the last ones of strides 8, 16 and 32.
TAPS = (2, 4, 6)
BATCH_NORM_EPSILON = 1e-3


class SamePaddedConvolution(nn.Conv2d):
    """A convolution padded as TensorFlow does for "SAME": with stride 2 more to the right and below than before."""

    def __init__(
        self, channels_in: int, channels: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(
            channels_in, channels, kernel, stride, padding=kernel // 2 if stride == 1 else 0, groups=groups
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, channels, ceil(H / stride), ceil(W / stride))."""
        return super().forward(self.padded(x))

    def padded(self, x: Tensor) -> Tensor:
        """What the convolution itself does not pad, (B, C, H, W) -> (B, C, H + a, W + b)."""
        if self.stride[0] == 1:
            return x
        before = (self.kernel_size[0] - 2) // 2
        after = self.kernel_size[0] - 2 - before
        return functional.pad(x, (before, after + x.shape[3] % 2, before, after + x.shape[2] % 2))


class InvertedResidual(nn.Module):
    """MBConv: expansion, convolution of each channel by itself, projection (https://arxiv.org/abs/1801.04381).

    Batch norm is folded into the convolutions: statistics of a batch of windows would not be those of scenes.
    """

    bounded_convolutions = ("expand", "depthwise")

    def __init__(self, channels_in: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        self.expand = SamePaddedConvolution(channels_in, inner, 1) if expansion > 1 else None
        self.depthwise = SamePaddedConvolution(inner, inner, kernel, stride, groups=inner)
        self.project = SamePaddedConvolution(inner, channels, 1)
        self.bound = nn.ReLU6()
        self._residual = stride == 1 and channels_in == channels

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, channels, H / stride, W / stride)."""
        y = x if self.expand is None else self.bound(self.expand(x))
        y = self.project(self.bound(self.depthwise(y)))
        return x + y if self._residual else y


class Trunk(nn.Module):
    """The stages of EfficientNet-Lite0, without its classifier; 3.0 M parameters."""

    bounded_convolutions = ("stem",)

    def __init__(self) -> None:
        super().__init__()
        self.stem = SamePaddedConvolution(3, 32, 3, stride=2)
        self.bound = nn.ReLU6()
        self.stages, channels_in = nn.ModuleList(), 32
        for expansion, channels, kernel, stride, repetitions in STAGES:
            stage = nn.Sequential()
            for i in range(repetitions):
                stage.append(
                    InvertedResidual(channels_in, channels, kernel, stride if i == 0 else 1, expansion)
                )
                channels_in = channels
            self.stages.append(stage)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, H, W) of colours in [-1, 1] -> the maps of `TAPS`, the finest first."""
        x = self.bound(self.stem(x))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return [maps[tap] for tap in TAPS]

    @torch.no_grad()
    def load_imagenet(self, weights: Mapping[str, Tensor]) -> None:
        """Takes the weights of a classifier of ImageNet, with its batch norms folded in.

        Args:
            weights: state of `efficientnet_lite_pytorch`'s EfficientNet "efficientnet-lite0".

        Raises:
            KeyError, RuntimeError: these are not its weights.
        """
        fold(self.stem, weights, "_conv_stem", "_bn0")
        for i, block in enumerate(block for stage in self.stages for block in stage):
            prefix = f"_blocks.{i}."
            if block.expand is not None:
                fold(block.expand, weights, f"{prefix}_expand_conv", f"{prefix}_bn0")
            fold(block.depthwise, weights, f"{prefix}_depthwise_conv", f"{prefix}_bn1")
            fold(block.project, weights, f"{prefix}_project_conv", f"{prefix}_bn2")


class EfficientNetLite(nn.Module):
    """The small net, which sees fine detail, told what EfficientNet-Lite0 sees; stride 8, 3.8 M parameters.

    The trunk's maps of strides 8, 16 and 32 are projected, enlarged, and added to what the small net's last stage works
    on. They begin at zero: a trained small net goes on from where it was when it is given a trunk.

    Args:
        width: channels of the small net's first stage; the map has four times as many.
        blocks: residual blocks of its last stage.
    """

    stride = 8
    first_place_px = 0.5  # place i of the map looks at 8 i + 1/2

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.small = SmallNet(width, blocks)
        self.channels = self.small.channels
        self.trunk = Trunk()
        self.lateral = nn.ModuleList(_projection(STAGES[tap][1], self.channels) for tap in TAPS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) of colours in [-2, 2] -> (B, channels, H / 8, W / 8)."""
        # The trunk learned on colours in [-1, 1].
        maps = [project(map) for project, map in zip(self.lateral, self.trunk(x / 2), strict=True)]
        merged = maps[-1]
        for finer in reversed(maps[:-1]):
            merged = finer + enlarged(merged, finer)
        own = self.small.begin(x)
        return self.small.finish(own + merged[:, :, : own.shape[2], : own.shape[3]])


def _projection(channels_in: int, channels: int) -> nn.Module:
    projection = nn.Conv2d(channels_in, channels, 1)
    nn.init.zeros_(projection.weight)
    nn.init.zeros_(projection.bias)
    return nn.Sequential(ChannelNorm(channels_in), projection)


def enlarged(coarse: Tensor, fine: Tensor) -> Tensor:
    """Twice as large, cut to a finer map, (B, C, h, w) -> that map's shape.

    A convolution of stride 2 that is padded as TensorFlow does looks at the place 2 i + 1: what lies at i of the coarse
    map lies there in the finer one, and between two of them is their mean.
    """
    rows, columns = coarse.shape[2:]
    before = functional.pad(coarse, (1, 0, 1, 0), mode="replicate")
    size = (2 * rows + 1, 2 * columns + 1)
    twice = functional.interpolate(before, size, mode="bilinear", align_corners=True)[:, :, 1:, 1:]
    return twice[:, :, : fine.shape[2], : fine.shape[3]]


@torch.no_grad()
def fold(convolution: nn.Conv2d, weights: Mapping[str, Tensor], name: str, norm: str) -> None:
    """Sets a convolution to one of a classifier's and the batch norm after it."""
    gain = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + BATCH_NORM_EPSILON).sqrt()
    convolution.weight.copy_(weights[f"{name}.weight"] * gain[:, None, None, None])
    convolution.bias.copy_(weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain)
