"""From where a held object is looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grasp2vec_ros.core.held_views import HELD_VIEWS, view_angles_rad
from semgrasp_ros.core.retarget.robot_check import limits
from semgrasp_ros.core.retarget.robot_model import build_model
from semgrasp_ros.core.retarget.robots import load_robot


@given(st.integers(1, 16), st.floats(0.1, 3.0), st.booleans())
def test_views_begin_where_the_grasp_ended_and_lie_in_front_or_behind(count, range_rad, behind):
    angles = view_angles_rad(count, range_rad, behind)
    assert len(angles) == count and angles[0] == 0.0
    assert len({round(angle, 6) for angle in angles}) == count
    in_front = [angle for angle in angles if abs(angle) <= range_rad / 2 + 1e-9]
    from_behind = [angle for angle in angles if abs(angle - math.pi) <= range_rad / 2 + 1e-9]
    assert len(from_behind) == (count // 2 if behind else 0)
    assert len(in_front) + len(from_behind) == count


def test_four_views_show_both_sides_twice():
    np.testing.assert_allclose(view_angles_rad(4), [0, -1, math.pi, math.pi + 1])


@pytest.mark.parametrize("name", ["panda", "ur5_jaw85"])
def test_wrists_that_ship_reach_the_views_that_are_taken_by_default(name):
    robot = load_robot(name)
    low, high, _ = limits(build_model(robot), robot.arm.joints[-1])
    for angle in view_angles_rad(HELD_VIEWS):
        # The other way round is as good.
        turned = [robot.arm.presented_rad[-1] + way for way in (angle, angle - 2 * math.pi)]
        assert any(low <= rad <= high for rad in turned)
