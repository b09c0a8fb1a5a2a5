import cv2
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


def test_cases_of_one_object_are_not_taken_for_independent():
    right = np.repeat([True, False], 100)
    alone = ev.proportion(right)
    each_its_own = ev.proportion(right, np.arange(200))
    of_ten = ev.proportion(right, np.repeat(np.arange(10), 20))
    assert alone.value == of_ten.value == each_its_own.value == 0.5
    assert each_its_own.high - each_its_own.low == pytest.approx(alone.high - alone.low, rel=0.1)
    # Ten objects, all or nothing each: as sure as ten cases.
    ten = ev.proportion(np.repeat([True, False], 5))
    assert of_ten.high - of_ten.low == pytest.approx(ten.high - ten.low, rel=0.25)
    # Where all are right, resampling says nothing of what may go wrong.
    all_right = right[:100]
    assert ev.proportion(all_right, np.repeat(np.arange(10), 10)) == ev.proportion(all_right)


def test_retrieval_leaves_the_own_image_out():
    """With the own held image in the gallery these random vectors would be right every time."""
    rng = np.random.default_rng(0)
    vectors, labels = rng.normal(size=(200, 32)), np.repeat(np.arange(50), 4)
    hits = ev.retrieval_hits(ev.cosines(vectors, vectors), labels)
    assert hits.mean() < 0.15 and ev.retrieval_chance(labels) == pytest.approx(3 / 199)


def test_retrieval_of_perfect_vectors_is_perfect_and_singletons_do_not_count():
    labels = np.array(["a", "a", "b", "b", "c"])
    vectors = np.eye(3)[[0, 0, 1, 1, 2]] + 0.01
    hits = ev.retrieval_hits(ev.cosines(vectors, vectors), labels)
    assert hits.all() and len(hits) == 4


def test_the_querys_own_group_is_left_out_of_the_gallery():
    labels, groups = np.array(["a", "a", "a", "b", "b"]), np.array([0, 0, 1, 1, 0])
    similarity = np.zeros((5, 5))
    similarity[0, 1] = 2.0  # the same object in the same group: must not count
    similarity[0, 3] = 1.0  # another object in another group
    assert ev.retrieval_hits(similarity, labels)[0]
    assert not ev.retrieval_hits(similarity, labels, groups)[0]
    # Galleries of each query: {2,3}, {2,3}, {0,1,4}, {0,1,4}, {2,3}.
    assert ev.retrieval_chance(labels, groups) == pytest.approx(np.mean([1 / 2, 1 / 2, 2 / 3, 1 / 3, 1 / 2]))


def _noisy_similarity(noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng, labels = np.random.default_rng(seed), np.repeat(np.arange(20), 6)
    scores = (labels[:, None] == labels) + noise * rng.normal(size=(120, 120))
    return (scores + scores.T) / 2, labels


def test_a_reward_that_knows_and_one_that_guesses():
    knows, labels = _noisy_similarity(0.0)
    guesses = _noisy_similarity(1.0)[0] - (labels[:, None] == labels)
    assert ev.reward_auc(knows, labels).value == 1.0 and ev.reward_accuracy(knows, labels).value == 1.0
    assert ev.reward_calibration(knows, labels).value < 0.02
    assert 0.4 < ev.reward_auc(guesses, labels).value < 0.6
    assert 0.4 < ev.reward_accuracy(guesses, labels).value < 0.6


def test_calibration_notices_a_score_that_means_something_else_on_other_objects():
    scores, labels = _noisy_similarity(0.4)
    good = ev.reward_calibration(scores, labels).value
    shifted = scores + 0.8 * np.isin(labels, np.unique(labels)[::2])[:, None]
    shifted = (shifted + shifted.T) / 2
    assert good < 0.05 < ev.reward_calibration(shifted, labels).value


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
    middle = baselines.held_region(goal)
    for find, describe in (
        (baselines.histogram_heatmap, baselines.colour_histogram),
        (baselines.chroma_heatmap, baselines.mean_chroma),
    ):
        u, v = ev.peak(find(scene, describe(goal, middle)))
        assert 80 <= u < 130 and 10 <= v < 60
    post = scene.copy()
    post[20:50, 90:120] = 130
    region = baselines.changed_region(scene, post)
    assert region[25:45, 95:115].all() and region.sum() < 1200
    described = baselines.colour_histogram(scene, region)
    assert described @ baselines.colour_histogram(goal, baselines.held_region(goal)) > 0.9


def test_local_features_find_a_pattern_and_not_another():
    rng = np.random.default_rng(0)
    pattern, other = (
        cv2.resize(rng.integers(0, 255, (9, 9, 3), dtype=np.uint8), (48, 48), interpolation=cv2.INTER_CUBIC)
        for _ in range(2)
    )
    scene = np.full((120, 160, 3), 130, np.uint8)
    scene[30:78, 90:138] = np.rot90(pattern)
    everywhere = baselines.local_features(scene, np.ones(scene.shape[:2], bool))
    held = np.full((96, 96, 3), 200, np.uint8)
    held[24:72, 24:72] = pattern
    found = baselines.matched_points(baselines.local_features(held, baselines.held_region(held)), everywhere)
    assert len(found) >= 6 and (found >= (90, 30)).all() and (found < (138, 78)).all()
    held[24:72, 24:72] = other
    wrong = baselines.matched_points(baselines.local_features(held, baselines.held_region(held)), everywhere)
    assert len(wrong) < len(found) / 2
