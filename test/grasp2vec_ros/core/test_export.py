import json
import sys

import cv2
import numpy as np
import pytest
import torch

from grasp2vec_ros.__main__ import main
from grasp2vec_ros.core.backbones import imagenet
from grasp2vec_ros.core.backbones.efficientnet_lite import Trunk
from grasp2vec_ros.core.checkpoint import load_checkpoint, save_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, make_model
from grasp2vec_ros.core.export import export_images, export_mcap, read_bag
from grasp2vec_ros.core.store import ExperienceStore
from test.grasp2vec_ros.core.helpers import make_experience


def test_a_bag_holds_what_the_store_holds(tmp_path):
    rng = np.random.default_rng(0)
    experiences = [make_experience(rng, stamp_ns=10**9 * (i + 1), success=i != 1) for i in range(3)]
    assert export_mcap(experiences, tmp_path / "bag") == 3
    for experience, message in zip(experiences, read_bag(tmp_path / "bag"), strict=True):
        assert message.experience_id == experience.experience_id and message.success == experience.success
        assert np.array_equal(np.asarray(message.pre.data).reshape(48, 64, 3), experience.pre)
        assert len(message.held) == len(experience.held)
        assert message.header.stamp.sec == experience.stamp_ns // 10**9
    with pytest.raises(ValueError, match="exists"):
        export_mcap(experiences, tmp_path / "bag")


def test_folders_of_images(tmp_path):
    experience = make_experience(np.random.default_rng(0))
    for _ in range(2):  # again: goes on instead of failing
        assert export_images([experience], tmp_path) == 1
    picture = cv2.imread(str(tmp_path / experience.experience_id / "pre.png"))[:, :, ::-1]
    assert np.array_equal(picture, experience.pre)
    facts = json.loads((tmp_path / "attempts.jsonl").read_text())
    assert facts["experience_id"] == experience.experience_id and facts["gripper_opening_m"] is None


def test_the_command_line(tmp_path, capsys):
    with ExperienceStore(tmp_path / "s") as store:
        for seed in range(20):
            store.add(make_experience(np.random.default_rng(seed)))
    small = [
        "--set",
        "encoder.width=4",
        "--set",
        "encoder.embedding_size=8",
        "--set",
        "batch_size=8",
        "--set",
        "smallest_batch=4",
    ]
    train = ["train", "--store", str(tmp_path / "s"), "--checkpoints", str(tmp_path / "c"), *small]
    assert main([*train, "--steps", "2"]) == 0
    assert main([*train, "--steps", "3"]) == 0
    assert "step 3" in capsys.readouterr().out
    assert main(["inspect", "--store", str(tmp_path / "s"), "--checkpoint", str(tmp_path / "c")]) == 0
    assert '"lifted": 20' in capsys.readouterr().out
    assert (
        main(["export", "--store", str(tmp_path / "s"), "--format", "mcap", "--output", str(tmp_path / "b")])
        == 0
    )
    assert len(list(read_bag(tmp_path / "b"))) == 20


def test_a_start_from_imagenet_is_trained_on_and_shrunk(tmp_path, capsys, monkeypatch):
    """With weights of the right shapes in place of those of the package, which tests do not have."""
    monkeypatch.setattr(imagenet, "imagenet_weights", lambda: {})
    loaded = []
    monkeypatch.setattr(Trunk, "load_imagenet", lambda trunk, weights: loaded.append(trunk))
    small = ["--set", "encoder.backbone=efficientnet_lite0", "--set", "encoder.width=4"]
    start = ["start", "--checkpoints", str(tmp_path / "c"), *small]
    assert main(start) == 0 and loaded
    assert main(start) == 0 and "already" in capsys.readouterr().out
    with ExperienceStore(tmp_path / "s") as store:
        for seed in range(20):
            store.add(make_experience(np.random.default_rng(seed)))
    # Its encoder need not be said again.
    train = ["train", "--store", str(tmp_path / "s"), "--checkpoints", str(tmp_path / "c"), "--steps", "1"]
    assert main([*train, "--set", "batch_size=8"]) == 0
    assert main(["shrink", "--checkpoint", str(tmp_path / "c"), "--output", str(tmp_path / "h")]) == 0
    model, metadata = load_checkpoint(tmp_path / "h")
    assert model.config.backbone == "efficientnet_lite0" and metadata["step"] == "1"


def test_a_trained_small_net_is_given_a_trunk_and_sees_what_it_saw(tmp_path, monkeypatch):
    monkeypatch.setattr(imagenet, "imagenet_weights", lambda: {})
    monkeypatch.setattr(Trunk, "load_imagenet", lambda trunk, weights: None)
    small = make_model(EncoderConfig(width=8, blocks=1, embedding_size=16), seed=4).train()
    with torch.no_grad():
        small.embed_held(torch.rand(8, 3, 32, 32))  # the mean over held objects is not zero
    saved = save_checkpoint(tmp_path / "small", small, step=3)
    start = ["start", "--checkpoints", str(tmp_path / "c"), "--small", str(saved.path)]
    assert main([*start, "--set", "encoder.backbone=efficientnet_lite0"]) == 0
    joined, images = load_checkpoint(tmp_path / "c")[0], torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(joined.scene_map(images), small.eval().scene_map(images))
        assert torch.equal(joined.embed_held(images), small.embed_held(images))


def test_without_the_weights_of_imagenet_it_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, imagenet.PACKAGE, None)
    start = ["start", "--checkpoints", str(tmp_path), "--set"]
    assert main([*start, "encoder.backbone=efficientnet_lite0"]) == 2
    assert "requirements-training.txt" in capsys.readouterr().err
    assert main([*start, "encoder.backbone=small"]) == 2
    assert "encoder.backbone: 'small'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspect", "--store", "nowhere"], "does not exist"),
        (["inspect", "--checkpoint", "nowhere"], "does not exist"),
        (["inspect"], "name one of them"),
        (["train", "--store", "s", "--checkpoints", "c", "--set", "batch_sise=3"], "batch_sise"),
        (["train", "--store", "s", "--checkpoints", "c", "--set", "encoder.width=three"], "width"),
        (["train", "--store", "s", "--checkpoints", "c", "--set", "encoder.pooling=max"], "pooling"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
