"""From hands to planned grasps of any robot, what stands around, and which motions are let through."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from semgrasp_ros.core.data.dataset import object_cloud
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.retarget.motion_check import MotionCheck, MotionError, check_start
from semgrasp_ros.core.retarget.plan import PlanConfig
from semgrasp_ros.core.retarget.robot_grasp import (
    CELL_M,
    HEAVY_M3,
    GraspScene,
    HumanHand,
    RobotGrasper,
    bulk_m3,
)
from semgrasp_ros.core.retarget.robots import load_robot
from semgrasp_ros.core.retarget.surroundings import SurroundingsConfig, neighbours_of, table_height
from semgrasp_ros.core.retarget.trajectory import JointTrajectory
from test.semgrasp_ros.core.retarget.test_hand import GRASPS

PANDA = load_robot("panda")
HOME = np.array(PANDA.arm.home_rad)


def hand_and_scene(family: str = "ball", x: float = 0.5) -> tuple[HumanHand, GraspScene]:
    """A generated hand on a thing that stands on a table before the robot."""
    grasp, human = GRASPS.read(family, 0)[0], load_hand()
    pose = (
        torch.from_numpy(np.asarray(array, np.float32))[None]
        for array in (grasp.wrist, grasp.joint_rotations, grasp.shape)
    )
    with torch.no_grad():
        posed = human(*pose)
    cloud = object_cloud(family, 0)
    base = np.eye(4)
    base[:3, 3] = x, 0.1, -cloud.points[:, 2].min()
    hand = HumanHand(
        posed.vertices[0].double().numpy(), human.regions.numpy(), posed.keypoints[0].double().numpy()
    )
    return hand, GraspScene(cloud.points.astype(float), cloud.normals.astype(float), base, table_z_m=0.0)


def test_several_grasps_are_all_different_and_begin_where_the_arm_is():
    hand, scene = hand_and_scene()
    grasps = RobotGrasper(PANDA).grasps([hand], scene, HOME, keep=2)
    assert len(grasps) == 2 and all(grasp.succeeded and grasp.plan.reason == "" for grasp in grasps)
    ends = [grasp.plan.phases["approach"].positions[-1] for grasp in grasps]
    assert np.abs(ends[0] - ends[1]).max() > 1e-3
    for grasp in grasps:
        check_start("reach", grasp.plan.phases["reach"], HOME, 1e-6)
        assert {"position_error_m", "clearance_m", "antipodal_rad", "cost"} <= set(grasp.numbers)


def test_a_second_hand_is_tried_when_the_first_cannot_be_done_and_the_reasons_are_kept():
    hand, scene = hand_and_scene()
    away = HumanHand(hand.vertices + (0, 0, 1.0), hand.regions, hand.keypoints + (0, 0, 1.0))
    found = RobotGrasper(PANDA, PlanConfig(candidates=5)).grasps([away, hand], scene, HOME)[0]
    assert found.succeeded and found.hand == 1 and sum(found.plan.failures.values()) >= 1


def test_a_hand_holds_leaning_walls_where_there_are_no_better_ones():
    """Around a cone no two walls stand across one another: their normals are 40 degrees off any closing axis."""
    hand, scene = hand_and_scene()
    lean, count = np.radians(40.0), 4000
    rng = np.random.default_rng(0)
    turn, height = rng.uniform(0, 2 * np.pi, count), 0.05 * np.sqrt(rng.random(count))
    # Wide below: the tip is 50 mm above the table.
    radius = (height * np.tan(lean))[:, None]
    around = np.column_stack([np.cos(turn), np.sin(turn), np.zeros(count)])
    floor = scene.points[:, 2].min()
    points = radius * around + np.column_stack([np.zeros((count, 2)), floor + 0.05 - height])
    normals = np.cos(lean) * around + [0, 0, np.sin(lean)]
    cone = replace(scene, points=points, normals=normals)
    (found,) = RobotGrasper(load_robot("panda_allegro")).grasps([hand], cone, HOME)
    assert found.succeeded, found.plan.failures
    assert np.arctan(0.5) < found.numbers["antipodal_rad"] < np.arctan(0.9)
    assert "thumb against fingers" in found.wanted.why


def test_what_fails_counts_its_reasons():
    hand, scene = hand_and_scene(x=1.7)
    (failed,) = RobotGrasper(PANDA, PlanConfig(candidates=3)).grasps([hand], scene, HOME)
    assert not failed.succeeded and failed.plan.reason.startswith("unreachable")
    assert sum(failed.plan.failures.values()) == 3 and failed.numbers == {}
    with pytest.raises(ValueError, match="hands: is empty"):
        RobotGrasper(PANDA).grasps([], scene, HOME)


def test_the_table_is_found_below_the_thing_and_neighbours_are_what_is_left():
    # Looking straight down from 1 m; the table 5 cm above the base's origin, a block of 8 cm beside a thing of 4 cm.
    camera = np.array([[0, -1, 0, 0.5], [-1, 0, 0, 0], [0, 0, -1, 1], [0, 0, 0, 1]], float)
    grid = np.stack(np.meshgrid(np.linspace(-0.3, 0.3, 80), np.linspace(-0.3, 0.3, 80)), -1).reshape(-1, 2)
    scene = np.column_stack([grid + (0.5, 0), np.full(len(grid), 0.05)])
    block = (np.abs(grid - (0.15, 0)) < 0.03).all(axis=1)
    thing = (np.abs(grid) < 0.02).all(axis=1)
    scene[block, 2], scene[thing, 2] = 0.13, 0.09
    seen = (scene - camera[:3, 3]) @ camera[:3, :3]
    config = SurroundingsConfig()
    height = table_height(seen, seen[thing], camera, config)
    assert height == pytest.approx(0.05, abs=1e-3)
    found = neighbours_of(np.concatenate([scene, [[np.nan] * 3]]), scene[thing], height, config)
    assert len(found) and found[:, 2] == pytest.approx(0.13)
    # A wall is no table.
    wall = camera.copy()
    wall[:3, :3] = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]]) @ camera[:3, :3]
    assert table_height(seen, seen[thing], wall, config) is None
    assert len(neighbours_of(scene[:0], scene[thing], None, config)) == 0


def motion(times, positions) -> JointTrajectory:
    positions = np.asarray(positions, float)
    return JointTrajectory(
        PANDA.arm.joints, np.asarray(times, float), positions, 0 * positions, 0 * positions
    )


@pytest.mark.parametrize(
    ("times", "positions", "words"),
    [
        ([0, 1], [HOME, HOME + 4.0], "beyond its limit"),
        ([0, 0.01], [HOME, HOME + 0.3], "times as fast"),
        ([0, 0], [HOME, HOME], "ascend"),
        ([0, 1], [HOME, HOME * np.nan], "not finite"),
        ([0], [HOME, HOME], "one value for each joint"),
    ],
)
def test_motions_that_must_not_be_done_are_refused(times, positions, words):
    with pytest.raises(MotionError, match=f"^reach: .*{words}"):
        MotionCheck(PANDA).check("reach", motion(times, positions))


def test_a_motion_within_limits_is_let_through_from_where_the_arm_is():
    way = motion([0, 1], [HOME, HOME + 0.1])
    MotionCheck(PANDA).check("reach", way)
    check_start("reach", way, HOME + 0.04, 0.05)
    with pytest.raises(MotionError, match="panda_joint1 is, 0.05 are allowed.*plan again"):
        check_start("reach", way, HOME + [0.06, 0, 0, 0, 0, 0, 0], 0.05)


@pytest.mark.parametrize("seed", range(5))
def test_the_room_that_a_thing_takes_is_known_from_its_upper_side(seed):
    rng = np.random.default_rng(seed)
    size, table = rng.uniform(0.04, 0.15, 3), rng.uniform(-0.2, 0.2)
    top = np.column_stack([rng.uniform(-0.5, 0.5, (20000, 2)) * size[:2], np.full(20000, table + size[2])])
    base = np.eye(4)
    base[:3, :3] = Rotation.random(random_state=rng).as_matrix()
    base[:3, 3] = rng.uniform(-1, 1, 3)
    points = (top - base[:3, 3]) @ base[:3, :3]
    scene = GraspScene(points, np.zeros_like(points), base, table_z_m=table)
    # Cells at the edges count whole.
    edges = float(np.prod(size[:2] + 2 * CELL_M) * size[2])
    assert np.prod(size) - 1e-9 < bulk_m3(scene) < edges + 1e-9
    assert bulk_m3(replace(scene, table_z_m=None)) == pytest.approx(0, abs=1e-9), "nothing lower is known of"


def test_a_hand_pinches_what_is_light_and_curls_around_what_looks_heavy():
    hand, scene = hand_and_scene()
    grasper = RobotGrasper(load_robot("panda_allegro"))
    (light,) = grasper.grasps([hand], scene, HOME)
    grid = np.linspace(-0.04, 0.04, 30)
    beside = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2) + (0, 0.12)
    block = np.column_stack([beside, np.full(len(beside), scene.points[:, 2].min() + 0.08)])
    heavier = replace(
        scene,
        points=np.concatenate([scene.points, block]),
        normals=np.concatenate([scene.normals, np.tile([0, 0, 1.0], (len(block), 1))]),
    )
    assert bulk_m3(scene) < HEAVY_M3 < bulk_m3(heavier)
    (heavy,) = grasper.grasps([hand], heavier, HOME)
    assert light.wanted.why.startswith("thumb against fingers")
    assert heavy.wanted.why.startswith("fingers around it")
