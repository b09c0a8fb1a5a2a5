"""A robot hand's grasp from a person's."""

from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

from semgrasp_ros.core.data.dataset import object_cloud
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.household import make_object
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.metrics.solid import Solid
from semgrasp_ros.core.retarget.hand import HandConfig, HandGrasp, HandKinematics, retarget_to_hand
from semgrasp_ros.core.retarget.hand_contacts import HumanTouches, Touch
from semgrasp_ros.core.retarget.hand_objective import GraspProblem, HandState, Scene
from semgrasp_ros.core.retarget.hand_surface import CloudSurface
from semgrasp_ros.core.retarget.robots import load_robot

HAND = HandKinematics(load_robot("panda_allegro"))
GRASPS = GraspFolder(Path(__file__).parent / "grasps")
Arguments = tuple[np.ndarray, ...]


def arguments(family: str) -> Arguments:
    """A person's grasp of a generated object: vertices, regions, keypoints, points, normals."""
    grasp, human = GRASPS.read(family, 0)[0], load_hand()
    pose = (
        torch.from_numpy(np.asarray(a, np.float32))[None]
        for a in (grasp.wrist, grasp.joint_rotations, grasp.shape)
    )
    with torch.no_grad():
        posed = human(*pose)
    cloud = object_cloud(family, 0)
    return (
        posed.vertices[0].double().numpy(), human.regions.numpy(), posed.keypoints[0].double().numpy(),
        cloud.points.astype(float), cloud.normals.astype(float),
    )  # fmt: skip


@pytest.fixture(scope="module")
def hammer() -> tuple[Arguments, HandGrasp]:
    given = arguments("hammer")
    return given, retarget_to_hand(HAND, *given)


class Flat:
    """The plane z = 0 as a surface."""

    def query(self, at, reach_m=np.inf):
        return at[:, 2].copy(), np.tile([0.0, 0.0, 1.0], (len(at), 1))


@pytest.mark.parametrize("seed", range(5))
def test_the_gradient_is_that_of_finite_differences(seed):
    rng = np.random.default_rng(seed)
    touches = HumanTouches(
        {
            f: Touch(rng.normal(scale=0.05, size=3), np.array([0.0, 0.0, 1.0]))
            for f in ("thumb", "index", "ring")
        },
        Touch(rng.normal(scale=0.05, size=3), np.array([1.0, 0.0, 0.0])),
    )
    turns = Rotation.random(2, random_state=seed).as_matrix()
    q = rng.uniform(HAND.lower_rad, HAND.upper_rad)
    wanted = HandState(turns[0], np.zeros(3), HAND.open_rad)
    state = HandState(turns[1], rng.normal(scale=0.03, size=3), q)
    scene = Scene(Flat(), np.array([0.0, 1.0, 0.0, 0.02]), CloudSurface(rng.normal(scale=0.1, size=(50, 3))))
    problem = GraspProblem(HAND, HandConfig(), scene, touches, wanted)
    # Joints may leave their limits by a step here: the derivative counts, not the bound.
    problem.move = lambda state, step: HandState(
        Rotation.from_rotvec(step[3:6]).as_matrix() @ state.rotation,
        state.origin_m + step[:3],
        state.q + step[6:],
    )
    _, jacobian = problem.linearise(state)
    for column in range(jacobian.shape[1]):
        step = 1e-6 * np.eye(jacobian.shape[1])[column]
        ahead, behind = (problem.linearise(problem.move(state, sign * step))[0] for sign in (1, -1))
        if len(ahead) == len(behind) == len(jacobian):
            assert jacobian[:, column] == pytest.approx((ahead - behind) / 2e-6, abs=2e-4)


@pytest.mark.parametrize("family", ["hammer", "ball", "can"])
def test_household_objects_are_grasped(family):
    given = arguments(family)
    found = retarget_to_hand(HAND, *given)
    assert found.feasible, found.reason
    assert found.reason == ""
    fingers = {contact.finger for contact in found.contacts}
    assert "thumb" in fingers and len(fingers) >= 2
    # Said anew from joints and palm alone, on the true mesh.
    solid = Solid.of(make_object(family, 0).mesh)
    tips = HAND.place(HAND.pose(found.q), HAND.tips) @ found.palm[:3, :3].T + found.palm[:3, 3]
    touching = [row for row, finger in enumerate(HAND.fingers) if finger in fingers]
    gaps = solid.signed_distance(tips[touching]) - HAND.tip_radius_m
    assert np.abs(gaps).min() < 0.004 and np.median(np.abs(gaps)) < 0.006
    body = HAND.place(HAND.pose(found.q), HAND.spheres.points) @ found.palm[:3, :3].T + found.palm[:3, 3]
    assert (HAND.spheres.radii_m - solid.signed_distance(body)).max() < 0.007
    assert (found.q >= HAND.lower_rad).all() and (found.q <= HAND.upper_rad).all()


