import dataclasses

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grasp2vec_ros.__main__ import main
from grasp2vec_ros.core import colours_fit
from grasp2vec_ros.core.augmentation import Batch
from grasp2vec_ros.core.checkpoint import load_checkpoint, save_checkpoint
from grasp2vec_ros.core.colours import (
    BINS,
    ENTRIES,
    Colours,
    _counts_in_cells,
    cell_px,
    held_histograms,
    hsv,
    removed_histogram,
    root_histograms,
)
from grasp2vec_ros.core.encoder import EncoderConfig, make_model
from grasp2vec_ros.core.inference import Perceiver, PerceiverConfig, default_checkpoint
from grasp2vec_ros.core.learner import Learner, LearnerConfig
from grasp2vec_ros.core.linear_fit import VIEWS
from grasp2vec_ros.core.objective import ObjectiveConfig
from grasp2vec_ros.core.store import ExperienceStore
from test.grasp2vec_ros.core.helpers import make_experience

ALONE = EncoderConfig(width=4, embedding_size=8, scene_width_px=64, held_size_px=32, held_crop=1.0)
COLOURED = dataclasses.replace(ALONE, colour_size=16, colour_weight=0.5)
RED, BLUE, GREY = (0.8, 0.1, 0.1), (0.1, 0.2, 0.9), (0.5, 0.5, 0.5)


def painted(colour: tuple[float, float, float], height: int = 48, width: int = 64) -> torch.Tensor:
    return torch.tensor(colour)[:, None, None].expand(3, height, width).clone()


def ones(images: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(images[:, 0])


def bin_with(
    *things: tuple[int, int, tuple[int, int, int]], height: int = 240, width: int = 320
) -> np.ndarray:
    scene = np.full((height, width, 3), 120, np.uint8)
    for left, top, colour in things:
        scene[top : top + 40, left : left + 40] = colour
    return scene


RED_THING, BLUE_THING = (60, 60, (210, 40, 30)), (220, 150, (30, 60, 200))


@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=20))
def test_hue_saturation_and_value_are_opencvs(pixels: list[tuple[int, int, int]]):
    image = np.array([pixels], np.float32) / 255
    hue, saturation, value = (part[0].numpy() for part in hsv(torch.from_numpy(image).permute(2, 0, 1)[None]))
    theirs = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    apart = np.abs(hue * 360 - theirs[..., 0])
    assert np.minimum(apart, 360 - apart).max() < 0.1
    assert np.allclose(saturation, theirs[..., 1], atol=1e-4) and np.allclose(
        value, theirs[..., 2], atol=1e-6
    )


@given(st.integers(0, 2**31), st.integers(1, 4))
def test_histograms_are_of_unit_length_and_know_no_places(seed: int, count: int):
    images = torch.rand(count, 3, 6, 7, generator=torch.Generator().manual_seed(seed))
    histograms = root_histograms(images, ones(images))
    assert histograms.shape == (count, ENTRIES) and torch.allclose(histograms.norm(dim=1), torch.ones(count))
    turned = images.flip(2).transpose(2, 3)
    assert torch.allclose(root_histograms(turned, ones(turned)), histograms, atol=1e-6)


def test_a_histogram_is_of_the_pixels_that_count():
    image = painted(GREY)[None]
    image[..., :10, :10] = painted(RED, 10, 10)
    counts = torch.zeros(1, 48, 64)
    counts[:, :10, :10] = 1
    red = root_histograms(painted(RED)[None], ones(image))
    assert torch.equal(root_histograms(image, counts), red)
    assert not root_histograms(image, torch.zeros(1, 48, 64)).any()
    assert int((red > 0).sum()) == 1 and red.numel() == np.prod(BINS)


def test_what_was_removed_is_of_the_changed_pixels_as_they_were():
    post = painted(GREY)
    pre = post.clone()
    pre[:, 10:20, 30:40] = painted(RED, 10, 10)
    pre[:, 40, 5] = torch.tensor(BLUE)  # a speck
    red = root_histograms(painted(RED)[None], ones(post[None]))
    assert torch.equal(removed_histogram(pre, post), red)
    assert not removed_histogram(post, post + 0.02).any()


def test_what_moved_when_something_was_taken_has_no_part_in_its_colours():
    pre, post = painted(GREY), painted(GREY)
    pre[:, 10:20, 30:40] = painted(RED, 10, 10)
    pre[:, 30:40, 10:20] = painted(BLUE, 10, 10)
    post[:, 30:40, 15:25] = painted(BLUE, 10, 10)
    red = root_histograms(painted(RED)[None], ones(post[None]))
    assert torch.equal(removed_histogram(pre, post), red)


def test_of_a_held_image_the_middle_counts_however_much_of_it_is_shown():
    whole = painted(BLUE, 96, 96)
    whole[:, 24:72, 24:72] = painted(RED, 48, 48)
    cropped = whole[:, 12:84, 12:84]  # three quarters, as the encoder sees it
    red = root_histograms(painted(RED)[None], ones(painted(RED)[None]))
    assert torch.equal(held_histograms(whole[None], 1.0), red)
    assert torch.equal(held_histograms(cropped[None], 0.75), red)
    assert held_histograms(whole[None, :, 30:60, 30:60], 0.3).equal(red)


