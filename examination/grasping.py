"""Instance grasping: a robot is shown an object and shall lift that one out of the bin (Grasp2Vec, section 5.3).

Heatmap, grasp-anything at its peak, and a look at what is held: below the threshold it is put back, the place is left
out, and the next best peak is tried.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from examination.attempts import Examination
from examination.methods import Method
from grasp2vec_ros.core import evaluation
from grasp2vec_ros.core.grasp_anything import GraspAnythingConfig, plan_grasps
from grasp2vec_ros.core.held_views import HELD_VIEWS, view_angles_rad
from grasp2vec_ros.core.results import Results
from grasp_cell.cell import Cell
from grasp_cell.collect import PLANS_TO_TRY
from grasp_cell.config import CellConfig

MOST_GRASPS = 4
NEAR_PEAK_M = 0.045
AVOID = 0.078  # radius, as a part of the image's width


@dataclass
class Trial:
    """One object that was asked for.

    Attributes:
        wanted: its name.
        grasps: how many were made.
        first: what the first grasp lifted, before any look at it.
        lifted: what was held in the end.
        accepted: whether the robot took it for the right one.
    """

    wanted: str
    grasps: int
    first: str | None
    lifted: str | None
    accepted: bool


def grasp_instances(
    config: CellConfig,
    examination: Examination,
    method: Method | None,
    threshold: float,
    trials: int,
    seed: int,
    file: Path,
    title: str,
) -> list[Trial]:
    """Asks for objects, each in a bin of its own; goes on where an interrupted run stopped.

    Args:
        config: of the cell.
        examination: earlier attempts on the same objects; goals are shown by their held views.
        method: finds and recognises; None grasps anything and takes what it gets.
        threshold: a held object at least this similar to the goal is accepted.
        trials: how many.
        seed: of scenes and choices; every method meets the same scenes.
        file: JSON lines, one per trial.
        title: for the progress bar.
    """
    done = [Trial(**json.loads(line)) for line in file.read_text().splitlines()] if file.is_file() else []
    if len(done) >= trials:
        return done[:trials]
    file.parent.mkdir(parents=True, exist_ok=True)
    cell = Cell(config)
    bar = tqdm(total=trials, initial=len(done), desc=title, unit="trial", mininterval=2.0)
    for number in range(len(done), trials):
        rng = np.random.default_rng([seed, number])
        wanted, goal_views = _fill_and_choose(cell, examination, rng)
        trial = _try(
            cell,
            wanted,
            None if method is None else (method, method.describe_held(goal_views)),
            threshold,
            rng,
        )
        with file.open("a") as lines:
            lines.write(json.dumps(asdict(trial)) + "\n")
        done.append(trial)
        bar.update()
    bar.close()
    cell.close()
    return done


def _fill_and_choose(
    cell: Cell, examination: Examination, rng: np.random.Generator
) -> tuple[str, list[np.ndarray]]:
    """Fills the bin and chooses an object in it that was held before, with the views of that time."""
    known = set(examination.labels.tolist())
    while True:
        cell.reset_scene(int(rng.integers(2**31)))
        here = [name for name in cell.ground_truth.objects() if name in known]
        if here:
            wanted = str(rng.choice(here))
            earlier = rng.choice(np.flatnonzero(examination.labels == wanted))
            return wanted, examination.attempts[int(earlier)].experience.held


def _try(cell: Cell, wanted: str, look: tuple | None, threshold: float, rng: np.random.Generator) -> Trial:
    trial = Trial(wanted, 0, None, None, False)
    wrong_places: list[tuple[int, int]] = []
    for number in range(MOST_GRASPS):
        frame, camera, peak = cell.scene_frame(), cell.scene_camera, None
        if look is not None:
            heat = look[0].heatmaps(frame.rgb, [look[1]])[0]
            peak = evaluation.peak(_without(heat, wrong_places))
        plans = plan_grasps(
            frame.depth_m,
            camera.intrinsics,
            camera.base_from_camera,
            GraspAnythingConfig(),
            rng,
            near_pixel=peak,
            near_radius_m=NEAR_PEAK_M,
        )
        trial.grasps += 1
        outcome = "empty"
        for plan in plans[:PLANS_TO_TRY]:
            outcome = cell.execute_grasp(plan.base_from_tcp, plan.opening_m).outcome
            if outcome != "unreachable":
                break
        trial.lifted = cell.ground_truth.held_object() if outcome == "ok" else None
        if number == 0:
            trial.first = trial.lifted
        if outcome == "ok":
            if look is None or _recognised(cell, look, threshold):
                trial.accepted = True
                break
            # The last one is kept: there is no further chance to do better.
            if number < MOST_GRASPS - 1:
                cell.release()
        if peak is not None:
            wrong_places.append(peak)
    return trial


def _recognised(cell: Cell, look: tuple, threshold: float) -> bool:
    views = [cell.held_frame().rgb]
    for angle in view_angles_rad(HELD_VIEWS)[1:]:
        if cell.present(angle).outcome != "ok":
            break
        views.append(cell.held_frame().rgb)
    method, goal = look
    return bool(method.similarity([method.describe_held(views)], [goal])[0, 0] >= threshold)


def _without(heat: np.ndarray, places: list[tuple[int, int]]) -> np.ndarray:
    """The heatmap, lowest around places that turned out wrong."""
    heat = heat.copy()
    rows, columns = np.mgrid[: heat.shape[0], : heat.shape[1]]
    for column, row in places:
        heat[(rows - row) ** 2 + (columns - column) ** 2 < (AVOID * heat.shape[1]) ** 2] = heat.min()
    return heat


def add_rows(trials: list[Trial], split: str, method: str, results: Results) -> None:
    """How often the right object was lifted, by the first grasp alone and in the end."""
    wanted = np.array([trial.wanted for trial in trials])
    right = np.array([trial.lifted == trial.wanted for trial in trials])
    lifted = np.array([trial.lifted is not None for trial in trials])
    first_right = np.array([trial.first == trial.wanted for trial in trials])
    first_lifted = np.array([trial.first is not None for trial in trials])
    every = np.ones(len(trials), bool)
    for metric, hits, of in (
        ("grasp_right", right, every),
        ("grasp_lifted", lifted, every),
        ("grasp_right_given_lifted", right, lifted),
        ("grasp_right_first_attempt", first_right, every),
        ("grasp_right_given_lifted_first_attempt", first_right, first_lifted),
    ):
        results.add(metric, split, method, evaluation.proportion(hits[of], wanted[of]))


def scenes_mark(config: CellConfig, seed: int) -> str:
    """Names the file of trials after the cell they were made in."""
    return f"{zlib.crc32(repr((config, seed, MOST_GRASPS, HELD_VIEWS)).encode()):08x}"
