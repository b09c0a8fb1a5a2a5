import dataclasses

import numpy as np
import pytest
import torch

from grasp2vec_ros.__main__ import main
from grasp2vec_ros.core import probe_fit
from grasp2vec_ros.core.augmentation import Batch
from grasp2vec_ros.core.backbones import imagenet
from grasp2vec_ros.core.backbones.efficientnet_lite import Trunk
from grasp2vec_ros.core.checkpoint import load_checkpoint, save_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, Grasp2Vec, make_model
from grasp2vec_ros.core.inference import Perceiver, PerceiverConfig, default_checkpoint
from grasp2vec_ros.core.learner import Learner, LearnerConfig
from grasp2vec_ros.core.linear_fit import VIEWS
from grasp2vec_ros.core.objective import ObjectiveConfig
from grasp2vec_ros.core.probe import FEATURES, Probe
from grasp2vec_ros.core.store import ExperienceStore
from test.grasp2vec_ros.core.helpers import draw_object, make_experience

ALONE = EncoderConfig(width=4, embedding_size=8, scene_width_px=64, held_size_px=32, held_crop=1.0)
WITH_PROBE = dataclasses.replace(ALONE, probe_size=12, probe_weight=0.5)


def model_with_probe(seed: int = 1) -> Grasp2Vec:
    model = make_model(WITH_PROBE, seed).eval()
    generator = torch.Generator().manual_seed(seed)
    model.probe.projection.copy_(torch.randn(12, FEATURES, generator=generator))
    model.probe.mean.copy_(torch.randn(FEATURES, generator=generator))
    return model


def perceiver_of(model: Grasp2Vec, folder, **settings) -> Perceiver:
    perceiver = Perceiver(PerceiverConfig(device="cpu", **settings))
    perceiver.load(save_checkpoint(folder, model, step=1).path)
    return perceiver


def image(seed: int, height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@torch.no_grad()
def test_a_difference_of_scenes_is_the_vector_of_the_difference():
    probe = model_with_probe().probe
    pre, post = (torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(i)) for i in range(2))
    seen = [probe.features(probe.maps(scene)) for scene in (pre, post)]
    difference = probe.scene_vectors(seen[0]) - probe.scene_vectors(seen[1])
    assert torch.allclose(difference, probe.scene_vectors(seen[0] - seen[1]), atol=1e-3)


@torch.no_grad()
def test_the_cosine_is_the_weighted_mean_of_both_cosines():
    model, cosine = model_with_probe(), torch.nn.functional.cosine_similarity
    learned, seen = torch.randn(2, 8) * 100, torch.randn(2, 12)
    one, other = (model.joined(learned[i, None], seen[i, None]) for i in range(2))
    apart = cosine(learned[0], learned[1], dim=0) + 0.5 * cosine(seen[0], seen[1], dim=0)
    assert torch.allclose(cosine(one, other, dim=1), apart / 1.5, atol=1e-5)


def test_vectors_grow_and_heatmaps_stay(tmp_path):
    model = model_with_probe()
    alone = make_model(ALONE).eval()
    alone.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("probe.")})
    two = (
        perceiver_of(model, tmp_path / "with", probe_heatmap=0.0),
        perceiver_of(alone, tmp_path / "alone"),
    )
    vectors = [perceiver.embed_held([image(0)])[0] for perceiver in two]
    assert [len(vector) for vector in vectors] == [perceiver.embedding_size for perceiver in two] == [20, 8]
    heat = [p.heatmap(image(1), vector) for p, vector in zip(two, vectors, strict=True)]
    assert np.allclose(*heat, atol=1e-5)
    removed = two[0].embed_removed(image(1), image(2))
    assert removed.shape == (20,) and np.linalg.norm(removed[8:]) == pytest.approx(0.5**0.5, rel=1e-3)
    assert two[0].embed_scene(image(1)).shape == two[0].embed_region(image(1), 10, 10, 30, 20).shape == (20,)
    with pytest.raises(ValueError, match="embedding size 20"):
        two[0].heatmap(image(1), vectors[1])


def test_an_object_pointed_at_is_described_like_the_same_object_taken_out():
    """A goal made of a rectangle of the scene has the probe's part too, and it is about that rectangle."""
    perceiver = Perceiver(PerceiverConfig(device="cpu"))
    perceiver.load(default_checkpoint())
    without = np.full((240, 320, 3), 120, np.uint8)
    without[40:80, 220:260] = [200, 40, 40]
    scene = without.copy()
    scene[96:144, 64:112] = draw_object(3, 48)
    removed = perceiver.embed_removed(scene, without)[128:]
    there = perceiver.embed_region(scene, 56, 88, 64, 64)[128:]
    elsewhere = perceiver.embed_region(scene, 208, 28, 64, 64)[128:]
    cosines = [float(removed @ v / np.linalg.norm(removed) / np.linalg.norm(v)) for v in (there, elsewhere)]
    assert cosines[0] > 0.4 and cosines[0] > cosines[1] + 0.25, cosines