def test_what_has_no_colours_says_nothing_of_them():
    colours = Colours(16)
    colours.removed_mean.copy_(torch.rand(ENTRIES))
    assert not colours.removed_vectors(torch.zeros(1, ENTRIES)).any()


@torch.no_grad()
def test_each_parts_cosine_counts_by_its_weight():
    config = dataclasses.replace(COLOURED, probe_size=12, probe_weight=0.3)
    model, cosine = make_model(config).eval(), torch.nn.functional.cosine_similarity
    parts = [torch.randn(2, size) * 50 for size in config.part_sizes]
    one, other = (model.joined(*(part[i, None] for part in parts)) for i in range(2))
    apart = [cosine(part[0], part[1], dim=0) for part in parts]
    expected = (apart[0] + 0.3 * apart[1] + 0.5 * apart[2]) / 1.8
    assert torch.allclose(cosine(one, other, dim=1), expected, atol=1e-5)


def test_colours_lengthen_vectors_and_leave_what_is_learned_alone(tmp_path):
    model, alone = make_model(COLOURED, 1).eval(), make_model(ALONE).eval()
    alone.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("colours.")})
    two = [Perceiver(PerceiverConfig(device="cpu", colour_heatmap=0.0)) for _ in range(2)]
    for perceiver, one in zip(two, (model, alone), strict=True):
        perceiver.load(save_checkpoint(tmp_path / str(id(one)), one, step=1).path)
    image = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    vectors = [perceiver.embed_held([image])[0] for perceiver in two]
    assert [len(vector) for vector in vectors] == [perceiver.embedding_size for perceiver in two] == [24, 8]
    heat = [p.heatmap(image, vector) for p, vector in zip(two, vectors, strict=True)]
    assert np.allclose(*heat, atol=1e-5)
    # Differences of whole scenes are what they are without colours.
    scenes = [perceiver.embed_scene(image) for perceiver in two]
    assert np.array_equal(scenes[0][:8], scenes[1]) and not scenes[0][8:].any()


def test_things_of_one_shape_are_told_apart_by_their_colours():
    """With the model that ships: pointed at in a scene, taken out of it, and in another scene."""
    perceiver = Perceiver(PerceiverConfig(device="cpu"))
    perceiver.load(default_checkpoint())
    begin = -perceiver.embedding_size + sum(perceiver._loaded.model.config.part_sizes[:2])
    scene = bin_with(RED_THING, BLUE_THING)
    taken = perceiver.embed_removed(scene, bin_with(BLUE_THING))[begin:]
    red, blue = (perceiver.embed_region(scene, *place, 40, 40)[begin:] for place in ((60, 60), (220, 150)))
    cosine = lambda a, b: float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))  # noqa: E731
    assert cosine(taken, red) > 0.95 and cosine(taken, blue) < 0.5


def test_learning_leaves_colours_as_they_are():
    model = make_model(COLOURED, 1)
    model.colours.projection.copy_(torch.rand(16, ENTRIES))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    learner = Learner(model, LearnerConfig(warm_up_steps=0), ObjectiveConfig(), torch.device("cpu"))
    learner.step(Batch(images, images.flip(0), images, images))
    for state in (learner.model.state_dict(), learner.averaged.state_dict()):
        same = {name: torch.equal(value, before[name]) for name, value in state.items()}
        assert all(same[name] for name in same if name.startswith("colours.")) and not all(same.values())


def test_fitting_leaves_out_what_a_palette_shares():
    """Objects differ in the shares of few colours; light makes others of them, more than objects do."""
    rng, scenes, per_scene = np.random.default_rng(0), 60, 4
    count = scenes * per_scene
    shares = np.zeros((count, 1, ENTRIES), np.float32)
    shares[..., :40] = rng.random((count, 1, 40))
    seen = np.repeat(shares, VIEWS + 1, axis=1)
    seen[..., 40:80] = 4 * rng.random((count, VIEWS + 1, 40))
    roots = torch.from_numpy(np.sqrt(seen / seen.sum(axis=2, keepdims=True)).astype(np.float32))
    names = np.repeat([f"scene {i}" for i in range(scenes)], per_scene)
    right = {}
    for steps in (0, 40):
        colours = Colours(64)
        colours_fit.fit(colours, colours_fit.Histograms(roots[:, 0], roots[:, 1:], names), steps)
        removed, held = colours.removed_vectors(roots[:, 0]), colours.held_vectors(roots[:, 1])
        unit = [torch.nn.functional.normalize(vectors, dim=1) for vectors in (removed, held)]
        right[steps] = float(((unit[0] @ unit[1].T).argmax(dim=1) == torch.arange(count)).float().mean())
    assert right[40] > right[0] + 0.2, right


