"""Backbones: image in, spatial map out."""

from __future__ import annotations

from torch import nn

from grasp2vec_ros.core.backbones.efficientnet_lite import EfficientNetLite
from grasp2vec_ros.core.backbones.resnet50 import TruncatedResNet50
from grasp2vec_ros.core.backbones.small import SmallNet
from grasp2vec_ros.core.backbones.vision_model import VisionModel


def make_backbone(name: str, width: int, blocks: int, model_path: str) -> nn.Module:
    """A fresh backbone; it has `channels`, `stride` and `first_place_px`: place i looks at first_place_px + i stride.

    Args:
        name: "small", "efficientnet_lite0", "resnet50" or "transformers".
        width: channels of the small net's first stage; efficientnet_lite0 has a small net, too.
        blocks: residual blocks of its last stage.
        model_path: local folder of a `transformers` vision model.
    """
    if name == "small":
        return SmallNet(width, blocks)
    if name == "efficientnet_lite0":
        return EfficientNetLite(width, blocks)
    if name == "resnet50":
        return TruncatedResNet50()
    if name == "transformers":
        return VisionModel(model_path)
    raise ValueError(
        f"backbone: {name!r} is unknown; use 'small', 'efficientnet_lite0', 'resnet50' or 'transformers'"
    )
