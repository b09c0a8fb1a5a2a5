"""The two encoders phi_s and phi_o (Grasp2Vec, section 4)."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp2vec_ros.core.arithmetic import pool
from grasp2vec_ros.core.backbones import make_backbone
from grasp2vec_ros.core.colours import Colours, held_histograms
from grasp2vec_ros.core.options import option
from grasp2vec_ros.core.probe import Probe
from grasp2vec_ros.core.whitening import Whitening

_SEEDING = threading.Lock()


@dataclass
class EncoderConfig:
    """What the encoders are.

    The paper's: backbone resnet50, embedding_size 1024, pooling mean, relu, no centre, no shared trunk,
    scene_width_px 640.
    """

    backbone: str = option(
        "small", "net", choices=["small", "efficientnet_lite0", "resnet50", "transformers"], read_only=True
    )
    model_path: str = option("", "local folder of a `transformers` vision model", read_only=True)
    width: int = option(24, "channels of the small net's first stage", minimum=4, maximum=256, read_only=True)
    blocks: int = option(
        4, "residual blocks of the small net's last stage", minimum=1, maximum=64, read_only=True
    )
    embedding_size: int = option(
        128, "length of the vectors that are learned", minimum=2, maximum=4096, read_only=True
    )
    probe_size: int = option(
        0,
        "entries that are added to the vectors by a probe of a trunk that knows photographs and does not learn; made by"
        " `python -m grasp2vec_ros probe`; 0: none",
        minimum=0,
        maximum=1712,
        read_only=True,
    )
    probe_weight: float = option(
        0.6,
        "how much its cosine counts beside that of what is learned",
        minimum=0.0,
        maximum=10.0,
        read_only=True,
    )
    colour_size: int = option(
        0,
        "entries that are added to the vectors by histograms of colours; made by `python -m grasp2vec_ros colours`;"
        " 0: none",
        minimum=0,
        maximum=432,
        read_only=True,
    )
    colour_weight: float = option(
        0.4,
        "how much their cosine counts beside that of what is learned",
        minimum=0.0,
        maximum=10.0,
        read_only=True,
    )
    whitening_floor: float = option(
        0.0,
        "directions in which what was taken differs from what is then held count less, the more the smaller this is;"
        " made by `python -m grasp2vec_ros whiten`; 0: all directions count alike",
        minimum=0.0,
        maximum=1e6,
        read_only=True,
    )
    pooling: str = option("sum", "how a map becomes a vector", choices=["sum", "mean"], read_only=True)
    relu: bool = option(False, "maps are non-negative, as in the paper", read_only=True)
    centre: bool = option(
        True,
        "phi_o is counted from the mean over all held images, and each of its entries scaled to one size",
        read_only=True,
    )
    share_trunk: bool = option(
        True, "one backbone for scenes and held objects, with a head each", read_only=True
    )
    scene_width_px: int = option(
        320, "scenes are resized to this width, keeping their shape", minimum=32, maximum=2048, read_only=True
    )
    held_size_px: int = option(
        96, "held images are resized to this square", minimum=16, maximum=1024, read_only=True
    )
    held_crop: float = option(
        0.75, "middle part of a held image that is looked at", minimum=0.1, maximum=1.0, read_only=True
    )

    @property
    def vector_size(self) -> int:
        """Length of phi_s and phi_o, what a probe and colours add included; maps have `embedding_size` channels."""
        return sum(self.part_sizes)

    @property
    def part_sizes(self) -> tuple[int, int, int]:
        """How many entries of a vector are learned, a probe's, and of colours."""
        return self.embedding_size, self.probe_size, self.colour_size


