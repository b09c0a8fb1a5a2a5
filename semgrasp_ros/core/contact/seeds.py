"""First guesses of grasps: the open hand put at many places of a part, turned as the part's shape suggests."""

from __future__ import annotations

import numpy as np
import torch
import trimesh

from semgrasp_ros.core.contact.preshape import Preshape

# Parts at least this much longer than wide are held across their length.
LONG = 1.6
TILT_RAD = 0.25


def seed_wrists(
    part: trimesh.Trimesh, preshape: Preshape, count: int, rng: np.random.Generator
) -> torch.Tensor:
    """Wrist transforms (count, 4, 4) in the object frame.

    Args:
        part: what of the part is on the object's outside.
        preshape: how the hand is open.
        count: how many.
        rng: source of chance.
    """
    points, faces = trimesh.sample.sample_surface(part, count, seed=int(rng.integers(2**31)))
    normals = part.face_normals[faces]
    axis, long = _long_axis(part)
    press = -normals
    along = np.broadcast_to(axis, press.shape) if long else rng.normal(size=press.shape)
    if preshape.free_turn and long:
        # Fingertips hold a long part from any side: across it or along it.
        along = np.where(rng.random((count, 1)) < 0.5, along, np.cross(press, along))
    along = along * rng.choice([-1.0, 1.0], size=(count, 1))
    turned = _frames(press, along) @ np.linalg.inv(
        _frames(preshape.press.numpy()[None], preshape.along.numpy()[None])
    )
    turned = _tilts(count, rng) @ turned
    anchor = preshape.anchor.numpy()
    depth = rng.uniform(0.0, 0.02, size=(count, 1))
    wrists = np.broadcast_to(np.eye(4), (count, 4, 4)).copy()
    wrists[:, :3, :3] = turned
    wrists[:, :3, 3] = points - normals * depth - turned @ anchor
    return torch.from_numpy(wrists).float()


def _long_axis(part: trimesh.Trimesh) -> tuple[np.ndarray, bool]:
    """The part's longest direction (3,), and whether it is long enough to matter."""
    points = part.triangles_center - np.average(part.triangles_center, axis=0, weights=part.area_faces)
    weighted = points * np.sqrt(part.area_faces)[:, None]
    _, deviations, directions = np.linalg.svd(weighted, full_matrices=False)
    return directions[0], bool(deviations[0] > LONG * deviations[1])


def _frames(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rotations (N, 3, 3) whose first column is `first`, the second as near to `second` as can be."""
    across = second - (second * first).sum(axis=1, keepdims=True) * first
    length = np.linalg.norm(across, axis=1, keepdims=True)
    # Parallel: any direction across will do.
    spare = np.cross(first, np.eye(3)[np.abs(first).argmin(axis=1)])
    across = np.where(length < 1e-3, spare, across)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.stack([first, across, np.cross(first, across)], axis=-1)


def _tilts(count: int, rng: np.random.Generator) -> np.ndarray:
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(rng.normal(scale=TILT_RAD / np.sqrt(3), size=(count, 3))).as_matrix()
