"""Attempts without an arm's motion: an object vanishes from the bin and appears in the gripper.

Physics only lets the objects settle, before and after; that is many times faster than grasping, for learning what
objects look like before the first real grasp. What is stored is what a robot would store: images, nothing else.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import mujoco
import numpy as np

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.held_views import HELD_VIEWS
from grasp_cell.arm import ARM_JOINTS, BASE_FRAME, FINGER_JOINTS, LARGEST_OPENING_M, TOOL_BODY
from grasp_cell.cell import Cell
from grasp_cell.collect import Attempt, Truth

FINGER_LENGTH_M = 0.04
# A jaw must be able to come down on both sides.
WIDEST_M = LARGEST_OPENING_M - 0.006
NUDGE_REACH_M = 0.13
HALFWAY_DOWN_M = 0.012  # the fingertips go at least this far below an object's top
NARROWEST_YAWS, YAWS = 4, 12
FURTHEST_VIEW_RAD = 1.05  # from the middle of one side, front or back
OUT_OF_THE_WAY_M = 5.0  # above the cell; it falls for less than half a second


def simulate_removals(
    cell: Cell,
    count: int,
    rng: np.random.Generator,
    held_views: int = HELD_VIEWS,
    nudge_m: float = 0.006,
    nudge_share: float = 0.3,
    settle_s: float = 0.3,
) -> Iterator[Attempt]:
    """Takes every object out of one bin after another.

    Args:
        cell: whose objects and cameras are used.
        count: attempts.
        rng: decides everything.
        held_views: pictures of each held object, the wrist turned at random between them.
        nudge_m: how far neighbours of the removed object are pushed at most.
        nudge_share: in which share of the attempts they are.
        settle_s: how long the others have to fall and slide after it is gone: what leaned on it does.
    """
    made, filling = 0, -1
    while made < count:
        filling += 1
        cell.reset_scene(int(rng.integers(2**31)))
        episode = uuid.UUID(bytes=rng.bytes(16)).hex[:12]
        pre = cell.scene_frame(depth=False).rgb
        masks = cell.ground_truth.masks()
        for name in map(str, rng.permutation(cell.ground_truth.objects())):
            settled = cell.data.qpos.copy()
            grasp = _choose_grasp(cell, name, rng)
            if grasp is not None and made < count:
                push_m = nudge_m if rng.uniform() < nudge_share else 0.0
                angles = _angles_rad(held_views, rng)
                held = _hold(cell, name, grasp, angles)
                cell.data.qpos[:] = settled
                if push_m > 0:
                    _nudge_neighbours(cell, name, push_m, rng)
                post = _without(cell, name, settle_s)
                experience = _experience(cell, (episode, made), grasp, pre, post, held, angles)
                yield Attempt(experience, Truth(name, cell.ground_truth.objects(), masks, filling))
                made += 1
            cell.data.qpos[:], cell.data.qvel[:] = settled, 0
            mujoco.mj_forward(cell.model, cell.data)


def show_object(cell: Cell, name: str, rng: np.random.Generator) -> np.ndarray | None:
    """A picture of an object of the bin as it would be held, (H, W, 3) uint8; None when it is too wide to hold.

    Everything is back in its place afterwards.
    """
    grasp = _choose_grasp(cell, name, rng)
    if grasp is None:
        return None
    settled = cell.data.qpos.copy()
    view = _hold(cell, name, grasp, [0.0])[0]
    cell.data.qpos[:] = settled
    mujoco.mj_forward(cell.model, cell.data)
    return view


def _choose_grasp(cell: Cell, name: str, rng: np.random.Generator) -> tuple[np.ndarray, float] | None:
    """A top-down grasp (base_from_tcp (4, 4), width [m]) on an object as it lies; None when it is too wide."""
    points = _corners(cell, name)
    low, high = points[:, 2].min(), points[:, 2].max()
    height = max(low + 0.006, high - rng.uniform(HALFWAY_DOWN_M, FINGER_LENGTH_M))
    grasps = []
    for yaw in rng.uniform(-np.pi, np.pi, YAWS):
        pose = np.eye(4)
        pose[:3, :3] = [[np.cos(yaw), np.sin(yaw), 0], [np.sin(yaw), -np.cos(yaw), 0], [0, 0, -1]]
        local = points @ pose[:3, :3]
        width = np.ptp(local[:, 1])
        if width <= WIDEST_M:
            middle = (local.min(axis=0) + local.max(axis=0)) / 2
            pose[:3, 3] = pose[:3, :3] @ middle
            pose[2, 3] = height
            grasps.append((pose, float(width)))
    grasps.sort(key=lambda grasp: grasp[1])
    return grasps[rng.integers(min(NARROWEST_YAWS, len(grasps)))] if grasps else None


def _without(cell: Cell, name: str, settle_s: float) -> np.ndarray:
    """The scene once an object is gone and the others have come to rest, (H, W, 3) uint8."""
    nowhere = np.eye(4)
    nowhere[2, 3] = OUT_OF_THE_WAY_M
    _set_pose(cell, name, nowhere)
    cell.data.qvel[:] = 0
    mujoco.mj_forward(cell.model, cell.data)
    cell.idle(settle_s)
    return cell.scene_frame(depth=False).rgb


def _experience(
    cell: Cell,
    where: tuple[str, int],
    grasp: tuple[np.ndarray, float],
    pre: np.ndarray,
    post: np.ndarray,
    held: list[np.ndarray],
    angles: list[float],
) -> Experience:
    stamp_ns = int(cell.time_s * 1e9)
    return Experience(
        robot_id="simulated_removal",
        episode=where[0],
        attempt=where[1],
        stamp_ns=stamp_ns,
        pre=pre,
        post=post,
        held=held,
        held_angles_rad=[float(angle) for angle in angles],
        held_stamps_ns=[stamp_ns] * len(held),
        post_stamp_ns=stamp_ns,
        success=True,
        gripper_opening_m=grasp[1],
        grasp_position_m=tuple(grasp[0][:3, 3].tolist()),
        base_frame=BASE_FRAME,
        scene_frame="scene_camera",
    )


def _angles_rad(views: int, rng: np.random.Generator) -> list[float]:
    """Of the wrist: the first 0, the others anywhere in front or behind."""
    others = rng.uniform(-FURTHEST_VIEW_RAD, FURTHEST_VIEW_RAD, views - 1)
    return [0.0, *(others + np.pi * rng.integers(0, 2, views - 1))]


def _hold(cell: Cell, name: str, grasp: tuple[np.ndarray, float], angles: list[float]) -> list[np.ndarray]:
    """Puts an object between the fingers as the grasp would, and takes a picture at each angle of the wrist."""
    base_from_tcp, width = grasp
    tcp_from_object = np.linalg.inv(base_from_tcp) @ _pose(cell, name)
    for joint in FINGER_JOINTS:
        cell.data.joint(joint).qpos[0] = width / 2
    wrist, views = float(cell.data.joint(ARM_JOINTS[6]).qpos[0]), []
    for angle in angles:
        cell.data.joint(ARM_JOINTS[6]).qpos[0] = wrist + angle
        mujoco.mj_kinematics(cell.model, cell.data)
        _set_pose(cell, name, _tool_pose(cell) @ tcp_from_object)
        mujoco.mj_forward(cell.model, cell.data)
        views.append(cell.held_frame().rgb)
    return views


def _nudge_neighbours(cell: Cell, name: str, nudge_m: float, rng: np.random.Generator) -> None:
    taken = _pose(cell, name)[:2, 3]
    for other in cell.ground_truth.objects():
        pose = _pose(cell, other)
        if other == name or np.linalg.norm(pose[:2, 3] - taken) > NUDGE_REACH_M:
            continue
        yaw = rng.normal(scale=0.1)
        turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        pose[:3, :3] = turn @ pose[:3, :3]
        pose[:2, 3] += rng.uniform(-nudge_m, nudge_m, 2)
        _set_pose(cell, other, pose)


def _corners(cell: Cell, name: str) -> np.ndarray:
    """Corners of an object's surface in the base frame, (n, 3)."""
    pose = _pose(cell, name)
    return cell.library.load(name).vertices @ pose[:3, :3].T + pose[:3, 3]


def _pose(cell: Cell, name: str) -> np.ndarray:
    """base_from_object, (4, 4)."""
    place = cell.data.qpos[cell.object_address(name) :][:7]
    rotation, pose = np.empty(9), np.eye(4)
    mujoco.mju_quat2Mat(rotation, place[3:])
    pose[:3, :3], pose[:3, 3] = rotation.reshape(3, 3), place[:3]
    return pose


def _set_pose(cell: Cell, name: str, pose: np.ndarray) -> None:
    place = cell.data.qpos[cell.object_address(name) :][:7]
    place[:3] = pose[:3, 3]
    mujoco.mju_mat2Quat(place[3:], np.ascontiguousarray(pose[:3, :3]).ravel())


def _tool_pose(cell: Cell) -> np.ndarray:
    pose = np.eye(4)
    tool = cell.data.body(TOOL_BODY)
    pose[:3, :3], pose[:3, 3] = tool.xmat.reshape(3, 3), tool.xpos
    return pose
