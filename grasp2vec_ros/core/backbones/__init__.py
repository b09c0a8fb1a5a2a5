"""Backbones: image in, spatial map out."""

from __future__ import annotations

from torch import nn

from grasp2vec_ros.core.backbones.resnet50 import TruncatedResNet50
from grasp2vec_ros.core.backbones.small import SmallNet
from grasp2vec_ros.core.backbones.vision_model import VisionModel


def make_backbone(name: str, width: int, blocks: int, model_path: str) -> nn.Module:
    """A fresh backbone; it has `channels` and `stride`.

    Args:
        name: "small", "resnet50" or "transformers".
        width: channels of the small net's first stage.
        blocks: residual blocks of its last stage.
        model_path: local folder of a `transformers` vision model.
    """
    if name == "small":
        return SmallNet(width, blocks)
    if name == "resnet50":
        return TruncatedResNet50()
    if name == "transformers":
        return VisionModel(model_path)
    raise ValueError(f"backbone: {name!r} is unknown; use 'small', 'resnet50' or 'transformers'")
