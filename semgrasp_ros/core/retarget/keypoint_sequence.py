"""A generated sequence of a person's hand, for examples and tests of teleoperation."""

from __future__ import annotations

import numpy as np

from semgrasp_ros.core.hand.sources import load_hand

# Where a camera sees the hand, metres, and how far it moves about.
MIDDLE_M = (0.0, 0.0, 0.5)
SWAY_M = 0.05
# Share of the joints' largest flexion when the hand is most open and most closed.
OPEN, CLOSED = 0.05, 0.6


def opening_and_closing(
    duration_s: float, rate_hz: float = 30.0, period_s: float = 2.0, noise_m: float = 0.0, seed: int = 0
) -> np.ndarray:
    """Keypoints (T, 21, 3) in metres, MediaPipe's order, of a right hand that closes, opens and sways.

    Args:
        duration_s: of the sequence.
        rate_hz: frames a second.
        period_s: of opening and closing.
        noise_m: standard deviation of each coordinate, as of a camera.
        seed: of the noise.
    """
    import torch

    hand, rng = load_hand("open"), np.random.default_rng(seed)
    times = np.arange(max(int(round(duration_s * rate_hz)), 1)) / rate_hz
    bend = OPEN + (CLOSED - OPEN) * (1 - np.cos(2 * np.pi * times / period_s)) / 2
    angles = torch.zeros(len(times), 15, 3)
    angles[:, :, 0] = torch.from_numpy(bend).float()[:, None] * hand.limits[None, :, 0, 1]
    wrist = torch.eye(4).repeat(len(times), 1, 1)
    sway = SWAY_M * np.stack([np.sin(times), np.sin(1.3 * times), np.sin(0.7 * times)], axis=1)
    wrist[:, :3, 3] = torch.from_numpy(np.array(MIDDLE_M) + sway).float()
    with torch.no_grad():
        surface = hand(wrist, hand.rotations_from_angles(angles), torch.zeros(len(times), 10))
    keypoints = surface.keypoints.double().numpy()
    return keypoints + rng.normal(scale=noise_m, size=keypoints.shape) if noise_m > 0 else keypoints
