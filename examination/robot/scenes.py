"""What is asked for in each trial, and what the robot sees of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import numpy as np

from examination.semgrasp.held_out import requests
from grasp_cell.arm_cell import ArmCell, View
from grasp_cell.household_scene import NoRoomError
from semgrasp_ros.core.cloud.depth import DepthConfig, camera_points, masked_object
from semgrasp_ros.core.cloud.object_cloud import (
    CloudConfig,
    CloudError,
    check_cloud,
    clean_cloud,
    normals_toward,
)
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.household import HouseholdObject, make_object
from semgrasp_ros.core.retarget.robot_grasp import GraspScene
from semgrasp_ros.core.retarget.surroundings import SurroundingsConfig, neighbours_of, table_height

SPLIT = "unseen_instances"
LARGEST_NEIGHBOUR_M = 0.3
SCENE_TRIES = 10
# The crop shows next to nothing of the table, and flat things lie low: little above it is cut off.
CROP_TOLERANCE_M = 0.003
# A target that leans or rolled away while it came to rest is let fall again.
MOST_TILT_COSINE, MOST_ASTRAY_M = 0.9, 0.05


@dataclass(frozen=True)
class Trial:
    """One request in one scene.

    Attributes:
        key: names the request.
        turns: a conversation of (speaker, text) that ends with the request.
        asked: the part that is asked for.
        thing: the object that is asked for.
        others: that stand around it.
        seed: of the scene and of everything that is drawn.
        meant: a person's grasp that the words were made for; for oracles only.
    """

    key: str
    turns: tuple[tuple[str, str], ...]
    asked: str
    thing: HouseholdObject
    others: tuple[HouseholdObject, ...]
    seed: int
    meant: Grasp | None = None


@dataclass(frozen=True)
class Seen:
    """What the robot knows before it moves.

    Attributes:
        scene: points of the object in the base frame, and what is around it.
        view: of the camera.
        mask: the stated crop: which pixels are the object.
        q_now: joints of the arm.
        true_pose: (4, 4) of the object; for oracles and pictures only.
    """

    scene: GraspScene
    view: View
    mask: np.ndarray
    q_now: np.ndarray
    true_pose: np.ndarray


def make_trials(grasps: Path, count: int, clutter: int, seed: int) -> list[Trial]:
    """Requests for held-out objects, families in turn, each in a scene of its own.

    Args:
        grasps: folder of generated grasps; says which part of which object people hold how.
        count: how many.
        clutter: other objects in each scene.
        seed: of requests and scenes.

    Raises:
        ValueError: the folder has no grasps of held-out objects.
    """
    asked = requests(grasps, SPLIT, count, seed)
    owners = sorted({(request.grasp.family, request.grasp.instance) for request in asked})
    things = {owner: make_object(*owner) for owner in owners}
    small = [o for o in owners if things[o].mesh.extents.max() < LARGEST_NEIGHBOUR_M]
    trials = []
    for request in asked:
        own = request.grasp.family, request.grasp.instance
        number = crc32(f"{seed}/{clutter}/{request.key}".encode())
        rng = np.random.default_rng(number)
        pool = [owner for owner in small if owner[0] != own[0]]
        if len(pool) < clutter:
            raise ValueError(
                f"--clutter: {clutter} others are wanted, {len(pool)} small objects are there; ask for more trials"
            )
        chosen = rng.choice(len(pool), clutter, replace=False) if clutter else []
        others = tuple(things[pool[i]] for i in chosen)
        meant = request.grasp
        trials.append(Trial(request.key, request.turns, meant.part, things[own], others, number, meant))
    return trials


def set_up(cell: ArmCell, trial: Trial) -> None:
    """Puts the trial's objects on the table; the same every time.

    Raises:
        NoRoomError: they do not fit.
    """
    things: Sequence[HouseholdObject] = (trial.thing, *trial.others)
    for attempt in range(SCENE_TRIES):
        try:
            cell.reset(things, trial.seed + attempt)
        except NoRoomError:
            if attempt == SCENE_TRIES - 1:
                raise
            continue
        pose, wanted = cell.true_pose(), cell.placed[0].pose
        astray = np.linalg.norm(pose[:2, 3] - wanted[:2, 3])
        if pose[2, 2] > MOST_TILT_COSINE and astray < MOST_ASTRAY_M:
            return


def look(cell: ArmCell) -> Seen:
    """The depth camera's view, the crop of the object, and what follows from them.

    Raises:
        CloudError: too little of the object is seen.
    """
    view, mask = cell.view(), cell.mask()
    rng, clean = np.random.default_rng(0), CloudConfig()
    points = camera_points(view.depth_m, view.camera.intrinsics)
    cloud = masked_object(points, mask, DepthConfig(plane_tolerance_m=CROP_TOLERANCE_M), rng)
    check_cloud(cloud, clean, "mask")
    cloud = clean_cloud(cloud, clean, remove_outliers=True)
    check_cloud(cloud, clean, "mask, cleaned")
    normals = normals_toward(cloud.points, np.zeros(3), clean.normal_neighbours)
    pose = view.camera.base_from_camera
    rotation, eye = pose[:3, :3], pose[:3, 3]
    thing = cloud.points @ rotation.T + eye
    around = SurroundingsConfig()
    table = table_height(points, cloud.points, pose, around)
    neighbours = neighbours_of(points @ rotation.T + eye, thing, table, around)
    scene = GraspScene(thing, normals @ rotation.T, np.eye(4), eye, neighbours, table)
    return Seen(scene, view, mask, cell.q_now, cell.true_pose())


__all__ = ["CloudError", "Seen", "Trial", "look", "make_trials", "set_up"]
