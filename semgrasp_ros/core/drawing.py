"""Hands drawn from the language model for an object that may face another way than it seems to.

Grasp tokens speak of an object in its canonical heading. For a new kind of thing that heading is a guess, and what was
learned of things that lie the other way round may fit it better. So some draws see the object turned, and their hands
are turned back.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from semgrasp_ros.core.language import GraspLanguageModel, Sides, generate, generate_many
from semgrasp_ros.core.objects.frame import rotation, turned
from semgrasp_ros.core.tokens.model import TokenModel
from semgrasp_ros.core.tokens.pose import HandPose

SEEN_POINTS = 1024
OTHER_HEADINGS_RAD = (math.pi / 2, math.pi, 3 * math.pi / 2)


@dataclass(frozen=True)
class Drawn:
    """N hands as they were decoded, in the frame of the points.

    Attributes:
        tokens: (N, 3), each of the object under its own heading.
        log_probability: (N,) of the tokens and the heading.
        pose: the hands.
        words: the part and the manner that were taken to be meant.
    """

    tokens: torch.Tensor
    log_probability: np.ndarray
    pose: HandPose
    words: tuple[int, int]

    def select(self, which: np.ndarray) -> Drawn:
        """Only the hands `which` (indices)."""
        index = torch.from_numpy(which)
        return Drawn(self.tokens[index], self.log_probability[which], self.pose.select(index), self.words)


@dataclass(frozen=True)
class DrawingConfig:
    """How many are drawn, and how boldly.

    Attributes:
        draws: under the object's own heading; 1 takes the likeliest tokens.
        turned_draws: under each of the other headings; may be 0.
        turned_prior: natural logarithm of how likely another heading is beside the object's own.
        temperature: of the draws.
        top_p: only the likeliest tokens of this probability are drawn.
    """

    draws: int
    turned_draws: int
    turned_prior: float
    temperature: float
    top_p: float


@torch.no_grad()
def draw_hands(
    token_model: TokenModel,
    language_model: GraspLanguageModel,
    points: np.ndarray,
    normals: np.ndarray,
    turns: Sequence[tuple[str, str]],
    sides: tuple[Sides, Sides],
    config: DrawingConfig,
    generator: torch.Generator,
) -> Drawn:
    """Draws tokens and decodes them.

    Args:
        token_model: sees the object and decodes.
        language_model: draws.
        points: (N, 3) float32 metres, canonical.
        normals: (N, 3) float32.
        turns: the conversation.
        sides: of part and manner.
        config: how many.
        generator: of the draws.
    """
    headings = (0.0, *(OTHER_HEADINGS_RAD if config.turned_draws else ()))
    chosen = np.random.default_rng(0).permutation(len(points))[:SEEN_POINTS]
    every = torch.tensor(headings)
    seen, across = (
        turned(torch.from_numpy(rows[chosen]).expand(len(headings), -1, -1), every)
        for rows in (points, normals)
    )
    thing = token_model.see(seen, across)
    own = generate(
        language_model, thing.tokens[:1], thing.size[:1], turns, config.draws, config.temperature, config.top_p,
        generator, sides,
    )  # fmt: skip
    words, found = own[0].words, [own]
    if config.turned_draws:
        # The words mean the same, wherever the object points.
        meant = [_only(side, word) for side, word in zip(sides, words, strict=True)]
        found += generate_many(
            language_model, thing.tokens[1:], thing.size[1:], [turns] * len(OTHER_HEADINGS_RAD), config.turned_draws,
            config.temperature, config.top_p, generator, meant,
        )  # fmt: skip
    tokens = [torch.tensor([one.tokens for one in some]) for some in found]
    poses = [
        _turned_back(token_model.tokenizer.decode(some, thing.repeat(torch.tensor([number]))), heading)
        for number, (some, heading) in enumerate(zip(tokens, headings, strict=True))
    ]
    prior = np.array(
        [config.turned_prior if number else 0.0 for number, some in enumerate(found) for _ in some]
    )
    likely = np.array([one.log_probability for some in found for one in some]) + prior
    return Drawn(torch.cat(tokens), likely, HandPose.joined(poses), words)


def _only(side: Sides, word: int) -> Sides:
    return Sides(side.named, torch.eye(len(side.likely))[word])


def _turned_back(pose: HandPose, heading_rad: float) -> HandPose:
    wrist = pose.wrist.clone()
    wrist[:, :3] = torch.from_numpy(rotation(-heading_rad)).to(wrist.dtype) @ wrist[:, :3]
    return HandPose(wrist, pose.joint_rotations, pose.shape)
