"""Learning to read requests and to tell parts apart; goes on where it was interrupted."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from tqdm import tqdm

from semgrasp_ros.core.data.captions import KINDS, Caption
from semgrasp_ros.core.data.captions.annotation import Annotation
from semgrasp_ros.core.data.dataset import CLOUD_POINTS, VIEW_POINTS, GraspData
from semgrasp_ros.core.data.household import MADE_UP
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.data.requests import parts_of, say
from semgrasp_ros.core.grounding.askable import askable, with_touches
from semgrasp_ros.core.grounding.mixing import mixed, transplanted
from semgrasp_ros.core.grounding.model import SEEN_POINTS, TOKENIZER, Grounding
from semgrasp_ros.core.grounding.reader import padded
from semgrasp_ros.core.language.vocabulary import Vocabulary, train_vocabulary
from semgrasp_ros.core.objects.frame import turned

STATE = "state.pt"
# Of each cloud, in training; clouds are in random order.
ASKED_POINTS = 256
# Requests of about the same length that are read at once.
ALIKE = 32
REQUESTS = tuple(kind for kind in KINDS if kind != "describe")


@dataclass
class GroundingTrainingConfig:
    """How reading and segmentation are learned."""

    reader_steps: int = field(default=10000, metadata={"help": "optimiser steps", "minimum": 1})
    reader_batch: int = field(default=128, metadata={"help": "requests a step", "minimum": 1})
    word_dropout: float = field(default=0.08, metadata={"help": "share of words left out"})
    segmentation_steps: int = field(default=8000, metadata={"help": "optimiser steps", "minimum": 1})
    segmentation_batch: int = field(default=24, metadata={"help": "clouds a step", "minimum": 1})
    whole: float = field(default=0.35, metadata={"help": "share of clouds of the whole surface"})
    # More than headings are: what a part is called should not hang on where the thing points.
    astray: float = field(default=0.4, metadata={"help": "share whose heading was found altogether wrong"})
    heading_rad: float = field(default=0.12, metadata={"help": "standard deviation of the others' heading"})
    transplanted: float = field(
        default=0.5, metadata={"help": "share of clouds that get a part of another in place of their own"}
    )
    named: float = field(default=0.6, metadata={"help": "share of clouds of which a part is named"})
    noise_m: float = field(default=0.002, metadata={"help": "most noise, standard deviation"})
    scale: float = field(default=0.3, metadata={"help": "most that each extent is off, as a share"})
    rate: float = field(default=1e-3, metadata={"help": "highest learning rate"})
    weight_decay: float = field(default=0.05, metadata={"help": "of AdamW"})
    bfloat16: bool = field(default=True, metadata={"help": "multiply clouds' numbers in bfloat16"})
    seed: int = field(default=0, metadata={"help": "of everything random"})


class Loop:
    """Steps of one of the two networks.

    Args:
        network: trained in place.
        loss: tells the loss of a step, whose chance comes from the generator alone.
        steps: how many.
        config: rate, decay and seed.
        file: keeps the state between runs.
        name: for the progress bar.
    """

    def __init__(
        self,
        network: nn.Module,
        loss: Callable[[np.random.Generator], torch.Tensor],
        steps: int,
        config: GroundingTrainingConfig,
        file: Path,
        name: str,
    ) -> None:
        self.network, self.loss, self.steps = network, loss, steps
        self.seed, self.file, self.name = config.seed, file, name
        self.optimiser = torch.optim.AdamW(
            network.parameters(), config.rate, (0.9, 0.98), weight_decay=config.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, config.rate, total_steps=steps + 1, pct_start=0.06
        )
        self.step = 0
        self._resume(json.loads(json.dumps(dataclasses.asdict(config))))

    def run(self, save_every: int = 250) -> None:
        """Trains to the end."""
        self.network.train()
        progress = tqdm(total=self.steps, initial=self.step, unit="step", desc=self.name)
        shown = 0.0
        while self.step < self.steps:
            torch.manual_seed(self.seed * 1_000_003 + self.step)
            loss = self.loss(np.random.default_rng([self.seed, self.step]))
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimiser.step()
            self.schedule.step()
            self.step += 1
            now = float(loss.detach())
            shown = now if shown == 0.0 else 0.98 * shown + 0.02 * now
            progress.update(1)
            progress.set_postfix(loss=f"{shown:.3f}", refresh=False)
            if self.step % save_every == 0 or self.step == self.steps:
                self._save()
        progress.close()
        self.network.eval()

    def _save(self) -> None:
        partial = self.file.with_name(self.file.name + ".partial")
        state = {
            "config": self._config,
            "step": self.step,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        self.file.parent.mkdir(parents=True, exist_ok=True)
        torch.save(state, partial)
        partial.rename(self.file)

    def _resume(self, config: dict[str, object]) -> None:
        self._config = config
        if not self.file.exists():
            return
        state = torch.load(self.file, weights_only=True)
        if state["config"] != config:
            raise ValueError(
                f"{self.file}: was made with another configuration; use another folder or remove it"
            )
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.step = state["step"]


def train_grounding(
    train: GraspData,
    validation: GraspData,
    names: tuple[str, ...],
    config: GroundingTrainingConfig,
    folder: Path,
) -> dict[str, float]:
    """Trains both networks and saves them together.

    Args:
        train: clouds with parts, and their families; no grasp is looked at.
        validation: of other objects.
        names: W part names, as the clouds count them.
        config: how.
        folder: gets the model, and the state of what is interrupted.

    Returns:
        What the validation objects say, see `check`.

    Raises:
        ValueError: the folder holds a run of another configuration.
    """
    folder = Path(folder)
    asked = requests_of(train)
    torch.manual_seed(config.seed)
    model = Grounding(names, _vocabulary(asked, config.seed, folder / TOKENIZER))
    reader, segmentation = model.reader, model.segmentation
    Loop(
        reader, lambda rng: reading_loss(model, asked, config, rng),
        config.reader_steps, config, folder / f"reader-{STATE}", "reader",
    ).run()  # fmt: skip
    Loop(
        segmentation, lambda rng: segmentation_loss(model, train, config, rng),
        config.segmentation_steps, config, folder / f"segmentation-{STATE}", "segmentation",
    ).run()  # fmt: skip
    model.eval()
    checked = check(model, validation, config.seed)
    notes = {
        "training": dataclasses.asdict(config),
        "objects": len(train.objects),
        "made_up": sum(family == MADE_UP for family, _ in train.objects),
        "families": len({family for family, _ in train.objects} - {MADE_UP}),
        "validation": checked,
    }
    model.save(folder, notes)
    return checked


def requests_of(data: GraspData) -> list[list[Annotation]]:
    """What can be asked for of each object; what nobody holds and what does not exist is left out."""
    asked = [
        askable(family, parts_of(data, thing))
        for thing, (family, _) in enumerate(data.objects)
        if family != MADE_UP
    ]
    return [annotations for annotations in asked if annotations]


def _drawn(asked: list[list[Annotation]], rng: np.random.Generator) -> Annotation:
    """Any way to hold any object, each object as often as another."""
    ways = asked[int(rng.integers(len(asked)))]
    return with_touches(ways[int(rng.integers(len(ways)))], rng)


def reading_loss(
    model: Grounding,
    asked: list[list[Annotation]],
    config: GroundingTrainingConfig,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Cross-entropy of part and manner, for requests that are made up anew, half of them about mixed-up things."""
    annotations = [_drawn(asked, rng) for _ in range(config.reader_batch)]
    said = [say(mixed(one, annotations, rng), str(rng.choice(REQUESTS)), rng) for one in annotations]
    items = [_leave_out(model.reader.encode(caption.request), config.word_dropout, rng) for caption in said]
    # Read with others of about their length: padded to the longest of all, two thirds of the tokens would be padding.
    order = sorted(range(len(items)), key=lambda row: len(items[row]))
    read = [
        model.reader(padded([items[row] for row in order[first : first + ALIKE]], model.reader.vocabulary))
        for first in range(0, len(order), ALIKE)
    ]
    part, manner = (torch.cat(scores) for scores in zip(*read, strict=True))
    wanted_part, wanted_manner = _wanted(model, [annotations[row] for row in order])
    return cross_entropy(part, wanted_part) + cross_entropy(manner, wanted_manner)


