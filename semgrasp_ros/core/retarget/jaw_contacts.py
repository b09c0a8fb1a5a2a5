"""Where a human hand touches an object: two opposing patches, a frame between them, the unseen side estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from semgrasp_ros.core.retarget.jaw_types import NoJawGraspError

THUMB, PALM = 0, 5
FEWEST_POINTS = 5
PATCH_M = 0.06
PROBE_M, MOST_PROBES, OPPOSED_COSINE = 0.006, 100, -0.7
INNER_SHARE = 0.15


@dataclass(frozen=True)
class HumanContacts:
    """The human grasp in a frame of its own.

    Attributes:
        frame: (4, 4) from the human frame to that of the points: origin between the patches, x from the fingers' patch
            to the thumb's, z the human approach made orthogonal to x.
        approach: (3,) from the wrist to the contacts, in the human frame.
        gap_m: between the two patches.
        touching: (N,) bool, the points in contact.
        mirrored: points (M, 3) and normals (M, 3) of the unseen side, estimated, in the frame of the points.
    """

    frame: np.ndarray
    approach: np.ndarray
    gap_m: float
    touching: np.ndarray
    mirrored: tuple[np.ndarray, np.ndarray]


def human_contacts(
    vertices: np.ndarray,
    regions: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    touch_m: float,
    wrist: np.ndarray | None = None,
) -> HumanContacts:
    """The two sides of a human grasp: thumb against fingers, or palm against fingers where the thumb is away.

    A camera sees one side. Where one side has too few contact points, or little behind the touched points faces away,
    the hand itself bears witness: the inner skin of thumb (or palm) and of fingers stands where the surface must be. The
    points near the grasp are reflected in the point halfway between both, with their normals: exact for what is
    locally symmetric there, such as handles, rods and boxes; elsewhere an estimate of the thickness.

    Args:
        vertices: (V, 3) of the hand, metres.
        regions: (V,) 0-4 thumb to little finger, 5 palm, -1 none.
        points: (N, 3) of the object.
        normals: (N, 3) outward.
        touch_m: how near a point in contact is to the skin.
        wrist: (3,); by default the vertices of no region that are farthest from the fingers.

    Raises:
        NoJawGraspError: no point is in contact.
    """
    skin = np.flatnonzero(regions >= 0)
    distance, nearest = cKDTree(vertices[skin]).query(points)
    touching = distance < touch_m
    region = np.where(touching, regions[skin][nearest], -1)
    fingers = (region >= 1) & (region <= 4)
    against = region == THUMB
    opposed = (THUMB,)
    if against.sum() < FEWEST_POINTS and (region == PALM).sum() >= FEWEST_POINTS:
        against, opposed = region == PALM, (PALM,)
    if max(fingers.sum(), against.sum()) < FEWEST_POINTS:
        raise NoJawGraspError(
            f"no opposing contacts: {int(touching.sum())} of {len(points)} points are within {touch_m * 1e3:.0f} mm of "
            "the hand's fingers; give a hand that touches the object, in the frame of its points",
            {"no_contact": 1},
        )
    mirrored = np.zeros((0, 3)), np.zeros((0, 3))
    if min(fingers.sum(), against.sum()) < FEWEST_POINTS or not _has_far_side(points, normals, touching):
        seen = points[touching].mean(axis=0)
        thumb = _inner_skin(vertices[np.isin(regions, opposed)], seen)
        finger = _inner_skin(vertices[(regions >= 1) & (regions <= 4)], seen)
        mirrored = _mirror(points, normals, (thumb + finger) / 2)
    else:
        thumb, finger = points[against].mean(axis=0), points[fingers].mean(axis=0)
    if wrist is None:
        wrist = _wrist(vertices, regions)
    centre, gap = (thumb + finger) / 2, float(np.linalg.norm(thumb - finger))
    approach = centre - wrist
    approach = approach / max(np.linalg.norm(approach), 1e-9)
    frame = _frame(thumb - finger, approach, centre)
    return HumanContacts(frame, frame[:3, :3].T @ approach, gap, touching, mirrored)


def _inner_skin(vertices: np.ndarray, toward: np.ndarray) -> np.ndarray:
    distance = np.linalg.norm(vertices - toward, axis=1)
    count = max(int(INNER_SHARE * len(vertices)), 1)
    return vertices[np.argsort(distance, kind="stable")[:count]].mean(axis=0)


def _has_far_side(points: np.ndarray, normals: np.ndarray, touching: np.ndarray) -> bool:
    """Whether most touched points have a surface behind them that faces the other way, as in a whole cloud."""
    some = np.flatnonzero(touching)
    some = some[:: max(len(some) // MOST_PROBES, 1)]
    offset = points[None] - points[some, None]
    along = -np.einsum("knc,kc->kn", offset, normals[some])
    aside = (offset**2).sum(axis=2) - along**2
    behind = (aside < PROBE_M**2) & (along > 0.002) & (normals[some] @ normals.T < OPPOSED_COSINE)
    return bool(behind.any(axis=1).mean() > 0.3)


def _mirror(points: np.ndarray, normals: np.ndarray, centre: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    near = np.linalg.norm(points - centre, axis=1) < PATCH_M
    return 2 * centre - points[near], -normals[near]


def _wrist(vertices: np.ndarray, regions: np.ndarray) -> np.ndarray:
    rest = vertices[regions < 0] if (regions < 0).any() else vertices
    away = np.linalg.norm(rest - vertices[(regions >= 1) & (regions <= 4)].mean(axis=0), axis=1)
    return rest[np.argsort(-away, kind="stable")[: max(len(rest) // 20, 1)]].mean(axis=0)


def _frame(x: np.ndarray, z: np.ndarray, origin: np.ndarray) -> np.ndarray:
    x = x / max(np.linalg.norm(x), 1e-9)
    z = z - (z @ x) * x
    z = z / max(np.linalg.norm(z), 1e-9)
    frame = np.eye(4)
    frame[:3, :3], frame[:3, 3] = np.stack([x, np.cross(z, x), z], axis=1), origin
    return frame
