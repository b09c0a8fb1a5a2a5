"""Tokens by classification: a net with one hidden layer, and one output for each level."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from semgrasp_ros.core.baselines.features import Scaler

HIDDEN = 384
BATCH = 128
RATE = 1e-3


class TokenClassifier:
    """Features of object and words to tokens. The levels are classified apart, as in the paper's baseline.

    Args:
        levels: L.
        codes: classes of each.
        seed: of the weights and of the order of learning.
        steps: of the optimiser.
    """

    def __init__(self, levels: int, codes: int, seed: int = 0, steps: int = 4000) -> None:
        self.levels, self.codes, self.seed, self.steps = levels, codes, seed, steps

    def fit(
        self, thing: torch.Tensor, words: torch.Tensor, owner: torch.Tensor, tokens: torch.Tensor
    ) -> None:
        """Learns.

        Args:
            thing: (O, F) features of objects.
            words: (N, W) features of requests.
            owner: (N,) index of the object of each request.
            tokens: (N, L) to be told.
        """
        self.scaler = Scaler(thing)
        scaled = self.scaler(thing)
        generator = torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self.net = nn.Sequential(
                nn.Linear(thing.shape[1] + words.shape[1], HIDDEN),
                nn.ReLU(),
                nn.Dropout(0.2),
                nn.Linear(HIDDEN, self.levels * self.codes),
            )

            def loss() -> torch.Tensor:
                rows = torch.randint(len(words), (BATCH,), generator=generator)
                logits = self.net(torch.cat([scaled[owner[rows]], words[rows]], dim=1))
                return nn.functional.cross_entropy(logits.view(-1, self.codes), tokens[rows].reshape(-1))

            descend(self.net, loss, self.steps, "token classifier")

    @torch.no_grad()
    def __call__(self, thing: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
        """The likeliest tokens (B, L) of features (B, F) and (B, W)."""
        logits = self.net(torch.cat([self.scaler(thing), words], dim=1))
        return logits.unflatten(1, (self.levels, self.codes)).argmax(dim=-1)


def descend(net: nn.Module, loss: Callable[[], torch.Tensor], steps: int, name: str) -> None:
    """Adam with a cosine schedule; leaves the net ready for use."""
    from tqdm import tqdm

    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    net.train()
    for _ in tqdm(range(steps), desc=name, unit="step", leave=False, mininterval=1.0):
        value = loss()
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
    net.eval()