def segmentation_loss(
    model: Grounding, data: GraspData, config: GroundingTrainingConfig, rng: np.random.Generator
) -> torch.Tensor:
    """Cross-entropy of the part of each point, for clouds as a robot could meet them, part of which may be named."""
    things = rng.integers(len(data.objects), size=config.segmentation_batch)
    clouds = torch.stack([_look(data, int(thing), config.whole, rng) for thing in things])
    points, normals, parts = disturbed(transplanted(clouds, config.transplanted, rng), config, rng)
    named = some_named(parts, config.named, model.segmentation.nobody, rng)
    with torch.autocast(points.device.type, torch.bfloat16, enabled=config.bfloat16):
        # The groups are seen by way of a few points; all of them would cost more and say little more.
        asked = torch.arange(ASKED_POINTS)
        said = model.segmentation(points, normals, named, asked)
    return cross_entropy(said.float().flatten(0, 1), parts[:, asked].flatten())


def some_named(parts: torch.Tensor, share: float, nobody: int, rng: np.random.Generator) -> torch.Tensor:
    """For each cloud one of its parts (B, N), small ones as often as large ones, or nobody."""
    named = [int(rng.choice(cloud.unique().numpy())) if rng.random() < share else nobody for cloud in parts]
    return torch.tensor(named)


