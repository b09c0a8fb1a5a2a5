"""A robot arm that grasps household objects: scene, depth image, and motions executed by physics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from grasp_cell.arm_config import ArmCellConfig
from grasp_cell.arm_contacts import ContactLog, ContactReader
from grasp_cell.arm_model import JAW_STIFFNESS_N_M, SERVO_LAG_S, gripper_bodies, robot_spec
from grasp_cell.arm_scene import DEPTH_CAMERA, OVERVIEW, build_arm_scene, make_arm_cameras, object_name
from grasp_cell.cameras import Camera, Eye, Frame
from grasp_cell.depth_noise import noisy_depth
from grasp_cell.household_scene import Placed, place
from semgrasp_ros.core.data.household import HouseholdObject
from semgrasp_ros.core.retarget.collision import open_gripper
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.robot_file import ParallelGripper, Robot
from semgrasp_ros.core.retarget.trajectory import JointTrajectory

STILL_M_S, STILL_RAD_S = 0.005, 0.05
LEAST_SETTLE_S = 0.4
PRESHAPE_S = 0.6
# Joints that shake while the object is held, counted from the base, each a little faster than the one before.
SHAKING = (0, 3, 5)
PHASES = ("reach", "approach", "grasp", "lift")


class CellError(RuntimeError):
    """The cell was used in the wrong order; the text says what to do first."""


@dataclass(frozen=True)
class View:
    """What the depth camera sees.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth_m: (H, W) float32, noisy, NaN without a measurement.
        camera: with intrinsics and pose in the base frame.
    """

    rgb: np.ndarray
    depth_m: np.ndarray
    camera: Camera


class ArmCell:
    """One robot and its table. Bound to the thread that made it, as OpenGL contexts are.

    Args:
        robot: from `load_robot`.
        config: of physics and camera.
    """

    def __init__(self, robot: Robot, config: ArmCellConfig | None = None) -> None:
        self.robot, self.config = robot, config or ArmCellConfig()
        arm = ArmKinematics(robot)
        home = arm.forward(np.array(robot.arm.home_rad))
        outward = home[:2, 3] / np.linalg.norm(home[:2, 3])
        self.middle_m = outward * self.config.work_m
        self.start_rad = self._raised(arm, home, outward)
        self.cameras = make_arm_cameras(self.middle_m, self.config)
        spec = robot_spec(robot, self.config)
        self._gripper_bodies = gripper_bodies(spec, robot)
        self._robot_bodies = {body.name for body in spec.bodies[1:]}
        self._eye: Eye | None = None
        self._model: mujoco.MjModel | None = None
        self._data: mujoco.MjData | None = None
        self.placed: list[Placed] = []

    def _raised(self, arm: ArmKinematics, home: np.ndarray, outward: np.ndarray) -> np.ndarray:
        """Joints (n,) that hold the open gripper out of the camera's sight and off tall objects."""
        goal = home.copy()
        goal[:2, 3] -= self.config.start_back_m * outward
        goal[2, 3] += self.config.start_up_m
        found = arm.solve(goal, np.array(self.robot.arm.home_rad))
        if not found.converged:
            raise CellError(
                f"start_up_m {self.config.start_up_m}, start_back_m {self.config.start_back_m}: {self.robot.name}"
                f" cannot stand there ({found.reason}); lower them"
            )
        return found.q

    def reset(self, things: Sequence[HouseholdObject], seed: int) -> None:
        """Puts objects on the table, lets them fall and come to rest; the arm stands raised, the gripper open.

        Args:
            things: the first is the one to be grasped.
            seed: of places and colours; same seed, same scene.

        Raises:
            NoRoomError: an object has no place.
        """
        rng = np.random.default_rng(seed)
        self.set_up(place(things, self.middle_m, self.config, rng), rng)

    def set_up(self, placed: Sequence[Placed], rng: np.random.Generator | None = None) -> None:
        """As `reset`, with objects at given poses."""
        rng = rng or np.random.default_rng(0)
        self.close()
        self.placed = list(placed)
        self._model = build_arm_scene(self.robot, self.placed, self.cameras, self.config, rng)
        self._data = mujoco.MjData(self._model)
        self._arm = [self._model.joint(name).qposadr[0] for name in self.robot.arm.joints]
        self._fingers = [self._model.joint(name).qposadr[0] for name in self.robot.gripper.joints]
        self._noise = np.random.default_rng(rng.integers(2**31))
        self._data.qpos[self._arm] = self.start_rad
        self._data.qpos[self._fingers] = open_gripper(self.robot)
        self._command(self.start_rad, open_gripper(self.robot))
        self._settle()

    @property
    def q_now(self) -> np.ndarray:
        """Joints (n,) of the arm, radians."""
        return self._ready().qpos[self._arm].copy()

    @property
    def gripper_now(self) -> np.ndarray:
        """Joints (m,) of the gripper, in the order of the robot's file."""
        return self._ready().qpos[self._fingers].copy()

    def view(self) -> View:
        """The depth camera's image, with its noise."""
        frame = self._look().see(self._ready(), DEPTH_CAMERA, depth=True)
        depth = noisy_depth(frame.depth_m, self.config, self._noise)
        return View(frame.rgb, depth, self.cameras[DEPTH_CAMERA])

    def mask(self, index: int = 0) -> np.ndarray:
        """Pixels (H, W) bool of the depth camera's image that show an object: a crop that a person would draw.

        Ground truth: it stands for the detection of the object, never for its parts.
        """
        bodies = self._look().bodies(self._ready(), DEPTH_CAMERA)
        return bodies == self._model.body(object_name(index)).id

    def picture(self) -> Frame:
        """A picture of the whole cell for people."""
        return self._look().see(self._ready(), OVERVIEW, depth=False)

    def true_pose(self, index: int = 0) -> np.ndarray:
        """Pose (4, 4) of an object in the base frame. Ground truth: for scoring and oracles only."""
        body = self._ready().body(object_name(index))
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = body.xmat.reshape(3, 3), body.xpos
        return pose

    def execute(self, phases: dict[str, JointTrajectory], after: object = None) -> ContactLog:
        """Does a planned grasp, holds the object and shakes it.

        A parallel jaw closes until its force is reached, whatever width was planned, as such grippers' own controllers
        do; a hand's joints go where they are sent.

        Args:
            phases: of `GraspPlan`: "reach", "approach", "grasp" (of the gripper's joints), "lift".
            after: called with the phase's name after each phase, "shape" among them; for pictures.

        Raises:
            ValueError: a phase is missing.
        """
        missing = [name for name in PHASES if name not in phases]
        if missing:
            raise ValueError(f"phases: {missing[0]!r} is missing; give {', '.join(PHASES)}")
        run = _Run(self)
        closing = phases["grasp"]
        opened = closing.positions[0]
        if isinstance(self.robot.gripper, ParallelGripper):
            # Sent so far beyond closed that its servo presses with all its force, however thin the object.
            beyond = self.config.grip_force_n / JAW_STIFFNESS_N_M
            closed = np.full_like(opened, self.robot.gripper.opening_min_m / 2 - beyond)
            closing = _ramp(opened, closed, closing.duration_s)
        steps = (
            ("shape", lambda: run.fingers("shape", _ramp(self.gripper_now, opened, PRESHAPE_S))),
            ("reach", lambda: run.arm("reach", phases["reach"])),
            ("approach", lambda: run.arm("approach", phases["approach"])),
            ("grasp", lambda: run.close(closing)),
            ("lift", lambda: run.arm("lift", phases["lift"])),
            ("hold", run.shake),
        )
        for name, step in steps:
            step()
            if after is not None:
                after(name)
        return run.log

    def close(self) -> None:
        """Frees the OpenGL context."""
        if self._eye is not None:
            self._eye.close()
            self._eye = None

    def _ready(self) -> mujoco.MjData:
        if self._data is None:
            raise CellError("the cell is empty; call reset() with objects first")
        return self._data

    def _look(self) -> Eye:
        self._ready()
        if self._eye is None:
            self._eye = Eye(self._model, list(self.cameras.values()))
        return self._eye

    def _command(self, arm: np.ndarray | None, fingers: np.ndarray | None) -> None:
        count = len(self.robot.arm.joints)
        if arm is not None:
            self._data.ctrl[:count] = arm
        if fingers is not None:
            # A jaw's second finger follows the first.
            self._data.ctrl[count:] = fingers[: self._model.nu - count]

    def _settle(self) -> None:
        while self._data.time < self.config.settle_s:
            mujoco.mj_step(self._model, self._data)
            if self._data.time > LEAST_SETTLE_S and self._still():
                return

    def _still(self) -> bool:
        for index in range(len(self.placed)):
            joint = self._model.joint(object_name(index)).dofadr[0]
            speed = self._data.qvel[joint : joint + 6]
            if np.linalg.norm(speed[:3]) > STILL_M_S or np.linalg.norm(speed[3:]) > STILL_RAD_S:
                return False
        return True


