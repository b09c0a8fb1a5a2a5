"""Real physics, small: blocks on a table, grasped by planned motions."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from grasp_cell.arm_cell import ArmCell, CellError
from grasp_cell.arm_config import ArmCellConfig
from grasp_cell.arm_score import judge
from grasp_cell.depth_noise import noisy_depth
from grasp_cell.household_scene import NoRoomError, Placed, place
from semgrasp_ros.core.data.household import Part, make_object
from semgrasp_ros.core.data.household.object import assemble
from semgrasp_ros.core.retarget.collision import table
from semgrasp_ros.core.retarget.plan import GraspCandidate, plan_grasp
from semgrasp_ros.core.retarget.robots import load_robot

SMALL = ArmCellConfig(width_px=160, height_px=120)


def block(length_m: float = 0.1, width_m: float = 0.04):
    """Left and right halves along x."""
    halves = []
    for side in (-1, 1):
        box = trimesh.creation.box((length_m / 2 + 1e-4, width_m, 0.06))
        box.apply_translation((side * length_m / 4, 0, 0))
        halves.append(box)
    return assemble("block", 0, [Part("left", (halves[0],)), Part("right", (halves[1],))])


@pytest.fixture(scope="module")
def panda():
    return load_robot("panda")


@pytest.fixture(scope="module")
def cell(panda):
    made = ArmCell(panda, SMALL)
    yield made
    made.close()


def stand(cell: ArmCell, width_m: float = 0.04) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, 3] = [*cell.middle_m, 0.0305]
    cell.set_up([Placed(block(width_m=width_m), pose)])
    return pose


def from_above(cell: ArmCell, point_m: np.ndarray):
    """A motion that closes along y at a point."""
    tool = np.eye(4)
    tool[:3, :3] = [[0, 1, 0], [1, 0, 0], [0, 0, -1]]
    tool[:3, 3] = point_m
    grasp = GraspCandidate(tool, np.full(2, 0.04), np.zeros(2), half_turns=True)
    plan = plan_grasp(cell.robot, [grasp], [table(-0.002)], cell.q_now)
    assert plan.succeeded, plan.reason
    return plan.phases


def test_closed_gripper_holds_a_block_by_the_half_it_was_sent_to(cell):
    pose = stand(cell)
    phases = from_above(cell, pose[:3, 3] + [0.025, 0, 0.01])
    seen = []
    log = cell.execute(phases, seen.append)
    outcome = judge(log, block(), "right", cell.config)
    assert outcome.succeeded, outcome
    assert outcome.moved_before_closing_m < 0.002 and not outcome.knocked
    assert seen == ["shape", "reach", "approach", "grasp", "lift", "hold"]
    assert cell.true_pose()[2, 3] > 0.12
    # Half the force on each finger, as both share the drive.
    pressing = [moment.forces_n.sum() for moment in log.moments if moment.phase == "hold"]
    assert np.median(pressing) == pytest.approx(cell.config.grip_force_n, rel=0.3)


@pytest.mark.parametrize("width_m", [0.012, 0.06])
def test_gripper_presses_thin_and_wide_things_with_all_its_force(cell, width_m):
    pose = stand(cell, width_m)
    log = cell.execute(from_above(cell, pose[:3, 3] + [0, 0, 0.01]))
    pressing = [moment.forces_n.sum() for moment in log.moments if moment.phase == "hold"]
    assert np.median(pressing) == pytest.approx(cell.config.grip_force_n, rel=0.1)


def test_gripper_without_force_lets_it_go(panda):
    weak = ArmCell(panda, replace(SMALL, grip_force_n=1.0, density_kg_m3=3000.0))
    pose = stand(weak)
    outcome = judge(weak.execute(from_above(weak, pose[:3, 3] + [0, 0, 0.01])), block(), "left", weak.config)
    assert not outcome.held and outcome.reason
    assert weak.true_pose()[2, 3] < 0.06


def test_closing_beside_it(cell):
    pose = stand(cell)
    log = cell.execute(from_above(cell, pose[:3, 3] + [0, 0, 0.12]))
    outcome = judge(log, block(), "left", cell.config)
    assert outcome.reason == "closed beside it" and not outcome.lifted
    np.testing.assert_allclose(cell.true_pose()[:3, 3], pose[:3, 3], atol=2e-3)


def test_a_phase_is_missing(cell):
    pose = stand(cell)
    phases = from_above(cell, pose[:3, 3])
    del phases["lift"]
    with pytest.raises(ValueError, match="phases: 'lift' is missing"):
        cell.execute(phases)


def test_same_seed_same_scene(cell):
    things = [make_object(name, 0) for name in ("mug", "hammer", "banana")]
    poses, depths = [], []
    for seed in (3, 3, 4):
        cell.reset(things, seed)
        poses.append([cell.true_pose(index) for index in range(3)])
        depths.append(cell.view().depth_m)
    np.testing.assert_array_equal(poses[0], poses[1])
    np.testing.assert_array_equal(depths[0], depths[1])
    assert np.abs(np.array(poses[0]) - poses[2]).max() > 0.01


def test_objects_rest_apart_on_the_table(cell):
    things = [make_object(name, 0) for name in ("mug", "hammer", "banana", "can", "spoon")]
    cell.reset(things, 1)
    for index, thing in enumerate(things):
        pose = cell.true_pose(index)
        lowest = (thing.mesh.vertices @ pose[2, :3]).min() + pose[2, 3]
        assert abs(lowest) < 2e-3
    away = np.linalg.norm(cell.true_pose()[:2, 3] - cell.middle_m)
    assert away < cell.config.spread_m + 0.02


def test_camera_sees_the_object_where_it_is(cell):
    cell.reset([make_object("can", 0)], 0)
    view, mask = cell.view(), cell.mask()
    assert mask.sum() > 100
    rows, columns = np.nonzero(mask & np.isfinite(view.depth_m))
    camera = view.camera
    pixels = np.column_stack([columns + 0.5, rows + 0.5, np.ones(len(rows))])
    local = pixels @ np.linalg.inv(camera.intrinsics).T * view.depth_m[rows, columns][:, None]
    points = local @ camera.base_from_camera[:3, :3].T + camera.base_from_camera[:3, 3]
    pose, bounds = cell.true_pose(), make_object("can", 0).mesh.bounds
    inside = (points - pose[:3, 3]) @ pose[:3, :3]
    assert (inside > bounds[0] - 0.01).all() and (inside < bounds[1] + 0.01).all()
    assert inside[:, 2].max() == pytest.approx(bounds[1, 2], abs=0.008)


def test_arm_is_out_of_the_cameras_sight(cell):
    cell.reset([make_object("can", 0)], 0)
    height, width = SMALL.height_px, SMALL.width_px
    middle = cell.view().depth_m[height // 4 :, width // 4 : -width // 4]
    assert np.nanmin(middle) > 0.5


def test_no_room(cell):
    many, narrow = [make_object("bowl", 0)] * 2, replace(SMALL, neighbours_within_m=0.1)
    with pytest.raises(NoRoomError, match="bowl 0: found no room beside 1"):
        place(many, cell.middle_m, narrow, np.random.default_rng(0))


def test_empty_cell_says_what_to_do(panda):
    with pytest.raises(CellError, match="call reset"):
        ArmCell(panda, SMALL).view()


def test_noise_grows_with_distance_and_edges_are_lost():
    config = replace(SMALL, lost_at_edges=1.0)
    depth = np.full((200, 200), 0.4, np.float32)
    depth[:, 100:] = 1.4
    noisy = noisy_depth(depth, config, np.random.default_rng(0))
    assert np.isnan(noisy[:, 99:101]).all() and np.isfinite(noisy[:, :99]).all()
    assert noisy[:, :99].std() == pytest.approx(config.depth_noise_m, rel=0.05)
    assert noisy[:, 101:].std() == pytest.approx(0.0031, rel=0.05)


def test_settings_are_checked():
    with pytest.raises(ValueError, match="sample_s: 0.001 is below timestep_s"):
        ArmCellConfig(sample_s=0.001)
