"""A hand in the cell, used as a jaw or curled around a thing."""

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
from semgrasp_ros.core.retarget.hand_wrap import HandWrap
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


@pytest.mark.parametrize("curled", [False, True])
def test_a_heavy_rod_beside_its_middle_needs_fingers_around_it(curled: bool) -> None:
    """Of 0.5 kg, held 80 mm from the middle: more than three tips hold by friction."""
    robot = load_robot("panda_allegro")
    thick, long, mass = 0.042, 0.28, 0.5
    thing = assemble("rod", 0, [part("rod", block((long, thick, thick), bevel=0.014))])
    cell = ArmCell(robot, replace(ArmCellConfig(), density_kg_m3=mass / thing.mesh.volume))
    pose = np.eye(4)
    pose[:3, 3] = [*cell.middle_m, thick / 2 + 0.0005]
    cell.set_up([Placed(thing, pose)])
    hand = HandKinematics(robot)
    pinch = HandPinch(hand, robot.gripper.pinch)
    used = HandWrap(hand, pinch, robot.gripper.pinch.wrap) if curled else pinch
    tool = np.eye(4)
    tool[:3, :3] = [[0, 1, 0], [1, 0, 0], [0, 0, -1]]
    # The tips end as low as the table lets them, in both cases.
    tool[:3, 3] = [*cell.middle_m, robot.gripper.tip_radius_m + 0.002]
    tool[0, 3] += 0.08
    if curled:
        tool[2, 3] += robot.gripper.pinch.wrap.deeper_m
    points = trimesh.sample.sample_surface(thing.mesh, 2000, seed=0)[0] + pose[:3, 3]
    grasp = JawGrasp(tool, thick, thick + 0.03, {}, "")
    plane = np.array([0.0, 0.0, 1.0, 0.0])
    candidates = used.candidates(grasp, np.eye(4), tool[:3, 3] + tool[:3, 0], points, plane)
    plan = plan_grasp(robot, candidates, [table(-0.002)], cell.q_now)
    assert plan.succeeded, plan.failures
    outcome = judge(cell.execute(plan.phases), thing, "rod", cell.config)
    cell.close()
    assert outcome.held == curled, outcome
