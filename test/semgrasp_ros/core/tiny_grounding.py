"""A small untrained grounding for tests of what stands around it."""

import torch

from semgrasp_ros.core.data.dataset import part_vocabulary
from semgrasp_ros.core.grounding import Grounding
from semgrasp_ros.core.grounding.reader import ReaderConfig
from semgrasp_ros.core.language import train_vocabulary
from semgrasp_ros.core.objects.encoder import ObjectEncoderConfig

TEXTS = ["hand me the mug by its handle", "lift the pan", "with a power grasp"]


def tiny_grounding() -> Grounding:
    """The same weights every time."""
    torch.manual_seed(0)
    return Grounding(
        part_vocabulary(),
        train_vocabulary(TEXTS, 300, codes=1),
        ReaderConfig(width=16, layers=1, heads=2),
        ObjectEncoderConfig(width=16, groups=8, neighbours=8, layers=1, heads=2),
    ).eval()
