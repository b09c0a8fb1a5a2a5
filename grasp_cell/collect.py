"""Attempts straight from the cell, without ROS: for examinations, experiments and shards of experience."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.grasp_anything import GraspAnythingConfig, plan_grasps
from grasp2vec_ros.core.held_views import HELD_VIEWS, view_angles_rad
from grasp_cell.arm import BASE_FRAME
from grasp_cell.cell import Cell

# A grasp that cannot be reached is replaced by the next best; more than this many do not come up in practice.
PLANS_TO_TRY = 5


@dataclass
class Truth:
    """What the simulator knows about an attempt. For scoring only.

    Attributes:
        held_object: name of what was lifted, or None.
        objects: names of what was in the bin before.
        masks: visible pixels of each object in the pre image, (H, W) bool by name.
        filling: counts up whenever other objects are put into the bin.
    """

    held_object: str | None
    objects: list[str]
    masks: dict[str, np.ndarray]
    filling: int = 0


@dataclass
class Attempt:
    """An attempt as a robot would store it, and its ground truth beside it."""

    experience: Experience
    truth: Truth


def collect_attempts(
    cell: Cell,
    count: int,
    rng: np.random.Generator,
    held_views: int = HELD_VIEWS,
    scene_every: int = 10,
    planning: GraspAnythingConfig | None = None,
) -> Iterator[Attempt]:
    """Grasps whatever can be grasped, `count` times.

    Args:
        cell: the robot cell.
        count: attempts.
        rng: decides what is grasped.
        held_views: views of each held object, the wrist turned between them.
        scene_every: attempts after which other objects are put into the bin.
        planning: of the grasp-anything policy.
    """
    episode = uuid.UUID(bytes=rng.bytes(16)).hex[:12]
    for number in range(count):
        if number % scene_every == 0:
            cell.reset_scene(int(rng.integers(2**31)))
        attempt = _attempt(cell, episode, number, rng, held_views, planning or GraspAnythingConfig())
        attempt.truth.filling = number // scene_every
        yield attempt


def _attempt(
    cell: Cell,
    episode: str,
    number: int,
    rng: np.random.Generator,
    held_views: int,
    planning: GraspAnythingConfig,
) -> Attempt:
    pre = cell.scene_frame()
    truth = Truth(None, cell.ground_truth.objects(), cell.ground_truth.masks())
    camera = cell.scene_camera
    plans = plan_grasps(pre.depth_m, camera.intrinsics, camera.base_from_camera, planning, rng)
    pose, outcome = None, "empty"
    for plan in plans[:PLANS_TO_TRY]:
        pose = plan.base_from_tcp
        outcome = cell.execute_grasp(pose, plan.opening_m).outcome
        if outcome != "unreachable":
            break
    held, angles, stamps, opening = [], [], [], cell.gripper_opening_m
    if outcome == "ok":
        truth.held_object = cell.ground_truth.held_object()
        for angle in view_angles_rad(held_views):
            if angle and cell.present(angle).outcome != "ok":
                break
            view = cell.held_frame()
            held.append(view.rgb)
            stamps.append(int(view.stamp_s * 1e9))
            angles.append(angle)
    post = cell.scene_frame()
    if outcome == "ok":
        cell.release()
    experience = Experience(
        robot_id="cell",
        episode=episode,
        attempt=number,
        stamp_ns=int(pre.stamp_s * 1e9),
        pre=pre.rgb,
        post=post.rgb,
        held=held,
        held_angles_rad=angles,
        held_stamps_ns=stamps,
        post_stamp_ns=int(post.stamp_s * 1e9),
        success=bool(held),
        gripper_opening_m=opening,
        grasp_position_m=None if pose is None else tuple(pose[:3, 3].tolist()),
        base_frame=BASE_FRAME if pose is not None else "",
        scene_frame="scene_camera",
    )
    return Attempt(experience, truth)
