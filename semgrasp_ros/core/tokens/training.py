"""Trains the object encoder and the grasp tokenizer: vertex error, commitment, and names of parts."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm import tqdm

from semgrasp_ros.core.contact.skin import skin_of
from semgrasp_ros.core.data.dataset import GraspData
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.hand.rotations import matrix_from_vector, transform
from semgrasp_ros.core.objects.encoder import ObjectTokens, farthest_points
from semgrasp_ros.core.tokens.model import TokenModel
from semgrasp_ros.core.tokens.pose import HandPose, finger_numbers, wrist_numbers
from semgrasp_ros.core.tokens.tokenizer import Reconstruction

CM = 100.0


@dataclass
class TokenTrainingConfig:
    """How the tokens are learned."""

    steps: int = field(default=8000, metadata={"help": "optimiser steps", "minimum": 1})
    objects: int = field(default=12, metadata={"help": "objects in a batch", "minimum": 1})
    grasps: int = field(default=10, metadata={"help": "grasps of each object in a batch", "minimum": 1})
    points: int = field(
        default=1024, metadata={"help": "points of a cloud that are looked at", "minimum": 64}
    )
    rate: float = field(default=6e-4, metadata={"help": "highest learning rate"})
    warm_up: int = field(default=200, metadata={"help": "steps until the highest rate"})
    parts: float = field(default=0.3, metadata={"help": "weight of naming the parts of points"})
    words: float = field(
        default=0.5, metadata={"help": "weight of naming the held part and the manner from codes"}
    )
    # Objects may stand turned a little and lie off the middle: what finds their frame is not exact.
    turn_rad: float = field(default=0.25, metadata={"help": "standard deviation of the turn about z"})
    tilt_rad: float = field(default=0.06, metadata={"help": "standard deviation of the tilt"})
    shift_m: float = field(default=0.006, metadata={"help": "standard deviation of the shift"})
    noise_m: float = field(default=0.0007, metadata={"help": "standard deviation of the points' noise"})
    seen: float = field(default=0.35, metadata={"help": "share of objects shown as a camera sees them"})
    bfloat16: bool = field(
        default=True,
        metadata={"help": "networks multiply in bfloat16: twice as fast where the processor has it"},
    )
    check_every: int = field(default=500, metadata={"help": "steps between looks at the validation split"})
    seed: int = field(default=0, metadata={"help": "of weights, batches and turns"})


def vertex_error_mm(hand: HandModel, true: HandPose, other: HandPose) -> torch.Tensor:
    """Mean distance (B,) of corresponding vertices: MPVPE of each grasp."""
    return (_surface(hand, true) - _surface(hand, other)).norm(dim=-1).mean(dim=1) * 1000


def _surface(hand: HandModel, pose: HandPose, which: torch.Tensor | None = None) -> torch.Tensor:
    parts = (pose.wrist, pose.joint_rotations, pose.shape)
    return hand(*parts).vertices if which is None else hand.some_vertices(*parts, which)


def token_loss(
    model: TokenModel,
    hand: HandModel,
    pose: HandPose,
    points: torch.Tensor,
    normals: torch.Tensor,
    parts: torch.Tensor,
    words: torch.Tensor,
    config: TokenTrainingConfig,
) -> tuple[torch.Tensor, dict[str, float]]:
    """The loss of a batch, and what to show of it.

    Args:
        model: both networks.
        hand: for vertices.
        pose: O * n grasps, in the order of their objects.
        points: (O, N, 3) clouds of O objects.
        normals: (O, N, 3).
        parts: (O, N) index of the part of each point.
        words: (O * n, 2) index of the held part, and of the manner.
        config: weights.
    """
    # So few tokens are attended to faster without blocks.
    with (
        torch.autocast(points.device.type, torch.bfloat16, enabled=config.bfloat16),
        sdpa_kernel(SDPBackend.MATH),
    ):
        thing = model.see(points, normals)
        result = model.tokenizer(pose, thing)
    which = skin_of(hand).vertices
    true = _surface(hand, pose, which)
    vertices = points.new_zeros(())
    for level in result.poses:
        vertices = vertices + (_surface(hand, level, which) - true).square().sum(-1).mean() * CM**2
    final = result.poses[-1]
    numbers = (wrist_numbers(final.wrist) - wrist_numbers(pose.wrist)).square().mean()
    numbers = (
        numbers
        + (finger_numbers(final.joint_rotations) - finger_numbers(pose.joint_rotations)).square().mean()
    )
    with torch.no_grad():
        centre = farthest_points(points, model.config.encoder.groups)
        error = (_surface(hand, final, which) - true).norm(dim=-1).mean() * 1000
    named = torch.nn.functional.cross_entropy(
        model.part_head(thing.tokens[:, :-1].float()).flatten(0, 1), parts.gather(1, centre).flatten()
    )
    said = naming_loss(model, result, words)
    loss = vertices + numbers + result.commitment + config.parts * named + config.words * said
    shown = {"mm": error, "commit": result.commitment, "parts": named, "words": said}
    return loss, {name: value.item() for name, value in shown.items()}


def naming_loss(model: TokenModel, result: Reconstruction, words: torch.Tensor) -> torch.Tensor:
    """How badly codes tell the held part and the manner: from the levels that have these roles.

    Args:
        model: with the heads.
        result: of B grasps.
        words: (B, 2) index of the held part in `part_names`, and of the manner.
    """
    loss = words.new_zeros((), dtype=torch.float32)
    for role, code in zip(model.config.tokenizer.roles, result.codes, strict=True):
        if role in ("orientation", "whole"):
            loss = loss + torch.nn.functional.cross_entropy(model.held_head(code), words[:, 0])
        if role in ("manner", "whole"):
            loss = loss + torch.nn.functional.cross_entropy(model.manner_head(code), words[:, 1])
    return loss


class TokenTrainer:
    """Runs the training; a folder keeps the state, so that it goes on after an interruption."""

    def __init__(
        self,
        model: TokenModel,
        hand: HandModel,
        train: GraspData,
        validation: GraspData,
        config: TokenTrainingConfig,
        folder: Path,
    ) -> None:
        self.model, self.hand, self.train_data, self.validation = model, hand, train, validation
        self.config, self.folder = config, Path(folder)
        self.poses = train.poses()
        self.by_object = [torch.arange(rows.start, rows.stop) for rows in train.rows()]
        self.words = _words(train, model.part_names)
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=0.01, fused=True)
        self.step = 0
        self.generator = torch.Generator().manual_seed(config.seed)

    def run(self, report: Callable[[dict[str, float]], None] = lambda values: None) -> dict[str, float]:
        """Trains to the end.

        Returns:
            The last look at the validation split: MPVPE in mm after each level.
        """
        self._resume()
        progress = tqdm(total=self.config.steps, initial=self.step, unit="step", desc="tokens")
        seen = {"mm": 0.0, "commit": 0.0, "parts": 0.0, "words": 0.0}
        checked: dict[str, float] = {}
        while self.step < self.config.steps:
            values = self._train_step()
            seen = {
                name: 0.98 * seen[name] + 0.02 * values[name] if seen["mm"] else values[name] for name in seen
            }
            progress.update(1)
            if self.step % 50 == 0:
                progress.set_postfix({name: f"{value:.2f}" for name, value in seen.items()})
            if self.step % self.config.check_every == 0 or self.step == self.config.steps:
                checked = self.check()
                self.save(checked)
                line = " ".join(f"{name} {value:.2f}" for name, value in checked.items())
                progress.write(f"step {self.step}: training {seen['mm']:.2f} mm, validation {line}")
                report(checked)
        progress.close()
        return checked

    def _train_step(self) -> dict[str, float]:
        config = self.config
        for group in self.optimiser.param_groups:
            group["lr"] = config.rate * self._schedule()
        self.model.train()
        loss, values = token_loss(self.model, self.hand, *self._batch(), config)
        self.optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if torch.isfinite(norm):  # a bad batch is left out
            self.optimiser.step()
        self.step += 1
        return values

    def _schedule(self) -> float:
        if self.step < self.config.warm_up:
            return (self.step + 1) / self.config.warm_up
        share = (self.step - self.config.warm_up) / max(1, self.config.steps - self.config.warm_up)
        return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))

    def _batch(self) -> tuple[HandPose, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        config, data, generator = self.config, self.train_data, self.generator
        objects = torch.randint(len(data.objects), (config.objects,), generator=generator)
        rows = []
        for index in objects.tolist():
            mine = self.by_object[index]
            rows.append(mine[torch.randint(len(mine), (config.grasps,), generator=generator)])
        chosen = torch.cat(rows)
        shown = torch.stack([self._shown(index) for index in objects.tolist()])
        pose, points, normals = self._turned(self.poses.select(chosen), shown[..., :3], shown[..., 3:6])
        return pose, points, normals, shown[..., 6].long(), self.words[chosen]

    def _shown(self, index: int) -> torch.Tensor:
        """A cloud (N, 7) of an object: whole, or as a camera sees it."""
        data, generator, count = self.train_data, self.generator, self.config.points
        views = data.views.shape[1]
        if views and float(torch.rand((), generator=generator)) < self.config.seen:
            cloud = data.views[index, int(torch.randint(views, (), generator=generator))]
        else:
            cloud = data.clouds[index]
        return cloud[torch.randperm(len(cloud), generator=generator)[:count]]

    def _turned(
        self, pose: HandPose, points: torch.Tensor, normals: torch.Tensor
    ) -> tuple[HandPose, torch.Tensor, torch.Tensor]:
        """Objects and their grasps turned and moved a little together, points made noisy."""
        config = self.config

        def chance(*size: int) -> torch.Tensor:
            return torch.randn(*size, generator=self.generator)

        count = len(points)
        spread = torch.tensor([config.tilt_rad, config.tilt_rad, config.turn_rad])
        turn = matrix_from_vector(chance(count, 3) * spread)
        points = points @ turn.transpose(1, 2) + chance(*points.shape) * config.noise_m
        normals = normals @ turn.transpose(1, 2)
        # What is known of the middle is the middle of the points that are seen.
        middle = (points.amin(dim=1) + points.amax(dim=1)) / 2 - chance(count, 3) * config.shift_m
        points, shift = points - middle[:, None], -middle
        whole = transform(turn, shift).repeat_interleave(config.grasps, dim=0)
        return HandPose(whole @ pose.wrist, pose.joint_rotations, pose.shape), points, normals

    @torch.no_grad()
    def check(self) -> dict[str, float]:
        """MPVPE in mm on the validation split after each level, and codes in use."""
        self.model.eval()
        values = validate(self.model, self.hand, self.validation, self.config.points)
        for level, quantiser in enumerate(self.model.tokenizer.quantisers):
            values[f"codes{level + 1}"] = quantiser.perplexity()
        return values

    def save(self, checked: dict[str, float]) -> None:
        """Writes the model and what is needed to go on."""
        notes = {
            "step": self.step,
            "training": dataclasses.asdict(self.config),
            "validation": checked,
            "time": time.time(),
        }
        self.model.save(self.folder, notes)
        partial = self.folder / "state.partial"
        torch.save(
            {
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "generator": self.generator.get_state(),
            },
            partial,
        )
        partial.rename(self.folder / "state.pt")

    def _resume(self) -> None:
        state = self.folder / "state.pt"
        if not state.exists():
            torch.manual_seed(self.config.seed)
            return
        if json.loads((self.folder / "config.json").read_text())["model"] != json.loads(
            json.dumps(dataclasses.asdict(self.model.config))
        ):
            raise ValueError(
                f"{self.folder}: holds a model of another configuration; use another folder or remove it"
            )
        kept = torch.load(state, weights_only=True)
        self.model.load_state_dict(TokenModel.load(self.folder).state_dict())
        self.optimiser.load_state_dict(kept["optimiser"])
        self.step = kept["step"]
        self.generator.set_state(kept["generator"])


def _words(data: GraspData, part_names: tuple[str, ...]) -> torch.Tensor:
    """(N, 2) index of the held part and of the manner of each grasp."""
    part = {name: index for index, name in enumerate(part_names)}
    manner = {name: index for index, name in enumerate(MANNERS)}
    return torch.tensor([(part[grasp.part], manner[grasp.manner]) for grasp in data.grasps])


@torch.no_grad()
def validate(model: TokenModel, hand: HandModel, data: GraspData, points: int) -> dict[str, float]:
    """Mean MPVPE in mm after each level, `mm1` to `mmL`, over all grasps of a split."""
    poses = data.poses()
    thing = encode_clouds(model, data.clouds[:, :points])
    errors: list[torch.Tensor] = []
    for index, rows in enumerate(data.rows()):
        result = model.tokenizer(poses.select(rows), thing.repeat(torch.tensor([index])))
        errors.append(
            torch.stack([vertex_error_mm(hand, poses.select(rows), level) for level in result.poses])
        )
    mean = torch.cat(errors, dim=1).mean(dim=1)
    return {f"mm{level + 1}": float(value) for level, value in enumerate(mean)}


@torch.no_grad()
def encode_clouds(model: TokenModel, clouds: torch.Tensor, batch: int = 16) -> ObjectTokens:
    """Tokens of clouds (O, N, 6 or more): points and normals in the first six columns."""
    seen = [
        model.see(clouds[low : low + batch, :, :3], clouds[low : low + batch, :, 3:6])
        for low in range(0, len(clouds), batch)
    ]
    return ObjectTokens(torch.cat([one.tokens for one in seen]), torch.cat([one.size for one in seen]))
