"""What a gripper of boxes meets on its straight way to a grasp and while it closes."""

from __future__ import annotations

import numpy as np

from semgrasp_ros.core.retarget.jaw_types import JawConfig
from semgrasp_ros.core.retarget.robot_file import ParallelGripper


def local_points(rotations: np.ndarray, tips: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (N, 3) in the S tool frames: (3, S, N), metres."""
    moved = np.einsum("sij,si->js", rotations, tips)
    return np.stack([rotations[:, :, axis] @ points.T - moved[axis][:, None] for axis in range(3)])


def swept_hits(
    local: np.ndarray, opening_m: np.ndarray, gripper: ParallelGripper, config: JawConfig
) -> np.ndarray:
    """How many points the open gripper sweeps over on its way: (S,).

    The motion is straight along z, so each swept box is the box made longer backwards.

    Args:
        local: (3, S, N) points in the tool frames.
        opening_m: (S,) between the fingers during the approach.
    """
    x, y, z, margin = np.abs(local[0]), np.abs(local[1]), local[2], config.margin_m
    inner = opening_m[:, None] / 2
    behind = -gripper.finger_length_m - gripper.palm_depth_m - config.approach_m
    fingers = (
        (x > inner)
        & (x < inner + gripper.finger_thickness_m + margin)
        & (y < gripper.finger_width_m / 2 + margin)
        & (z < margin)
    )
    palm = (
        (x < gripper.palm_width_m / 2 + margin)
        & (y < gripper.palm_thickness_m / 2 + margin)
        & (z < -gripper.finger_length_m + margin)
    )
    return ((fingers | palm) & (z > behind)).sum(axis=1)


def between_fingers(local: np.ndarray, opening_m: np.ndarray, gripper: ParallelGripper) -> np.ndarray:
    """Which points (S, N) lie between the open fingers, along their whole length: what closing meets."""
    return (
        (np.abs(local[0]) <= opening_m[:, None] / 2)
        & (np.abs(local[1]) < gripper.finger_width_m / 2)
        & (local[2] < 0)
        & (local[2] > -gripper.finger_length_m)
    )


def below_plane(
    rotations: np.ndarray,
    tips: np.ndarray,
    opening_m: np.ndarray,
    plane: np.ndarray,
    gripper: ParallelGripper,
    config: JawConfig,
) -> np.ndarray:
    """Whether a corner of the gripper is below the plane on its way: (S,) bool.

    Args:
        rotations: (S, 3, 3).
        tips: (S, 3).
        opening_m: (S,).
        plane: (4,) unit normal n (up) and d of n . p + d = 0.
    """
    x = opening_m / 2 + gripper.finger_thickness_m
    back = -gripper.finger_length_m
    boxes = (
        (x, gripper.finger_width_m / 2, (0.0, back)),
        (np.full_like(x, gripper.palm_width_m / 2), gripper.palm_thickness_m / 2, (back, back - gripper.palm_depth_m)),
    )  # fmt: skip
    lowest = np.full(len(tips), np.inf)
    up = rotations.transpose(0, 2, 1) @ plane[:3]
    for half_x, half_y, ends in boxes:
        for end in (*ends, ends[1] - config.approach_m):
            height = end * up[:, 2] - half_x * np.abs(up[:, 0]) - half_y * np.abs(up[:, 1])
            lowest = np.minimum(lowest, height)
    return lowest + tips @ plane[:3] + plane[3] < 0


def gripper_samples(
    rotations: np.ndarray,
    tips: np.ndarray,
    opening_m: np.ndarray,
    gripper: ParallelGripper,
    config: JawConfig,
) -> np.ndarray:
    """Places (S, K, 3) in fingers and palm, at the grasp and on the way to it."""
    fingers = [
        (side, side * thickness, y * gripper.finger_width_m / 2, -depth * gripper.finger_length_m)
        for side in (-1, 1)
        for thickness in (0.0, gripper.finger_thickness_m)
        for y in (-1, 1)
        for depth in (0.0, 0.25, 0.5, 0.75, 1.0)
    ]
    palm = [
        (0, x * gripper.palm_width_m, y * gripper.palm_thickness_m, -gripper.finger_length_m)
        for x in (-0.5, -0.25, 0.0, 0.25, 0.5)
        for y in (-0.5, 0.5)
    ]
    parts = np.array(fingers + palm)
    ways = np.concatenate([parts + (0, 0, 0, -way) for way in (0.0, config.approach_m / 2)])
    local = np.broadcast_to(ways[None, :, 1:], (len(tips), len(ways), 3)).copy()
    local[:, :, 0] += ways[None, :, 0] * opening_m[:, None] / 2
    return tips[:, None] + np.einsum("sij,skj->ski", rotations, local)
