"""One grasp attempt: what Grasp2Vec learns from."""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Experience:
    """A triplet (pre, post, held) and its circumstances. Failed grasps have no held views and are kept too.

    Attributes:
        robot_id: which robot.
        episode: the episode the attempt belongs to.
        attempt: number within the episode.
        stamp_ns: time of the pre image.
        pre, post: (H, W, 3) uint8 RGB, the scene before and after, of the same size.
        held: views of the held object, (H, W, 3) uint8 RGB each.
        held_angles_rad: wrist angle of each view, relative to the first.
        post_stamp_ns, held_stamps_ns: times of the other images; 0 and none when unknown.
        success: whether something was held at the end.
        gripper_opening_m: between the fingers while held; NaN when unknown.
        grasp_position_m, grasp_orientation_xyzw: tool centre point at the grasp in `base_frame`, or None.
        scene_frame: optical frame of the scene camera.
        commanded_goal: id of the goal that was asked for; empty when anything would do.
        experience_id: 32 hexadecimal digits; made up when empty.
    """

    robot_id: str
    episode: str
    attempt: int
    stamp_ns: int
    pre: np.ndarray
    post: np.ndarray
    held: list[np.ndarray] = field(default_factory=list)
    held_angles_rad: list[float] = field(default_factory=list)
    post_stamp_ns: int = 0
    held_stamps_ns: list[int] = field(default_factory=list)
    success: bool = False
    gripper_opening_m: float = math.nan
    grasp_position_m: tuple[float, float, float] | None = None
    grasp_orientation_xyzw: tuple[float, float, float, float] | None = None
    base_frame: str = ""
    scene_frame: str = ""
    commanded_goal: str = ""
    experience_id: str = ""

    def __post_init__(self) -> None:
        self.experience_id = self.experience_id or uuid.uuid4().hex

    def check(self) -> None:
        """Refuses what could not be learned from.

        Raises:
            ValueError: names the field, its value and what is expected.
        """
        if not self.robot_id:
            raise ValueError("robot_id: is empty; name the robot")
        if not self.episode:
            raise ValueError("episode: is empty; name the episode")
        for name, image in (
            ("pre", self.pre),
            ("post", self.post),
            *((f"held[{i}]", v) for i, v in enumerate(self.held)),
        ):
            if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
                raise ValueError(
                    f"{name}: shape {image.shape} and type {image.dtype} are not an RGB image (H, W, 3) of uint8"
                )
        if self.pre.shape != self.post.shape:
            raise ValueError(
                f"post: size {self.post.shape[1]}x{self.post.shape[0]} differs from pre's {self.pre.shape[1]}x{self.pre.shape[0]}"
            )
        if len(self.held) != len(self.held_angles_rad):
            raise ValueError(
                f"held_angles_rad: {len(self.held_angles_rad)} angles for {len(self.held)} held views"
            )
        if self.success and not self.held:
            raise ValueError("held: is empty although the grasp succeeded; at least one view is needed")
