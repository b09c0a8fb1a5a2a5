"""What a robot touches: itself and what stands around it, through pinocchio and its collision library coal."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.robot_file import Robot, RobotError
from semgrasp_ros.core.retarget.robot_model import build_geometry, build_model

VOXEL_M = 0.004
HULL_SLACK_M = 0.004
ALWAYS = 0.95
COMMENT = (
    "# Pairs of links that may touch: neighbours, and those that touch at home or almost always. Keep this list last;",
    "# it was written by: python -m semgrasp_ros exclude-collisions FILE",
)


@dataclass(frozen=True)
class Box:
    """A box to keep away from.

    Attributes:
        name: said in reasons.
        pose: (4, 4) of its middle in the robot's base frame, metres.
        size_m: (3,) whole edges.
    """

    name: str
    pose: np.ndarray
    size_m: tuple[float, float, float]


@dataclass(frozen=True)
class Cloud:
    """Points to keep away from, as cubes of 4 mm.

    Attributes:
        name: said in reasons.
        points: (N, 3) in the robot's base frame, metres.
        grasped: the fingers may touch it, and it goes with them.
    """

    name: str
    points: np.ndarray
    grasped: bool = False


def table(height_m: float, name: str = "table") -> Box:
    """A wide table top at a height in the base frame."""
    pose = np.eye(4)
    pose[2, 3] = height_m - 0.05
    return Box(name, pose, (3.0, 3.0, 0.1))


@dataclass(frozen=True)
class Touch:
    """Two things that touch: names of links or obstacles."""

    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.first} with {self.second}"


class RobotCollision:
    """Collisions of a robot with itself and with obstacles.

    Joint values of the arm come first, those of the gripper after them. Not to be shared between threads.
    """

    def __init__(self, robot: Robot, obstacles: Iterable[Box | Cloud] = ()) -> None:
        """Builds the geometry.

        Raises:
            RobotError: a URDF or a mesh cannot be read.
            ValueError: an obstacle is no box or cloud, or has the name of another.
        """
        import pinocchio

        self._pin, self.robot = pinocchio, robot
        self._model = build_model(robot)
        self._data = self._model.createData()
        self._geometry = build_geometry(robot, self._model)
        self._order = np.array(
            [
                self._model.joints[self._model.getJointId(name)].idx_q
                for name in (*robot.arm.joints, *robot.gripper.joints)
            ]
        )
        self._neutral = pinocchio.neutral(self._model)
        self._links = self._geometry.ngeoms
        excluded = {frozenset(pair) for pair in robot.collision_excludes}
        for first, second in itertools.combinations(range(self._links), 2):
            apart = self._joint(first) != self._joint(second)
            if apart and frozenset((self._name(first), self._name(second))) not in excluded:
                self._geometry.addCollisionPair(pinocchio.CollisionPair(first, second))
        self._fingers = self._moved_by_gripper()
        self._grasped_pairs: list[int] = []
        self._obstacle_pairs: list[int] = []
        self._add(tuple(obstacles))
        self._results = pinocchio.GeometryData(self._geometry)
        self._allow_within_hand()

    def _allow_within_hand(self) -> None:
        # Links of a hand are seen as their convex hulls: fingers that close beside one another would collide.
        hand = self._fingers | {i for i in range(self._links) if self._joint(i) == self._palm_joint()}
        for number, pair in enumerate(self._geometry.collisionPairs):
            if pair.first in hand and pair.second in hand:
                self._results.collisionRequests[number].security_margin = -HULL_SLACK_M

    def _palm_joint(self) -> int:
        return self._model.frames[self._model.getFrameId(self.robot.tool.frame)].parentJoint

    def _moved_by_gripper(self) -> set[int]:
        joints = {self._model.getJointId(name) for name in self.robot.gripper.joints}
        return {
            index
            for index, thing in enumerate(self._geometry.geometryObjects)
            if joints & set(self._model.supports[thing.parentJoint])
        }

    def _add(self, obstacles: tuple[Box | Cloud, ...]) -> None:
        import coal

        base = self._model.frames[self._model.getFrameId(self.robot.base_frame)].placement
        moving = [i for i, thing in enumerate(self._geometry.geometryObjects) if thing.parentJoint]
        names = {thing.name for thing in obstacles}
        if len(names) != len(obstacles):
            raise ValueError(
                f"obstacles: names {[o.name for o in obstacles]} are not all different; rename them"
            )
        for thing in obstacles:
            if isinstance(thing, Box):
                shape, place = (
                    coal.Box(*map(float, thing.size_m)),
                    self._pin.SE3(np.asarray(thing.pose, float)),
                )
            elif isinstance(thing, Cloud):
                points = np.asarray(thing.points, float)
                if (
                    points.ndim != 2
                    or points.shape[1] != 3
                    or not np.isfinite(points).all()
                    or not len(points)
                ):
                    raise ValueError(
                        f"obstacle {thing.name!r}: points {points.shape} must be finite (N, 3), N > 0"
                    )
                shape, place = coal.makeOctree(points, VOXEL_M), self._pin.SE3.Identity()
            else:
                raise ValueError(f"obstacles: {type(thing).__name__} is unknown; give Box or Cloud")
            added = self._geometry.addGeometryObject(
                self._pin.GeometryObject(thing.name, 0, base * place, shape)
            )
            for link in moving:
                self._geometry.addCollisionPair(self._pin.CollisionPair(link, added))
                number = len(self._geometry.collisionPairs) - 1
                if isinstance(thing, Cloud) and thing.grasped:
                    if link in self._fingers:
                        self._grasped_pairs.append(number)
                else:
                    self._obstacle_pairs.append(number)

    def touch(self, q: np.ndarray, gripper: np.ndarray, *, grasping: bool = False) -> Touch | None:
        """The first collision that is found.

        Args:
            q: (n,) of the arm, radians, in the order of the robot's file.
            gripper: (m,) of the gripper's joints.
            grasping: fingers may touch what is to be grasped.
        """
        for number in self._grasped_pairs:
            self._results.activeCollisionPairs[number] = not grasping
        if not self._pin.computeCollisions(
            self._model, self._data, self._geometry, self._results, self._whole(q, gripper), True
        ):
            return None
        for number, pair in enumerate(self._geometry.collisionPairs):
            if (
                self._results.activeCollisionPairs[number]
                and self._results.collisionResults[number].isCollision()
            ):
                return Touch(self._name(pair.first), self._name(pair.second))
        raise RuntimeError("a collision without a pair; the collision library contradicts itself")

    def clearance_m(self, q: np.ndarray, gripper: np.ndarray) -> float:
        """The least distance of moving links to obstacles that are not grasped; inf without such obstacles."""
        self._pin.updateGeometryPlacements(
            self._model, self._data, self._geometry, self._results, self._whole(q, gripper)
        )
        least = np.inf
        for number in self._obstacle_pairs:
            least = min(least, self._pin.computeDistance(self._geometry, self._results, number).min_distance)
        return float(least)

    def touching_pairs(self, joints: np.ndarray) -> set[tuple[str, str]]:
        """All pairs of links that touch at joint values (n + m,) of arm and gripper."""
        arm = len(self.robot.arm.joints)
        self._pin.computeCollisions(
            self._model, self._data, self._geometry, self._results,
            self._whole(joints[:arm], joints[arm:]), False,
        )  # fmt: skip
        return {
            tuple(sorted((self._name(pair.first), self._name(pair.second))))
            for number, pair in enumerate(self._geometry.collisionPairs)
            if self._results.collisionResults[number].isCollision()
        }

    def neighbours(self) -> set[tuple[str, str]]:
        """Pairs of links with one joint, or none, between them."""
        things = list(self._geometry.geometryObjects)[: self._links]
        near = set()
        for a in things:
            for b in things:
                if self._model.parents[b.parentJoint] == a.parentJoint and b.parentJoint:
                    near.add(tuple(sorted((self._link(a), self._link(b)))))
        return near

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper limits of arm and gripper joints, (n + m,) each."""
        return self._model.lowerPositionLimit[self._order], self._model.upperPositionLimit[self._order]

    def _whole(self, q: np.ndarray, gripper: np.ndarray) -> np.ndarray:
        whole = self._neutral.copy()
        whole[self._order] = np.concatenate([q, gripper])
        return whole

    def _name(self, index: int) -> str:
        thing = self._geometry.geometryObjects[index]
        return self._link(thing) if index < self._links else thing.name

    def _joint(self, index: int) -> int:
        return self._geometry.geometryObjects[index].parentJoint

    def _link(self, thing: object) -> str:
        return self._model.frames[thing.parentFrame].name


