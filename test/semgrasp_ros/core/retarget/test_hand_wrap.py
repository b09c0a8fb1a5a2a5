"""A hand curled around a thing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from semgrasp_ros.core.retarget.hand_model import HandKinematics
from semgrasp_ros.core.retarget.hand_pinch import HandPinch
from semgrasp_ros.core.retarget.hand_wrap import LEAST_BEYOND_M, MOST_BEYOND_SHARE, HandWrap
from semgrasp_ros.core.retarget.jaw_types import JawGrasp
from semgrasp_ros.core.retarget.robots import load_robot

ROBOT = load_robot("panda_allegro")
HAND = HandKinematics(ROBOT)
PINCH = HandPinch(HAND, ROBOT.gripper.pinch)
WRAP = HandWrap(HAND, PINCH, ROBOT.gripper.pinch.wrap)
WIDE_M = 0.04


def rod(middle_m: float, lean: float = 0.0) -> np.ndarray:
    """Points (N, 3) of the near half of a rod along y, so far before the tips' middle, which is the origin."""
    angle = np.linspace(np.pi, 2 * np.pi, 60)
    along = np.linspace(-0.1, 0.1, 101)
    angle, along = (grid.ravel() for grid in np.meshgrid(angle, along))
    radius = WIDE_M / 2
    return np.column_stack(
        [radius * np.cos(angle), along, radius * np.sin(angle) - middle_m + lean * np.abs(along)]
    )


def anywhere(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = Rotation.random(random_state=rng).as_matrix(), rng.uniform(-0.5, 0.5, 3)
    return pose


def candidates(pose: np.ndarray, points: np.ndarray) -> list:
    """Of a jaw's grasp whose wrap has its tips at a pose."""
    tool = pose.copy()
    tool[:3, 3] -= ROBOT.gripper.pinch.wrap.deeper_m * pose[:3, 2]
    grasp = JawGrasp(tool, WIDE_M, WIDE_M + 0.03, {}, "")
    return WRAP.candidates(grasp, np.eye(4), pose[:3, 3] + pose[:3, 0], points @ pose[:3, :3].T + pose[:3, 3])


@settings(deadline=None, max_examples=30)
@given(st.floats(0.0, 0.03), st.integers(0, 2**31 - 1))
def test_how_far_tips_reach_past_the_middle_is_known_from_the_near_side(middle_m: float, seed: int) -> None:
    pose = anywhere(seed)
    points = rod(middle_m) @ pose[:3, :3].T + pose[:3, 3]
    assert WRAP.beyond_m(pose, WIDE_M, points) == pytest.approx(middle_m, abs=1e-4)


def test_where_it_lies_aslant_the_finger_counts_that_has_it_least() -> None:
    # At the middle of the outer slices it is as near to the tips as a third of the fingers' width and the lean make it.
    aside = WRAP.jaw.finger_width_m / 6
    reached = WRAP.beyond_m(np.eye(4), WIDE_M, rod(0.02, lean=0.5))
    assert reached == pytest.approx(0.02 - 0.5 * aside, abs=1e-3)
    assert WRAP.beyond_m(np.eye(4), WIDE_M, np.full((5, 3), 0.3)) == float("-inf")


@settings(deadline=None, max_examples=30)
@given(st.floats(-0.02, 0.04), st.integers(0, 2**31 - 1))
def test_it_is_wrapped_when_the_tips_come_a_little_past_its_middle(middle_m: float, seed: int) -> None:
    found = candidates(anywhere(seed), rod(middle_m))
    if abs(middle_m - LEAST_BEYOND_M) > 1e-3 and abs(middle_m - MOST_BEYOND_SHARE * WIDE_M) > 1e-3:
        assert len(found) == (2 if LEAST_BEYOND_M < middle_m < MOST_BEYOND_SHARE * WIDE_M else 0)
    for candidate in found:
        tips = HAND.place(HAND.pose(candidate.between[-1]), HAND.tips)[:3]
        palm_from_jaw = np.linalg.inv(PINCH.palm_from_jaw)
        across = tips @ palm_from_jaw[:3, :3].T + palm_from_jaw[:3, 3]
        assert np.abs(across[:, 2]).max() < 1e-3, "until it is touched the tips are in one plane, the pose's"


@settings(deadline=None, max_examples=20)
@given(st.floats(0.0, 0.09))
def test_what_curls_bends_further_and_nothing_else_moves(width_m: float) -> None:
    before, after = PINCH.joints(width_m), WRAP.curled(width_m)
    assert ((after >= HAND.lower_rad) & (after <= HAND.upper_rad)).all()
    curling = np.isin(HAND.joints, list(ROBOT.gripper.pinch.wrap.curl_rad))
    assert (after[curling] > before[curling]).all() and np.median(after - before) > 0.5
    assert np.array_equal(after[~curling], before[~curling])


def test_fingers_leave_room_beyond_the_thing() -> None:
    longer = WRAP.jaw.beyond_tool_m - PINCH.jaw.beyond_tool_m
    assert longer == pytest.approx(ROBOT.gripper.pinch.wrap.deeper_m)
    assert WRAP.jaw.finger_length_m == PINCH.jaw.finger_length_m
