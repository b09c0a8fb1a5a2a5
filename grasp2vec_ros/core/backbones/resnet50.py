"""The paper's backbone: ResNet-50 v2 (pre-activation) without its last group of blocks."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class Bottleneck(nn.Module):
    """Pre-activation bottleneck (https://arxiv.org/abs/1603.05027)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        channels_out = 4 * channels
        self.norm1 = nn.BatchNorm2d(channels_in)
        self.conv1 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, channels_out, 1, bias=False)
        same = channels_in == channels_out and stride == 1
        self.shortcut = None if same else nn.Conv2d(channels_in, channels_out, 1, stride=stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 4 channels, H / stride, W / stride)."""
        active = functional.relu(self.norm1(x))
        shortcut = x if self.shortcut is None else self.shortcut(active)
        y = self.conv2(functional.relu(self.norm2(self.conv1(active))))
        return shortcut + self.conv3(functional.relu(self.norm3(y)))


class TruncatedResNet50(nn.Module):
    """Blocks [3, 4, 6], the residual stream before the final norm: stride 16, 1024 channels, 8.5 M parameters."""

    channels, stride = 1024, 16
    first_place_px = 0.5  # place i of the map looks at 16 i + 1/2

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        blocks, channels_in = [], 64
        for channels, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2)):
            for i in range(count):
                blocks.append(Bottleneck(channels_in, channels, stride if i == 0 else 1))
                channels_in = 4 * channels
        self.blocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 1024, H / 16, W / 16)."""
        return self.blocks(self.pool(self.stem(x)))