def test_a_probe_can_look_for_goals_too():
    scene = np.full((240, 320, 3), 120, np.uint8)
    scene[40:88, 220:268] = draw_object(3, 48)
    scene[150:198, 60:108] = draw_object(8, 48)
    alone, both = (Perceiver(PerceiverConfig(device="cpu", probe_heatmap=part)) for part in (0.0, 1000.0))
    for perceiver in (alone, both):
        perceiver.load(default_checkpoint())
    for left, top in ((212, 32), (52, 142)):
        goal, (row, column) = both.embed_region(scene, left, top, 64, 64), (top + 32, left + 32)
        # What the probe says is nearly all of it.
        heat = both.heatmap(scene, goal)
        found = np.unravel_index(heat.argmax(), heat.shape)
        assert np.hypot(found[0] - row, found[1] - column) < 28
        assert not np.allclose(heat, alone.heatmap(scene, goal), atol=0.1)


def test_learning_leaves_a_probe_as_it_is():
    model = model_with_probe()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    learner = Learner(model, LearnerConfig(warm_up_steps=0), ObjectiveConfig(), torch.device("cpu"))
    learner.step(Batch(images, images.flip(0), images, images))
    for state in (learner.model.state_dict(), learner.averaged.state_dict()):
        same = {name: torch.equal(value, before[name]) for name, value in state.items()}
        assert all(same[name] for name in same if name.startswith("probe."))
        assert not all(same.values())


def clouded_features(scenes: int, per_scene: int = 4) -> probe_fit.Features:
    """Objects that differ in forty features, behind views that differ far more in forty others."""
    rng, count = np.random.default_rng(0), scenes * per_scene
    what = np.zeros((count, 1, FEATURES), np.float32)
    what[..., :40] = rng.normal(size=(count, 1, 40))
    views = np.repeat(what, VIEWS + 1, axis=1)
    views[..., 40:80] = rng.normal(size=(count, VIEWS + 1, 40)) * 5
    views[..., 80:] = rng.normal(size=(count, VIEWS + 1, FEATURES - 80)) * 0.01
    names = np.repeat([f"scene {i}" for i in range(scenes)], per_scene)
    return probe_fit.Features(views[:, 0], views[:, 1:] + 3.0, np.full(count, 7.0, np.float32), names)


def test_fitting_keeps_what_views_of_an_object_share():
    features = clouded_features(60)
    right = {}
    for steps in (0, 12):
        probe = Probe(256)
        probe_fit.fit(probe, features, steps, learning_rate=3e-3)
        removed = probe.scene_vectors(torch.from_numpy(features.removed))
        held = probe.held_vectors(torch.from_numpy(features.held[:, 0]))
        assert float(held.mean(dim=0).abs().max()) < 1.0  # counted from the mean over held images
        unit = [torch.nn.functional.normalize(vectors, dim=1) for vectors in (removed, held)]
        right[steps] = float(((unit[0] @ unit[1].T).argmax(dim=1) == torch.arange(240)).float().mean())
        assert (removed.norm(dim=1) * probe.scene_gain).median() == pytest.approx(7.0, rel=0.5)
    assert right[12] > right[0] + 0.2


def test_the_command_adds_a_probe_and_goes_on_where_it_was_interrupted(tmp_path, monkeypatch, capsys):
    """With weights of the right shapes in place of those of the package, which tests do not have."""
    monkeypatch.setattr(imagenet, "imagenet_weights", lambda: {})
    monkeypatch.setattr(Trunk, "load_imagenet", lambda trunk, weights: None)
    monkeypatch.setattr(imagenet, "fold", lambda *_: None)
    monkeypatch.setattr(probe_fit, "CHUNK", 4)
    with ExperienceStore(tmp_path / "s") as store:
        for seed in range(10):
            one, other = (make_experience(np.random.default_rng(seed)) for _ in range(2))
            store.add(dataclasses.replace(one, held=one.held + other.held, held_angles_rad=[0.0, 1.0]))
    trained = save_checkpoint(tmp_path / "c", make_model(ALONE, 3), step=5, details={"kept": True})
    looked_at, get = [], ExperienceStore.get
    monkeypatch.setattr(ExperienceStore, "get", lambda store, one: looked_at.append(one) or get(store, one))
    command = ["probe", "--checkpoint", str(trained.path), "--store", str(tmp_path / "s")]
    command += ["--output", str(tmp_path / "o"), "--size", "16", "--steps", "1", "--weight", "0.3"]
    assert main(command) == 0
    model, metadata = load_checkpoint(tmp_path / "o")
    assert len(looked_at) == len(set(looked_at)) == 10
    assert model.config.probe_size == 16 and model.config.probe_weight == 0.3 and metadata["step"] == "5"
    assert '"kept": true' in metadata["details"]
    with torch.no_grad():
        images = torch.rand(2, 3, 32, 32)
        learned = load_checkpoint(trained.path)[0].embed_held(images)
        cosines = torch.cosine_similarity(model.embed_held(images)[:, :8], learned)
        assert model.embed_held(images).shape == (2, 24) and torch.allclose(cosines, torch.ones(2))
    newest = sorted((tmp_path / "o" / "features").glob("*/*.npz"))[-1]
    newest.unlink()  # as if interrupted before the last part
    assert main(command) == 0 and len(looked_at) == 12
    for size in ("9999", "0"):
        assert main([*command, "--size", size]) == 2 and "probe_size" in capsys.readouterr().err
