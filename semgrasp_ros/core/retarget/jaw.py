"""From a human grasp to grasps of a parallel jaw, on a point cloud alone.

Poses are sampled around the contact patches of the hand, closed on the cloud, checked for collision and ranked.
"""

from __future__ import annotations

import numpy as np

from semgrasp_ros.core.retarget.jaw_collision import below_plane, between_fingers, local_points, swept_hits
from semgrasp_ros.core.retarget.jaw_contacts import HumanContacts, human_contacts
from semgrasp_ros.core.retarget.jaw_samples import JawSamples, sample_poses
from semgrasp_ros.core.retarget.jaw_scores import FEWEST_CONTACTS, Closing, close, extremes, total_cost
from semgrasp_ros.core.retarget.jaw_types import JawConfig, JawGrasp, NoJawGraspError
from semgrasp_ros.core.retarget.robot_file import ParallelGripper

__all__ = ["JawConfig", "JawGrasp", "NoJawGraspError", "retarget_to_jaw"]


def retarget_to_jaw(
    hand_vertices: np.ndarray,
    hand_regions: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    gripper: ParallelGripper,
    *,
    obstacles: np.ndarray | None = None,
    plane: np.ndarray | None = None,
    on_part: np.ndarray | None = None,
    wrist: np.ndarray | None = None,
    config: JawConfig | None = None,
    seed: int = 0,
) -> list[JawGrasp]:
    """Grasps of a parallel jaw that keep to a human grasp.

    Args:
        hand_vertices: (V, 3) metres.
        hand_regions: (V,) 0-4 thumb to little finger, 5 palm, -1 none.
        points: (N, 3) of the object, metres, whole or as one camera sees it; same frame as the hand.
        normals: (N, 3) outward, unit.
        gripper: of the robot, `load_robot(name).gripper`.
        obstacles: (M, 3) points of neighbours.
        plane: (4,) normal up and offset of the table, n . p + d = 0, n of length one.
        on_part: (N,) bool, which points are on the asked-for part.
        wrist: (3,) the hand's wrist; estimated from the surface by default.
        config: of sampling and scoring.
        seed: of chance; same seed, same grasps.

    Returns:
        Feasible grasps, best first, never empty.

    Raises:
        NoJawGraspError: none is feasible; says why, with counts.
        ValueError: an argument does not fit.
    """
    config = config or JawConfig()
    vertices, regions, points, normals = _checked(hand_vertices, hand_regions, points, normals)
    obstacles = None if obstacles is None else _array("obstacles", obstacles, (None, 3))
    plane = None if plane is None else _array("plane", plane, (4,))
    wrist = None if wrist is None else _array("wrist", wrist, (3,))
    if plane is not None and abs(np.linalg.norm(plane[:3]) - 1) > 1e-3:
        raise ValueError(
            f"plane: normal {plane[:3]} has length {np.linalg.norm(plane[:3]):.3f}; normalise it"
        )
    if on_part is not None and np.shape(on_part) != (len(points),):
        raise ValueError(
            f"on_part: shape {np.shape(on_part)}; give one bool for each of the {len(points)} points"
        )
    human = human_contacts(vertices, regions, points, normals, config.touch_m, wrist)
    # In the human frame every number is the same wherever the scene stands.
    back = np.linalg.inv(human.frame)
    extra, extra_normals = human.mirrored
    cloud = np.concatenate([points, extra]) @ back[:3, :3].T + back[:3, 3]
    directions = np.concatenate([normals, extra_normals]) @ back[:3, :3].T
    touching = np.concatenate([human.touching, np.zeros(len(extra), bool)])
    part = None if on_part is None else np.concatenate([on_part, np.zeros(len(extra), bool)]).astype(bool)
    samples = sample_poses(
        cloud, directions, touching, human.approach, human.gap_m, gripper.pad_length_m,
        config.samples, np.random.default_rng(seed),
    )  # fmt: skip
    narrowest = float(samples.gaps_m.min())
    fits = samples.gaps_m + config.clearance_m / 2 <= gripper.opening_max_m
    if not fits.any():
        raise NoJawGraspError(
            f"too wide: the narrowest of {len(fits)} poses closes on {narrowest * 1e3:.0f} mm, the gripper opens "
            f"{gripper.opening_max_m * 1e3:.0f} mm",
            {"too_wide": len(fits)},
            narrowest,
        )
    wide = int((~fits).sum())
    samples = JawSamples(samples.rotations[fits], samples.tips[fits], samples.gaps_m[fits])
    opening = np.minimum(gripper.opening_max_m, samples.gaps_m + 2 * config.clearance_m)
    local = local_points(samples.rotations, samples.tips, cloud)
    low, high = extremes(local[0], between_fingers(local, opening, gripper))
    shift = (low + high) / 2
    tips = samples.tips + shift[:, None] * samples.rotations[:, :, 0]
    local[0] -= shift[:, None]
    between = between_fingers(local, opening, gripper)
    closing = close(local, between, samples.rotations[:, :, 0] @ directions.T, part, gripper, config)
    failed = {
        "object": swept_hits(local, opening, gripper, config) > config.tolerated_points,
        "table": np.zeros(len(tips), bool),
        "neighbours": np.zeros(len(tips), bool),
        "no_opposing_contacts": (closing.contacts < FEWEST_CONTACTS)
        | (closing.antipodal_rad > np.arctan(config.friction)),
    }
    if plane is not None:
        normal = back[:3, :3] @ plane[:3]
        moved = np.array([*normal, plane[3] + plane[:3] @ human.frame[:3, 3]])
        failed["table"] = below_plane(samples.rotations, tips, opening, moved, gripper, config)
    if obstacles is not None and len(obstacles):
        others = local_points(samples.rotations, tips, obstacles @ back[:3, :3].T + back[:3, 3])
        hits = swept_hits(others, opening, gripper, config) + between_fingers(others, opening, gripper).sum(
            axis=1
        )
        failed["neighbours"] = hits > config.tolerated_points
    feasible = ~np.any(list(failed.values()), axis=0)
    if not feasible.any():
        raise _nothing(failed, wide, narrowest)
    return _ranked(samples, tips, opening, closing, feasible, human, gripper, config)


