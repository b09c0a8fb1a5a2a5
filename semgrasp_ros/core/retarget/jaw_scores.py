"""How good the closed grasp of each pose is."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from semgrasp_ros.core.retarget.jaw_types import JawConfig
from semgrasp_ros.core.retarget.robot_file import ParallelGripper

FEWEST_CONTACTS = 2
CENTRE_SCALE_M = 0.03
FACING = 0.1  # a wall along the closing axis is not touched


@dataclass(frozen=True)
class Closing:
    """What the fingers meet; all (S,).

    Attributes:
        width_m: between the outermost points.
        shift_m: of the middle of these points along x.
        contacts: points that the pads touch, on the side with fewer.
        antipodal_rad: the larger angle of the closing axis to the mean normal of a side; pi / 2 without contact.
        part_share: of the points between the pads, how many are to be expected on the asked-for part.
    """

    width_m: np.ndarray
    shift_m: np.ndarray
    contacts: np.ndarray
    antipodal_rad: np.ndarray
    part_share: np.ndarray

    def of(self, rows: np.ndarray) -> Closing:
        """Those of some poses."""
        return Closing(*(getattr(self, entry.name)[rows] for entry in fields(self)))


def extremes(x: np.ndarray, between: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outermost x (S,) on both sides among the points between the fingers; zeros where there are none."""
    some = between.any(axis=1)
    high = np.where(between, x, -np.inf).max(axis=1)
    low = np.where(between, x, np.inf).min(axis=1)
    return np.where(some, low, 0.0), np.where(some, high, 0.0)


def close(
    local: np.ndarray,
    between: np.ndarray,
    normals_x: np.ndarray,
    on_part: np.ndarray | None,
    gripper: ParallelGripper,
    config: JawConfig,
) -> Closing:
    """Closes the fingers on the points between them.

    Args:
        local: (3, S, N) points in the tool frames.
        between: (S, N) bool.
        normals_x: (S, N) the normals' component along the closing axis.
        on_part: (N,) how likely each point is on the asked-for part; None for any.
    """
    low, high = extremes(local[0], between)
    pads = between & (local[2] > -gripper.pad_length_m)
    worst, contacts = np.full(len(low), -1.0), np.full(len(low), np.inf)
    for side, edge in ((1.0, high), (-1.0, low)):
        touched = pads & (np.abs(local[0] - edge[:, None]) < config.skin_m) & (side * normals_x > FACING)
        count = touched.sum(axis=1)
        cosine = (side * normals_x * touched).sum(axis=1) / np.maximum(count, 1)
        worst = np.maximum(worst, np.arccos(np.clip(np.where(count > 0, cosine, 0.0), -1, 1)))
        contacts = np.minimum(contacts, count)
    share = np.ones(len(low))
    if on_part is not None:
        share = pads @ on_part / np.maximum(pads.sum(axis=1), 1)
    return Closing(high - low, (high + low) / 2, contacts, worst, share)


def total_cost(
    closing: Closing,
    approach_rad: np.ndarray,
    centre_m: np.ndarray,
    hidden: np.ndarray,
    gripper: ParallelGripper,
    config: JawConfig,
) -> np.ndarray:
    """Weighted sum (S,), lower is better: each term is near one where it hurts."""
    return (
        config.antipodal_weight * closing.antipodal_rad / np.arctan(config.friction)
        + config.approach_weight * approach_rad / (np.pi / 2)
        + config.centre_weight * centre_m / CENTRE_SCALE_M
        + config.part_weight * (1 - closing.part_share)
        + config.width_weight * closing.width_m / gripper.opening_max_m
        + config.hidden_weight * hidden
    )