class Branch(nn.Module):
    """An encoder: backbone, then a 1 x 1 convolution to the embedding size."""

    def __init__(self, config: EncoderConfig, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        # The paper's map is the backbone's own; a head is added only where the sizes differ.
        same = config.backbone == "resnet50" and backbone.channels == config.embedding_size
        self.head = nn.Identity() if same else nn.Conv2d(backbone.channels, config.embedding_size, 1)
        self._relu = config.relu

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, D, h, w)."""
        maps = self.head(self.backbone((images - 0.5) * 4.0))
        return functional.relu(maps) if self._relu else maps


class Grasp2Vec(nn.Module):
    """phi_s and phi_o.

    Images are float (B, 3, H, W) in [0, 1], RGB, already at the configured scale (see `scene_input`, `held_input`).
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        backbone = _backbone(config)
        self.scene = Branch(config, backbone)
        self.held = Branch(config, backbone if config.share_trunk else _backbone(config))
        # The gripper and the wall behind are in every held image; what they add to the sum is the same for all
        # objects, and cosines between objects would be near one without taking it away.
        self.centre = (
            nn.BatchNorm1d(config.embedding_size, affine=False, momentum=0.02)
            if config.centre
            else nn.Identity()
        )
        self.probe = Probe(config.probe_size) if config.probe_size else None
        self.colours = Colours(config.colour_size) if config.colour_size else None
        self.whitening = (
            Whitening(config.part_sizes, config.whitening_floor) if config.whitening_floor > 0 else None
        )
        # Of the cosine n-pairs loss; learned with the rest.
        self.log_temperature = nn.Parameter(torch.tensor(0.1).log())

    def trunk_parameters(self) -> list[nn.Parameter]:
        """Weights that may have been learned on other images before; empty for nets that begin from nothing."""
        return [parameter for trunk in self._trunks() for parameter in trunk.parameters()]

    def freeze_trunk(self, stages: int, depthwise: bool = False) -> None:
        """Leaves parts of a trunk as they are.

        Args:
            stages: the stem and so many first stages; 0: all of it learns.
            depthwise: the filters of all depthwise convolutions.
        """
        for trunk in self._trunks():
            trunk.stem.requires_grad_(stages == 0)
            for i, stage in enumerate(trunk.stages):
                stage.requires_grad_(i >= stages)
                if depthwise:
                    for block in stage:
                        block.depthwise.requires_grad_(False)

    def _trunks(self) -> list[nn.Module]:
        return [
            module
            for name, module in self.named_modules()
            if name.endswith(".trunk") and not name.startswith("probe.")
        ]

    def scene_map(self, images: Tensor) -> Tensor:
        """Spatial map of scenes, (B, D, h, w)."""
        return self.scene(images)

    def embed_scene(self, images: Tensor) -> Tensor:
        """phi_s, (B, `vector_size`). Its entries of colours are zero: a scene has those of everything in it."""
        learned = pool(self.scene(images).float(), self.config.pooling)
        parts = [learned]
        if self.probe is not None:
            seen = self.probe.scene_vectors(self.probe.features(self.probe.maps(images)))
            parts.append(self.config.probe_weight**0.5 * self.probe.scene_gain * seen)
        if self.colours is not None:
            parts.append(learned.new_zeros(len(learned), self.config.colour_size))
        vectors = torch.cat(parts, dim=1)
        return vectors if self.whitening is None else self.whitening(vectors)

    def embed_held(self, images: Tensor) -> Tensor:
        """phi_o, (B, `vector_size`)."""
        learned = self.centre(pool(self.held(images).float(), self.config.pooling))
        seen = colours = None
        if self.probe is not None:
            seen = self.probe.held_vectors(self.probe.features(self.probe.maps(images)))
        if self.colours is not None:
            colours = self.colours.held_vectors(held_histograms(images.float(), self.config.held_crop))
        return self.joined(learned, seen, colours)

    def joined(self, learned: Tensor, seen: Tensor | None = None, colours: Tensor | None = None) -> Tensor:
        """One vector of what is learned, of what a probe sees, and of colours, (B, `part_sizes`) each.

        Each is brought to one length first: the cosine of two such vectors is the weighted mean of their parts'
        cosines. What is learned stays as it is where it is all there is.
        """
        if seen is None and colours is None and self.whitening is None:
            return learned
        parts = [part for part in (learned, seen, colours) if part is not None]
        return self.of_plain(self._unit_parts(torch.cat(parts, dim=1)))

    def of_plain(self, vectors: Tensor) -> Tensor:
        """Vectors (..., `vector_size`) whose parts have length 1, whitened and weighted."""
        if self.whitening is not None:
            vectors = self._unit_parts(self.whitening(vectors))
        return vectors * self._weights().to(vectors)

    def whitened_map(self, part: int, maps: Tensor) -> Tensor:
        """What places of a scene look like, (B, D, h, w), to be compared with a part of goals' vectors."""
        return maps if self.whitening is None else self.whitening.map(part, maps)

    def plain(self, vectors: Tensor) -> Tensor:
        """What `of_plain` was given to come to these vectors, (..., `vector_size`)."""
        return self._unit_parts(vectors if self.whitening is None else self.whitening.undone(vectors))

    def _unit_parts(self, vectors: Tensor) -> Tensor:
        parts = vectors.split(self.config.part_sizes, dim=-1)
        return torch.cat([functional.normalize(part, dim=-1) for part in parts], dim=-1)

    def _weights(self) -> Tensor:
        """Roots of how much the cosines of the parts count, for each entry of a vector, (`vector_size`,)."""
        weights = torch.tensor([1.0, self.config.probe_weight, self.config.colour_weight])
        return weights.sqrt().repeat_interleave(torch.tensor(self.config.part_sizes))


def _backbone(config: EncoderConfig) -> nn.Module:
    return make_backbone(config.backbone, config.width, config.blocks, config.model_path)


def make_model(config: EncoderConfig, seed: int = 0) -> Grasp2Vec:
    """A model with random weights that depend on the seed alone."""
    # The generator that layers draw from is one for the whole process.
    with _SEEDING, torch.random.fork_rng():
        torch.manual_seed(seed)
        return Grasp2Vec(config)


def scene_input(images: Tensor, config: EncoderConfig) -> Tensor:
    """Scenes at the scale of the encoder: uint8 (B, H, W, 3) -> float (B, 3, h, w) in [0, 1]."""
    height = scene_height_px(images.shape[1], images.shape[2], config)
    return _resized(images, height, config.scene_width_px)


def scene_height_px(height: int, width: int, config: EncoderConfig) -> int:
    """Height at the scale of the encoder of a scene of a size [px]."""
    return max(16, round(config.scene_width_px * height / width))


def held_input(images: Tensor, config: EncoderConfig) -> Tensor:
    """Held images at the scale of the encoder: uint8 (B, H, W, 3) -> float (B, 3, s, s) in [0, 1].

    The middle square is taken, `held_crop` of the shorter side.
    """
    height, width = images.shape[1:3]
    side = max(8, round(min(height, width) * config.held_crop))
    top, left = (height - side) // 2, (width - side) // 2
    return _resized(images[:, top : top + side, left : left + side], config.held_size_px, config.held_size_px)


def _resized(images: Tensor, height: int, width: int) -> Tensor:
    # Bytes, in the order in which they come: on the CPU a sixteenth of the time that floats take. They are rounded,
    # as the images are that training keeps in memory. CUDA has no such kernel.
    images = images.permute(0, 3, 1, 2)
    if images.device.type != "cpu":
        images = images.float()
    if images.shape[2:] != (height, width):
        images = functional.interpolate(
            images, (height, width), mode="bilinear", antialias=True, align_corners=False
        )
    return images.contiguous(memory_format=torch.channels_last).float() / 255.0
