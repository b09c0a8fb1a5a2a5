"""Hands drawn for an object under several headings, with small untrained networks."""

import math

import numpy as np
import pytest
import torch

from semgrasp_ros.core.data.dataset import object_cloud, part_vocabulary
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.drawing import DrawingConfig, Drawn, draw_hands
from semgrasp_ros.core.language import GraspLanguageModel, LanguageConfig, Sides, train_vocabulary
from semgrasp_ros.core.objects.encoder import ObjectEncoderConfig
from semgrasp_ros.core.objects.frame import rotation
from semgrasp_ros.core.tokens.model import TokenModel, TokenModelConfig
from semgrasp_ros.core.tokens.tokenizer import TokenizerConfig

WORDS = "hand me the mug by its handle"
HANDLE = part_vocabulary().index("handle")
POWER = list(MANNERS).index("power")


@pytest.fixture(scope="module")
def models() -> tuple[TokenModel, GraspLanguageModel]:
    torch.manual_seed(0)
    tokens = TokenModel(
        TokenModelConfig(
            ObjectEncoderConfig(width=32, groups=8, neighbours=8, layers=1, heads=2),
            TokenizerConfig(width=32, layers=1, heads=2),
        ),
        part_vocabulary(),
    ).eval()
    small = LanguageConfig(width=32, layers=1, heads=2, inner=32, vocabulary=300, object_slots=4)
    language = GraspLanguageModel.make(small, train_vocabulary([WORDS, "lift the pan"], 300), object_width=32)
    return tokens, language.eval()


def sides(models: tuple[TokenModel, GraspLanguageModel]) -> tuple[Sides, Sides]:
    tokenizer = models[0].tokenizer
    held = models[0].held_head(tokenizer.quantisers[0].codebook).softmax(dim=1).detach()
    used = models[0].manner_head(tokenizer.quantisers[1].codebook).softmax(dim=1).detach()
    return (
        Sides(held, torch.eye(held.shape[1])[HANDLE]),
        Sides(used, torch.eye(used.shape[1])[POWER]),
    )


def drawn(models, heading_rad: float, draws: int, turned_draws: int, temperature: float) -> Drawn:
    mug = object_cloud("mug", 0)
    turn = rotation(heading_rad).astype(np.float32)
    return draw_hands(
        *models, mug.points @ turn.T, mug.normals @ turn.T, [("human", WORDS)], sides(models),
        DrawingConfig(draws, turned_draws, -3.0, temperature, 0.9), torch.Generator().manual_seed(3),
    )  # fmt: skip


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_hands_of_another_heading_are_those_of_the_turned_object_turned_back(models, quarter: int):
    angle = quarter * math.pi / 2
    every = drawn(models, 0.0, 1, 2, 0.0)
    assert len(every.pose) == 4
    alone = drawn(models, angle, 1, 0, 0.0)
    assert torch.equal(every.tokens[quarter], alone.tokens[0])
    back = torch.eye(4)
    back[:3, :3] = torch.from_numpy(rotation(-angle))
    assert torch.allclose(every.pose.wrist[quarter], back @ alone.pose.wrist[0], atol=1e-5)
    assert every.log_probability[quarter] == pytest.approx(alone.log_probability[0] - 3.0, abs=1e-4)
    assert torch.allclose(every.pose.joint_rotations[quarter], alone.pose.joint_rotations[0], atol=1e-5)


def test_own_heading_comes_first_and_is_drawn_most(models):
    own, every = drawn(models, 0.0, 12, 0, 1.5), drawn(models, 0.0, 12, 3, 1.5)
    assert torch.equal(every.tokens[: len(own.tokens)], own.tokens)
    assert len(own.tokens) < len(every.tokens) <= len(own.tokens) + 9
    assert every.words == own.words == (HANDLE, POWER)


def test_what_is_selected_stays_together(models):
    every = drawn(models, 0.0, 6, 2, 1.5)
    some = every.select(np.array([4, 0]))
    assert torch.equal(some.tokens, every.tokens[[4, 0]])
    assert torch.equal(some.pose.wrist, every.pose.wrist[[4, 0]])
    assert some.log_probability.tolist() == [every.log_probability[4], every.log_probability[0]]
