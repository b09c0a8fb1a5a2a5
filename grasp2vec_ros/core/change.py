"""What changed between the scene before and after a grasp: made comparable first, then found."""

from __future__ import annotations

import cv2
import numpy as np

# Colours darker than this are mostly noise and say nothing of the exposure.
_DARKEST = 16
_LARGEST_GAIN = 1.6
# A peak of the phase correlation below this is no shift but another scene.
_SUREST_SHIFT = 0.2
_LARGEST_SHIFT = 0.0375  # of the image's width
_SMALLEST_SHIFT_PX = 0.25


def aligned(pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """`post` with the exposure, white balance and place of `pre`.

    A camera that adjusts itself or is bumped during the grasp changes every pixel; without this, all of them would
    count as what the grasp took.

    Args:
        pre, post: (H, W, 3) uint8 RGB.

    Returns:
        (H, W, 3) uint8; `post` itself where there is nothing to do.
    """
    return _shifted_onto(pre, _exposed_as(pre, post))


def _exposed_as(pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    """One gain per channel: the median over the pixels, most of which show the same thing in both images."""
    small_pre, small_post = pre[::4, ::4].reshape(-1, 3), post[::4, ::4].reshape(-1, 3)
    usable = ((small_pre > _DARKEST) & (small_post > _DARKEST)).all(axis=1)
    usable &= ((small_pre < 250) & (small_post < 250)).all(axis=1)
    if usable.sum() < 50:
        return post
    gain = np.median(small_pre[usable].astype(np.float32) / small_post[usable], axis=0)
    gain = np.clip(gain, 1 / _LARGEST_GAIN, _LARGEST_GAIN)
    if np.abs(gain - 1).max() < 0.004:
        return post
    return np.clip(np.round(post * gain), 0, 255).astype(np.uint8)


def _shifted_onto(pre: np.ndarray, post: np.ndarray) -> np.ndarray:
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in (pre, post)]
    window = cv2.createHanningWindow(grey[0].shape[::-1], cv2.CV_32F)
    (x, y), sure = cv2.phaseCorrelate(grey[0], grey[1], window)
    shift = float(np.hypot(x, y))
    if sure < _SUREST_SHIFT or not _SMALLEST_SHIFT_PX < shift < _LARGEST_SHIFT * pre.shape[1]:
        return post
    back = np.array([[1, 0, -x], [0, 1, -y]])
    size = (post.shape[1], post.shape[0])
    return cv2.warpAffine(post, back, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def change_centre(pre: np.ndarray, post: np.ndarray, blur_px: int) -> tuple[float, float]:
    """Where pre and post differ most: the peak of their blurred difference.

    Args:
        pre, post: (h, w, 3) uint8, aligned.
        blur_px: about the size of an object.

    Returns:
        (column, row).
    """
    difference = np.abs(pre.astype(np.float32) - post).mean(axis=2)
    blurred = cv2.blur(difference, (blur_px, blur_px), borderType=cv2.BORDER_CONSTANT)
    row, column = np.unravel_index(int(blurred.argmax()), blurred.shape)
    return float(column), float(row)


def window_corner(
    centre: tuple[float, float], side: tuple[int, int], size: tuple[int, int]
) -> tuple[int, int]:
    """Upper left corner (column, row) of a window around a place, moved so that it lies inside the image.

    Args:
        centre: (column, row).
        side: (width, height) of the window, not larger than the image.
        size: (width, height) of the image.
    """
    corner = [
        min(max(round(c - s / 2), 0), whole - s) for c, s, whole in zip(centre, side, size, strict=True)
    ]
    return corner[0], corner[1]
