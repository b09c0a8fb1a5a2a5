"""Motions of fingers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.retarget.paths import finger_motion


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**31 - 1), st.integers(2, 9), st.floats(0.2, 5.0))
def test_fingers_pass_their_corners_in_turn_and_rest_at_both_ends(seed: int, count: int, duration_s: float):
    corners = np.random.default_rng(seed).normal(size=(count, 3))
    motion = finger_motion(("a", "b", "c"), corners, duration_s)
    assert motion.duration_s == pytest.approx(duration_s)
    np.testing.assert_allclose(motion.positions[[0, -1]], corners[[0, -1]], atol=1e-9)
    np.testing.assert_allclose(motion.velocities[[0, -1]], 0, atol=1e-9)
    np.testing.assert_allclose(motion.accelerations[[0, -1]], 0, atol=1e-6)
    times = np.linspace(0, duration_s, 4000)
    way = np.array([motion.at(time) for time in times])
    nearest = [int(np.linalg.norm(way - corner, axis=1).argmin()) for corner in corners]
    off = [float(np.linalg.norm(way[at] - corner)) for at, corner in zip(nearest, corners, strict=True)]
    # Samples are 1/25 of the whole apart; what lies between is cubic.
    assert nearest == sorted(nearest) and max(off) < 0.15
    # Nowhere beyond its corners.
    assert (way.min(axis=0) > corners.min(axis=0) - 0.05).all()
    assert (way.max(axis=0) < corners.max(axis=0) + 0.05).all()


def test_between_two_corners_joints_keep_to_a_line():
    begin, end = np.array([0.1, -0.4]), np.array([0.9, 0.2])
    motion = finger_motion(("a", "b"), (begin, end), 1.0)
    share = (motion.positions - begin) / (end - begin)
    np.testing.assert_allclose(share[:, 0], share[:, 1], atol=1e-12)
    assert (np.diff(share[:, 0]) >= 0).all()
    numeric = np.gradient(motion.positions, motion.times_s, axis=0, edge_order=2)
    np.testing.assert_allclose(motion.velocities[1:-1], numeric[1:-1], atol=0.03)
