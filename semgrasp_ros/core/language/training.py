"""Trains the language model: alignment first, then instruction tuning (SemGrasp, section 3.3)."""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import shutil
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import torch
from tqdm import tqdm

from semgrasp_ros.core.language.batches import Example, TokenSequence, collate, encode, leave_words_out, order
from semgrasp_ros.core.language.folder import load_weights, save_model, write_json, write_tensors
from semgrasp_ros.core.language.model import GraspLanguageModel, Sequences, mean_loss
from semgrasp_ros.core.language.vocabulary import ROLES

logger = logging.getLogger(__name__)

#: Object keys to object tokens (B, G, D) and extents (B, 3) in metres.
Features = Callable[[Sequence[Hashable]], tuple[torch.Tensor, torch.Tensor]]
#: Examples of an epoch; always equally many.
Examples = Sequence[Example] | Callable[[int], Sequence[Example]]
BAD_STEPS_IN_A_ROW = 20
_STATE, _OPTIMISER = "state.json", "optimiser.safetensors"


class NotFiniteError(RuntimeError):
    """Training went wrong: losses are no numbers any more."""


def train_language_model(
    model: GraspLanguageModel,
    examples: Examples,
    features: Features,
    folder: str | Path,
    validation: Sequence[Example] = (),
    report: Callable[[dict[str, float]], None] = lambda values: None,
) -> dict[str, float]:
    """Both stages, one after the other; goes on where it was interrupted.

    Args:
        model: trained in place.
        examples: to learn from; or a function from the epoch to its examples, for fresh captions in each.
        features: see `Features`.
        folder: gets `stage1` and `stage2` with checkpoints, and the model itself at the end.
        validation: examples to look at now and then.
        report: is told what each look found.

    Returns:
        What the last look at the validation examples found (`check`); empty without any.
    """
    checked: dict[str, float] = {}
    for stage in (1, 2):
        checked = StageTrainer(model, stage, examples, features, folder, validation).run(report) or checked
    save_model(model, folder, {"validation": checked})
    return checked


