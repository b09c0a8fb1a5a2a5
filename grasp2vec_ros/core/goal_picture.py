"""What a goal was made from, as one picture for people."""

from __future__ import annotations

import math

import cv2
import numpy as np

from grasp2vec_ros.core.goals import GoalView

TILE_PX = 128
MOST_TILES = 16
_EMPTY = 32


def draw_goal(views: tuple[GoalView, ...]) -> np.ndarray:
    """The views of a goal side by side, each whole in a square tile; of many views the first ones.

    Args:
        views: at least one.

    Returns:
        (H, W, 3) uint8 RGB, sides that are multiples of TILE_PX.
    """
    shown = views[:MOST_TILES]
    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    picture = np.full((rows * TILE_PX, columns * TILE_PX, 3), _EMPTY, np.uint8)
    for index, view in enumerate(shown):
        tile = _fitted(_cut_out(view))
        top = index // columns * TILE_PX + (TILE_PX - tile.shape[0]) // 2
        left = index % columns * TILE_PX + (TILE_PX - tile.shape[1]) // 2
        picture[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return picture


def _cut_out(view: GoalView) -> np.ndarray:
    if view.region is None:
        return view.image
    left, top, width, height = view.region
    return view.image[top : top + height, left : left + width]


def _fitted(image: np.ndarray) -> np.ndarray:
    scale = TILE_PX / max(image.shape[:2])
    width, height = (max(1, round(side * scale)) for side in (image.shape[1], image.shape[0]))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    return cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=method)
