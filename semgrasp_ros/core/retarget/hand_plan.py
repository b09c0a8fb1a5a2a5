"""Where a robot's fingers should touch: near the person's contacts, where thumb and fingers can press at one another.

A person's soft skin and many contacts hold what a few round tips cannot; and a robot's fingers are thicker. So one pair of
opposed places is chosen near the person's, and the fingers are spread along theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.hand_contacts import HumanTouches, Touch
from semgrasp_ros.core.retarget.hand_types import HandConfig

MOST_CANDIDATES = 160
AGREEING_COSINE = 0.5
SHORTEST_M = 1e-6


@dataclass(frozen=True)
class Side:
    """One side of a grip.

    Attributes:
        point_m: (3,) its middle on the surface.
        normal: (3,) outward.
    """

    point_m: np.ndarray
    normal: np.ndarray


def plan_contacts(
    touches: HumanTouches,
    fingers: tuple[str, ...],
    points: np.ndarray,
    normals: np.ndarray,
    scale: float,
    tip_radius_m: float,
    config: HandConfig,
) -> HumanTouches:
    """Contacts for the fingers of a robot.

    Args:
        touches: of the person.
        fingers: human names of the robot's fingers.
        points: (N, 3) of the object.
        normals: (N, 3) outward.
        scale: size of the robot's hand over the person's: its fingers are that much farther apart.
        tip_radius_m: of the robot's tips.
        config: how far contacts may move.

    Returns:
        Contacts of the same fingers as far as the robot has them, and of the thumb where neither it nor the palm
        touched; unchanged where no finger opposes.
    """
    kept = {finger: touch for finger, touch in touches.fingers.items() if finger in fingers}
    opposing = [finger for finger in kept if finger != "thumb"]
    if not opposing:
        return HumanTouches(kept, touches.palm)
    middle = np.mean([kept[finger].point_m for finger in opposing], axis=0)
    fixed = "thumb" not in kept and touches.palm is not None
    against = kept.get("thumb", touches.palm)
    if against is None:
        # A hook: a robot's thumb closes it.
        outward = np.mean([kept[finger].normal for finger in opposing], axis=0)
        against = _behind(middle, outward, points, normals)
    pair = _opposed(against, middle, points, normals, fixed, config)
    if pair is None:
        return HumanTouches(kept, touches.palm)
    first, second = pair
    spread = {finger: kept[finger].point_m - middle for finger in opposing}
    planned = _spread(opposing, spread, second, points, normals, scale, tip_radius_m)
    if not fixed:
        planned = {"thumb": Touch(first.point_m, first.normal), **planned}
    return HumanTouches(planned, touches.palm)


def _opposed(
    against: Touch,
    middle: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    fixed: bool,
    config: HandConfig,
) -> tuple[Side, Side] | None:
    """The pair of surface points, near both sides of the person's grip, that faces one another best."""
    firsts = _near(points, against.point_m, config.replan_m)
    seconds = _near(points, middle, config.replan_m)
    if fixed:
        firsts = firsts[:1]
    if not len(firsts) or not len(seconds):
        return None
    line = points[seconds][None] - points[firsts][:, None]
    length = np.linalg.norm(line, axis=2)
    unit = line / np.maximum(length, SHORTEST_M)[..., None]
    here = np.arccos(np.clip(-np.einsum("abc,ac->ab", unit, normals[firsts]), -1, 1))
    there = np.arccos(np.clip(np.einsum("abc,bc->ab", unit, normals[seconds]), -1, 1))
    away_here = np.linalg.norm(points[firsts] - against.point_m, axis=1)[:, None]
    away_there = np.linalg.norm(points[seconds] - middle, axis=1)[None]
    cost = (here**2 + there**2) / config.replan_angle_rad**2
    cost = cost + (away_here**2 + away_there**2) / config.replan_m**2 + 10.0 * (length < 2e-3)
    row, column = np.unravel_index(int(np.argmin(cost)), cost.shape)
    return Side(points[firsts[row]], normals[firsts[row]]), Side(
        points[seconds[column]], normals[seconds[column]]
    )


def _behind(middle: np.ndarray, outward: np.ndarray, points: np.ndarray, normals: np.ndarray) -> Touch:
    """The surface on the other side of the object, seen from the fingers."""
    outward = outward / max(np.linalg.norm(outward), SHORTEST_M)
    offset = points - middle
    depth = -offset @ outward
    aside = np.linalg.norm(offset + depth[:, None] * outward, axis=1)
    # Sideways is worse than deep, and a surface that faces the fingers is no far side.
    cost = aside + 0.2 * np.abs(depth) + 0.1 * (normals @ outward > 0)
    row = int(np.argmin(cost))
    return Touch(points[row], normals[row])


def _near(points: np.ndarray, centre: np.ndarray, radius_m: float) -> np.ndarray:
    """Rows of points within a radius, nearest first, thinned evenly."""
    distance = np.linalg.norm(points - centre, axis=1)
    rows = np.flatnonzero(distance < max(radius_m, distance.min() + 2e-3))
    rows = rows[np.argsort(distance[rows], kind="stable")]
    return rows[:: len(rows) // MOST_CANDIDATES + 1]


def _spread(
    fingers: list[str],
    offsets: dict[str, np.ndarray],
    side: Side,
    points: np.ndarray,
    normals: np.ndarray,
    scale: float,
    tip_radius_m: float,
) -> dict[str, Touch]:
    """Places for the fingers around a side's middle: offsets as the person's, scaled, and no two tips in one place."""
    agreeing = np.flatnonzero(normals @ side.normal > AGREEING_COSINE)
    planned: dict[str, Touch] = {}
    # The finger nearest to the middle first; others keep away from it.
    for finger in sorted(fingers, key=lambda name: float(np.linalg.norm(offsets[name]))):
        offset = scale * offsets[finger]
        wanted = side.point_m + offset - (offset @ side.normal) * side.normal
        distance = np.linalg.norm(points[agreeing] - wanted, axis=1)
        for other in planned.values():
            apart = np.linalg.norm(points[agreeing] - other.point_m, axis=1)
            distance = distance + 2 * np.maximum(2 * tip_radius_m - apart, 0)
        row = agreeing[int(np.argmin(distance))]
        planned[finger] = Touch(points[row], normals[row])
    return planned
