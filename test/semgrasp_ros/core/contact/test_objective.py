"""The contact objective, the search on it, and the holding test, on simple things."""

import numpy as np
import pytest
import torch
import trimesh

from semgrasp_ros.core.contact.field import field_of_mesh, field_of_points
from semgrasp_ros.core.contact.hold import DURATION_S, HoldingTest
from semgrasp_ros.core.contact.objective import (
    ContactWeights,
    contact_loss,
    penetration,
    self_contact,
    targets_of,
)
from semgrasp_ros.core.contact.preshape import preshape
from semgrasp_ros.core.contact.refine import RefineConfig, asked_targets, near_targets, refine
from semgrasp_ros.core.contact.search import SearchConfig, search, within_limits
from semgrasp_ros.core.contact.seeds import seed_wrists
from semgrasp_ros.core.contact.skin import PADS, skin_of
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.tokens.pose import HandPose

HAND = load_hand()


@pytest.fixture(scope="module")
def rod() -> trimesh.Trimesh:
    return trimesh.creation.cylinder(radius=0.018, height=0.2, sections=32)


@pytest.fixture(scope="module")
def found(rod: trimesh.Trimesh):
    """Power grasps of a rod, and how bad the first guesses were."""
    space, skin, opened = field_of_mesh(rod, [rod]), skin_of(HAND), preshape(HAND, "power")
    wrist = seed_wrists(rod, opened, 60, np.random.default_rng(0))
    targets = targets_of(skin, ["power"] * 60, [0] * 60)
    angles = opened.angles.expand(60, 15, 3)
    loss = contact_loss(HAND, skin, space, targets, wrist, angles, torch.zeros(60, 10), ContactWeights())
    best = loss.argsort()[:6]
    result = search(
        HAND,
        skin,
        space,
        targets_of(skin, ["power"] * 6, [0] * 6),
        wrist[best],
        angles[best],
        torch.zeros(6, 10),
        SearchConfig(steps=80),
    )
    return space, loss[best], result


def test_search_makes_first_guesses_better(found) -> None:
    _, before, result = found
    assert result.loss.min() < 0.7 * before.min()


def test_found_joints_are_within_their_limits(found) -> None:
    angles = found[2].angles
    assert torch.equal(within_limits(HAND, angles), angles)


def test_found_hands_touch_and_are_not_deep(found, rod: trimesh.Trimesh) -> None:
    space, _, result = found
    best = int(result.loss.argmin())
    surface = HAND(result.wrist, HAND.rotations_from_angles(result.angles), result.shape)
    distance = space.sample(surface.vertices[best]).distance
    assert distance.min() > -0.006
    for pad in ("thumb", "index", "middle", "palm"):
        assert distance[HAND.regions == PADS.index(pad)].min() < 0.006, pad


def test_a_found_grasp_holds_and_an_empty_hand_does_not(found, rod: trimesh.Trimesh) -> None:
    _, _, result = found
    test = HoldingTest(HAND, [rod], np.zeros(3))
    moved = test.displacement_m(result.wrist, HAND.rotations_from_angles(result.angles), result.shape)
    assert moved.min() < 0.02
    away = result.wrist.clone()
    away[:, 0, 3] += 1.0
    fallen = test.displacement_m(away, HAND.rotations_from_angles(result.angles), result.shape)
    assert fallen == pytest.approx(0.5 * 9.81 * DURATION_S**2, rel=0.03)


def test_refinement_brings_moved_hands_back_out(found) -> None:
    space, _, result = found
    wrist = result.wrist.clone()
    wrist[:, :3, 3] -= 0.006 * wrist[:, :3, 2]  # the palms are pressed into the rod
    pose = HandPose(wrist, HAND.rotations_from_angles(result.angles), result.shape)
    better = refine(HAND, space, pose, RefineConfig())

    def inside(hand: HandPose) -> float:
        """Sum over the surface of how much deeper it is than a soft hand may be."""
        surface = HAND(hand.wrist, hand.joint_rotations, hand.shape)
        return float(
            penetration(space.sample(surface.vertices), RefineConfig().search.weights.overlap_m).sum()
        )

    assert inside(better) < 0.9 * inside(pose)
    moved = (
        HAND(pose.wrist, pose.joint_rotations, pose.shape).vertices
        - HAND(better.wrist, better.joint_rotations, better.shape).vertices
    )
    assert moved.norm(dim=-1).mean() < 0.015


def test_near_skin_is_what_is_to_touch(found) -> None:
    space, _, result = found
    pose = HandPose(result.wrist, HAND.rotations_from_angles(result.angles), result.shape)
    here = near_targets(HAND, space, pose, 0.01).touching.sum(dim=1)
    away = HandPose(
        pose.wrist + torch.tensor([[0, 0, 0, 1.0], [0] * 4, [0] * 4, [0] * 4]),
        pose.joint_rotations,
        pose.shape,
    )
    assert here.min() > 2
    assert near_targets(HAND, space, away, 0.01).touching.sum() == 0


