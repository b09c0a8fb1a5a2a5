"""Which sampled poses of a parallel jaw arrive, close on opposing walls and leave the neighbours alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.jaw_collision import (
    below_plane,
    between_fingers,
    gripper_samples,
    local_points,
    swept_hits,
)
from semgrasp_ros.core.retarget.jaw_samples import JawSamples
from semgrasp_ros.core.retarget.jaw_scores import FEWEST_CONTACTS, Closing, close, extremes
from semgrasp_ros.core.retarget.jaw_table import raised
from semgrasp_ros.core.retarget.jaw_types import JawConfig, NoJawGraspError
from semgrasp_ros.core.retarget.jaw_unseen import Unseen
from semgrasp_ros.core.retarget.robot_file import ParallelGripper

HIDDEN_M = 0.002
WORDS = {
    "object": "collide with the object",
    "table": "collide with the table",
    "neighbours": "collide with neighbours",
    "no_opposing_contacts": "have no opposing contacts within the friction cone",
}


@dataclass(frozen=True)
class JawScene:
    """What the gripper works among, all in the frame of the sampled poses, metres.

    Attributes:
        points: (N, 3) of the object.
        normals: (N, 3) outward, unit.
        on_part: (N,) how likely each point is on the asked-for part; None for any.
        obstacles: (M, 3) points of neighbours, None without.
        plane: (4,) of the table, n . p + d = 0 with n up, None without.
        unseen: the object's hidden side as estimated, in `unseen_frame`; None where all is seen.
        unseen_frame: (4, 4) from the frame of the poses to that of `unseen`.
    """

    points: np.ndarray
    normals: np.ndarray
    on_part: np.ndarray | None = None
    obstacles: np.ndarray | None = None
    plane: np.ndarray | None = None
    unseen: Unseen | None = None
    unseen_frame: np.ndarray | None = None


@dataclass(frozen=True)
class Tried:
    """Poses that are feasible; all rows belong together.

    Attributes:
        rotations: (F, 3, 3).
        tips: (F, 3) between the finger ends, centred on what the fingers close on.
        opening_m: (F,) during the approach.
        closing: what the fingers meet.
        hidden: (F,) share of the way that leads through space that no camera saw.
    """

    rotations: np.ndarray
    tips: np.ndarray
    opening_m: np.ndarray
    closing: Closing
    hidden: np.ndarray


def try_poses(samples: JawSamples, scene: JawScene, gripper: ParallelGripper, config: JawConfig) -> Tried:
    """Closes the gripper at every pose and keeps what is feasible.

    Raises:
        NoJawGraspError: nothing is; says why, with counts.
    """
    narrowest = float(samples.gaps_m.min())
    fits = samples.gaps_m + config.clearance_m / 2 <= gripper.opening_max_m
    wide = int((~fits).sum())
    if not fits.any():
        raise NoJawGraspError(
            f"too wide: the narrowest of {wide} poses closes on {narrowest * 1e3:.0f} mm, the gripper opens "
            f"{gripper.opening_max_m * 1e3:.0f} mm",
            {"too_wide": wide},
            narrowest,
        )
    rotations, tips = samples.rotations[fits], samples.tips[fits]
    clearance = config.clearance_m if scene.unseen is None else config.unseen_clearance_m
    opening = np.minimum(gripper.opening_max_m, samples.gaps_m[fits] + 2 * clearance)
    if scene.plane is not None:
        tips = raised(rotations, tips, opening, scene.plane, gripper)
    local = local_points(rotations, tips, scene.points)
    low, high = extremes(local[0], between_fingers(local, opening, gripper))
    shift = (low + high) / 2
    tips = tips + shift[:, None] * rotations[:, :, 0]
    local[0] -= shift[:, None]
    between = between_fingers(local, opening, gripper)
    closing = close(local, between, rotations[:, :, 0] @ scene.normals.T, scene.on_part, gripper, config)
    hits = swept_hits(local, opening, gripper, config)
    if scene.unseen is not None:
        to_poses = np.linalg.inv(scene.unseen_frame)
        filling = scene.unseen.filling @ to_poses[:3, :3].T + to_poses[:3, 3]
        hits = hits + swept_hits(local_points(rotations, tips, filling), opening, gripper, config)
    failed = {
        "object": hits > config.tolerated_points,
        "no_opposing_contacts": (closing.contacts < FEWEST_CONTACTS)
        | (closing.antipodal_rad > np.arctan(config.friction)),
    }
    if scene.plane is not None:
        failed["table"] = below_plane(rotations, tips, opening, scene.plane, gripper, config)
    if scene.obstacles is not None and len(scene.obstacles):
        others = local_points(rotations, tips, scene.obstacles)
        inside = between_fingers(others, opening, gripper).sum(axis=1)
        failed["neighbours"] = swept_hits(others, opening, gripper, config) + inside > config.tolerated_points
    rows = np.flatnonzero(~np.any(list(failed.values()), axis=0))
    if not len(rows):
        raise _nothing(failed, wide, narrowest)
    rotations, tips, opening = rotations[rows], tips[rows], opening[rows]
    return Tried(
        rotations, tips, opening, closing.of(rows), _hidden(rotations, tips, opening, scene, gripper, config)
    )


def _hidden(
    rotations: np.ndarray,
    tips: np.ndarray,
    opening: np.ndarray,
    scene: JawScene,
    gripper: ParallelGripper,
    config: JawConfig,
) -> np.ndarray:
    if scene.unseen is None:
        return np.zeros(len(tips))
    places = gripper_samples(rotations, tips, opening, gripper, config)
    frame = scene.unseen_frame
    seen_from = places.reshape(-1, 3) @ frame[:3, :3].T + frame[:3, 3]
    hidden = scene.unseen.surface.behind_m(seen_from) > HIDDEN_M
    # Where the hand is, the object is not.
    hidden &= scene.unseen.hand_distance_m(seen_from) > config.touch_m
    return hidden.reshape(places.shape[:2]).mean(axis=1)


def _nothing(failed: dict[str, np.ndarray], wide: int, narrowest: float) -> NoJawGraspError:
    counts = {name: int(rows.sum()) for name, rows in failed.items() if rows.any()}
    total = len(next(iter(failed.values())))
    said = ", ".join(f"{counts[name]} {WORDS[name]}" for name in sorted(counts, key=counts.get, reverse=True))
    return NoJawGraspError(
        f"none of {total + wide} poses is feasible: {wide} too wide (narrowest {narrowest * 1e3:.0f} mm); of the "
        f"others {said}",
        {**counts, **({"too_wide": wide} if wide else {})},
        narrowest,
    )