class _Run:
    """One execution: steps the physics and logs contacts."""

    def __init__(self, cell: ArmCell) -> None:
        self._cell, self._model, self._data = cell, cell._model, cell._data
        self._reader = ContactReader(self._model, object_name(0), cell._gripper_bodies, cell._robot_bodies)
        self._body = self._model.body(object_name(0)).id
        self._rest = self._data.xipos[self._body].copy()
        self._every = max(int(round(cell.config.sample_s / cell.config.timestep_s)), 1)
        self._count = 0
        self._closing = False
        self.log = ContactLog()

    def arm(self, phase: str, motion: JointTrajectory) -> None:
        """Follows a motion of the arm; commands lead by the servos' lag."""
        began = self._data.time
        while self._data.time - began < motion.duration_s + self._cell.config.settle_phase_s:
            self._cell._command(motion.at(self._data.time - began + SERVO_LAG_S), None)
            self._step(phase)

    def fingers(self, phase: str, motion: JointTrajectory) -> None:
        """Follows a motion of the gripper."""
        began = self._data.time
        while self._data.time - began < motion.duration_s:
            self._cell._command(None, motion.at(self._data.time - began))
            self._step(phase)

    def close(self, motion: JointTrajectory) -> None:
        """Closes the gripper and lets it press."""
        self._closing = True
        self.fingers("grasp", motion)
        began = self._data.time
        while self._data.time - began < self._cell.config.settle_phase_s:
            self._step("closed")

    def shake(self) -> None:
        """Swings some joints about where they are."""
        config, began = self._cell.config, self._data.time
        middle = self._data.ctrl[: len(self._cell.robot.arm.joints)].copy()
        while (passed := self._data.time - began) < config.hold_s:
            # Swells and fades, so that the arm neither starts nor stops with a jerk.
            size = config.shake_rad * np.sin(np.pi * passed / config.hold_s)
            goal = middle.copy()
            for number, joint in enumerate(SHAKING):
                goal[joint] += size * np.sin(2 * np.pi * config.shake_hz * (1 + 0.15 * number) * passed)
            self._cell._command(goal, None)
            self._step("hold")

    def _step(self, phase: str) -> None:
        mujoco.mj_step(self._model, self._data)
        self._count += 1
        if self._count % self._every:
            return
        moment, others = self._reader.read(self._data, phase, self._rest[2])
        self.log.moments.append(moment)
        for name in others:
            self.log.knocked.setdefault("table" if name == "world" else name, phase)
        if not self._closing:
            moved = float(np.linalg.norm(self._data.xipos[self._body] - self._rest))
            self.log.moved_before_closing_m = max(self.log.moved_before_closing_m, moved)


def _ramp(start: np.ndarray, end: np.ndarray, duration_s: float) -> JointTrajectory:
    """A straight, smooth motion from rest to rest."""
    times = np.linspace(0, duration_s, 25)
    share = times / duration_s
    shape, slope = 3 * share**2 - 2 * share**3, 6 * share * (1 - share) / duration_s
    names = tuple(map(str, range(len(start))))
    way = end - start
    return JointTrajectory(
        names, times, start + shape[:, None] * way, slope[:, None] * way, np.zeros((len(times), len(start)))
    )
