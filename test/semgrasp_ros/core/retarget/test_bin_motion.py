"""Motions over a bin begin where the arm is, keep to limits and off the walls, and say why there are none."""

import dataclasses

import numpy as np
import pytest

from grasp_cell.scene import PRESENTED_M
from semgrasp_ros.core.retarget.bin_motion import BinConfig, BinMotionConfig, BinMotions, obstacles
from semgrasp_ros.core.retarget.collision import RobotCollision
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.motion_check import MotionCheck
from semgrasp_ros.core.retarget.paths import NoWayError
from semgrasp_ros.core.retarget.robot_check import problems
from semgrasp_ros.core.retarget.robot_file import RobotError
from semgrasp_ros.core.retarget.robots import load_robot


def grasp_pose(x: float, y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    """Tool centre point over the bin: z down, y along the closing direction."""
    pose = np.eye(4)
    pose[:3, :3] = [[np.cos(yaw), np.sin(yaw), 0], [np.sin(yaw), -np.cos(yaw), 0], [0, 0, -1]]
    pose[:3, 3] = x, y, z
    return pose


@pytest.fixture(scope="module", params=["panda", "ur5_jaw85"])
def motions(request):
    return BinMotions(load_robot(request.param), BinConfig(), BinMotionConfig())


def test_a_grasp_goes_there_closes_lifts_and_holds_up(motions):
    wanted = grasp_pose(0.5, 0.05, 0.03, 0.7)
    plan = motions.grasp(wanted, 0.06, 0.0, motions.arm.home_rad)
    assert plan.succeeded, plan.reason
    assert list(plan.phases) == ["reach", "approach", "grasp", "lift", "present"]
    check, arm = MotionCheck(motions.robot), [each for name, each in plan.phases.items() if name != "grasp"]
    for name, motion in plan.phases.items():
        check.check(name, motion)
    assert arm[0].positions[0] == pytest.approx(motions.arm.home_rad)
    for before, after in zip(arm[:-1], arm[1:], strict=True):
        assert after.positions[0] == pytest.approx(before.positions[-1], abs=1e-6)
    at = motions.arm.forward(plan.phases["approach"].positions[-1])
    assert at[:3, 3] == pytest.approx(wanted[:3, 3], abs=1e-3)
    # The fingers move along the tool's x, as the grasp's y: either way round.
    assert abs(at[:3, 0] @ wanted[:3, 1]) == pytest.approx(1.0, abs=1e-4)
    above = motions.arm.forward(plan.phases["approach"].positions[0])
    assert above[2, 3] == pytest.approx(0.03 + motions.config.travel_m, abs=1e-3)
    assert plan.phases["grasp"].positions[0].sum() == pytest.approx(0.06)
    assert plan.phases["grasp"].positions[-1].sum() == pytest.approx(0.0, abs=1e-9)
    assert arm[-1].positions[-1] == pytest.approx(motions.presented_rad)


def test_it_is_put_where_it_is_asked_or_somewhere_inside(motions):
    where, fingers = motions.bin, np.full(2, 0.02)
    for place in (None, np.array([0.45, -0.05, 0.1])):
        plan = motions.put_back(place, motions.presented_rad, fingers)
        assert plan.succeeded, plan.reason
        at = motions.arm.forward(plan.phases["approach"].positions[-1])[:3, 3]
        if place is not None:
            assert at == pytest.approx(place, abs=1e-3)
        assert where.workspace_min_x_m + 0.05 < at[0] < where.workspace_max_x_m - 0.05
        assert where.workspace_min_y_m + 0.05 < at[1] < where.workspace_max_y_m - 0.05
        assert plan.phases["grasp"].positions[-1].sum() == pytest.approx(motions.robot.gripper.opening_max_m)
        assert plan.phases["return"].positions[-1] == pytest.approx(motions.presented_rad)


def test_out_of_the_bin_it_goes_straight_up(motions):
    plan = motions.grasp(grasp_pose(0.5, 0.0, 0.03), 0.06, 0.0, motions.arm.home_rad)
    lift = motions.up(plan.phases["approach"].positions[-1], np.full(2, 0.03))
    way = np.array([motions.arm.forward(q)[:3, 3] for q in lift.positions])
    assert np.abs(way[:, :2] - way[0, :2]).max() < 1e-3
    assert way[-1, 2] == pytest.approx(motions.bin.floor_z_m + motions.config.travel_m, abs=1e-3)
    # From where nothing is in the way there is nothing to go up for.
    assert motions.up(motions.presented_rad, np.full(2, 0.03)) is None


def test_the_panda_holds_up_where_the_cells_have_their_camera():
    panda = load_robot("panda")
    held_up = ArmKinematics(panda).forward(np.array(panda.arm.presented_rad))
    assert held_up[:3, 3] == pytest.approx(PRESENTED_M, abs=1e-3)
    assert held_up[:3, 2] == pytest.approx([0, 0, -1], abs=1e-3)


def test_no_motion_touches_the_bin(motions):
    collision = RobotCollision(motions.robot, obstacles(motions.bin))
    plan = motions.grasp(grasp_pose(0.56, 0.1, 0.025), 0.05, 0.1, motions.arm.home_rad)
    assert plan.succeeded, plan.reason
    for name, motion in plan.phases.items():
        for q in motion.positions if name != "grasp" else ():
            assert collision.touch(q, np.full(2, 0.025)) is None, name


@pytest.mark.parametrize(
    ("place", "word"),
    [((1.5, 0.0, 0.03), "unreachable"), ((0.5, 0.145, 0.03), "wall at +y"), ((0.5, 0.0, -0.02), "floor")],
)
def test_a_grasp_that_cannot_be_done_says_why(motions, place, word):
    plan = motions.grasp(grasp_pose(*place), 0.06, 0.0, motions.arm.home_rad)
    assert not plan.succeeded and word in plan.reason and not plan.phases


def test_where_the_arm_stands_in_the_way_is_said(motions):
    low = motions.grasp(grasp_pose(0.5, 0.0, 0.03), 0.06, 0.0, motions.arm.home_rad).phases["approach"]
    inside = dataclasses.replace(motions.bin, floor_z_m=0.028)
    other = BinMotions(motions.robot, inside, motions.config)
    with pytest.raises(NoWayError, match="floor"):
        other.to(other.presented_rad, low.positions[-1], np.full(2, 0.03))


def test_arguments_out_of_range_are_named(motions):
    with pytest.raises(ValueError, match=r"opening: 0.2"):
        motions.grasp(grasp_pose(0.5, 0, 0.03), 0.2, 0.0, motions.arm.home_rad)
    with pytest.raises(ValueError, match="approach_distance: 0.9"):
        motions.grasp(grasp_pose(0.5, 0, 0.03), 0.05, 0.9, motions.arm.home_rad)
    with pytest.raises(ValueError, match="wrist_angle: 6.00"):
        motions.turned(6.0)
    assert motions.turned(0.5) - motions.presented_rad == pytest.approx(
        [0.0] * (len(motions.presented_rad) - 1) + [0.5]
    )


def test_closed_fingers_are_no_collision(motions):
    shut = np.zeros(2)
    assert motions.to(motions.turned(0.5), motions.presented_rad, shut).duration_s > 0
    plan = motions.put_back(None, motions.presented_rad, np.full(2, 0.0015))
    assert plan.succeeded, plan.reason
    assert plan.phases["grasp"].positions[0] == pytest.approx([0.0015, 0.0015])


def test_without_walls_and_with_none_inside():
    assert [each.name for each in obstacles(BinConfig(wall_height_m=0.0))] == ["floor"]
    assert len(obstacles(BinConfig())) == 5
    with pytest.raises(ValueError, match="max must be above min"):
        obstacles(BinConfig(workspace_max_x_m=0.1))


def test_a_robot_that_cannot_do_it_is_refused_with_words():
    config, panda = BinMotionConfig(), load_robot("panda")
    with pytest.raises(RobotError, match="parallel gripper"):
        BinMotions(load_robot("panda_allegro"), BinConfig(), config)
    unknown = dataclasses.replace(panda, arm=dataclasses.replace(panda.arm, presented_rad=()))
    with pytest.raises(RobotError, match="arm.presented_rad"):
        BinMotions(unknown, BinConfig(), config)
    with pytest.raises(RobotError, match="limits"):
        BinMotions(panda, BinConfig(), config, np.full(7, 9.0))
    low = np.array([0.0, 1.2, 0.0, -1.2, 0.0, 2.2, 0.785])
    with pytest.raises(RobotError, match="collide"):
        BinMotions(panda, BinConfig(), config, low)
    short = dataclasses.replace(panda, arm=dataclasses.replace(panda.arm, presented_rad=(0.0, 9.0)))
    assert any("arm.presented_rad: has 2" in each for each in problems(short))
