"""What an embedding has to beat: descriptors of colour that need no learning."""

from __future__ import annotations

import cv2
import numpy as np

_BINS = (12, 6, 6)


def changed_region(pre: np.ndarray, post: np.ndarray, threshold: int = 18) -> np.ndarray:
    """Pixels that differ between two scenes (H, W) bool, without specks."""
    difference = np.abs(pre.astype(np.int16) - post).max(axis=2)
    mask = cv2.morphologyEx((difference > threshold).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3)))
    return mask.astype(bool)


def held_region(held: np.ndarray) -> np.ndarray:
    """The middle of a held image, where the object is, (H, W) bool."""
    mask = np.zeros(held.shape[:2], bool)
    height, width = mask.shape
    mask[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = True
    return mask


def mean_chroma(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Mean colour of a region in CIE Lab, (3,), centred so that cosines mean something."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    pixels = lab[region] if region.any() else lab.reshape(-1, 3)
    return pixels.mean(axis=0) - 128.0


def colour_histogram(image: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Square-rooted HSV histogram of a region, so that the cosine is the Bhattacharyya coefficient."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    mask = (region if region.any() else np.ones_like(region)).astype(np.uint8)
    histogram = cv2.calcHist([hsv], [0, 1, 2], mask, _BINS, [0, 180, 0, 256, 0, 256]).ravel()
    return np.sqrt(histogram / max(1.0, histogram.sum()))


def histogram_heatmap(scene: np.ndarray, goal_image: np.ndarray, window_px: int = 41) -> np.ndarray:
    """Where the goal's colours are: histogram back-projection, smoothed to the size of an object, (H, W) float32."""
    histogram = colour_histogram(goal_image, held_region(goal_image)).reshape(_BINS) ** 2
    background = colour_histogram(scene, np.ones(scene.shape[:2], bool)).reshape(_BINS) ** 2
    # The ratio takes out what is common in the scene, the bin above all (Swain and Ballard, 1991).
    ratio = np.minimum(histogram / np.maximum(background, 1e-6), 1.0).astype(np.float32)
    hsv = cv2.cvtColor(scene, cv2.COLOR_RGB2HSV).astype(int)
    index = [hsv[..., i] * _BINS[i] // size for i, size in enumerate((180, 256, 256))]
    return cv2.blur(ratio[index[0], index[1], index[2]], (window_px, window_px))


def chroma_heatmap(scene: np.ndarray, goal_image: np.ndarray, window_px: int = 21) -> np.ndarray:
    """Where the scene's local mean colour is nearest to the goal's, (H, W) float32."""
    lab = cv2.blur(cv2.cvtColor(scene, cv2.COLOR_RGB2LAB).astype(np.float32) - 128.0, (window_px, window_px))
    return -np.linalg.norm(lab - mean_chroma(goal_image, held_region(goal_image)), axis=2)
