"""The Panda arm: its model from the `example-robot-data` wheel, and inverse kinematics on it."""

from __future__ import annotations

import functools
import sysconfig
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import mujoco
import numpy as np

ARM_JOINTS = tuple(f"panda_joint{i}" for i in range(1, 8))
FINGER_JOINTS = ("panda_finger_joint1", "panda_finger_joint2")
TOOL_BODY = "panda_hand_tcp"
BASE_FRAME = "panda_link0"
LARGEST_OPENING_M = 0.08

# Elbow bent, tool pointing down in front of the robot: a good start for inverse kinematics above the bin.
READY_RAD = np.array([0.0, 0.0, 0.0, -2.2, 0.0, 2.2, 0.785])
POSITION_GAIN = np.array([4500, 4500, 3500, 3500, 2000, 2000, 2000.0])
DAMPING_GAIN = POSITION_GAIN / 10
TORQUE_LIMIT_NM = np.array([87, 87, 87, 87, 12, 12, 12.0])
SPEED_LIMIT_RAD_S = np.array([2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61])
ACCELERATION_LIMIT_RAD_S2 = np.full(7, 12.0)

ARM_COLOUR = [0.93, 0.94, 0.95, 1.0]
HAND_COLOUR = [0.22, 0.25, 0.29, 1.0]


@functools.cache
def _urdf() -> str:
    folder = (
        Path(sysconfig.get_path("purelib")) / "cmeel.prefix/share/example-robot-data/robots/panda_description"
    )
    file = folder / "urdf/panda.urdf"
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing: install the wheel `example-robot-data`")
    root = ElementTree.parse(file).getroot()
    for link in root.findall("link"):
        for visual in link.findall(
            "visual"
        ):  # COLLADA, which MuJoCo does not read; the collision meshes are drawn
            link.remove(visual)
        for mesh in link.iter("mesh"):
            mesh.set(
                "filename",
                mesh.get("filename").replace(
                    "package://example-robot-data/robots/panda_description", str(folder)
                ),
            )
    extension = ElementTree.SubElement(root, "mujoco")
    ElementTree.SubElement(
        extension, "compiler", strippath="false", balanceinertia="true", fusestatic="false"
    )
    return ElementTree.tostring(root, encoding="unicode")


def arm_spec(finger_friction: float = 1.0, finger_force_n: float = 35.0) -> mujoco.MjSpec:
    """The arm with servos: position control with damping, gravity compensated, as its controller offers it.

    Only hand and fingers collide. One finger is driven and the other mirrors it, as in the real gripper.
    """
    spec = mujoco.MjSpec.from_string(_urdf())
    spec.compiler.discardvisual = False  # URDF's default would drop everything that does not collide
    for body in spec.bodies[1:]:
        body.gravcomp = 1.0
        for geom in body.geoms:
            geom.contype = geom.conaffinity = 0
            geom.group = 1
            geom.rgba = (
                HAND_COLOUR
                if body.name in ("panda_hand", "panda_leftfinger", "panda_rightfinger")
                else ARM_COLOUR
            )
    _let_hand_collide(spec, finger_friction)
    for i, name in enumerate(ARM_JOINTS):
        spec.joint(name).armature = 0.1
        servo = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
        servo.set_to_position(kp=POSITION_GAIN[i], kv=DAMPING_GAIN[i])
        servo.forcerange = [-TORQUE_LIMIT_NM[i], TORQUE_LIMIT_NM[i]]
        servo.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
    grip = spec.add_actuator(name="gripper", target=FINGER_JOINTS[0], trntype=mujoco.mjtTrn.mjTRN_JOINT)
    grip.set_to_position(kp=3000.0, kv=120.0)
    # The mirrored finger shares the force through the mimic constraint, hence twice the force of one.
    grip.forcerange = [-2 * finger_force_n, 2 * finger_force_n]
    grip.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
    for name in FINGER_JOINTS:
        # The gearing's inertia; without it the light fingers would sink into what they press on.
        spec.joint(name).armature = 0.6
        spec.joint(name).solref_limit = [0.006, 1.0]
    for equality in spec.equalities:
        equality.solref = [0.006, 1.0]
    return spec


