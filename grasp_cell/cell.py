"""The robot cell: everything a real one offers, and ground truth for scoring."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from grasp_cell import scene as layout
from grasp_cell.arm import (
    ARM_JOINTS,
    DAMPING_GAIN,
    FINGER_JOINTS,
    LARGEST_OPENING_M,
    POSITION_GAIN,
    READY_RAD,
    InverseKinematics,
)
from grasp_cell.cameras import Camera, Eye, Frame
from grasp_cell.config import CellConfig
from grasp_cell.library import open_library
from grasp_cell.trajectory import JointMotion
from grasp_cell.truth import GroundTruth
from grasp_cell.variation import vary_cameras, vary_looks

# A gripper that was told to close and stands open further than this has something between its fingers.
HOLDING_OPENING_M = 0.004
LIFT_M = 0.22
CLEARANCE_ABOVE_BIN_M = 0.24
HOOK_INTERVAL_S = 0.02
# After a trajectory, until joints that followed it are at rest.
SETTLE_S = 0.1


class CellBusyError(RuntimeError):
    """A motion was asked for that does not fit what the gripper holds."""


class _StopAskedError(Exception):
    """The caller of a motion wants it to stop."""


@dataclass
class GraspResult:
    """How a motion ended.

    Attributes:
        outcome: "ok", "empty", "unreachable", "cancelled" or "failed".
        message: for people.
        gripper_opening_m: between the fingers at the end.
    """

    outcome: str
    message: str
    gripper_opening_m: float


class Cell:
    """A Panda over a bin of objects.

    Not thread-safe; rendering happens in the thread that calls `reset_scene` first.

    Args:
        config: what lies in the bin and how it is seen.
    """

    def __init__(self, config: CellConfig) -> None:
        self.config = config
        self.library = open_library(config)
        self.cameras: dict[str, Camera] = layout.make_cameras(config)
        self.on_step: Callable[[], None] | None = None
        self._kinematics = InverseKinematics()
        self._rest = self._find_rest()
        self._rng = np.random.default_rng(config.seed)
        self._eye: Eye | None = None
        self._names: list[str] = []
        self._should_stop: Callable[[], bool] | None = None
        self._last_hook_s, self._last_pace_s = 0.0, 0.0
        # Time goes on when a new scene is loaded: a clock that jumps back would upset whoever listens to it.
        self._time_before_s = 0.0
        self.reset_scene()
        # OpenGL contexts that are still there at the interpreter's end make a noise.
        atexit.register(self.close)

    @property
    def scene_camera(self) -> Camera:
        """The camera over the bin."""
        return self.cameras["scene"]

    @property
    def held_camera(self) -> Camera:
        """The camera that sees what the gripper holds up."""
        return self.cameras["held"]

    @property
    def time_s(self) -> float:
        """Simulated time since the cell was made."""
        return self._time_before_s + self._data.time

    @property
    def gripper_opening_m(self) -> float:
        """Distance between the fingers, from their joint positions."""
        return float(self._data.qpos[self._finger_addresses].sum())

    @property
    def holding(self) -> bool:
        """Whether the closed gripper is kept from closing further by something."""
        return self._closed and self.gripper_opening_m > HOLDING_OPENING_M

    @property
    def ground_truth(self) -> GroundTruth:
        """Who is where. For scoring only: nothing that learns or acts may use it."""
        return GroundTruth(self._model, self._data, self._names, self._eye)

    def joint_state(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Names, positions [rad, m] and velocities of the arm's and the fingers' joints."""
        addresses = np.concatenate([self._arm_addresses, self._finger_addresses])
        speeds = np.concatenate([self._arm_speeds, self._finger_speeds])
        return (
            [*ARM_JOINTS, *FINGER_JOINTS],
            self._data.qpos[addresses].copy(),
            self._data.qvel[speeds].copy(),
        )

    def reset_scene(self, seed: int | None = None) -> None:
        """Puts other objects into the bin and lets them settle, the arm out of view."""
        rng = self._rng if seed is None else np.random.default_rng(seed)
        count = min(self.config.objects_per_scene, len(self.library.names))
        self._names = [str(name) for name in rng.choice(self.library.names, size=count, replace=False)]
        objects = [self.library.load(name) for name in self._names]
        if hasattr(self, "_data"):
            self._time_before_s += self._data.time
        if self.config.variation > 0:
            standard = layout.make_cameras(self.config)
            self.cameras = vary_cameras(standard, rng, self.config.variation)
        self._model = layout.build_scene(self.config, self.cameras, objects)
        if self.config.variation > 0:
            vary_looks(self._model, rng, self.config.variation)
        self._data = mujoco.MjData(self._model)
        self._last_hook_s = 0.0
        self._index_joints()
        if self._eye is not None:
            self._eye.close()
        self._eye = Eye(self._model, list(self.cameras.values()))
        self._data.qpos[self._arm_addresses] = self._rest
        self._command(self._rest, np.zeros(7))
        self._open_gripper()
        self._data.qpos[self._finger_addresses] = LARGEST_OPENING_M / 2
        self._drop_objects(rng)

    @property
    def model(self) -> mujoco.MjModel:
        """The physics of the scene; another one after each `reset_scene`."""
        return self._model

    @property
    def data(self) -> mujoco.MjData:
        """The state of the physics."""
        return self._data

    def object_address(self, name: str) -> int:
        """Where an object's pose begins in `data.qpos`: position [m] (3), quaternion w x y z (4)."""
        return int(self._object_addresses[self._names.index(name)])

    def scene_frame(self, depth: bool = True) -> Frame:
        """RGB and, unless it is not needed, depth of the bin."""
        return self._see("scene", depth)

    def held_frame(self) -> Frame:
        """RGB of the presentation place."""
        return self._see("held", depth=False)

    def overview_frame(self) -> Frame:
        """RGB of the whole cell, for people to look at."""
        return self._see("overview", depth=False)

    def _see(self, camera: str, depth: bool) -> Frame:
        frame = self._eye.see(self._data, camera, depth)
        frame.stamp_s = self.time_s
        return frame

    # Motions.

    def execute_grasp(
        self,
        base_from_tcp: np.ndarray,
        opening_m: float,
        approach_distance_m: float = 0.10,
        on_phase: Callable[[str], None] | None = None,
        should_stop: Callable[[], bool] | None = None,
    ) -> GraspResult:
        """Grasps at a pose, lifts, and shows what it holds to the held camera, out of the scene camera's view.

        Args:
            base_from_tcp: (4, 4), z along the approach, y along the closing direction.
            opening_m: between the fingers during the approach, 0 to 0.08.
            approach_distance_m: straight way to the grasp.
            on_phase: told "approaching", "closing", "lifting", "presenting" and "returning".
            should_stop: asked all the time; when it says so the arm stops, opens, and goes back.
        """
        phase = on_phase or (lambda _: None)
        if self.holding:
            raise CellBusyError("execute_grasp: the gripper holds an object; call release first")
        way = self._plan_grasp(base_from_tcp, approach_distance_m)
        if way is None:
            return GraspResult(
                "unreachable", "no joint configuration reaches the grasp", self.gripper_opening_m
            )
        above, before, grasp, lifted = way
        self._should_stop = should_stop
        try:
            phase("approaching")
            self._set_gripper(float(np.clip(opening_m, 0.0, LARGEST_OPENING_M)))
            self._move(above)
            self._move(before)
            self._move(grasp, slowness=2.0)
            self._wait(0.05)
            self._close_lift_and_show(lifted, phase)
        except _StopAskedError:
            return self._give_up(phase)
        finally:
            self._should_stop = None
        return self._held_or_empty()

    def _close_lift_and_show(self, lifted: np.ndarray, phase: Callable[[str], None]) -> None:
        phase("closing")
        self._close_gripper()
        self._wait(0.45)
        phase("lifting")
        self._move(lifted)
        phase("presenting" if self.holding else "returning")
        self._move(self._rest)
        self._wait(0.25)

    def _held_or_empty(self) -> GraspResult:
        if self.holding:
            return GraspResult("ok", "an object is held", self.gripper_opening_m)
        self._open_gripper()
        self._put_strays_back()
        return GraspResult(
            "empty", "the gripper closed on nothing or lost the object", self.gripper_opening_m
        )

    def tool_pose(self) -> np.ndarray:
        """Pose of the tool centre point in the base frame that the arm was last told to reach, (4, 4)."""
        return self._kinematics.forward(self._data.ctrl[:7].copy())

    def move_tool(self, base_from_tcp: np.ndarray) -> bool:
        """Moves the tool straight to a nearby pose; False when the arm cannot reach it, then it stays.

        Args:
            base_from_tcp: (4, 4), z along the approach, y along the closing direction.
        """
        joints = self._kinematics.solve(base_from_tcp, self._data.ctrl[:7].copy(), restarts=0)
        if joints is None:
            return False
        self._move(joints)
        return True

    def move_tool_from_rest(self, base_from_tcp: np.ndarray) -> bool:
        """Swings the open gripper from its resting place to a pose over the bin; False when it cannot be reached."""
        start = READY_RAD.copy()
        start[0] = np.arctan2(base_from_tcp[1, 3], base_from_tcp[0, 3])
        found = self._solve_either_way(base_from_tcp, start)
        if found is None:
            return False
        self._open_gripper()
        self._move(found[0])
        return True

    def close_and_lift(self) -> GraspResult:
        """Closes the gripper where it is, lifts, and shows what it holds, as `execute_grasp` ends."""
        here = self._data.ctrl[:7].copy()
        pose = self._kinematics.forward(here)
        pose[2, 3] += LIFT_M
        lifted = self._kinematics.solve(pose, here, restarts=2)
        self._close_lift_and_show(self._rest if lifted is None else lifted, lambda _: None)
        return self._held_or_empty()

    def _plan_grasp(self, base_from_tcp: np.ndarray, approach_distance_m: float) -> list[np.ndarray] | None:
        """Joint positions above the bin, before the grasp, at the grasp and after the lift."""
        before = base_from_tcp.copy()
        before[:3, 3] -= base_from_tcp[:3, 2] * approach_distance_m
        lifted = base_from_tcp.copy()
        lifted[2, 3] += LIFT_M
        start = READY_RAD.copy()
        start[0] = np.arctan2(base_from_tcp[1, 3], base_from_tcp[0, 3])
        at_grasp = self._solve_either_way(base_from_tcp, start)
        if at_grasp is None:
            return None
        grasp, flipped = at_grasp
        turn = np.diag([-1.0, -1.0, 1.0, 1.0]) if flipped else np.eye(4)
        joints_before = self._kinematics.solve(before @ turn, grasp, restarts=0)
        joints_lifted = self._kinematics.solve(lifted @ turn, grasp, restarts=0)
        if joints_before is None or joints_lifted is None:
            return None
        return [joints_lifted, joints_before, grasp, joints_lifted]

    def _solve_either_way(self, pose: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, bool] | None:
        """A jaw closes the same when turned by half a turn: takes the way that turns the wrist least."""
        solutions = []
        for flipped in (False, True):
            turn = np.diag([-1.0, -1.0, 1.0, 1.0]) if flipped else np.eye(4)
            joints = self._kinematics.solve(pose @ turn, start, restarts=2)
            if joints is not None:
                solutions.append((abs(joints[6] - self._rest[6]), joints, flipped))
        if not solutions:
            return None
        _, joints, flipped = min(solutions, key=lambda solution: solution[0])
        return joints, flipped

    def _give_up(self, phase: Callable[[str], None]) -> GraspResult:
        """Stops, goes up, lets go over the bin when something is held, and returns."""
        self._should_stop = None
        phase("returning")
        self._go_up()
        if self.holding:
            self.release()
        else:
            self._open_gripper()
            self._move(self._rest)
        return GraspResult(
            "cancelled", "stopped by request; the arm is back and the gripper open", self.gripper_opening_m
        )

    def present(self, wrist_angle_rad: float) -> GraspResult:
        """Turns the wrist by an angle from the pose in which `execute_grasp` ended.

        Raises:
            ValueError: the angle is beyond the wrist's limits.
        """
        low, high = self._kinematics.limits_rad
        goal = self._rest.copy()
        goal[6] += wrist_angle_rad
        if not low[6] <= goal[6] <= high[6]:
            raise ValueError(
                f"wrist_angle: {wrist_angle_rad:.2f} rad is out of reach; use {low[6] - self._rest[6]:.2f} to {high[6] - self._rest[6]:.2f}"
            )
        self._move(goal)
        self._wait(0.12)
        return GraspResult("ok" if self.holding else "empty", "", self.gripper_opening_m)

    def release(
        self, place_m: np.ndarray | None = None, on_phase: Callable[[str], None] | None = None
    ) -> GraspResult:
        """Puts what is held back into the bin and goes out of view.

        Args:
            place_m: (3,) tool centre point where to let go; None: somewhere over the bin.
        """
        phase = on_phase or (lambda _: None)
        if self.holding:
            phase("carrying")
            if not self._carry(place_m):
                return GraspResult(
                    "failed", "place: cannot be reached; the object is still held", self.gripper_opening_m
                )
            phase("opening")
        self._open_gripper()
        self._wait(0.25)
        phase("returning")
        self._go_up()
        self._move(self._rest)
        self._put_strays_back()
        return GraspResult("ok", "", self.gripper_opening_m)

    def _go_up(self) -> None:
        """Straight up until the bin's walls and objects are below, before the arm swings sideways."""
        here = self._data.qpos[self._arm_addresses].copy()
        pose = self._kinematics.forward(here)
        pose[2, 3] = max(pose[2, 3], CLEARANCE_ABOVE_BIN_M)
        up = self._kinematics.solve(pose, here, restarts=0)
        if up is not None:
            self._move(up)

    def _carry(self, place_m: np.ndarray | None) -> bool:
        margin = np.array([0.055, 0.055])
        for _ in range(10):
            half = layout.BIN_INSIDE_M / 2 - margin
            place = (
                place_m
                if place_m is not None
                else [*(layout.BIN_CENTRE_M + self._rng.uniform(-half, half)), 0.075]
            )
            yaw = self._rng.uniform(-np.pi / 2, np.pi / 2)
            pose = np.eye(4)
            pose[:3, :3] = np.array(
                [[np.cos(yaw), np.sin(yaw), 0], [np.sin(yaw), -np.cos(yaw), 0], [0, 0, -1]]
            )
            pose[:3, 3] = place
            way = self._plan_grasp(pose, 0.10)
            if way is not None:
                self._move(way[0])
                self._move(way[2])
                self._wait(0.1)
                return True
        return False

    def follow(
        self,
        joints: tuple[str, ...],
        times_s: np.ndarray,
        positions: np.ndarray,
        should_stop: Callable[[], bool] | None = None,
    ) -> GraspResult:
        """Moves the arm's or the fingers' joints along points in time, linear between them.

        Args:
            joints: ARM_JOINTS or FINGER_JOINTS, in any order.
            times_s: (T,) since the start, ascending.
            positions: (T, n) radians, of fingers metres.
            should_stop: asked all the time; when it says so the joints stay where they are.

        Raises:
            ValueError: the joints are others.
        """
        names = next((group for group in (ARM_JOINTS, FINGER_JOINTS) if set(group) == set(joints)), None)
        if names is None or len(joints) != len(names):
            raise ValueError(
                f"joint_names: {', '.join(joints)[:200]} are neither those of the arm nor of the fingers"
            )
        columns = positions[:, [joints.index(name) for name in names]]
        of_arm, began = names is ARM_JOINTS, self._data.time
        begin = self._data.ctrl[:7].copy() if of_arm else self._data.qpos[self._finger_addresses].copy()
        if times_s[0] > 0:
            times_s, columns = np.append(0.0, times_s), np.concatenate([begin[None], columns])
        self._should_stop = should_stop
        try:
            while (elapsed := self._data.time - began) < times_s[-1]:
                self._set_joints(of_arm, *_between(times_s, columns, elapsed))
                self._step()
            self._set_joints(of_arm, columns[-1], np.zeros(len(names)))
            self._wait(SETTLE_S)
        except _StopAskedError:
            here = self._data.qpos[self._arm_addresses if of_arm else self._finger_addresses].copy()
            self._set_joints(of_arm, here, np.zeros(len(names)))
            return GraspResult("cancelled", "stopped by request, where it was", self.gripper_opening_m)
        finally:
            self._should_stop = None
        if not of_arm:
            self._closed = bool(columns[-1].sum() < begin.sum())
        return GraspResult("ok", "", self.gripper_opening_m)

    # Physics.

    def _set_joints(self, of_arm: bool, position: np.ndarray, velocity: np.ndarray) -> None:
        if of_arm:
            self._command(position, velocity)
        else:
            self._data.ctrl[7] = position.mean()

    def _find_rest(self) -> np.ndarray:
        """Where the arm waits and where it shows what it holds: beside the bin, out of the scene camera's view."""
        pose = np.diag([-1.0, 1.0, -1.0, 1.0])
        pose[:3, 3] = layout.PRESENTED_M
        start = READY_RAD.copy()
        start[0], start[6] = np.arctan2(layout.PRESENTED_M[1], layout.PRESENTED_M[0]), -1.33
        return self._kinematics.solve(pose, start)

    def _index_joints(self) -> None:
        joint = self._model.joint
        self._arm_addresses = np.array([joint(name).qposadr[0] for name in ARM_JOINTS])
        self._finger_addresses = np.array([joint(name).qposadr[0] for name in FINGER_JOINTS])
        self._arm_speeds = np.array([joint(name).dofadr[0] for name in ARM_JOINTS])
        self._finger_speeds = np.array([joint(name).dofadr[0] for name in FINGER_JOINTS])
        self._object_addresses = [self._model.body(f"object:{name}").jntadr[0] for name in self._names]
        self._object_addresses = [self._model.jnt_qposadr[address] for address in self._object_addresses]

    def _drop_objects(self, rng: np.random.Generator) -> None:
        """Drops objects over the cells of a grid, a few at a time, so that they seldom lie on each other."""
        rows, columns = (2, 3) if len(self._names) <= 6 else (3, 4)
        cells = rng.permutation(rows * columns)[: len(self._names)]
        size = layout.BIN_INSIDE_M / [rows, columns]
        for cell, address in zip(cells, self._object_addresses, strict=True):
            corner = layout.BIN_CENTRE_M - layout.BIN_INSIDE_M / 2 + size * [cell // columns, cell % columns]
            place = corner + size * rng.uniform(0.42, 0.58, 2)
            self._place(address, np.array([*place, 0.085]), rng)
        self._settle(0.9)
        self._put_strays_back()

    def _place(self, address: int, position: np.ndarray, rng: np.random.Generator) -> None:
        quaternion = rng.normal(size=4)
        if rng.uniform() < 0.6:  # upright or on a side, turned about the vertical: as things lie
            yaw, tip = rng.uniform(0, 2 * np.pi), rng.choice([0.0, np.pi / 2, np.pi])
            about_z, about_x = (
                np.array([np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)]),
                np.array([np.cos(tip / 2), np.sin(tip / 2), 0, 0]),
            )
            mujoco.mju_mulQuat(quaternion, about_z, about_x)
        self._data.qpos[address : address + 3] = position
        self._data.qpos[address + 3 : address + 7] = quaternion / np.linalg.norm(quaternion)

    def _put_strays_back(self) -> None:
        """Objects that left the bin are dropped into it again, as an attendant would do."""
        for _ in range(3):
            strays = [address for address in self._object_addresses if not self._in_bin(address)]
            if not strays:
                return
            for i, address in enumerate(strays):
                speed = self._model.jnt_dofadr[np.where(self._model.jnt_qposadr == address)[0][0]]
                self._data.qvel[speed : speed + 6] = 0
                half = layout.BIN_INSIDE_M / 2 - 0.05
                place = layout.BIN_CENTRE_M + self._rng.uniform(-half, half)
                self._place(address, np.array([*place, 0.10 + 0.08 * i]), self._rng)
            self._settle(0.6)

    def _in_bin(self, address: int) -> bool:
        x, y, z = self._data.qpos[address : address + 3]
        inside = np.abs(np.array([x, y]) - layout.BIN_CENTRE_M) < layout.BIN_INSIDE_M / 2 + 0.01
        return bool(inside.all() and -0.01 < z < 0.2)

    def _settle(self, seconds: float) -> None:
        self._wait(seconds)
        self._data.qvel[:] = 0

    def _set_gripper(self, opening_m: float) -> None:
        self._data.ctrl[7] = opening_m / 2
        self._closed = False

    def _open_gripper(self) -> None:
        self._set_gripper(LARGEST_OPENING_M)

    def _close_gripper(self) -> None:
        # Further than shut: the servo pushes with its full force whatever the object's width.
        self._data.ctrl[7] = -0.03
        self._closed = True

    def _command(self, position: np.ndarray, velocity: np.ndarray) -> None:
        # The servo's damping acts on the joint's own speed; the second term takes out the lag that it causes.
        self._data.ctrl[:7] = position + velocity * DAMPING_GAIN / POSITION_GAIN

    def _move(self, goal: np.ndarray, slowness: float = 1.0) -> None:
        start = (self._data.ctrl[:7]).copy()
        motion = JointMotion(start, goal, shortest_s=0.15)
        began, duration = self._data.time, motion.duration_s * slowness
        while (elapsed := self._data.time - began) < duration:
            position, velocity = motion.at(elapsed / slowness)
            self._command(position, velocity / slowness)
            self._step()
        self._command(goal, np.zeros(7))

    def _wait(self, seconds: float) -> None:
        until = self._data.time + seconds
        while self._data.time < until:
            self._step()

    def idle(self, seconds: float) -> None:
        """Lets time pass with the arm at rest."""
        self._wait(seconds)

    def _step(self) -> None:
        mujoco.mj_step(self._model, self._data)
        if self._data.time - self._last_hook_s >= HOOK_INTERVAL_S:
            self._last_hook_s = self._data.time
            self._tell()

    def _tell(self) -> None:
        """Between steps: keeps pace with wall time, lets others publish, and stops when asked to."""
        if self.config.real_time_factor > 0:
            self._keep_pace()
        if self.on_step is not None:
            self.on_step()
        if self._should_stop is not None and self._should_stop():
            raise _StopAskedError

    def _keep_pace(self) -> None:
        ahead_s = HOOK_INTERVAL_S / self.config.real_time_factor - (time.monotonic() - self._last_pace_s)
        if ahead_s > 0:
            time.sleep(ahead_s)
        self._last_pace_s = time.monotonic()

    def close(self) -> None:
        """Frees the renderers."""
        atexit.unregister(self.close)
        if self._eye is not None:
            self._eye.close()
            self._eye = None


def _between(times_s: np.ndarray, points: np.ndarray, time_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Point (n,) and its rate of change at a time, linear between points (T, n)."""
    after = int(np.clip(np.searchsorted(times_s, time_s), 1, max(len(times_s) - 1, 1)))
    if len(times_s) == 1:
        return points[0], np.zeros(points.shape[1])
    rate = (points[after] - points[after - 1]) / (times_s[after] - times_s[after - 1])
    return points[after - 1] + rate * (time_s - times_s[after - 1]), rate
