"""From 21 keypoints of a person's hand to the joints of a robot's: one frame, no object.

Fingertips go where the person's are, seen from the palm and scaled to the robot's hand; where a finger comes near to the
thumb, their distance counts as it is, so that a pinch closes (after DexPilot, Handa et al. 2020,
https://arxiv.org/abs/1910.03135); bones keep their direction as far as that leaves them free.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.hand_model import FINGERS, KEYPOINTS, HandKinematics, Points
from semgrasp_ros.core.retarget.hand_solver import minimise

WRIST = 0
INDEX_KNUCKLE, MIDDLE_KNUCKLE, RING_KNUCKLE = 5, 9, 13
SHORTEST_M = 1e-3
# Lengths of these fingers give the scale: a thumb's base is ill defined.
MEASURED = ("index", "middle", "ring")


@dataclass(frozen=True)
class KeypointConfig:
    """Weights of one frame's objective.

    Attributes:
        tip_weight: of fingertip positions, per metre.
        bone_weight: of the directions of bones, per metre of the robot's bone.
        pinch_weight: of the vectors from the thumb's tip to the others', when they are near.
        pinch_begins_m: a distance between human tips from which on these vectors begin to count.
        pinch_whole_m: and at which they count wholly.
        stay_weight: of staying at the previous joint values, per radian.
        iterations: at most.
        scale: size of the robot's hand over the person's; measured from the bones when None.
    """

    tip_weight: float = 1.0
    bone_weight: float = 0.1
    pinch_weight: float = 5.0
    pinch_begins_m: float = 0.06
    pinch_whole_m: float = 0.035
    stay_weight: float = 2e-4
    iterations: int = 12
    scale: float | None = None

    def __post_init__(self) -> None:
        if self.scale is not None and not 0.2 <= self.scale <= 5:
            raise ValueError(
                f"scale: {self.scale} is outside 0.2 to 5; give robot hand over human hand, or None"
            )
        if not 0 <= self.pinch_whole_m < self.pinch_begins_m:
            raise ValueError(
                f"pinch_whole_m: {self.pinch_whole_m} is not below pinch_begins_m {self.pinch_begins_m}"
            )


@dataclass(frozen=True)
class KeypointResult:
    """Joints for one frame.

    Attributes:
        q: (n,) in the order of the hand's joints, within limits.
        tip_error_m: mean distance of the robot's tips from where they should be.
        tips_m: (F, 3) where they should be, palm frame, NaN for fingers that were not seen.
        scale: that was used.
        at_limits: names of joints at a limit.
        iterations: of the solver.
    """

    q: np.ndarray
    tip_error_m: float
    tips_m: np.ndarray
    scale: float
    at_limits: tuple[str, ...]
    iterations: int


def palm_frame(keypoints: np.ndarray, left: bool = False) -> np.ndarray:
    """The palm of a hand.

    Args:
        keypoints: (21, 3) metres, MediaPipe's order.
        left: whether it is a left hand.

    Returns:
        (4, 4): x out of the palm, z along the stretched fingers, origin at the middle knuckle.

    Raises:
        ValueError: wrist or knuckles are missing or lie on a line.
    """
    wrist, index, middle, ring = keypoints[[WRIST, INDEX_KNUCKLE, MIDDLE_KNUCKLE, RING_KNUCKLE]]
    z = (index + middle + ring) / 3 - wrist
    y = (ring - index) if left else (index - ring)
    length = np.linalg.norm(z)
    if not length > SHORTEST_M:
        raise ValueError("keypoints: wrist and knuckles are missing or in one place; the palm cannot be told")
    z = z / length
    y = y - (y @ z) * z
    width = np.linalg.norm(y)
    if not width > SHORTEST_M:
        raise ValueError("keypoints: wrist and knuckles lie on a line; the palm cannot be told")
    y = y / width
    frame = np.eye(4)
    frame[:3, :3], frame[:3, 3] = np.stack([np.cross(y, z), y, z], axis=1), middle
    return frame


def checked_keypoints(keypoints: np.ndarray) -> np.ndarray:
    """Keypoints as float64; a point with any value that is not finite is NaN.

    Raises:
        ValueError: they are not (21, 3) numbers.
    """
    points = np.array(keypoints, dtype=float)
    if points.shape != (KEYPOINTS, 3):
        raise ValueError(
            f"keypoints: shape {points.shape} does not fit; use (21, 3), MediaPipe's order, metres"
        )
    points[~np.isfinite(points).all(axis=1)] = np.nan
    return points


def finger_lengths(keypoints: np.ndarray) -> np.ndarray:
    """Lengths of index, middle and ring finger (3,) from knuckle to tip along their bones; NaN when not seen."""
    first = np.array([1 + 4 * FINGERS.index(finger) for finger in MEASURED])
    bones = [keypoints[first + i + 1] - keypoints[first + i] for i in range(3)]
    return np.sum([np.linalg.norm(bone, axis=1) for bone in bones], axis=0)


class KeypointRetargeter:
    """Follows a person's fingers with a robot's.

    Args:
        hand: of the robot.
        config: of the objective.
    """

    def __init__(self, hand: HandKinematics, config: KeypointConfig | None = None) -> None:
        self.hand, self.config = hand, config or KeypointConfig()
        own = hand.keypoints(hand.open_rad)
        self._own_frame = palm_frame(own)
        self._own_length = float(np.nanmean(finger_lengths(own)))
        posture = hand.pose(hand.open_rad)
        starts, ends = (hand.place(posture, side) for side in hand.bones)
        self._bone_lengths = np.linalg.norm(ends - starts, axis=1)
        self._first = np.array([1 + 4 * FINGERS.index(finger) for finger in hand.fingers])
        self._thumb = hand.fingers.index("thumb")

    def measured_scale(self, keypoints: np.ndarray) -> float:
        """Size of the robot's hand over that of these keypoints; NaN when no finger is seen whole."""
        lengths = finger_lengths(keypoints)
        seen = np.isfinite(lengths) & (lengths > SHORTEST_M)
        return self._own_length / float(lengths[seen].mean()) if seen.any() else float("nan")

    def solve(
        self,
        keypoints: np.ndarray,
        q0: np.ndarray | None = None,
        scale: float | None = None,
        left: bool = False,
    ) -> KeypointResult:
        """Joints for one frame.

        Args:
            keypoints: (21, 3) metres, any frame; NaN for points that were not seen.
            q0: (n,) previous joint values; the open hand when None.
            scale: in place of the configured or measured one.
            left: whether it is a left hand; the robot's then mirrors it.

        Raises:
            ValueError: keypoints have another shape, or the palm or every finger is missing.
        """
        points = checked_keypoints(keypoints)
        problem = self.problem(points, q0, scale, left)
        hand = self.hand
        start = (
            hand.open_rad if q0 is None else np.clip(np.asarray(q0, float), hand.lower_rad, hand.upper_rad)
        )
        found = minimise(problem, start, self.config.iterations, tolerance=1e-3)
        q = found.state
        tips = hand.place(hand.pose(q), hand.tips)
        error = float(np.nanmean(np.linalg.norm(tips - problem.tips_m, axis=1)))
        near = np.minimum(q - hand.lower_rad, hand.upper_rad - q) < 1e-6
        at = tuple(name for name, there in zip(hand.joints, near, strict=True) if there)
        return KeypointResult(q, error, problem.tips_m, problem.scale, at, found.iterations)

    def problem(
        self, points: np.ndarray, q0: np.ndarray | None, scale: float | None, left: bool
    ) -> KeypointProblem:
        """The least squares of one frame; arguments as of `solve`."""
        frame = palm_frame(points, left)
        local = (points - frame[:3, 3]) @ frame[:3, :3]
        if left:
            local = local * (1.0, -1.0, 1.0)  # as its mirror image
        scale = scale or self.config.scale or self.measured_scale(points)
        if not np.isfinite(scale):
            raise ValueError("keypoints: no finger is seen whole; give the scale, or a frame that shows one")
        own = self._own_frame
        tips = scale * local[self._first + 3] @ own[:3, :3].T + own[:3, 3]
        if not np.isfinite(tips).any():
            raise ValueError("keypoints: every fingertip of the robot's fingers is missing")
        start = self._first[self.hand.bone_finger] + self.hand.bone_index
        bones = (local[start + 1] - local[start]) @ own[:3, :3].T
        lengths = np.linalg.norm(bones, axis=1, keepdims=True)
        bones = np.where(lengths > SHORTEST_M, bones / np.maximum(lengths, SHORTEST_M), np.nan)
        # Bones alone would pull a finger elsewhere than its tip did before it was lost.
        bones[np.isnan(tips[self.hand.bone_finger, 0])] = np.nan
        between = (local[self._first + 3] - local[self._first[self._thumb] + 3]) @ own[:3, :3].T
        previous = self.hand.open_rad if q0 is None else np.asarray(q0, float)
        return KeypointProblem(
            self.hand, self.config, tips, bones * self._bone_lengths[:, None], between, previous, scale
        )


