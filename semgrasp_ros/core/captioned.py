"""What the language model learns from: grasps in tokens, what is said of them, and the objects as they are seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from semgrasp_ros.core.data.captions import KINDS, Caption
from semgrasp_ros.core.data.dataset import GraspData
from semgrasp_ros.core.data.requests import caption_of
from semgrasp_ros.core.hand.rotations import matrix_from_vector, transform
from semgrasp_ros.core.language import Example
from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.tokens.model import TokenModel
from semgrasp_ros.core.tokens.pose import HandPose
from semgrasp_ros.core.tokens.training import encode_clouds

# Requests are what the robot hears; descriptions are asked for less often.
SHARES = {
    "fingers": 0.1,
    "part": 0.25,
    "manner": 0.1,
    "intent": 0.1,
    "combined": 0.25,
    "dialogue": 0.1,
    "describe": 0.1,
}


class CaptionedGrasps:
    """The grasps of a split with fresh captions in every epoch, each object in several looks.

    Looks are: whole, whole but turned a little and noisy, and each view of a camera. Tokens are those of the grasp
    together with the look, since they are decoded together with it.

    Args:
        model: trained encoder and tokenizer.
        data: of one split.
        points: how many of a cloud's points are encoded.
        phrasings: "seen" or "unseen".
        seed: of looks and captions.
    """

    def __init__(
        self, model: TokenModel, data: GraspData, points: int = 1024, phrasings: str = "seen", seed: int = 0
    ) -> None:
        self.data, self.phrasings, self.seed = data, phrasings, seed
        self.looks: list[ObjectTokens] = []
        self.tokens: list[torch.Tensor] = []
        generator = torch.Generator().manual_seed(seed)
        whole = data.clouds[:, :points]
        as_it_is = torch.eye(3).expand(len(whole), 3, 3)
        views = [(view, as_it_is) for view in data.views[:, :, :points].unbind(1)]
        for cloud, turn in [(whole, as_it_is), _turned(whole, generator), *views]:
            middle = (cloud[..., :3].amin(dim=1) + cloud[..., :3].amax(dim=1)) / 2
            moved = torch.cat([cloud[..., :3] - middle[:, None], cloud[..., 3:]], dim=-1)
            look = encode_clouds(model, moved)
            self.looks.append(look)
            self.tokens.append(_encode(model, data, look, transform(turn, -middle)))

    def __len__(self) -> int:
        return len(self.data)

    def features(self, keys: Sequence[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Tokens (B, G, D) and extents (B, 3) of objects in looks."""
        return (
            torch.stack([self.looks[look].tokens[thing] for thing, look in keys]),
            torch.stack([self.looks[look].size[thing] for thing, look in keys]),
        )

    def examples(self, epoch: int) -> list[Example]:
        """One example of every grasp, other words and another look in every epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        kinds = rng.choice(list(SHARES), p=list(SHARES.values()), size=len(self))
        looks = rng.integers(len(self.looks), size=len(self))
        return [self._example(row, str(kinds[row]), int(looks[row]), rng) for row in range(len(self))]

    def caption(self, row: int, kind: str, rng: np.random.Generator) -> Caption:
        """Words for one grasp; another kind where this one has nothing to say."""
        return caption_of(self.data, row, kind, rng, self.phrasings)

    def _example(self, row: int, kind: str, look: int, rng: np.random.Generator) -> Example:
        tokens = tuple(int(token) for token in self.tokens[look][row])
        return Example((int(self.data.owner[row]), look), tokens, self.caption(row, kind, rng))

    def texts(self, count: int) -> list[str]:
        """Texts of all kinds, to learn a vocabulary from."""
        rng = np.random.default_rng([self.seed, 999])
        rows = rng.integers(len(self), size=count)
        said = [self.caption(int(row), KINDS[number % len(KINDS)], rng) for number, row in enumerate(rows)]
        return [text for caption in said for _, text in caption.turns]


def _turned(clouds: torch.Tensor, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    turn = matrix_from_vector(
        torch.randn(len(clouds), 3, generator=generator) * torch.tensor([0.06, 0.06, 0.25])
    )
    points = clouds[..., :3] @ turn.transpose(1, 2) + 0.001 * torch.randn(
        clouds[..., :3].shape, generator=generator
    )
    return torch.cat([points, clouds[..., 3:6] @ turn.transpose(1, 2), clouds[..., 6:]], dim=-1), turn


@torch.no_grad()
def _encode(model: TokenModel, data: GraspData, look: ObjectTokens, moved: torch.Tensor) -> torch.Tensor:
    """Tokens (N, L) of all grasps, seen together with a look that was moved by (O, 4, 4)."""
    poses, tokens = data.poses(), []
    for index, rows in enumerate(data.rows()):
        pose = poses.select(rows)
        pose = HandPose(moved[index] @ pose.wrist, pose.joint_rotations, pose.shape)
        tokens.append(model.tokenizer.encode(pose, look.repeat(torch.tensor([index]))))
    return torch.cat(tokens)
