import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.hand import HandModel, load_hand
from semgrasp_ros.core.hand.anatomy import REGIONS, anatomical_axes, hand_frame, joint_limits
from semgrasp_ros.core.hand.rotations import matrix_from_vector, transform
from semgrasp_ros.core.hand.sources import _open_hand
from semgrasp_ros.core.metrics.solid import Solid

FINGERS_OF_KEYPOINTS = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16], [17, 18, 19, 20]]
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def hand():
    return HandModel(_open_hand()).double()


@pytest.fixture(scope="module")
def rest(hand):
    return hand(torch.eye(4)[None].double(), torch.zeros(1, 15, 3).double(), torch.zeros(1, 10).double())


def drawn(seed, count=1):
    """Wrist, joint rotations within the limits, and shape."""
    generator = torch.Generator().manual_seed(seed)
    vector, place = torch.randn(2, count, 3, generator=generator, dtype=torch.float64)
    hand = load_hand()
    low, high = hand.limits.double().unbind(-1)
    angles = low + (high - low) * torch.rand(count, 15, 3, generator=generator, dtype=torch.float64)
    rotations = torch.einsum("bja,jac->bjc", angles, hand.axes.double())
    shape = torch.randn(count, 10, generator=generator, dtype=torch.float64)
    return transform(matrix_from_vector(vector), place), rotations, shape


def test_open_hand_is_closed_and_of_a_grown_up(hand, rest):
    solid = Solid(rest.vertices[0].numpy(), hand.faces.numpy())  # refuses open or inverted surfaces
    assert 0.15 < np.ptp(solid.vertices[:, 0]) < 0.25
    volume = np.linalg.det(solid.vertices[solid.faces]).sum() / 6
    assert 2e-4 < volume < 6e-4
    assert hand.source == "open" and load_hand() is load_hand("open")


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_volume_stays_that_of_a_hand(hand, seed):
    vertices = hand(*drawn(seed)).vertices[0]
    # Drawn shapes reach three standard deviations in ten directions at once.
    assert 0.2e-4 < torch.linalg.det(vertices[hand.faces]).sum() / 6 < 15e-4


def test_regions_cover_the_palmar_side(hand, rest):
    assert REGIONS == ("thumb", "index", "middle", "ring", "little", "palm")
    counts = [len(hand.region_vertices(region)) for region in range(6)]
    assert min(counts) > 50 and set(hand.regions.tolist()) == set(range(-1, 6))
    for region in range(5):
        keypoints = rest.keypoints[0, FINGERS_OF_KEYPOINTS[region]]
        nearest = torch.cdist(rest.vertices[0, hand.region_vertices(region)], keypoints).amin(dim=1)
        assert nearest.max() < 0.035
    assert rest.vertices[0, hand.region_vertices(5), 2].mean() < rest.joints[0, :, 2].max()


def test_weights_and_regressor_are_means(hand):
    for rows in (hand.weights, hand.joint_regressor):
        assert rows.min() >= 0 and (rows.sum(1) - 1).abs().max() < 1e-5


def test_axes_are_orthonormal_and_rederived(hand, rest):
    np.testing.assert_allclose((hand.axes @ hand.axes.mT).numpy(), np.tile(np.eye(3), (15, 1, 1)), atol=1e-6)
    again = anatomical_axes(rest.vertices[0].numpy(), rest.joints[0].numpy(), hand.weights.numpy())
    np.testing.assert_allclose(again, hand.axes.numpy(), atol=5e-3)
    np.testing.assert_allclose(hand_frame(rest.joints[0].numpy()), hand.frame.numpy(), atol=1e-6)


def test_limits_hold_the_rest_and_are_ordered(hand):
    low, high = hand.limits.unbind(-1)
    assert (low < 0).all() and (high > 0).all()
    np.testing.assert_allclose(hand.limits.numpy(), joint_limits(), atol=1e-6)


@given(st.floats(-3, 3), st.integers(0, 14), st.integers(0, 2))
def test_beyond_limits_counts_radians(hand, angle, joint, axis):
    angles = torch.zeros(1, 15, 3, dtype=torch.float64)
    angles[0, joint, axis] = angle
    beyond = hand.beyond_limits(hand.rotations_from_angles(angles))
    low, high = hand.limits[joint, axis].tolist()
    assert beyond[0, joint, axis].item() == pytest.approx(max(angle - high, low - angle, 0), abs=1e-6)
    assert beyond.sum().item() == pytest.approx(beyond[0, joint, axis].item(), abs=1e-5)


