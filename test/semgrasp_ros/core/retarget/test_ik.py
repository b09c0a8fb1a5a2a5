import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.robots import load_robot

ARMS = {name: ArmKinematics(load_robot(name)) for name in ("panda", "ur5_jaw85")}


@pytest.fixture(params=ARMS)
def arm(request) -> ArmKinematics:
    return ARMS[request.param]


def random_joints(arm: ArmKinematics, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(arm.lower_rad, arm.upper_rad, (count, len(arm.lower_rad)))


def test_reachable_poses_are_reached(arm):
    solved = 0
    for q in random_joints(arm, 200):
        target = arm.forward(q)
        found = arm.solve(target)
        if found.converged:
            solved += 1
            reached = arm.forward(found.q)
            assert np.linalg.norm(reached[:3, 3] - target[:3, 3]) <= 1e-4
            turn = reached[:3, :3].T @ target[:3, :3]
            assert np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1)) <= 1e-3
            assert (found.q >= arm.lower_rad).all() and (found.q <= arm.upper_rad).all()
            assert found.reason == ""
    assert solved >= 199


@settings(max_examples=40, deadline=None)
@given(name=st.sampled_from(sorted(ARMS)), shares=st.lists(st.floats(0.02, 0.98), min_size=7, max_size=7))
def test_poses_come_back(name, shares):
    arm = ARMS[name]
    q = arm.lower_rad + np.array(shares[: len(arm.lower_rad)]) * (arm.upper_rad - arm.lower_rad)
    near = np.clip(q + 0.05, arm.lower_rad, arm.upper_rad)
    found = arm.solve(arm.forward(q), near, restarts=40)
    assert found.converged, found.reason
    assert np.abs(arm.forward(found.q) - arm.forward(q)).max() < 2e-3


def test_solutions_stay_near_the_start(arm):
    near = arm.home_rad + 0.05
    found = arm.solve(arm.forward(arm.home_rad), near)
    assert found.converged and found.restarts == 0 and np.abs(found.q - near).max() < 0.3


def test_the_same_seed_gives_the_same_joints(arm):
    target = arm.forward(random_joints(arm, 1, seed=5)[0])
    assert (arm.solve(target, seed=3).q == arm.solve(target, seed=3).q).all()


def test_home_points_down(arm):
    assert arm.forward(arm.home_rad)[:3, 2] == pytest.approx([0, 0, -1], abs=0.01)


def test_too_far_is_said(arm):
    target = arm.forward(arm.home_rad)
    target[0, 3] += 3.0
    found = arm.solve(target, restarts=3)
    assert not found.converged and found.restarts == 3
    assert found.reason.startswith("unreachable: the nearest of 4 tries stays") and "mm" in found.reason
    assert found.position_error_m > 1.0
    assert (found.q >= arm.lower_rad).all() and (found.q <= arm.upper_rad).all()


def test_limits_in_the_way_are_named():
    robot = load_robot("panda")
    stiff = {"panda_joint1": (-0.1, 0.1), "panda_joint3": (-0.1, 0.1)}
    narrow = dataclasses.replace(robot.arm, limits_rad=stiff)
    arm = ArmKinematics(dataclasses.replace(robot, arm=narrow))
    target = arm.forward(arm.home_rad)
    quarter = np.eye(4)
    quarter[:2, :2] = [[0, -1], [1, 0]]
    found = arm.solve(quarter @ target, restarts=5)
    assert not found.converged and "panda_joint1 at its upper limit" in found.reason


@pytest.mark.parametrize("name", sorted(ARMS))
def test_the_jacobian_is_the_slope_of_the_pose(name):
    arm = ARMS[name]
    q, small = random_joints(arm, 1)[0], 1e-6
    slopes = []
    for i in range(len(q)):
        moved = q.copy()
        moved[i] += small
        before, after = arm.forward(q), arm.forward(moved)
        spin = (after[:3, :3] @ before[:3, :3].T - np.eye(3)) / small
        slopes.append([*(after[:3, 3] - before[:3, 3]) / small, spin[2, 1], spin[0, 2], spin[1, 0]])
    assert arm.jacobian(q) == pytest.approx(np.array(slopes).T, abs=1e-4)


def test_a_stretched_arm_has_lost_a_direction():
    arm = ARMS["ur5_jaw85"]
    assert arm.manipulability(np.zeros(6)) < 1e-6 < 0.01 < arm.manipulability(arm.home_rad)


def test_joints_may_be_listed_in_another_order_and_the_base_elsewhere():
    robot = load_robot("ur5_jaw85")
    turned = dataclasses.replace(
        robot.arm,
        joints=robot.arm.joints[::-1],
        home_rad=robot.arm.home_rad[::-1],
        acceleration_rad_s2=robot.arm.acceleration_rad_s2[::-1],
    )
    arm, q = ArmKinematics(dataclasses.replace(robot, arm=turned)), random_joints(ARMS["ur5_jaw85"], 1)[0]
    assert arm.forward(q[::-1]) == pytest.approx(ARMS["ur5_jaw85"].forward(q))
    assert arm.solve(arm.forward(q[::-1])).converged
    # The UR5's file has `base`, turned half round against `base_link`.
    other = ArmKinematics(dataclasses.replace(robot, base_frame="base"))
    assert other.forward(q)[:2, 3] == pytest.approx(-ARMS["ur5_jaw85"].forward(q)[:2, 3])
    assert other.jacobian(q)[:2] == pytest.approx(-ARMS["ur5_jaw85"].jacobian(q)[:2])


def test_single_precision_is_good_enough_to_ask_with(arm):
    target = arm.forward(arm.home_rad).astype(np.float32)
    assert arm.solve(target).converged


@pytest.mark.parametrize(
    ("target", "arguments", "said"),
    [
        (np.eye(3), {}, "target: shape"),
        (np.full((4, 4), np.nan), {}, "target: shape"),
        (np.diag([2.0, 1, 1, 1]), {}, "is no rotation"),
        (np.diag([-1.0, 1, 1, 1]), {}, "is no rotation"),
        (np.eye(4), {"q0": np.zeros(3)}, "q0: "),
        (np.eye(4), {"restarts": -1}, "restarts: -1 is below 0"),
    ],
)
def test_wrong_questions(arm, target, arguments, said):
    with pytest.raises(ValueError, match=said):
        arm.solve(target, **arguments)
