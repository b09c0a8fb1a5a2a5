"""The side of an object that a camera does not see, near a hand that holds it.

Most of what is grasped is locally symmetric about a point: rods, handles, boxes, balls. Reflecting the seen points there
gives the hidden ones, if the point is known. It is searched for as what agrees with everything that is known:

- the reflected outline falls on the seen outline: both sides meet where the line of sight grazes the surface;
- nothing reflected lies where the camera looks through;
- nothing reflected lies inside the hand, and thumb and fingers touch it.

Reflection under the free space that a camera sees: Bohg et al., "Mind the gap: robotic grasping under incomplete
observation" (2011); here about a point, with the hand as a witness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

LOCAL_M, REFLECTED_M = 0.045, 0.06
FEWEST_LOCAL, MOST_LOCAL = 40, 160
GRAZING_COSINE = 0.5
SHARP_COSINE = 0.5
RIM_NEIGHBOURS, RIM_GAP_RAD = 12, 1.8
FEWEST_OUTLINE = 8
FAR_M = 0.015  # errors beyond count as this
STEPS = ((0.012, 2), (0.006, 1), (0.003, 1))
OUTLINE_WEIGHT, DEPTH_WEIGHT, FREE_WEIGHT, INSIDE_WEIGHT, TOUCH_WEIGHT = 3.0, 3.0, 1.0, 2.0, 2.5
FILLED = (0.15, 0.3, 0.5, 0.7, 0.85)
TOUCHING_REGIONS = 3
SLACK_M = 0.004


class SeenSurface:
    """What is hidden behind the points that one camera sees, and what it looks through."""

    def __init__(self, points: np.ndarray, eye: np.ndarray) -> None:
        """Keeps the points as directions from the camera.

        Args:
            points: (N, 3) seen, metres.
            eye: (3,) where the camera is.
        """
        self._eye = eye
        forward = points.mean(axis=0) - eye
        forward = forward / max(np.linalg.norm(forward), 1e-9)
        side = np.cross(forward, np.eye(3)[np.abs(forward).argmin()])
        side /= np.linalg.norm(side)
        self._axes = np.stack([side, np.cross(forward, side), forward])
        self._directions, self._range_m = self._seen_from(points)
        self._tree = cKDTree(self._directions)
        # Points that are doubles of each other say nothing about how densely is sampled.
        spacing = self._tree.query(self._directions, k=5)[0][:, -1]
        self._pitch = 1.5 * float(np.median(spacing))

    def behind_m(self, points: np.ndarray) -> np.ndarray:
        """How far points (N, 3) lie behind the seen surface: (N,), negative before it, -inf beside the object."""
        directions, range_m = self._seen_from(points)
        distance, nearest = self._tree.query(directions, distance_upper_bound=self._pitch)
        behind = np.full(len(points), -np.inf)
        there = np.isfinite(distance)
        behind[there] = range_m[there] - self._range_m[nearest[there]]
        return behind

    def at_rim(self, rows: np.ndarray) -> np.ndarray:
        """Which of the seen points `rows` (K,) are at the outline of the object in the image: (K,) bool."""
        around = self._tree.query(self._directions[rows], k=min(RIM_NEIGHBOURS, len(self._directions)))[1]
        offset = self._directions[around] - self._directions[rows][:, None]
        angles = np.sort(np.arctan2(offset[..., 1], offset[..., 0]), axis=1)
        gaps = np.diff(angles, axis=1, append=angles[:, :1] + 2 * np.pi)
        return gaps.max(axis=1) > RIM_GAP_RAD

    def _seen_from(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        local = (points - self._eye) @ self._axes.T
        return local[:, :2] / np.maximum(local[:, 2:], 1e-6), np.linalg.norm(local, axis=1)


@dataclass(frozen=True)
class Unseen:
    """The hidden side.

    Attributes:
        points: (M, 3) estimated, in the frame of the seen ones.
        normals: (M, 3) outward, unit.
        filling: (K, 3) points inside the object, between seen and hidden ones.
        surface: what the camera sees.
        hand: the hand's vertices.
        centre: (3,) of the symmetry.
        error_m: how badly the best centre agrees with what is known.
    """

    points: np.ndarray
    normals: np.ndarray
    filling: np.ndarray
    surface: SeenSurface
    hand: cKDTree
    centre: np.ndarray
    error_m: float

    def hand_distance_m(self, points: np.ndarray) -> np.ndarray:
        """How far points (N, 3) are from the hand's skin: (N,), inf beyond 5 cm."""
        return self.hand.query(points, distance_upper_bound=0.05)[0]


