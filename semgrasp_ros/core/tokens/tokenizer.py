"""The hierarchical VQ-VAE: a grasp to three tokens and back, given the object (SemGrasp, section 3.2, eq. 2-5).

T = D1(o, O); theta, beta = D2(o, m, O); the refinement r then corrects all three. `roles` tells what each level
does, so that the paper's ablation is a matter of configuration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.tokens.pose import (
    FINGERS,
    SHAPE,
    WRIST,
    HandPose,
    finger_numbers,
    fingers_from_numbers,
    wrist_from_numbers,
    wrist_numbers,
)
from semgrasp_ros.core.tokens.quantiser import Quantiser

ALL = WRIST + FINGERS + SHAPE
ROLES = {
    # What a level's decoder writes, as a range of the numbers of a pose; refinement adds to all of them.
    "orientation": (0, WRIST),
    "manner": (WRIST, ALL),
    "whole": (0, ALL),
    "refinement": (0, ALL),
}
VARIANTS = {
    "three": ("orientation", "manner", "refinement"),
    "one": ("whole",),
    "two": ("orientation", "manner"),
    "four": ("orientation", "manner", "refinement", "refinement"),
    "no_roles": ("whole", "refinement", "refinement"),
}


@dataclass
class TokenizerConfig:
    """Size of the grasp tokenizer."""

    roles: tuple[str, ...] = field(default=VARIANTS["three"], metadata={"help": "what each level decodes"})
    codes: int = field(default=512, metadata={"help": "K of each codebook", "minimum": 2})
    width: int = field(default=256, metadata={"help": "d of a code", "minimum": 8})
    layers: int = field(default=2, metadata={"help": "of attention to the object in each encoder and decoder"})
    heads: int = field(default=4, metadata={"help": "of attention", "minimum": 1})


class ObjectQuery(nn.Module):
    """A vector that looks at the object: (B, in) and tokens (B, G, D) to (B, out)."""

    def __init__(self, into: int, width: int, out: int, layers: int, heads: int) -> None:
        super().__init__()
        self.into = nn.Sequential(nn.Linear(into, width), nn.GELU(), nn.Linear(width, width))
        layer = nn.TransformerDecoderLayer(width, heads, 2 * width, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerDecoder(layer, layers, nn.LayerNorm(width))
        self.out = nn.Linear(width, out)

    def forward(self, vector: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Answers with one vector."""
        return self.out(self.layers(self.into(vector)[:, None], tokens)[:, 0])


@dataclass(frozen=True)
class Reconstruction:
    """A grasp through the tokens.

    Attributes:
        poses: after each level, what is known then; wrist before manner are with the true fingers.
        tokens: (B, L) one index for each level.
        commitment: the sum of the levels' commitment losses.
    """

    poses: list[HandPose]
    tokens: torch.Tensor
    commitment: torch.Tensor


class GraspTokenizer(nn.Module):
    """Encoders, codebooks and decoders of all levels."""

    def __init__(self, config: TokenizerConfig) -> None:
        super().__init__()
        unknown = sorted(set(config.roles) - set(ROLES))
        if unknown or not config.roles:
            raise ValueError(f"roles: {unknown or 'none'} cannot be used; use some of {', '.join(ROLES)}")
        self.config = config
        width = config.width
        self.encoders, self.quantisers, self.decoders = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for level, role in enumerate(config.roles):
            low, high = ROLES[role]
            # A refinement sees what is still wrong besides the grasp itself.
            seen = WRIST if role == "orientation" else ALL * (2 if role == "refinement" else 1)
            self.encoders.append(ObjectQuery(seen, width, width, config.layers, config.heads))
            self.quantisers.append(Quantiser(config.codes, width))
            known = width * (level + 1) + (ALL if role == "refinement" else 0)
            self.decoders.append(ObjectQuery(known, width, high - low, config.layers, config.heads))

    @property
    def levels(self) -> int:
        """How many tokens a grasp has."""
        return len(self.config.roles)

    def forward(self, pose: HandPose, thing: ObjectTokens) -> Reconstruction:
        """Encodes, quantises and decodes B grasps of B objects."""
        true = self._numbers(pose)
        known = torch.zeros_like(true)
        codes, tokens, poses, commitment = [], [], [], true.new_zeros(())
        for level, role in enumerate(self.config.roles):
            vector = self.encoders[level](self._seen(role, true, known), thing.tokens)
            code, token, loss = self.quantisers[level](vector)
            codes.append(code)
            tokens.append(token)
            commitment = commitment + loss
            known = self._decode_level(level, codes, known, thing.tokens)
            # Before the fingers are decoded the wrist is judged with the true ones.
            shown = torch.cat([known[:, :WRIST], true[:, WRIST:]], dim=1) if role == "orientation" else known
            poses.append(self._pose(shown))
        return Reconstruction(poses, torch.stack(tokens, dim=1), commitment)

    def encode(self, pose: HandPose, thing: ObjectTokens) -> torch.Tensor:
        """Tokens (B, L) of grasps."""
        return self(pose, thing).tokens

    def decode(self, tokens: torch.Tensor, thing: ObjectTokens) -> HandPose:
        """Grasps of tokens (B, L), of as many objects.

        Raises:
            ValueError: tokens do not fit.
        """
        if tokens.ndim != 2 or tokens.shape[1] != self.levels:
            raise ValueError(f"tokens: shape {tuple(tokens.shape)} does not fit; use (B, {self.levels})")
        if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < self.config.codes:
            raise ValueError(f"tokens: {int(tokens.min())} to {int(tokens.max())}; use 0 to {self.config.codes - 1}")
        known = thing.tokens.new_zeros(len(tokens), ALL)
        codes: list[torch.Tensor] = []
        for level in range(self.levels):
            codes.append(self.quantisers[level].look_up(tokens[:, level]))
            known = self._decode_level(level, codes, known, thing.tokens)
        return self._pose(known)

    def _seen(self, role: str, true: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        if role == "orientation":
            return true[:, :WRIST]
        return torch.cat([true, true - known], dim=1) if role == "refinement" else true

    def _decode_level(
        self, level: int, codes: Sequence[torch.Tensor], known: torch.Tensor, thing: torch.Tensor
    ) -> torch.Tensor:
        role = self.config.roles[level]
        low, high = ROLES[role]
        vector = torch.cat([*codes, known] if role == "refinement" else list(codes), dim=1)
        written = self.decoders[level](vector, thing)
        if role == "refinement":
            return known + written
        return torch.cat([known[:, :low], written, known[:, high:]], dim=1)

    @staticmethod
    def _numbers(pose: HandPose) -> torch.Tensor:
        return torch.cat([wrist_numbers(pose.wrist), finger_numbers(pose.joint_rotations), pose.shape], dim=1)

    @staticmethod
    def _pose(numbers: torch.Tensor) -> HandPose:
        return HandPose(
            wrist_from_numbers(numbers[:, :WRIST]),
            fingers_from_numbers(numbers[:, WRIST : WRIST + FINGERS]),
            numbers[:, WRIST + FINGERS :],
        )