def _let_hand_collide(spec: mujoco.MjSpec, finger_friction: float) -> None:
    spec.body("panda_hand").add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[0, 0, 0.035],
        size=[0.02, 0.1, 0.03],
        group=4,
        contype=1,
        conaffinity=1,
        mass=0,
    )
    for name in ("panda_leftfinger", "panda_rightfinger"):
        for geom in spec.body(name).geoms:
            geom.contype = geom.conaffinity = 1
            geom.condim = 4
            geom.friction = [finger_friction, 0.02, 0.0001]
            geom.solref = [0.006, 1.0]
            geom.priority = 1  # the fingertip's friction counts, whatever it touches
            geom.mass = 0


class InverseKinematics:
    """Damped least squares on the arm alone, with restarts."""

    def __init__(self) -> None:
        self._model = arm_spec().compile()
        self._data = mujoco.MjData(self._model)
        self._body = self._model.body(TOOL_BODY).id
        self._low, self._high = self._model.jnt_range[:7].T
        self._rng = np.random.default_rng(0)

    @property
    def limits_rad(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper joint limits, each (7,)."""
        return self._low, self._high

    def forward(self, joints_rad: np.ndarray) -> np.ndarray:
        """Pose of the tool centre point in the base frame, (4, 4)."""
        self._data.qpos[:7] = joints_rad
        mujoco.mj_kinematics(self._model, self._data)
        pose = np.eye(4)
        pose[:3, :3] = self._data.xmat[self._body].reshape(3, 3)
        pose[:3, 3] = self._data.xpos[self._body]
        return pose

    def solve(
        self, base_from_tcp: np.ndarray, start_rad: np.ndarray, restarts: int = 12
    ) -> np.ndarray | None:
        """Joint angles that reach a pose, near `start_rad` where possible.

        Args:
            base_from_tcp: (4, 4).
            start_rad: (7,) first guess.
            restarts: random starts to try after that.

        Returns:
            (7,) within the limits, or None when no start led there (0.5 mm, 0.005 rad).
        """
        start = np.asarray(start_rad, float)
        for _ in range(restarts + 1):
            found = self._descend(base_from_tcp, start.copy())
            if found is not None:
                return found
            start = np.clip(READY_RAD + self._rng.normal(scale=0.6, size=7), self._low, self._high)
        return None

    def _descend(self, goal: np.ndarray, joints: np.ndarray, iterations: int = 60) -> np.ndarray | None:
        jacobian = np.zeros((6, self._model.nv))
        for _ in range(iterations):
            self._data.qpos[:7] = joints
            mujoco.mj_kinematics(self._model, self._data)
            mujoco.mj_comPos(self._model, self._data)
            rotation = self._data.xmat[self._body].reshape(3, 3)
            error = np.concatenate(
                [goal[:3, 3] - self._data.xpos[self._body], _rotation_vector(goal[:3, :3] @ rotation.T)]
            )
            if np.linalg.norm(error[:3]) < 5e-4 and np.linalg.norm(error[3:]) < 5e-3:
                return joints
            mujoco.mj_jacBody(self._model, self._data, jacobian[:3], jacobian[3:], self._body)
            j = jacobian[:, :7]
            damping = 1e-4 + 0.05 * float(error @ error)
            joints = np.clip(
                joints + j.T @ np.linalg.solve(j @ j.T + damping * np.eye(6), error), self._low, self._high
            )
        return None


def _rotation_vector(rotation: np.ndarray) -> np.ndarray:
    quaternion, vector = np.empty(4), np.empty(3)
    mujoco.mju_mat2Quat(quaternion, rotation.ravel())
    mujoco.mju_quat2Vel(vector, quaternion, 1.0)
    return vector
