"""From the tokens of an object to the language model's width."""

from __future__ import annotations

import torch
from torch import nn

UNIT_M = 0.1


class ObjectProjector(nn.Module):
    """Object tokens and extents to the slots that an object takes in a sequence.

    The paper projects 513 tokens linearly; here learned queries gather them into a few, which keeps sequences short,
    and the object's extents make one more slot.

    Args:
        object_width: D of the object tokens.
        width: of the language model.
        slots: queries; 0 projects all tokens linearly, as the paper does.
        heads: of the attention.
        scale: typical size of an entry of a word's embedding, which slots begin with too.
    """

    def __init__(
        self, object_width: int, width: int, slots: int, heads: int = 4, scale: float = 0.02
    ) -> None:
        super().__init__()
        self.object_width = object_width
        self.slots = slots
        inner = object_width
        self.normalise = nn.LayerNorm(object_width)
        if slots:
            heads = next(count for count in range(min(heads, inner), 0, -1) if inner % count == 0)
            self.queries = nn.Parameter(torch.randn(slots, inner) * 0.5)
            self.gather = nn.MultiheadAttention(inner, heads, batch_first=True)
            self.refine = nn.Sequential(
                nn.LayerNorm(inner), nn.Linear(inner, 2 * inner), nn.GELU(), nn.Linear(2 * inner, inner)
            )
        self.out = nn.Linear(inner, width)
        self.size = nn.Sequential(nn.Linear(3, 64), nn.GELU(), nn.Linear(64, width))
        self.scale = nn.LayerNorm(width)
        nn.init.constant_(self.scale.weight, scale)

    def forward(self, tokens: torch.Tensor, size: torch.Tensor) -> torch.Tensor:
        """Slots (B, S + 1, W) of objects; the last tells the size.

        Args:
            tokens: (B, G, D).
            size: (B, 3) extents in metres.

        Raises:
            ValueError: shapes do not fit.
        """
        if tokens.ndim != 3 or tokens.shape[2] != self.object_width:
            raise ValueError(
                f"object tokens: shape {tuple(tokens.shape)}; this model reads (B, G, {self.object_width}):"
                " use the object encoder it was trained with"
            )
        if size.shape != (len(tokens), 3):
            raise ValueError(f"object size: shape {tuple(size.shape)}; use ({len(tokens)}, 3), metres")
        dtype = self.out.weight.dtype
        seen = self.normalise(tokens.to(dtype))
        if self.slots:
            queries = self.queries.expand(len(tokens), -1, -1)
            gathered = queries + self.gather(queries, seen, seen, need_weights=False)[0]
            seen = gathered + self.refine(gathered)
        extents = self.size(torch.log(size.to(dtype).clamp_min(1e-3) / UNIT_M))
        return self.scale(torch.cat([self.out(seen), extents[:, None]], dim=1))

    def count(self, groups: int) -> int:
        """Slots that an object of so many tokens takes."""
        return (self.slots or groups) + 1
