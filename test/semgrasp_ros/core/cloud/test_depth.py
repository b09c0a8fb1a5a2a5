import numpy as np
import pytest

from semgrasp_ros.core.cloud.depth import (
    DepthConfig,
    camera_points,
    connected_region,
    grown_object,
    masked_object,
)
from semgrasp_ros.core.cloud.object_cloud import CloudError
from semgrasp_ros.core.cloud.plane import supporting_plane
from test.semgrasp_ros.core.cloud.scene import BALL, BALL_RADIUS_M, BOX_HIGH, BOX_LOW, INTRINSICS, look

EYES = [(0.45, 0.0, 0.45), (0.2, 0.3, 0.5), (0.001, 0.0, 0.7)]


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def world(scene, points):
    return points @ scene.camera[:3, :3].T + scene.camera[:3, 3]


@pytest.mark.parametrize("eye", EYES)
def test_points_of_a_depth_image_lie_on_the_ball(eye):
    scene = look(eye)
    points = world(scene, camera_points(scene.depth_m, INTRINSICS)[scene.what == 1])
    assert np.allclose(np.linalg.norm(points - BALL, axis=1), BALL_RADIUS_M, atol=1e-9)


@pytest.mark.parametrize("eye", EYES)
def test_the_supporting_plane_is_the_table(eye):
    scene = look(eye)
    points = camera_points(scene.depth_m, INTRINSICS).reshape(-1, 3)
    noisy = points + rng().normal(scale=0.001, size=points.shape)
    plane = supporting_plane(noisy, rng(), 0.006, 0.3)
    assert plane.normal @ (scene.camera[:3, :3].T @ [0, 0, 1]) > 0.9999
    assert np.allclose(plane.heights_m(points), world(scene, points)[:, 2], atol=2e-3)


def test_a_top_with_the_table_behind_it_is_no_support():
    # Seen from 0.5 m above: a box's top takes more of the image than the table around it.
    u, v = np.meshgrid(np.linspace(-0.1, 0.1, 60), np.linspace(-0.1, 0.1, 60))
    top = np.maximum(abs(u), abs(v)) < 0.08
    points = np.stack([u, v, np.where(top, 0.42, 0.5)], axis=-1).reshape(-1, 3)
    assert top.mean() > 0.6
    plane = supporting_plane(points, rng(), 0.005, 0.3)
    assert plane.offset_m == pytest.approx(-0.5) and plane.normal == pytest.approx([0, 0, -1])


def test_no_plane_among_scattered_points_and_too_few():
    assert supporting_plane(rng().normal(size=(500, 3)), rng(), 0.005, 0.3) is None
    assert supporting_plane(np.zeros((2, 3)), rng(), 0.005, 0.3) is None
    assert supporting_plane(np.ones((50, 3)), rng(), 0.005, 0.3) is None


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("thing", [1, 2])
def test_growing_from_a_pixel_finds_the_thing_and_nothing_else(eye, thing):
    scene = look(eye)
    config = DepthConfig()
    cloud = grown_object(camera_points(scene.depth_m, INTRINSICS), scene.middle(thing), config, rng())
    points = world(scene, cloud.points)
    assert cloud.up @ (scene.camera[:3, :3].T @ [0, 0, 1]) > 0.9999
    high = scene.what == thing
    higher = high & (world(scene, camera_points(scene.depth_m, INTRINSICS))[..., 2] > 0.007)
    assert len(points) >= 0.98 * higher.sum()
    if thing == 1:
        assert np.allclose(np.linalg.norm(points - BALL, axis=1), BALL_RADIUS_M, atol=1e-6)
    else:
        assert (points > BOX_LOW - 1e-6).all() and (points < BOX_HIGH + 1e-6).all()


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize("thing", [1, 2])
def test_growing_and_masking_bear_a_real_cameras_noise(eye, thing):
    scene = look(eye)
    noisy = scene.depth_m + rng().normal(scale=0.002, size=scene.depth_m.shape)
    noisy[rng().random(noisy.shape) < 0.03] = 0
    points = camera_points(np.round(noisy, 3), INTRINSICS)
    seen = (scene.what == thing) & np.isfinite(points).all(axis=-1)
    grown = grown_object(points, scene.middle(thing), DepthConfig(), rng())
    masked = masked_object(points, scene.what == thing, DepthConfig(), rng())
    for cloud in (grown, masked):
        assert 0.75 * seen.sum() < len(cloud.points) < 1.1 * seen.sum()
        at = world(scene, cloud.points)
        if thing == 1:
            assert np.mean(abs(np.linalg.norm(at - BALL, axis=1) - BALL_RADIUS_M) < 0.01) > 0.95
        else:
            assert np.mean((at > BOX_LOW - 0.01).all(axis=1) & (at < BOX_HIGH + 0.01).all(axis=1)) > 0.95


