import logging

import cv2
import numpy as np
import pytest
import torch

from grasp2vec_ros.core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, make_model, scene_input
from grasp2vec_ros.core.goals import GoalBook, GoalView, UnknownGoalError
from grasp2vec_ros.core.inference import UNTRAINED, Perceiver, PerceiverConfig, initial_checkpoint
from grasp2vec_ros.core.trainer import encoder_to_go_on_with

SMALL = EncoderConfig(width=4, embedding_size=8, scene_width_px=64, held_size_px=32)


def image(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_it_works_before_any_training():
    perceiver = Perceiver(encoder=SMALL)
    assert perceiver.version == UNTRAINED
    held = perceiver.embed_held([image(0), image(1, 30, 90)])
    assert held.shape == (2, 8) and perceiver.embed_scene(image(2)).shape == (8,)
    assert perceiver.heatmap(image(2), held[0]).shape == (48, 64)


def test_embedding_one_by_one_or_together_is_the_same():
    perceiver = Perceiver(encoder=SMALL)
    together = perceiver.embed_held([image(i) for i in range(4)])
    alone = np.stack([perceiver.embed_held([image(i)])[0] for i in range(4)])
    assert np.allclose(together, alone, atol=1e-4)


def test_a_newer_checkpoint_is_taken_over_and_a_damaged_one_is_not(tmp_path, caplog):
    perceiver = Perceiver(encoder=SMALL)
    assert perceiver.reload_if_newer(tmp_path) is None
    first = save_checkpoint(tmp_path, make_model(SMALL, 1), step=1)
    assert perceiver.reload_if_newer(tmp_path) == first.version == perceiver.version
    assert perceiver.reload_if_newer(tmp_path) is None
    second = save_checkpoint(tmp_path, make_model(SMALL, 2), step=2)
    good = second.path.read_bytes()
    second.path.write_bytes(good[:-50])
    with caplog.at_level(logging.ERROR):
        assert perceiver.reload_if_newer(tmp_path) is None and perceiver.reload_if_newer(tmp_path) is None
    assert perceiver.version == first.version
    assert len([r for r in caplog.records if "grasp2vec-000000002" in r.getMessage()]) == 1  # said once
    second.path.write_bytes(good)
    assert perceiver.reload_if_newer(tmp_path) == second.version


def test_a_checkpoint_that_cannot_be_used_leaves_the_model(tmp_path):
    perceiver = Perceiver(encoder=SMALL)
    before = perceiver.embed_held([image(0)])
    with pytest.raises(CheckpointError):
        perceiver.load(tmp_path)
    assert np.array_equal(before, perceiver.embed_held([image(0)]))


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_what_is_no_image_is_refused(bad):
    with pytest.raises(ValueError, match="image"):
        Perceiver(encoder=SMALL).embed_held([bad])


def test_rewards_of_same_and_opposite():
    vector = np.ones(8, np.float32)
    assert Perceiver.reward(vector, 3 * vector) == pytest.approx((1.0, 1.0))
    assert Perceiver.reward(vector, -vector) == pytest.approx((0.0, -1.0))


def test_goals_stay_valid_after_a_new_checkpoint(tmp_path):
    """They keep their images and are embedded again: reward of the goal's own image is 1 before and after."""
    perceiver, book = Perceiver(encoder=SMALL), GoalBook()
    old = book.set(perceiver, [GoalView(image(0))], "mug")
    save_checkpoint(tmp_path, make_model(SMALL, 5), step=5)
    perceiver.reload_if_newer(tmp_path)
    held = perceiver.embed_held([image(0)])[0]
    assert perceiver.reward(old.embedding, held)[1] < 0.999
    assert book.reembed(perceiver) == ["mug"] and book.reembed(perceiver) == []
    renewed = book.get("mug")
    assert renewed.model_version == perceiver.version != old.model_version
    assert perceiver.reward(renewed.embedding, held)[0] == pytest.approx(1.0, abs=1e-4)


def test_a_goal_of_several_images_is_their_mean():
    perceiver, book = Perceiver(encoder=SMALL), GoalBook()
    a, b = (book.set(perceiver, [GoalView(image(i))]) for i in (0, 1))
    both = book.set(perceiver, [*a.views, *b.views])
    assert np.allclose(both.embedding, (a.embedding + b.embedding) / 2, atol=1e-5)


def test_a_goal_by_a_rectangle_of_the_scene():
    perceiver, book = Perceiver(encoder=SMALL), GoalBook()
    entry = book.set(perceiver, [GoalView(image(0), (8, 8, 24, 24))])
    assert entry.embedding.shape == (8,) and np.isfinite(entry.embedding).all()


def test_unknown_goals_are_answered_with_the_known_ones():
    perceiver, book = Perceiver(encoder=SMALL), GoalBook()
    book.set(perceiver, [GoalView(image(0))], "mug")
    with pytest.raises(UnknownGoalError, match="'cup'.*mug"):
        book.get("cup")
    with pytest.raises(ValueError, match="images: 0"):
        book.set(perceiver, [])


def test_what_was_removed_does_not_depend_on_what_the_camera_did_meanwhile():
    rng = np.random.default_rng(0)
    perceiver = Perceiver(encoder=EncoderConfig(width=8, blocks=2, embedding_size=16, scene_width_px=320))
    post = cv2.resize(
        rng.integers(60, 180, (30, 40, 3), dtype=np.uint8), (320, 240), interpolation=cv2.INTER_CUBIC
    )
    pre = post.copy()
    pre[100:140, 150:190] = rng.integers(0, 255, (40, 40, 3))
    removed = perceiver.embed_removed(pre, post)
    darker = perceiver.embed_removed(pre, (post * 0.85).astype(np.uint8))
    cosine = removed @ darker / np.linalg.norm(removed) / np.linalg.norm(darker)
    whole = perceiver.embed_scene(pre) - perceiver.embed_scene((post * 0.85).astype(np.uint8))
    plain = removed @ whole / np.linalg.norm(removed) / np.linalg.norm(whole)
    assert cosine > 0.8 and cosine > plain + 0.2


@pytest.mark.parametrize("backbone", ["small", "efficientnet_lite0", "resnet50"])
@pytest.mark.parametrize("size", [(240, 320), (480, 640), (200, 320)])
def test_a_heatmap_shows_each_value_at_the_place_it_is_about(backbone, size):
    """What one place of the net's map sees best is where its own spot of the scene is, not half a place beside it."""
    encoder = EncoderConfig(backbone=backbone, width=8, blocks=1, embedding_size=64, scene_width_px=320)
    perceiver = Perceiver(PerceiverConfig(heatmap_blur=0.0), encoder)
    scene = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)
    model = make_model(encoder).eval()
    with torch.no_grad():
        maps = model.scene_map(scene_input(torch.from_numpy(scene)[None], encoder))[0]
    row, column = 3, 7
    heat = perceiver.heatmap(scene, maps[:, row, column].numpy())
    assert heat.shape == size
    zoom, stride = size[1] / 320, model.scene.backbone.stride
    peak = np.unravel_index(heat.argmax(), heat.shape)
    assert peak == pytest.approx((row * stride * zoom, column * stride * zoom), abs=1.5 * zoom)
    assert heat[peak] == pytest.approx(1.0, abs=0.02)


