import numpy as np
import torch

from grasp2vec_ros.core.augmentation import AugmentationConfig, _hue_rotation, make_batch, prepare
from grasp2vec_ros.core.encoder import EncoderConfig
from test.grasp2vec_ros.core.helpers import make_experience

ENCODER = EncoderConfig(scene_width_px=64, held_size_px=32, held_crop=1.0)
# A camera that changes nothing on its own.
STEADY = {"hue": 0.0, "common_zoom": 0.0, "drift": 0.0, "shift_px": 0, "noise": 0.0, "blur": 0.0}


def test_pre_and_post_stay_aligned():
    """Apart from what was taken, windows of pre and post must be the same pixels, or nothing cancels."""
    rng = np.random.default_rng(0)
    config = AugmentationConfig(window_px=48, jitter_px=4, **STEADY)
    items = [prepare(make_experience(rng), ENCODER, config) for _ in range(8)]
    batch = make_batch(items, config, torch.Generator().manual_seed(0))
    assert batch.pre.shape == (8, 3, 48, 48) and batch.held.shape == (8, 3, 32, 32)
    unchanged = (batch.pre - batch.post).abs().amax(dim=1) < 1e-6
    assert unchanged.float().mean() > 0.75 and not unchanged.flatten(1).all(dim=1).any()


def test_the_same_seed_makes_the_same_batch_and_another_does_not():
    config = AugmentationConfig(window_px=32)
    items = [prepare(make_experience(np.random.default_rng(1)), ENCODER, config) for _ in range(4)]
    one, same, other = (make_batch(items, config, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6))
    assert torch.equal(one.held, same.held) and torch.equal(one.pre, same.pre)
    assert not torch.equal(one.held, other.held)


def test_values_stay_images():
    config = AugmentationConfig(window_px=500, window="random", colour=1.0)
    items = [prepare(make_experience(np.random.default_rng(2)), ENCODER, config) for _ in range(4)]
    batch = make_batch(items, config, torch.Generator().manual_seed(0))
    for image in (batch.pre, batch.post, batch.held, batch.held_again):
        assert image.min() >= 0 and image.max() <= 1


def test_what_no_window_shows_is_cut_off():
    config = AugmentationConfig(window_px=24, jitter_px=4, shift_px=1)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        item = prepare(make_experience(rng), ENCODER, config)
        assert item.pre.shape == item.post.shape == (34, 34, 3)
        changed = (item.pre.int() - item.post.int()).abs().amax(dim=2) > 0
        assert changed[int(item.change[1]), int(item.change[0])]


def test_a_restless_camera_is_imitated():
    """With drift, shift and noise, pre and post differ where nothing was taken."""
    config = AugmentationConfig(window_px=48, jitter_px=0, drift=0.3, shift_px=3, noise=0.1, blur=1.0)
    items = [prepare(make_experience(np.random.default_rng(3)), ENCODER, config) for _ in range(8)]
    batch = make_batch(items, config, torch.Generator().manual_seed(0))
    assert (batch.pre - batch.post).abs().mean() > 0.02
    assert batch.pre.min() >= 0 and batch.pre.max() <= 1


def test_a_hue_rotation_keeps_grey_and_brightness():
    for angle in (0.3, 2.0, 4.5):
        rotation = _hue_rotation(angle)
        assert torch.allclose(rotation @ rotation.T, torch.eye(3), atol=1e-6) and torch.det(rotation) > 0
        assert torch.allclose(rotation @ torch.ones(3), torch.ones(3), atol=1e-6)


def test_other_hues_are_the_same_in_scene_and_hand():
    """The colour of what left the scene must still be the colour of what is held."""
    red = np.full((48, 64, 3), 120, np.uint8)
    red[10:30, 20:40] = (230, 20, 20)
    held = np.full((40, 40, 3), (230, 20, 20), np.uint8)
    changes = {
        **STEADY,
        "hue": 1.0,
        "colour": 0.0,
        "jitter_px": 0,
        "window_px": 24,
        "zoom": 0.0,
        "turn_rad": 0.0,
    }
    config = AugmentationConfig(**changes)
    experience = make_experience(np.random.default_rng(0), pre=red, post=np.full_like(red, 120), held=[held])
    item = prepare(experience, ENCODER, config)
    seen = []
    for seed in range(5):
        batch = make_batch([item, item], config, torch.Generator().manual_seed(seed))
        scene, hand = batch.pre[0, :, 12, 12], batch.held[0, :, 16, 16]
        assert torch.allclose(scene, hand, atol=0.03)
        seen.append(hand)
    assert torch.stack(seen).std(dim=0).max() > 0.1
