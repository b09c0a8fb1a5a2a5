"""Learning headings: turned, tilted, noisy, cut clouds, and targets that know symmetry."""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from semgrasp_ros.core.objects.frame import BIN_RAD, BINS, HeadingEstimator, turned
from semgrasp_ros.core.objects.frame_data import (
    STEPS,
    VIEWS,
    HeadingExamples,
    instances_of,
    load_examples,
    mirror_keeps_heading,
)

# A heading is as good as right when the object comes to lie on itself within this.
SAME_M = 0.003
log = logging.getLogger(__name__)


@dataclass
class FrameTrainingConfig:
    """How headings are learned."""

    steps: int = field(default=1500, metadata={"help": "optimiser steps", "minimum": 1})
    batch: int = field(default=64, metadata={"help": "clouds a step", "minimum": 1})
    rate: float = field(default=2e-3, metadata={"help": "highest learning rate"})
    whole: float = field(default=0.25, metadata={"help": "share of clouds of the whole surface"})
    tilt_rad: float = field(default=0.035, metadata={"help": "standard deviation of up, each way"})
    noise_m: float = field(default=0.002, metadata={"help": "most noise, standard deviation"})
    cut_m: float = field(default=0.008, metadata={"help": "most that is missing above the table"})
    scale: float = field(default=0.2, metadata={"help": "most that sizes are off, as a share"})
    stretch: float = field(default=0.2, metadata={"help": "most that one extent is off besides, as a share"})
    seed: int = field(default=0, metadata={"help": "of everything random"})


