"""Which colours an object has, kept beside what is learned.

What is learned on generated objects cares little for colours; things that people buy are told apart by them. Histograms
are standardised and projected, linearly, so that the gripper, the wall behind it and the bin's floor count for little.
They are not additive: the colours of what was taken are those that the pixels which changed had more of before than
afterwards. A scene by itself has none.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp2vec_ros.core.arithmetic import excess

BINS = (12, 6, 6)  # of hue, saturation and value
ENTRIES = BINS[0] * BINS[1] * BINS[2]
# Of a channel, of 1: a pixel that changed less shows what it showed before.
CHANGED = 18 / 255
# The middle of a held image, as a part of its side, is mostly object.
MIDDLE = 0.5
LEAST_DEVIATION = 0.03
# Where a scene is looked at: cells across its width, and how many of them a window is wide and high.
CELLS = 40
WINDOW = 3
# Of a window's pixels that are no floor: with so many its colours count half.
FAINT = 0.3


class Colours(nn.Module):
    """Histograms of hue, saturation and value, projected; nothing learns along.

    Args:
        size: entries of its vectors.

    Attributes:
        removed_mean, held_mean: (`ENTRIES`,) of the roots of histograms of what was taken, and of held images.
        deviation: (`ENTRIES`,) of the latter, `LEAST_DEVIATION` more.
        projection: (size, `ENTRIES`), of histograms at unit deviation.
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("removed_mean", torch.zeros(ENTRIES))
        self.register_buffer("held_mean", torch.zeros(ENTRIES))
        self.register_buffer("deviation", torch.ones(ENTRIES))
        self.register_buffer("projection", torch.eye(size, ENTRIES))

    def removed_vectors(self, histograms: Tensor) -> Tensor:
        """Of what was taken out of a scene or is shown in it, (B, `ENTRIES`) -> (B, size); zero where nothing is."""
        return self._projected(histograms, self.removed_mean)

    def held_vectors(self, histograms: Tensor) -> Tensor:
        """Of held objects, (B, `ENTRIES`) -> (B, size)."""
        return self._projected(histograms, self.held_mean)

    def place_map(self, image: Tensor) -> Tensor:
        """What would have been taken if it were what each window shows, its floor left out.

        Args:
            image: (1, 3, H, W) in [0, 1], a scene.

        Returns:
            (size, h, w), h and w in cells of `cell_px`; as long as 1 where a window shows little floor.
        """
        counts = _counts_in_cells(image)
        # Less than half of all colours are in a scene.
        seen = counts[0].flatten(1).any(dim=1)
        padded = functional.pad(counts[:, seen], (WINDOW // 2,) * 4, mode="replicate")
        windows = functional.avg_pool2d(padded, WINDOW, stride=1)
        shares = excess(windows).clamp(min=0)[0].flatten(1).T
        amount = shares.sum(dim=1, keepdim=True)
        roots = (shares / amount.clamp(min=1e-12)).sqrt()
        vectors = functional.linear(roots / self.deviation[seen], self.projection[:, seen])
        vectors = functional.normalize(
            vectors - self.projection @ (self.removed_mean / self.deviation), dim=1
        )
        shown = amount / (amount + FAINT * cell_px(image.shape[3]) ** 2)
        rows, columns = (size // cell_px(image.shape[3]) for size in image.shape[2:])
        return (shown * vectors).T.unflatten(1, (rows, columns))

    def heatmap(self, place_map: Tensor, goal: Tensor) -> Tensor:
        """Where a goal's colours are: its cosine with each place's, less where there is little but floor.

        Args:
            place_map: (size, h, w).
            goal: (size,).

        Returns:
            (h, w).
        """
        return torch.einsum("khw,k->hw", place_map, functional.normalize(goal, dim=0))

    def _projected(self, histograms: Tensor, mean: Tensor) -> Tensor:
        some = (histograms.sum(dim=1, keepdim=True) > 0).to(histograms)
        return some * functional.linear((histograms - mean) / self.deviation, self.projection)


def removed_histogram(pre: Tensor, post: Tensor) -> Tensor:
    """Of the pixels that changed: what they showed before, less what they show afterwards; zero without any.

    Shadows and neighbours that moved change pixels, too, and are there before and afterwards.

    Args:
        pre, post: (3, H, W) in [0, 1], aligned.

    Returns:
        (1, `ENTRIES`).
    """
    changed = ((pre - post).abs().amax(dim=0) > CHANGED).float()[None, None]
    # Specks are noise: opened by a square of three.
    eroded = -functional.max_pool2d(-changed, 3, stride=1, padding=1)
    region = functional.max_pool2d(eroded, 3, stride=1, padding=1)[:, 0]
    before, after = counts(torch.stack([pre, post]), region.expand(2, -1, -1))
    return roots((before - after).clamp(min=0)[None])


def held_histograms(images: Tensor, crop: float) -> Tensor:
    """Of the middles of held images.

    Args:
        images: (B, 3, s, s) in [0, 1].
        crop: the part of the camera's image that they show, by its shorter side.

    Returns:
        (B, `ENTRIES`).
    """
    height, width = images.shape[2:]
    rows, columns = (_middle(size, min(1.0, MIDDLE / crop)) for size in (height, width))
    middle = images[:, :, rows, columns]
    return root_histograms(middle, torch.ones_like(middle[:, 0]))


def _middle(size: int, share: float) -> slice:
    border = round(size * (1 - share) / 2)
    return slice(border, size - border)


def cell_px(width: int) -> int:
    """Width and height of the cells of a scene of a width [px]."""
    return max(1, round(width / CELLS))


def _counts_in_cells(image: Tensor) -> Tensor:
    """How many pixels of each colour each cell has, (1, 3, H, W) -> (1, `ENTRIES`, h, w)."""
    size = cell_px(image.shape[3])
    rows, columns = (length // size for length in image.shape[2:])
    index = _bins_of(image[:, :, : rows * size, : columns * size])[0]
    cell = torch.arange(rows * columns, device=image.device).unflatten(0, (rows, columns))
    cell = cell.repeat_interleave(size, dim=0).repeat_interleave(size, dim=1)
    counts = torch.bincount((index * rows * columns + cell).flatten(), minlength=ENTRIES * rows * columns)
    return counts.float().view(1, ENTRIES, rows, columns)


def _bins_of(images: Tensor) -> Tensor:
    """Which of `ENTRIES` colours each pixel has, (B, 3, H, W) -> (B, H, W)."""
    index = torch.zeros_like(images[:, 0], dtype=torch.long)
    for part, bins in zip(hsv(images), BINS, strict=True):
        index = index * bins + (part * bins).long().clamp(max=bins - 1)
    return index


def root_histograms(images: Tensor, weights: Tensor) -> Tensor:
    """Roots of the shares of colours, whose dot product is Bhattacharyya's coefficient.

    Args:
        images: (B, 3, H, W) in [0, 1], RGB.
        weights: (B, H, W) of pixels, 0 or more; zeros everywhere give a histogram of zeros.

    Returns:
        (B, `ENTRIES`).
    """
    return roots(counts(images, weights))


def counts(images: Tensor, weights: Tensor) -> Tensor:
    """How much of each colour there is, (B, 3, H, W) in [0, 1] with weights (B, H, W) -> (B, `ENTRIES`)."""
    found = torch.zeros(len(images), ENTRIES, device=images.device)
    return found.scatter_add_(1, _bins_of(images).flatten(1), weights.flatten(1).float())


def roots(counts: Tensor) -> Tensor:
    """Roots of shares, (B, `ENTRIES`); zeros stay zeros."""
    return (counts / counts.sum(dim=1, keepdim=True).clamp(min=1e-12)).sqrt()


def hsv(images: Tensor) -> Iterable[Tensor]:
    """Hue, saturation and value, each in [0, 1], of (B, 3, H, W) in [0, 1]: (B, H, W) each."""
    red, green, blue = images.unbind(dim=1)
    value, least = images.amax(dim=1), images.amin(dim=1)
    range_ = value - least
    safe = range_.clamp(min=1e-12)
    hue = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = torch.where(range_ > 0, (hue / 6) % 1.0, torch.zeros_like(hue))
    return hue, range_ / value.clamp(min=1e-12), value
