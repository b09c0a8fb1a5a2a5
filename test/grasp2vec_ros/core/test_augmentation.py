import numpy as np
import torch

from grasp2vec_ros.core.augmentation import AugmentationConfig, change_centre, make_batch, prepare
from grasp2vec_ros.core.encoder import EncoderConfig
from test.grasp2vec_ros.core.helpers import make_experience

ENCODER = EncoderConfig(scene_width_px=64, held_size_px=32, held_crop=1.0)


def test_the_window_is_around_what_changed():
    pre = torch.full((100, 150, 3), 90, dtype=torch.uint8)
    post = pre.clone()
    pre[60:80, 110:130] = 240
    column, row = change_centre(pre, post)
    assert abs(column - 119.5) < 8 and abs(row - 69.5) < 8


def test_pre_and_post_stay_aligned():
    """Apart from what was taken, windows of pre and post must be the same pixels, or nothing cancels."""
    rng = np.random.default_rng(0)
    items = [prepare(make_experience(rng), ENCODER) for _ in range(8)]
    batch = make_batch(items, AugmentationConfig(window_px=48, jitter_px=4), torch.Generator().manual_seed(0))
    assert batch.pre.shape == (8, 3, 48, 48) and batch.held.shape == (8, 3, 32, 32)
    unchanged = (batch.pre - batch.post).abs().amax(dim=1) < 1e-6
    assert unchanged.float().mean() > 0.75 and not unchanged.flatten(1).all(dim=1).any()


def test_the_same_seed_makes_the_same_batch_and_another_does_not():
    items = [prepare(make_experience(np.random.default_rng(1)), ENCODER) for _ in range(4)]
    one, same, other = (
        make_batch(items, AugmentationConfig(window_px=32), torch.Generator().manual_seed(s))
        for s in (5, 5, 6)
    )
    assert torch.equal(one.held, same.held) and torch.equal(one.pre, same.pre)
    assert not torch.equal(one.held, other.held)


def test_values_stay_images():
    items = [prepare(make_experience(np.random.default_rng(2)), ENCODER) for _ in range(4)]
    batch = make_batch(
        items,
        AugmentationConfig(window_px=500, window="random", colour=1.0),
        torch.Generator().manual_seed(0),
    )
    for image in (batch.pre, batch.post, batch.held, batch.held_again):
        assert image.min() >= 0 and image.max() <= 1
