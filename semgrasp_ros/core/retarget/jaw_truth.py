"""Whether a parallel jaw holds an object whose whole surface is known: what retargeting is judged by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from semgrasp_ros.core.metrics.solid import Solid
from semgrasp_ros.core.retarget.jaw_collision import local_points, swept_hits
from semgrasp_ros.core.retarget.jaw_types import JawConfig, JawGrasp
from semgrasp_ros.core.retarget.robot_file import ParallelGripper

RAYS_ALONG_Y, RAYS_ALONG_Z = 5, 7
SKIN_M = 0.0015
SURFACE_SPACING_M = 0.003


@dataclass(frozen=True)
class TrueHold:
    """What the pads meet on the true surface.

    Attributes:
        reason: "" where it holds; otherwise "collides", "misses" or "slips".
        width_m: between the pads when both touch; nan where one meets nothing.
        antipodal_rad: the larger angle of the closing axis to the mean normal that a pad meets; pi / 2 where one meets
            nothing.
        faces: (K,) faces of the solid that the pads touch.
    """

    reason: str
    width_m: float
    antipodal_rad: float
    faces: np.ndarray

    @property
    def holds(self) -> bool:
        """The open gripper arrives without touching and closes on two walls within the friction cone."""
        return not self.reason


def true_hold(
    solid: Solid, grasp: JawGrasp, gripper: ParallelGripper, config: JawConfig | None = None
) -> TrueHold:
    """Judges a grasp on the object's whole surface.

    Rays over both pads find where each finger is stopped; points over the whole surface find what the open gripper
    sweeps over.

    Args:
        solid: the true object, in the frame of the grasp.
        grasp: to judge.
        gripper: of the robot.
        config: friction and the length of the approach.
    """
    config = replace(config or JawConfig(), margin_m=0.0)
    rotation = grasp.tool[:3, :3]
    tip = grasp.tool[:3, 3] + gripper.beyond_tool_m * rotation[:, 2]
    local = local_points(rotation[None], tip[None], _surface(solid))
    collides = bool(swept_hits(local, np.array([grasp.opening_m]), gripper, config)[0])
    y = np.linspace(-0.45, 0.45, RAYS_ALONG_Y) * gripper.finger_width_m
    z = np.linspace(-0.98, -0.02, RAYS_ALONG_Z) * gripper.pad_length_m
    grid = np.stack(np.meshgrid(y, z, indexing="ij"), axis=-1).reshape(-1, 2)
    stops, angles, touched = [], [], []
    for side in (1.0, -1.0):
        starts = tip + np.column_stack([np.full(len(grid), side * grasp.opening_m / 2), grid]) @ rotation.T
        distance, faces = solid.cast_rays(starts, np.tile(-side * rotation[:, 0], (len(grid), 1)))
        near = distance <= min(distance.min() + SKIN_M, grasp.opening_m)
        stops.append(distance.min())
        if near.any():
            normals = solid.face_normals[faces[near]]
            angles.append(float(np.arccos(np.clip((side * normals @ rotation[:, 0]).mean(), -1, 1))))
            touched.append(faces[near])
    met = len(angles) == 2
    width = grasp.opening_m - sum(stops) if met else np.nan
    worst = max(angles) if met else np.pi / 2
    failed = (("collides", collides), ("misses", not met), ("slips", worst > np.arctan(config.friction)))
    reason = next((name for name, true in failed if true), "")
    return TrueHold(reason, float(width), worst, np.concatenate(touched) if touched else np.zeros(0, int))


def _surface(solid: Solid) -> np.ndarray:
    """Points (N, 3) on the whole surface, so dense that no finger fits between."""
    corners = solid.vertices[solid.faces]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    points = [solid.vertices]
    steps = np.ceil(longest / SURFACE_SPACING_M).astype(int)
    for count in np.unique(steps[steps > 1]):
        a, b = (grid.ravel() for grid in np.meshgrid(*[np.arange(count + 1) / count] * 2, indexing="ij"))
        keep = a + b <= 1 + 1e-9
        weights = np.column_stack([1 - a - b, a, b])[keep]
        points.append(np.einsum("kw,fwc->fkc", weights, corners[steps == count]).reshape(-1, 3))
    return np.concatenate(points)
