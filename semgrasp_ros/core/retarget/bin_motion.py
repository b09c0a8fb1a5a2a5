"""The motions of an arm over a bin: grasp at a pose and hold up, turn what is held, put it back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grasp2vec_ros.core.options import option
from semgrasp_ros.core.retarget.collision import Box, RobotCollision, open_gripper
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.paths import ArmPaths, NoWayError, finger_motion
from semgrasp_ros.core.retarget.plan import UP, GraspCandidate, GraspPlan, PlanConfig, plan_grasp
from semgrasp_ros.core.retarget.robot_file import ParallelGripper, Robot, RobotError
from semgrasp_ros.core.retarget.trajectory import JointTrajectory

WALL_M = 0.01
# Closed fingers touch each other, which is no collision: they are taken to be so far apart, each from the middle.
APART_M = 0.005
# The floor goes on around the bin, but not to under the arm, whose base may be set lower.
AROUND_M, FLOOR_M = 0.2, 0.1
# Grasps are given with y along the closing direction, as Panda's tool centre point has it; the planner's tool has x there.
TOOL_IN_GRASP = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


@dataclass
class BinConfig:
    """Where objects lie, in the arm's base frame [m]; the same parameters as those of the grasping node."""

    workspace_min_x_m: float = option(0.37, "inside of the bin: smallest x", minimum=-5.0, maximum=5.0)
    workspace_max_x_m: float = option(0.63, "largest x", minimum=-5.0, maximum=5.0)
    workspace_min_y_m: float = option(-0.17, "smallest y", minimum=-5.0, maximum=5.0)
    workspace_max_y_m: float = option(0.17, "largest y", minimum=-5.0, maximum=5.0)
    floor_z_m: float = option(0.006, "height of the surface on which objects lie", minimum=-5.0, maximum=5.0)
    wall_height_m: float = option(
        0.051, "height of walls around the workspace; the floor's where there are none"
    )


@dataclass
class BinMotionConfig:
    """How the arm moves over the bin."""

    travel_m: float = option(
        0.22, "straight way down to a grasp and up from it, above what lies there", minimum=0.02, maximum=1.0
    )
    speed: float = option(0.5, "share of the robot's limits of speed", minimum=0.01, maximum=1.0)
    close_s: float = option(1.0, "time for the fingers to open and to close", minimum=0.1, maximum=20.0)
    release_height_m: float = option(
        0.07, "how far above the floor the tool lets go", minimum=0.005, maximum=1.0
    )
    release_margin_m: float = option(
        0.055, "how far inside the walls it lets go, where no place is given", minimum=0.0, maximum=0.5
    )
    release_tries: int = option(10, "places and turns that are tried", minimum=1, maximum=100)