@given(seeds)
def test_angles_and_rotations_are_inverse(hand, seed):
    angles = torch.randn(2, 15, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    back = hand.angles_from_rotations(hand.rotations_from_angles(angles))
    assert (back - angles).abs().max() < 1e-5


@settings(max_examples=20, deadline=None)
@given(seeds, seeds)
def test_moving_the_wrist_moves_everything_rigidly(hand, seed, other):
    wrist, rotations, shape = drawn(seed)
    motion = drawn(other)[0]
    before, after = hand(wrist, rotations, shape), hand(motion @ wrist, rotations, shape)
    for name in ("vertices", "joints", "keypoints"):
        moved = getattr(before, name) @ motion[:, :3, :3].mT + motion[:, None, :3, 3]
        # Weights of single precision sum to one only nearly, and the wrist is metres away.
        assert (moved - getattr(after, name)).abs().max() < 1e-6


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_zero_pose_is_the_shaped_template(hand, seed):
    shape = drawn(seed)[2]
    surface = hand(torch.eye(4)[None].double(), torch.zeros(1, 15, 3).double(), shape)
    shaped = hand.template + hand.shape_directions @ shape[0]
    # Weights of single precision sum to one only nearly.
    assert (surface.vertices[0] - shaped).abs().max() < 1e-7
    assert (surface.joints[0] - hand.joint_regressor @ shaped).abs().max() < 1e-7


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_a_joint_moves_only_what_hangs_on_it(hand, seed):
    wrist, rotations, shape = drawn(seed)
    changed = rotations.clone()
    changed[:, 5] += 0.3  # the last joint of the middle finger
    moved = (hand(wrist, changed, shape).vertices - hand(wrist, rotations, shape).vertices).norm(dim=-1)[0]
    assert moved[hand.weights[:, 6] == 0].max() < 1e-12
    assert moved[hand.weights[:, 6] > 0.9].max() > 1e-4


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_bones_keep_their_length(hand, rest, seed):
    wrist, rotations, _ = drawn(seed)
    joints = hand(wrist, rotations, torch.zeros(1, 10).double()).joints[0]
    parents = torch.tensor(hand.parents[1:])
    lengths = [(j[1:] - j[parents]).norm(dim=-1) for j in (joints, rest.joints[0])]
    assert (lengths[0] - lengths[1]).abs().max() < 1e-9


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_some_vertices_and_batches_are_those_of_the_whole(hand, seed):
    batch = drawn(seed, count=3)
    which = torch.randint(0, len(hand.template), (50,), generator=torch.Generator().manual_seed(seed))
    surface = hand(*batch)
    assert (hand.some_vertices(*batch, which) - surface.vertices[:, which]).abs().max() < 1e-12
    for number in range(3):
        single = hand(*(value[number : number + 1] for value in batch))
        for name in ("vertices", "joints", "keypoints"):
            assert (getattr(single, name)[0] - getattr(surface, name)[number]).abs().max() < 1e-12


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_gradients_are_those_of_finite_differences(hand, seed):
    wrist, rotations, shape = drawn(seed or 0)
    if seed is None:
        rotations, shape = torch.zeros_like(rotations), torch.zeros_like(shape)
    which = torch.tensor([0, 400, 900, 1500])
    values = [value.clone().requires_grad_() for value in (wrist, rotations, shape)]
    assert torch.autograd.gradcheck(
        lambda *inputs: hand.some_vertices(*inputs, which), values, eps=1e-6, atol=1e-6, fast_mode=True
    )


def test_keypoints_are_in_the_order_of_mediapipe(rest):
    keypoints = rest.keypoints[0]
    assert keypoints.shape == (21, 3)
    assert torch.equal(keypoints[0], rest.joints[0, 0])
    for finger in FINGERS_OF_KEYPOINTS:
        assert (keypoints[finger] - keypoints[0]).norm(dim=-1).diff().min() > 0.005
    # From the thumb's side to the little finger's, and the middle finger is the longest.
    tips = keypoints[[finger[3] for finger in FINGERS_OF_KEYPOINTS]]
    assert (tips[:, 1].diff() < 0).all() and tips[0, 1] > 0.03
    assert tips[:, 0].argmax() == 2


@pytest.mark.parametrize("finger", range(5))
def test_flexion_closes(hand, rest, finger):
    angles = torch.zeros(1, 15, 3, dtype=torch.float64)
    angles[0, 3 * finger : 3 * finger + 3, 0] = 0.6
    closed = hand(
        torch.eye(4)[None].double(), hand.rotations_from_angles(angles), torch.zeros(1, 10).double()
    )
    tip = hand.tips[finger]
    moved = closed.vertices[0, tip] - rest.vertices[0, tip]
    if finger < 4:
        assert moved[2] < -0.02
        return
    # The thumb opposes: its tip comes nearer to the little finger's knuckle.
    knuckle = rest.keypoints[0, 17]
    assert (closed.vertices[0, tip] - knuckle).norm() < (rest.vertices[0, tip] - knuckle).norm() - 0.01


def test_a_fist_brings_the_tips_to_the_palm(hand, rest):
    angles = torch.zeros(1, 15, 3, dtype=torch.float64)
    angles[0, :12, 0] = torch.tensor([1.4, 1.6, 1.0]).repeat(4)
    tips = hand(torch.eye(4)[None].double(), hand.rotations_from_angles(angles), torch.zeros(1, 10).double())
    palm = rest.vertices[0, hand.region_vertices(5)].mean(dim=0)
    for keypoint in (8, 12, 16, 20):
        before, after = rest.keypoints[0, keypoint], tips.keypoints[0, keypoint]
        assert (after - palm).norm() < 0.06 < (before - palm).norm()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: torch.zeros(2, 3, 4)}, r"wrist: shape \(2, 3, 4\)"),
        ({1: torch.zeros(2, 45)}, r"joint_rotations: shape \(2, 45\)"),
        ({2: torch.zeros(1, 10)}, r"shape: shape \(1, 10\)"),
    ],
)
def test_errors_name_the_argument(change, message):
    values = [torch.eye(4).expand(2, 4, 4), torch.zeros(2, 15, 3), torch.zeros(2, 10)]
    for place, value in change.items():
        values[place] = value
    with pytest.raises(ValueError, match=message):
        load_hand()(*values)


def test_hand_needs_neither_ros_nor_heavy_libraries():
    code = (
        "import sys; from semgrasp_ros.core.hand import load_hand; load_hand(); import semgrasp_ros.core.hand.mano;"
        "print([name for name in ('rclpy', 'open3d', 'trimesh', 'chumpy', 'anny') if name in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )
