import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.retarget.free_motion import free_path
from semgrasp_ros.core.retarget.trajectory import dense, join, rounded, time_path

JOINTS = ("a", "b", "c")
corner = st.lists(st.floats(-2, 2), min_size=3, max_size=3)


@settings(max_examples=25, deadline=None)
@given(
    corners=st.lists(corner, min_size=2, max_size=4),
    velocity=st.lists(st.floats(0.2, 3), min_size=3, max_size=3),
    acceleration=st.lists(st.floats(0.5, 10), min_size=3, max_size=3),
)
def test_motions_keep_to_limits_and_path_and_rest_at_both_ends(corners, velocity, acceleration):
    path = rounded(np.array(corners), 0.05)
    motion = time_path(path, JOINTS, np.array(velocity), np.array(acceleration))
    assert motion.positions[[0, -1]] == pytest.approx(np.array(corners)[[0, -1]], abs=1e-6)
    assert (np.abs(motion.velocities) <= np.array(velocity) * (1 + 1e-9)).all()
    assert (np.abs(motion.accelerations) <= np.array(acceleration) * (1 + 1e-9)).all()
    assert np.abs(motion.velocities[[0, -1]]).max() == 0
    if motion.duration_s == 0:
        return
    steps = np.diff(motion.times_s)
    assert (steps > 0).all()
    # Continuous: no sample is farther from the last than its speeds allow.
    assert (
        np.abs(np.diff(motion.positions, axis=0)) <= steps[:, None] * np.array(velocity) * 1.001 + 1e-9
    ).all()
    nearest = np.linalg.norm(motion.positions[:, None] - path, axis=2).min(axis=1)
    assert nearest.max() < 0.06


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_the_fastest_way_along_a_line_is_full_acceleration_then_full_speed(share):
    velocity, acceleration, way = 1.0 * share, 2.0, 3.0
    line = dense(np.array([[0.0, 0, 0], [way, 0, 0]]), 0.05)
    motion = time_path(line, JOINTS, np.full(3, velocity), np.full(3, acceleration))
    best = way / velocity + velocity / acceleration
    assert best <= motion.duration_s < 1.05 * best


def test_rounded_corners_stay_near_the_lines():
    corners = np.array([[0.0, 0, 0], [1.0, 0, 0], [1.0, 1.0, 0]])
    path, lines = rounded(corners, 0.02), dense(corners, 0.001)
    assert np.linalg.norm(path[:, None] - lines, axis=2).min(axis=1).max() < 0.03
    turns = np.diff(path, axis=0)
    turns /= np.linalg.norm(turns, axis=1, keepdims=True)
    assert (turns[1:] * turns[:-1]).sum(axis=1).min() > 0.8


def test_motions_between_samples_and_one_after_the_other():
    limits = np.ones(3), np.ones(3)
    there = time_path(dense(np.array([[0.0, 0, 0], [1, 2, 0]]), 0.05), JOINTS, *limits)
    back = time_path(dense(np.array([[1.0, 2, 0], [0, 0, 0]]), 0.05), JOINTS, *limits)
    both = join(there, back)
    assert both.duration_s == pytest.approx(there.duration_s + back.duration_s)
    assert (np.diff(both.times_s) > 0).all()
    assert both.at(there.duration_s) == pytest.approx([1, 2, 0]) and both.at(99) == pytest.approx([0, 0, 0])
    fine = np.array([there.at(t) for t in np.linspace(0, there.duration_s, 500)])
    assert fine[:, 1] == pytest.approx(2 * fine[:, 0], abs=1e-6) and (np.diff(fine[:, 0]) >= -1e-9).all()
    with pytest.raises(ValueError, match="begins 2 from"):
        join(there, there)


def test_a_motion_to_where_the_arm_is_takes_no_time():
    still = time_path(np.zeros((3, 3)), JOINTS, np.ones(3), np.ones(3))
    assert still.duration_s == 0 and still.at(1.0) == pytest.approx([0, 0, 0])


def test_wrong_paths_are_named():
    with pytest.raises(ValueError, match="path: shape"):
        time_path(np.zeros((3, 2)), JOINTS, np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="acceleration: .* above 0"):
        time_path(np.zeros((3, 3)), JOINTS, np.ones(3), np.zeros(3))


@pytest.mark.parametrize("seed", range(5))
def test_a_wall_with_a_hole_is_passed_through_the_hole(seed):
    def free(q: np.ndarray, spare: float = 0.0) -> bool:
        return abs(q[0]) > 0.1 - spare or abs(q[1] - 1.0) < 0.3 + spare

    lower, upper = np.full(2, -2.0), np.full(2, 2.0)
    path = free_path(
        np.array([-1.0, -1.0]), np.array([1.0, -1.0]), free, lower, upper, np.random.default_rng(seed)
    )
    assert path[0] == pytest.approx([-1, -1]) and path[-1] == pytest.approx([1, -1])
    assert all(free(q, spare=0.05) for q in dense(path, 0.01)), "checked every 0.05"
    assert len(path) < 20


def test_no_way_is_none():
    path = free_path(
        np.array([-1.0]), np.array([1.0]), lambda q: abs(q[0]) > 0.1, np.array([-2.0]), np.array([2.0]),
        np.random.default_rng(0),
    )  # fmt: skip
    assert path is None
