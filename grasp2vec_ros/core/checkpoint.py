"""Checkpoints: one safetensors file each, complete or not there at all, never pickled."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from grasp2vec_ros.core.encoder import EncoderConfig, Grasp2Vec, make_model
from grasp2vec_ros.core.options import from_mapping

# What is written has a digest of weights and metadata; of the older kind, which is read too, of the weights alone.
FORMAT, OLD_FORMAT = "grasp2vec-2", "grasp2vec-1"
# Of models that were saved before this was a choice.
BLOCKS_UNTOLD = 2
# A backbone that both encoders share is stored once, under the scene's name; older files have it under both.
SHARED, SHARED_AGAIN = "scene.backbone.", "held.backbone."
_NAME = re.compile(r"grasp2vec-(\d{9})-[0-9a-f]{8}\.safetensors")


class CheckpointError(RuntimeError):
    """A checkpoint is missing, damaged or not of this package; nothing was changed."""


@dataclass
class Checkpoint:
    """A checkpoint on disk.

    Attributes:
        version: step and content, for instance "1200-3fa8c1d2".
        path: its file.
        step: optimiser steps.
    """

    version: str
    path: Path
    step: int


def save_checkpoint(
    folder: str | Path,
    model: Grasp2Vec,
    step: int,
    details: Mapping[str, object] | None = None,
    half: bool = False,
) -> Checkpoint:
    """Writes a model; readers see the whole file or none.

    Args:
        folder: where to; made when missing.
        model: what to save.
        step: optimiser steps so far.
        details: anything worth remembering, as JSON.
        half: in half precision, for a model that ships; it is read as any other.

    Raises:
        CheckpointError: the folder is read-only, the disk is full, or a weight is not finite.
    """
    weights = {name: value.detach().cpu().contiguous().clone() for name, value in model.state_dict().items()}
    if model.config.share_trunk:
        weights = {name: value for name, value in weights.items() if not name.startswith(SHARED_AGAIN)}
    if half:
        weights = {name: value.half() if value.ndim > 1 else value for name, value in weights.items()}
    broken = [name for name, value in weights.items() if not torch.isfinite(value).all()]
    if broken:
        raise CheckpointError(f"checkpoint: weight {broken[0]} is not finite; not saved")
    metadata = {
        "format": FORMAT,
        "step": str(step),
        "encoder": json.dumps(dataclasses.asdict(model.config)),
        "details": json.dumps(dict(details or {})),
    }
    digest = digest_of(weights, metadata)
    metadata |= {"version": f"{step}-{digest[:8]}", "digest": digest}
    path = Path(folder) / f"grasp2vec-{step:09d}-{digest[:8]}.safetensors"
    write_atomically(path, weights, metadata)
    return Checkpoint(metadata["version"], path, step)


def write_atomically(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes a safetensors file beside its place, forces it to disk, and moves it there.

    Raises:
        CheckpointError: it could not be written; what was there before is untouched.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(dict(tensors), temporary, dict(metadata))
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except (OSError, SafetensorError) as error:
        temporary.unlink(missing_ok=True)
        raise CheckpointError(f"checkpoint: {path} cannot be written: {error}") from error


def checkpoints(folder: str | Path) -> list[Path]:
    """Checkpoint files of a folder, oldest step first; a missing folder has none."""
    folder = Path(folder)
    if not folder.is_dir():
        return []
    return sorted(
        (p for p in folder.iterdir() if _NAME.fullmatch(p.name)),
        key=lambda p: (p.name[:19], p.stat().st_mtime_ns),
    )


def delete_old_checkpoints(folder: str | Path, keep: int) -> None:
    """Deletes all but the files that were written last."""
    for path in sorted(checkpoints(folder), key=lambda p: p.stat().st_mtime_ns)[:-keep]:
        path.unlink(missing_ok=True)


def newest_checkpoint(folder: str | Path) -> Path | None:
    """The file that was written last, or None."""
    return max(checkpoints(folder), key=lambda path: path.stat().st_mtime_ns, default=None)


def read_metadata(path: str | Path) -> dict[str, str]:
    """Format, step, version, digest, encoder and details of a checkpoint file.

    Raises:
        CheckpointError: unreadable or not a checkpoint of this package.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"checkpoint: {path} cannot be read: {error}") from error
    if metadata.get("format") not in (FORMAT, OLD_FORMAT):
        raise CheckpointError(
            f"checkpoint: {path} has format {metadata.get('format')!r}, expected {FORMAT!r}"
        )
    return metadata


def load_checkpoint(path: str | Path) -> tuple[Grasp2Vec, dict[str, str]]:
    """Reads a model.

    Args:
        path: a checkpoint file, or a folder of them (then the newest).

    Returns:
        The model in evaluation mode, and the file's metadata.

    Raises:
        CheckpointError: missing, damaged, or not of this package.
    """
    path = Path(path)
    if path.is_dir():
        newest = newest_checkpoint(path)
        if newest is None:
            raise CheckpointError(f"checkpoint: no checkpoint in {path}")
        path = newest
    if not path.is_file():
        raise CheckpointError(f"checkpoint: {path} does not exist")
    metadata = read_metadata(path)
    try:
        weights = safetensors.torch.load_file(path)
        words = {} if metadata["format"] == OLD_FORMAT else metadata
        digest = digest_of(weights, words)
        if digest != metadata["digest"] or metadata["version"] != f"{metadata['step']}-{digest[:8]}":
            raise CheckpointError(f"checkpoint: {path} is damaged: its content does not match its digest")
        encoder = {"blocks": BLOCKS_UNTOLD, **json.loads(metadata["encoder"])}
        model = make_model(from_mapping(EncoderConfig, encoder))
        if model.config.share_trunk:
            shared = {SHARED_AGAIN + n[len(SHARED) :]: w for n, w in weights.items() if n.startswith(SHARED)}
            weights = {**weights, **shared}
        model.load_state_dict(weights)
    except (OSError, SafetensorError, RuntimeError, ValueError, KeyError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"checkpoint: {path} cannot be used: {error}") from error
    return model.eval(), metadata


def digest_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """SHA-256 of tensors and metadata, apart from the digest itself and the version that is made of it."""
    digest = hashlib.sha256()
    for name in sorted(metadata.keys() - {"digest", "version"}):
        digest.update(f"{name}={metadata[name]}".encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].numpy().tobytes())
    return digest.hexdigest()
