"""From grasp poses to a whole motion: to the pre-grasp, straight to the grasp, closing, lifting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from semgrasp_ros.core.retarget.collision import Box, Cloud, RobotCollision, open_gripper
from semgrasp_ros.core.retarget.ik import ArmKinematics, IkResult
from semgrasp_ros.core.retarget.jaw_types import JawGrasp
from semgrasp_ros.core.retarget.paths import ArmPaths, NoWayError, finger_motion
from semgrasp_ros.core.retarget.robot_file import ParallelGripper, Robot
from semgrasp_ros.core.retarget.trajectory import JointTrajectory

UP = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class PlanConfig:
    """How a motion is planned.

    Attributes:
        approach_m: straight way before the grasp.
        lift_m: straight way up after it, along the base frame's z.
        line_step_m: between the poses of a straight way.
        speed: share of the robot's limits of speed; accelerations are scaled by its square.
        close_s: time for the fingers.
        solutions: joint solutions that are tried for each grasp.
        restarts: of the inverse kinematics for the first solution.
        largest_joint_step_rad: between poses of a straight way; more is a jump to another solution.
        least_manipulability: at the grasp.
        candidates: of the grasps given, the best so many are tried.
    """

    approach_m: float = 0.08
    lift_m: float = 0.15
    line_step_m: float = 0.005
    speed: float = 0.5
    close_s: float = 1.0
    solutions: int = 4
    restarts: int = 10
    largest_joint_step_rad: float = 0.15
    least_manipulability: float = 0.005
    candidates: int = 20

    def __post_init__(self) -> None:
        if not 0 < self.speed <= 1:
            raise ValueError(f"speed: {self.speed} is outside 0 to 1; give a share of the robot's limits")
        for name in ("approach_m", "lift_m", "line_step_m", "close_s", "largest_joint_step_rad"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: {getattr(self, name)} must be above 0")


@dataclass(frozen=True)
class GraspCandidate:
    """A grasp to be planned.

    Attributes:
        tool: (4, 4) where the tool frame comes to stand, in the base frame, metres.
        opened: (m,) joints of the gripper on the way, in the order of `robot.gripper.joints`.
        closed: (m,) joints that are commanded to hold.
        between: joints (m,) that are passed on the way from opened to closed.
        width_m: between the fingers when they touch; nan for hands.
        half_turns: whether the same grasp turned by half a turn about the tool's z is as good.
        approach: (3,) unit, in the tool frame: the straight way before the grasp.
    """

    tool: np.ndarray
    opened: np.ndarray
    closed: np.ndarray
    width_m: float = float("nan")
    half_turns: bool = False
    approach: np.ndarray = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    between: tuple[np.ndarray, ...] = ()


def jaw_candidate(
    grasp: JawGrasp, gripper: ParallelGripper, base_from_points: np.ndarray, squeeze_m: float = 0.01
) -> GraspCandidate:
    """A jaw's grasp as a candidate.

    Args:
        grasp: of `retarget_to_jaw`.
        gripper: of the robot.
        base_from_points: (4, 4) from the frame of the grasp to the robot's base.
        squeeze_m: how much closer than the width the fingers are sent.
    """
    count = len(gripper.joints)
    closed = max(grasp.width_m - squeeze_m, gripper.opening_min_m)
    return GraspCandidate(
        base_from_points @ grasp.tool,
        np.full(count, grasp.opening_m / 2),
        np.full(count, closed / 2),
        grasp.width_m,
        half_turns=True,
    )


@dataclass(frozen=True)
class GraspPlan:
    """A motion, or why there is none.

    Attributes:
        reason: "" when it succeeded; otherwise what was in the way most often: too wide, unreachable, collision with
            what.
        phases: name -> motion: "reach" to the pre-grasp, "approach" straight to the grasp, "grasp" closes the gripper,
            "lift" straight up. The arm's joints, in "grasp" the gripper's.
        candidate: index of the grasp that is planned, -1 without.
        numbers: position_error_m, rotation_error_rad of the inverse kinematics at the grasp; width_m; clearance_m, the
            least distance to obstacles on the straight ways; manipulability at the grasp; duration_s.
        failures: reason -> how many candidates failed for it.
    """

    reason: str
    phases: dict[str, JointTrajectory] = field(default_factory=dict)
    candidate: int = -1
    numbers: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        """There is a motion."""
        return not self.reason


def plan_grasp(
    robot: Robot,
    candidates: Sequence[GraspCandidate],
    obstacles: Iterable[Box | Cloud],
    q_now: np.ndarray,
    config: PlanConfig | None = None,
    seed: int = 0,
) -> GraspPlan:
    """Plans the first of some grasps that can be done.

    Args:
        robot: of `load_robot`.
        candidates: best first.
        obstacles: table, neighbours and the object itself (`Cloud(..., grasped=True)`), in the base frame.
        q_now: (n,) where the arm is.
        config: of the motion.
        seed: of chance.

    Raises:
        ValueError: an argument does not fit.
    """
    planner = _Planner(robot, tuple(obstacles), np.asarray(q_now, float), config or PlanConfig(), seed)
    return planner.plan(candidates)


class _Planner:
    def __init__(
        self,
        robot: Robot,
        obstacles: tuple[Box | Cloud, ...],
        q_now: np.ndarray,
        config: PlanConfig,
        seed: int,
    ) -> None:
        self._robot, self._now, self._config = robot, q_now, config
        self._arm, self._collision = ArmKinematics(robot), RobotCollision(robot, obstacles)
        if q_now.shape != self._arm.home_rad.shape or not np.isfinite(q_now).all():
            raise ValueError(f"q_now: {q_now} are not {len(self._arm.home_rad)} finite joint values")
        if not ((q_now >= self._arm.lower_rad - 1e-6) & (q_now <= self._arm.upper_rad + 1e-6)).all():
            raise ValueError(f"q_now: {q_now} are outside the limits of the joints; move the arm inside")
        self._rng = np.random.default_rng(seed)
        self._paths = ArmPaths(
            self._arm,
            self._collision,
            self._rng,
            config.speed,
            config.line_step_m,
            config.largest_joint_step_rad,
        )

    def plan(self, candidates: Sequence[GraspCandidate]) -> GraspPlan:
        if not candidates:
            raise ValueError("candidates: is empty; give at least one grasp")
        touch = self._collision.touch(self._now, open_gripper(self._robot))
        if touch:
            reason = f"collision: {touch}, where the arm is now"
            return GraspPlan(reason, failures={reason: len(candidates)})
        failures: Counter[str] = Counter()
        for index, candidate in enumerate(candidates[: self._config.candidates]):
            try:
                phases, numbers = self._whole(candidate)
            except NoWayError as error:
                failures[str(error)] += 1
                continue
            return GraspPlan("", phases, index, numbers, dict(failures))
        return GraspPlan(failures.most_common(1)[0][0], failures=dict(failures))

    def _whole(self, candidate: GraspCandidate) -> tuple[dict[str, JointTrajectory], dict[str, float]]:
        if np.isfinite(candidate.width_m):
            widest = self._robot.gripper.opening_max_m
            if candidate.width_m > widest:
                raise NoWayError(
                    f"too wide: {candidate.width_m * 1e3:.0f} mm, the gripper opens {widest * 1e3:.0f} mm"
                )
        reasons = []
        for found in self._solutions(candidate, reasons):
            try:
                return self._motion(candidate, found)
            except NoWayError as error:
                reasons.append(str(error))
        raise NoWayError(Counter(reasons).most_common(1)[0][0])

    def _solutions(self, candidate: GraspCandidate, reasons: list[str]) -> Iterable[IkResult]:
        """Joint values of the grasp without collision, nearest to where the arm is first."""
        turned = np.diag([-1.0, -1.0, 1.0, 1.0])
        targets = [candidate.tool, candidate.tool @ turned] if candidate.half_turns else [candidate.tool]
        found: list[IkResult] = []
        for target in targets:
            for attempt in range(self._config.solutions):
                start = self._now if attempt == 0 else self._random()
                result = self._arm.solve(target, start, self._config.restarts if attempt == 0 else 0, attempt)
                if not result.converged:
                    if attempt == 0:
                        reasons.append(_short(result.reason))
                        break
                    continue
                touch = self._collision.touch(result.q, candidate.opened, grasping=True)
                if touch:
                    reasons.append(f"collision: {touch}, at the grasp")
                elif self._arm.manipulability(result.q) < self._config.least_manipulability:
                    reasons.append("unreachable: only where the arm loses a direction of motion")
                elif all(np.abs(result.q - other.q).max() > 0.1 for other in found):
                    found.append(result)
        return sorted(found, key=lambda result: float(np.abs(result.q - self._now).max()))

    def _motion(
        self, candidate: GraspCandidate, found: IkResult
    ) -> tuple[dict[str, JointTrajectory], dict[str, float]]:
        config, at_grasp = self._config, self._arm.forward(found.q)
        opened, fingers = candidate.opened, (candidate.opened, *candidate.between, candidate.closed)
        back = self._paths.line(
            found.q, -at_grasp[:3, :3] @ candidate.approach, config.approach_m, opened, "approach"
        )
        lift = self._paths.line(found.q, UP, config.lift_m, opened, "lift")
        touch = self._collision.touch(back[-1], opened)
        if touch:
            raise NoWayError(f"collision: {touch}, before the grasp")
        path = self._paths.free(self._now, back[-1], opened)
        if path is None:
            raise NoWayError("collision: no way from where the arm is to before the grasp")
        straight_ways = np.concatenate([back, lift])
        phases = {
            "reach": self._paths.timed(path),
            "approach": self._paths.timed(back[::-1]),
            "grasp": finger_motion(self._robot.gripper.joints, fingers, config.close_s),
            "lift": self._paths.timed(lift),
        }
        clearance = min(
            self._collision.clearance_m(q, opened) for q in straight_ways[:: max(len(back) // 4, 1)]
        )
        numbers = {
            "position_error_m": found.position_error_m,
            "rotation_error_rad": found.rotation_error_rad,
            "width_m": candidate.width_m,
            "clearance_m": clearance,
            "manipulability": self._arm.manipulability(found.q),
            "duration_s": sum(phase.duration_s for phase in phases.values()),
        }
        return phases, numbers

    def _random(self) -> np.ndarray:
        return self._rng.uniform(self._arm.lower_rad, self._arm.upper_rad)


def _short(reason: str) -> str:
    """Without the numbers, so that equal reasons are counted together."""
    return (
        "unreachable: " + reason.partition("; there ")[2] if "; there " in reason else "unreachable: too far"
    )
