"""The frame in which the model sees an object: upright, its origin in the middle, as in training."""

from __future__ import annotations

import numpy as np

from semgrasp_ros.core.cloud.object_cloud import ObjectCloud


def upright_pose(cloud: ObjectCloud) -> np.ndarray:
    """Pose (4, 4) of the upright frame in the cloud's frame: z against gravity, origin amid the bounding box.

    Where up is not known the cloud's own axes are kept. The middle also keeps float32 exact for things that are
    kilometres from the frame's origin.
    """
    pose = np.eye(4)
    if cloud.up is not None:
        pose[:3, :3] = _axes_with_z(cloud.up)
    turned = cloud.points @ pose[:3, :3]
    pose[:3, 3] = pose[:3, :3] @ ((turned.min(axis=0) + turned.max(axis=0)) / 2)
    return pose


def _axes_with_z(up: np.ndarray) -> np.ndarray:
    z = up / np.linalg.norm(up)
    # The axis least along z gives a well-defined x, and for z = up of the frame the frame itself.
    helper = np.array([1.0, 0.0, 0.0]) if abs(z[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    x = helper - (helper @ z) * z
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


def into(pose: np.ndarray, cloud: ObjectCloud) -> tuple[np.ndarray, np.ndarray | None]:
    """Points (N, 3) and normals (N, 3) or None, float32, as seen in the frame whose pose (4, 4) is given."""
    points = (cloud.points - pose[:3, 3]) @ pose[:3, :3]
    normals = None if cloud.normals is None else (cloud.normals @ pose[:3, :3]).astype(np.float32)
    return points.astype(np.float32), normals


def out_of(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points (N, 3) of the frame whose pose (4, 4) is given, in the frame it is given in; float64."""
    return points @ pose[:3, :3].T + pose[:3, 3]
