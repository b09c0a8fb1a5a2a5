import numpy as np
import pytest

from semgrasp_ros.core.cloud.contacts import near_contacts
from semgrasp_ros.core.cloud.object_cloud import (
    CloudConfig,
    CloudError,
    ObjectCloud,
    check_cloud,
    clean_cloud,
    drop_invalid,
    normals_toward,
)
from semgrasp_ros.core.cloud.upright import into, out_of, upright_pose


def ball(count: int = 2000, centre: tuple = (0.0, 0.0, 0.0)) -> np.ndarray:
    directions = np.random.default_rng(0).normal(size=(count, 3))
    return 0.05 * directions / np.linalg.norm(directions, axis=1, keepdims=True) + centre


def test_invalid_points_are_dropped_with_their_normals():
    points = np.array(
        [[[0, 0, 0], [np.nan, 0, 0], [np.inf, 0, 0]], [[1e30, 0, 0], [1, 2, 3], [4, 5, 6]]], float
    )
    assert drop_invalid(points, None).points.tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    with_normals = drop_invalid(points, np.full((2, 3, 3), [0.0, 0.0, 2.0]))
    assert with_normals.normals.tolist() == [[0, 0, 1]] * 3


def test_poor_normals_are_none_and_a_few_poor_ones_cost_their_points():
    points, normals = ball(100), ball(100) * 3
    normals[:5] = np.nan
    assert len(drop_invalid(points, normals).points) == 95
    normals[:20] = 0
    dropped = drop_invalid(points, normals)
    assert dropped.normals is None and len(dropped.points) == 100


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (ball(40), "too few points: 40 valid, at least 128"),
        (np.zeros((0, 3)), "too few points: 0"),
        (ball() * 1000, "spans 100 m"),
        (np.zeros((500, 3)), "one place"),
    ],
)
def test_what_is_no_object_is_said(points, words):
    with pytest.raises(CloudError, match=words):
        check_cloud(ObjectCloud(points), CloudConfig(), "cloud")
    check_cloud(ObjectCloud(ball()), CloudConfig(), "cloud")


def test_cleaning_drops_strays_thins_and_keeps_the_surface():
    points = np.concatenate([ball(20000), [[0.4, 0, 0], [0, 0.3, 0]]])
    cleaned = clean_cloud(ObjectCloud(points, up=np.array([0, 0, 1.0])), CloudConfig(), True)
    radius = np.linalg.norm(cleaned.points, axis=1)
    assert 2000 < len(radius) < 12000 and abs(radius - 0.05).max() < 1e-3 and cleaned.up is not None
    small = clean_cloud(ObjectCloud(ball(20000) / 20), CloudConfig(), False)
    assert 1024 <= len(small.points) < 20000
    with_normals = clean_cloud(ObjectCloud(points, points / 0.05), CloudConfig(), False)
    assert np.allclose(np.linalg.norm(with_normals.normals, axis=1), 1)
    assert len(with_normals.points) > len(cleaned.points)


def test_normals_of_a_ball_point_to_the_camera():
    points = ball(3000, (0, 0, 0.5))
    seen = points[points[:, 2] < 0.48]
    normals = normals_toward(seen, np.zeros(3), 20)
    outward = (seen - [0, 0, 0.5]) / 0.05
    assert np.einsum("ij,ij->i", normals, outward).min() > 0.9


@pytest.mark.parametrize("up", [None, (0, 0, 1), (0, -1, 0), (1, 0, 0), (0.3, -0.5, -0.8)])
def test_upright_and_back_again_far_from_the_origin(up):
    points = ball(500, (412345.0, 5.3e6, 12.0)) * [1, 1, 1]
    unit = None if up is None else np.array(up, float) / np.linalg.norm(up)
    cloud = ObjectCloud(points, (points - [412345.0, 5.3e6, 12.0]) / 0.05, unit)
    pose = upright_pose(cloud)
    assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3)) and np.linalg.det(pose) == pytest.approx(1)
    if up is not None:
        assert pose[:3, 2] == pytest.approx(unit)
    inside, normals = into(pose, cloud)
    assert inside.dtype == np.float32 and abs(inside).max() < 0.0501
    assert np.allclose(out_of(pose, inside), points, atol=1e-6)
    assert np.allclose(normals * 0.05, inside, atol=1e-3)


def test_frames_that_are_upright_keep_their_axes():
    assert np.allclose(upright_pose(ObjectCloud(ball(50), up=np.array([0, 0, 1.0])))[:3, :3], np.eye(3))


def test_contacts_are_skin_near_points():
    vertices = np.array([[0, 0, 0], [0, 0, 0.1], [0.001, 0, 0]], float)
    assert near_contacts(vertices, np.array([0, 1, -1]), np.zeros((4, 3)), 0.005).tolist() == [0]
