"""A hand in the cell, used as a jaw."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from grasp_cell.arm_cell import ArmCell
from grasp_cell.arm_config import ArmCellConfig
from grasp_cell.arm_score import judge
from grasp_cell.household_scene import Placed
from semgrasp_ros.core.data.household import HouseholdObject
from semgrasp_ros.core.data.household.family import part
from semgrasp_ros.core.data.household.object import assemble
from semgrasp_ros.core.data.household.solids import block
from semgrasp_ros.core.retarget.collision import table
from semgrasp_ros.core.retarget.hand_model import HandKinematics
from semgrasp_ros.core.retarget.hand_pinch import HandPinch
from semgrasp_ros.core.retarget.jaw_types import JawGrasp
from semgrasp_ros.core.retarget.plan import plan_grasp
from semgrasp_ros.core.retarget.robots import load_robot


def bar(high_m: float) -> HouseholdObject:
    """A bar of 120 mm along x, as flat as wanted."""
    return assemble("bar", 0, [part("bar", block((0.12, 0.014, high_m)))])


@pytest.mark.parametrize("high_m", [0.009, 0.012, 0.04])
def test_what_lies_low_is_lifted_between_round_tips(high_m: float) -> None:
    """Tips of 12 mm touch a bar of 12 mm at its upper edges: when they rise while they close, they slip over it."""
    robot = load_robot("panda_allegro")
    cell = ArmCell(robot, replace(ArmCellConfig(), hold_s=0.5))
    pose = np.eye(4)
    pose[:3, 3] = [*cell.middle_m, high_m / 2 + 0.0005]
    thing = bar(high_m)
    cell.set_up([Placed(thing, pose)])
    tool = np.eye(4)
    tool[:3, :3] = [[0, 1, 0], [1, 0, 0], [0, 0, -1]]
    tool[:3, 3] = [*cell.middle_m, max(high_m / 2, robot.gripper.tip_radius_m + 0.002)]
    pinch = HandPinch(HandKinematics(robot), robot.gripper.pinch)
    plane = np.array([0.0, 0.0, 1.0, 0.0])
    grasp = JawGrasp(tool, 0.014, 0.05, {}, "")
    points = trimesh.sample.sample_surface(thing.mesh, 2000, seed=0)[0] + pose[:3, 3]
    candidates = pinch.candidates(grasp, np.eye(4), tool[:3, 3] + tool[:3, 0], points, plane)
    plan = plan_grasp(robot, candidates, [table(-0.002)], cell.q_now)
    assert plan.succeeded, plan.failures
    outcome = judge(cell.execute(plan.phases), thing, "bar", cell.config)
    cell.close()
    assert outcome.held, outcome