class BinMotions:
    """Plans for one robot and one bin; nothing moves here. Not to be shared between threads.

    Floor and walls are kept away from; what lies in the bin is not known and is passed above.

    Args:
        robot: with a parallel gripper.
        bin_: where objects lie.
        config: how it moves; looked at anew for each motion.
        presented_rad: (n,) where it holds up what it grasped; None: as the robot's file says.
        seed: of chance.

    Raises:
        RobotError: the robot has a hand, or the place to hold up is not known, cannot be reached or touches something.
    """

    def __init__(
        self,
        robot: Robot,
        bin_: BinConfig,
        config: BinMotionConfig,
        presented_rad: np.ndarray | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(robot.gripper, ParallelGripper):
            raise RobotError(
                f"robot_file: {robot.name} has a hand; grasping at a point needs a parallel gripper"
            )
        self.robot, self.bin, self.config = robot, bin_, config
        self._rng = np.random.default_rng(seed)
        self.arm = ArmKinematics(robot)
        self._obstacles = tuple(obstacles(bin_))
        self._collision = RobotCollision(robot, self._obstacles)
        given = robot.arm.presented_rad if presented_rad is None else presented_rad
        self.presented_rad = self._checked(np.asarray(given, float))

    def _checked(self, presented: np.ndarray) -> np.ndarray:
        if presented.shape != self.arm.home_rad.shape or not np.isfinite(presented).all():
            raise RobotError(
                f"presented_rad: {presented.tolist()} must be {len(self.arm.home_rad)} joint values where {self.robot.name}"
                " holds up what it grasped; set the parameter, or arm.presented_rad in the robot's file"
            )
        if not ((presented >= self.arm.lower_rad) & (presented <= self.arm.upper_rad)).all():
            raise RobotError(f"presented_rad: {presented.tolist()} is beyond the joints' limits")
        if touch := self._collision.touch(presented, open_gripper(self.robot)):
            raise RobotError(f"presented_rad: there {touch} collide; hold up elsewhere")
        return presented

    def grasp(
        self, base_from_tcp: np.ndarray, opening_m: float, straight_m: float, q_now: np.ndarray
    ) -> GraspPlan:
        """To a grasp, closing, straight up, and to where it is held up.

        Args:
            base_from_tcp: (4, 4) tool centre point: z along the approach, y along the closing direction.
            opening_m: between the fingers on the way.
            straight_m: straight way to the grasp; 0: `travel_m`.
            q_now: (n,) where the arm is, radians.

        Returns:
            Phases "reach", "approach", "grasp", "lift" and "present", or why there are none.

        Raises:
            ValueError: the opening or the way is out of range.
        """
        gripper = self.robot.gripper
        if not gripper.opening_min_m <= opening_m <= gripper.opening_max_m + 1e-4:
            raise ValueError(
                f"opening: {opening_m:.4f} m is outside {gripper.opening_min_m:g} to {gripper.opening_max_m:g}"
            )
        if not 0 <= straight_m <= 0.5:
            raise ValueError(f"approach_distance: {straight_m:.3f} m is outside 0 to 0.5")
        opened = np.full(2, min(opening_m, gripper.opening_max_m) / 2)
        candidate = GraspCandidate(base_from_tcp @ TOOL_IN_GRASP, opened, self.closed, half_turns=True)
        plan = self._plan([candidate], q_now, straight_m or self.config.travel_m)
        if not plan.succeeded:
            return plan
        try:
            present = self.to(self.presented_rad, plan.phases["lift"].positions[-1], opened)
        except NoWayError as error:
            reason = f"{error}, after the lift"
            return GraspPlan(reason, failures={reason: 1})
        return GraspPlan("", {**plan.phases, "present": present}, 0, plan.numbers)

    def put_back(self, place_m: np.ndarray | None, q_now: np.ndarray, fingers: np.ndarray) -> GraspPlan:
        """To a place, opening there, straight up, and back to where things are held up.

        Args:
            place_m: (3,) of the tool when it lets go; None: somewhere in the bin.
            q_now: (n,) where the arm is, radians.
            fingers: (2,) joints of the gripper while it carries.

        Returns:
            Phases "reach", "approach", "grasp" (the fingers open), "lift" and "return", or why there are none.
        """
        opened = open_gripper(self.robot)
        apart = np.maximum(fingers, APART_M)
        candidates = [GraspCandidate(tool, apart, opened, half_turns=True) for tool in self._places(place_m)]
        plan = self._plan(candidates, q_now, self.config.travel_m)
        if not plan.succeeded:
            return plan
        try:
            back = self.to(self.presented_rad, plan.phases["lift"].positions[-1], opened)
        except NoWayError as error:
            return GraspPlan(f"{error}, after letting go")
        opening = finger_motion(self.robot.gripper.joints, (fingers, opened), self.config.close_s)
        phases = plan.phases | {"grasp": opening, "return": back}
        return GraspPlan("", phases, plan.candidate, plan.numbers)

    def up(self, q_now: np.ndarray, fingers: np.ndarray) -> JointTrajectory | None:
        """Straight up until the tool is `travel_m` above the floor; None when it is, or when the arm does not get there.

        Args:
            q_now: (n,) where the arm is, radians.
            fingers: (2,) joints of the gripper.
        """
        missing_m = self.bin.floor_z_m + self.config.travel_m - float(self.arm.forward(q_now)[2, 3])
        if missing_m <= 1e-3:
            return None
        try:
            return self._paths().timed(
                self._paths().line(q_now, UP, missing_m, np.maximum(fingers, APART_M), "lift")
            )
        except NoWayError:
            return None

    def turned(self, angle_rad: float) -> np.ndarray:
        """Joints (n,) that hold up with the wrist, the last joint, turned.

        Raises:
            ValueError: the wrist does not turn so far.
        """
        goal = self.presented_rad.copy()
        goal[-1] += angle_rad
        low, high = self.arm.lower_rad[-1], self.arm.upper_rad[-1]
        if not low <= goal[-1] <= high:
            raise ValueError(
                f"wrist_angle: {angle_rad:.2f} rad is out of reach; use {low - self.presented_rad[-1]:.2f} to"
                f" {high - self.presented_rad[-1]:.2f}"
            )
        return goal

    def to(self, goal: np.ndarray, q_now: np.ndarray, fingers: np.ndarray) -> JointTrajectory:
        """A motion to joint values, around floor and walls.

        Args:
            goal: (n,) radians.
            q_now: (n,) where it begins.
            fingers: (2,) joints of the gripper on the way.

        Raises:
            NoWayError: there is none.
        """
        fingers = np.maximum(fingers, APART_M)
        for q, where in ((q_now, "where the arm is now"), (goal, "where it is to go")):
            if touch := self._collision.touch(q, fingers):
                raise NoWayError(f"collision: {touch}, {where}")
        path = self._paths().free(q_now, goal, fingers)
        if path is None:
            raise NoWayError("collision: no way from where the arm is to where it holds up")
        return self._paths().timed(path)

    @property
    def closed(self) -> np.ndarray:
        """Joints (2,) of the closed gripper."""
        return np.full(2, self.robot.gripper.opening_min_m / 2)

    def _paths(self) -> ArmPaths:
        return ArmPaths(self.arm, self._collision, self._rng, self.config.speed)

    def _plan(self, candidates: list[GraspCandidate], q_now: np.ndarray, straight_m: float) -> GraspPlan:
        own = self.config
        config = PlanConfig(straight_m, own.travel_m, speed=own.speed, close_s=own.close_s)
        seed = int(self._rng.integers(2**31))
        return plan_grasp(self.robot, candidates, self._obstacles, q_now, config, seed)

    def _places(self, place_m: np.ndarray | None) -> list[np.ndarray]:
        own, where = self.config, self.bin
        low = np.array([where.workspace_min_x_m, where.workspace_min_y_m]) + own.release_margin_m
        high = np.array([where.workspace_max_x_m, where.workspace_max_y_m]) - own.release_margin_m
        middle = (low + high) / 2
        found = []
        for _ in range(own.release_tries):
            pose, yaw = np.eye(4), self._rng.uniform(-np.pi / 2, np.pi / 2)
            pose[:3, :3] = [
                [np.cos(yaw), np.sin(yaw), 0.0],
                [np.sin(yaw), -np.cos(yaw), 0.0],
                [0.0, 0.0, -1.0],
            ]
            place = self._rng.uniform(np.minimum(low, middle), np.maximum(high, middle))
            pose[:3, 3] = [*place, where.floor_z_m + own.release_height_m] if place_m is None else place_m
            found.append(pose)
        return found


def obstacles(bin_: BinConfig) -> list[Box]:
    """Floor and walls."""
    low = np.array([bin_.workspace_min_x_m, bin_.workspace_min_y_m])
    high = np.array([bin_.workspace_max_x_m, bin_.workspace_max_y_m])
    if (high <= low).any():
        raise ValueError(
            f"workspace: from {low.tolist()} to {high.tolist()} has no inside; max must be above min"
        )
    middle, size = (low + high) / 2, high - low
    floor = np.eye(4)
    floor[:3, 3] = *middle, bin_.floor_z_m - FLOOR_M / 2
    found = [Box("floor", floor, (*(size + 2 * AROUND_M), FLOOR_M))]
    height_m = bin_.wall_height_m - bin_.floor_z_m
    if height_m <= 0:
        return found
    for axis, name in ((0, "x"), (1, "y")):
        for sign in (-1.0, 1.0):
            pose, edges = np.eye(4), np.array([*(size + 2 * WALL_M), height_m])
            pose[:2, 3], pose[2, 3] = middle, bin_.floor_z_m + height_m / 2
            pose[axis, 3] += sign * (size[axis] + WALL_M) / 2
            edges[axis] = WALL_M
            found.append(Box(f"wall at {'+' if sign > 0 else '-'}{name}", pose, tuple(edges)))
    return found
