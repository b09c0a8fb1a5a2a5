"""Between the core's data and the package's messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from geometry_msgs.msg import Point, Point32, Vector3
from semantic_grasping.msg import HandGrasp
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Header

from grasp_node_kit.extrinsics import to_pose
from grasp_node_kit.images import image_to_array
from grasp_node_kit.limits import check_count, check_text
from semgrasp_ros.core.cloud.packed import PackedCloud, PackedField, ReadCloud, read_packed

if TYPE_CHECKING:
    from semgrasp_ros.core.pipeline import Candidate

_MASKS = ("mono8", "8UC1")
# x, y, z, a normal, a colour and whatever else a driver knows about a point.
MOST_FIELDS = 64


def cloud_to_arrays(message: PointCloud2, name: str = "cloud") -> ReadCloud:
    """Points and normals of a message.

    Raises:
        ValueError: names the field that is wrong, its value and what is expected.
    """
    check_count(len(message.fields), MOST_FIELDS, f"{name}.fields")
    for field in message.fields:
        check_text(field.name, f"{name}.fields")
    packed = PackedCloud(
        fields=tuple(PackedField(f.name, f.offset, f.datatype, f.count) for f in message.fields),
        height=message.height,
        width=message.width,
        point_step=message.point_step,
        row_step=message.row_step,
        is_bigendian=message.is_bigendian,
        data=memoryview(message.data),
    )
    return read_packed(packed, name)


def arrays_to_cloud(points: np.ndarray, normals: np.ndarray | None = None) -> PointCloud2:
    """A message of points (N, 3) or, organised, (H, W, 3), and normals alike; float32, its header left empty."""
    from sensor_msgs.msg import PointField

    values = points if normals is None else np.concatenate([points, normals], axis=-1)
    values = values[None] if values.ndim == 2 else values
    names = ("x", "y", "z", "normal_x", "normal_y", "normal_z")[: values.shape[2]]
    message = PointCloud2(
        height=values.shape[0], width=values.shape[1], is_dense=bool(np.isfinite(values).all())
    )
    message.fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(names)
    ]
    message.point_step = 4 * len(names)
    message.row_step = message.point_step * message.width
    message.data = values.astype("<f4").tobytes()
    return message


def image_to_mask(message: Image, name: str = "mask") -> np.ndarray:
    """Where a mask is not 0, (H, W) bool.

    Raises:
        ValueError: of another encoding, or inconsistent.
    """
    if message.encoding not in _MASKS:
        raise ValueError(
            f"{name}.encoding: {message.encoding[:40]!r} is no mask; expected {' or '.join(_MASKS)}"
        )
    plain = Image(height=message.height, width=message.width, step=message.step, encoding="mono8")
    plain.data = message.data
    return image_to_array(plain, name) != 0


def to_points(values: np.ndarray) -> list[Point]:
    """Point messages of (N, 3)."""
    return [Point(x=x, y=y, z=z) for x, y, z in np.asarray(values, dtype=float).tolist()]


def hand_grasp_message(
    candidate: Candidate,
    header: Header,
    instruction: str,
    part: str,
    manner: str,
    hand_source: str,
    model_version: str,
) -> HandGrasp:
    """A candidate as a message.

    Args:
        candidate: in the frame of `header`.
        header: stamp and frame of the cloud.
        instruction: what was asked.
        part: asked for by name, or empty.
        manner: asked for by name, or empty.
        hand_source: as `HandModel.source`.
        model_version: of the checkpoint.
    """
    return HandGrasp(
        header=header,
        instruction=instruction,
        tokens=np.asarray(candidate.tokens, dtype=np.int32),
        wrist=to_pose(np.asarray(candidate.wrist, dtype=float)),
        joint_rotations=[
            Vector3(x=x, y=y, z=z) for x, y, z in np.asarray(candidate.joint_rotations, dtype=float).tolist()
        ],
        shape=np.asarray(candidate.shape, dtype=np.float32),
        keypoints=to_points(candidate.keypoints),
        part=part,
        manner=manner,
        part_points=[Point32(x=x, y=y, z=z) for x, y, z in np.asarray(candidate.part.points, float).tolist()],
        part_probabilities=np.asarray(candidate.part.probability, np.float32),
        touches=[str(part or "") for part in candidate.touches] if len(candidate.touches) else [""] * 6,
        score_names=[str(name) for name in candidate.scores],
        score_values=[float(value) for value in candidate.scores.values()],
        why=candidate.why,
        hand_source=hand_source,
        model_version=model_version,
    )
