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
    # Writes nothing: its code only helps the next level's decoder.
    "share": (0, 0),
}
VARIANTS = {
    "three": ("orientation", "manner", "refinement"),
    "one": ("whole",),
    "two": ("orientation", "manner"),
    "four": ("orientation", "manner", "refinement", "refinement"),
    "no_roles": ("whole", "refinement", "refinement"),
    "flat": ("share", "share", "whole"),
}


@dataclass
class TokenizerConfig:
    """Size of the grasp tokenizer."""

    roles: tuple[str, ...] = field(default=VARIANTS["three"], metadata={"help": "what each level decodes"})
    codes: int = field(default=512, metadata={"help": "K of each codebook", "minimum": 2})
    width: int = field(default=256, metadata={"help": "d of a code", "minimum": 8})
    layers: int = field(
        default=2, metadata={"help": "of attention to the object in each encoder and decoder"}
    )
    heads: int = field(default=4, metadata={"help": "of attention", "minimum": 1})


class ObjectAttention(nn.Module):
    """One layer: vectors (O, n, D) look at the tokens (O, G, D) of their object, then think by themselves."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.vector_norm, self.thought_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key_value = nn.Linear(width, width), nn.Linear(width, 2 * width)
        self.mixed = nn.Linear(width, width)
        self.thought = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, vectors: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Attends; the vectors do not see one another."""
        query = self._split(self.query(self.vector_norm(vectors)))
        key, value = (self._split(half) for half in self.key_value(tokens).chunk(2, dim=-1))
        seen = torch.nn.functional.scaled_dot_product_attention(query, key, value)
        vectors = vectors + self.mixed(seen.transpose(1, 2).flatten(2))
        return vectors + self.thought(self.thought_norm(vectors))

    def _split(self, values: torch.Tensor) -> torch.Tensor:
        return values.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class ObjectQuery(nn.Module):
    """Vectors that look at objects: (O * n, in) and tokens (O, G, D) to (O * n, out).

    The vectors are in the order of their objects, the same number for each, so that an object's keys and values are
    computed once.
    """

    def __init__(self, into: int, width: int, out: int, layers: int, heads: int) -> None:
        super().__init__()
        self.into = nn.Sequential(nn.Linear(into, width), nn.GELU(), nn.Linear(width, width))
        self.layers = nn.ModuleList([ObjectAttention(width, heads) for _ in range(layers)])
        self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, out))

    def forward(self, vectors: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Answers with one vector each."""
        asked = self.into(vectors).unflatten(0, (len(tokens), -1))
        for layer in self.layers:
            asked = layer(asked, tokens)
        with torch.autocast(asked.device.type, enabled=False):  # millimetres need all digits
            return self.out(asked.float()).flatten(0, 1)


@dataclass(frozen=True)
class Reconstruction:
    """A grasp through the tokens.

    Attributes:
        poses: after each level that writes, what is known then; wrist before manner are with the true fingers.
        tokens: (B, L) one index for each level.
        codes: (B, d) of each level, with the gradient of what was quantised.
        commitment: the sum of the levels' commitment losses.
    """

    poses: list[HandPose]
    tokens: torch.Tensor
    codes: list[torch.Tensor]
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
            if role == "share":
                self.decoders.append(nn.Identity())
                continue
            known = width * (level + 1) + (ALL if role == "refinement" else 0)
            self.decoders.append(ObjectQuery(known, width, high - low, config.layers, config.heads))

    @property
    def levels(self) -> int:
        """How many tokens a grasp has."""
        return len(self.config.roles)

    def forward(self, pose: HandPose, thing: ObjectTokens) -> Reconstruction:
        """Encodes, quantises and decodes B = O * n grasps of O objects, n of each, in the order of the objects."""
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
            if role == "share":
                continue
            # Before the fingers are decoded the wrist is judged with the true ones.
            shown = torch.cat([known[:, :WRIST], true[:, WRIST:]], dim=1) if role == "orientation" else known
            poses.append(self._pose(shown))
        return Reconstruction(poses, torch.stack(tokens, dim=1), codes, commitment)

    def encode(self, pose: HandPose, thing: ObjectTokens) -> torch.Tensor:
        """Tokens (B, L) of grasps."""
        return self(pose, thing).tokens

    def likely(
        self, pose: HandPose, thing: ObjectTokens, widths: Sequence[int]
    ) -> tuple[torch.Tensor, HandPose]:
        """What else could stand for grasps: each level's nearest codes, with all of the levels before.

        Args:
            pose: B = O * n grasps, in the order of the objects.
            thing: O objects.
            widths: how many codes each level tries.

        Returns:
            Tokens (B * P, L), all P combinations of a grasp after one another, what `encode` tells first; their hands.

        Raises:
            ValueError: widths do not fit.
        """
        if len(widths) != self.levels or not all(1 <= width <= self.config.codes for width in widths):
            raise ValueError(f"widths: {list(widths)}; give {self.levels} from 1 to {self.config.codes}")
        true = self._numbers(pose)
        known = torch.zeros_like(true)
        codes: list[torch.Tensor] = []
        tokens = torch.empty(len(true), 0, dtype=torch.long, device=true.device)
        for level, (role, width) in enumerate(zip(self.config.roles, widths, strict=True)):
            vector = self.encoders[level](self._seen(role, true, known), thing.tokens)
            index = self.quantisers[level].nearest(vector.float(), width).flatten()
            true, known, tokens = (value.repeat_interleave(width, dim=0) for value in (true, known, tokens))
            tokens = torch.cat([tokens, index[:, None]], dim=1)
            codes = [code.repeat_interleave(width, dim=0) for code in codes]
            codes.append(self.quantisers[level].look_up(index))
            known = self._decode_level(level, codes, known, thing.tokens)
        return tokens, self._pose(known)

    def decode(self, tokens: torch.Tensor, thing: ObjectTokens) -> HandPose:
        """Grasps of tokens (B, L): B = O * n of O objects, n of each, in the order of the objects.

        Raises:
            ValueError: tokens do not fit.
        """
        if tokens.ndim != 2 or tokens.shape[1] != self.levels:
            raise ValueError(f"tokens: shape {tuple(tokens.shape)} does not fit; use (B, {self.levels})")
        if tokens.numel() and not 0 <= int(tokens.min()) <= int(tokens.max()) < self.config.codes:
            raise ValueError(
                f"tokens: {int(tokens.min())} to {int(tokens.max())}; use 0 to {self.config.codes - 1}"
            )
        known = torch.zeros(len(tokens), ALL, device=tokens.device)
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
        if role == "share":
            return known
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