class StageTrainer:
    """One stage of training, resumable: the same steps follow as without an interruption.

    Order, dropout and left-out words depend on the seed and the step alone. Checkpoints lie in `folder/stageN`.

    Args:
        model: trained in place.
        stage: 1, alignment; 2, instruction tuning.
        examples: see `train_language_model`.
        features: see `Features`.
        folder: of the run.
        validation: examples to look at now and then.

    Raises:
        ValueError: there are no examples, or the folder holds a run of another configuration.
    """

    def __init__(
        self,
        model: GraspLanguageModel,
        stage: int,
        examples: Examples,
        features: Features,
        folder: str | Path,
        validation: Sequence[Example] = (),
    ) -> None:
        config = model.config
        self.model, self.config, self.stage = model, config, stage
        self.features = features
        self.validation = validation
        self.folder = Path(folder) / f"stage{stage}"
        self.steps = config.stage1_steps if stage == 1 else config.stage2_steps
        self.rate = config.stage1_rate if stage == 1 else config.stage2_rate
        self.parameters = model.trainable(stage)
        self.step = 0
        self.skipped = 0
        self._bad_in_a_row = 0
        self._examples = examples
        self._count = 0
        self._epoch = -1
        self._load_epoch(0)
        self.optimiser = self._make_optimiser()
        self._resume()

    def run(self, report: Callable[[dict[str, float]], None] = lambda values: None) -> dict[str, float]:
        """Trains to the end of the stage.

        Returns:
            What the last look at the validation examples found; empty without any.
        """
        progress = tqdm(
            total=self.steps, initial=self.step, unit="step", desc=f"language, stage {self.stage}"
        )
        loss, checked = math.nan, {}
        while self.step < self.steps:
            now = self.train_step()
            loss = now if math.isnan(loss) else loss if math.isnan(now) else 0.98 * loss + 0.02 * now
            progress.update(1)
            if self.step % 20 == 0:
                progress.set_postfix(loss=f"{loss:.3f}", skipped=self.skipped)
            last = self.step == self.steps
            if self.step % self.config.save_every == 0 or last:
                self.save()
            if self.validation and (self.step % self.config.check_every == 0 or last):
                checked = {
                    "stage": self.stage,
                    "step": self.step,
                    **check(self.model, self.validation, self.features),
                }
                progress.write(" ".join(f"{name} {value:.3g}" for name, value in checked.items()))
                report(checked)
        progress.close()
        self.model.eval()
        return checked

    def train_step(self) -> float:
        """One step of the optimiser.

        Returns:
            The loss of the batch; NaN when it was left out.

        Raises:
            NotFiniteError: many steps in a row had no finite gradient.
        """
        config = self.config
        epoch, place = divmod(self.step, self._batches_per_epoch)
        self._load_epoch(epoch)
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * schedule(self.step, self.steps, config.warm_up)
        indices = self._order[place]
        generator = torch.Generator().manual_seed((config.seed * 2 + self.stage) * 1_000_000_007 + self.step)
        items = [self._items[index] for index in indices]
        if config.word_dropout:
            items = [
                leave_words_out(item, config.word_dropout, self.model.vocabulary, generator) for item in items
            ]
        keys = [self._keys[index] for index in indices]
        with torch.random.fork_rng():
            torch.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
            loss = self._backward(items, keys)
        self.step += 1
        return loss

    def _backward(self, items: Sequence[TokenSequence], keys: Sequence[Hashable]) -> float:
        model = self.model.train()
        model.requires_grad_(False)
        for value in self.parameters.values():
            value.requires_grad_(True)
        with torch.autocast(model.device.type, torch.bfloat16, enabled=self.config.bf16):
            sequences, slots = make_batch(model, items, keys, self.features)
            losses, _ = model(sequences, slots)
        loss = mean_loss(losses, sequences)
        self.optimiser.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), self.config.clip)
        if bool(torch.isfinite(norm)) and bool(torch.isfinite(loss)):
            self.optimiser.step()
            self._bad_in_a_row = 0
            return float(loss.detach())
        self.skipped += 1
        self._bad_in_a_row += 1
        logger.warning("step %d of stage %d: gradient is not finite; left out", self.step, self.stage)
        if self._bad_in_a_row >= BAD_STEPS_IN_A_ROW:
            raise NotFiniteError(
                f"stage {self.stage}: {self._bad_in_a_row} steps up to {self.step + 1} had no finite gradient; the last"
                f" checkpoint in {self.folder} is good: go on with a lower rate than {self.rate:g}, or bf16 off"
            )
        return math.nan

    def save(self) -> None:
        """Writes a checkpoint; the older one goes when the new one is complete."""
        complete = self.folder / f"checkpoint-{self.step:08d}"
        if complete.exists():
            return
        partial = self.folder / "checkpoint.partial"
        shutil.rmtree(partial, ignore_errors=True)
        save_model(self.model, partial)
        moments = {
            f"{name}/{key}": value
            for name, parameter in self.parameters.items()
            for key, value in self.optimiser.state.get(parameter, {}).items()
        }
        write_tensors(partial / _OPTIMISER, moments)
        write_json(
            partial / _STATE,
            {"stage": self.stage, "step": self.step, "examples": self._count, "skipped": self.skipped},
        )
        older = self._checkpoints()
        partial.rename(complete)
        for path in older:
            shutil.rmtree(path)

    def _checkpoints(self) -> list[Path]:
        return sorted(self.folder.glob("checkpoint-[0-9]*"))

    def _resume(self) -> None:
        if not (found := self._checkpoints()):
            return
        folder = found[-1]
        state = json.loads((folder / _STATE).read_text())
        saved = json.loads((folder / "config.json").read_text())["config"]
        changed = sorted(
            name
            for name, value in dataclasses.asdict(self.config).items()
            if saved.get(name) != value and name not in ("base", "check_every", "save_every")
        )
        if changed or state["examples"] != self._count:
            what = ", ".join(changed) or f"number of examples ({state['examples']}, now {self._count})"
            raise ValueError(f"{folder}: was made with another {what}; use another folder, or remove it")
        load_weights(self.model, folder)
        self._load_moments(folder)
        self.step, self.skipped = state["step"], state["skipped"]

    def _load_moments(self, folder: Path) -> None:
        from safetensors.torch import load_file

        for name, value in load_file(folder / _OPTIMISER).items():
            parameter, _, key = name.rpartition("/")
            state = self.optimiser.state[self.parameters[parameter]]
            state[key] = value if key == "step" else value.to(self.model.device)

    def _make_optimiser(self) -> torch.optim.Optimizer:
        # Gains, offsets and embeddings are not pulled to zero.
        decayed, plain = [], []
        for name, value in self.parameters.items():
            (
                decayed if value.ndim > 1 and "embed" not in name and "new_tokens" not in name else plain
            ).append(value)
        groups = [
            {"params": decayed, "weight_decay": self.config.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.rate, betas=(0.9, 0.98))

    def _load_epoch(self, epoch: int) -> None:
        if epoch == self._epoch:
            return
        if callable(self._examples) or self._epoch < 0:
            examples = self._examples(epoch) if callable(self._examples) else self._examples
            if not len(examples):
                raise ValueError("examples: there are none to learn from")
            if self._count and len(examples) != self._count:
                raise ValueError(
                    f"examples: {len(examples)} in epoch {epoch}, {self._count} before; give equally many in each"
                )
            self._count = len(examples)
            self._items = [encode(example, self.model.vocabulary, self.config) for example in examples]
            self._keys = [example.object_key for example in examples]
        self._epoch = epoch
        self._order = order([len(item) for item in self._items], self.config.batch, self.config.seed, epoch)
        self._batches_per_epoch = len(self._order)


def make_batch(
    model: GraspLanguageModel, items: Sequence[TokenSequence], keys: Sequence[Hashable], features: Features
) -> tuple[Sequences, torch.Tensor]:
    """Sequences and the slots of their objects; an object that is there several times is projected once."""
    unique = list(dict.fromkeys(keys))
    with torch.no_grad():
        tokens, size = features(unique)
    slots = model.projector(tokens.to(model.device), size.to(model.device))
    index = {key: number for number, key in enumerate(unique)}
    rows = torch.tensor([index[key] for key in keys], device=model.device)
    sequences = collate(items, slots.shape[1], model.vocabulary, model.config.describe_weight)
    return sequences.to(model.device), slots[rows]


@torch.no_grad()
def check(
    model: GraspLanguageModel, examples: Sequence[Example], features: Features, batch: int = 64
) -> dict[str, float]:
    """How well the answers of examples are foreseen, each token after the true ones before it.

    Returns:
        `loss`; `o`, `m`, `r`: share of grasp tokens that are the likeliest; `words`: the same for descriptions.
    """
    was_training = model.training
    model.eval()
    items = [encode(example, model.vocabulary, model.config) for example in examples]
    total, hits, counts = 0.0, dict.fromkeys((*ROLES, "words"), 0), dict.fromkeys((*ROLES, "words"), 0)
    arranged = sorted(range(len(items)), key=lambda index: len(items[index]))
    for low in range(0, len(items), batch):
        rows = arranged[low : low + batch]
        sequences, slots = make_batch(
            model, [items[row] for row in rows], [examples[row].object_key for row in rows], features
        )
        losses, right = model(sequences, slots)
        total += float(
            mean_loss(losses, dataclasses.replace(sequences, weight=torch.ones_like(sequences.weight)))
        ) * len(rows)
        labels = sequences.labels[:, 1:]
        for level, role in enumerate(ROLES):
            ids = model.vocabulary.level(level)
            here = (labels >= ids.start) & (labels < ids.stop)
            hits[role] += int(right[here].sum())
            counts[role] += int(here.sum())
        here = (labels >= 0) & (labels < model.vocabulary.first_new)
        hits["words"] += int(right[here].sum())
        counts["words"] += int(here.sum())
    model.train(was_training)
    return {"loss": total / len(items)} | {name: hits[name] / counts[name] for name in hits if counts[name]}


def schedule(step: int, steps: int, warm_up: float) -> float:
    """Share of the learning rate at a step: rises linearly, then falls as a cosine to 1 %."""
    rising = max(1, round(warm_up * steps))
    if step < rising:
        return (step + 1) / rising
    share = (step - rising) / max(1, steps - rising)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
