"""A sheet to look at: what left the scene, the held images that are nearest to it, and where a goal is found."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from examination.attempts import Examination
from examination.methods import Embedding
from grasp2vec_ros.core.evaluation import peak
from grasp2vec_ros.core.overlay import draw_overlay

ROWS, NEAREST, TILE_PX = 8, 5, 132
RIGHT, WRONG, PLAIN = (46, 160, 67), (207, 63, 51), (255, 255, 255)


def draw_sheet(examination: Examination, method: Embedding, file: Path, seed: int = 0) -> None:
    """Writes the sheet: scene with the removed object framed, nearest held images of other fillings, a heatmap.

    A green frame is the same object, a red one another; the attempts are chosen at random.
    """
    attempts, labels, fillings = examination.attempts, examination.labels, examination.fillings
    held = [method.describe_held(a.experience.held) for a in attempts]
    rows = []
    for i in np.random.default_rng(seed).permutation(len(attempts)):
        elsewhere = examination.elsewhere(labels[i], fillings[i])
        mask = attempts[i].truth.masks[labels[i]]
        if not elsewhere or not mask.any():
            continue
        experience = attempts[i].experience
        alike = method.similarity([method.describe_removed(experience.pre, experience.post)], held)[0]
        alike[fillings == fillings[i]] = -np.inf
        nearest = np.argsort(-alike)[:NEAREST]
        goal = elsewhere[0]
        heat = method.heatmaps(experience.pre, [held[goal]])[0]
        found = peak(heat)
        tiles = [
            _tile(_framed(experience.pre, mask), PLAIN, wide=True),
            *(
                _tile(attempts[j].experience.held[0], RIGHT if labels[j] == labels[i] else WRONG)
                for j in nearest
            ),
            _tile(attempts[goal].experience.held[0], PLAIN),
            _tile(
                draw_overlay(experience.pre, heat, found),
                RIGHT if mask[found[1], found[0]] else WRONG,
                wide=True,
            ),
        ]
        rows.append(np.hstack(tiles))
        if len(rows) == ROWS:
            break
    sheet = np.vstack([_heading(rows[0].shape[1]), *rows])
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), sheet[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


def _framed(scene: np.ndarray, mask: np.ndarray) -> np.ndarray:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    corners = ((int(columns[0]) - 4, int(rows[0]) - 4), (int(columns[-1]) + 4, int(rows[-1]) + 4))
    return cv2.rectangle(scene.copy(), *corners, (20, 20, 20), 2)


def _tile(image: np.ndarray, colour: tuple[int, int, int], wide: bool = False) -> np.ndarray:
    inside = cv2.resize(image, (TILE_PX * 4 // 3 if wide else TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA)
    return cv2.copyMakeBorder(inside, 5, 5, 5, 5, cv2.BORDER_CONSTANT, value=colour)


def _heading(width: int) -> np.ndarray:
    strip = np.full((34, width, 3), 255, np.uint8)
    side, wide = TILE_PX + 10, TILE_PX * 4 // 3 + 10
    places = {
        "taken out (framed)": 6,
        "held images nearest to what left the scene": wide + 6,
        "a goal": wide + NEAREST * side + 6,
        "its heatmap": wide + (NEAREST + 1) * side + 6,
    }
    for text, left in places.items():
        cv2.putText(strip, text, (left, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 50, 60), 1, cv2.LINE_AA)
    return strip
