import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp2vec_ros.core.change import aligned, change_centre, window_corner


def scene(seed: int = 0) -> np.ndarray:
    """A smooth random scene, so that a shift by parts of a pixel means something."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 200, (30, 40, 3), dtype=np.uint8)
    return cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC)


def test_the_change_is_found():
    pre = np.full((100, 150, 3), 90, np.uint8)
    post = pre.copy()
    pre[60:80, 110:130] = 240
    column, row = change_centre(pre, post, 25)
    assert abs(column - 119.5) < 8 and abs(row - 69.5) < 8


@pytest.mark.parametrize("gain", [0.75, 0.9, 1.1, (1.15, 1.0, 0.85)])
def test_another_exposure_is_taken_back(gain):
    pre = scene()
    post = np.clip(pre * np.array(gain), 0, 255).astype(np.uint8)
    before = np.abs(pre.astype(int) - post).mean()
    assert np.abs(pre.astype(int) - aligned(pre, post)).mean() < 0.15 * before


@pytest.mark.parametrize("shift", [(1.5, 0.0), (-3.0, 2.0), (0.0, 6.0)])
def test_a_bumped_camera_is_taken_back(shift):
    pre = scene(1)
    post = cv2.warpAffine(
        pre, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (320, 240), borderMode=cv2.BORDER_REPLICATE
    )
    inside = (slice(20, -20), slice(20, -20))
    before = np.abs(pre.astype(int) - post)[inside].mean()
    assert np.abs(pre.astype(int) - aligned(pre, post))[inside].mean() < 0.25 * before


def test_what_was_taken_stays_different():
    """The correction must not explain away the object itself."""
    post = scene(2)
    pre = post.copy()
    pre[80:140, 120:190] = (220, 30, 40)
    fixed = aligned(pre, post)
    assert np.array_equal(fixed, post)
    column, row = change_centre(pre, fixed, 40)
    assert 120 <= column < 190 and 80 <= row < 140


def test_other_scenes_are_left_alone():
    pre, post = scene(3), scene(4)
    assert np.abs(aligned(pre, post).astype(int) - post).mean() < 25
    black = np.zeros_like(pre)
    assert np.array_equal(aligned(black, black), black)


@settings(max_examples=50, deadline=None)
@given(
    column=st.floats(-50, 400), row=st.floats(-50, 400), width=st.integers(1, 100), height=st.integers(1, 80)
)
def test_a_window_is_inside_the_image(column, row, width, height):
    left, top = window_corner((column, row), (width, height), (100, 80))
    assert 0 <= left <= 100 - width and 0 <= top <= 80 - height
