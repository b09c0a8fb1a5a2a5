"""From stored attempts to training batches: windows around what changed, flips, colours, turned views."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from grasp2vec_ros.core.change import aligned, change_centre, window_corner
from grasp2vec_ros.core.encoder import EncoderConfig, held_input, scene_input
from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.options import option


@dataclass
class AugmentationConfig:
    """How training images vary."""

    window: str = option("change", "part of the scene that is looked at", choices=["change", "random"])
    window_px: int = option(96, "side of the window, at the encoder's scale", minimum=16, maximum=1024)
    jitter_px: int = option(12, "how far the window may be off what changed", minimum=0, maximum=512)
    flip: bool = option(True, "mirror images; drawn apart for scene and held, as in the paper")
    quarter_turns: bool = option(True, "turn windows of the scene by 0, 90, 180 or 270 degrees")
    colour: float = option(
        0.2, "change of brightness, contrast and tint, the same for pre and post", minimum=0.0, maximum=1.0
    )
    hue: float = option(
        0.0,
        "share of batches in which all images get other hues: toys in colours that nobody made",
        minimum=0.0,
        maximum=1.0,
    )
    common_zoom: float = option(
        0.0, "largest relative change of the size of all images of a batch", minimum=0.0, maximum=0.9
    )
    drift: float = option(
        0.06, "change of brightness and tint between pre and post", minimum=0.0, maximum=1.0
    )
    shift_px: int = option(1, "how far post may be off pre", minimum=0, maximum=64)
    noise: float = option(0.02, "largest standard deviation of pixel noise", minimum=0.0, maximum=0.5)
    blur: float = option(0.3, "share of images that are out of focus", minimum=0.0, maximum=1.0)
    turn_rad: float = option(0.5, "largest turn of a held image", minimum=0.0, maximum=3.15)
    zoom: float = option(0.2, "largest relative change of a held image's size", minimum=0.0, maximum=0.9)


@dataclass
class PreparedExperience:
    """An attempt at the encoder's scale, uint8, ready to be cut.

    Attributes:
        pre, post: (h, w, 3), post aligned to pre; with window "change" only the part around the change.
        held: (V, s, s, 3), V may be 0.
        change: (column, row) of the middle of what changed, from pre and post alone.
    """

    pre: Tensor
    post: Tensor
    held: Tensor
    change: tuple[float, float]

    @property
    def bytes(self) -> int:
        """Memory that it takes."""
        return self.pre.numel() + self.post.numel() + self.held.numel()


def prepare(
    experience: Experience, config: EncoderConfig, augmentation: AugmentationConfig
) -> PreparedExperience:
    """Brings a stored attempt to the encoder's scale, and cuts off what no window will show."""
    scenes = torch.from_numpy(np.stack([experience.pre, aligned(experience.pre, experience.post)]))
    scenes = (scene_input(scenes, config) * 255).round().byte().permute(0, 2, 3, 1).contiguous()
    change = change_centre(scenes[0].numpy(), scenes[1].numpy(), augmentation.window_px // 3)
    if augmentation.window == "change":
        reach = augmentation.window_px + 2 * (augmentation.jitter_px + augmentation.shift_px)
        height, width = scenes.shape[1:3]
        side = (min(reach, width), min(reach, height))
        left, top = window_corner(change, side, (width, height))
        scenes = scenes[:, top : top + side[1], left : left + side[0]].contiguous()
        change = (change[0] - left, change[1] - top)
    if experience.held:
        held = [
            held_input(torch.from_numpy(np.ascontiguousarray(view))[None], config) for view in experience.held
        ]
        held = (torch.cat(held) * 255).round().byte().permute(0, 2, 3, 1).contiguous()
    else:
        held = torch.zeros(0, config.held_size_px, config.held_size_px, 3, dtype=torch.uint8)
    return PreparedExperience(scenes[0], scenes[1], held, change)


@dataclass
class Batch:
    """Float images in [0, 1], (B, 3, h, w): windows of pre and post, two views of what was held."""

    pre: Tensor
    post: Tensor
    held: Tensor
    held_again: Tensor


def make_batch(
    items: list[PreparedExperience],
    config: AugmentationConfig,
    generator: torch.Generator,
    common_generator: torch.Generator | None = None,
) -> Batch:
    """Cuts and varies the images of attempts that lifted something.

    Args:
        items: of the batch, or of a part of one that is made in several parts.
        config: how.
        generator: of everything drawn.
        common_generator: of what is the same for all images of a batch; must be equal for all its parts. None: also
            `generator`.
    """
    windows = [_window(item, config, generator) for item in items]
    pre, post = (_floats([window[side] for window in windows]) for side in (0, 1))
    if config.flip:
        _flip(generator, pre, post)
    if config.quarter_turns:
        _turn(generator, pre, post)
    common = _common_change(config, common_generator or generator)
    pre, post = (common(image) for image in (pre, post))
    pre, post = _recolour(config.colour, generator, pre, post)
    post = _recolour(config.drift, generator, post)[0]
    pre, post = _degrade(pre, config, generator), _degrade(post, config, generator)
    views = [torch.randperm(len(item.held), generator=generator) for item in items]
    first, second = (
        common(_floats([item.held[int(order[end])] for item, order in zip(items, views, strict=True)]))
        for end in (0, -1)
    )
    return Batch(pre, post, _vary_held(first, config, generator), _vary_held(second, config, generator))


def _window(
    item: PreparedExperience, config: AugmentationConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    height, width = item.pre.shape[:2]
    side_y, side_x = min(config.window_px, height), min(config.window_px, width)
    if config.window == "change":
        jitter = (torch.rand(2, generator=generator) * 2 - 1) * config.jitter_px
        centre = (item.change[0] + float(jitter[0]), item.change[1] + float(jitter[1]))
        left, top = window_corner(centre, (side_x, side_y), (width, height))
    else:
        left = int(torch.randint(0, width - side_x + 1, (1,), generator=generator))
        top = int(torch.randint(0, height - side_y + 1, (1,), generator=generator))
    shift = torch.randint(-config.shift_px, config.shift_px + 1, (2,), generator=generator).tolist()
    off_left, off_top = (
        min(max(left + shift[0], 0), width - side_x),
        min(max(top + shift[1], 0), height - side_y),
    )
    return (
        _cut(item.pre, left, top, side_x, side_y),
        _cut(item.post, off_left, off_top, side_x, side_y),
    )


def _cut(image: Tensor, left: int, top: int, width: int, height: int) -> Tensor:
    return image[top : top + height, left : left + width]


def _floats(images: list[Tensor]) -> Tensor:
    """Images (h, w, 3) of bytes as one batch (B, 3, h, w) in [0, 1], in the channels' order in memory that networks like."""
    return torch.stack(images).permute(0, 3, 1, 2).float().div_(255)


def _flip(generator: torch.Generator, *images: Tensor) -> None:
    """Mirrors each row's images together, left-right and up-down with even odds, in place."""
    for dimension in (1, 2):
        chosen = _chosen(len(images[0]), 0.5, generator)
        for image in images:
            image[chosen] = image[chosen].flip(dimension + 1)


def _turn(generator: torch.Generator, *images: Tensor) -> None:
    """Turns half of the rows' images by 90 degrees, in place; with mirroring that makes all turns.

    Windows must be square, others stay.
    """
    if images[0].shape[2] != images[0].shape[3]:
        return
    chosen = _chosen(len(images[0]), 0.5, generator)
    for image in images:
        image[chosen] = image[chosen].transpose(2, 3)


def _chosen(rows: int, share: float, generator: torch.Generator) -> Tensor:
    """Indices of rows, each chosen with the probability of a share."""
    return torch.nonzero(torch.rand(rows, generator=generator) < share)[:, 0]


def _common_change(config: AugmentationConfig, generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """One change of hue and size for all images of a batch.

    What is held still matches what left the scene, and no attempt stands out from the others: it is as if the batch
    had been made with other toys. The net cannot learn the toys by heart.
    """
    draw = lambda: float(torch.rand((), generator=generator))  # noqa: E731
    hue = _hue_rotation(2 * math.pi * draw()) if draw() < config.hue else None
    zoom = 1 + (2 * draw() - 1) * config.common_zoom

    def change(images: Tensor) -> Tensor:
        if hue is not None:
            images = torch.einsum("ij,bjhw->bihw", hue, images - 0.5).add_(0.5).clamp_(0, 1)
        if config.common_zoom > 0:
            scale = torch.tensor([[1 / zoom, 0, 0], [0, 1 / zoom, 0]]).expand(len(images), 2, 3)
            grid = functional.affine_grid(scale, list(images.shape), align_corners=False)
            images = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
        return images

    return change


def _hue_rotation(angle_rad: float) -> Tensor:
    """Rotation of colours about the grey axis, (3, 3)."""
    cosine, sine, third = math.cos(angle_rad), math.sin(angle_rad), 1 / 3
    a, b = third * (1 - cosine), math.sqrt(third) * sine
    return torch.tensor([[cosine + a, a - b, a + b], [a + b, cosine + a, a - b], [a - b, a + b, cosine + a]])


def _recolour(strength: float, generator: torch.Generator, *images: Tensor) -> list[Tensor]:
    """Brightness, contrast and tint, the same for all images of a row."""
    if strength == 0:
        return list(images)
    rows = len(images[0])
    draw = lambda *shape: (torch.rand(rows, *shape, generator=generator) * 2 - 1) * strength  # noqa: E731
    gain, offset, tint = 1 + draw(1, 1, 1), 0.5 * draw(1, 1, 1), 1 + 0.4 * draw(3, 1, 1)
    return [((image - 0.5) * gain * tint + 0.5 + offset).clamp(0, 1) for image in images]


def _degrade(images: Tensor, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """What a real camera adds: some images out of focus, noise in all of them; may change them in place."""
    if config.blur > 0:
        chosen = _chosen(len(images), config.blur, generator)
        images[chosen] = _soft(images[chosen])
    if config.noise > 0:
        strength = torch.rand(len(images), 1, 1, 1, generator=generator) * config.noise
        images = (images + strength * _noise(images, generator)).clamp_(0, 1)
    return images


def _soft(images: Tensor) -> Tensor:
    """Weighted means of 3 x 3 pixels, by 1 2 1 each way."""
    for dimension, padding in ((2, (0, 0, 1, 1)), (3, (1, 1, 0, 0))):
        size = images.shape[dimension]
        padded = functional.pad(images, padding, mode="replicate")
        before, middle, after = (padded.narrow(dimension, start, size) for start in range(3))
        images = (before + after).add_(middle, alpha=2).div_(4)
    return images


def _noise(images: Tensor, generator: torch.Generator) -> Tensor:
    """Normal noise as large as images: one field, at another place in each, since drawing takes most of the time."""
    rows, _, height, width = images.shape
    field = torch.randn(3, height, width, generator=generator).to(images)
    places = torch.rand(rows, 2, generator=generator) * torch.tensor([height, width])
    return torch.stack([field.roll(place, (1, 2)) for place in places.long().tolist()])


def _vary_held(images: Tensor, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """Turns, zooms, mirrors and recolours held images; float (B, 3, s, s)."""
    rows = len(images)
    angle = (torch.rand(rows, generator=generator) * 2 - 1) * config.turn_rad
    scale = 1 + (torch.rand(rows, generator=generator) * 2 - 1) * config.zoom
    mirror = (
        torch.where(torch.rand(rows, generator=generator) < 0.5, -1.0, 1.0)
        if config.flip
        else torch.ones(rows)
    )
    shift = (torch.rand(rows, 2, generator=generator) * 2 - 1) * 0.12
    cosine, sine = angle.cos() / scale, angle.sin() / scale
    transform = torch.stack(
        [
            torch.stack([cosine * mirror, -sine, shift[:, 0]], 1),
            torch.stack([sine * mirror, cosine, shift[:, 1]], 1),
        ],
        1,
    )
    grid = functional.affine_grid(transform, list(images.shape), align_corners=False)
    turned = functional.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return _degrade(_recolour(config.colour, generator, turned)[0], config, generator)
