"""A heatmap drawn over its scene, for people."""

from __future__ import annotations

import cv2
import numpy as np


def draw_overlay(scene: np.ndarray, heat: np.ndarray, peak_uv: tuple[int, int]) -> np.ndarray:
    """The scene with the heatmap in colour over it and a ring around its peak.

    Args:
        scene: (H, W, 3) uint8 RGB.
        heat: (H, W) float.
        peak_uv: (column, row) of the ring.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    scaled = cv2.normalize(heat, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    colours = cv2.cvtColor(cv2.applyColorMap(scaled, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB)
    weight = scaled[..., None].astype(np.float32) / 255 * 0.75 + 0.1
    picture = (scene * (1 - weight) + colours * weight).astype(np.uint8)
    return cv2.circle(picture, peak_uv, max(4, scene.shape[1] // 36), (255, 255, 255), 2, cv2.LINE_AA)
