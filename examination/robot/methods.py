"""Ways to choose a grasp: from a hand on the object, and baselines that know nothing of hands or words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from examination.robot.scenes import Seen, Trial
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.household import FAMILIES
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.pipeline import SemGrasp, SemGraspError
from semgrasp_ros.core.retarget.jaw import NoJawGraspError
from semgrasp_ros.core.retarget.jaw_antipodal import antipodal_grasps
from semgrasp_ros.core.retarget.plan import GraspCandidate, GraspPlan, PlanConfig, jaw_candidate, plan_grasp
from semgrasp_ros.core.retarget.robot_file import ParallelGripper, Robot
from semgrasp_ros.core.retarget.robot_grasp import HumanHand, RobotGrasper, obstacles_of

DRAWN = 16
# A jaw holds what one hand suggests; a robot's hand is weak, and chooses among more.
KEPT_FOR_JAW, KEPT_FOR_HAND = 4, 8


class Method(Protocol):
    """Chooses and plans a grasp.

    Attributes:
        name: in tables.
    """

    name: str

    def plan(self, trial: Trial, seen: Seen) -> tuple[GraspPlan, HumanHand | None]:
        """The motion, or why there is none, and the hand that it keeps to."""
        ...


class HandSource(Protocol):
    """Human hands for a request."""

    def hands(self, trial: Trial, seen: Seen, part: str, keep: int) -> list[HumanHand]:
        """At most `keep` hands that hold a part, best first, in the base frame; none where there is none."""
        ...


class ModelHands:
    """Hands that SemGrasp generates from the words and the seen points.

    Args:
        folder: of the models, "shipped" for those of the package.
    """

    def __init__(self, folder: str) -> None:
        self._model = SemGrasp.load(folder)
        self.version = self._model.version

    def hands(self, trial: Trial, seen: Seen, part: str, keep: int) -> list[HumanHand]:
        """The words are the request's own; another part than the asked-for one is asked for in plain words."""
        words = trial.turns if part == trial.asked else _plain_words(trial, part)
        try:
            found = self._model.generate(
                seen.scene.points, seen.scene.normals, words, candidates=DRAWN, keep=keep, seed=trial.seed % 2**31
            )  # fmt: skip
        except SemGraspError:
            return []
        regions = self._model.hand.regions.numpy()
        return [HumanHand(each.vertices, regions, each.keypoints, each.part) for each in found]


class GeneratedHands:
    """The data's own grasps of the object at its true pose: an oracle in place of the model.

    Args:
        folder: of generated grasps.
    """

    version = ""

    def __init__(self, folder: Path) -> None:
        self._folder, self._hand = GraspFolder(folder), load_hand()

    def hands(self, trial: Trial, seen: Seen, part: str, keep: int) -> list[HumanHand]:
        """The asked-for grasp first, then others of the part by chance."""
        meant = trial.meant
        known = [g for g in self._folder.read(meant.family, meant.instance) if g.part == part]
        order = np.random.default_rng(trial.seed).permutation(len(known))
        grasps = [known[row] for row in order]
        if part == trial.asked:
            grasps = [meant, *(g for g in grasps if not np.array_equal(g.wrist, meant.wrist))]
        return [self._placed(grasp, seen.true_pose) for grasp in grasps[:keep]]

    def _placed(self, grasp: Grasp, pose: np.ndarray) -> HumanHand:
        wrist = torch.from_numpy((pose @ grasp.wrist).astype(np.float32))[None]
        rest = (
            torch.from_numpy(np.asarray(a, np.float32))[None] for a in (grasp.joint_rotations, grasp.shape)
        )
        with torch.no_grad():
            surface = self._hand(wrist, *rest)
        return HumanHand(
            surface.vertices[0].numpy(), self._hand.regions.numpy(), surface.keypoints[0].numpy()
        )


def _plain_words(trial: Trial, part: str) -> str:
    family = FAMILIES[trial.thing.family]
    return f"Pick up the {family.names[0]} by the {family.parts[part][0]}."


class FromHands:
    """A hand, retargeted and planned.

    Args:
        name: in tables.
        robot: that grasps.
        source: of hands.
        random_part: asks for any part that people hold, whatever was asked for.
    """

    def __init__(self, name: str, robot: Robot, source: HandSource, random_part: bool = False) -> None:
        self.name, self._source, self._random = name, source, random_part
        self._grasper = RobotGrasper(robot)
        jaw = isinstance(robot.gripper, ParallelGripper)
        self._keep = KEPT_FOR_JAW if jaw else KEPT_FOR_HAND

    def plan(self, trial: Trial, seen: Seen) -> tuple[GraspPlan, HumanHand | None]:
        """See `Method`."""
        part = _any_part(trial) if self._random else trial.asked
        hands = self._source.hands(trial, seen, part, self._keep)
        if not hands:
            return GraspPlan("no hand"), None
        found = self._grasper.grasps(hands, seen.scene, seen.q_now)[0]
        return found.plan, hands[found.hand]