def test_skin_near_the_asked_part_is_drawn_there_and_nothing_else(found, rod: trimesh.Trimesh) -> None:
    _, _, result = found
    pose = HandPose(result.wrist, HAND.rotations_from_angles(result.angles), result.shape)
    surface, faces = trimesh.sample.sample_surface(rod, 2000, seed=0)
    normals, thumb = rod.face_normals[faces], PADS.index("thumb")

    def touching(part: np.ndarray, manner: str) -> torch.Tensor:
        space = field_of_points(surface, normals, part)
        drawn = asked_targets(HAND, space, pose, manner, RefineConfig()).touching
        return torch.stack([drawn[:, skin_of(HAND).segment_pad == pad].sum(1) for pad in range(6)], dim=1)

    every = np.ones(len(surface), bool)
    assert touching(every, "power").sum(dim=1).min() > 2
    assert touching(every, "hook")[:, thumb].max() == 0
    far = np.zeros(len(surface), bool)
    axis = int(np.ptp(surface, axis=0).argmax())
    far[surface[:, axis].argmax()] = True
    here = HAND(pose.wrist, pose.joint_rotations, pose.shape).vertices.numpy()
    apart = np.linalg.norm(here - surface[far], axis=-1).min(axis=1)
    assert (touching(far, "power").sum(dim=1).numpy() == 0)[apart > 0.035].all()
    assert (apart > 0.035).any()


def test_a_needed_finger_is_drawn_to_the_part_from_farther_away(found) -> None:
    space, _, result = found
    pose = HandPose(result.wrist, HAND.rotations_from_angles(result.angles), result.shape)
    opened = pose.joint_rotations.clone()
    opened[:, :3] = 0.0  # the index finger is stretched
    pose = HandPose(pose.wrist, opened, pose.shape)
    index = skin_of(HAND).segment_pad == PADS.index("index")

    def drawn(manner: str, reach_m: float) -> torch.Tensor:
        config = RefineConfig(near_m=0.001, reach_m=reach_m)
        return asked_targets(HAND, space, pose, manner, config).touching[:, index].sum(dim=1)

    assert drawn("power", 0.08).sum() > drawn("power", 0.001).sum()
    assert drawn("power", 0.08).amax() <= 1


def test_refinement_for_a_part_brings_fingers_to_it(found) -> None:
    space, _, result = found
    wrist = result.wrist.clone()
    wrist[:, :3, 3] += 0.012 * wrist[:, :3, 2]  # the palms are off the rod
    pose = HandPose(wrist, HAND.rotations_from_angles(result.angles), result.shape)
    better = refine(HAND, space, pose, RefineConfig(), "power")

    def away(hand: HandPose) -> torch.Tensor:
        """How far the nearest skin of each of six fingers is, summed."""
        distance = space.sample(HAND(hand.wrist, hand.joint_rotations, hand.shape).vertices).distance
        pads = [distance[:, HAND.regions == pad].amin(dim=1).clamp_min(0) for pad in range(6)]
        return torch.stack(pads).sum(dim=0)

    assert away(better).mean() < 0.6 * away(pose).mean()


@pytest.mark.parametrize("manner", sorted(MANNERS))
def test_targets_follow_the_manner(manner: str) -> None:
    skin = skin_of(HAND)
    targets = targets_of(skin, [manner], [0])
    for number, pad in enumerate(PADS):
        mine = skin.segment_pad == number
        weight = float(targets.touching[0, mine].sum())
        assert weight == pytest.approx(float(pad in MANNERS[manner].required)), pad
        assert bool(targets.away[0, mine].any()) == (pad in MANNERS[manner].forbidden), pad


def test_open_hand_does_not_touch_itself_and_a_fist_of_crossed_fingers_does() -> None:
    skin = skin_of(HAND)

    def of(angles: torch.Tensor) -> float:
        points = HAND.some_vertices(
            torch.eye(4)[None], HAND.rotations_from_angles(angles), torch.zeros(1, 10), skin.vertices
        )
        return float(self_contact(skin, points))

    crossed = torch.zeros(1, 15, 3)
    crossed[0, 0, 1], crossed[0, 3, 1] = -0.6, 0.6
    swapped = -crossed
    assert of(torch.zeros(1, 15, 3)) == pytest.approx(0, abs=1e-4)
    assert max(of(crossed), of(swapped)) > 0.01


def test_penetration_counts_only_what_is_deeper_than_skin_gives_way(rod: trimesh.Trimesh) -> None:
    space = field_of_mesh(rod, [rod])
    points = torch.tensor([[[0.0175, 0.0, 0.0], [0.010, 0.0, 0.0], [0.03, 0.0, 0.0]]])
    assert float(penetration(space.sample(points), 0.001)) == pytest.approx(0.007, abs=1e-3)


def test_unknown_manner_is_named() -> None:
    with pytest.raises(ValueError, match="manner: 'grab' is unknown"):
        preshape(HAND, "grab")