def likely_eye(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Where a camera that saw points (N, 3) with normals (N, 3) may have been, (3,): what is seen faces it."""
    mean = normals.mean(axis=0)
    return points.mean(axis=0) + mean / max(np.linalg.norm(mean), 1e-9)


def unseen_side(
    vertices: np.ndarray,
    regions: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    start: np.ndarray,
    eye: np.ndarray,
) -> Unseen:
    """Reflects what is seen near the grasp to where it is hidden.

    Args:
        vertices: (V, 3) of the hand, metres.
        regions: (V,) 0-4 thumb to little finger, 5 palm, -1 none.
        points: (N, 3) seen of the object.
        normals: (N, 3) toward the camera.
        start: (3,) first guess of the centre.
        eye: (3,) the camera.
    """
    distance = np.linalg.norm(points - start, axis=1)
    near = np.flatnonzero(distance < LOCAL_M)
    if len(near) < FEWEST_LOCAL:
        near = np.argsort(distance, kind="stable")[:FEWEST_LOCAL]
    few = near[np.random.default_rng(0).permutation(len(near))[:MOST_LOCAL]]
    evidence = _Evidence(vertices, regions, points, normals, few, eye)
    best, error = start, float(evidence.errors(start[None])[0])
    for step_m, reach in STEPS:
        steps = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), axis=-1).reshape(
            -1, 3
        )
        centres = best + step_m * steps
        errors = evidence.errors(centres)
        if errors.min() < error:
            best, error = centres[errors.argmin()], float(errors.min())
    near = np.linalg.norm(points - best, axis=1) < REFLECTED_M
    reflected = 2 * best - points[near]
    kept = (evidence.seen.behind_m(reflected) > -SLACK_M) & (evidence.inside_hand_m(reflected) < SLACK_M)
    between = np.concatenate([points[near] + share * (reflected - points[near]) for share in FILLED])
    filling = between[
        (evidence.seen.behind_m(between) > SLACK_M) & (evidence.inside_hand_m(between) < -SLACK_M)
    ]
    return Unseen(
        reflected[kept], -normals[near][kept], filling, evidence.seen, cKDTree(vertices), best, error
    )


class _Evidence:
    """How well a centre of symmetry agrees with camera and hand."""

    def __init__(
        self,
        vertices: np.ndarray,
        regions: np.ndarray,
        cloud: np.ndarray,
        normals: np.ndarray,
        rows: np.ndarray,
        eye: np.ndarray,
    ) -> None:
        self.seen = SeenSurface(cloud, eye)
        points, normals = cloud[rows], normals[rows]
        self._points, self._tree = points, cKDTree(points)
        toward = eye - points.mean(axis=0)
        toward /= np.linalg.norm(toward)
        facing = normals @ toward
        sharp = self.seen.at_rim(rows) & (facing > SHARP_COSINE)
        few = max((facing < GRAZING_COSINE).sum(), FEWEST_OUTLINE - sharp.sum(), 1)
        round_ = np.argsort(facing, kind="stable")[:few]
        self._round, self._facing, self._toward = points[round_], facing[round_, None], toward
        aside = normals[round_] - self._facing * toward
        self._across = np.linalg.norm(aside, axis=1, keepdims=True)
        self._aside = aside / np.maximum(self._across, 1e-9)
        self._sharp = points[sharp]
        self._outline = np.concatenate([self._round, self._sharp])
        self._flat = np.eye(3) - np.outer(toward, toward)
        self._outline_tree = cKDTree(self._outline @ self._flat)
        self._sharp_tree = cKDTree(self._outline)
        self._vertices, self._skin_normals = vertices, skin_normals(vertices, regions)
        self._hand_tree = cKDTree(vertices)
        self._regions = [vertices[regions == region][::3] for region in range(6) if (regions == region).any()]

    def errors(self, centres: np.ndarray) -> np.ndarray:
        """(C,) weighted mean distances, metres, for centres (C, 3)."""
        reflected = (2 * centres[:, None] - self._points).reshape(-1, 3)
        shape = len(centres), len(self._points)
        free = np.clip(-self.seen.behind_m(reflected), 0, FAR_M).reshape(shape).mean(axis=1)
        inside = np.clip(self.inside_hand_m(reflected), 0, FAR_M).reshape(shape).mean(axis=1)
        outline = _capped(self._outline_tree, (2 * centres[:, None] - self._outline) @ self._flat).mean(
            axis=1
        )
        depth = self._depth_errors(centres)
        # The distance of the skin to reflected points is that of the reflected skin to the points.
        touch = [_capped(self._tree, 2 * centres[:, None] - region).min(axis=1) for region in self._regions]
        touch = np.sort(np.array(touch), axis=0)[:TOUCHING_REGIONS].mean(axis=0)
        return (
            OUTLINE_WEIGHT * outline
            + DEPTH_WEIGHT * depth
            + FREE_WEIGHT * free
            + INSIDE_WEIGHT * inside
            + TOUCH_WEIGHT * touch
        )

    def _depth_errors(self, centres: np.ndarray) -> np.ndarray:
        """How far the outline says the centres are too near or too far: mean (C,), metres.

        Where the surface turns away smoothly, its normals pass through the middle of its section: exact for round
        ones, and a wall seen from the side asks for its own middle. Sharp edges fall on other edges.
        """
        offset = self._round - centres[:, None]
        deep = offset @ self._toward[:, None] * self._across
        aside = (offset * self._aside).sum(axis=2, keepdims=True) * self._facing
        round_ = np.minimum(np.abs(deep - aside), FAR_M)[..., 0]
        sharp = _capped(self._sharp_tree, 2 * centres[:, None] - self._sharp)
        return np.concatenate([round_, sharp], axis=1).mean(axis=1)

    def inside_hand_m(self, points: np.ndarray) -> np.ndarray:
        """How deep points (N, 3) lie under the nearest skin: (N,), negative outside or far from the hand."""
        distance, nearest = self._hand_tree.query(points, distance_upper_bound=0.02)
        deep = np.full(len(points), -np.inf)
        there = np.isfinite(distance)
        rows = nearest[there]
        deep[there] = -((points[there] - self._vertices[rows]) * self._skin_normals[rows]).sum(axis=1)
        return deep


def skin_normals(vertices: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Outward directions (V, 3) of a hand's skin: away from the middle of the skin around, of the same finger."""
    normals = np.zeros_like(vertices)
    for region in range(-1, 6):
        rows = np.flatnonzero(regions == region)
        if not len(rows):
            continue
        finger = 0 <= region < 5
        around = vertices[rows] if finger else vertices
        nearest = cKDTree(around).query(vertices[rows], k=min(60 if finger else 150, len(around)))[1]
        normals[rows] = vertices[rows] - around[nearest.reshape(len(rows), -1)].mean(axis=1)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)


def _capped(tree: cKDTree, points: np.ndarray) -> np.ndarray:
    distance = tree.query(points.reshape(-1, 3), distance_upper_bound=FAR_M)[0]
    return np.minimum(distance, FAR_M).reshape(points.shape[:-1])
