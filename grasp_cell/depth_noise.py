"""Makes a rendered depth image like a camera's: noise that grows with distance, and lost edges."""

from __future__ import annotations

import numpy as np

from grasp_cell.arm_config import ArmCellConfig

NOISE_FROM_M = 0.4
JUMP_M = 0.02


def noisy_depth(depth_m: np.ndarray, config: ArmCellConfig, rng: np.random.Generator) -> np.ndarray:
    """A depth image (H, W) float32 in metres as a structured-light camera gives it; NaN where it sees nothing.

    The standard deviation grows with the square of the distance (Nguyen, Izadi and Lovell, "Modeling Kinect sensor noise
    for improved 3D reconstruction and tracking", 2012).

    Args:
        depth_m: (H, W) true depth.
        config: of the noise.
        rng: of chance.
    """
    deviation = config.depth_noise_m + config.depth_noise_per_m2 * (depth_m - NOISE_FROM_M) ** 2
    noisy = depth_m + deviation * rng.standard_normal(depth_m.shape)
    jump = np.zeros(depth_m.shape, bool)
    for axis in (0, 1):
        far = np.abs(np.diff(depth_m, axis=axis)) > JUMP_M
        first = (slice(None, -1), slice(None)) if axis == 0 else (slice(None), slice(None, -1))
        other = (slice(1, None), slice(None)) if axis == 0 else (slice(None), slice(1, None))
        jump[first] |= far
        jump[other] |= far
    noisy[jump & (rng.random(depth_m.shape) < config.lost_at_edges)] = np.nan
    return noisy.astype(np.float32)