def _ranked(
    samples: JawSamples,
    tips: np.ndarray,
    opening: np.ndarray,
    closing: Closing,
    feasible: np.ndarray,
    human: HumanContacts,
    gripper: ParallelGripper,
    config: JawConfig,
) -> list[JawGrasp]:
    approach = np.arccos(np.clip(samples.rotations[:, :, 2] @ human.approach, -1, 1))
    centre = np.linalg.norm(tips - samples.rotations[:, :, 2] * gripper.pad_length_m / 2, axis=1)
    cost = total_cost(closing, approach, centre, gripper, config)
    rows = np.flatnonzero(feasible)
    rows = rows[np.argsort(cost[rows], kind="stable")][: config.keep]
    grasps = []
    for row in rows:
        tool = np.eye(4)
        tool[:3, :3] = samples.rotations[row]
        tool[:3, 3] = tips[row] - gripper.beyond_tool_m * samples.rotations[row][:, 2]
        scores = {
            "antipodal_rad": float(closing.antipodal_rad[row]),
            "approach_rad": float(approach[row]),
            "centre_m": float(centre[row]),
            "part_share": float(closing.part_share[row]),
            "contacts": float(closing.contacts[row]),
            "cost": float(cost[row]),
        }
        grasps.append(
            JawGrasp(human.frame @ tool, float(closing.width_m[row]), float(opening[row]), scores,
                     _why(scores, closing.width_m[row]))
        )  # fmt: skip
    return grasps


def _why(scores: dict[str, float], width_m: float) -> str:
    return (
        f"{width_m * 1e3:.0f} mm wide, normals within {np.degrees(scores['antipodal_rad']):.0f} degrees of the closing "
        f"axis, {np.degrees(scores['approach_rad']):.0f} degrees from the human approach, "
        f"{scores['centre_m'] * 1e3:.0f} mm from the human contacts, {scores['part_share']:.0%} on the part"
    )


def _nothing(failed: dict[str, np.ndarray], wide: int, narrowest: float) -> NoJawGraspError:
    counts = {name: int(rows.sum()) for name, rows in failed.items() if rows.any()}
    words = {
        "object": "collide with the object",
        "table": "collide with the table",
        "neighbours": "collide with neighbours",
        "no_opposing_contacts": "have no opposing contacts within the friction cone",
    }
    total = len(next(iter(failed.values())))
    said = ", ".join(f"{counts[name]} {words[name]}" for name in sorted(counts, key=counts.get, reverse=True))
    return NoJawGraspError(
        f"none of {total + wide} poses is feasible: {wide} too wide (narrowest {narrowest * 1e3:.0f} mm); of the "
        f"others {said}",
        {**counts, **({"too_wide": wide} if wide else {})},
        narrowest,
    )


def _array(name: str, value: np.ndarray, shape: tuple[int | None, ...]) -> np.ndarray:
    value = np.asarray(value, float)
    if value.ndim != len(shape) or any(
        w is not None and w != g for w, g in zip(shape, value.shape, strict=True)
    ):
        wanted = tuple("N" if size is None else size for size in shape)
        raise ValueError(f"{name}: shape {value.shape} does not fit; use {wanted}")
    if not np.isfinite(value).all():
        raise ValueError(f"{name}: {int((~np.isfinite(value)).sum())} entries are not finite; remove them")
    return value


def _checked(
    vertices: np.ndarray, regions: np.ndarray, points: np.ndarray, normals: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    vertices, points = _array("hand_vertices", vertices, (None, 3)), _array("points", points, (None, 3))
    normals, regions = _array("normals", normals, (len(points), 3)), np.asarray(regions)
    if len(points) < 10:
        raise ValueError(f"points: {len(points)} are too few to grasp; give at least 10")
    if regions.shape != (len(vertices),) or not np.isin([0, 1], regions).all():
        raise ValueError(
            f"hand_regions: shape {regions.shape}; give 0-4 for thumb to little finger, 5 palm, -1 none, for each of the "
            f"{len(vertices)} vertices, with a thumb and an index finger among them"
        )
    lengths = np.linalg.norm(normals, axis=1)
    if np.abs(lengths - 1).max() > 0.05:
        raise ValueError(
            f"normals: lengths between {lengths.min():.2f} and {lengths.max():.2f}; make them unit"
        )
    return vertices, regions, points, normals
