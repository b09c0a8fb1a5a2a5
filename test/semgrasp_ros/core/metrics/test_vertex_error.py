import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semgrasp_ros.core.metrics.vertex_error import mpvpe_mm
from test.semgrasp_ros.core.metrics.shapes import motion


@given(st.integers(0, 10**6))
def test_a_translation_costs_its_length(seed):
    rng = np.random.default_rng(seed)
    hand, shift = rng.normal(size=(2, 5, 20, 3)), rng.normal(size=(2, 5, 1, 3))
    assert mpvpe_mm(hand + shift, hand) == pytest.approx(1000 * np.linalg.norm(shift[:, :, 0], axis=-1))


@given(st.integers(0, 10**6))
def test_a_rigid_motion_of_both_changes_nothing(seed):
    a, b = np.random.default_rng(seed).normal(scale=0.1, size=(2, 30, 3))
    m = motion(seed)
    assert mpvpe_mm(a @ m[:3, :3].T + m[:3, 3], b @ m[:3, :3].T + m[:3, 3]) == pytest.approx(mpvpe_mm(a, b))


def test_other_vertices_are_refused():
    with pytest.raises(ValueError, match=r"predicted has shape \(778, 3\) and true \(779, 3\)"):
        mpvpe_mm(np.zeros((778, 3)), np.zeros((779, 3)))