def test_growing_begins_beside_a_hole_in_the_depth():
    scene = look()
    u, v = scene.middle(1)
    depth = scene.depth_m.copy()
    depth[v - 2 : v + 3, u - 2 : u + 3] = np.nan
    cloud = grown_object(camera_points(depth, INTRINSICS), (u, v), DepthConfig(), rng())
    assert len(cloud.points) > 100


@pytest.mark.parametrize(
    ("pixel", "words"),
    [
        ((500, 3), "outside the depth image"),
        ((-1, 3), "outside the depth image"),
        ((80, 60), "supporting plane"),
        ((5, 5), "no valid depth"),
    ],
)
def test_growing_says_why_it_cannot(pixel, words):
    scene = look()
    depth = scene.depth_m.copy()
    depth[:20, :20] = 0
    with pytest.raises(CloudError, match=words):
        grown_object(camera_points(depth, INTRINSICS), pixel, DepthConfig(), rng())


def test_a_mask_that_is_too_large_loses_the_table_but_not_the_ball():
    scene = look()
    rows, columns = np.nonzero(scene.what == 1)
    mask = np.zeros(scene.what.shape, dtype=bool)
    mask[rows.min() - 4 : rows.max() + 5, columns.min() - 4 : columns.max() + 5] = True
    cloud = masked_object(camera_points(scene.depth_m, INTRINSICS), mask, DepthConfig(), rng())
    distance = np.linalg.norm(world(scene, cloud.points) - BALL, axis=1)
    assert np.allclose(distance, BALL_RADIUS_M, atol=1e-6) and len(cloud.points) > 0.8 * len(rows)


def test_a_sheet_on_the_table_is_kept_when_it_is_masked():
    scene = look()
    mask = np.zeros(scene.what.shape, dtype=bool)
    mask[50:70, 70:90] = True
    assert (
        len(masked_object(camera_points(scene.depth_m, INTRINSICS), mask, DepthConfig(), rng()).points) == 400
    )


def test_masks_say_why_they_cannot():
    scene = look()
    points = camera_points(scene.depth_m, INTRINSICS)
    with pytest.raises(CloudError, match="no pixel is set"):
        masked_object(points, np.zeros(scene.what.shape, dtype=bool), DepthConfig(), rng())
    with pytest.raises(CloudError, match="mask: 3x2 px"):
        masked_object(points, np.ones((2, 3), dtype=bool), DepthConfig(), rng())
    with pytest.raises(CloudError, match="valid depth"):
        masked_object(points * np.nan, scene.what == 1, DepthConfig(), rng())
    with pytest.raises(ValueError, match=r"camera_info\.k"):
        camera_points(scene.depth_m, np.zeros((3, 3)))


def test_a_region_ends_at_a_jump_and_at_what_is_not_allowed():
    depth = np.array([[1.0, 1.0, 2.0], [1.0, 9.0, 2.0], [1.01, 1.02, 1.03]])
    allowed = np.ones((3, 3), dtype=bool)
    assert connected_region(depth, allowed, (0, 0), 0.1).tolist() == [
        [True, True, False],
        [True, False, False],
        [True, True, True],
    ]
    allowed[2, 1] = False
    assert connected_region(depth, allowed, (0, 0), 0.1).sum() == 4
    assert connected_region(depth, allowed, (2, 2), 0.1).sum() == 1
