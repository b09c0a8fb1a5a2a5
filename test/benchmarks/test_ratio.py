"""Ratios of things that are timed in turns."""

import time

import numpy as np
import pytest

from benchmarks.ratio import median, paired_difference, paired_ratio, ratio_of_medians, take_turns


def test_a_median_lies_in_its_interval_and_more_values_narrow_it() -> None:
    rng = np.random.default_rng(0)
    few, many = (median(rng.normal(5, 1, count)) for count in (20, 2000))
    for found in (few, many):
        assert found.low <= found.value <= found.high
    assert many.high - many.low < (few.high - few.low) / 4
    assert many.value == pytest.approx(5, abs=0.1) and many.n == 2000


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    inside = [(m := median(rng.normal(0, 1, 60), seed)).low <= 0 <= m.high for seed in range(200)]
    assert 0.88 <= np.mean(inside) <= 1.0


def test_load_that_falls_on_both_cancels_in_pairs() -> None:
    load = np.linspace(1, 9, 101)  # the machine becomes nine times as slow meanwhile
    found = paired_ratio(2.0 * load, load)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))
    assert paired_difference(load + 3, load).value == pytest.approx(3)


def test_one_outlier_changes_little() -> None:
    reference = np.ones(41)
    ours = np.full(41, 1.1)
    ours[7] = 1000.0
    found = paired_ratio(ours, reference)
    assert found.value == pytest.approx(1.1) and found.high == pytest.approx(1.1)


def test_pairs_must_be_pairs() -> None:
    with pytest.raises(ValueError, match="reference: 2 values for 3 of ours"):
        paired_ratio(np.ones(3), np.ones(2))


def test_unpaired_values_may_differ_in_number() -> None:
    rng = np.random.default_rng(2)
    found = ratio_of_medians(rng.normal(30, 1, 50), rng.normal(10, 1, 80))
    assert found.low < found.value < found.high and found.value == pytest.approx(3, abs=0.2)
    assert found.n == 50


def test_no_values_are_no_number() -> None:
    for found in (median(np.array([])), ratio_of_medians(np.array([]), np.ones(2))):
        assert np.isnan(found.value) and found.n == 0


def test_parts_take_turns_in_alternating_order_and_warm_up_is_not_counted() -> None:
    calls: list[str] = []
    found = take_turns(
        {"a": lambda: calls.append("a"), "b": lambda: (calls.append("b"), time.sleep(0.002))},
        rounds=3,
        warm_up=1,
        before=lambda: calls.append("-"),
    )
    assert "".join(calls) == "-a-b-b-a-a-b-b-a"
    assert all(len(values) == 3 for values in found.values())
    assert (found["b"] >= 0.002).all() and found["a"].max() < found["b"].max()