def derive_excludes(robot: Robot, samples: int = 500, seed: int = 0) -> list[tuple[str, str]]:
    """Pairs of links that may touch: neighbours, those that touch at home, and those that almost always touch.

    Args:
        robot: its own list is left out of account.
        samples: random joint values to try.
        seed: of chance.

    Raises:
        RobotError: a URDF or a mesh cannot be read.
    """
    collision = RobotCollision(dataclasses.replace(robot, collision_excludes=()))
    lower, upper = collision.limits()
    rng = np.random.default_rng(seed)
    counts: dict[tuple[str, str], int] = {}
    for joints in rng.uniform(lower, upper, (samples, len(lower))):
        for pair in collision.touching_pairs(joints):
            counts[pair] = counts.get(pair, 0) + 1
    always = {pair for pair, count in counts.items() if count >= ALWAYS * samples}
    home = np.concatenate([robot.arm.home_rad, open_gripper(robot)])
    return sorted(collision.neighbours() | always | collision.touching_pairs(home))


def open_gripper(robot: Robot) -> np.ndarray:
    """Joint values of the open gripper, in the order of `robot.gripper.joints`."""
    gripper = robot.gripper
    if hasattr(gripper, "open_rad"):
        return np.array([gripper.open_rad[name] for name in gripper.joints])
    return np.full(len(gripper.joints), gripper.opening_max_m / 2)


def write_excludes(robot: Robot) -> list[tuple[str, str]]:
    """Derives the excludes and puts them at the end of the robot's file, in place of those there.

    Returns:
        The pairs.

    Raises:
        RobotError: the file cannot be written.
    """
    pairs = derive_excludes(robot)
    lines = robot.file.read_text().splitlines()
    start = next((i for i, line in enumerate(lines) if line == COMMENT[0]), len(lines))
    if start == len(lines) and any(line.startswith("collision_excludes:") for line in lines):
        raise RobotError(f"{robot.file}: collision_excludes: was written by hand; take it out first")
    written = [*lines[:start], *COMMENT, "collision_excludes:", *(f"  - [{a}, {b}]" for a, b in pairs)]
    try:
        robot.file.write_text("\n".join(written) + "\n")
    except OSError as error:
        raise RobotError(f"{robot.file}: cannot be written ({error.strerror})") from error
    return pairs
