import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semgrasp_ros.core.metrics.diversity import cluster_spread, pairwise_distance_mm
from test.semgrasp_ros.core.metrics.shapes import motion


def test_distance_of_shifted_hands():
    hand = np.random.default_rng(0).normal(size=(50, 3))
    shifted = np.stack([hand, hand + [0.001, 0, 0], hand + [0.003, 0, 0]])
    assert pairwise_distance_mm(shifted) == pytest.approx((1 + 3 + 2) / 3)
    assert pairwise_distance_mm(hand[None]) == 0.0


@given(st.integers(0, 10**6))
def test_distance_needs_no_frame_and_no_order(seed):
    hands = np.random.default_rng(seed).normal(scale=0.1, size=(4, 10, 3))
    m = motion(seed)
    other = (hands @ m[:3, :3].T + m[:3, 3])[::-1]
    assert pairwise_distance_mm(other) == pytest.approx(pairwise_distance_mm(hands))


def test_one_grasp_over_and_over_has_no_spread():
    spread = cluster_spread(np.ones((100, 6)))
    assert (spread.entropy, spread.size) == (0.0, 0.0)


def test_as_many_heaps_as_clusters_have_the_largest_entropy():
    heaps = np.repeat(10 * np.eye(20), 10, axis=0)
    spread = cluster_spread(heaps + 0.01 * np.random.default_rng(0).normal(size=heaps.shape))
    assert spread.entropy == pytest.approx(np.log(20)) and spread.size < 0.1


def test_more_spread_out_grasps_have_a_larger_size_and_the_seed_repeats():
    narrow = np.random.default_rng(0).normal(size=(200, 8))
    assert cluster_spread(3 * narrow).size == pytest.approx(3 * cluster_spread(narrow).size)
    assert cluster_spread(narrow, seed=4) == cluster_spread(narrow, seed=4)


def test_too_few_are_refused():
    with pytest.raises(ValueError, match="n >= 20"):
        cluster_spread(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="K >= 1"):
        pairwise_distance_mm(np.zeros((0, 5, 3)))