def disturbed(
    clouds: torch.Tensor, config: GroundingTrainingConfig, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Clouds stretched, mirrored, turned and noisy, in the middle of their boxes.

    Args:
        clouds: (B, N, 7) points in metres, normals and parts.
        config: how much of everything.
        rng: source of chance.

    Returns:
        Points (B, N, 3), normals (B, N, 3) and parts (B, N).
    """
    count = len(clouds)
    stretch = rng.uniform(1 - config.scale, 1 + config.scale, (count, 1, 3))
    stretch[..., 1] *= rng.choice([-1.0, 1.0], (count, 1))
    heading = np.where(
        rng.random(count) < config.astray,
        rng.uniform(-np.pi, np.pi, count),
        rng.normal(scale=config.heading_rad, size=count),
    )
    stretch, heading = (torch.from_numpy(value).float() for value in (stretch, heading))
    points = turned(clouds[..., :3] * stretch, heading)
    normals = turned(nn.functional.normalize(clouds[..., 3:6] / stretch, dim=2), heading)
    noise = rng.uniform(0, config.noise_m, (count, 1, 1)) * rng.normal(size=points.shape)
    points = points + torch.from_numpy(noise).float()
    # Normals that were estimated without a viewpoint all look up.
    up = torch.where(normals[..., 2:] < 0, -normals, normals)
    normals = torch.where(torch.from_numpy(rng.random((count, 1, 1)) < 0.25), up, normals)
    middle = (points.amin(dim=1, keepdim=True) + points.amax(dim=1, keepdim=True)) / 2
    return points - middle, normals, clouds[..., 6].long()


@torch.no_grad()
def check(model: Grounding, data: GraspData, seed: int, requests: int = 1000) -> dict[str, float]:
    """Shares that are right, of objects that were not learned from.

    Returns:
        `part_seen`, `part_unseen`: of requests that name a part, in seen and in unseen phrasings; `manner_seen`,
        `manner_unseen`: of those that name a manner; `points_whole`, `points_view`: of points, mean over objects;
        `named_whole`, `named_view`: of the likeliest points for a part that is named, as many as it has, mean over
        parts that people hold.
    """
    result = {}
    asked = requests_of(data)
    for phrasings in ("seen", "unseen"):
        rng = np.random.default_rng([seed, 7])
        annotations = [_drawn(asked, rng) for _ in range(requests)]
        said = [_request(one, phrasings, rng) for one in annotations]
        part, manner = model.reader(
            padded([model.reader.encode(one.request) for one in said], model.reader.vocabulary)
        )
        wanted_part, wanted_manner = _wanted(model, annotations)
        for name, found, wanted in (("part", part, wanted_part), ("manner", manner, wanted_manner)):
            told = torch.tensor([name in caption.names for caption in said])
            result[f"{name}_{phrasings}"] = _share((found.argmax(dim=1) == wanted)[told])
    looks = {"whole": data.clouds[:, :SEEN_POINTS]}
    if data.views.shape[1]:
        looks["view"] = data.views[:, 0]
    for name, clouds in looks.items():
        middle = (clouds[..., :3].amin(dim=1, keepdim=True) + clouds[..., :3].amax(dim=1, keepdim=True)) / 2
        points, normals, parts = clouds[..., :3] - middle, clouds[..., 3:6], clouds[..., 6].long()
        found = [
            model.segmentation(*few).argmax(dim=2)
            for few in zip(points.split(16), normals.split(16), strict=True)
        ]
        result[f"points_{name}"] = _share(torch.cat(found) == parts)
        result[f"named_{name}"] = _named_share(model, data, points, normals, parts)
    return result


def _named_share(
    model: Grounding, data: GraspData, points: torch.Tensor, normals: torch.Tensor, parts: torch.Tensor
) -> float:
    shares = []
    for thing, (family, _) in enumerate(data.objects):
        there = [model.part_names[index] for index in parts[thing].unique().tolist()]
        held = sorted({one.part for one in askable(family, there)})
        if not held:
            continue
        named = torch.tensor([model.part_names.index(part) for part in held])
        many = points[thing].expand(len(held), -1, -1), normals[thing].expand(len(held), -1, -1)
        likely = model.segmentation(*many, named).softmax(dim=2)
        for row, part in enumerate(named.tolist()):
            true = parts[thing] == part
            best = likely[row, :, part].topk(int(true.sum())).indices
            shares.append(float(true[best].float().mean()))
    return round(float(np.mean(shares)), 4)


def _share(right: torch.Tensor) -> float:
    return round(float(right.float().mean()), 4)


def _request(annotation: Annotation, phrasings: str, rng: np.random.Generator) -> Caption:
    return say(annotation, str(rng.choice(REQUESTS)), rng, phrasings)


def _wanted(model: Grounding, annotations: Sequence[Annotation]) -> tuple[torch.Tensor, torch.Tensor]:
    manners = list(MANNERS)
    return (
        torch.tensor([model.part_names.index(one.part) for one in annotations]),
        torch.tensor([manners.index(one.manner) for one in annotations]),
    )


def _look(data: GraspData, thing: int, whole: float, rng: np.random.Generator) -> torch.Tensor:
    """SEEN_POINTS of an object (N, 7): of its whole surface, or of one view."""
    if not data.views.shape[1] or rng.random() < whole:
        return data.clouds[thing, torch.from_numpy(rng.permutation(CLOUD_POINTS)[:SEEN_POINTS])]
    view = data.views[thing, int(rng.integers(data.views.shape[1]))]
    return view[torch.from_numpy(rng.permutation(VIEW_POINTS)[:SEEN_POINTS])]


def _leave_out(ids: list[int], share: float, rng: np.random.Generator) -> list[int]:
    # The first token says who speaks.
    return [ids[0], *(token for token in ids[1:] if rng.random() >= share)]


def _vocabulary(asked: list[list[Annotation]], seed: int, file: Path) -> Vocabulary:
    """Learned once: what goes on after an interruption has the same words, though the data may have grown."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        train_vocabulary(_texts(asked, seed), codes=1).save(file)
    return Vocabulary.load(file, codes=1, lower_case=True)


def _texts(asked: list[list[Annotation]], seed: int, count: int = 20_000) -> list[str]:
    """What people say, to learn words from."""
    rng = np.random.default_rng([seed, 999])
    said = (_request(_drawn(asked, rng), "seen", rng) for _ in range(count))
    return [text for one in said for _, text in one.request]
