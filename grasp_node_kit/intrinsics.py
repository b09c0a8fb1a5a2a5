"""Intrinsics out of sensor_msgs/CameraInfo, checked."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CameraInfo


def intrinsics_of(message: CameraInfo, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Intrinsics (3, 3) of a camera whose images have a shape (H, W).

    Raises:
        ValueError: it is the information of another camera or resolution, or of an uncalibrated one.
    """
    if (message.height, message.width) != tuple(shape[:2]):
        raise ValueError(
            f"{name}: is for {message.width}x{message.height} px, the depth has {shape[1]}x{shape[0]}; use the depth's own"
        )
    matrix = np.array(message.k, dtype=float).reshape(3, 3)
    if not np.isfinite(matrix).all() or matrix[0, 0] <= 0 or matrix[1, 1] <= 0:
        raise ValueError(
            f"{name}.k: focal lengths {matrix[0, 0]:g} and {matrix[1, 1]:g} are not positive; calibrate the camera"
        )
    return matrix
