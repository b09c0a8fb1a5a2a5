"""The first part: the cell grasps, attempts are stored, and the embedding learns from them, all at once."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from semantic_grasping.action import CollectGrasps
from tqdm import tqdm

from demo.operator import Operator, OperatorError
from demo.stack import Stack


@dataclass
class Progress:
    """How far a run has come; kept on disk, so that an interrupted demonstration goes on where it stopped.

    Attributes:
        learned_s: seconds of collecting and learning so far.
        attempts, lifted: made so far.
        retrieval: (minutes, held-out retrieval) as the trainer reported it.
        checkpoints: minutes at which each checkpoint version appeared.
    """

    learned_s: float = 0.0
    attempts: int = 0
    lifted: int = 0
    retrieval: list[tuple[float, float]] = field(default_factory=list)
    checkpoints: dict[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Progress:
        """The progress of an interrupted run, or a fresh one."""
        return cls(**json.loads(file.read_text())) if file.is_file() else cls()

    def write(self, file: Path) -> None:
        """Keeps it."""
        temporary = file.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(self)))
        temporary.replace(file)


def learn(operator: Operator, stack: Stack, progress: Progress, file: Path, seconds: float) -> None:
    """Collects grasps while the trainer learns, until `seconds` of it are done in all."""
    began, before = time.monotonic(), progress.learned_s
    attempts, lifted = progress.attempts, progress.lifted
    bar = tqdm(
        total=round(seconds),
        initial=round(before),
        desc="grasping and learning",
        unit="s",
        bar_format="{desc}: {percentage:3.0f}%|{bar}| {n}/{total} s, {remaining} left, {postfix}",
    )
    written = 0.0

    def follow(feedback: CollectGrasps.Feedback) -> None:
        nonlocal written
        stack.check()
        progress.learned_s = before + time.monotonic() - began
        progress.attempts, progress.lifted = attempts + feedback.attempts, lifted + feedback.lifted
        _follow_training(operator, progress)
        if round(progress.learned_s) >= bar.n + (1 if sys.stderr.isatty() else 10):
            status = operator.statuses[-1][1] if operator.statuses else None
            learned = f", step {status.step}, loss {status.loss:.2f}" if status else ""
            bar.set_postfix_str(f"{progress.lifted}/{progress.attempts} lifted{learned}", refresh=False)
            bar.n = min(bar.total, round(progress.learned_s))
            bar.refresh()
        if progress.learned_s - written > 5.0:
            written = progress.learned_s
            progress.write(file)

    interruptions = 0
    while seconds - progress.learned_s > 1:
        result = operator.collect(
            attempts=0, held_views=0, duration_s=seconds - progress.learned_s, on_feedback=follow
        )
        if result.outcome in (CollectGrasps.Result.OK, CollectGrasps.Result.CANCELLED):
            break
        # As an operator would: says what was wrong and goes on, unless it happens again and again.
        interruptions += 1
        tqdm.write(f"collecting was interrupted: {result.message}")
        if interruptions > 5:
            raise OperatorError(
                f"collecting was interrupted {interruptions} times, at last by: {result.message}"
            )
        attempts, lifted = progress.attempts, progress.lifted
    progress.write(file)
    bar.close()


def _follow_training(operator: Operator, progress: Progress) -> None:
    if not operator.statuses:
        return
    status, minutes = operator.statuses[-1][1], progress.learned_s / 60
    if status.heldout_gallery >= 10 and status.heldout_retrieval == status.heldout_retrieval:
        last = progress.retrieval[-1][1] if progress.retrieval else None
        if last != status.heldout_retrieval:
            progress.retrieval.append((round(minutes, 3), float(status.heldout_retrieval)))
    if status.checkpoint_version:
        progress.checkpoints.setdefault(status.checkpoint_version, round(minutes, 3))