class KeypointProblem:
    """Least squares of one frame in the joint values.

    Args:
        hand: of the robot.
        config: weights.
        tips_m: (F, 3) where tips should be, palm frame; NaN for unknown.
        bones_m: (B, 3) wanted vectors of the hand's bones; NaN for unknown.
        between_m: (F, 3) from the person's thumb tip to each tip, not scaled, palm axes.
        previous: (n,) joint values to stay near to.
        scale: that made the tips.
    """

    def __init__(
        self,
        hand: HandKinematics,
        config: KeypointConfig,
        tips_m: np.ndarray,
        bones_m: np.ndarray,
        between_m: np.ndarray,
        previous: np.ndarray,
        scale: float,
    ) -> None:
        self.hand, self.config, self.tips_m, self.scale = hand, config, tips_m, scale
        self._previous = previous
        # All points in one go: that is most of a frame's time.
        parts = (hand.tips, *hand.bones)
        self._points = Points(
            np.concatenate([part.joint for part in parts]), np.concatenate([part.local_m for part in parts])
        )
        self._splits = np.cumsum([len(part.joint) for part in parts])[:-1]
        self._seen = np.flatnonzero(np.isfinite(tips_m[:, 0]))
        self._bones = np.flatnonzero(np.isfinite(bones_m[:, 0]))
        self._bones_m = bones_m[self._bones]
        self._set_pinches(between_m)

    def _set_pinches(self, between_m: np.ndarray) -> None:
        hand, config = self.hand, self.config
        self._thumb = hand.fingers.index("thumb")
        distance = np.linalg.norm(between_m, axis=1)
        share = (config.pinch_begins_m - distance) / (config.pinch_begins_m - config.pinch_whole_m)
        share = np.clip(np.nan_to_num(share), 0, 1)
        share[self._thumb] = 0
        self._pinched = np.flatnonzero(share > 0)
        # Smooth at both ends, so that no finger jumps as it comes near.
        self._pinch_weight = config.pinch_weight * (share * share * (3 - 2 * share))[self._pinched]
        # The robot's tips touch when their centres are two radii apart; a person's tips then are about as far.
        wanted = np.maximum(distance, 2 * hand.tip_radius_m) / np.maximum(distance, SHORTEST_M)
        self._between_m = (between_m * wanted[:, None])[self._pinched]

    def linearise(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residuals (m,) and Jacobian (m, n)."""
        hand, config = self.hand, self.config
        posture = hand.pose(q)
        placed = hand.place(posture, self._points)
        moving = hand.moving(posture, self._points.joint, placed)
        tips, starts, ends = np.split(placed, self._splits)
        tip_moving, start_moving, end_moving = np.split(moving, self._splits)
        seen, bones, pinched = self._seen, self._bones, self._pinched
        weight = self._pinch_weight[:, None]
        residuals = [
            config.tip_weight * (tips[seen] - self.tips_m[seen]),
            config.bone_weight * ((ends - starts)[bones] - self._bones_m),
            weight * (tips[pinched] - tips[self._thumb] - self._between_m),
        ]
        jacobians = [
            config.tip_weight * tip_moving[seen],
            config.bone_weight * (end_moving - start_moving)[bones],
            weight[..., None] * (tip_moving[pinched] - tip_moving[self._thumb]),
        ]
        count = len(q)
        return (
            np.concatenate([*(r.ravel() for r in residuals), config.stay_weight * (q - self._previous)]),
            np.concatenate([*(j.reshape(-1, count) for j in jacobians), config.stay_weight * np.eye(count)]),
        )

    def move(self, q: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Joint values after a step, within limits."""
        return np.clip(q + step, self.hand.lower_rad, self.hand.upper_rad)

    def held(self, q: np.ndarray, descent: np.ndarray) -> np.ndarray:
        """Joints at a limit that would be pushed beyond it."""
        hand = self.hand
        return ((q <= hand.lower_rad) & (descent < 0)) | ((q >= hand.upper_rad) & (descent > 0))
