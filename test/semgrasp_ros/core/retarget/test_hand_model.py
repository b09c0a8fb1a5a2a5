"""Kinematics and body of a robot's hand."""

import dataclasses

import numpy as np
import pinocchio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.retarget.hand_geometry import fill_box
from semgrasp_ros.core.retarget.hand_model import HandKinematics, cross_matrices
from semgrasp_ros.core.retarget.robot_file import RobotError
from semgrasp_ros.core.retarget.robot_model import TOOL_FRAME, build_model
from semgrasp_ros.core.retarget.robots import load_robot

HAND = HandKinematics(load_robot("panda_allegro"))


def random_joints(seed: int, margin: float = 0.0) -> np.ndarray:
    room = margin * (HAND.upper_rad - HAND.lower_rad)
    return np.random.default_rng(seed).uniform(HAND.lower_rad + room, HAND.upper_rad - room)


def test_tips_are_where_the_whole_robot_has_them():
    model = build_model(HAND.robot)
    data, q = model.createData(), random_joints(1)
    whole = pinocchio.neutral(model)
    for name, value in zip(HAND.joints, q, strict=True):
        whole[model.joints[model.getJointId(name)].idx_q] = value
    pinocchio.framesForwardKinematics(model, data, whole)
    palm = data.oMf[model.getFrameId(TOOL_FRAME)]
    tips = HAND.place(HAND.pose(q), HAND.tips)
    for finger, tip in zip(HAND.fingers, tips, strict=True):
        there = palm.actInv(data.oMf[model.getFrameId(HAND.robot.gripper.tips[finger])])
        assert tip == pytest.approx(there.translation, abs=1e-9)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_jacobians_are_those_of_finite_differences(seed):
    q, step = random_joints(seed), 1e-6
    posture, points = HAND.pose(q), HAND.spheres.points
    placed, pads = HAND.place(posture, points), HAND.pad_directions(posture)
    moving = HAND.moving(posture, points.joint, placed)
    turning = HAND.turning(posture, HAND.tips.joint, pads)
    for joint in range(len(q)):
        moved = HAND.pose(q + step * np.eye(len(q))[joint])
        assert moving[:, :, joint] == pytest.approx((HAND.place(moved, points) - placed) / step, abs=1e-5)
        assert turning[:, :, joint] == pytest.approx((HAND.pad_directions(moved) - pads) / step, abs=1e-5)


def test_pads_face_one_another_when_the_hand_closes():
    q = HAND.open_rad.copy()
    q[:4] = HAND.upper_rad[0], 0.5, 0.5, 0.5
    pads = HAND.pad_directions(HAND.pose(np.clip(q, HAND.lower_rad, HAND.upper_rad)))
    assert pads[0] @ pads[1:].mean(axis=0) < -0.7
    assert (pads[1:, 0] > 0.9).all(), "out of the palm"


def test_the_body_touches_itself_only_where_it_should():
    spheres = HAND.spheres
    placed = HAND.place(HAND.pose(HAND.open_rad), spheres.points)
    one, other = spheres.pairs.T
    apart = (
        np.linalg.norm(placed[one] - placed[other], axis=1) - spheres.radii_m[one] - spheres.radii_m[other]
    )
    assert len(spheres.pairs) > 500 and apart.min() >= 0
    assert spheres.is_tip.sum() == 4 and np.allclose(spheres.radii_m[spheres.is_tip], HAND.tip_radius_m)
    # The palm's box of the URDF.
    palm = (spheres.finger == -1).nonzero()[0]
    low, high = placed[palm].min(0), placed[palm].max(0)
    radius = spheres.radii_m[palm].max()
    assert low - radius == pytest.approx([-0.0297, -0.0565, -0.095], abs=2e-3)
    assert high + radius == pytest.approx([0.0111, 0.0565, 0.0], abs=2e-3)


def test_keypoints_look_like_a_right_hand():
    points = HAND.keypoints(HAND.open_rad)
    assert np.isnan(points[17:]).all() and np.isfinite(points[:17]).all()
    assert points[8, 2] > points[5, 2] > points[0, 2], "fingers along z"
    assert points[5, 1] > points[9, 1] > points[13, 1] and points[4, 1] > points[9, 1], (
        "thumb at the index' side"
    )


@settings(max_examples=30, deadline=None)
@given(size=st.tuples(*[st.floats(0.005, 0.2)] * 3))
def test_spheres_fill_a_box_and_stay_near_it(size):
    size = np.array(size)
    centres, radius = fill_box(size)
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (200, 3)) * size * 0.5
    nearest = np.linalg.norm(samples[:, None] - centres, axis=2).min(axis=1)
    assert (nearest < 1.3 * radius).all()
    assert (np.abs(centres) <= np.maximum(size / 2 - radius, 0) + 1e-9).all()


def test_a_gripper_is_no_hand():
    with pytest.raises(RobotError, match="gripper.kind: panda has no hand"):
        HandKinematics(load_robot("panda"))


def test_a_tool_on_a_finger_is_refused():
    robot = load_robot("panda_allegro")
    tool = dataclasses.replace(robot.tool, frame="link_3.0")
    with pytest.raises(RobotError, match="tool.frame: 'link_3.0' moves with a finger"):
        HandKinematics(dataclasses.replace(robot, tool=tool))


def test_cross_matrices():
    a, b = np.random.default_rng(0).normal(size=(2, 5, 3))
    assert (cross_matrices(a) @ b[..., None])[..., 0] == pytest.approx(np.cross(a, b))
