"""A small residual net that learns on a CPU."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each place.

    Statistics over the image would give a window of a scene other features than the whole scene has there; training
    looks at windows and the heatmap at whole scenes, so no place may depend on what is far away.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ResidualBlock(nn.Module):
    """Pre-activation block of two 3 x 3 convolutions."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = ChannelNorm(channels), ChannelNorm(channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        nn.init.zeros_(self.conv2.weight)  # starts as the identity

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        y = self.conv1(functional.relu(self.norm1(x)))
        return x + self.conv2(functional.relu(self.norm2(y)))


class SmallNet(nn.Module):
    """Stride 8, three stages; 0.8 M parameters at width 24 with four blocks.

    Args:
        width: channels of the first stage.
        blocks: of the last stage. Each begins as the identity, so that a trained net goes on from where it was when it
            is given more of them.
    """

    stride = 8
    first_place_px = 0.5  # place i of the map looks at 8 i + 1/2

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.channels = 4 * width
        self.stem = nn.Conv2d(3, width, 5, stride=2, padding=2)
        self.down1 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.stage1 = nn.Sequential(ResidualBlock(2 * width), ResidualBlock(2 * width))
        self.down2 = nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1)
        self.stage2 = nn.Sequential(*(ResidualBlock(4 * width) for _ in range(blocks)))
        self.norm = ChannelNorm(4 * width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 4 width, H / 8, W / 8)."""
        return self.finish(self.begin(x))

    def begin(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, 4 width, H / 8, W / 8), what the last stage works on."""
        return self.down2(self.stage1(self.down1(functional.relu(self.stem(x)))))

    def finish(self, x: Tensor) -> Tensor:
        """The last stage, (B, 4 width, h, w) -> (B, 4 width, h, w)."""
        return self.norm(self.stage2(x))
