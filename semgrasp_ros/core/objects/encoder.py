"""From a point cloud to tokens: groups of neighbours, each one token, and a token for the size.

As in Point-BERT (Yu et al. 2022, https://arxiv.org/abs/2111.14819): farthest points are centres, a small PointNet
describes what is around each, and a transformer lets them see one another. Unlike there coordinates keep their
scale, since hands do; the extents are a token of their own besides.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import nn

UNIT_M = 0.1
NEAR_M = 0.03


@dataclass
class ObjectEncoderConfig:
    """Size of the object encoder."""

    width: int = field(default=256, metadata={"help": "of a token", "minimum": 8})
    groups: int = field(default=48, metadata={"help": "tokens of an object", "minimum": 4})
    neighbours: int = field(default=20, metadata={"help": "points in a group", "minimum": 4})
    layers: int = field(default=3, metadata={"help": "of the transformer", "minimum": 1})
    heads: int = field(default=4, metadata={"help": "of attention", "minimum": 1})


@dataclass(frozen=True)
class ObjectTokens:
    """What the networks see of B objects.

    Attributes:
        tokens: (B, G + 1, D); the last is the size token.
        size: (B, 3) extents of the cloud, metres.
    """

    tokens: torch.Tensor
    size: torch.Tensor

    def repeat(self, which: torch.Tensor) -> ObjectTokens:
        """The objects `which` (N,), each as often as it is named."""
        return ObjectTokens(self.tokens[which], self.size[which])


class ObjectEncoder(nn.Module):
    """Points (B, N, 3) in metres and normals (B, N, 3), in the object frame, to `ObjectTokens`."""

    def __init__(self, config: ObjectEncoderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.around = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 128))
        self.summary = nn.Sequential(nn.Linear(128, width), nn.GELU(), nn.Linear(width, width))
        self.place = nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))
        self.size = nn.Sequential(nn.Linear(3, 128), nn.GELU(), nn.Linear(128, width))
        layer = nn.TransformerEncoderLayer(
            width, config.heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, config.layers, nn.LayerNorm(width), enable_nested_tensor=False
        )

    def forward(self, points: torch.Tensor, normals: torch.Tensor) -> ObjectTokens:
        """Encodes clouds of equal size.

        Raises:
            ValueError: shapes do not fit, or fewer points than a group needs.
        """
        return self.with_centres(points, normals)[0]

    def with_centres(
        self, points: torch.Tensor, normals: torch.Tensor, hint: torch.Tensor | None = None
    ) -> tuple[ObjectTokens, torch.Tensor]:
        """As `forward`, and the centres (B, G, 3) of the groups that the first G tokens stand for.

        A hint (B, D) is a token that the others see too.
        """
        if points.shape != normals.shape or points.ndim != 3 or points.shape[2] != 3:
            raise ValueError(
                f"points {tuple(points.shape)}, normals {tuple(normals.shape)}: use (B, N, 3) for both"
            )
        if points.shape[1] < max(self.config.groups, self.config.neighbours):
            raise ValueError(f"points: {points.shape[1]} are too few; use at least {self.config.groups}")
        centres, around, directions = group(points, normals, self.config.groups, self.config.neighbours)
        described = self.around(torch.cat([around / NEAR_M, directions], dim=-1)).max(dim=2).values
        tokens = self.summary(described) + self.place(centres / UNIT_M)
        size = points.amax(dim=1) - points.amin(dim=1)
        size_token = self.size(torch.log(size.clamp_min(1e-3) / UNIT_M))
        tokens = torch.cat([tokens, size_token[:, None]], dim=1)
        if hint is None:
            return ObjectTokens(self.layers(tokens), size), centres
        seen = self.layers(torch.cat([tokens, hint[:, None].to(tokens.dtype)], dim=1))
        return ObjectTokens(seen[:, :-1], size), centres


def group(
    points: torch.Tensor, normals: torch.Tensor, groups: int, neighbours: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Centres (B, G, 3), neighbours relative to them (B, G, K, 3) and their normals (B, G, K, 3)."""
    with torch.no_grad(), torch.autocast(points.device.type, enabled=False):
        centre = farthest_points(points, groups)
        centres = _take(points, centre)
        index = torch.cdist(centres, points).topk(neighbours, largest=False).indices
        around = _take(points, index.flatten(1)).unflatten(1, index.shape[1:]) - centres[:, :, None]
        return centres, around, _take(normals, index.flatten(1)).unflatten(1, index.shape[1:])


def farthest_points(points: torch.Tensor, count: int) -> torch.Tensor:
    """Indices (B, count) of points far from one another; begins with the one farthest from the middle."""
    x, y, z = points.unbind(dim=2)
    apart = (points - points.mean(dim=1, keepdim=True)).square().sum(dim=2)
    chosen = [apart.argmax(dim=1)]
    nearest = torch.full_like(apart, torch.inf)
    for _ in range(count - 1):
        newest = _take(points, chosen[-1][:, None])
        # An axis at a time: sums over rows of three take three times as long.
        away = (x - newest[..., 0]).square() + (y - newest[..., 1]).square() + (z - newest[..., 2]).square()
        nearest = torch.minimum(nearest, away)
        chosen.append(nearest.argmax(dim=1))
    return torch.stack(chosen, dim=1)


def _take(values: torch.Tensor, index: torch.Tensor) -> torch.Tensor:
    """Rows (B, M, C) of values (B, N, C) by index (B, M)."""
    return values.gather(1, index[..., None].expand(-1, -1, values.shape[-1]))
