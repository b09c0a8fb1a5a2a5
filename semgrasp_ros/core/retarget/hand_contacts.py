"""Where a person's hand touches an object, for each finger that the robot has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.hand_model import FINGERS
from semgrasp_ros.core.retarget.hand_surface import CloudSurface

PALM_REGION = 5
FEWEST_PALM_VERTICES = 8
# Skin around the fingertip, and the nearest share of it, that stands for the pad.
PAD_M, PAD_SHARE = 0.025, 0.15
TIP_KEYPOINTS = {finger: 4 + 4 * row for row, finger in enumerate(FINGERS)}


@dataclass(frozen=True)
class Touch:
    """A contact to reproduce.

    Attributes:
        point_m: (3,) on the surface.
        normal: (3,) outward.
    """

    point_m: np.ndarray
    normal: np.ndarray


@dataclass(frozen=True)
class HumanTouches:
    """A person's contacts.

    Attributes:
        fingers: human finger -> its contact; fingers that do not touch are left out.
        palm: contact of the palm, None without.
    """

    fingers: dict[str, Touch]
    palm: Touch | None


def human_touches(
    vertices: np.ndarray,
    regions: np.ndarray,
    keypoints: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    surface: CloudSurface,
    touch_m: float,
    wrap_m: float,
) -> HumanTouches:
    """Contacts of all five fingers and the palm.

    A finger that touches anywhere gets the place of the surface that is nearest to its pad, so that a robot's finger,
    which has one soft tip, ends there.

    Args:
        vertices: (V, 3) of the hand.
        regions: (V,) 0-4 thumb to little finger, 5 palm, -1 none.
        keypoints: (21, 3) MediaPipe's order.
        points: (N, 3) of the object.
        normals: (N, 3) outward.
        surface: of the points.
        touch_m: how near a touching vertex is.
        wrap_m: how near the pad of a touching finger is.
    """
    # Skin inside the object touches it too, hence the signed distance.
    distance, _ = surface.query(vertices)
    nearest = surface.nearest(vertices)[1]
    fingers = {}
    for region, finger in enumerate(FINGERS):
        mine = np.flatnonzero(regions == region)
        if not len(mine) or distance[mine].min() > touch_m:
            continue
        pad = mine[np.linalg.norm(vertices[mine] - keypoints[TIP_KEYPOINTS[finger]], axis=1) < PAD_M]
        touch = _touch(pad, distance, nearest, points, normals, wrap_m)
        if touch is not None:
            fingers[finger] = touch
    palm = np.flatnonzero((regions == PALM_REGION) & (distance < touch_m))
    held = None
    if len(palm) >= FEWEST_PALM_VERTICES:
        held = _touch(palm, distance, nearest, points, normals, wrap_m)
    return HumanTouches(fingers, held)


def _touch(
    vertices: np.ndarray,
    distance: np.ndarray,
    nearest: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    wrap_m: float,
) -> Touch | None:
    """The surface nearest to some vertices, None when it is farther than `wrap_m`."""
    if not len(vertices):
        return None
    count = max(int(np.ceil(PAD_SHARE * len(vertices))), 1)
    some = vertices[np.argsort(distance[vertices], kind="stable")[:count]]
    if distance[some].min() > wrap_m:
        return None
    rows = nearest[some]
    # A mean of points would leave a curved surface; the one nearest to it does not.
    middle = points[rows].mean(axis=0)
    row = rows[np.argmin(np.linalg.norm(points[rows] - middle, axis=1))]
    near = np.linalg.norm(points - points[row], axis=1) < 0.006
    normal = normals[near & (normals @ normals[row] > 0.3)].mean(axis=0)
    return Touch(points[row], normal / np.linalg.norm(normal))
