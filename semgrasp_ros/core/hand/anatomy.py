"""What a mesh with bones does not say of a hand: axes of its joints, their limits, and which skin is which.

Everything here is derived from the resting surface and its skinning, so that it serves the open hand and MANO alike.
"""

from __future__ import annotations

import numpy as np

# MANO's order; three joints each after the wrist.
FINGERS = ("index", "middle", "little", "ring", "thumb")
REGIONS = ("thumb", "index", "middle", "ring", "little", "palm")
THUMB_BASE = 13
# A pad's normal is looked for within 45 degrees of where a right hand has it.
PAD_COSINE = 0.7


def hand_frame(joints: np.ndarray) -> np.ndarray:
    """Rotation (3, 3) into the frame of a right hand at rest.

    x from the wrist to the middle knuckle, y to the thumb's side, z out of the back of the hand.

    Args:
        joints: (16, 3) at rest, MANO's order.
    """
    x = joints[4] - joints[0]
    x = x / np.linalg.norm(x)
    z = np.cross(x, joints[1] - joints[7])
    z = z / np.linalg.norm(z)
    return np.stack([x, np.cross(z, x), z])


def anatomical_axes(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Axes (15, 3, 3) in the mesh's frame, rows: flexion (positive closes the hand), abduction and twist.

    A finger bends about the axis across its pad; the pad's normal is the thin direction of its last bone.

    Args:
        vertices: (V, 3) at rest.
        joints: (16, 3) at rest.
        weights: (V, 16).
    """
    frame = hand_frame(joints)
    axes = np.zeros((15, 3, 3))
    for finger, name in enumerate(FINGERS):
        first = 1 + 3 * finger
        points = vertices[weights[:, first + 2] > 0.5]
        tip = points[np.argmax((points - joints[first + 2]) @ (joints[first + 2] - joints[first + 1]))]
        # Palmward for fingers; a resting thumb's pad faces the palm and the index finger.
        palmward = np.array([0.0, 0.0, -1.0]) if name != "thumb" else np.array([0.3, -0.8, -0.5])
        pad = _pad_normal(points, tip - joints[first + 2], palmward @ frame)
        for joint in range(3):
            end = joints[first + joint + 1] if joint < 2 else tip
            along = (end - joints[first + joint]) / np.linalg.norm(end - joints[first + joint])
            flexion = np.cross(along, pad)
            flexion /= np.linalg.norm(flexion)
            axes[3 * finger + joint] = np.stack([flexion, np.cross(flexion, along), along])
    return axes


def _pad_normal(points: np.ndarray, along: np.ndarray, outward: np.ndarray) -> np.ndarray:
    along = along / np.linalg.norm(along)
    flat = points - points.mean(axis=0)
    flat = flat - np.outer(flat @ along, along)
    _, _, directions = np.linalg.svd(flat, full_matrices=False)
    normal = directions[1]  # of the two across the bone, the thin one
    normal = normal if normal @ outward > 0 else -normal
    expected = outward - (outward @ along) * along
    expected /= np.linalg.norm(expected)
    # Where few or uneven vertices make a round finger look thin sideways, anatomy knows better.
    return normal if normal @ expected > PAD_COSINE else expected


def joint_limits() -> np.ndarray:
    """Limits (15, 3, 2) in radians about the anatomical axes; rounded from clinical ranges of motion."""
    thumb = [
        [(-0.5, 0.9), (-0.7, 0.8), (-0.6, 0.9)],
        [(-0.3, 1.0), (-0.2, 0.2), (-0.2, 0.2)],
        [(-0.4, 1.4), (-0.05, 0.05), (-0.05, 0.05)],
    ]
    finger = [
        [(-0.35, 1.55), (-0.35, 0.35), (-0.15, 0.15)],
        [(-0.05, 1.85), (-0.05, 0.05), (-0.05, 0.05)],
        [(-0.1, 1.3), (-0.05, 0.05), (-0.05, 0.05)],
    ]
    return np.array([row for name in FINGERS for row in (thumb if name == "thumb" else finger)])


def regions(vertices: np.ndarray, normals: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Region (V,) of each vertex: index into REGIONS, -1 for the back of the hand and the wrist.

    The ball of the thumb counts as palm: it is what a power grip presses with.
    """
    frame = hand_frame(joints)
    bone = weights.argmax(axis=1)
    region = np.full(len(vertices), -1)
    for finger, name in enumerate(FINGERS):
        first = 1 + 3 * finger
        mine = (bone >= first) & (bone <= first + 2) & (bone != THUMB_BASE)
        region[mine] = REGIONS.index(name)
    ahead = (vertices - joints[0]) @ frame[0] > 0.01
    region[(normals @ frame[2] < -0.2) & ((bone == 0) | (bone == THUMB_BASE)) & ahead] = REGIONS.index("palm")
    return region


def finger_tips(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Vertex (5,) farthest along each last bone, fingers in MANO's order."""
    tips = []
    for last in (3, 6, 9, 12, 15):
        members = np.flatnonzero(weights[:, last] > 0.5)
        tips.append(
            members[np.argmax((vertices[members] - joints[last]) @ (joints[last] - joints[last - 1]))]
        )
    return np.array(tips)
