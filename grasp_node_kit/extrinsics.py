"""Where the camera is: from TF where tf2_ros is there, from two parameters otherwise."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion
from rclpy.node import Node
from rclpy.time import Time
from transforms3d.quaternions import mat2quat, quat2mat

from grasp2vec_ros.core.options import option
from grasp_node_kit.limits import LONGEST_TEXT
from grasp_node_kit.monitors import Monitor

try:  # comes with a ROS installation, not with PyPI
    from tf2_ros import Buffer, TransformException, TransformListener
except ImportError:
    Buffer = TransformListener = None


# A question that failed longer ago is no news.
RECENT_S = 10.0


@dataclass
class ExtrinsicsConfig:
    """The scene camera in the arm's base frame. With `rotation_xyzw` all zero it is looked up in TF."""

    base_frame: str = option("panda_link0", "frame of the arm's base", read_only=True)
    translation_m: list = field(
        default_factory=lambda: [0.0, 0.0, 0.0],
        metadata={"help": "camera's optical frame in the base frame, x y z [m]", "read_only": True},
    )
    rotation_xyzw: list = field(
        default_factory=lambda: [0.0, 0.0, 0.0, 0.0],
        metadata={"help": "its rotation as a quaternion; all zero: from TF", "read_only": True},
    )


class ExtrinsicsError(RuntimeError):
    """The camera's pose is not known; the message says what to do."""


class Extrinsics(Monitor):
    """Answers where a camera frame is in the base frame."""

    def __init__(self, node: Node, config: ExtrinsicsConfig) -> None:
        self._config = config
        self._static = self._from_parameters()
        self._buffer = None
        self._source, self._problem, self._failed_s = "not asked for yet", "", 0.0
        if self._static is None and Buffer is not None:
            self._buffer = Buffer()
            self._listener = TransformListener(self._buffer, node)

    def _from_parameters(self) -> np.ndarray | None:
        translation, rotation = list(self._config.translation_m), list(self._config.rotation_xyzw)
        if len(translation) != 3:
            raise ValueError(
                f"extrinsics.translation_m: {translation} has {len(translation)} values, expected x y z"
            )
        if len(rotation) != 4:
            raise ValueError(
                f"extrinsics.rotation_xyzw: {rotation} has {len(rotation)} values, expected x y z w"
            )
        norm = float(np.linalg.norm(rotation))
        if norm == 0:
            return None
        if abs(norm - 1) > 1e-2:
            raise ValueError(
                f"extrinsics.rotation_xyzw: {rotation} has length {norm:.3f}, expected a unit quaternion"
            )
        return pose_matrix(translation, np.array(rotation) / norm)

    def base_from_camera(self, camera_frame: str, stamp: Time | None = None) -> np.ndarray:
        """Pose of a camera's optical frame in the base frame, (4, 4).

        Raises:
            ExtrinsicsError: neither parameters nor TF know it.
        """
        try:
            pose = self._look_up(camera_frame, stamp)
        except ExtrinsicsError as error:
            self._source, self._problem, self._failed_s = "unknown", str(error), time.monotonic()
            raise
        self._source, self._problem = "TF" if self._static is None else "parameters", ""
        return pose

    def values(self) -> dict[str, object]:
        """Where the camera's pose is from."""
        return {"camera pose from": self._source}

    def problem(self) -> str:
        """Why the last question could not be answered, if that was a moment ago."""
        return self._problem if time.monotonic() - self._failed_s < RECENT_S else ""

    def clear(self) -> None:
        """Forgets the transforms of a time that is over."""
        if self._buffer is not None:
            self._buffer.clear()

    def _look_up(self, camera_frame: str, stamp: Time | None) -> np.ndarray:
        if self._static is not None:
            return self._static
        if self._buffer is None:
            raise ExtrinsicsError(
                f"extrinsics: the pose of {camera_frame[:LONGEST_TEXT]!r} in {self._config.base_frame!r} is unknown and tf2_ros is"
                " not installed; set the parameters extrinsics.translation_m and extrinsics.rotation_xyzw"
            )
        try:
            found = self._buffer.lookup_transform(self._config.base_frame, camera_frame, stamp or Time())
        except TransformException as error:
            raise ExtrinsicsError(
                f"extrinsics: no transform from {camera_frame[:LONGEST_TEXT]!r} to {self._config.base_frame!r} in TF ({error}); publish it,"
                " or set extrinsics.translation_m and extrinsics.rotation_xyzw"
            ) from error
        t, q = found.transform.translation, found.transform.rotation
        return pose_matrix([t.x, t.y, t.z], [q.x, q.y, q.z, q.w])


def pose_matrix(translation_m: list[float], rotation_xyzw: list[float]) -> np.ndarray:
    """Homogeneous matrix (4, 4) of a translation and a unit quaternion."""
    x, y, z, w = rotation_xyzw
    matrix = np.eye(4)
    matrix[:3, :3] = quat2mat([w, x, y, z])
    matrix[:3, 3] = translation_m
    return matrix


def rotation_xyzw(matrix: np.ndarray) -> list[float]:
    """Quaternion x y z w of the rotation of a (3, 3) or (4, 4) matrix."""
    w, x, y, z = mat2quat(matrix[:3, :3])
    return [float(x), float(y), float(z), float(w)]


def to_pose(matrix: np.ndarray) -> Pose:
    """Message of a pose (4, 4)."""
    x, y, z, w = rotation_xyzw(matrix)
    return Pose(
        position=Point(x=float(matrix[0, 3]), y=float(matrix[1, 3]), z=float(matrix[2, 3])),
        orientation=Quaternion(x=x, y=y, z=z, w=w),
    )


def from_pose(message: PoseStamped, name: str) -> np.ndarray:
    """Pose (4, 4) of a message.

    Raises:
        ValueError: a number is not finite or the quaternion is not of unit length.
    """
    p, q = message.pose.position, message.pose.orientation
    values = np.array([p.x, p.y, p.z, q.x, q.y, q.z, q.w])
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: {values.tolist()} has a number that is not finite")
    norm = float(np.linalg.norm(values[3:]))
    if abs(norm - 1) > 1e-2:
        raise ValueError(f"{name}.pose.orientation: length {norm:.3f}, expected a unit quaternion")
    return pose_matrix(values[:3].tolist(), (values[3:] / norm).tolist())
