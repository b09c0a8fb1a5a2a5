"""Keypoints of a hand to joints of a robot's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.retarget.hand_dex import DexKeypointRetargeter, dex_retargeting_is_there
from semgrasp_ros.core.retarget.hand_keypoints import KeypointConfig, KeypointRetargeter, palm_frame
from semgrasp_ros.core.retarget.hand_model import HandKinematics
from semgrasp_ros.core.retarget.robots import load_robot

HAND = HandKinematics(load_robot("panda_allegro"))
FOLLOWER = KeypointRetargeter(HAND)


def joints(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(HAND.lower_rad, HAND.upper_rad)


def human_keypoints(bend: float) -> np.ndarray:
    hand = load_hand()
    angles = torch.zeros(1, 15, 3)
    angles[0, :, 0] = bend * hand.limits[:, 0, 1]
    with torch.no_grad():
        return (
            hand(torch.eye(4)[None], hand.rotations_from_angles(angles), torch.zeros(1, 10))
            .keypoints[0]
            .numpy()
        )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 100_000))
def test_keypoints_of_the_robot_come_back_from_nearby_joints(seed):
    q = joints(seed)
    turn, shift = Rotation.random(random_state=seed).as_matrix(), np.random.default_rng(seed).normal(size=3)
    near = np.clip(
        q + np.random.default_rng(seed).normal(scale=0.1, size=len(q)), HAND.lower_rad, HAND.upper_rad
    )
    found = FOLLOWER.solve(HAND.keypoints(q) @ turn.T + shift, near)
    assert found.scale == pytest.approx(1)
    back, wanted = HAND.keypoints(found.q)[:17], HAND.keypoints(q)[:17]
    assert np.linalg.norm(back - wanted, axis=1).max() < 5e-3
    assert (found.q >= HAND.lower_rad).all() and (found.q <= HAND.upper_rad).all()


def test_keypoints_of_the_robot_come_back_from_the_open_hand():
    errors = np.array([FOLLOWER.solve(HAND.keypoints(joints(seed))).tip_error_m for seed in range(100)])
    assert np.median(errors) < 1e-4 and np.percentile(errors, 90) < 3e-3 and errors.max() < 0.03


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_gradient_is_that_of_finite_differences(seed):
    q, step = joints(seed), 1e-6
    problem = FOLLOWER.problem(human_keypoints(0.4), joints(seed + 1), None, left=False)
    residuals, jacobian = problem.linearise(q)
    for joint in range(len(q)):
        moved, _ = problem.linearise(q + step * np.eye(len(q))[joint])
        assert jacobian[:, joint] == pytest.approx((moved - residuals) / step, abs=1e-5)


def test_fingers_bend_as_the_persons_do():
    straight, bent = (FOLLOWER.solve(human_keypoints(bend)) for bend in (0.05, 0.6))
    fingers = slice(HAND.joints.index("joint_0.0"), None)
    assert straight.scale == pytest.approx(bent.scale, rel=0.02) and 1.0 < straight.scale < 1.8
    flexion = [
        row for row, name in enumerate(HAND.joints) if name in ("joint_2.0", "joint_6.0", "joint_10.0")
    ]
    assert (bent.q[flexion] - straight.q[flexion] > 0.4).all()
    assert np.abs(bent.q[fingers]).max() < 2


def test_a_left_hand_is_followed_as_its_mirror_image():
    right = human_keypoints(0.4)
    turn = Rotation.from_rotvec([0.3, -0.2, 0.9]).as_matrix()
    mirrored = (right * (1, -1, 1)) @ turn.T + 0.2
    assert FOLLOWER.solve(mirrored, left=True).q == pytest.approx(FOLLOWER.solve(right).q, abs=1e-6)
    frame = palm_frame(mirrored, left=True)
    assert np.linalg.det(frame[:3, :3]) == pytest.approx(1)


def test_a_pinch_closes_whatever_the_scale():
    points = human_keypoints(0.35)
    middle = (points[4] + points[8]) / 2
    points[4], points[8] = middle + (0.0, 0.004, 0.0), middle - (0.0, 0.004, 0.0)
    found = FOLLOWER.solve(points)
    tips = HAND.place(HAND.pose(found.q), HAND.tips)
    assert np.linalg.norm(tips[0] - tips[1]) == pytest.approx(2 * HAND.tip_radius_m, abs=5e-3)
    apart = KeypointRetargeter(HAND, KeypointConfig(pinch_weight=0)).solve(points)
    loose = HAND.place(HAND.pose(apart.q), HAND.tips)
    assert np.linalg.norm(loose[0] - loose[1]) < np.linalg.norm(tips[0] - tips[1]), (
        "unscaled, tips would overlap"
    )


def test_a_missing_finger_stays_where_it_was():
    q = joints(3)
    points = HAND.keypoints(joints(4))
    points[5:9][1:] = np.nan
    found = FOLLOWER.solve(points, q)
    rows = [HAND.joints.index(name) for name in HAND.robot.gripper.fingers["index"]]
    assert found.q[rows] == pytest.approx(q[rows], abs=1e-3)
    assert np.isnan(found.tips_m[HAND.fingers.index("index")]).all() and np.isfinite(found.tip_error_m)


def test_bad_frames_are_named():
    points = HAND.keypoints(HAND.open_rad)
    with pytest.raises(ValueError, match="keypoints: shape"):
        FOLLOWER.solve(points[:20])
    with pytest.raises(ValueError, match="the palm cannot be told"):
        FOLLOWER.solve(np.zeros((21, 3)))
    missing = points.copy()
    missing[[4, 8, 12, 16]] = np.inf
    with pytest.raises(ValueError, match="every fingertip"):
        FOLLOWER.solve(missing, scale=1.0)
    with pytest.raises(ValueError, match="no finger is seen whole"):
        FOLLOWER.solve(missing)
    with pytest.raises(ValueError, match="scale: 9"):
        KeypointConfig(scale=9)


@pytest.mark.skipif(not dex_retargeting_is_there(), reason="dex-retargeting is not installed")
@pytest.mark.parametrize("kind", ["position", "vector", "dexpilot"])
def test_ours_is_at_least_as_near_as_dex_retargeting(kind):
    other, ours, theirs = DexKeypointRetargeter(HAND, kind), [], []
    for seed in range(30):
        q = joints(seed)
        near = np.clip(q + 0.05, HAND.lower_rad, HAND.upper_rad)
        ours.append(FOLLOWER.solve(HAND.keypoints(q), near).tip_error_m)
        theirs.append(other.solve(HAND.keypoints(q), near).tip_error_m)
    assert np.mean(ours) < np.mean(theirs) < 0.02


@pytest.mark.skipif(dex_retargeting_is_there(), reason="dex-retargeting is installed")
def test_without_dex_retargeting_the_error_says_how_to_get_it():
    with pytest.raises(ImportError, match="pip install dex-retargeting six"):
        DexKeypointRetargeter(HAND)
