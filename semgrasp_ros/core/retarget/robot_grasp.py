"""From human hands on an object to a motion of a robot that grasps it, whatever its gripper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from semgrasp_ros.core.part_belief import PartBelief
from semgrasp_ros.core.retarget.collision import Box, Cloud, table
from semgrasp_ros.core.retarget.hand import retarget_to_hand
from semgrasp_ros.core.retarget.hand_model import HandKinematics
from semgrasp_ros.core.retarget.hand_pinch import HandPinch
from semgrasp_ros.core.retarget.hand_wrap import HandWrap
from semgrasp_ros.core.retarget.jaw import NoJawGraspError, retarget_to_jaw
from semgrasp_ros.core.retarget.jaw_types import JawConfig, JawGrasp
from semgrasp_ros.core.retarget.plan import GraspCandidate, GraspPlan, PlanConfig, jaw_candidate, plan_grasp
from semgrasp_ros.core.retarget.robot_file import HandGripper, ParallelGripper, Robot

OBJECT, NEIGHBOURS = "object", "neighbours"
THUMB = 0
# Of each of many human hands, that differ enough among themselves. Where nothing is found, walls may be steeper to one
# another: round rubber tips hold them, though worse.
PINCHES = JawConfig(samples=500)
STEEPER_PINCHES = replace(PINCHES, friction=0.9)
# A thing that takes more room than this above the table is taken to be heavy: of such validation objects tips alone held 12
# of 48, of others 62 of 68. Fingers that curl hold twice as many of the heavy ones, and push away some of the light.
HEAVY_M3, CELL_M = 3e-4, 0.005


@dataclass(frozen=True)
class HumanHand:
    """A human right hand, in the frame of the object's points.

    Attributes:
        vertices: (V, 3) metres.
        regions: (V,) 0-4 thumb to little finger, 5 palm, -1 none.
        keypoints: (21, 3) metres, MediaPipe's order.
        part: where on the object the part is that is meant; None where nobody knows.
    """

    vertices: np.ndarray
    regions: np.ndarray
    keypoints: np.ndarray
    part: PartBelief | None = None


@dataclass(frozen=True)
class GraspScene:
    """What is grasped and what is around it.

    Attributes:
        points: (N, 3) of the object, metres, in a frame of their own.
        normals: (N, 3) outward, unit.
        base_from_points: (4, 4) from that frame to the robot's base.
        eye: (3,) the camera, in the frame of the points; None for a whole cloud or an unknown camera.
        neighbours: (M, 3) of what else stands there, in the robot's base frame; None: nothing is known of any.
        table_z_m: height of the table in the base frame; None: there is none.
    """

    points: np.ndarray
    normals: np.ndarray
    base_from_points: np.ndarray
    eye: np.ndarray | None = None
    neighbours: np.ndarray | None = None
    table_z_m: float | None = None


@dataclass(frozen=True)
class Wanted:
    """A grasp that is to be planned, and what is known of it.

    Attributes:
        hand: index of the human hand that it keeps to.
        candidate: for the planner.
        opening_m: between the fingers of a jaw during the approach; nan for a hand.
        scores: name -> value, units in the names.
        why: in words.
    """

    hand: int
    candidate: GraspCandidate
    opening_m: float
    scores: dict[str, float]
    why: str


@dataclass(frozen=True)
class RobotGrasp:
    """A grasp with its motion, or why there is none.

    Attributes:
        plan: the motion, or its reason and failures.
        hand: index of the human hand that it keeps to.
        wanted: what is planned; None without a motion.
    """

    plan: GraspPlan
    hand: int = 0
    wanted: Wanted | None = None

    @property
    def succeeded(self) -> bool:
        """There is a motion."""
        return self.wanted is not None

    @property
    def numbers(self) -> dict[str, float]:
        """Of the motion and of the grasp."""
        return self.plan.numbers | (self.wanted.scores if self.wanted else {})


@dataclass
class _Tally:
    """Reasons, and how many grasps each of them cost."""

    counts: Counter[str] = field(default_factory=Counter)

    def failed(self) -> RobotGrasp:
        reason = self.counts.most_common(1)[0][0] if self.counts else "no grasp near the hand"
        return RobotGrasp(GraspPlan(reason, failures=dict(self.counts)))


@dataclass(frozen=True)
class _Task:
    """What all hands of one request have in common.

    Attributes:
        scene: as given.
        around: (M, 3) neighbours in the frame of the points, None without.
        plane: (4,) of the table in the frame of the points, n . p + d = 0, None without.
        heavy: whether the object looks so.
        tally: of reasons.
    """

    scene: GraspScene
    around: np.ndarray | None
    plane: np.ndarray | None
    heavy: bool
    tally: _Tally


class RobotGrasper:
    """Finds grasps for a robot.

    Args:
        robot: from `load_robot`.
        config: of the motion; its `candidates` bounds how many grasps are tried for each hand.
    """

    def __init__(self, robot: Robot, config: PlanConfig | None = None) -> None:
        self.robot, self.config = robot, config or PlanConfig()
        self._hand: HandKinematics | None = None
        self._as_jaw: dict[str, HandPinch | HandWrap] = {}
        if isinstance(robot.gripper, HandGripper):
            self._hand = HandKinematics(robot)
            if (pinch := robot.gripper.pinch) is not None:
                self._as_jaw["thumb against fingers"] = HandPinch(self._hand, pinch)
                if pinch.wrap is not None:
                    around = HandWrap(self._hand, self._as_jaw["thumb against fingers"], pinch.wrap)
                    self._as_jaw["fingers around it"] = around

    def grasps(
        self,
        hands: Sequence[HumanHand],
        scene: GraspScene,
        q_now: np.ndarray,
        keep: int = 1,
        config: PlanConfig | None = None,
    ) -> list[RobotGrasp]:
        """Grasps with motions, or one without, which says why.

        Those of earlier hands come first; those of a robot's hand that is used as a jaw are sorted among all hands.

        Args:
            hands: best first.
            scene: object and surroundings.
            q_now: (n,) joints of the arm, radians.
            keep: how many.
            config: of the motion, in place of the robot's own.

        Raises:
            ValueError: an argument does not fit.
        """
        if not hands:
            raise ValueError("hands: is empty; give at least one")
        config = config or self.config
        found: list[RobotGrasp] = []
        tally = _Tally()
        for wanted in self._groups(hands, scene, tally):
            tried = replace(config, candidates=config.candidates * len({each.hand for each in wanted}) or 1)
            while wanted and len(found) < keep:
                candidates = [each.candidate for each in wanted]
                plan = plan_grasp(self.robot, candidates, obstacles_of(scene), q_now, tried)
                tally.counts.update(plan.failures)
                if not plan.succeeded:
                    break
                # The reasons so far belong to this grasp too: it is what was left over.
                told = GraspPlan("", plan.phases, plan.candidate, plan.numbers, dict(tally.counts))
                found.append(RobotGrasp(told, wanted[plan.candidate].hand, wanted[plan.candidate]))
                wanted = wanted[plan.candidate + 1 :]
            if len(found) == keep:
                break
        return found or [tally.failed()]

    def _groups(self, hands: Sequence[HumanHand], scene: GraspScene, tally: _Tally) -> Iterator[list[Wanted]]:
        """Grasps to be planned, those of one group after those of another."""
        task = _Task(scene, *_in_points_frame(scene), bulk_m3(scene) > HEAVY_M3, tally)
        if self._as_jaw:
            # A hand presses ten times less than a jaw: which of the person's hands holds best comes before which is best.
            for config in (PINCHES, STEEPER_PINCHES):
                found = [
                    wanted
                    for number, hand in enumerate(hands)
                    for way in self._as_jaw
                    for wanted in self._jaw_grasps_of_hand(way, number, hand, task, config)
                ]
                yield sorted(found, key=lambda wanted: wanted.scores["risk"])
        for number, hand in enumerate(hands):
            if self._hand is None:
                yield self._jaw_grasps(number, hand, task)
            else:
                yield self._hand_grasps(number, hand, task)

    def _jaw_grasps(self, number: int, hand: HumanHand, task: _Task) -> list[Wanted]:
        gripper, base = self.robot.gripper, task.scene.base_from_points
        return [
            Wanted(number, jaw_candidate(grasp, gripper, base), grasp.opening_m, grasp.scores, grasp.why)
            for grasp in _of_jaw(hand, task, gripper)
        ]

    def _jaw_grasps_of_hand(
        self, way: str, number: int, hand: HumanHand, task: _Task, config: JawConfig
    ) -> list[Wanted]:
        thumb = hand.vertices[hand.regions == THUMB].mean(axis=0)
        scene, used = task.scene, self._as_jaw[way]
        up, middle = scene.base_from_points[2, :3], scene.points.mean(axis=0)
        found = []
        for grasp in _of_jaw(hand, task, used.jaw, config):
            aside = grasp.tool[:3, 3] - middle
            lever_m = float(np.linalg.norm(aside - (aside @ up) * up))
            # What it costs, and how far it is from above the middle of what it lifts.
            preferred = used.for_heavy if task.heavy else used.for_light
            risk = grasp.scores["cost"] + lever_m / used.lever_m - preferred
            candidates = used.candidates(grasp, scene.base_from_points, thumb, scene.points, task.plane)
            scores = grasp.scores | {"lever_m": lever_m, "risk": risk}
            why = f"{way}: {grasp.why}"
            found += [Wanted(number, candidate, float("nan"), scores, why) for candidate in candidates]
        return found

    def _hand_grasps(self, number: int, hand: HumanHand, task: _Task) -> list[Wanted]:
        scene = task.scene
        grasp = retarget_to_hand(
            self._hand, hand.vertices, hand.regions, hand.keypoints, scene.points, scene.normals,
            obstacles=task.around, plane=task.plane,
        )  # fmt: skip
        if not grasp.feasible:
            task.tally.counts[grasp.reason] += 1
            return []
        order = [grasp.joints.index(name) for name in self.robot.gripper.joints]
        candidate = GraspCandidate(
            scene.base_from_points @ grasp.palm, grasp.open_q[order], grasp.squeeze_q[order]
        )
        scores = {
            name: float(getattr(grasp, name))
            for name in ("penetration_m", "self_overlap_m", "opposition_rad", "wrist_offset_m", "wrist_turn_rad")
        }  # fmt: skip
        fingers = ", ".join(contact.finger for contact in grasp.contacts)
        why = f"{fingers} touch, {np.degrees(grasp.opposition_rad):.0f} degrees off opposition"
        return [Wanted(number, candidate, float("nan"), scores | {"cost": grasp.cost}, why)]


def _of_jaw(
    hand: HumanHand, task: _Task, gripper: ParallelGripper, config: JawConfig | None = None
) -> list[JawGrasp]:
    scene = task.scene
    on_part = None if hand.part is None else hand.part.at(scene.points)
    try:
        return retarget_to_jaw(
            hand.vertices, hand.regions, scene.points, scene.normals, gripper,
            obstacles=task.around, plane=task.plane, on_part=on_part, wrist=hand.keypoints[0], eye=scene.eye,
            config=config,
        )  # fmt: skip
    except NoJawGraspError as error:
        task.tally.counts[str(error)] += 1
        return []


def bulk_m3(scene: GraspScene) -> float:
    """Room that the object takes above the table, as far as it is seen, down to its lowest point without a table."""
    points = scene.points @ scene.base_from_points[:3, :3].T + scene.base_from_points[:3, 3]
    lowest = points[:, 2].min() if scene.table_z_m is None else scene.table_z_m
    cells, column = np.unique(np.round(points[:, :2] / CELL_M).astype(int), axis=0, return_inverse=True)
    high = np.full(len(cells), -np.inf)
    np.maximum.at(high, column.ravel(), points[:, 2] - lowest)
    return float(high.clip(min=0).sum()) * CELL_M**2


def obstacles_of(scene: GraspScene) -> list[Box | Cloud]:
    """Everything that the robot must not touch, in its base frame; the fingers may touch the object."""
    base = scene.base_from_points
    found: list[Box | Cloud] = [Cloud(OBJECT, scene.points @ base[:3, :3].T + base[:3, 3], grasped=True)]
    if scene.neighbours is not None and len(scene.neighbours):
        found.append(Cloud(NEIGHBOURS, scene.neighbours))
    if scene.table_z_m is not None:
        found.append(table(scene.table_z_m))
    return found


def _in_points_frame(scene: GraspScene) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Neighbours (M, 3) and the table's plane (4,), n . p + d = 0, in the frame of the points."""
    rotation, shift = scene.base_from_points[:3, :3], scene.base_from_points[:3, 3]
    around = None
    if scene.neighbours is not None and len(scene.neighbours):
        around = (scene.neighbours - shift) @ rotation
    plane = None
    if scene.table_z_m is not None:
        plane = np.array([*rotation[2], shift[2] - scene.table_z_m])
    return around, plane