def heading_targets(
    misfit_m: torch.Tensor, heading_rad: torch.Tensor, same_m: float = SAME_M
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the network should answer for objects that have a heading.

    Args:
        misfit_m: (B, STEPS) from `self_misfit`.
        heading_rad: (B,) the true headings.
        same_m: misfit within which headings are as good as one another.

    Returns:
        Probabilities (B, BINS), flat where the object is round and with several modes where it is symmetric; residuals
        (B, BINS) in radians to the nearest heading that fits best; and their weights (B, BINS), zero where residuals do
        not matter.
    """
    step = 2 * torch.pi / STEPS
    bins = torch.arange(BINS, device=heading_rad.device) * BIN_RAD
    place = torch.remainder(bins - heading_rad[:, None], 2 * torch.pi) / step
    low = place.floor()
    share = place - low
    low = low.long() % STEPS
    there = misfit_m.gather(1, low) * (1 - share) + misfit_m.gather(1, (low + 1) % STEPS) * share
    probability = (-0.5 * (there / same_m).square()).softmax(dim=1)
    # The steps of the misfit that are within about a bin of each bin, and the best of these.
    reach = torch.arange(-1, 3, device=heading_rad.device)
    near = misfit_m[:, None].expand(-1, BINS, -1).gather(2, (low[..., None] + reach) % STEPS)
    away = (reach - share[..., None]) * step
    best = (near + 1e-6 * away.abs()).argmin(dim=2, keepdim=True)
    residual = away.gather(2, best)[..., 0].clamp(-BIN_RAD, BIN_RAD)
    matters = ((near.amax(dim=2) - near.amin(dim=2)) / same_m).clamp_max(1.0)
    return probability, residual, probability * matters


@dataclass(frozen=True)
class HeadingBatch:
    """Clouds (B, N, 3) with normals as a robot could get them, their headings (B,) and misfits (B, STEPS)."""

    points: torch.Tensor
    normals: torch.Tensor
    heading_rad: torch.Tensor
    misfit_m: torch.Tensor


def robot_clouds(
    clouds: torch.Tensor,
    misfit_m: torch.Tensor,
    mirrors: torch.Tensor,
    config: FrameTrainingConfig,
    generator: torch.Generator,
) -> HeadingBatch:
    """Clouds as a robot could meet them: turned, tilted, noisy, some mirrored, some cut off below.

    Args:
        clouds: (B, N, 6) in the canonical heading: points in metres and normals.
        misfit_m: (B, STEPS) of their objects.
        mirrors: (B,) bool: whose mirror image has the same heading.
        config: how much of everything.
        generator: source of chance.
    """

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    count = len(clouds)
    points, normals = clouds[..., :3].float(), clouds[..., 3:].float()
    # A mirrored mug is a mug: its handle is at the same heading, errors have the other sign.
    mirrored = mirrors & (uniform(count) < 0.5)
    sign = torch.ones(count, 1, 3)
    sign[mirrored, :, 1] = -1
    points, normals = points * sign, normals * sign
    backwards = torch.remainder(-torch.arange(STEPS), STEPS)
    misfit_m = torch.where(mirrored[:, None], misfit_m[:, backwards], misfit_m)
    size = 1 + config.scale * (2 * uniform(count, 1, 1) - 1)
    stretch = 1 + config.stretch * (2 * uniform(count, 1, 3) - 1) * torch.tensor([0.0, 1.0, 1.0])
    # Stretched sideways a can is no longer round, which its misfit would not know: only upward then.
    stretch[..., 1] = torch.where(_one_heading(misfit_m)[:, None], stretch[..., 1], 1.0)
    points = points * size * stretch
    normals = nn.functional.normalize(normals / stretch, dim=2)
    heading = 2 * torch.pi * uniform(count)
    points, normals = turned(points, heading), turned(normals, heading)
    tilt = _tilts(config.tilt_rad * normal(count, 2))
    points, normals = points @ tilt.transpose(1, 2), normals @ tilt.transpose(1, 2)
    kept = _kept(points, config.cut_m * uniform(count) * (uniform(count) < 0.4), generator)
    points, normals = (values.gather(1, kept[..., None].expand(-1, -1, 3)) for values in (points, normals))
    noisy = points + config.noise_m * uniform(count, 1, 1) * normal(*points.shape)
    return HeadingBatch(noisy, _guessed(normals, uniform(count)), heading, misfit_m * size[:, 0])


def _one_heading(misfit_m: torch.Tensor) -> torch.Tensor:
    """(B,) bool: whether nothing but the true heading, give or take a bin or two, fits."""
    return misfit_m[:, 4:-3].amin(dim=1) > SAME_M


def _tilts(tilt_rad: torch.Tensor) -> torch.Tensor:
    """Rotations (B, 3, 3) about horizontal axes by small angles (B, 2)."""
    vectors = torch.cat([tilt_rad, torch.zeros(len(tilt_rad), 1)], dim=1)
    return torch.linalg.matrix_exp(torch.linalg.cross(vectors[:, None], torch.eye(3)[None], dim=2).mT)


def _kept(points: torch.Tensor, cut_m: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Which points (B, M) are seen: none lower than the cut, some number of the others, by chance."""
    count = points.shape[1]
    height = points[..., 2] - points[..., 2].amin(dim=1, keepdim=True)
    lost = height < cut_m[:, None]
    # A plate is lower than the cut and seen none the less.
    lost &= lost.float().mean(dim=1, keepdim=True) < 0.5
    order = (lost + torch.rand(lost.shape, generator=generator)).argsort(dim=1)
    wanted = int(torch.randint(count // 2, count + 1, (), generator=generator))
    left = (~lost).sum(dim=1, keepdim=True)
    return order.gather(1, torch.arange(wanted) % left)


def _guessed(normals: torch.Tensor, chance: torch.Tensor) -> torch.Tensor:
    """Normals as they come: some all turned to a camera above, since none knew the viewpoint, some missing."""
    up = torch.where(normals[..., 2:] < 0, -normals, normals)
    chance = chance[:, None, None]
    return torch.where(chance < 0.25, up, normals) * (chance < 0.93)


class FrameTrainer:
    """Trains a heading estimator; goes on after a break."""

    def __init__(
        self,
        model: HeadingEstimator,
        train: HeadingExamples,
        validation: HeadingExamples,
        config: FrameTrainingConfig,
        folder: str | Path,
    ) -> None:
        self.model, self.config, self.folder = model, config, Path(folder)
        self.clouds, self.misfit = torch.from_numpy(train.clouds), torch.from_numpy(train.misfit_m)
        self.mirrors = torch.tensor([mirror_keeps_heading(clouds[0, :, :3]) for clouds in train.clouds])
        self.validation = validation
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=config.rate, weight_decay=0.02)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, config.rate, total_steps=config.steps + 1, pct_start=0.1
        )
        self.generator = torch.Generator().manual_seed(config.seed)
        self.step = 0
        self._resume()

    def run(self, every: int = 250) -> dict[str, float]:
        """Trains to the end and saves; returns what the validation says."""
        began_s, losses = time.monotonic(), []
        self.model.train()
        while self.step < self.config.steps:
            losses.append(self.one_step())
            if self.step % every == 0:
                share = self.check()
                spent_s = time.monotonic() - began_s
                log.info("step %d: loss %.3f, %s (%.0f s)", self.step, np.mean(losses), share, spent_s)
                losses = []
                self._save(share)
        checked = self.check()
        self._save(checked)
        self.model.eval()
        return checked

    def one_step(self) -> float:
        """One batch; returns its loss."""
        config = self.config
        index = torch.randint(len(self.clouds), (config.batch,), generator=self.generator)
        whole = torch.rand(config.batch, generator=self.generator) < config.whole
        view = torch.randint(1, 1 + VIEWS, (config.batch,), generator=self.generator)
        clouds = self.clouds[index, torch.where(whole, 0, view)]
        batch = robot_clouds(clouds, self.misfit[index], self.mirrors[index], config, self.generator)
        loss = heading_loss(self.model, batch)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.schedule.step()
        self.step += 1
        return float(loss.detach())

    def check(self) -> dict[str, float]:
        """Share of validation objects within 15 degrees, whole and seen from one side."""
        from semgrasp_ros.core.objects.frame_evaluation import KINDS, found_by, right_within, trials

        self.model.eval()
        result = {}
        for kind in KINDS[:2]:
            tried = trials(self.validation, kind, seed=1)
            error = found_by(self.model, tried) - tried.heading_rad
            result[kind] = round(float(right_within(tried.misfit_m, error).mean()), 4)
        self.model.train()
        return result

    def _save(self, checked: dict[str, float]) -> None:
        self.model.save(
            self.folder,
            {
                "step": self.step,
                "training": dataclasses.asdict(self.config),
                "objects": len(self.clouds),
                "validation": checked,
            },
        )
        state = {
            "step": self.step,
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
        }
        partial = self.folder / "state.partial"
        torch.save(state, partial)
        partial.rename(self.folder / "state.pt")

    def _resume(self) -> None:
        state = self.folder / "state.pt"
        if not state.exists():
            return
        notes = json.loads((self.folder / "config.json").read_text())
        ours = {"model": dataclasses.asdict(self.model.config), "training": dataclasses.asdict(self.config)}
        theirs = {"model": notes["model"], "training": notes["notes"]["training"]}
        if json.loads(json.dumps(ours)) != theirs:
            raise ValueError(
                f"{self.folder}: holds a model of another configuration; use another folder or remove it"
            )
        kept = torch.load(state, weights_only=True)
        self.model.load_state_dict(HeadingEstimator.load(self.folder).state_dict())
        self.optimiser.load_state_dict(kept["optimiser"])
        self.schedule.load_state_dict(kept["schedule"])
        self.generator.set_state(kept["generator"])
        self.step = kept["step"]


def heading_loss(model: HeadingEstimator, batch: HeadingBatch) -> torch.Tensor:
    """Cross-entropy with the soft targets, and the residuals' error in bins where it matters."""
    logits, residual = model(batch.points, batch.normals)
    probability, wanted, weight = heading_targets(batch.misfit_m, batch.heading_rad)
    # What is left of the cross-entropy when the answer is the target itself is not the network's fault.
    entropy = torch.special.entr(probability).sum(dim=1)
    surprise = -(probability * logits.log_softmax(dim=1)).sum(dim=1) - entropy
    off = nn.functional.smooth_l1_loss(residual / BIN_RAD, wanted / BIN_RAD, reduction="none", beta=0.2)
    return surprise.mean() + (off * weight).sum(dim=1).mean()


def train_frame(
    folder: str | Path, instances: int, config: FrameTrainingConfig, cache: Path | None = None
) -> dict[str, float]:
    """Makes objects of all seen families and trains; goes on after a break.

    Args:
        folder: of the model.
        instances: of each family, to learn from.
        config: how.
        cache: a folder that keeps the objects' clouds between runs.

    Returns:
        Share of validation objects within 15 degrees, by kind of cloud.

    Raises:
        ValueError: a number is out of range, or the folder holds a model of another configuration.
    """
    if instances < 1:
        raise ValueError(f"instances: {instances} is too few; use at least 1")
    if config.steps < 1 or config.batch < 1:
        raise ValueError(f"steps: {config.steps}, batch: {config.batch}; use at least 1 of both")
    train = load_examples(instances_of("train", instances), cache)
    validation = load_examples(instances_of("validation", 2), cache)
    torch.manual_seed(config.seed)
    return FrameTrainer(HeadingEstimator(), train, validation, config, folder).run()