def test_the_small_nets_places_look_where_it_says():
    """The middle of what changes on the map when a spot of the scene does, over several random nets."""
    offsets = []
    for seed in range(6):
        net = make_model(EncoderConfig(width=16, blocks=1), seed).scene.backbone.eval()
        image = torch.zeros(1, 3, 240, 320)
        image[:, :, 120:136, 160:176] = 1.0
        with torch.no_grad():
            change = (net.begin(image) - net.begin(torch.zeros_like(image)))[0].square().sum(dim=0)
        places = (torch.arange(size) * net.stride + net.first_place_px for size in change.shape)
        middle = [float((change.sum(1 - i) * p).sum() / change.sum()) for i, p in enumerate(places)]
        offsets.append([middle[0] - 128, middle[1] - 168])
    assert np.abs(np.mean(offsets, axis=0)).max() < 2.0  # half a place would be 4


def test_the_model_that_ships_can_be_used_and_trained_on(tmp_path):
    """A trainer that is told nothing of encoders takes it as it is."""
    path = initial_checkpoint("shipped")
    model, metadata = load_checkpoint(path)
    assert encoder_to_go_on_with(EncoderConfig(), tmp_path, path) == model.config
    assert int(metadata["step"]) > 0
    assert path.stat().st_size < 17 * 2**20
    assert initial_checkpoint("none") is None and initial_checkpoint(str(path)) == path
    with pytest.raises(CheckpointError, match="initial_checkpoint: 'nowhere'"):
        initial_checkpoint("nowhere")
