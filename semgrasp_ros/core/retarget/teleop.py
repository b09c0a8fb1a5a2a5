"""A person's hand drives a robot's gripper or hand: 21 keypoints a frame in, one bounded command out.

What is seen passes three stages: points that jump are left out for a few frames, the rest is filtered (One-Euro), and the
command moves no faster than the robot may. A frame that cannot be used repeats the last command and says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from semgrasp_ros.core.retarget.hand_keypoints import (
    KeypointConfig,
    KeypointRetargeter,
    checked_keypoints,
    palm_frame,
)
from semgrasp_ros.core.retarget.hand_model import KEYPOINTS, HandKinematics
from semgrasp_ros.core.retarget.robot_check import limits
from semgrasp_ros.core.retarget.robot_file import HandGripper, Robot
from semgrasp_ros.core.retarget.robot_model import build_model
from semgrasp_ros.core.retarget.teleop_filter import OneEuroFilter

THUMB_TIP, INDEX_TIP = 4, 8
FRAMES_FOR_SCALE = 60


@dataclass(frozen=True)
class TeleopConfig:
    """How a hand is followed.

    Attributes:
        side: which hand of the person is seen; a left one moves a robot's fingers as its mirror image.
        scale: size of the robot's hand over the person's; measured over the first frames when None.
        min_cutoff_hz: of the One-Euro filter at rest.
        cutoff_per_speed: Hz for each m/s.
        touching_m: distance of the person's thumb and index tips at which a parallel gripper is closed.
        opening_per_m: opening of the gripper for each metre between the tips beyond that.
        speed_share: of the joints' largest speeds that is used.
        wrist_speed_m_s: largest of the wrist.
        wrist_turn_rad_s: largest of the wrist.
        jump_m: a point that moves farther in one frame, beyond `fastest_m_s`, is not believed.
        fastest_m_s: speed of a hand that is still believed.
        jump_frames: after so many frames in which a point was not believed it is.
        longest_gap_s: after a longer pause the filter begins anew.
        restart_s: time that goes back farther is a new recording; less is a frame that came late.
        longest_step_s: no command moves farther than in this time.
    """

    side: Literal["right", "left"] = "right"
    scale: float | None = None
    min_cutoff_hz: float = 1.5
    cutoff_per_speed: float = 15.0
    touching_m: float = 0.02
    opening_per_m: float = 1.0
    speed_share: float = 0.8
    wrist_speed_m_s: float = 1.0
    wrist_turn_rad_s: float = 4.0
    jump_m: float = 0.05
    fastest_m_s: float = 3.0
    jump_frames: int = 4
    longest_gap_s: float = 0.5
    restart_s: float = 1.0
    longest_step_s: float = 0.1

    def __post_init__(self) -> None:
        if self.side not in ("right", "left"):
            raise ValueError(f"side: {self.side!r} is unknown; use 'right' or 'left'")
        for name in ("opening_per_m", "speed_share", "wrist_speed_m_s", "wrist_turn_rad_s", "longest_step_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; give a positive number")
        if self.jump_frames < 1:
            raise ValueError(f"jump_frames: {self.jump_frames} is below 1; give how many frames to wait")


@dataclass(frozen=True)
class TeleopCommand:
    """Where the robot should go now.

    Attributes:
        stamp_s: of the frame.
        joints: names of the gripper's or hand's joints.
        positions: (n,) metres or radians, within limits, reachable from the last command at the joints' speeds.
        opening_m: between the fingers of a parallel gripper; None for a hand.
        wrist: (4, 4) of the robot's tool frame in the keypoints' frame; None until a palm was seen.
        tip_error_m: mean distance of a hand's tips from where the person's put them; 0 for a gripper.
        valid: whether the frame was used.
        reason: why not, or what was left out of it; "" when nothing was.
    """

    stamp_s: float
    joints: tuple[str, ...]
    positions: np.ndarray
    opening_m: float | None
    wrist: np.ndarray | None
    tip_error_m: float
    valid: bool
    reason: str


class HandTeleop:
    """Follows a person's hand.

    Args:
        robot: from `load_robot`.
        config: how.
        keypoint_config: weights for a robot's hand.
    """

    def __init__(
        self, robot: Robot, config: TeleopConfig | None = None, keypoint_config: KeypointConfig | None = None
    ) -> None:
        self.robot, self.config = robot, config or TeleopConfig()
        if isinstance(robot.gripper, HandGripper):
            self._fingers = _HandFingers(robot, self.config, keypoint_config)
        else:
            self._fingers = _JawFingers(robot, self.config)
        self._filter = OneEuroFilter(self.config.min_cutoff_hz, self.config.cutoff_per_speed)
        self.reset()

    @property
    def joints(self) -> tuple[str, ...]:
        """Names of the joints that are moved."""
        return self._fingers.joints

    def reset(self, positions: np.ndarray | None = None) -> None:
        """Begins anew.

        Args:
            positions: (n,) where the gripper's or hand's joints are now; open when None.

        Raises:
            ValueError: positions have another length or are not finite.
        """
        start = self._fingers.start if positions is None else np.asarray(positions, float)
        if start.shape != self._fingers.start.shape or not np.isfinite(start).all():
            raise ValueError(
                f"positions: {positions!r} are not {len(self._fingers.start)} finite joint values"
            )
        self._positions = np.clip(start, self._fingers.lower, self._fingers.upper)
        self._wrist: np.ndarray | None = None
        self._stamp_s: float | None = None
        self._error_m = 0.0
        self._forget()

    def _forget(self) -> None:
        self._filter.reset()
        self._believed: np.ndarray | None = None
        self._doubts = np.zeros(KEYPOINTS, int)

    def step(self, keypoints: np.ndarray, stamp_s: float) -> TeleopCommand:
        """One frame.

        Args:
            keypoints: (21, 3) metres, MediaPipe's order; NaN for points that are not seen.
            stamp_s: when they were seen.

        Raises:
            ValueError: keypoints have another shape, or the stamp is not finite.
        """
        points = checked_keypoints(keypoints)
        if not np.isfinite(stamp_s):
            raise ValueError(
                f"stamp_s: {stamp_s} is not finite; give the time at which the keypoints were seen"
            )
        config, elapsed_s = self.config, step_seconds(self.config, self._stamp_s, stamp_s)
        if self._stamp_s is not None and stamp_s <= self._stamp_s:
            if self._stamp_s - stamp_s < config.restart_s:
                return self._again(stamp_s, f"the frame is {self._stamp_s - stamp_s:.3f} s late; left out")
            self._forget()
        elif self._stamp_s is not None and stamp_s - self._stamp_s > config.longest_gap_s:
            self._forget()
        self._stamp_s = stamp_s
        points, doubted = self._believe(points, stamp_s)
        points = self._filter.step(points, elapsed_s)
        try:
            palm = palm_frame(points, config.side == "left")
            wanted, wrist, error = self._fingers.follow(points, palm, self._positions)
        except ValueError as problem:
            said = f"{problem}" + (f" ({doubted} points jumped)" if doubted else "")
            return self._again(stamp_s, said)
        reach = self._fingers.speed * config.speed_share * elapsed_s
        step = np.clip(wanted - self._positions, -reach, reach)
        self._positions = np.clip(self._positions + step, self._fingers.lower, self._fingers.upper)
        self._wrist = wrist if self._wrist is None else self._towards(wrist, elapsed_s)
        self._error_m = error
        missing = int(np.isnan(points).any(axis=1).sum())
        reason = f"{missing} of 21 points missing, {doubted} of them for jumping" if missing else ""
        return self._command(stamp_s, True, reason)

    def _believe(self, points: np.ndarray, stamp_s: float) -> tuple[np.ndarray, int]:
        """Points that moved too far at once are NaN for a while; how many."""
        config = self.config
        if self._believed is None:
            self._believed, self._seen_s = points.copy(), np.full(len(points), stamp_s)
            return points, 0
        allowed = config.jump_m + config.fastest_m_s * (stamp_s - self._seen_s)
        jumped = np.linalg.norm(points - self._believed, axis=1) > allowed
        self._doubts = np.where(jumped, self._doubts + 1, 0)
        doubted = jumped & (self._doubts <= config.jump_frames)
        kept = np.where(doubted[:, None], np.nan, points)
        seen = np.isfinite(kept).all(axis=1)
        self._believed = np.where(seen[:, None], kept, self._believed)
        self._seen_s = np.where(seen, stamp_s, self._seen_s)
        return kept, int(doubted.sum())

    def _towards(self, wrist: np.ndarray, elapsed_s: float) -> np.ndarray:
        """As far to the wanted wrist as its speeds allow."""
        import pinocchio

        config, last = self.config, self._wrist
        shift, turn = wrist[:3, 3] - last[:3, 3], pinocchio.log3(wrist[:3, :3] @ last[:3, :3].T)
        shift *= min(1.0, config.wrist_speed_m_s * elapsed_s / max(np.linalg.norm(shift), 1e-12))
        turn = turn * min(1.0, config.wrist_turn_rad_s * elapsed_s / max(np.linalg.norm(turn), 1e-12))
        moved = np.eye(4)
        moved[:3, :3], moved[:3, 3] = pinocchio.exp3(turn) @ last[:3, :3], last[:3, 3] + shift
        return moved

    def _again(self, stamp_s: float, reason: str) -> TeleopCommand:
        return self._command(stamp_s, False, reason)

    def _command(self, stamp_s: float, valid: bool, reason: str) -> TeleopCommand:
        positions, wrist = self._positions.copy(), None if self._wrist is None else self._wrist.copy()
        opening = self._fingers.opening_m(positions)
        return TeleopCommand(stamp_s, self.joints, positions, opening, wrist, self._error_m, valid, reason)


def step_seconds(config: TeleopConfig, last_s: float | None, stamp_s: float) -> float:
    """Seconds that a command may use: since the last frame, within bounds; those of a 30 Hz frame to begin with."""
    if last_s is None or stamp_s <= last_s:
        return 1 / 30
    return min(stamp_s - last_s, config.longest_step_s)


class _HandFingers:
    """Fingers of a robot's hand."""

    def __init__(self, robot: Robot, config: TeleopConfig, keypoint_config: KeypointConfig | None) -> None:
        self._config, self._hand = config, HandKinematics(robot)
        self._follower = KeypointRetargeter(self._hand, keypoint_config)
        self._own = np.linalg.inv(palm_frame(self._hand.keypoints(self._hand.open_rad)))
        self._scales: list[float] = []
        self.joints, self.start = self._hand.joints, self._hand.open_rad
        self.lower, self.upper = self._hand.lower_rad, self._hand.upper_rad
        self.speed = self._hand.velocity_rad_s

    def follow(
        self, points: np.ndarray, palm: np.ndarray, positions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Wanted joints, wrist, error."""
        found = self._follower.solve(points, positions, self._scale(points), self._config.side == "left")
        # A robot's middle knuckle goes to the person's.
        return found.q, palm @ self._own, found.tip_error_m

    def _scale(self, points: np.ndarray) -> float | None:
        if self._config.scale is not None:
            return self._config.scale
        if len(self._scales) < FRAMES_FOR_SCALE:
            measured = self._follower.measured_scale(points)
            if np.isfinite(measured):
                self._scales.append(measured)
        return float(np.median(self._scales)) if self._scales else None

    @staticmethod
    def opening_m(positions: np.ndarray) -> None:
        """A hand has none."""


class _JawFingers:
    """Fingers of a parallel gripper: thumb and index finger."""

    def __init__(self, robot: Robot, config: TeleopConfig) -> None:
        gripper, model = robot.gripper, build_model(robot)
        self._config, self._gripper = config, gripper
        self.joints = gripper.joints
        self.speed = np.array([limits(model, name)[2] for name in self.joints])
        self.lower = np.full(2, gripper.opening_min_m / 2)
        self.upper = np.full(2, gripper.opening_max_m / 2)
        self.start = self.upper.copy()
        self._between: np.ndarray | None = None

    def follow(
        self, points: np.ndarray, palm: np.ndarray, positions: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Wanted joints, wrist, error."""
        config, gripper = self._config, self._gripper
        thumb, index = points[THUMB_TIP], points[INDEX_TIP]
        wanted = positions
        if np.isfinite(thumb).all() and np.isfinite(index).all():
            opening = (np.linalg.norm(thumb - index) - config.touching_m) * config.opening_per_m
            wanted = np.full(2, np.clip(opening, gripper.opening_min_m, gripper.opening_max_m) / 2)
            self._between = palm[:3, :3].T @ ((thumb + index) / 2 - palm[:3, 3])
        elif self._between is None:
            raise ValueError("keypoints: the tips of thumb and index finger are missing")
        # The palm's axes are steadier than the line between the tips: x, out of the palm, is where the thumb closes.
        wrist = palm.copy()
        wrist[:3, 3] = palm[:3, 3] + palm[:3, :3] @ self._between
        return wanted, wrist, 0.0

    @staticmethod
    def opening_m(positions: np.ndarray) -> float:
        """Between the fingers."""
        return float(positions.sum())
