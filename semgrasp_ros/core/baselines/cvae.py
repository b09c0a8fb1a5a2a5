"""A hand pose without tokens: a conditional variational autoencoder."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from semgrasp_ros.core.baselines.baseline import TrainingSet, Turns
from semgrasp_ros.core.baselines.features import Scaler, WordCounter, pooled, said
from semgrasp_ros.core.baselines.token_classifier import descend
from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.tokens.pose import (
    FINGERS,
    WRIST,
    HandPose,
    finger_numbers,
    fingers_from_numbers,
    wrist_from_numbers,
    wrist_numbers,
)

LATENT, HIDDEN, BATCH = 16, 384, 128


class _Net(nn.Module):
    def __init__(self, pose: int, condition: int) -> None:
        super().__init__()

        def stack(into: int, out: int) -> nn.Module:
            return nn.Sequential(
                nn.Linear(into, HIDDEN),
                nn.GELU(),
                nn.Linear(HIDDEN, HIDDEN),
                nn.GELU(),
                nn.Linear(HIDDEN, out),
            )

        self.condition = nn.Sequential(nn.Dropout(0.1), nn.Linear(condition, HIDDEN), nn.GELU())
        self.encoder = stack(pose + HIDDEN, 2 * LATENT)
        self.decoder = stack(LATENT + HIDDEN, pose)


class CVae:
    """Pooled object tokens and a bag of words to a pose (Sohn et al. 2015, "Learning structured output representation
    using deep conditional generative models"); the latent vector is drawn.

    Args:
        seed: of the training.
        steps: of the training.
        divergence: weight of the latent distribution's distance from the normal one.
    """

    name = "cvae"

    def __init__(self, seed: int = 0, steps: int = 6000, divergence: float = 0.1) -> None:
        self.seed, self.steps, self.divergence = seed, steps, divergence

    def fit(self, data: TrainingSet) -> None:
        """Learns poses."""
        texts = [said(turns) for turns in data.turns]
        self.counter = WordCounter(texts)
        bags, features = self.counter(texts), pooled(data.things)
        self.scaler = Scaler(features)
        scaled, numbers = self.scaler(features), _numbers(data.poses)
        self.mean = numbers.mean(dim=0)
        # All entries are of about unit size already; only what never varies is left alone.
        offsets = numbers - self.mean
        generator = torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self.net = _Net(numbers.shape[1], scaled.shape[1] + bags.shape[1])

            def loss() -> torch.Tensor:
                rows = torch.randint(len(bags), (BATCH,), generator=generator)
                given = self.net.condition(torch.cat([scaled[data.owner[rows]], bags[rows]], dim=1))
                middle, spread = self.net.encoder(torch.cat([offsets[rows], given], dim=1)).chunk(2, dim=1)
                drawn = middle + torch.randn(middle.shape) * (0.5 * spread).exp()
                error = (self.net.decoder(torch.cat([drawn, given], dim=1)) - offsets[rows]).square()
                # The wrist decides where the hand is, and has few of the numbers.
                wrist, rest = error[:, :WRIST].mean(), error[:, WRIST:].mean()
                apart = 0.5 * (middle.square() + spread.exp() - 1 - spread).mean()
                return wrist + rest + self.divergence * apart

            descend(self.net, loss, self.steps, "cvae")

    @torch.no_grad()
    def answer(self, things: ObjectTokens, turns: Sequence[Turns], generator: torch.Generator) -> HandPose:
        """Hands, each from one draw of the latent vector."""
        bags = self.counter([said(one) for one in turns])
        given = self.net.condition(torch.cat([self.scaler(pooled(things)), bags], dim=1))
        drawn = torch.randn(len(bags), LATENT, generator=generator)
        numbers = self.mean + self.net.decoder(torch.cat([drawn, given], dim=1))
        return HandPose(
            wrist_from_numbers(numbers[:, :WRIST]),
            fingers_from_numbers(numbers[:, WRIST : WRIST + FINGERS]),
            numbers[:, WRIST + FINGERS :],
        )


def _numbers(poses: HandPose) -> torch.Tensor:
    return torch.cat([wrist_numbers(poses.wrist), finger_numbers(poses.joint_rotations), poses.shape], dim=1)
