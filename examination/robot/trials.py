"""Runs trials, keeps what was measured, and adds the rows."""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
from tqdm import tqdm

from examination.robot.methods import Method
from examination.robot.pictures import Strip
from examination.robot.scenes import CloudError, Trial, look, set_up
from examination.semgrasp.kept import Kept
from grasp2vec_ros.core.results import Results
from grasp_cell.arm_cell import ArmCell
from grasp_cell.arm_score import Outcome, judge, no_motion
from semgrasp_ros.core.metrics.intervals import mean_by_object


def run_trials(
    cell: ArmCell,
    trials: Sequence[Trial],
    methods: Sequence[Method],
    kept: Kept,
    pictures: Path | None = None,
) -> None:
    """Does what is missing, every method in the same scenes.

    Args:
        cell: with its robot.
        trials: in order.
        methods: that grasp.
        kept: what was measured.
        pictures: folder for a strip of pictures of each trial; None: none.
    """
    todo = [(trial, method) for trial in trials for method in methods if _key(trial, method) not in kept]
    bar = tqdm(
        total=len(trials) * len(methods), initial=len(trials) * len(methods) - len(todo), unit="trial", mininterval=2.0
    )  # fmt: skip
    for trial, method in todo:
        entry = _one(cell, trial, method, pictures)
        kept.add(_key(trial, method), entry)
        bar.set_postfix_str(f"{method.name}: {entry['reason'] or 'held'}"[:60])
        bar.update()
    bar.close()


def _key(trial: Trial, method: Method) -> str:
    return f"{method.name}/{trial.key}"


def _one(cell: ArmCell, trial: Trial, method: Method, pictures: Path | None) -> dict:
    set_up(cell, trial)
    strip = Strip(cell) if pictures is not None else None
    numbers: dict[str, float] = {}
    try:
        seen = look(cell)
    except CloudError as error:
        outcome = no_motion(f"not seen: {str(error).partition(':')[2].strip().partition(':')[0]}")
    else:
        plan, hand = method.plan(trial, seen)
        if strip:
            strip.before(seen, hand)
        if plan.succeeded:
            log = cell.execute(plan.phases, strip.after if strip else None)
            outcome = judge(log, trial.thing, trial.asked, cell.config)
            numbers = plan.numbers
        else:
            outcome = no_motion(f"no motion: {short(plan.reason)}")
    if strip:
        strip.write(picture_of(pictures, trial, method.name), _caption(trial, outcome))
    return {
        **dataclasses.asdict(outcome),
        "family": trial.thing.family,
        "instance": trial.thing.instance,
        "asked": trial.asked,
        "words": trial.turns[-1][1],
        "others": [f"{thing.family} {thing.instance}" for thing in trial.others],
        "numbers": {name: float(value) for name, value in numbers.items()},
    }


def picture_of(folder: Path, trial: Trial, method: str) -> Path:
    """Where the strip of pictures of a trial is."""
    mark = f"{crc32(trial.key.encode()):08x}"
    return folder / f"{method}-{trial.thing.family}-{trial.thing.instance}-{mark}.jpg"


def _caption(trial: Trial, outcome: Outcome) -> str:
    result = outcome.reason or "held"
    return f"{trial.thing.family}, by the {trial.asked}: {result} (pressed {outcome.part or 'nothing'})"


def short(reason: str) -> str:
    """Without numbers and lists, so that equal reasons are counted together."""
    if reason.startswith("none of "):
        most = reason.partition("of the others ")[2].partition(",")[0]
        return f"no feasible pose, most {most.partition(' ')[2]}"
    if reason.startswith("too wide"):
        return "too wide"
    return re.sub(r" after -?\d+ mm", "", reason.partition(";")[0].partition(" (")[0])


def add_rows(
    trials: Sequence[Trial], methods: Sequence[str], kept: Kept, split: str, results: Results
) -> dict[str, dict[str, int]]:
    """Adds shares with intervals for every method; returns the reasons of failure, counted.

    Metrics: `lift` lifted and held while the arm shook; `lift_before_shaking`; `part` pressed the asked-for part;
    `lift_and_part`.
    """
    reasons = {}
    for method in methods:
        keys = [(trial, f"{method}/{trial.key}") for trial in trials]
        done = [(trial, kept[key]) for trial, key in keys if key in kept]
        if not done:
            continue
        owners = [(trial.thing.family, trial.thing.instance) for trial, _ in done]
        held = np.array([entry["held"] for _, entry in done])
        part = np.array([entry["on_part"] for _, entry in done])
        metrics = {
            "lift": held,
            "part": part,
            "lift_and_part": held & part,
            "lift_before_shaking": np.array([entry["lifted"] for _, entry in done]),
        }
        for metric, values in metrics.items():
            results.add(metric, split, method, mean_by_object(values, owners))
        reasons[method] = dict(Counter(e["reason"] for _, e in done if e["reason"]).most_common())
    return reasons
