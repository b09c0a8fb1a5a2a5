"""What an embedding has to beat: descriptors of colour that need no learning."""

from __future__ import annotations

from dataclasses import dataclass

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


def histogram_heatmap(scene: np.ndarray, goal: np.ndarray, window: float = 0.128) -> np.ndarray:
    """Where the goal's colours are: histogram back-projection, smoothed to the size of an object.

    Args:
        scene: (H, W, 3) uint8 RGB.
        goal: a `colour_histogram`.
        window: about the size of an object, as a part of the scene's width.

    Returns:
        (H, W) float32.
    """
    side = round(window * scene.shape[1])
    histogram = goal.reshape(_BINS) ** 2
    background = colour_histogram(scene, np.ones(scene.shape[:2], bool)).reshape(_BINS) ** 2
    # The ratio takes out what is common in the scene, the bin above all (Swain and Ballard, 1991).
    ratio = np.minimum(histogram / np.maximum(background, 1e-6), 1.0).astype(np.float32)
    hsv = cv2.cvtColor(scene, cv2.COLOR_RGB2HSV).astype(int)
    index = [hsv[..., i] * _BINS[i] // size for i, size in enumerate((180, 256, 256))]
    return cv2.blur(ratio[index[0], index[1], index[2]], (side, side))


def chroma_heatmap(scene: np.ndarray, goal: np.ndarray, window: float = 0.066) -> np.ndarray:
    """Where the scene's local mean colour is nearest to a goal's `mean_chroma`, (H, W) float32."""
    side = round(window * scene.shape[1])
    lab = cv2.blur(cv2.cvtColor(scene, cv2.COLOR_RGB2LAB).astype(np.float32) - 128.0, (side, side))
    return -np.linalg.norm(lab - goal, axis=2)


@dataclass(frozen=True)
class LocalFeatures:
    """SIFT features of one image or several.

    Attributes:
        points: (n, 2) column, row [px of the image].
        descriptors: (n, 128) float32.
    """

    points: np.ndarray
    descriptors: np.ndarray


# Objects are small in both cameras' images: features are looked for at three times the size.
_ENLARGED = 3
_RATIO = 0.85
_TOLERANCE_PX = 4.0


def local_features(image: np.ndarray, region: np.ndarray) -> LocalFeatures:
    """SIFT features in a region (H, W) bool of an image."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    size = (grey.shape[1] * _ENLARGED, grey.shape[0] * _ENLARGED)
    mask = cv2.resize(region.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    detector = cv2.SIFT_create(nfeatures=120, contrastThreshold=0.02)
    points, descriptors = detector.detectAndCompute(
        cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC), mask
    )
    if descriptors is None:
        return LocalFeatures(np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32))
    return LocalFeatures(np.array([p.pt for p in points], np.float32) / _ENLARGED, descriptors)


def matched_points(query: LocalFeatures, other: LocalFeatures) -> np.ndarray:
    """Places in `other` of the features that match the query's under one similarity transform (RANSAC), (m, 2)."""
    if len(query.points) < 2 or len(other.points) < 2:
        return np.zeros((0, 2), np.float32)
    products = query.descriptors @ other.descriptors.T
    squares = (query.descriptors**2).sum(1)[:, None] + (other.descriptors**2).sum(1) - 2 * products
    nearest = np.argpartition(squares, 1, axis=1)[:, :2]
    pairs = np.take_along_axis(squares, nearest, axis=1)
    order = pairs.argsort(axis=1)
    nearest, pairs = np.take_along_axis(nearest, order, 1), np.take_along_axis(pairs, order, 1)
    # Lowe's ratio test, on squared distances.
    good = pairs[:, 0] < _RATIO**2 * pairs[:, 1]
    if good.sum() < 3:
        return np.zeros((0, 2), np.float32)
    there = other.points[nearest[good, 0]]
    cv2.setRNGSeed(0)
    _, inliers = cv2.estimateAffinePartial2D(
        query.points[good], there, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE_PX, maxIters=200
    )
    return there[inliers.ravel().astype(bool)] if inliers is not None else np.zeros((0, 2), np.float32)
