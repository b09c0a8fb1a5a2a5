"""Distance fields against what is known by formula."""

import pytest
import torch
import trimesh

from semgrasp_ros.core.contact.field import field_of_mesh, field_of_points

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
