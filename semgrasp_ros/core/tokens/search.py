"""The tokens of a grasp by search.

The nearest code of each level by itself is not the best choice: what follows can mend one first code better than
another. As in additive quantisation (Babenko and Lempitsky 2014, https://doi.org/10.1109/CVPR.2014.124), some of the
nearest codes are tried at each level, and those are taken whose hand comes nearest to the one that is to be told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from semgrasp_ros.core.contact.skin import skin_of
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.tokens.pose import HandPose
from semgrasp_ros.core.tokens.tokenizer import GraspTokenizer

# How many combinations of codes are tried for a grasp.
COMBINATIONS = 512
# Hands that are made at the same time.
_AT_ONCE = 4096


def usual_widths(levels: int, codes: int) -> tuple[int, ...]:
    """Codes tried at each of so many levels, of a codebook of so many."""
    return (min(codes, round(COMBINATIONS ** (1 / levels))),) * levels


@torch.no_grad()
def search_tokens(
    tokenizer: GraspTokenizer,
    hand: HandModel,
    pose: HandPose,
    thing: ObjectTokens,
    widths: Sequence[int] | None = None,
) -> torch.Tensor:
    """Tokens (B, L) of grasps whose decoded hands are nearest: the mean distance of corresponding points of the skin.

    Args:
        tokenizer: with L levels.
        hand: whose skin is compared.
        pose: B grasps.
        thing: of B objects, one for each grasp.
        widths: codes tried at each level; `usual_widths` when None.

    Raises:
        ValueError: widths do not fit the levels.
    """
    widths = widths or usual_widths(tokenizer.levels, tokenizer.config.codes)
    tried = math.prod(widths)
    count = max(1, _AT_ONCE // max(1, tried))
    found = []
    for low in range(0, len(pose), count):
        rows = torch.arange(low, min(low + count, len(pose)))
        some = pose.select(rows)
        tokens, hands = tokenizer.likely(some, thing.repeat(rows), widths)
        apart = _skin(hand, hands).unflatten(0, (len(some), tried)) - _skin(hand, some)[:, None]
        best = apart.norm(dim=-1).mean(dim=-1).argmin(dim=1)
        found.append(tokens.unflatten(0, (len(some), tried))[torch.arange(len(some)), best])
    return torch.cat(found)


def _skin(hand: HandModel, pose: HandPose) -> torch.Tensor:
    return hand.some_vertices(pose.wrist, pose.joint_rotations, pose.shape, skin_of(hand).vertices)
