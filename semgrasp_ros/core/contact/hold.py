"""Whether a fixed hand holds an object against gravity, in MuJoCo: to choose grasps, never to report displacement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import trimesh

from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.hand.rotations import matrix_from_vector

DURATION_S = 0.25
TIME_STEP_S = 0.0025
# The upper end of what is measured for finger tips: a fixed hand cannot squeeze, as a living one would (the paper's
# group takes 3 for the same reason).
FRICTION = 2.0
# Soft skin begins to press before a rigid surface would.
SOFTNESS_M = 0.002
MASS_KG = 0.3
# A hand closes a little further on what it holds; a fixed one cannot, so that some closures are tried.
CLOSURES_RAD = (0.0, 0.05, 0.1)


class HoldingTest:
    """One object, and a hand of sixteen convex bones that is put around it again and again.

    Args:
        hand: the hand; its bones have the shape of the mean hand.
        solids: convex pieces of the object, object frame, metres.
        centre_of_mass_m: (3,) in the object frame.
        closures_rad: how far the fingers are closed further, one try each.
    """

    def __init__(
        self,
        hand: HandModel,
        solids: Sequence[trimesh.Trimesh],
        centre_of_mass_m: np.ndarray,
        closures_rad: Sequence[float] = CLOSURES_RAD,
    ) -> None:
        import mujoco

        self._mujoco = mujoco
        self._hand = hand
        self._closures_rad = tuple(closures_rad)
        self._rest_joints = hand.joint_template
        spec = mujoco.MjSpec()
        spec.option.timestep = TIME_STEP_S
        body = spec.worldbody.add_body(name="object")
        body.add_freejoint()
        volumes = np.array([max(solid.volume, 1e-9) for solid in solids])
        for number, (solid, share) in enumerate(zip(solids, volumes / volumes.sum(), strict=True)):
            self._add_mesh(spec, body, f"solid{number}", solid.vertices, MASS_KG * share)
        for bone in range(16):
            mocap = spec.worldbody.add_body(name=f"bone{bone}", mocap=True)
            mine = hand.weights[:, bone] > 0.45
            points = (hand.template[mine] - self._rest_joints[bone]).numpy()
            self._add_mesh(spec, mocap, f"bone{bone}", points, 0.0)
        self._model = spec.compile()
        self._data = mujoco.MjData(self._model)
        self._centre = centre_of_mass_m

    @staticmethod
    def _add_mesh(spec: object, body: object, name: str, points: np.ndarray, mass: float) -> None:
        import mujoco

        hull = trimesh.convex.convex_hull(points)
        spec.add_mesh(
            name=name,
            uservert=np.asarray(hull.vertices, float).ravel(),
            userface=hull.faces.ravel(),
            maxhullvert=48,
        )
        hand = mass == 0.0
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=name,
            mass=mass,
            friction=[FRICTION, 0.02, 0.001],
            condim=4,
            margin=SOFTNESS_M if hand else 0.0,
            contype=2 if hand else 1,
            conaffinity=1 if hand else 0,
        )

    def displacement_m(
        self,
        wrist: torch.Tensor,
        joint_rotations: torch.Tensor,
        shape: torch.Tensor,
        gravity_m_s2: tuple[float, float, float] = (0.0, 0.0, -9.81),
    ) -> np.ndarray:
        """How far (B,) the centre of mass moves in a quarter of a second; free fall would be 0.31 m.

        The least over the closures of the fingers.

        Args:
            wrist: (B, 4, 4) object frame.
            joint_rotations: (B, 15, 3) radians.
            shape: (B, 10).
            gravity_m_s2: in the object frame.
        """
        self._model.opt.gravity[:] = gravity_m_s2
        with torch.no_grad():
            angles = self._hand.angles_from_rotations(joint_rotations)
            flexion = torch.tensor([1.0, 0.0, 0.0])
            moved = [
                self._drops(wrist, self._hand.rotations_from_angles(angles + closure * flexion), shape)
                for closure in self._closures_rad
            ]
        return np.min(moved, axis=0)

    def _drops(self, wrist: torch.Tensor, joint_rotations: torch.Tensor, shape: torch.Tensor) -> np.ndarray:
        rest = self._rest_joints + torch.einsum("jcs,bs->bjc", self._hand.joint_directions, shape)
        turned, placed = self._hand.bone_poses(wrist, matrix_from_vector(joint_rotations), rest)
        return np.array(
            [
                self._drop(rotation, position)
                for rotation, position in zip(turned.numpy(), placed.numpy(), strict=True)
            ]
        )

    def _drop(self, rotations: np.ndarray, positions: np.ndarray) -> float:
        mujoco, data = self._mujoco, self._data
        mujoco.mj_resetData(self._model, data)
        quaternion = np.zeros(4)
        for bone in range(16):
            mujoco.mju_mat2Quat(quaternion, rotations[bone].astype(float).ravel())
            data.mocap_quat[bone], data.mocap_pos[bone] = quaternion, positions[bone]
        for _ in range(int(DURATION_S / TIME_STEP_S)):
            mujoco.mj_step(self._model, data)
        turn = data.xmat[self._model.body("object").id].reshape(3, 3)
        moved = data.qpos[:3] + turn @ self._centre - self._centre
        return float(np.linalg.norm(moved))
