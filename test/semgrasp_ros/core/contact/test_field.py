"""Distance fields against what is known by formula."""

import numpy as np
import pytest
import torch
import trimesh

from semgrasp_ros.core.contact.field import field_of_mesh, field_of_points, winding_number

RADIUS_M = 0.03


@pytest.fixture(scope="module")
def ball() -> trimesh.Trimesh:
    return trimesh.creation.icosphere(subdivisions=4, radius=RADIUS_M)


@pytest.fixture(scope="module")
def places() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(200, 3, generator=generator), dim=1)
    return directions * (0.012 + 0.06 * torch.rand(200, 1, generator=generator))


def test_distance_to_a_ball(ball: trimesh.Trimesh, places: torch.Tensor) -> None:
    space = field_of_mesh(ball, [ball])
    to_part = space.part_distance(places, torch.zeros(len(places), dtype=torch.long))
    assert space.sample(places).distance == pytest.approx(places.norm(dim=1) - RADIUS_M, abs=1.5e-3)
    assert to_part == pytest.approx((places.norm(dim=1) - RADIUS_M).abs(), abs=3e-3)


def test_normals_point_outward(ball: trimesh.Trimesh, places: torch.Tensor) -> None:
    normal = field_of_mesh(ball, [ball]).sample(places[places.norm(dim=1) < 0.05]).normal
    outward = torch.nn.functional.normalize(places[places.norm(dim=1) < 0.05], dim=1)
    assert (torch.nn.functional.normalize(normal, dim=1) * outward).sum(dim=1).min() > 0.95


def test_the_way_to_the_grid_is_added(ball: trimesh.Trimesh) -> None:
    far = torch.tensor([[0.5, 0.0, 0.0], [0.0, -0.4, 0.0]])
    assert field_of_mesh(ball, [ball]).sample(far).distance == pytest.approx([0.47, 0.37], abs=2e-3)


def test_gradient_is_that_of_the_distance(ball: trimesh.Trimesh) -> None:
    place = torch.tensor([[0.04, 0.01, 0.0]], requires_grad=True)
    field_of_mesh(ball, [ball]).sample(place).distance.sum().backward()
    assert torch.nn.functional.normalize(place.grad, dim=1)[0] == pytest.approx(
        torch.nn.functional.normalize(place.detach(), dim=1)[0], abs=0.05
    )


def test_points_give_nearly_the_same_field_as_the_mesh(ball: trimesh.Trimesh, places: torch.Tensor) -> None:
    points, faces = trimesh.sample.sample_surface(ball, 4000, seed=0)
    seen = field_of_points(points, ball.face_normals[faces]).sample(places)
    assert seen.distance == pytest.approx(places.norm(dim=1) - RADIUS_M, abs=2e-3)


def test_parts_are_told_apart() -> None:
    left = trimesh.creation.box((0.02, 0.02, 0.02), trimesh.transformations.translation_matrix((-0.05, 0, 0)))
    right = trimesh.creation.box((0.02, 0.02, 0.02), trimesh.transformations.translation_matrix((0.05, 0, 0)))
    space = field_of_mesh(trimesh.util.concatenate([left, right]), [left, right])
    twice = torch.tensor([[-0.03, 0.0, 0.0], [-0.03, 0.0, 0.0]])
    assert space.part_distance(twice, torch.tensor([0, 1])) == pytest.approx([0.01, 0.07], abs=2e-3)


def _ball_points(count: int = 1500) -> np.ndarray:
    directions = np.random.default_rng(0).normal(size=(count, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def test_winding_number_is_one_inside_and_none_outside() -> None:
    directions = _ball_points()
    places = np.array([[0.0, 0, 0], [0.01, 0.01, 0], [0.1, 0, 0], [0, -0.2, 0.1]])
    found = winding_number(places, 0.04 * directions, directions)
    assert np.allclose(found, [1, 1, 0, 0], atol=0.1)


def test_what_nobody_saw_is_neither_inside_nor_outside() -> None:
    directions = _ball_points(3000)
    front = directions[directions[:, 0] > 0]
    field = field_of_points(0.04 * front, front)
    along = torch.tensor([[0.06, 0, 0], [0.035, 0, 0], [0.02, 0, 0], [-0.03, 0, 0], [-0.06, 0, 0]])
    before, skin, inner, back, far = field.sample(along).distance.tolist()
    assert before == pytest.approx(0.02, abs=0.003)
    assert skin < 0 and inner < skin  # behind what was seen it is as deep as it is
    assert inner < back < 0.03  # farther behind less and less so
    # A whole ball is deep everywhere inside.
    whole = field_of_points(0.04 * directions, directions)
    assert float(whole.sample(along[3:4]).distance) == pytest.approx(-0.01, abs=0.004)
    assert far > -0.005
