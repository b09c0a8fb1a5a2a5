import dataclasses
import json
import os
import pickle

import numpy as np
import pytest
import safetensors.torch
import torch

from grasp2vec_ros.core.checkpoint import (
    CheckpointError,
    checkpoints,
    digest_of,
    load_checkpoint,
    newest_checkpoint,
    read_metadata,
    save_checkpoint,
)
from grasp2vec_ros.core.encoder import EncoderConfig, make_model

SMALL = EncoderConfig(width=4, blocks=2, embedding_size=8)


def test_a_model_comes_back_as_it_was(tmp_path):
    model = make_model(SMALL, seed=3)
    saved = save_checkpoint(tmp_path, model, step=12)
    loaded, metadata = load_checkpoint(tmp_path)
    assert metadata["version"] == saved.version and loaded.config == SMALL
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(model.eval().embed_held(image), loaded.embed_held(image))


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty", "pickle"])
def test_a_damaged_file_is_refused(tmp_path, damage):
    path = save_checkpoint(tmp_path, make_model(SMALL), step=1).path
    data = bytearray(path.read_bytes())
    if damage == "truncate":
        data = data[: len(data) // 2]
    elif damage == "flip":
        data[-100] ^= 0x40
    elif damage == "empty":
        data = bytearray()
    else:
        data = bytearray(pickle.dumps({"weights": [1, 2, 3]}))
    path.write_bytes(bytes(data))
    with pytest.raises(CheckpointError, match="grasp2vec-000000001"):
        load_checkpoint(path)


def test_every_flipped_bit_is_noticed(tmp_path):
    path = save_checkpoint(tmp_path, make_model(SMALL), step=1).path
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    # The words of the header too: they say how large images are, for instance. Behind them there is padding.
    words = len(good[: 8 + int.from_bytes(good[:8], "little")].rstrip(b" "))
    for position in (*rng.integers(0, words, 40), *rng.integers(words + 8, len(good), 20)):
        data = bytearray(good)
        data[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(data))
        with pytest.raises(CheckpointError):
            load_checkpoint(path)


def test_checkpoints_of_the_older_format_are_read(tmp_path):
    import safetensors.torch

    state = make_model(SMALL).state_dict()
    weights = {name: value.contiguous().clone() for name, value in state.items()}
    digest = digest_of(weights, {})
    words = {"format": "grasp2vec-1", "step": "7", "version": f"7-{digest[:8]}", "digest": digest}
    # Then all nets had two blocks, and nobody said so.
    encoder = {name: value for name, value in dataclasses.asdict(SMALL).items() if name != "blocks"}
    words |= {"encoder": json.dumps(encoder), "details": "{}"}
    safetensors.torch.save_file(weights, tmp_path / "old.safetensors", words)
    model, metadata = load_checkpoint(tmp_path / "old.safetensors")
    assert metadata["version"] == words["version"] and model.config == SMALL


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "none.safetensors")
    with pytest.raises(CheckpointError, match="no checkpoint in"):
        load_checkpoint(tmp_path)
    import safetensors.torch

    safetensors.torch.save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="format"):
        load_checkpoint(tmp_path / "other.safetensors")


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model = make_model(SMALL)
    good = save_checkpoint(tmp_path, model, step=1)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.raises(CheckpointError, match="not finite"):
        save_checkpoint(tmp_path, model, step=2)
    assert checkpoints(tmp_path) == [good.path]


def test_a_failed_write_leaves_nothing_behind(tmp_path, monkeypatch):
    good = save_checkpoint(tmp_path, make_model(SMALL), step=1)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_checkpoint(tmp_path, make_model(SMALL, seed=1), step=2)
    assert list(tmp_path.iterdir()) == [good.path] and newest_checkpoint(tmp_path) == good.path


def test_a_shared_backbone_is_stored_once_and_older_files_that_have_it_twice_are_read(tmp_path):
    model = make_model(SMALL, seed=2).eval()
    path = save_checkpoint(tmp_path / "new", model, step=1).path
    stored = safetensors.torch.load_file(path)
    assert any(name.startswith("scene.backbone.") for name in stored)
    assert not any(name.startswith("held.backbone.") for name in stored)
    metadata = read_metadata(path)
    words = {name: metadata[name] for name in ("format", "step", "encoder", "details")}
    twice = {name: value.contiguous().clone() for name, value in model.state_dict().items()}
    digest = digest_of(twice, words)
    old = tmp_path / f"grasp2vec-000000001-{digest[:8]}.safetensors"
    safetensors.torch.save_file(twice, old, {**words, "version": f"1-{digest[:8]}", "digest": digest})
    image = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        expected = model.embed_held(image)
        assert all(torch.equal(load_checkpoint(file)[0].embed_held(image), expected) for file in (path, old))


def test_half_precision_halves_the_file_and_hardly_changes_what_it_sees(tmp_path):
    model = make_model(EncoderConfig(), seed=1).eval()
    whole = save_checkpoint(tmp_path / "whole", model, step=1)
    half = save_checkpoint(tmp_path / "half", model, step=1, half=True)
    assert half.path.stat().st_size < 0.55 * whole.path.stat().st_size
    image = torch.rand(4, 3, 96, 96)
    loaded = load_checkpoint(half.path)[0]
    assert next(loaded.parameters()).dtype is torch.float32
    with torch.no_grad():
        cosines = torch.cosine_similarity(loaded.embed_held(image), model.embed_held(image))
    assert cosines.min() > 0.9999
