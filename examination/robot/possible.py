"""Whether a parallel jaw can hold the asked-for part at all: an upper bound, from the true surface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from semgrasp_ros.core.data.household import HouseholdObject
from semgrasp_ros.core.metrics.solid import Solid
from semgrasp_ros.core.objects.clouds import surface_cloud
from semgrasp_ros.core.retarget.jaw import NoJawGraspError
from semgrasp_ros.core.retarget.jaw_antipodal import antipodal_grasps
from semgrasp_ros.core.retarget.jaw_truth import true_hold
from semgrasp_ros.core.retarget.jaw_types import JawConfig
from semgrasp_ros.core.retarget.robot_file import ParallelGripper

POINTS, SAMPLES = 4096, 4000


def jaw_can_hold(thing: HouseholdObject, part: str, gripper: ParallelGripper) -> bool:
    """Whether some sampled grasp holds the true part, seen from all sides, on a table and without neighbours.

    Args:
        thing: the object, as it rests.
        part: name of the part.
        gripper: of the robot.
    """
    cloud = surface_cloud(thing, POINTS, np.random.default_rng(0))
    index = [each.name for each in thing.parts].index(part)
    mine = cloud.parts == index
    if mine.sum() < 50:
        return False
    plane = np.array([0, 0, 1.0, -float(thing.mesh.bounds[0, 2])])
    config = replace(JawConfig(), samples=SAMPLES, margin_m=0.0)
    try:
        grasps = antipodal_grasps(
            cloud.points[mine], cloud.normals[mine], gripper, obstacles=cloud.points[~mine], plane=plane, config=config
        )  # fmt: skip
    except NoJawGraspError:
        return False
    solid = Solid.of(thing.mesh)
    return any(true_hold(solid, grasp, gripper).holds for grasp in grasps)
