"""What photographs taught, kept apart: a linear probe of a trunk that no longer learns.

Learning on generated objects makes a trunk forget what it knew of photographs. A probe looks at a copy that stays as it
was, so that what it says holds for objects unlike those that were learned from. It is linear in maps that are pooled by
sum: phi_s(pre) - phi_s(post) = phi_o(held) is as true of it as of what is learned.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp2vec_ros.core.arithmetic import excess, pool
from grasp2vec_ros.core.backbones.efficientnet_lite import (
    STAGES,
    TAPS,
    SamePaddedConvolution,
    Trunk,
    enlarged,
)

# Channels of the classifier's last convolution.
TOP = 1280
STRIDES = (16, 32, 32)
# How long the vectors of places must be, in parts of the mean, to count half: an empty floor looks like nothing.
FAINT = 0.3
FEATURES = STAGES[TAPS[1]][1] + STAGES[TAPS[2]][1] + TOP


class Probe(nn.Module):
    """EfficientNet-Lite0's maps of strides 16 and 32 and its last convolution, pooled and projected; nothing learns.

    Args:
        size: entries of its vectors.

    Attributes:
        mean, deviation: of each feature over held images, (`FEATURES`,).
        projection: (size, `FEATURES`), of features at unit deviation.
        scene_gain: by this times their size, its vectors of scenes are as long as those that are learned.
    """

    bounded_convolutions = ("top",)

    def __init__(self, size: int) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.top = SamePaddedConvolution(STAGES[TAPS[2]][1], TOP, 1)
        self.bound = nn.ReLU6()
        self.register_buffer("mean", torch.zeros(FEATURES))
        self.register_buffer("deviation", torch.ones(FEATURES))
        self.register_buffer("projection", torch.eye(size, FEATURES))
        self.register_buffer("scene_gain", torch.ones(1))
        self.requires_grad_(False)

    def maps(self, images: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in [0, 1] -> maps (B, C, H / s, W / s) of `STRIDES`."""
        _, middle, last = self.trunk((images - 0.5) * 2.0)
        return [middle, last, self.bound(self.top(last))]

    def place_map(self, maps: list[Tensor]) -> Tensor:
        """phi_s of each place of stride 16, less what is common in the scene, (B, size, H / 16, W / 16)."""
        middle, *coarse = [
            torch.einsum("kc,bchw->bkhw", weights, excess(map.float()))
            for map, weights in zip(
                maps,
                (self.projection / self.deviation).split([map.shape[1] for map in maps], dim=1),
                strict=True,
            )
        ]
        # A place of stride 32 is shared by four of stride 16.
        return middle + enlarged(sum(coarse) / 4, middle)

    @staticmethod
    def features(maps: list[Tensor]) -> Tensor:
        """Maps pooled by sum, (B, `FEATURES`)."""
        return torch.cat([pool(map.float(), "sum") for map in maps], dim=1)

    def scene_vectors(self, features: Tensor) -> Tensor:
        """phi_s, or a difference of them, of pooled maps of scenes, (B, `FEATURES`) -> (B, size)."""
        return functional.linear(features / self.deviation, self.projection)

    def heatmap(self, place_map: Tensor, goal: Tensor) -> Tensor:
        """Where a goal is: its cosine with each place, less where there is little to see.

        Args:
            place_map: (size, h, w).
            goal: (size,).

        Returns:
            (h, w).
        """
        length = place_map.norm(dim=0)
        along = torch.einsum("khw,k->hw", place_map, functional.normalize(goal, dim=0))
        return along / (length + FAINT * length.mean()).clamp(min=1e-12)

    def held_vectors(self, features: Tensor) -> Tensor:
        """phi_o of pooled maps of held images, (B, `FEATURES`) -> (B, size)."""
        return functional.linear((features - self.mean) / self.deviation, self.projection)
