"""Which way an object faces: the turn about the vertical between a cloud and the object's canonical heading.

Grasps were learned from objects that lie along x, or have their handle there. A robot's objects stand as they like.
The network looks at the cloud as a radar does: a cylindrical grid around the middle, and convolutions around the
circle. Turning the cloud by a bin therefore shifts the answer by a bin, exactly and without learning it: convolutions
that share the symmetry of the task (Cohen and Welling 2016, https://arxiv.org/abs/1602.07576). Bins and a residual
in each as in Mousavian et al. 2017 (https://arxiv.org/abs/1612.00496): symmetric objects have several right answers.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

BINS = 36
BIN_RAD = 2 * torch.pi / BINS
# The grid is twice as fine as the answer.
SECTORS = 2 * BINS
# Values of a cell: how full it is, and its normal.
_CHANNELS = 4
CONFIG, WEIGHTS, FORMAT = "config.json", "model.safetensors", "semgrasp-frame-1"


@dataclass
class HeadingConfig:
    """Size of the heading estimator."""

    rings: int = field(default=8, metadata={"help": "of the grid, from the middle outward", "minimum": 2})
    floors: int = field(default=6, metadata={"help": "of the grid, from bottom to top", "minimum": 2})
    width: int = field(default=96, metadata={"help": "of the convolutions", "minimum": 4})
    dilations: tuple[int, ...] = field(default=(1, 2, 4), metadata={"help": "of the blocks, in bins"})


class HeadingEstimator(nn.Module):
    """Clouds to scores of headings; z is up, position and size do not matter."""

    def __init__(self, config: HeadingConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or HeadingConfig()
        width = config.width
        self.cells = nn.Conv1d(_CHANNELS * config.rings * config.floors + 2, width, 1)
        self.coarsen = _around(width, width, 5, stride=2)
        self.blocks = nn.ModuleList(_Block(width, dilation) for dilation in config.dilations)
        self.answer = nn.Sequential(nn.Conv1d(3 * width, width, 1), nn.GELU(), nn.Conv1d(width, 2, 1))

    def forward(self, points: torch.Tensor, normals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores of headings.

        Args:
            points: (B, N, 3) metres, z up; N points of one object each.
            normals: (B, N, 3) outward unit normals; zeros where they are not known.

        Returns:
            Logits (B, BINS): bin k is a heading of k * 10 degrees, which is the angle from the cloud's x axis to the
            canonical one, about z; and residuals (B, BINS), radians to add when that bin is right.

        Raises:
            ValueError: shapes do not fit.
        """
        if points.shape != normals.shape or points.ndim != 3 or points.shape[2] != 3:
            raise ValueError(
                f"points {tuple(points.shape)}, normals {tuple(normals.shape)}: use (B, N, 3) for both"
            )
        if points.shape[1] < 8:
            raise ValueError(f"points: {points.shape[1]} are too few; use at least 8")
        grid, size = cylindrical_grid(points, normals, self.config.rings, self.config.floors)
        sizes = size[:, :, None].expand(-1, -1, SECTORS)
        values = nn.functional.gelu(self.cells(torch.cat([grid, sizes], dim=1)))
        values = nn.functional.gelu(self.coarsen(values))
        for block in self.blocks:
            values = block(values)
        whole = torch.cat([values.mean(dim=2), values.amax(dim=2)], dim=1)[:, :, None].expand(-1, -1, BINS)
        answer = self.answer(torch.cat([values, whole], dim=1))
        return answer[:, 0], BIN_RAD * torch.tanh(answer[:, 1])

    @torch.no_grad()
    def heading(self, points: torch.Tensor, normals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The likeliest heading.

        Args:
            points: (B, N, 3) as for `forward`.
            normals: (B, N, 3).

        Returns:
            Angles (B,) in radians, -pi to pi: `turned(points, -angle)` has the canonical heading. And how sure the
            network is (B,), 0 to 1: the probability of that bin and its two neighbours. Symmetric objects share it among
            their headings, a ball's is 3 / 36, and any of them is right.
        """
        logits, residual = self(points, normals)
        best = logits.argmax(dim=1, keepdim=True)
        angle = best * BIN_RAD + residual.gather(1, best)
        probability = logits.softmax(dim=1)
        near = (best + torch.tensor([-1, 0, 1], device=best.device)) % BINS
        return wrapped(angle[:, 0]), probability.gather(1, near).sum(dim=1)

    def save(self, folder: str | Path, notes: dict[str, object] | None = None) -> None:
        """Writes weights and configuration, safetensors and JSON; each appears whole or not at all.

        Raises:
            ValueError: a weight is not finite; nothing was written.
        """
        from safetensors.torch import save_file

        for name, value in self.state_dict().items():
            if not torch.isfinite(value).all():
                raise ValueError(f"weights: {name} is not finite; not saved")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        described = {
            "format": FORMAT,
            "model": dataclasses.asdict(self.config),
            "notes": dict(notes or {}),
        }
        partial = folder / (WEIGHTS + ".partial")
        save_file({name: value.contiguous() for name, value in self.state_dict().items()}, partial)
        partial.rename(folder / WEIGHTS)
        partial = folder / (CONFIG + ".partial")
        partial.write_text(json.dumps(described, indent=1) + "\n")
        partial.rename(folder / CONFIG)

    @classmethod
    def load(cls, folder: str | Path) -> HeadingEstimator:
        """Reads what `save` wrote, ready for use.

        Raises:
            FileNotFoundError: the folder holds no such model.
            ValueError: the files are of something else, or do not fit one another.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        folder = Path(folder)
        for name in (WEIGHTS, CONFIG):
            if not (folder / name).is_file():
                raise FileNotFoundError(f"{folder}: has no {name}; give a folder that `train-frame` wrote")
        described = json.loads((folder / CONFIG).read_text())
        if described.get("format") != FORMAT:
            raise ValueError(
                f"{folder}: {CONFIG} has format {described.get('format')!r}; this reads {FORMAT!r}"
            )
        model = described["model"]
        loaded = cls(HeadingConfig(**{**model, "dilations": tuple(model["dilations"])}))
        try:
            loaded.load_state_dict(load_file(folder / WEIGHTS))
        except SafetensorError as error:
            raise ValueError(f"{folder / WEIGHTS}: is no safetensors file ({error})") from error
        except RuntimeError as error:
            raise ValueError(f"{folder}: weights do not fit {CONFIG} ({error})") from error
        return loaded.eval()


class _Block(nn.Module):
    """Adds what a wider look around the circle says."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.look = _around(width, width, 5, dilation=dilation)
        self.mix = nn.Conv1d(width, width, 1)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values + self.mix(nn.functional.gelu(self.look(self.norm(values))))


def _around(inputs: int, outputs: int, size: int, stride: int = 1, dilation: int = 1) -> nn.Conv1d:
    """Convolution around the circle."""
    padding = dilation * (size // 2)
    return nn.Conv1d(inputs, outputs, size, stride, padding, dilation, padding_mode="circular")


def cylindrical_grid(
    points: torch.Tensor, normals: torch.Tensor, rings: int, floors: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """A cloud on a grid of sectors, rings and floors around its middle.

    Args:
        points: (B, N, 3) metres.
        normals: (B, N, 3).
        rings: from the middle to the farthest point.
        floors: from the lowest to the highest point.

    Returns:
        (B, 4 * rings * floors, SECTORS): of each cell how much of the surface it holds, and its mean normal outward, along
        the circle and upward, times that; sector s is at s * 5 degrees. Points count for the eight cells around
        them, so that the grid changes smoothly. And (B, 2): the logarithms of radius and height over 0.1 m.
    """
    batch, count = points.shape[:2]
    flat = points[..., :2] - middle(points)[:, None]
    radius = torch.linalg.norm(flat, dim=-1)
    outward = flat / radius[..., None].clamp_min(1e-6)
    largest = radius.amax(dim=1, keepdim=True).clamp_min(1e-4)
    height = points[..., 2] - points[..., 2].amin(dim=1, keepdim=True)
    tallest = height.amax(dim=1, keepdim=True).clamp_min(1e-4)
    radial = (normals[..., :2] * outward).sum(dim=-1)
    along = normals[..., 1] * outward[..., 0] - normals[..., 0] * outward[..., 1]
    values = torch.stack([torch.ones_like(radius), radial, along, normals[..., 2]], dim=-1)
    angle = torch.atan2(flat[..., 1], flat[..., 0]) * (SECTORS / (2 * torch.pi))
    corners = [
        (sector % SECTORS, ring, floor, near_sector * near_ring * near_floor)
        for sector, near_sector in _two(angle)
        for ring, near_ring in _two(radius / largest * (rings - 1), rings)
        for floor, near_floor in _two(height / tallest * (floors - 1), floors)
    ]
    cells = rings * floors * SECTORS
    grid = torch.zeros(batch * cells, _CHANNELS, device=points.device, dtype=points.dtype)
    first = torch.arange(batch, device=points.device)[:, None] * cells
    for sector, ring, floor, share in corners:
        index = first + (ring * floors + floor) * SECTORS + sector
        grid.index_add_(0, index.flatten(), (values * share[..., None]).flatten(0, 1))
    grid = grid.view(batch, rings * floors, SECTORS, _CHANNELS) * (SECTORS / count)
    # The root lets thin handles count beside broad walls.
    grid = grid / (grid[..., :1] + 1e-3).sqrt()
    size = torch.log(torch.cat([largest, tallest], dim=1) / 0.1)
    return grid.permute(0, 1, 3, 2).flatten(1, 2), size


def _two(place: torch.Tensor, count: int | None = None) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The cells on both sides of places between cells, and each one's share."""
    low = place.floor()
    share = place - low
    index = low.long()
    above = index + 1 if count is None else (index + 1).clamp_max(count - 1)
    return [(index, 1 - share), (above, share)]


def middle(points: torch.Tensor) -> torch.Tensor:
    """Where a cloud (B, N, 3) is amid in the horizontal plane, (B, 2): the mean of its boxes' middles.

    The boxes have all headings, so that the middle turns with the cloud; and unlike the points' mean it does not depend
    on where a camera sees more of them.
    """
    angle = torch.arange(BINS, device=points.device, dtype=points.dtype) * BIN_RAD
    axes = torch.stack([angle.cos(), angle.sin()])
    along = points[..., :2] @ axes
    amid = (along.amin(dim=1) + along.amax(dim=1)) / 2
    return amid @ axes.T * (2 / BINS)


def turned(points: torch.Tensor, angle_rad: torch.Tensor | float) -> torch.Tensor:
    """Points or normals (B, N, 3) turned about z, counterclockwise seen from above, by one angle or (B,) of them."""
    angle = torch.as_tensor(angle_rad, dtype=points.dtype, device=points.device).reshape(-1, 1)
    cos, sin = angle.cos(), angle.sin()
    x, y, z = points.unbind(dim=-1)
    return torch.stack([cos * x - sin * y, sin * x + cos * y, z], dim=-1)


def rotation(angle_rad: float) -> np.ndarray:
    """(3, 3) float64, about z: of an object's canonical axes in a cloud whose heading it has."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def canonical_pose(
    points: np.ndarray, normals: np.ndarray, estimator: HeadingEstimator | None, most: int = 1024
) -> np.ndarray:
    """The frame that grasps are learned in, found for a cloud whose z is up.

    Args:
        points: (N, 3) metres, of one object alone, not far from the origin.
        normals: (N, 3).
        estimator: says the heading; when None the cloud's own is kept.
        most: so many points, chosen evenly, are shown to the estimator.

    Returns:
        (4, 4) float64: pose of the canonical frame in the frame of the points. x is the heading, the origin is the middle
        of the points' box along the canonical axes. `(points - pose[:3, 3]) @ pose[:3, :3]` are canonical points, and
        `pose @ wrist` is a wrist in the frame of the points.
    """
    pose = np.eye(4)
    if estimator is not None:
        chosen = np.linspace(0, len(points) - 1, min(most, len(points))).astype(int)
        shown = (torch.from_numpy(np.asarray(rows)[chosen].astype(np.float32)) for rows in (points, normals))
        pose[:3, :3] = rotation(float(estimator.heading(*(rows[None] for rows in shown))[0]))
    turned_back = points @ pose[:3, :3]
    pose[:3, 3] = pose[:3, :3] @ ((turned_back.min(axis=0) + turned_back.max(axis=0)) / 2)
    return pose


def wrapped(angle_rad: torch.Tensor) -> torch.Tensor:
    """Angles from -pi to pi."""
    return torch.remainder(angle_rad + torch.pi, 2 * torch.pi) - torch.pi
