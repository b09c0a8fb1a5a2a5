import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp2vec_ros.core import baselines
from grasp2vec_ros.core import evaluation as ev


def test_wilsons_interval_has_its_known_values():
    measured = ev.proportion(np.array([True] * 8 + [False] * 2))
    assert (measured.low, measured.high) == pytest.approx((0.4902, 0.9433), abs=1e-3)
    assert ev.proportion(np.array([True] * 10)).high == pytest.approx(1.0)


@settings(deadline=None)
@given(st.lists(st.booleans(), min_size=1, max_size=200))
def test_an_interval_contains_its_value(right):
    measured = ev.proportion(np.array(right))
    assert 0 <= measured.low <= measured.value + 1e-9 and measured.value - 1e-9 <= measured.high <= 1


def test_retrieval_leaves_the_own_image_out():
    """With the own held image in the gallery these random vectors would be right every time."""
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(200, 32)), np.repeat(np.arange(50), 4)
    hits = ev.retrieval_hits(vectors, vectors, labels)
    assert hits.mean() < 0.15 and ev.retrieval_chance(labels) == pytest.approx(3 / 199)


def test_retrieval_of_perfect_vectors_is_perfect_and_singletons_do_not_count():
    labels = np.array(["a", "a", "b", "b", "c"])
    vectors = np.eye(3)[[0, 0, 1, 1, 2]] + 0.01
    hits = ev.retrieval_hits(vectors, vectors, labels)
    assert hits.all() and len(hits) == 4


def test_own_retrieval():
    assert ev.own_retrieval(np.eye(4), np.eye(4)) == 1.0
    assert ev.own_retrieval(np.eye(4), np.eye(4)[[1, 2, 3, 0]]) == 0.0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_the_area_under_the_curve_is_the_share_of_ordered_pairs(seed):
    rng = np.random.default_rng(seed)
    right, wrong = rng.integers(0, 5, 7).astype(float), rng.integers(0, 5, 9).astype(float)
    pairs = [(r > w) + 0.5 * (r == w) for r in right for w in wrong]
    assert ev.area_under_curve(right, wrong) == pytest.approx(np.mean(pairs))


def test_peaks_and_masks():
    heat = np.zeros((5, 7))
    heat[2, 6] = 1
    mask = np.zeros((5, 7), bool)
    assert ev.peak(heat) == (6, 2) and not ev.on_object((6, 2), mask)
    mask[2, 6] = True
    assert ev.on_object(ev.peak(heat), mask)


def test_colour_baselines_find_a_colour():
    scene = np.full((100, 140, 3), 130, np.uint8)
    scene[20:50, 90:120] = (220, 30, 30)
    scene[60:90, 20:50] = (30, 60, 220)
    goal = np.full((64, 64, 3), (220, 30, 30), np.uint8)
    for find in (baselines.histogram_heatmap, baselines.chroma_heatmap):
        u, v = ev.peak(find(scene, goal))
        assert 80 <= u < 130 and 10 <= v < 60
    post = scene.copy()
    post[20:50, 90:120] = 130
    region = baselines.changed_region(scene, post)
    assert region[25:45, 95:115].all() and region.sum() < 1200
    described = baselines.colour_histogram(scene, region)
    assert described @ baselines.colour_histogram(goal, baselines.held_region(goal)) > 0.9
