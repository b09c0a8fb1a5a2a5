"""Grasps of a parallel jaw on a point cloud without a hand: opposite points anywhere, the baseline of retargeting."""

from __future__ import annotations

import numpy as np

from semgrasp_ros.core.retarget.jaw_feasible import JawScene, try_poses
from semgrasp_ros.core.retarget.jaw_samples import JawSamples, opposite_pairs
from semgrasp_ros.core.retarget.jaw_types import JawConfig, JawGrasp, NoJawGraspError
from semgrasp_ros.core.retarget.robot_file import ParallelGripper


def antipodal_grasps(
    points: np.ndarray,
    normals: np.ndarray,
    gripper: ParallelGripper,
    *,
    obstacles: np.ndarray | None = None,
    plane: np.ndarray | None = None,
    config: JawConfig | None = None,
    seed: int = 0,
) -> list[JawGrasp]:
    """Closes on pairs of opposite points with approaches from anywhere.

    Best is what closes along the normals and near the middle of the points.

    Args:
        points: (N, 3) of the object, metres.
        normals: (N, 3) outward, unit.
        gripper: of the robot.
        obstacles: (M, 3) points of neighbours.
        plane: (4,) of the table, unit normal up and offset.
        config: as for `retarget_to_jaw`.
        seed: of chance.

    Returns:
        Feasible grasps, best first, never empty.

    Raises:
        NoJawGraspError: none is feasible; says why, with counts.
    """
    config, rng = config or JawConfig(), np.random.default_rng(seed)
    points, normals = np.asarray(points, float), np.asarray(normals, float)
    centres, axes, gaps = opposite_pairs(points, normals, np.ones(len(points)), config.samples, rng)
    if not len(gaps):
        raise NoJawGraspError(
            "no opposing contacts: no two points face away from each other", {"no_contact": 1}
        )
    z = np.cross(axes, rng.normal(size=(len(axes), 3)))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    tips = centres + z * rng.uniform(0.15, 0.95, (len(axes), 1)) * gripper.pad_length_m
    samples = JawSamples(np.stack([axes, np.cross(z, axes), z], axis=2), tips, gaps)
    scene = JawScene(points, normals, obstacles=obstacles, plane=plane)
    tried = try_poses(samples, scene, gripper, config)
    away = np.linalg.norm(tried.tips - points.mean(axis=0), axis=1)
    size = max(float(np.ptp(points, axis=0).max()), 1e-9)
    cost = tried.closing.antipodal_rad / np.arctan(config.friction) + away / size
    grasps = []
    for row in np.argsort(cost, kind="stable")[: config.keep]:
        tool = np.eye(4)
        tool[:3, :3] = tried.rotations[row]
        tool[:3, 3] = tried.tips[row] - gripper.beyond_tool_m * tool[:3, 2]
        scores = {
            "antipodal_rad": float(tried.closing.antipodal_rad[row]),
            "centre_m": float(away[row]),
            "contacts": float(tried.closing.contacts[row]),
            "cost": float(cost[row]),
        }
        why = f"{tried.closing.width_m[row] * 1e3:.0f} mm wide, {away[row] * 1e3:.0f} mm from the middle"
        grasps.append(
            JawGrasp(tool, float(tried.closing.width_m[row]), float(tried.opening_m[row]), scores, why)
        )
    return grasps
