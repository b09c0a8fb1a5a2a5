"""Which part of the object each point of a cloud belongs to.

Groups of neighbours see one another as in the object encoder; each point then asks the groups around it, by distance,
as PointNet++ does when it goes back from groups to points (Qi et al. 2017, https://arxiv.org/abs/1706.02413).

What words name is on the object: the name of that part can be given besides, as a token that the groups see too. The
question is then which of the object's places is most like a spout, rather than whether anything here is one.
"""

from __future__ import annotations

import torch
from torch import nn

from semgrasp_ros.core.objects.encoder import UNIT_M, ObjectEncoder, ObjectEncoderConfig

NEAREST = 3


class PartSegmentation(nn.Module):
    """Clouds in the object frame to scores of part names for each point.

    Args:
        names: W, how many part names there are.
        config: size of the encoder of groups.
        hears: whether it can be told the name of a part that is there.
    """

    def __init__(self, names: int, config: ObjectEncoderConfig, hears: bool = True) -> None:
        super().__init__()
        self.config, self.hears, self.nobody = config, hears, names
        self.encoder = ObjectEncoder(config)
        if hears:
            self.named = nn.Embedding(names + 1, config.width)
            nn.init.normal_(self.named.weight, std=0.1)
        self.head = nn.Sequential(
            nn.Linear(2 * config.width + 6, config.width),
            nn.GELU(),
            nn.Linear(config.width, config.width),
            nn.GELU(),
            nn.Linear(config.width, names),
        )

    def forward(
        self,
        points: torch.Tensor,
        normals: torch.Tensor,
        named: torch.Tensor | None = None,
        asked: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Scores part names for points.

        Args:
            points: (B, N, 3) in metres, object frame.
            normals: (B, N, 3).
            named: (B,) index of a part that is known to be there, or `nobody`; nobody everywhere when None. Not
                looked at by one that does not hear.
            asked: (Q,) indices of the points that are scored; all N when None.

        Returns:
            Logits (B, Q, W).
        """
        hint = None
        if self.hears:
            nobody = torch.full((len(points),), self.nobody, device=points.device)
            hint = self.named(nobody if named is None else named)
        seen, centres = self.encoder.with_centres(points, normals, hint)
        if asked is not None:
            points, normals = points[:, asked], normals[:, asked]
        around = interpolated(seen.tokens[:, :-1], centres, points)
        whole = seen.tokens[:, -1:].expand(-1, points.shape[1], -1)
        return self.head(torch.cat([around, whole, points / UNIT_M, normals], dim=-1))


def interpolated(values: torch.Tensor, centres: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Values (B, N, D) at points (B, N, 3), of those (B, G, D) at centres (B, G, 3): the nearer, the more."""
    with torch.autocast(points.device.type, enabled=False):
        distance, index = torch.cdist(points, centres).topk(NEAREST, largest=False)
    weight = 1 / (distance + 1e-4)
    weight = weight / weight.sum(dim=-1, keepdim=True)
    width = values.shape[-1]
    near = values.gather(1, index.flatten(1)[..., None].expand(-1, -1, width)).unflatten(1, index.shape[1:])
    return (near * weight[..., None]).sum(dim=2)
