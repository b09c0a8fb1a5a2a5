"""The hand as a function: wrist, joint rotations and shape in; surface, joints and keypoints out.

Linear blend skinning as in MANO (Romero et al. 2017, "Embodied Hands", section 3), differentiable and in batches.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from semgrasp_ros.core.hand.anatomy import hand_frame
from semgrasp_ros.core.hand.rotations import matrix_from_vector

JOINTS = 15
SHAPES = 10
# From MANO's order (wrist, index, middle, little, ring, thumb; tips after) to the 21 keypoints of MediaPipe.
KEYPOINTS = (0, 13, 14, 15, 20, 1, 2, 3, 16, 4, 5, 6, 17, 10, 11, 12, 19, 7, 8, 9, 18)


@dataclass(frozen=True)
class HandArrays:
    """What a hand consists of; layout of a MANO file, and what such a file lacks.

    Attributes:
        template: (V, 3) vertices at rest, wrist at the origin, metres.
        shape_directions: (V, 3, 10) metres per unit of shape.
        pose_directions: (V, 3, 135) metres per entry of (R - 1) of the 15 joints, or None.
        joint_regressor: (16, V) joints from shaped vertices.
        weights: (V, 16) skinning weights, rows sum to one.
        faces: (F, 3) of the closed surface, counter-clockwise from outside.
        parents: 16 indices, -1 for the wrist.
        axes: (15, 3, 3) anatomical axes, rows flexion, abduction, twist.
        limits: (15, 3, 2) radians about these axes.
        regions: (V,) 0-4 thumb, index, middle, ring, little; 5 palm; -1 none.
        tips: (5,) vertices at the finger tips, in MANO's order of fingers.
        source: for messages: where it is from.
    """

    template: torch.Tensor
    shape_directions: torch.Tensor
    pose_directions: torch.Tensor | None
    joint_regressor: torch.Tensor
    weights: torch.Tensor
    faces: torch.Tensor
    parents: tuple[int, ...]
    axes: torch.Tensor
    limits: torch.Tensor
    regions: torch.Tensor
    tips: torch.Tensor
    source: str


@dataclass(frozen=True)
class HandSurface:
    """A posed hand; metres, in the frame that the wrist is given in.

    Attributes:
        vertices: (B, V, 3).
        joints: (B, 16, 3), MANO's order.
        keypoints: (B, 21, 3), MediaPipe's order: wrist, then thumb to little finger from knuckle to tip.
    """

    vertices: torch.Tensor
    joints: torch.Tensor
    keypoints: torch.Tensor


def _frame(joints: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(hand_frame(joints.double().cpu().numpy())).to(joints)


class HandModel(nn.Module):
    """Wrist T in SE(3), 15 rotations and 10 shape values to a surface.

    Args:
        arrays: of an open hand or of a MANO file, as `load_hand` reads them.

    Attributes:
        frame: (3, 3) rotation from the resting mesh's axes into those of a right hand: x from the wrist to the
            middle knuckle, y to the thumb's side, z out of the back. The open hand rests in them (frame is near the
            identity), MANO does not: a direction v of the right hand is `v @ frame` in the mesh's axes.
        joint_template: (16, 3) joints at rest, mean shape.
        joint_directions: (16, 3, 10) metres per unit of shape.
    """

    def __init__(self, arrays: HandArrays) -> None:
        super().__init__()
        self.source = arrays.source
        self.parents = arrays.parents
        for name in ("template", "shape_directions", "joint_regressor", "weights", "axes", "limits"):
            self.register_buffer(name, getattr(arrays, name), persistent=False)
        for name in ("faces", "regions", "tips"):
            self.register_buffer(name, getattr(arrays, name).long(), persistent=False)
        self.register_buffer("pose_directions", arrays.pose_directions, persistent=False)
        # Joints are linear in the shape: no need for the whole surface.
        self.register_buffer("joint_template", self.joint_regressor @ self.template, persistent=False)
        self.register_buffer(
            "joint_directions",
            torch.einsum("jv,vcs->jcs", self.joint_regressor, self.shape_directions),
            persistent=False,
        )
        self.register_buffer("frame", _frame(self.joint_template), persistent=False)

    def forward(self, wrist: torch.Tensor, joint_rotations: torch.Tensor, shape: torch.Tensor) -> HandSurface:
        """Poses the hand.

        Args:
            wrist: (B, 4, 4) from the resting mesh's frame to the wanted one, metres. That frame's origin is the wrist
                joint of the mean hand; with the shape the joint moves away from it by millimetres.
            joint_rotations: (B, 15, 3) rotation vectors, radians, in the resting hand's axes, MANO's order.
            shape: (B, 10).

        Raises:
            ValueError: shapes do not fit.
        """
        vertices, joints = self._pose(wrist, joint_rotations, shape, None)
        tips = vertices[:, self.tips]
        return HandSurface(vertices, joints, torch.cat([joints, tips], dim=1)[:, list(KEYPOINTS)])

    def some_vertices(
        self, wrist: torch.Tensor, joint_rotations: torch.Tensor, shape: torch.Tensor, which: torch.Tensor
    ) -> torch.Tensor:
        """Only the vertices `which` (K,) of the posed hand: (B, K, 3). Much cheaper than all."""
        return self._pose(wrist, joint_rotations, shape, which)[0]

    def _pose(
        self,
        wrist: torch.Tensor,
        joint_rotations: torch.Tensor,
        shape: torch.Tensor,
        which: torch.Tensor | None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        self._check(wrist, joint_rotations, shape)
        template, directions, weights, correctives = (
            array if which is None or array is None else array[which]
            for array in (self.template, self.shape_directions, self.weights, self.pose_directions)
        )
        rotations = matrix_from_vector(joint_rotations)
        shaped = template + torch.einsum("vcs,bs->bvc", directions, shape)
        if correctives is not None:
            change = (rotations - torch.eye(3, dtype=rotations.dtype, device=rotations.device)).flatten(1)
            shaped = shaped + torch.einsum("vcp,bp->bvc", correctives, change)
        rest = self.joint_template + torch.einsum("jcs,bs->bjc", self.joint_directions, shape)
        turned, joints = self.bone_poses(wrist, rotations, rest)
        # Every vertex moves with the weighted mean of its bones' motions.
        offsets = joints - torch.einsum("bjcd,bjd->bjc", turned, rest)
        blended = torch.einsum("vj,bjk->bvk", weights, torch.cat([turned.flatten(2), offsets], dim=-1))
        moved = torch.einsum("bvcd,bvd->bvc", blended[..., :9].unflatten(-1, (3, 3)), shaped)
        return moved + blended[..., 9:], joints

    def bone_poses(
        self, wrist: torch.Tensor, rotations: torch.Tensor, rest: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Rotations (B, 16, 3, 3) and positions (B, 16, 3) of all joints along the kinematic tree.

        Args:
            wrist: (B, 4, 4).
            rotations: (B, 15, 3, 3) of the joints.
            rest: (B, 16, 3) joints of the shaped hand at rest.
        """
        turned, placed = (
            [wrist[:, :3, :3]],
            [torch.einsum("bcd,bd->bc", wrist[:, :3, :3], rest[:, 0]) + wrist[:, :3, 3]],
        )
        for joint in range(1, JOINTS + 1):
            parent = self.parents[joint]
            step = (rest[:, joint] - rest[:, parent])[..., None]
            placed.append(placed[parent] + (turned[parent] @ step)[..., 0])
            turned.append(turned[parent] @ rotations[:, joint - 1])
        return torch.stack(turned, dim=1), torch.stack(placed, dim=1)

    @staticmethod
    def _check(wrist: torch.Tensor, joint_rotations: torch.Tensor, shape: torch.Tensor) -> None:
        batch = len(wrist)
        for name, value, wanted in (
            ("wrist", wrist, (batch, 4, 4)),
            ("joint_rotations", joint_rotations, (batch, JOINTS, 3)),
            ("shape", shape, (batch, SHAPES)),
        ):
            if tuple(value.shape) != wanted:
                raise ValueError(f"{name}: shape {tuple(value.shape)} does not fit; use {wanted}")

    def rotations_from_angles(self, angles: torch.Tensor) -> torch.Tensor:
        """Rotation vectors (B, 15, 3) of angles (B, 15, 3) about the anatomical axes (flexion, abduction, twist)."""
        return torch.einsum("bja,jac->bjc", angles, self.axes)

    def angles_from_rotations(self, joint_rotations: torch.Tensor) -> torch.Tensor:
        """Angles (B, 15, 3) about the anatomical axes; inverse of `rotations_from_angles`."""
        return torch.einsum("bjc,jac->bja", joint_rotations, self.axes)

    def beyond_limits(self, joint_rotations: torch.Tensor) -> torch.Tensor:
        """By how many radians (B, 15, 3) the angles are outside the joint limits; zero inside."""
        angles = self.angles_from_rotations(joint_rotations)
        return (angles - self.limits[..., 1]).clamp_min(0) + (self.limits[..., 0] - angles).clamp_min(0)

    def region_vertices(self, region: int) -> torch.Tensor:
        """Vertices (K,) of one region: 0-4 thumb to little finger, 5 palm."""
        return torch.nonzero(self.regions == region)[:, 0]
