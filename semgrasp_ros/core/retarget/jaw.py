"""From a human grasp to grasps of a parallel jaw, on a point cloud alone.

Poses are sampled around the contact patches of the hand, closed on the cloud, checked for collision and ranked.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial import cKDTree

from semgrasp_ros.core.retarget.jaw_contacts import HumanContacts, human_contacts
from semgrasp_ros.core.retarget.jaw_feasible import JawScene, Tried, try_poses
from semgrasp_ros.core.retarget.jaw_samples import sample_poses
from semgrasp_ros.core.retarget.jaw_scores import total_cost
from semgrasp_ros.core.retarget.jaw_table import LowThing
from semgrasp_ros.core.retarget.jaw_types import JawConfig, JawGrasp, NoJawGraspError
from semgrasp_ros.core.retarget.robot_file import ParallelGripper

# Walls under the outline of flat things count as touched by the hand when they are so near.
WALL_TOUCH_M = 0.025

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
    eye: np.ndarray | None = None,
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
        on_part: (N,) how likely each point is on the asked-for part, from 0 to 1.
        wrist: (3,) the hand's wrist; estimated from the surface by default.
        eye: (3,) the camera that saw the points, the origin where they are in its frame; None for a whole cloud, or
            where it is not known.
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
    eye = None if eye is None else _array("eye", eye, (3,))
    if plane is not None and abs(np.linalg.norm(plane[:3]) - 1) > 1e-3:
        raise ValueError(
            f"plane: normal {plane[:3]} has length {np.linalg.norm(plane[:3]):.3f}; normalise it"
        )
    on_part = None if on_part is None else _array("on_part", on_part, (len(points),))
    human = human_contacts(vertices, regions, points, normals, config.touch_m, wrist, eye)
    # In the human frame every number is the same wherever the scene stands.
    back = np.linalg.inv(human.frame)
    if plane is not None:
        human = _on_table(human, points, plane)
    cloud, directions = human.cloud @ back[:3, :3].T + back[:3, 3], human.normals @ back[:3, :3].T
    part = None if on_part is None else _with_hidden(on_part, points, human.cloud)
    samples = sample_poses(
        cloud, directions, human.touching, human.approach, human.gap_m, gripper.pad_length_m,
        config.samples, np.random.default_rng(seed), None if plane is None else -back[:3, :3] @ plane[:3],
    )  # fmt: skip
    scene = JawScene(
        cloud, directions, part,
        None if obstacles is None else obstacles @ back[:3, :3].T + back[:3, 3],
        None if plane is None else np.array([*(back[:3, :3] @ plane[:3]), plane[3] + plane[:3] @ human.frame[:3, 3]]),
        human.unseen, human.frame,
    )  # fmt: skip
    return _ranked(try_poses(samples, scene, gripper, config), human, gripper, config)


def _with_hidden(on_part: np.ndarray, points: np.ndarray, cloud: np.ndarray) -> np.ndarray:
    """Likewise (M,) for a cloud (M, 3) that begins with the points: what nobody sees belongs to what is nearest."""
    _, nearest = cKDTree(points).query(cloud[len(points) :])
    return np.concatenate([on_part, on_part[nearest]])


def _on_table(human: HumanContacts, points: np.ndarray, plane: np.ndarray) -> HumanContacts:
    """The human grasp with the sides of what lies low, and without guesses that the table contradicts.

    What lies flat is approached straight from above, whatever way the hand came: thick fingers that lean meet the table
    before they reach around a thin thing. Where all is low, walls under the outline take the place of estimated hidden sides and of measured normals: these are
    the upper side's, with more noise than there is slope.
    """
    middle, unseen = human.frame[:3, 3], human.unseen
    low = LowThing.around(points, plane, middle)
    guessed = np.arange(len(human.cloud)) >= len(points)
    near = low.looked_at(human.cloud)
    kept = ~guessed | (low.above(human.cloud) & ~(low.flat & near))
    normals = np.where((near & low.flat)[:, None], plane[:3], human.normals)
    if unseen is not None:
        filled = low.above(unseen.filling) & ~(low.flat & low.looked_at(unseen.filling))
        unseen = replace(unseen, filling=unseen.filling[filled])
    walls, outward = low.walls()
    touching = np.linalg.norm(walls - middle, axis=1) < WALL_TOUCH_M
    down = -human.frame[:3, :3].T @ plane[:3]
    return replace(
        human,
        approach=down if low.flat else human.approach,
        cloud=np.concatenate([human.cloud[kept], walls]),
        normals=np.concatenate([normals[kept], outward]),
        touching=np.concatenate([human.touching[kept], touching]),
        unseen=unseen,
    )


def _ranked(
    tried: Tried, human: HumanContacts, gripper: ParallelGripper, config: JawConfig
) -> list[JawGrasp]:
    approach = np.arccos(np.clip(tried.rotations[:, :, 2] @ human.approach, -1, 1))
    centre = np.linalg.norm(tried.tips - tried.rotations[:, :, 2] * gripper.pad_length_m / 2, axis=1)
    cost = total_cost(tried.closing, approach, centre, tried.hidden, gripper, config)
    rows = np.argsort(cost, kind="stable")[: config.keep]
    grasps = []
    for row in rows:
        tool = np.eye(4)
        tool[:3, :3] = tried.rotations[row]
        tool[:3, 3] = tried.tips[row] - gripper.beyond_tool_m * tried.rotations[row][:, 2]
        scores = {
            "antipodal_rad": float(tried.closing.antipodal_rad[row]),
            "approach_rad": float(approach[row]),
            "centre_m": float(centre[row]),
            "part_share": float(tried.closing.part_share[row]),
            "hidden_share": float(tried.hidden[row]),
            "contacts": float(tried.closing.contacts[row]),
            "cost": float(cost[row]),
        }
        grasps.append(
            JawGrasp(human.frame @ tool, float(tried.closing.width_m[row]), float(tried.opening_m[row]), scores,
                     _why(scores, tried.closing.width_m[row]))
        )  # fmt: skip
    return grasps


def _why(scores: dict[str, float], width_m: float) -> str:
    return (
        f"{width_m * 1e3:.0f} mm wide, normals within {np.degrees(scores['antipodal_rad']):.0f} degrees of the closing "
        f"axis, {np.degrees(scores['approach_rad']):.0f} degrees from the wanted approach, "
        f"{scores['centre_m'] * 1e3:.0f} mm from the human contacts, {scores['part_share']:.0%} on the part"
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
