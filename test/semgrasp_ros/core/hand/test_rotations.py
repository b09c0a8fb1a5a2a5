import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from semgrasp_ros.core.hand.rotations import (
    cross_matrix,
    matrix_from_six,
    matrix_from_vector,
    six_from_matrix,
    transform,
    vector_from_matrix,
)

directions = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda d: np.linalg.norm(d) > 0.1)
angles = st.one_of(
    st.floats(0, math.pi),
    st.sampled_from([0.0, 1e-9, 1e-7, 1e-6, 1e-5, 1e-3, math.pi - 1e-3, math.pi - 1e-6, math.pi]),
)


def rotation_vector(direction, angle, dtype=torch.float64):
    direction = torch.tensor(direction, dtype=torch.float64)
    return (direction / direction.norm() * angle).to(dtype)


@given(directions, angles)
def test_matrix_equals_scipy(direction, angle):
    vector = rotation_vector(direction, angle)
    np.testing.assert_allclose(
        matrix_from_vector(vector).numpy(), Rotation.from_rotvec(vector.numpy()).as_matrix(), atol=1e-12
    )


@given(directions, angles)
def test_vector_to_matrix_and_back(direction, angle):
    vector = rotation_vector(direction, angle)
    back = vector_from_matrix(matrix_from_vector(vector))
    # At pi both directions are the same rotation.
    assert min((back - vector).norm(), (back + vector).norm() if angle > 3.14 else math.inf) < 1e-7
    assert back.norm() <= math.pi + 1e-12


@given(directions, angles)
def test_single_precision_is_enough(direction, angle):
    vector = rotation_vector(direction, angle, torch.float32)
    matrix = matrix_from_vector(vector)
    np.testing.assert_allclose(matrix.numpy(), Rotation.from_rotvec(vector.double()).as_matrix(), atol=1e-6)
    assert (matrix_from_vector(vector_from_matrix(matrix)) - matrix).abs().max() < 2e-6


@given(directions, st.floats(math.pi, 20))
def test_more_than_half_a_turn_comes_back_as_less(direction, angle):
    matrix = matrix_from_vector(rotation_vector(direction, angle))
    back = vector_from_matrix(matrix)
    assert back.norm() <= math.pi + 1e-12
    np.testing.assert_allclose(matrix_from_vector(back).numpy(), matrix.numpy(), atol=1e-9)


@given(directions, angles)
def test_six_numbers_and_back(direction, angle):
    matrix = matrix_from_vector(rotation_vector(direction, angle))
    np.testing.assert_allclose(matrix_from_six(six_from_matrix(matrix)).numpy(), matrix.numpy(), atol=1e-12)


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6))
def test_any_six_numbers_make_a_rotation(numbers):
    six = torch.tensor(numbers, dtype=torch.float64)
    if torch.linalg.cross(six[:3], six[3:]).norm() < 1e-3:
        return
    matrix = matrix_from_six(six)
    np.testing.assert_allclose((matrix @ matrix.T).numpy(), np.eye(3), atol=1e-9)
    assert torch.linalg.det(matrix) > 0


@pytest.mark.parametrize("angle", [0.0, 1e-7, 1e-6, 1e-4, 1.0, 3.0])
def test_gradients_are_those_of_finite_differences(angle):
    vector = rotation_vector((1.0, -2.0, 0.5), angle).requires_grad_()
    assert torch.autograd.gradcheck(matrix_from_vector, (vector,), eps=1e-5, atol=1e-4)
    there_and_back = torch.autograd.functional.jacobian(
        lambda v: vector_from_matrix(matrix_from_vector(v)), vector.detach()
    )
    np.testing.assert_allclose(there_and_back.numpy(), np.eye(3), atol=1e-4)


def test_gradients_are_finite_in_single_precision():
    for angle in (0.0, 1e-8, 1e-6, 1e-3, math.pi):
        vector = rotation_vector((1.0, -2.0, 0.5), angle, torch.float32).requires_grad_()
        vector_from_matrix(matrix_from_vector(vector)).sum().backward()
        assert torch.isfinite(vector.grad).all(), angle


def test_batches_equal_single_ones():
    vectors = torch.randn(2, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    matrices = matrix_from_vector(vectors)
    assert matrices.shape == (2, 5, 3, 3) and vector_from_matrix(matrices).shape == (2, 5, 3)
    for index in np.ndindex(2, 5):
        assert torch.allclose(matrices[index], matrix_from_vector(vectors[index]))
        assert torch.allclose(vector_from_matrix(matrices)[index], vector_from_matrix(matrices[index]))


def test_cross_matrix_and_transform():
    a, b = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.allclose((cross_matrix(a) @ b[..., None])[..., 0], torch.linalg.cross(a, b), atol=1e-6)
    placed = transform(matrix_from_vector(a), b)
    assert torch.equal(placed[:, :3, 3], b) and torch.equal(placed[:, 3], torch.tensor([[0.0, 0, 0, 1]] * 4))
