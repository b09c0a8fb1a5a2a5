import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.metrics.penetration import (
    contact_mask,
    contact_ratio,
    intersection_volume_cm3,
    penetration_depth_cm,
)
from test.semgrasp_ros.core.metrics.shapes import box, motion, moved, sphere


def _lens_cm3(r1_m: float, r2_m: float, apart_m: float) -> float:
    """Volume that two spheres share (https://mathworld.wolfram.com/Sphere-SphereIntersection.html)."""
    a, b, d = 100 * r1_m, 100 * r2_m, 100 * apart_m
    return np.pi * (a + b - d) ** 2 * (d * d + 2 * d * (a + b) - 3 * (a - b) ** 2) / (12 * d)


def test_the_lens_of_two_spheres_has_its_volume():
    hand, thing = sphere(0.04, (0.06, 0, 0), fineness=5), sphere(0.05, fineness=5)
    assert intersection_volume_cm3(hand, thing) == pytest.approx(_lens_cm3(0.05, 0.04, 0.06), rel=3e-3)


def test_a_sphere_in_a_box_is_as_deep_as_its_deepest_vertex():
    hand = sphere(0.02, (0, 0, 0.05))
    assert penetration_depth_cm(hand.vertices, box((0.2, 0.2, 0.1))) == pytest.approx(2.0, abs=1e-4)
    assert intersection_volume_cm3(hand, box((0.2, 0.2, 0.1))) == pytest.approx(2 / 3 * np.pi * 8, rel=0.02)


def test_beside_each_other_nothing_is_inside():
    hand, thing = sphere(0.02, (0.08, 0, 0)), box((0.1, 0.1, 0.1))
    assert penetration_depth_cm(hand.vertices, thing) == 0.0
    assert intersection_volume_cm3(hand, thing) == 0.0
    # Their bounding boxes overlap, they do not.
    near = sphere(0.02, (0.066, 0.066, 0))
    assert intersection_volume_cm3(near, thing) == 0.0


def test_what_is_wholly_inside_counts_wholly():
    assert intersection_volume_cm3(box((0.2, 0.2, 0.2)), box((0.03, 0.04, 0.05))) == pytest.approx(60.0)
    small = sphere(0.03)
    assert intersection_volume_cm3(small, box((0.2, 0.2, 0.2))) == pytest.approx(1e6 * small.volume, rel=0.01)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10**6))
def test_a_rigid_motion_of_both_changes_nothing(seed):
    hand, thing, m = sphere(0.03, (0.0312, 0.0207, 0.0113), fineness=3), box((0.08, 0.06, 0.1)), motion(seed)
    before, after = (hand, thing), (moved(hand, m), moved(thing, m))
    depths = [penetration_depth_cm(h.vertices, t) for h, t in (before, after)]
    assert depths[1] == pytest.approx(depths[0], abs=1e-4)
    masks = [contact_mask(h.vertices, t) for h, t in (before, after)]
    assert np.array_equal(*masks)
    # The grid goes with the bounding box: the volume is that of other voxels.
    volumes = [intersection_volume_cm3(h, t) for h, t in (before, after)]
    assert volumes[1] == pytest.approx(volumes[0], rel=0.02)


@settings(deadline=None, max_examples=15)
@given(st.tuples(*[st.floats(-1, 1)] * 3))
def test_a_translation_of_both_keeps_the_volume(shift):
    hand, thing = sphere(0.03, (0.031, 0.021, 0.011), fineness=3), box((0.08, 0.06, 0.1))
    before = intersection_volume_cm3(hand, thing)
    hand.apply_translation(shift)
    thing.apply_translation(shift)
    assert intersection_volume_cm3(hand, thing) == pytest.approx(before, rel=1e-3)


def test_contact_is_inside_or_near():
    points = np.array([[0.054, 0, 0], [0.056, 0, 0], [0, 0, 0], [0.0, 0.0, 0.5]])
    mask = contact_mask(points, box((0.1, 0.1, 0.1)))
    assert mask.tolist() == [True, False, True, False]
    assert contact_mask(points, box((0.1, 0.1, 0.1)), within_m=0.01).tolist() == [True, True, True, False]


def test_the_contact_ratio_counts_grasps():
    touching, not_touching = np.array([False, True]), np.array([False, False])
    assert contact_ratio([touching, not_touching, touching, touching]) == 0.75
    assert np.isnan(contact_ratio([]))


def test_vertices_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"hand_vertices of shape \(3,\)"):
        penetration_depth_cm(np.zeros(3), box((1, 1, 1)))
    with pytest.raises(ValueError, match="finite"):
        contact_mask(np.full((4, 3), np.nan), box((1, 1, 1)))
