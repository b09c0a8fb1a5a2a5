"""A hand as a jaw."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from semgrasp_ros.core.retarget.hand_model import HandKinematics
from semgrasp_ros.core.retarget.hand_pinch import DEEPER_M, GENTLY, HALF_TURN, HandPinch
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.jaw_types import JawGrasp
from semgrasp_ros.core.retarget.robot_grasp import RobotGrasper
from semgrasp_ros.core.retarget.robots import RobotError, load_robot
from test.semgrasp_ros.core.retarget.test_robot_grasp import hand_and_scene

ROBOT = load_robot("panda_allegro")
HAND = HandKinematics(ROBOT)
PINCH = HandPinch(HAND, ROBOT.gripper.pinch)


def in_jaw(q: np.ndarray) -> np.ndarray:
    """Tips' centres in the jaw's frame."""
    tips = HAND.place(HAND.pose(q), HAND.tips)
    return (tips - PINCH.palm_from_jaw[:3, 3]) @ PINCH.palm_from_jaw[:3, :3]


@settings(deadline=None, max_examples=40)
@given(st.floats(0.0, 0.09))
def test_the_gap_between_thumb_and_fingers_is_the_width_and_tips_are_lowest(width_m: float) -> None:
    q = PINCH.joints(width_m)
    tips = in_jaw(q)
    assert ((q >= HAND.lower_rad - 1e-9) & (q <= HAND.upper_rad + 1e-9)).all()
    thumb, index, middle = tips[:3]
    gap = thumb[0] - (index[0] + middle[0]) / 2 - 2 * HAND.tip_radius_m
    assert gap == pytest.approx(width_m, abs=1e-3)
    assert np.abs(tips[:3, 2]).max() < 1e-3
    spheres = HAND.spheres
    placed = HAND.place(HAND.pose(q), spheres.points)
    local = (placed - PINCH.palm_from_jaw[:3, 3]) @ PINCH.palm_from_jaw[:3, :3]
    lowest = (local[~spheres.is_tip, 2] + spheres.radii_m[~spheres.is_tip]).max()
    assert lowest < HAND.tip_radius_m - 3e-3, "nothing meets the table before the tips"


@settings(deadline=None, max_examples=20)
@given(st.floats(0.0, 0.05), st.floats(0.02, 0.04))
def test_tips_close_along_a_line_and_ever_nearer(width_m: float, more_m: float) -> None:
    way = np.array([in_jaw(q)[:3] for q in PINCH.closing(width_m + more_m, width_m)])
    assert np.abs(way[..., 2]).max() < 1e-3, "they neither rise nor sink"
    assert (np.diff(way[:, 0, 0]) < 0).all() and (np.diff(way[:, 1:, 0], axis=0) > 0).all()
    gap = way[-1, 0, 0] - way[-1, 1:, 0].mean() - 2 * HAND.tip_radius_m
    assert gap == pytest.approx(width_m, abs=1e-3)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.0, 0.08))
def test_thumb_and_fingers_press_at_one_another(width_m: float) -> None:
    """Servos push with what they are sent too far, so that a tip's force is what, by its Jacobian, they push with."""
    q = PINCH.joints(width_m)
    beyond = PINCH.pressing(width_m) - q
    posture = HAND.pose(q)
    moving = HAND.moving(posture, HAND.tips.joint, HAND.place(posture, HAND.tips))
    free = (PINCH.pressing(width_m) > HAND.lower_rad) & (PINCH.pressing(width_m) < HAND.upper_rad)
    across, onward = PINCH.palm_from_jaw[:3, 0], PINCH.palm_from_jaw[:3, 2]
    for finger, side in ((0, -1), (1, 1), (2, 1)):
        own = free & (np.abs(moving[finger]).sum(axis=0) > 1e-9)
        force = np.linalg.lstsq(moving[finger][:, own].T, beyond[own], rcond=None)[0]
        assert side * force @ across > 0
        assert force @ onward > -0.5 * side * force @ across
    assert np.abs(beyond).max() <= ROBOT.gripper.pinch.squeeze_rad * 2


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31 - 1), st.floats(0.0, 0.012), st.floats(0.0, 0.012))
def test_the_lower_a_thing_the_more_gently_it_is_pressed(seed: int, first_m: float, second_m: float) -> None:
    tool = np.eye(4)
    tool[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    line = np.column_stack([np.zeros(20), np.linspace(-0.03, 0.03, 20), np.zeros(20)])

    def firmness(below_m: float) -> float:
        return PINCH.firmness(tool, 0.01, (line + [0, 0, below_m]) @ tool[:3, :3].T)

    lower, higher = max(first_m, second_m), min(first_m, second_m)
    assert GENTLY <= firmness(lower) <= firmness(higher) <= firmness(-0.001) == 1.0
    assert firmness(HAND.tip_radius_m) == pytest.approx(GENTLY)
    gentle, firm = (PINCH.pressing(0.03, share) - PINCH.joints(0.03) for share in (GENTLY, 1.0))
    assert np.abs(gentle).max() < np.abs(firm).max()
    aside = np.full((5, 3), 0.2) @ tool[:3, :3].T
    assert PINCH.firmness(tool, 0.01, aside) == 1.0, "nothing between the tips: nothing is known"


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31 - 1))
def test_the_palm_stands_where_the_jaw_does_and_the_thumb_where_a_persons_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tool, base = np.eye(4), np.eye(4)
    tool[:3, :3], tool[:3, 3] = Rotation.random(random_state=seed).as_matrix(), rng.normal(size=3)
    base[:3, :3], base[:3, 3] = Rotation.random(random_state=seed + 1).as_matrix(), rng.normal(size=3)
    side = rng.choice([-1, 1])
    thumb = tool[:3, 3] + side * 0.05 * tool[:3, 0]
    grasp = JawGrasp(tool, 0.03, 0.05, {}, "")
    first, second = PINCH.candidates(grasp, base, thumb, tool[:3, 3] + rng.normal(size=(50, 3)))
    there = first.tool @ PINCH.palm_from_jaw
    deeper = PINCH.deeper(tool, None)
    assert np.allclose(there, base @ (deeper if side > 0 else deeper @ HALF_TURN), atol=1e-9)
    assert np.allclose(second.tool @ PINCH.palm_from_jaw, there @ HALF_TURN, atol=1e-9)
    assert np.allclose(first.tool[:3, :3] @ first.approach, there[:3, 2], atol=1e-9)
    assert np.allclose(first.opened, PINCH.joints(0.05)) and not np.allclose(first.closed, first.opened)


