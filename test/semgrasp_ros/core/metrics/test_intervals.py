import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.metrics.intervals import mean_by_object, proportion


def test_grasps_of_one_object_do_not_count_as_many():
    """Ten copies of each value must not make the interval narrower."""
    values = np.random.default_rng(0).normal(size=40)
    once = mean_by_object(values, range(40))
    often = mean_by_object(np.repeat(values, 10), np.repeat(np.arange(40), 10))
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert often.n == 400 and once.n == 40


def test_of_independent_values_the_interval_is_the_textbooks():
    values = np.random.default_rng(1).normal(size=400)
    measured = mean_by_object(values, range(400))
    half = 1.96 * values.std() / 20
    assert measured.high - measured.low == pytest.approx(2 * half, rel=0.1)
    assert measured.value == pytest.approx(values.mean())


def test_it_covers_the_truth_as_often_as_it_says():
    rng, covered = np.random.default_rng(2), 0
    for seed in range(200):
        objects = np.repeat(np.arange(30), 5)
        values = rng.normal(size=30)[objects] + 0.5 * rng.normal(size=150)
        measured = mean_by_object(values, objects, rounds=500, seed=seed)
        covered += measured.low <= 0 <= measured.high
    assert 0.88 <= covered / 200 <= 0.99


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 4), st.floats(-100, 100)), min_size=1, max_size=60))
def test_the_interval_is_within_the_values(cases):
    objects, values = zip(*cases, strict=True)
    measured = mean_by_object(np.array(values), objects)
    if len(set(objects)) < 2:
        assert np.isnan(measured.low)
    else:
        assert min(values) - 1e-9 <= measured.low <= measured.high <= max(values) + 1e-9


def test_objects_may_be_named_by_family_and_instance():
    values = np.array([0.0, 1.0, 2.0, 3.0])
    by_name = mean_by_object(values, ["a", "a", "b", "b"])
    assert mean_by_object(values, [("mug", 1), ("mug", 1), ("mug", 2), ("mug", 2)]) == by_name


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="1 are not finite"):
        mean_by_object(np.array([1.0, np.nan]), ["a", "b"])
    with pytest.raises(ValueError, match="one object for each value"):
        mean_by_object(np.zeros(3), ["a"])
    assert np.isnan(mean_by_object(np.zeros(0), []).value)


def test_wilsons_interval_is_at_hand():
    measured = proportion(np.array([True] * 8 + [False] * 2))
    assert (measured.low, measured.high) == pytest.approx((0.4902, 0.9433), abs=1e-3)