def test_the_command_adds_colours_to_a_model(tmp_path, capsys):
    with ExperienceStore(tmp_path / "s") as store:
        for seed in range(6):
            one, other = (make_experience(np.random.default_rng(seed)) for _ in range(2))
            store.add(dataclasses.replace(one, held=one.held + other.held, held_angles_rad=[0.0, 1.0]))
    trained = save_checkpoint(tmp_path / "c", make_model(ALONE, 3), step=5, details={"kept": True})
    command = ["colours", "--checkpoint", str(trained.path), "--store", str(tmp_path / "s")]
    command += ["--output", str(tmp_path / "o"), "--size", "20", "--steps", "2", "--weight", "0.3"]
    assert main(command) == 0
    model, metadata = load_checkpoint(tmp_path / "o")
    assert model.config.colour_size == 20 and model.config.colour_weight == 0.3 and metadata["step"] == "5"
    assert '"kept": true' in metadata["details"] and '"attempts": 6' in metadata["details"]
    assert model.colours.projection.shape == (20, ENTRIES) and model.colours.held_mean.any()
    with torch.no_grad():
        images = torch.rand(2, 3, 32, 32)
        learned = load_checkpoint(trained.path)[0].embed_held(images)
        assert torch.allclose(
            torch.cosine_similarity(model.embed_held(images)[:, :8], learned), torch.ones(2)
        )
    for size in ("9999", "0"):
        assert main([*command, "--size", size]) == 2 and "colour_size" in capsys.readouterr().err
    with ExperienceStore(tmp_path / "empty"):
        pass
    command[command.index(str(tmp_path / "s"))] = str(tmp_path / "empty")
    assert main(command) == 2 and "two views" in capsys.readouterr().err


def test_a_weight_of_colours_is_in_range():
    with pytest.raises(ValueError, match="colour_weight"):
        colours_fit.with_colours(make_model(ALONE), 16, -1.0)


@torch.no_grad()
@given(st.integers(1, 4), st.integers(1, 30), st.integers(2, 40))
def test_cells_count_every_pixel_that_they_cover_once(zoom: int, rows: int, columns: int):
    image = torch.rand(1, 3, rows * zoom + 1, columns * zoom * 5, generator=torch.Generator().manual_seed(0))
    size = cell_px(image.shape[3])
    counts = _counts_in_cells(image)
    assert counts.shape[2:] == (image.shape[2] // size, image.shape[3] // size)
    assert torch.equal(counts.sum(dim=1), torch.full_like(counts[:, 0], size**2))
    if counts.numel():
        last = root_histograms(image[:, :, :size, :size], ones(image[:, :, :size, :size]))
        assert torch.allclose((counts[0, :, 0, 0] / size**2).sqrt(), last[0], atol=1e-6)


@pytest.mark.parametrize("zoom", [1, 2])
def test_colours_find_things_of_one_shape_and_leave_the_floor_out(zoom: int):
    perceiver = Perceiver(PerceiverConfig(device="cpu"))
    perceiver.load(default_checkpoint())
    colours = perceiver._loaded.model.colours
    scene = bin_with(RED_THING, BLUE_THING)
    image = torch.from_numpy(scene).permute(2, 0, 1)[None] / 255
    image = image.repeat_interleave(zoom, dim=2).repeat_interleave(zoom, dim=3)
    places, cell = colours.place_map(image), cell_px(image.shape[3])
    assert float(places.norm(dim=0)[20, 5]) == 0.0  # bare floor
    inside = image[:, :, 72 * zoom : 96 * zoom, 72 * zoom : 96 * zoom]  # a window of the red thing alone
    same = colours.removed_vectors(root_histograms(inside, ones(inside)))[0]
    assert torch.cosine_similarity(places[:, 10, 10], same, dim=0) > 0.999
    assert float(places.norm(dim=0).max()) <= 1.0
    for left, top, _ in (RED_THING, BLUE_THING):
        shown = image[:, :, top * zoom : (top + 40) * zoom, left * zoom : (left + 40) * zoom]
        heat = colours.heatmap(places, colours.removed_vectors(root_histograms(shown, ones(shown)))[0])
        row, column = np.unravel_index(int(heat.argmax()), heat.shape)
        assert (
            top <= (row + 0.5) * cell / zoom < top + 40 and left <= (column + 0.5) * cell / zoom < left + 40
        )


def test_heatmaps_look_for_colours_where_they_are_told_to():
    scene = bin_with(RED_THING, BLUE_THING)
    without, alone, paper = (
        Perceiver(
            PerceiverConfig(device="cpu", probe_heatmap=0.0, colour_heatmap=part, cosine_heatmap=cosine)
        )
        for part, cosine in ((0.0, True), (1000.0, True), (1000.0, False))
    )
    for perceiver in (without, alone, paper):
        perceiver.load(default_checkpoint())
    for left, top, _ in (RED_THING, BLUE_THING):
        goal = alone.embed_region(scene, left, top, 40, 40)
        heat = alone.heatmap(scene, goal)
        assert heat.shape == (240, 320) and np.abs(heat).max() <= 1.0 + 1e-3
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        assert top <= row < top + 40 and left <= column < left + 40
        assert not np.allclose(heat, without.heatmap(scene, goal), atol=0.1)
        # The paper's dot products are of what is learned alone.
        assert np.abs(paper.heatmap(scene, goal)).max() > 2.0
