"""What no words and no learning give."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from semgrasp_ros.core.baselines.baseline import TrainingSet, Turns
from semgrasp_ros.core.objects.encoder import ObjectTokens


class RandomTokens:
    """Each token drawn by itself, as often as it is in the training split."""

    name = "random_tokens"

    def fit(self, data: TrainingSet) -> None:
        """Counts."""
        self.counts = torch.stack(
            [torch.bincount(level, minlength=data.codes) for level in data.tokens.unbind(dim=1)]
        ).float()

    def answer(
        self, things: ObjectTokens, turns: Sequence[Turns], generator: torch.Generator
    ) -> torch.Tensor:
        """Tokens (B, L)."""
        return torch.multinomial(self.counts, len(turns), replacement=True, generator=generator).T


class Chance:
    """All tokens of one random grasp of the training split: a likely grasp, but of anything."""

    name = "chance"

    def fit(self, data: TrainingSet) -> None:
        """Remembers."""
        self.tokens = data.tokens

    def answer(
        self, things: ObjectTokens, turns: Sequence[Turns], generator: torch.Generator
    ) -> torch.Tensor:
        """Tokens (B, L)."""
        return self.tokens[torch.randint(len(self.tokens), (len(turns),), generator=generator)]
