"""The last part: an object is shown that was never trained on, and the robot is asked to pick it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from semantic_grasping.action import GraspObject
from tqdm import tqdm

from demo.operator import Operator
from examination.attempts import Examination
from grasp_node_kit.images import image_to_rgb


@dataclass
class Pick:
    """What was asked for and what came of it.

    Attributes:
        wanted: name of the object that was shown, known to the experimenter only.
        lifted: name of what was held at the end, or None.
        first_lifted: name of what the first attempt lifted, or None.
        goal, scene: (H, W, 3) uint8.
        heatmap: (H, W) float32, with its peak (column, row) and score, before the first attempt.
        held: (H, W, 3) uint8 of the last attempt, or None.
        reward: of the last attempt.
        accepted: whether the robot took it for the right one.
        attempts: made.
        message: the action's own words.
        overviews: (simulated time [s], picture) of the whole cell during the pick.
    """

    wanted: str
    lifted: str | None
    first_lifted: str | None
    goal: np.ndarray
    scene: np.ndarray
    heatmap: np.ndarray
    peak: tuple[int, int]
    peak_score: float
    held: np.ndarray | None
    reward: float
    accepted: bool
    attempts: int
    message: str
    overviews: list[tuple[float, np.ndarray]]


def ask(operator: Operator, examination: Examination, picks: int, seed: int) -> list[Pick]:
    """Shows objects that lie in the bin, one after the other, each in a scene of its own."""
    rng = np.random.default_rng(seed)
    known = set(examination.labels.tolist())
    done = []
    for _ in tqdm(range(picks), desc="this one, please", unit="pick", mininterval=2.0):
        wanted = None
        while wanted is None:
            operator.new_scene()
            here = [name for name in operator.ground_truths[-1]["objects"] if name in known]
            wanted = str(rng.choice(here)) if here else None
        earlier = int(np.flatnonzero(examination.labels == wanted)[0])
        shown = examination.attempts[earlier].experience.held
        done.append(_pick(operator, wanted, shown))
    return done


def _pick(operator: Operator, wanted: str, shown: list[np.ndarray]) -> Pick:
    operator.heatmap_infos, operator.overviews = [], []
    goal = operator.show_goal(shown, label="the object that was shown")
    info = operator.wait_for(
        lambda: next((i for i in operator.heatmap_infos if i.goal_id == goal.goal_id), None),
        20.0,
        "heatmap of the goal",
    )
    stamp = (info.header.stamp.sec, info.header.stamp.nanosec)
    heatmap = (
        operator.wait_for(lambda: operator.heatmaps.get(stamp), 5.0, "heatmap image")
        if stamp not in operator.heatmaps
        else operator.heatmaps[stamp]
    )
    scene = operator.scenes[stamp] if stamp in operator.scenes else next(reversed(operator.scenes.values()))
    operator.ground_truths = operator.ground_truths[-1:]
    result = operator.grasp(goal.goal_id, max_attempts=3, on_feedback=lambda _: None, timeout_s=120.0)
    held_names = _changes([truth["held"] for truth in operator.ground_truths])
    experience = operator.experiences.get(result.experience_id)
    held = image_to_rgb(experience.held[0]) if experience is not None and experience.held else None
    return Pick(
        wanted=wanted,
        lifted=held_names[-1] if held is not None and held_names else None,
        first_lifted=held_names[0] if held_names else None,
        goal=shown[0],
        scene=scene,
        heatmap=heatmap,
        peak=(info.peak_u, info.peak_v),
        peak_score=info.peak_score,
        held=held,
        reward=result.reward,
        accepted=result.outcome == GraspObject.Result.OK,
        attempts=result.attempts,
        message=result.message,
        overviews=operator.overviews,
    )


def _changes(held: list[str | None]) -> list[str]:
    """The objects that were held, one after the other."""
    names = []
    before = None
    for name in held:
        if name is not None and name != before:
            names.append(name)
        before = name
    return names
