import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp2vec_ros.core.grasp_anything import GraspAnythingConfig, deproject, plan_grasps, project

CONFIG = GraspAnythingConfig(floor_z_m=0.0, wall_height_m=0.0)
INTRINSICS = np.array([[800.0, 0, 160], [0, 800, 120], [0, 0, 1]])


def camera_pose(height_m: float = 1.0) -> np.ndarray:
    """Straight down over the middle of the workspace, image rows along -x."""
    pose = np.eye(4)
    pose[:3, :3] = np.array([[0, -1, 0], [-1, 0, 0], [0, 0, -1.0]])
    pose[:3, 3] = 0.5, 0.0, height_m
    return pose


def depth_of_boxes(boxes: list[tuple[float, float, float, float, float]]) -> np.ndarray:
    """Depth over a floor with boxes (x, y, size x, size y, height), seen from far enough to ignore their sides."""
    points = deproject(np.full((240, 320), 1.0), INTRINSICS, camera_pose())
    heights = np.zeros((240, 320))
    for x, y, size_x, size_y, height in boxes:
        inside = (np.abs(points[..., 0] - x) < size_x / 2) & (np.abs(points[..., 1] - y) < size_y / 2)
        heights[inside] = height
    return (1.0 - heights).astype(np.float32)


def plan(depth: np.ndarray, **options: object):
    return plan_grasps(depth, INTRINSICS, camera_pose(), CONFIG, np.random.default_rng(0), **options)


def test_a_bar_is_grasped_across():
    best = plan(depth_of_boxes([(0.5, 0.02, 0.10, 0.03, 0.04)]))[0]
    assert abs(best.base_from_tcp[1, 1]) > 0.95  # closes along y, the short side
    assert np.abs(best.base_from_tcp[:2, 3] - [0.5, 0.02]).max() < 0.02
    assert best.base_from_tcp[2, 2] == -1 and 0.0 < best.base_from_tcp[2, 3] < 0.04
    assert 0.03 < best.opening_m <= 0.08


def test_an_empty_bin_has_no_grasp():
    assert plan(depth_of_boxes([])) == []
    assert plan(np.full((240, 320), np.nan, np.float32)) == []


def test_what_is_wider_than_the_gripper_has_no_grasp():
    assert plan(depth_of_boxes([(0.5, 0.0, 0.12, 0.12, 0.05)])) == []


def test_there_is_room_for_the_fingers():
    """Two blocks side by side leave no room between them: nothing closes along the line that joins them."""
    for grasp in plan(depth_of_boxes([(0.5, -0.021, 0.04, 0.04, 0.05), (0.5, 0.021, 0.04, 0.04, 0.05)])):
        assert abs(grasp.base_from_tcp[1, 1]) < 0.8


def test_only_near_the_asked_for_place():
    depth = depth_of_boxes([(0.45, -0.08, 0.03, 0.03, 0.04), (0.55, 0.08, 0.03, 0.03, 0.04)])
    pixel = project(np.array([[0.55, 0.08, 0.04]]), INTRINSICS, camera_pose())[0].astype(int)
    grasps = plan(depth, near_pixel=tuple(pixel), near_radius_m=0.04)
    assert grasps and all(np.linalg.norm(g.base_from_tcp[:2, 3] - [0.55, 0.08]) < 0.045 for g in grasps)
    with pytest.raises(ValueError, match="near_pixel"):
        plan(depth, near_pixel=(400, 10))


def test_poses_are_rotations_and_pixels_are_theirs():
    for grasp in plan(depth_of_boxes([(0.5, 0.0, 0.05, 0.03, 0.04), (0.42, 0.1, 0.03, 0.03, 0.03)])):
        rotation = grasp.base_from_tcp[:3, :3]
        assert np.allclose(rotation @ rotation.T, np.eye(3)) and np.linalg.det(rotation) == pytest.approx(1)
        expected = project(grasp.base_from_tcp[:3, 3][None], INTRINSICS, camera_pose())[0]
        assert np.abs(np.array(grasp.pixel) - expected).max() <= 1


def test_different_things_are_grasped_in_turn():
    depth = depth_of_boxes([(0.43, y, 0.03, 0.03, 0.04) for y in (-0.1, 0.0, 0.1)])
    chosen = {
        round(
            float(
                plan_grasps(depth, INTRINSICS, camera_pose(), CONFIG, np.random.default_rng(s))[
                    0
                ].base_from_tcp[1, 3]
            ),
            1,
        )
        for s in range(12)
    }
    assert len(chosen) == 3


def test_a_colour_image_is_no_depth():
    with pytest.raises(ValueError, match="depth_m"):
        plan(np.zeros((10, 10, 3)))


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_projection_undoes_deprojection(seed):
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = rotation * np.sign(np.linalg.det(rotation)), rng.normal(size=3)
    depth = rng.uniform(0.3, 2.0, (6, 8))
    intrinsics = np.array(
        [
            [rng.uniform(50, 900), 0, rng.uniform(0, 8)],
            [0, rng.uniform(50, 900), rng.uniform(0, 6)],
            [0, 0, 1],
        ]
    )
    points = deproject(depth, intrinsics, pose)
    u, v = np.meshgrid(np.arange(8) + 0.5, np.arange(6) + 0.5)
    pixels = project(points.reshape(-1, 3), intrinsics, pose)
    assert np.allclose(pixels, np.stack([u.ravel(), v.ravel()], axis=1), atol=1e-6)
