"""Reads points that are packed as in sensor_msgs/PointCloud2; knows bytes and numpy, no ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FLOAT32, FLOAT64 = 7, 8
_FORMATS = {FLOAT32: "f4", FLOAT64: "f8"}
# A cloud larger than this is a mistake or an attack, not a camera.
MOST_POINTS = 8_000_000
_XYZ = ("x", "y", "z")
_NORMAL = ("normal_x", "normal_y", "normal_z")


@dataclass(frozen=True)
class PackedField:
    """One number of each point: name, offset in the point [bytes], datatype (7 float32, 8 float64), count."""

    name: str
    offset: int
    datatype: int
    count: int = 1


@dataclass(frozen=True)
class PackedCloud:
    """The content of a PointCloud2: rows of points, `row_step` and `point_step` bytes apart."""

    fields: tuple[PackedField, ...]
    height: int
    width: int
    point_step: int
    row_step: int
    is_bigendian: bool
    data: bytes | memoryview


@dataclass(frozen=True)
class ReadCloud:
    """Points (H, W, 3) float64 in the sender's unit, metres by REP 103, and normals alike, or None without them."""

    points: np.ndarray
    normals: np.ndarray | None


def read_packed(cloud: PackedCloud, name: str = "cloud") -> ReadCloud:
    """Reads x y z and, where they are there, normals. Points that are not finite are kept as they are.

    Args:
        cloud: of a message.
        name: of the field or topic, for messages.

    Raises:
        ValueError: names the field that is wrong, its value and what is expected.
    """
    _check_layout(cloud, name)
    points = _read(cloud, _XYZ, name)
    has_normals = set(_NORMAL) <= {field.name for field in cloud.fields}
    return ReadCloud(points, _read(cloud, _NORMAL, name) if has_normals else None)


def _check_layout(cloud: PackedCloud, name: str) -> None:
    if cloud.height == 0 or cloud.width == 0:
        raise ValueError(f"{name}: is empty ({cloud.width}x{cloud.height} points); check what publishes it")
    if cloud.height * cloud.width > MOST_POINTS:
        raise ValueError(f"{name}: {cloud.width}x{cloud.height} points are more than {MOST_POINTS}")
    if cloud.point_step == 0:
        raise ValueError(f"{name}.point_step: is 0; it is the number of bytes of a point")
    if cloud.row_step < cloud.width * cloud.point_step:
        raise ValueError(
            f"{name}.row_step: {cloud.row_step} bytes a row are too few for width * point_step ="
            f" {cloud.width} * {cloud.point_step}"
        )
    if len(cloud.data) != cloud.height * cloud.row_step:
        raise ValueError(
            f"{name}.data: {len(cloud.data)} bytes, expected height * row_step = {cloud.height * cloud.row_step}"
        )


def _read(cloud: PackedCloud, wanted: tuple[str, ...], name: str) -> np.ndarray:
    order = ">" if cloud.is_bigendian else "<"
    fields = {field.name: field for field in reversed(cloud.fields)}  # of two of a name, the first
    columns = []
    for axis in wanted:
        if axis not in fields:
            there = ", ".join(field.name for field in cloud.fields[:20]) or "none"
            raise ValueError(
                f"{name}.fields: {axis!r} is missing; there are {there}, and x, y and z are needed"
            )
        field = fields[axis]
        if field.datatype not in _FORMATS:
            raise ValueError(
                f"{name}.fields: {axis!r} has datatype {field.datatype}; use {FLOAT32} (float32) or {FLOAT64} (float64)"
            )
        kind = np.dtype(order + _FORMATS[field.datatype])
        if field.offset + kind.itemsize > cloud.point_step:
            raise ValueError(
                f"{name}.fields: {axis!r} at offset {field.offset} with {kind.itemsize} bytes does not fit into"
                f" point_step = {cloud.point_step}"
            )
        columns.append(
            np.ndarray(
                (cloud.height, cloud.width),
                kind,
                cloud.data,
                field.offset,
                (cloud.row_step, cloud.point_step),
            )
        )
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        return np.stack(columns, axis=-1).astype(float)
