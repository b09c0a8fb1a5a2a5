"""Where a human hand touches an object: two opposing patches, a frame between them, the unseen side estimated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from semgrasp_ros.core.retarget.jaw_types import NoJawGraspError
from semgrasp_ros.core.retarget.jaw_unseen import Unseen, likely_eye, unseen_side

THUMB, PALM = 0, 5
FEWEST_POINTS = 5
SEEN_POINTS = 30
REACH_M = 0.05
PROBE_M, MOST_PROBES, OPPOSED_COSINE = 0.006, 100, -0.7
INNER_SHARE = 0.15


@dataclass(frozen=True)
class HumanContacts:
    """The human grasp in a frame of its own.

    Attributes:
        frame: (4, 4) from the human frame to that of the points: origin between the patches, x from the fingers' patch
            to the thumb's, z the human approach made orthogonal to x.
        approach: (3,) from the wrist to the contacts, in the human frame; straight down on what lies flat on a table.
        gap_m: between the two patches.
        touching: (N + M,) bool, the points in contact.
        cloud: (N + M, 3) the points given and the unseen ones, estimated, in their frame.
        normals: (N + M, 3) outward.
        unseen: what was estimated of the hidden side; None where the cloud has two sides.
    """

    frame: np.ndarray
    approach: np.ndarray
    gap_m: float
    touching: np.ndarray
    cloud: np.ndarray
    normals: np.ndarray
    unseen: Unseen | None


def human_contacts(
    vertices: np.ndarray,
    regions: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    touch_m: float,
    wrist: np.ndarray | None = None,
    eye: np.ndarray | None = None,
) -> HumanContacts:
    """The two sides of a human grasp: thumb against fingers, or palm against fingers where the thumb is away.

    A camera sees one side. Where little behind the points near the hand faces away, the hidden side is estimated
    (`jaw_unseen`). A side that is then still without contact points stands where the inner skin of thumb or palm, or of
    the fingers, is.

    Args:
        vertices: (V, 3) of the hand, metres.
        regions: (V,) 0-4 thumb to little finger, 5 palm, -1 none.
        points: (N, 3) of the object.
        normals: (N, 3) outward.
        touch_m: how near a point in contact is to the skin.
        wrist: (3,); by default the vertices of no region that are farthest from the fingers.
        eye: (3,) the camera that saw the points; None where they are the whole surface or it is not known.

    Raises:
        NoJawGraspError: no point is near the hand.
    """
    region, distance = _regions_near(vertices, regions, points)
    fingers, against, opposed = _sides(np.where(distance < touch_m, region, -1))
    nearest = points[np.argsort(distance, kind="stable")[:SEEN_POINTS]].mean(axis=0)
    finger_skin = _inner_skin(vertices[(regions >= 1) & (regions <= 4)], nearest)
    thumb_skin = _inner_skin(vertices[regions == opposed], nearest)
    if distance.min() > REACH_M:
        raise NoJawGraspError(
            f"no opposing contacts: none of {len(points)} points is within {REACH_M * 1e3:.0f} mm of the hand's skin; "
            "give a hand that touches the object, in the frame of its points",
            {"no_contact": 1},
        )
    unseen = None
    if not _has_far_side(points, normals, distance < max(touch_m, np.sort(distance)[FEWEST_POINTS])):
        seen_from = likely_eye(points, normals) if eye is None else eye
        unseen = unseen_side(vertices, regions, points, normals, (thumb_skin + finger_skin) / 2, seen_from)
        points, normals = np.concatenate([points, unseen.points]), np.concatenate([normals, unseen.normals])
        region, distance = _regions_near(vertices, regions, points)
        fingers, against, opposed = _sides(np.where(distance < touch_m, region, -1))
    enough = min(fingers.sum(), against.sum()) >= FEWEST_POINTS
    thumb = points[against].mean(axis=0) if enough else thumb_skin
    finger = points[fingers].mean(axis=0) if enough else finger_skin
    if wrist is None:
        wrist = _wrist(vertices, regions)
    centre, gap = (thumb + finger) / 2, float(np.linalg.norm(thumb - finger))
    approach = centre - wrist
    approach = approach / max(np.linalg.norm(approach), 1e-9)
    frame = _frame(thumb - finger, approach, centre)
    return HumanContacts(frame, frame[:3, :3].T @ approach, gap, distance < touch_m, points, normals, unseen)


def _regions_near(
    vertices: np.ndarray, regions: np.ndarray, points: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Region (N,) of the skin nearest to each point, and how far it is (N,)."""
    skin = np.flatnonzero(regions >= 0)
    distance, nearest = cKDTree(vertices[skin]).query(points)
    return regions[skin][nearest], distance


def _sides(region: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Points on the fingers' side, points on the other, and which region that is: the thumb, or the palm without it."""
    fingers, thumb, palm = (region >= 1) & (region <= 4), region == THUMB, region == PALM
    if thumb.sum() < FEWEST_POINTS <= palm.sum():
        return fingers, palm, PALM
    return fingers, thumb, THUMB


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
