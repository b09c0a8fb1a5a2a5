"""A strip of pictures of a trial: what the camera sees with crop and hand, pre-grasp, closed, lifted, shaken."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from examination.robot.scenes import Seen
from grasp_cell.arm_cell import ArmCell
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.retarget.robot_grasp import HumanHand

SHOWN = {"reach": "before the grasp", "grasp": "closed", "lift": "lifted", "hold": "after shaking"}
CROP, HAND = (40, 170, 70), np.array([235, 160, 60])
TILE_PX = (400, 300)


class Strip:
    """Collects the pictures of one trial.

    Args:
        cell: the trial is in.
    """

    def __init__(self, cell: ArmCell) -> None:
        self._cell, self._tiles = cell, []

    def before(self, seen: Seen, hand: HumanHand | None) -> None:
        """The camera's image with the stated crop outlined and the human hand that the robot keeps to."""
        image = seen.view.rgb.copy()
        outline, _ = cv2.findContours(seen.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(image, outline, -1, CROP, 2)
        if hand is not None:
            _draw_hand(image, hand.vertices, seen)
        rows, columns = np.nonzero(seen.mask)
        middle = (int(columns.mean()), int(rows.mean())) if len(rows) else (320, 240)
        self._tiles.append(("crop and hand", _zoomed(image, middle)))

    def after(self, phase: str) -> None:
        """A picture at the end of a phase."""
        if phase in SHOWN:
            self._tiles.append((SHOWN[phase], self._cell.picture().rgb[60:420, 80:560]))

    def write(self, file: Path, caption: str) -> None:
        """Writes the strip."""
        tiles = [
            _titled(cv2.resize(image, TILE_PX, interpolation=cv2.INTER_AREA), t) for t, image in self._tiles
        ]
        if not tiles:
            return
        strip = np.hstack(tiles)
        head = np.full((30, strip.shape[1], 3), 255, np.uint8)
        cv2.putText(head, caption, (8, 21), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (30, 30, 30), 1, cv2.LINE_AA)
        file.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(file), np.vstack([head, strip])[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


def _draw_hand(image: np.ndarray, vertices: np.ndarray, seen: Seen) -> None:
    """The hand's surface, far faces first, half seen through; nothing hides it."""
    camera, faces = seen.view.camera, load_hand().faces.numpy()
    pose = camera.base_from_camera
    local = (vertices - pose[:3, 3]) @ pose[:3, :3]
    pixels = local @ camera.intrinsics.T
    pixels = np.round(pixels[:, :2] / pixels[:, 2:]).astype(np.int32)
    corners = local[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    facing = -across[:, 2] / np.maximum(np.linalg.norm(across, axis=1), 1e-12)
    drawn = image.copy()
    for face in np.argsort(-corners[:, :, 2].mean(axis=1)):
        if facing[face] > 0:
            cv2.fillConvexPoly(drawn, pixels[faces[face]], (HAND * (0.45 + 0.55 * facing[face])).tolist())
    cv2.addWeighted(drawn, 0.7, image, 0.3, 0, dst=image)


def _zoomed(image: np.ndarray, middle: tuple[int, int]) -> np.ndarray:
    height, width = image.shape[0] // 2, image.shape[1] // 2
    left = int(np.clip(middle[0] - width // 2, 0, image.shape[1] - width))
    top = int(np.clip(middle[1] - height // 2, 0, image.shape[0] - height))
    return image[top : top + height, left : left + width]


def _titled(image: np.ndarray, text: str) -> np.ndarray:
    image = image.copy()
    cv2.putText(image, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 3, cv2.LINE_AA)
    cv2.putText(image, text, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    return image
