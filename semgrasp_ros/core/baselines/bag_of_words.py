"""Tokens from which words are said, and the object."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from semgrasp_ros.core.baselines.baseline import TrainingSet, Turns
from semgrasp_ros.core.baselines.features import WordCounter, pooled, said
from semgrasp_ros.core.baselines.token_classifier import TokenClassifier
from semgrasp_ros.core.objects.encoder import ObjectTokens


class BagOfWords:
    """Classification of each token from a bag of words and pooled object tokens.

    Args:
        seed: of the training.
        steps: of the training.
    """

    name = "bag_of_words"

    def __init__(self, seed: int = 0, steps: int = 4000) -> None:
        self.seed, self.steps = seed, steps

    def fit(self, data: TrainingSet) -> None:
        """Learns words and classes."""
        texts = [said(turns) for turns in data.turns]
        self.counter = WordCounter(texts)
        self.classifier = TokenClassifier(data.tokens.shape[1], data.codes, self.seed, self.steps)
        self.classifier.fit(pooled(data.things), self.counter(texts), data.owner, data.tokens)

    def answer(
        self, things: ObjectTokens, turns: Sequence[Turns], generator: torch.Generator
    ) -> torch.Tensor:
        """Tokens (B, L)."""
        return self.classifier(pooled(things), self.counter([said(one) for one in turns]))
