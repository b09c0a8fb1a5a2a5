"""The most similar request of the training split on one of the most similar objects, and its tokens."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from semgrasp_ros.core.baselines.baseline import TrainingSet, Turns
from semgrasp_ros.core.baselines.features import Scaler, WordCounter, pooled, said
from semgrasp_ros.core.objects.encoder import ObjectTokens


class Nearest:
    """Nearest neighbour: among the objects that look most alike, the request whose words are most alike.

    Args:
        objects: how many of the nearest objects' requests are looked at.
    """

    name = "nearest"

    def __init__(self, objects: int = 20) -> None:
        self.objects = objects

    def fit(self, data: TrainingSet) -> None:
        """Remembers all requests."""
        texts = [said(turns) for turns in data.turns]
        self.counter = WordCounter(texts)
        bags = self.counter(texts)
        # What nearly everybody says tells little: words weigh by how rare they are.
        self.rarity = torch.log((1 + len(bags)) / (1 + bags.sum(dim=0)))
        self.bags = torch.nn.functional.normalize(bags * self.rarity, dim=1)
        features = pooled(data.things)
        self.scaler = Scaler(features)
        self.seen = self.scaler(features)
        self.tokens = data.tokens
        self.by_object = [torch.nonzero(data.owner == number)[:, 0] for number in range(len(features))]

    def answer(
        self, things: ObjectTokens, turns: Sequence[Turns], generator: torch.Generator
    ) -> torch.Tensor:
        """Tokens (B, L)."""
        apart = torch.cdist(self.scaler(pooled(things)), self.seen)
        near = apart.topk(min(self.objects, len(self.seen)), largest=False).indices
        asked = torch.nn.functional.normalize(self.counter([said(one) for one in turns]) * self.rarity, dim=1)
        found = []
        for words, objects in zip(asked, near.tolist(), strict=True):
            # From the nearest object on: of requests that are equally alike the first one counts.
            rows = torch.cat([self.by_object[number] for number in objects])
            if not len(rows):
                rows = torch.arange(len(self.tokens))
            found.append(self.tokens[rows[(self.bags[rows] @ words).argmax()]])
        return torch.stack(found)
