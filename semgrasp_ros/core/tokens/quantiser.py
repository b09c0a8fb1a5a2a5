"""A codebook learned by moving averages, whose unused codes are put to work again."""

from __future__ import annotations

import torch
from torch import nn


class Quantiser(nn.Module):
    """Vector quantisation (van den Oord et al. 2017, https://arxiv.org/abs/1711.00937, appendix A.1 for the averages).

    Args:
        codes: K.
        width: d.
        decay: of the moving averages.
        idle: a code that has on average fewer than this many vectors in a batch is moved onto one of the batch.
    """

    def __init__(self, codes: int, width: int, decay: float = 0.98, idle: float = 0.02) -> None:
        super().__init__()
        self.decay, self.idle = decay, idle
        self.register_buffer("codebook", torch.randn(codes, width))
        self.register_buffer("usage", torch.zeros(codes))
        self.register_buffer("sums", torch.zeros(codes, width))
        self.register_buffer("begun", torch.zeros((), dtype=torch.bool))

    def encode(self, vectors: torch.Tensor) -> torch.Tensor:
        """Index (B,) of the nearest code of vectors (B, d)."""
        return torch.cdist(vectors, self.codebook).argmin(dim=1)

    def nearest(self, vectors: torch.Tensor, count: int) -> torch.Tensor:
        """Indices (B, count) of the nearest codes of vectors (B, d), the nearest first."""
        return torch.cdist(vectors, self.codebook).topk(count, dim=1, largest=False).indices

    def look_up(self, index: torch.Tensor) -> torch.Tensor:
        """Codes (B, d)."""
        return self.codebook[index]

    def forward(self, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Quantises; in training also learns the codebook.

        Returns:
            The codes (B, d), with the vectors' gradient (straight through); their indices (B,); the commitment loss.
        """
        with torch.autocast(vectors.device.type, enabled=False):  # the nearest code needs all digits
            return self._quantised(vectors.float())

    def _quantised(self, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if self.training and not self.begun:
            self._begin(vectors.detach())
        index = self.encode(vectors.detach())
        if self.training:
            self._learn(vectors.detach(), index)
        codes = self.codebook[index]
        commitment = torch.nn.functional.mse_loss(vectors, codes)
        return vectors + (codes - vectors).detach(), index, commitment

    def _begin(self, vectors: torch.Tensor) -> None:
        chosen = torch.randint(len(vectors), (len(self.codebook),))
        noise = 0.01 * vectors.std() * torch.randn_like(self.codebook)
        self.codebook.copy_(vectors[chosen] + noise)
        self.usage.fill_(1.0)
        self.sums.copy_(self.codebook)
        self.begun.fill_(True)

    def _learn(self, vectors: torch.Tensor, index: torch.Tensor) -> None:
        chosen = torch.nn.functional.one_hot(index, len(self.codebook)).to(vectors.dtype)
        self.usage.mul_(self.decay).add_(chosen.sum(dim=0), alpha=1 - self.decay)
        self.sums.mul_(self.decay).add_(chosen.T @ vectors, alpha=1 - self.decay)
        self.codebook.copy_(self.sums / self.usage.clamp_min(1e-5)[:, None])
        idle = self.usage < self.idle
        if idle.any():
            fresh = vectors[torch.randint(len(vectors), (int(idle.sum()),))]
            self.codebook[idle] = fresh
            self.sums[idle] = fresh
            self.usage[idle] = 1.0

    def perplexity(self) -> float:
        """How many codes are in use: the exponential of the usage's entropy."""
        share = self.usage / self.usage.sum().clamp_min(1e-9)
        return float(torch.exp(-(share * share.clamp_min(1e-12).log()).sum()))
