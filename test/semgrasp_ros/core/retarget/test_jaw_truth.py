"""What is judged on true surfaces, and the side that no camera sees."""

import numpy as np
import pytest
import trimesh

from semgrasp_ros.core.metrics.solid import Solid
from semgrasp_ros.core.retarget.jaw_antipodal import antipodal_grasps
from semgrasp_ros.core.retarget.jaw_truth import true_hold
from semgrasp_ros.core.retarget.jaw_types import JawGrasp, NoJawGraspError
from semgrasp_ros.core.retarget.jaw_unseen import SeenSurface, unseen_side
from semgrasp_ros.core.retarget.robots import load_robot

GRIPPER = load_robot("panda").gripper
EYE = np.array([0.5, 0.2, 0.4])


def grasp(
    shift: tuple[float, float, float] = (0, 0, 0), opening_m: float = 0.06, turn: float = 0.0
) -> JawGrasp:
    tool = np.diag([1.0, -1.0, -1.0, 1.0]) @ trimesh.transformations.rotation_matrix(turn, [0, 0, 1])
    tool[:3, 3] = shift
    return JawGrasp(tool, 0.0, opening_m, {}, "")


def seen(mesh: trimesh.Trimesh, count: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    points, faces = trimesh.sample.sample_surface(mesh, 6 * count, seed=0)
    normals = mesh.face_normals[faces]
    facing = ((EYE - points) * normals).sum(axis=1) > 0
    return points[facing][:count], normals[facing][:count]


def test_a_box_is_held_across_and_its_width_measured():
    held = true_hold(Solid.of(trimesh.creation.box((0.04, 0.1, 0.04))), grasp(), GRIPPER)
    assert held.holds and held.width_m == pytest.approx(0.04, abs=1e-5)
    assert held.antipodal_rad == pytest.approx(0, abs=1e-3) and len(held.faces) > 0


@pytest.mark.parametrize(
    ("mesh", "pose", "reason"),
    [
        (trimesh.creation.box((0.07, 0.1, 0.04)), grasp(), "collides"),
        (trimesh.creation.box((0.04, 0.1, 0.2)), grasp(), "collides"),
        (trimesh.creation.box((0.04, 0.1, 0.04)), grasp((0, 0, 0.1)), "misses"),
        (trimesh.creation.box((0.03, 0.05, 0.04)), grasp(turn=np.pi / 4, opening_m=0.08), "slips"),
        (trimesh.creation.icosphere(radius=0.02), grasp((0, 0.022, 0)), "slips"),
    ],
)
def test_why_it_does_not_hold(mesh, pose, reason):
    assert true_hold(Solid.of(mesh), pose, GRIPPER).reason == reason


def test_behind_before_and_beside_what_is_seen():
    points, _ = seen(trimesh.creation.icosphere(radius=0.03))
    surface = SeenSurface(points, EYE)
    toward = EYE / np.linalg.norm(EYE)
    behind = surface.behind_m(np.array([0 * toward, 0.05 * toward, [0.0, 0.0, 0.08]]))
    assert behind[0] == pytest.approx(0.03, abs=0.003)
    assert behind[1] == pytest.approx(-0.02, abs=0.003) and behind[2] == -np.inf


@pytest.mark.parametrize(
    "mesh",
    [
        trimesh.creation.cylinder(radius=0.015, height=0.2, sections=64),
        trimesh.creation.box((0.03, 0.05, 0.2)),
        trimesh.creation.icosphere(subdivisions=4, radius=0.03),
    ],
    ids=["rod", "box", "ball"],
)
def test_the_hidden_side_of_symmetric_things_is_found_from_a_bad_guess(mesh):
    points, normals = seen(mesh)
    rng = np.random.default_rng(0)
    hand = rng.normal(size=(300, 3)) * 0.004
    half = np.where(np.arange(300) < 150, 1, -1) * (0.5 * np.ptp(mesh.vertices[:, 0]) + 0.012)
    hand[:, 0] += half
    regions = np.where(np.arange(300) < 150, 0, 1)
    start = np.array([0.012, -0.012, 0.01])
    found = unseen_side(hand, regions, points, normals, start, EYE)
    solid = Solid.of(mesh)
    assert len(found.points) > 50
    assert np.median(solid.closest(found.points)[1]) < 0.005
    assert np.median(solid.closest(2 * start - points)[1]) > 0.006, "the guess alone is worse"
    assert solid.inside(found.filling).mean() > 0.9
    # What was found is what the camera did not see.
    assert (((EYE - found.points) * found.normals).sum(axis=1) < 0).mean() > 0.9


def test_opposite_points_are_grasped_without_a_hand():
    mesh = trimesh.creation.box((0.03, 0.12, 0.06))
    points, faces = trimesh.sample.sample_surface(mesh, 2000, seed=0)
    found = antipodal_grasps(points, mesh.face_normals[faces], GRIPPER)
    assert true_hold(Solid.of(mesh), found[0], GRIPPER).holds
    wide = trimesh.creation.box((0.12, 0.2, 0.16))
    points, faces = trimesh.sample.sample_surface(wide, 2000, seed=0)
    with pytest.raises(NoJawGraspError, match="too wide"):
        antipodal_grasps(points, wide.face_normals[faces], GRIPPER)
