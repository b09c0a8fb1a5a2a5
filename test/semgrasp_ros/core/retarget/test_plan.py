"""Collisions of robots and whole motions of grasps."""

import dataclasses
import shutil

import numpy as np
import pytest

from semgrasp_ros.core.retarget.collision import (
    Box,
    Cloud,
    RobotCollision,
    derive_excludes,
    open_gripper,
    table,
    write_excludes,
)
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.jaw_types import JawGrasp
from semgrasp_ros.core.retarget.plan import PlanConfig, jaw_candidate, plan_grasp
from semgrasp_ros.core.retarget.robots import load_robot, robot_names

DOWN = np.diag([1.0, -1.0, -1.0, 1.0])
ROBOTS = {name: load_robot(name) for name in robot_names()}
JAWS = ("panda", "ur5_jaw85")


def at(x: float, y: float, z: float, turn: np.ndarray | None = None) -> np.ndarray:
    pose = np.eye(4) if turn is None else turn.copy()
    pose[:3, 3] = x, y, z
    return pose


def mug(x: float = 0.5, y: float = 0.1) -> Cloud:
    points = np.random.default_rng(0).uniform(-1, 1, (1500, 3)) * 0.02
    return Cloud("mug", points + (x, y, 0.022), grasped=True)


def grasp(x: float = 0.5, y: float = 0.1, width_m: float = 0.04) -> JawGrasp:
    return JawGrasp(at(x, y, 0.03, DOWN), width_m, width_m + 0.02, {}, "")


def start(robot) -> np.ndarray:
    q = np.array(robot.arm.home_rad)
    q[0] -= 0.7
    return q


def plan(name: str, *obstacles, grasps=None, **config):
    robot = ROBOTS[name]
    candidates = [jaw_candidate(g, robot.gripper, np.eye(4)) for g in grasps or [grasp()]]
    things = [table(0.0), mug(), *obstacles]
    return plan_grasp(robot, candidates, things, start(robot), PlanConfig(**config))


@pytest.mark.parametrize("name", sorted(ROBOTS))
def test_home_is_free_and_the_files_list_is_what_is_derived(name):
    robot = ROBOTS[name]
    assert RobotCollision(robot).touch(np.array(robot.arm.home_rad), open_gripper(robot)) is None
    assert [tuple(pair) for pair in robot.collision_excludes] == derive_excludes(robot)


def test_a_folded_arm_touches_itself():
    q = np.array([0.0, 0.0, 0.0, -3.0, 0.0, 0.1, 0.0])
    touch = RobotCollision(ROBOTS["panda"]).touch(q, open_gripper(ROBOTS["panda"]))
    assert touch is not None and "panda_" in touch.first and "panda_" in touch.second


def test_obstacles_are_named_and_fingers_may_touch_what_they_grasp():
    robot, arm = ROBOTS["panda"], ArmKinematics(ROBOTS["panda"])
    q, gripper = arm.solve(at(0.5, 0.1, 0.03, DOWN)).q, np.full(2, 0.015)
    world = RobotCollision(robot, [table(0.0), mug()])
    assert "mug" in str(world.touch(q, gripper))
    assert world.touch(q, gripper, grasping=True) is None
    assert 0 < world.clearance_m(q, gripper) < 0.03
    low = RobotCollision(robot, [table(0.1, "desk")])
    assert low.touch(q, gripper).second == "desk"
    with pytest.raises(ValueError, match="not all different"):
        RobotCollision(robot, [table(0), table(0.1)])
    with pytest.raises(ValueError, match="'dust': points"):
        RobotCollision(robot, [Cloud("dust", np.zeros((0, 3)))])


def test_the_command_writes_the_list_once(tmp_path):
    file = tmp_path / "robot.yaml"
    shutil.copy(ROBOTS["panda"].file, file)
    bare = file.read_text().partition("# Pairs of links")[0]
    file.write_text(bare)
    pairs = write_excludes(load_robot(file))
    once = file.read_text()
    write_excludes(load_robot(file))
    assert file.read_text() == once == ROBOTS["panda"].file.read_text()
    assert ("panda_link1", "panda_link2") in pairs


