"""An attempt as it is kept: its facts, and its images as lossless PNG, never decoded just to be moved."""

from __future__ import annotations

import hashlib
import json
import math
import zlib
from dataclasses import dataclass

import cv2
import numpy as np

from grasp2vec_ros.core.experience import Experience

_DETAILS = (
    "held_angles_rad",
    "post_stamp_ns",
    "held_stamps_ns",
    "gripper_opening_m",
    "grasp_position_m",
    "grasp_orientation_xyzw",
    "base_frame",
    "scene_frame",
    "commanded_goal",
)
_TUPLES = ("grasp_position_m", "grasp_orientation_xyzw")
# One attempt in ten, chosen by its id alone, is never trained on.
HELDOUT_SHARE = 0.1


class StoreError(RuntimeError):
    """Experience could not be opened, read or written; what is kept is unchanged."""


class ExperienceUnreadableError(StoreError):
    """An attempt is damaged on disk; the others are not affected."""


def is_heldout(experience_id: str) -> bool:
    """Whether an attempt is kept out of training; depends on its id alone, so merging does not change it."""
    return zlib.crc32(b"heldout" + experience_id.encode()) / 2**32 < HELDOUT_SHARE


@dataclass(frozen=True)
class StoredImage:
    """An image of an attempt.

    Attributes:
        role: "pre", "post" or "held".
        position: number among the views of that role.
        png: its file.
    """

    role: str
    position: int
    png: bytes


@dataclass(frozen=True)
class Record:
    """An attempt as it is kept.

    Attributes:
        experience_id, robot_id, episode, attempt, stamp_ns, success: as in `Experience`.
        details: its other facts, as they go into JSON.
        images: ordered by role and position.
    """

    experience_id: str
    robot_id: str
    episode: str
    attempt: int
    stamp_ns: int
    success: bool
    details: dict
    images: tuple[StoredImage, ...]

    @property
    def bytes(self) -> int:
        """Size of its images."""
        return sum(len(image.png) for image in self.images)

    def content(self) -> str:
        """Digest of robot, time, outcome and images: equal for copies of an attempt, whatever their ids."""
        digest = hashlib.sha256(json.dumps([self.robot_id, self.stamp_ns, self.success]).encode())
        for image in self.images:
            digest.update(f"{image.role} {image.position} {len(image.png)}\n".encode())
            digest.update(image.png)
        return digest.hexdigest()[:32]


def encode_record(experience: Experience) -> Record:
    """The kept form of an attempt.

    Raises:
        ValueError: the attempt is not one (see `Experience.check`).
    """
    experience.check()
    images = [("held", i, view) for i, view in enumerate(experience.held)]
    images += [("post", 0, experience.post), ("pre", 0, experience.pre)]
    return Record(
        experience.experience_id,
        experience.robot_id,
        experience.episode,
        experience.attempt,
        experience.stamp_ns,
        bool(experience.success),
        _details(experience),
        tuple(StoredImage(role, position, _png(image)) for role, position, image in images),
    )


def decode_record(record: Record, place: str) -> Experience:
    """The attempt of a record.

    Args:
        record: see there.
        place: where it was read from, for the error.

    Raises:
        ExperienceUnreadableError: an image is missing or no image.
    """
    held, scenes = [], {}
    for stored in record.images:
        image = cv2.imdecode(np.frombuffer(stored.png, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise damaged(record.experience_id, stored.role, place)
        rgb = _swapped(image)
        if stored.role == "held":
            held.append(rgb)
        else:
            scenes[stored.role] = rgb
    if set(scenes) != {"pre", "post"}:
        raise ExperienceUnreadableError(
            f"experience {record.experience_id}: its scene images are missing in {place}"
        )
    details = dict(record.details)
    for name in _TUPLES:
        details[name] = None if details[name] is None else tuple(details[name])
    if details["gripper_opening_m"] is None:
        details["gripper_opening_m"] = math.nan
    return Experience(
        robot_id=record.robot_id,
        episode=record.episode,
        attempt=record.attempt,
        stamp_ns=record.stamp_ns,
        success=record.success,
        experience_id=record.experience_id,
        held=held,
        **scenes,
        **details,
    )


def damaged(experience_id: str, role: str, place: object) -> ExperienceUnreadableError:
    """The error for an image that does not match its checksum or is none."""
    return ExperienceUnreadableError(f"experience {experience_id}: its {role} image is damaged in {place}")


def _swapped(image: np.ndarray) -> np.ndarray:
    """RGB to OpenCV's order and back. NumPy's way takes many times as long, while no other thread can do anything."""
    return cv2.cvtColor(image, cv2.COLOR_RGB2BGR)


def _png(image: np.ndarray) -> bytes:
    # Level 1: a third larger than the best, several times faster; capture must keep up with the robot.
    encoded, png = cv2.imencode(".png", _swapped(image), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not encoded:
        raise ValueError(f"image of shape {image.shape} cannot be encoded as PNG")
    return png.tobytes()


def _details(experience: Experience) -> dict:
    details = {name: getattr(experience, name) for name in _DETAILS}
    details["held_angles_rad"] = [float(angle) for angle in experience.held_angles_rad]
    for name in _TUPLES:
        details[name] = None if details[name] is None else [float(value) for value in details[name]]
    opening = float(experience.gripper_opening_m)
    details["gripper_opening_m"] = None if math.isnan(opening) else opening
    return details