@settings(deadline=None, max_examples=30)
@given(st.floats(0.0, 0.1), st.floats(0.0, 1.2), st.floats(-3.0, 3.0))
def test_a_pinch_goes_deeper_as_far_as_the_table_lets_it(high_m: float, lean: float, turn: float) -> None:
    tool = np.eye(4)
    tool[:3, :3] = Rotation.from_euler("xz", [np.pi - lean, turn]).as_matrix()
    tool[2, 3] = high_m
    moved = PINCH.deeper(tool, np.array([0.0, 0.0, 1.0, 0.0]))
    way = moved[:3, 3] - tool[:3, 3]
    assert np.allclose(moved[:3, :3], tool[:3, :3]) and np.allclose(np.cross(way, tool[:3, 2]), 0)
    assert -1e-9 <= way @ tool[:3, 2] <= DEEPER_M + 1e-9
    if high_m > 0.08:
        assert np.linalg.norm(way) == pytest.approx(DEEPER_M)
    elif np.linalg.norm(way) > 0:
        across = PINCH.jaw.opening_max_m / 2 * abs(tool[2, 0])
        assert moved[2, 3] - across - HAND.tip_radius_m > 0, "the tips stay above the table"


def test_a_ball_on_a_table_is_grasped_with_the_approach_straight() -> None:
    hand, scene = hand_and_scene()
    q_now = np.array(ROBOT.arm.home_rad)
    grasper = RobotGrasper(ROBOT)
    found = grasper.grasps([hand], scene, q_now)[0]
    assert found.succeeded, found.plan.failures
    arm = ArmKinematics(ROBOT)
    first, *_, last = (arm.forward(q) for q in found.plan.phases["approach"].positions)
    way = last[:3, 3] - first[:3, 3]
    assert np.allclose(way / np.linalg.norm(way), last[:3, :3] @ PINCH.palm_from_jaw[:3, 2], atol=0.05)
    assert np.linalg.norm(way) == pytest.approx(grasper.config.approach_m, abs=0.005)


def test_a_pinch_out_of_reach_says_what_to_change() -> None:
    with pytest.raises(
        RobotError, match="gripper.pinch: around .* mm a tip stays .* mm from its place; change"
    ):
        HandPinch(HAND, replace(ROBOT.gripper.pinch, translation_m=(0.3, 0.0, 0.0)))


def test_more_width_than_fingers_reach_is_clipped() -> None:
    assert np.array_equal(PINCH.joints(0.2), PINCH.joints(0.09))
    narrow = HandPinch(HAND, replace(ROBOT.gripper.pinch, width_max_m=0.05))
    assert narrow.jaw.opening_max_m == 0.05 and np.array_equal(narrow.joints(0.2), narrow.joints(0.05))