@pytest.mark.parametrize("name", JAWS)
def test_a_grasp_becomes_a_motion(name):
    robot, arm = ROBOTS[name], ArmKinematics(ROBOTS[name])
    found = plan(name)
    assert found.succeeded, found.reason
    assert list(found.phases) == ["reach", "approach", "grasp", "lift"] and found.candidate == 0
    reach, approach, closing, lift = found.phases.values()
    assert reach.positions[0] == pytest.approx(start(robot))
    assert approach.positions[0] == pytest.approx(reach.positions[-1], abs=1e-6)
    assert lift.positions[0] == pytest.approx(approach.positions[-1], abs=1e-6)
    assert closing.joints == robot.gripper.joints
    assert closing.positions[-1].sum() == pytest.approx(0.03) and closing.positions[0].sum() == pytest.approx(
        0.06
    )
    world = RobotCollision(robot, [table(0.0), mug()])
    for motion in (reach, approach, lift):
        assert (np.abs(motion.velocities) <= 0.5 * arm.velocity_rad_s + 1e-9).all()
        assert (np.abs(motion.accelerations) <= 0.25 * arm.acceleration_rad_s2 + 1e-9).all()
        assert (motion.positions >= arm.lower_rad).all() and (motion.positions <= arm.upper_rad).all()
        for q in motion.positions:
            assert world.touch(q, np.full(2, 0.03), grasping=motion is not reach) is None
    for motion, way in ((approach, (0, 0, -0.08)), (lift, (0, 0, 0.15))):
        tools = np.array([arm.forward(q) for q in motion.positions])
        assert tools[-1, :3, 3] - tools[0, :3, 3] == pytest.approx(way, abs=5e-4)
        assert np.ptp(tools[:, :2, 3], axis=0).max() < 1e-3, "the tool goes straight"
        turned = np.einsum("ij,tij->t", tools[0, :3, :3], tools[:, :3, :3])
        assert np.arccos(np.clip((turned - 1) / 2, -1, 1)).max() < 5e-3
    assert found.numbers["position_error_m"] < 1e-4 and found.numbers["rotation_error_rad"] < 1e-3
    assert 0 < found.numbers["clearance_m"] < 0.03 and found.numbers["manipulability"] > 0.005
    assert found.numbers["width_m"] == 0.04


def test_a_box_above_is_named_and_a_post_is_gone_round():
    lid = plan("panda", Box("lid", at(0.5, 0.1, 0.2), (0.2, 0.2, 0.02)))
    assert not lid.succeeded and "collision" in lid.reason and "lid" in lid.reason
    post = Box("post", at(0.5, -0.05, 0.15), (0.4, 0.02, 0.5))
    round_ = plan("panda", post)
    assert round_.succeeded, round_.reason
    world = RobotCollision(ROBOTS["panda"], [table(0.0), mug(), post])
    assert all(world.touch(q, np.full(2, 0.03)) is None for q in round_.phases["reach"].positions)
    assert round_.phases["reach"].duration_s > plan("panda").phases["reach"].duration_s


def test_a_shelf_on_the_way_up_is_named():
    shelf = plan("panda", Box("shelf", at(0.5, 0.1, 0.9), (1.0, 1.0, 0.02)), lift_m=0.6)
    assert not shelf.succeeded and ("shelf" in shelf.reason or "lift" in shelf.reason)


def test_what_is_too_wide_or_too_far_is_said_and_the_next_is_taken():
    found = plan("panda", grasps=[grasp(width_m=0.1)])
    assert found.reason == "too wide: 100 mm, the gripper opens 80 mm"
    found = plan("panda", grasps=[grasp(x=2.0)])
    assert found.reason.startswith("unreachable") and not found.phases
    found = plan("panda", grasps=[grasp(width_m=0.1), grasp(x=2.0), grasp()])
    assert found.succeeded and found.candidate == 2 and sum(found.failures.values()) == 2


def test_a_start_in_the_table_is_said():
    robot = ROBOTS["panda"]
    found = plan_grasp(robot, [jaw_candidate(grasp(), robot.gripper, np.eye(4))], [table(0.6)], start(robot))
    assert found.reason.startswith("collision: panda_") and "table, where the arm is now" in found.reason


def test_slower_takes_longer():
    slow, fast = plan("panda", speed=0.2), plan("panda", speed=0.8)
    assert slow.phases["reach"].duration_s > 3 * fast.phases["reach"].duration_s


def test_wrong_questions_are_named():
    robot = ROBOTS["panda"]
    candidate = jaw_candidate(grasp(), robot.gripper, np.eye(4))
    with pytest.raises(ValueError, match="q_now"):
        plan_grasp(robot, [candidate], [], np.zeros(3))
    with pytest.raises(ValueError, match="outside the limits"):
        plan_grasp(robot, [candidate], [], np.full(7, 9.0))
    with pytest.raises(ValueError, match="candidates: is empty"):
        plan_grasp(robot, [], [], start(robot))
    with pytest.raises(ValueError, match="speed: 0"):
        dataclasses.replace(PlanConfig(), speed=0)