def _any_part(trial: Trial) -> str:
    names = {part.name for part in trial.thing.parts}
    held = sorted({hold.part for hold in FAMILIES[trial.thing.family].holds} & names)
    return str(np.random.default_rng(trial.seed).choice(held))


class Antipodal:
    """Opposite points anywhere on the seen cloud."""

    name = "antipodal"

    def __init__(self, robot: Robot) -> None:
        self._robot = robot

    def plan(self, trial: Trial, seen: Seen) -> tuple[GraspPlan, HumanHand | None]:
        """See `Method`."""
        scene = seen.scene
        try:
            grasps = antipodal_grasps(
                scene.points, scene.normals, self._robot.gripper, obstacles=scene.neighbours, plane=_plane(seen),
                seed=trial.seed,
            )  # fmt: skip
        except NoJawGraspError as error:
            return GraspPlan(str(error)), None
        candidates = [jaw_candidate(grasp, self._robot.gripper, np.eye(4)) for grasp in grasps]
        return plan_grasp(self._robot, candidates, obstacles_of(scene), seen.q_now, PlanConfig()), None


class TopDown:
    """From straight above, across the seen points' narrow side, near their middle first."""

    name = "top_down"
    deep_m, slice_m, clearance_m, above_table_m = 0.03, 0.01, 0.01, 0.004

    def __init__(self, robot: Robot) -> None:
        self._robot = robot

    def plan(self, trial: Trial, seen: Seen) -> tuple[GraspPlan, HumanHand | None]:
        """See `Method`."""
        candidates = self._candidates(seen)
        if not candidates:
            return GraspPlan("too wide: everywhere"), None
        return plan_grasp(self._robot, candidates, obstacles_of(seen.scene), seen.q_now, PlanConfig()), None

    def _candidates(self, seen: Seen) -> list[GraspCandidate]:
        gripper, points = self._robot.gripper, seen.scene.points
        middle = points[:, :2].mean(axis=0)
        _, axes = np.linalg.eigh(np.cov((points[:, :2] - middle).T))
        across, along = (points[:, :2] - middle) @ axes.T[0], (points[:, :2] - middle) @ axes.T[1]
        floor = -np.inf if seen.scene.table_z_m is None else seen.scene.table_z_m + self.above_table_m
        found = []
        for offset in sorted(np.linspace(0.9 * along.min(), 0.9 * along.max(), 15), key=abs):
            near = np.abs(along - offset) < self.slice_m
            if not near.any():
                continue
            low, high = across[near].min(), across[near].max()
            if high - low + self.clearance_m > gripper.opening_max_m:
                continue
            tool = np.diag([1.0, -1.0, -1.0, 1.0])
            tool[:2, 0] = axes.T[0]
            tool[:3, 1] = np.cross(tool[:3, 2], tool[:3, 0])
            tip = max(points[near, 2].max() - self.deep_m, floor)
            tool[:2, 3] = middle + offset * axes.T[1] + (low + high) / 2 * axes.T[0]
            tool[2, 3] = tip + gripper.beyond_tool_m
            count = len(gripper.joints)
            found.append(
                GraspCandidate(
                    tool, np.full(count, gripper.opening_max_m / 2), np.full(count, gripper.opening_min_m / 2),
                    float(high - low), half_turns=True,
                )
            )  # fmt: skip
        return found


def _plane(seen: Seen) -> np.ndarray | None:
    table = seen.scene.table_z_m
    return None if table is None else np.array([0, 0, 1.0, -table])


def make_methods(robot: Robot, source: HandSource, ours: str, wanted: Sequence[str]) -> list[Method]:
    """Those of METHODS that are wanted and that the robot can do; the first is named `ours`."""
    made: list[Method] = [FromHands(ours, robot, source)]
    if "random_part" in wanted:
        made.append(FromHands("random_part", robot, source, random_part=True))
    if isinstance(robot.gripper, ParallelGripper):
        made += [method(robot) for method in (TopDown, Antipodal) if method.name in wanted]
    return made


BASELINES = ("random_part", "top_down", "antipodal")
