import numpy as np
import pytest
import trimesh

from semgrasp_ros.core.metrics.solid import Solid
from test.semgrasp_ros.core.metrics.shapes import box, sphere


def test_inside_a_ring_is_not_in_its_hole():
    ring = Solid.of(trimesh.creation.annulus(0.03, 0.04, 0.1, sections=256))
    points = np.random.default_rng(0).uniform(-0.06, 0.06, (5000, 3))
    radius = np.hypot(points[:, 0], points[:, 1])
    clear = (np.abs(radius - 0.03) > 1e-4) & (np.abs(radius - 0.04) > 1e-4)
    expected = (radius > 0.03) & (radius < 0.04) & (np.abs(points[:, 2]) < 0.05)
    assert (ring.inside(points) == expected)[clear].all()


def test_the_grid_agrees_with_the_points():
    solid = Solid.of(trimesh.creation.torus(0.05, 0.02))
    axes = [np.linspace(-0.08, 0.08, n) for n in (17, 19, 21)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    assert np.array_equal(solid.inside_grid(*axes).ravel(), solid.inside(points))


def test_rays_along_edges_and_through_corners_are_no_trouble():
    """Every column of this grid meets an edge, a diagonal or a corner of a face of the cube."""
    axis = np.linspace(-0.1, 0.1, 5)
    inside = Solid.of(box((0.2, 0.2, 0.2))).inside_grid(axis, axis, axis)
    assert inside[1:-1, 1:-1, 1:-1].all()


def test_fingers_that_cross_each_other_are_still_inside():
    crossed = Solid.of(trimesh.util.concatenate([box((0.06, 0.02, 0.02)), box((0.02, 0.06, 0.02))]), "hand")
    assert crossed.inside(np.array([[0.0, 0.0, 0.0], [0.025, 0.0, 0.0], [0.025, 0.025, 0.0]])).tolist() == [
        True,
        True,
        False,
    ]


def test_signed_distance_of_a_sphere_far_from_the_origin():
    at = np.array([10.0, -20.0, 5.0])
    solid = Solid.of(sphere(0.05, at, fineness=5))
    points = at + np.random.default_rng(1).normal(scale=0.05, size=(500, 3))
    expected = np.linalg.norm(points - at, axis=1) - 0.05
    assert solid.signed_distance(points) == pytest.approx(expected, abs=5e-5)


def test_what_is_not_a_solid_is_refused_with_what_to_do():
    whole = box((1, 1, 1))
    with pytest.raises(ValueError, match="hand: 3 edges .*cap that loop"):
        Solid(whole.vertices, whole.faces[1:], "hand")
    with pytest.raises(ValueError, match="turn its faces over"):
        Solid(whole.vertices, whole.faces[:, ::-1])
    with pytest.raises(ValueError, match="1 coordinates are not finite"):
        Solid(np.where(np.arange(24).reshape(8, 3) == 5, np.nan, whole.vertices), whole.faces)
    with pytest.raises(ValueError, match="do not index"):
        Solid(whole.vertices, whole.faces + 1)
    with pytest.raises(ValueError, match="object is str: give a Solid"):
        Solid.of("mug", "object")


def test_rays_meet_the_first_face_from_either_side():
    away = np.array([5.0, -3.0, 2.0])
    mesh = box((0.2, 0.1, 0.1))
    mesh.apply_translation(away)
    origins = away + [[0.5, 0.01, 0.02], [0.0, 0.01, 0.02], [0.5, 0.2, 0.0]]
    distances, faces = Solid.of(mesh).cast_rays(origins, np.tile([-1.0, 0.0, 0.0], (3, 1)))
    assert distances[:2] == pytest.approx([0.4, 0.1], abs=1e-6) and np.isinf(distances[2])
    assert mesh.face_normals[faces[:2], 0] == pytest.approx([1, -1]) and faces[2] == -1
