"""What all baselines have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.tokens.pose import HandPose

Turns = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class TrainingSet:
    """What a baseline learns from: N requests with the grasps that were meant, on O objects.

    Attributes:
        things: what the frozen object encoder sees of the O objects.
        owner: (N,) index of the object of each request.
        turns: N conversations that end with the request.
        tokens: (N, L) of the grasps.
        poses: N of the grasps, in their objects' frames.
        codes: how many tokens there are at each of the L levels.
    """

    things: ObjectTokens
    owner: torch.Tensor
    turns: Sequence[Turns]
    tokens: torch.Tensor
    poses: HandPose
    codes: int

    def __post_init__(self) -> None:
        lengths = {len(self.owner), len(self.turns), len(self.tokens), len(self.poses)}
        if len(lengths) != 1 or 0 in lengths:
            raise ValueError(
                f"owner, turns, tokens and poses have {len(self.owner)}, {len(self.turns)}, {len(self.tokens)} and"
                f" {len(self.poses)} entries: give one of each for each of at least one request"
            )

    def __len__(self) -> int:
        return len(self.turns)


#: Tokens (B, L), to be decoded on the object, or hands.
Answer = torch.Tensor | HandPose


class Baseline(Protocol):
    """From words and an object to a grasp.

    Attributes:
        name: in tables.
    """

    name: str

    def fit(self, data: TrainingSet) -> None:
        """Learns; the same data and seed give the same baseline."""

    def answer(self, things: ObjectTokens, turns: Sequence[Turns], generator: torch.Generator) -> Answer:
        """One grasp for each of B requests.

        Args:
            things: B objects, one for each request.
            turns: B conversations.
            generator: of what is drawn by chance.
        """