def test_open_and_squeezed_fingers_are_outside_and_inside(hammer):
    (_, _, _, points, normals), found = hammer
    surface = CloudSurface(points, normals)
    rows = [HAND.fingers.index(contact.finger) for contact in found.contacts]

    def gaps(q: np.ndarray) -> np.ndarray:
        tips = HAND.place(HAND.pose(q), HAND.tips)[rows] @ found.palm[:3, :3].T + found.palm[:3, 3]
        return surface.query(tips)[0] - HAND.tip_radius_m

    assert (gaps(found.open_q) > 0.01).all()
    assert gaps(found.squeeze_q).mean() < gaps(found.q).mean() - 0.003


def test_moves_with_the_scene(hammer):
    (vertices, regions, keypoints, points, normals), here = hammer
    turn, shift = Rotation.from_rotvec([0.5, -1.0, 2.0]).as_matrix(), np.array([0.4, -0.2, 0.7])
    there = retarget_to_hand(
        HAND,
        vertices @ turn.T + shift,
        regions,
        keypoints @ turn.T + shift,
        points @ turn.T + shift,
        normals @ turn.T,
    )
    assert there.palm[:3, 3] == pytest.approx(turn @ here.palm[:3, 3] + shift, abs=1e-3)
    assert there.q == pytest.approx(here.q, abs=0.02)


def test_the_same_arguments_give_the_same_grasp(hammer):
    given, first = hammer
    assert np.array_equal(retarget_to_hand(HAND, *given).q, first.q)


def test_a_hand_far_away_has_no_contact():
    vertices, regions, keypoints, points, normals = arguments("ball")
    found = retarget_to_hand(HAND, vertices + 1, regions, keypoints + 1, points, normals)
    assert not found.feasible and "no contact" in found.reason and found.contacts == ()


def test_a_wall_is_too_wide():
    vertices, regions, keypoints, _, _ = arguments("ball")
    wall = trimesh.creation.box((1.0, 1.0, 0.5))
    points, faces = trimesh.sample.sample_surface(wall, 20000, seed=0)
    top = keypoints[[4, 8, 12, 16], 2].min() - 0.25
    found = retarget_to_hand(
        HAND, vertices, regions, keypoints, points + (0, 0, top), wall.face_normals[faces]
    )
    assert not found.feasible and found.reason.split(":")[0] in (
        "no opposing contacts", "no contact", "unreachable", "back of a finger", "collision"
    )  # fmt: skip


def test_neighbours_and_table_are_named(hammer):
    (*hand, points, normals), free = hammer
    assert free.clearance_m == np.inf
    grid = np.random.default_rng(0).uniform(-0.3, 0.3, (20000, 3))
    cage = grid[np.linalg.norm(grid[:, None] - points[::40], axis=2).min(axis=1) > 0.004]
    found = retarget_to_hand(HAND, *hand, points, normals, obstacles=cage)
    assert not found.feasible and found.clearance_m < 0
    table = np.array([0.0, 0.0, 1.0, -(points[:, 2].max() + 0.2)])
    buried = retarget_to_hand(HAND, *hand, points, normals, plane=table)
    assert not buried.feasible and buried.clearance_m < 0


def test_bad_input_is_named():
    vertices, regions, keypoints, points, normals = arguments("ball")
    with pytest.raises(ValueError, match="hand_regions: shape"):
        retarget_to_hand(HAND, vertices, regions[:5], keypoints, points, normals)
    with pytest.raises(ValueError, match="keypoints: some are not finite"):
        retarget_to_hand(HAND, vertices, regions, keypoints * np.nan, points, normals)
    with pytest.raises(ValueError, match="points: 3 are too few"):
        retarget_to_hand(HAND, vertices, regions, keypoints, points[:3], normals[:3])
    with pytest.raises(ValueError, match="normals: lengths"):
        retarget_to_hand(HAND, vertices, regions, keypoints, points, 2 * normals)
    with pytest.raises(ValueError, match="plane"):
        retarget_to_hand(HAND, vertices, regions, keypoints, points, normals, plane=np.array([0, 0, 2.0, 0]))
    with pytest.raises(ValueError, match="friction is -1"):
        HandConfig(friction=-1)


def test_a_cloud_has_the_distances_of_its_sphere():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(4000, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    surface = CloudSurface(0.05 * normals, normals)
    at = rng.normal(scale=0.03, size=(300, 3))
    truth = np.linalg.norm(at, axis=1) - 0.05
    some = np.abs(truth) < 0.015
    distance, gradient = surface.query(at[some])
    assert distance == pytest.approx(truth[some], abs=2e-3)
    outward = at[some] / np.linalg.norm(at[some], axis=1, keepdims=True)
    assert np.einsum("nc,nc->n", gradient, outward).min() > 0.8
    rough, _ = surface.query(at, reach_m=0.005)
    assert rough == pytest.approx(truth, abs=3e-3)


def test_beside_the_edge_of_a_plate_is_outside():
    plate = trimesh.creation.box((0.1, 0.1, 0.003))
    points, faces = trimesh.sample.sample_surface(plate, 3000, seed=0)
    surface = CloudSurface(points, plate.face_normals[faces])
    at = np.random.default_rng(0).uniform(-0.2, 0.2, (2000, 3))
    at = at[np.linalg.norm(at - np.clip(at, -0.05, 0.05), axis=1) > 0.02]
    assert (surface.query(at)[0] > 0).all() and (surface.query(at, reach_m=0.01)[0] > 0).all()
