"""Candidate poses of a parallel jaw around a human grasp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SPREAD_M = 0.015
TUBE_M = 0.006
OPPOSED_COSINE = -0.7
SPREAD_APPROACH_RAD = 0.6
HUMAN_SHARE = 0.2
# Above a table: share of poses from straight above, how far they lean, and the least sine of an axis to the vertical.
ABOVE_SHARE, SPREAD_ABOVE_RAD, STEEPEST_AXIS = 0.4, 0.25, 0.5


@dataclass(frozen=True)
class JawSamples:
    """Poses in the human frame.

    Attributes:
        rotations: (S, 3, 3), columns closing axis, y, approach.
        tips: (S, 3) origin between the finger tips, metres.
        gaps_m: (S,) width that each pose closes on.
    """

    rotations: np.ndarray
    tips: np.ndarray
    gaps_m: np.ndarray


def sample_poses(
    points: np.ndarray,
    normals: np.ndarray,
    touching: np.ndarray,
    approach: np.ndarray,
    gap_m: float,
    pad_length_m: float,
    count: int,
    rng: np.random.Generator,
    down: np.ndarray | None = None,
) -> JawSamples:
    """Closing axes through pairs of opposite points near the contacts, approaches around the human one.

    A fifth of the poses has the human axis itself, a little turned. Above a table, more come from straight above: a
    gripper is too thick for a person's way between thing and table.

    Args:
        points: (N, 3) in the human frame, whose x is the human closing axis.
        normals: (N, 3) outward.
        touching: (N,) bool.
        approach: (3,) human approach.
        gap_m: between the human patches.
        pad_length_m: of the fingers: tips reach past the contacts by up to it.
        count: of poses.
        rng: source of chance.
        down: (3,) unit, into the table; None without one.
    """
    weight = np.exp(-0.5 * (points**2).sum(axis=1) / (2 * SPREAD_M) ** 2) + touching
    centres, axes, gaps = opposite_pairs(points, normals, weight, count - int(HUMAN_SHARE * count), rng)
    human = count - len(centres)
    turned = np.array([1.0, 0.0, 0.0]) + rng.normal(scale=0.15, size=(human, 3))
    centres = np.concatenate([centres, rng.normal(scale=0.006, size=(human, 3))])
    axes = np.concatenate([axes, turned / np.linalg.norm(turned, axis=1, keepdims=True)])
    gaps = np.concatenate([gaps, np.full(human, gap_m)])
    z = approach - (axes @ approach)[:, None] * axes
    # Where the axis is the approach itself, any direction across it will do.
    across = np.cross(axes, np.array([0.0, 1.0, 0.0]))
    z = np.where(np.linalg.norm(z, axis=1, keepdims=True) > 0.1, z, across)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    wide = rng.random(count) < 0.3
    angle = np.where(
        wide, rng.uniform(-np.pi, np.pi, count), rng.normal(scale=SPREAD_APPROACH_RAD, size=count)
    )
    if down is not None:
        from_above = down - (axes @ down)[:, None] * axes
        steep = np.linalg.norm(from_above, axis=1)
        rows = np.flatnonzero((rng.random(count) < ABOVE_SHARE) & (steep > STEEPEST_AXIS))
        z[rows] = from_above[rows] / steep[rows, None]
        angle[rows] = rng.normal(scale=SPREAD_ABOVE_RAD, size=len(rows))
    z = np.cos(angle)[:, None] * z + np.sin(angle)[:, None] * np.cross(axes, z)
    tips = centres + z * rng.uniform(0.15, 0.95, (count, 1)) * pad_length_m
    return JawSamples(np.stack([axes, np.cross(z, axes), z], axis=2), tips, gaps)


def opposite_pairs(
    points: np.ndarray, normals: np.ndarray, weight: np.ndarray, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centres (K, 3), axes (K, 3) and widths (K,) of K <= count pairs of points that face away from each other.

    Args:
        points: (N, 3).
        normals: (N, 3) outward, unit.
        weight: (N,) how likely a pair begins at a point.
        count: of points where a pair is looked for.
        rng: source of chance.
    """
    first = rng.choice(len(points), size=count, p=weight / weight.sum())
    inward = -normals[first]
    offset = points[None] - points[first, None]
    along = np.einsum("knc,kc->kn", offset, inward)
    aside = (offset**2).sum(axis=2) - along**2
    fits = (aside < TUBE_M**2) & (along > 0.002) & (normals[first] @ normals.T < OPPOSED_COSINE)
    found = fits.any(axis=1)
    # The nearest opposite surface, straight ahead: the far wall of a solid, not of the next part.
    second = np.where(fits, along + np.sqrt(np.maximum(aside, 0)), np.inf).argmin(axis=1)[found]
    first = first[found]
    axis, width = points[first] - points[second], along[found, second]
    # Along the normal rather than through both points: samples of two flat sides never face each other exactly.
    middle = points[second] + axis / 2
    axis = -inward[found] - normals[second]
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    # One sense for each axis, also for those exactly across the human one, whose x is rounding.
    sense = axis @ np.array([1.0, 0.1, 0.01])
    return middle, np.where(sense[:, None] < 0, -axis, axis), width
