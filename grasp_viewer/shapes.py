"""ROS markers as Rerun's shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from visualization_msgs.msg import Marker

from grasp_node_kit.extrinsics import pose_matrix
from grasp_node_kit.limits import check_count

if TYPE_CHECKING:
    from rerun import AsComponents

MOST_POINTS = 500_000


def shape_of(marker: Marker) -> AsComponents | None:
    """What to draw for a marker, in the marker's frame; None for kinds that are not drawn.

    Raises:
        ValueError: too many points, a number of points that does not fit the kind, or a pose that is none.
    """
    import rerun as rr

    check_count(len(marker.points), MOST_POINTS, "marker.points")
    place, colours = _placed(marker), _colours(marker)
    kind = marker.type
    if kind in (Marker.SPHERE_LIST, Marker.POINTS, Marker.CUBE_LIST):
        return rr.Points3D(place(_points(marker)), radii=marker.scale.x / 2, colors=colours)
    if kind == Marker.SPHERE:
        return rr.Points3D(place(np.zeros((1, 3))), radii=marker.scale.x / 2, colors=colours)
    if kind == Marker.TEXT_VIEW_FACING:
        # A point too small to be seen bears the text.
        return rr.Points3D(place(np.zeros((1, 3))), radii=1e-4, labels=marker.text[:200], show_labels=True)
    if kind == Marker.LINE_STRIP:
        return rr.LineStrips3D([place(_points(marker))], radii=marker.scale.x / 2, colors=colours[:1])
    if kind == Marker.LINE_LIST:
        ends = _grouped(place(_points(marker)), 2)
        return rr.LineStrips3D(ends, radii=marker.scale.x / 2, colors=colours[:1])
    if kind == Marker.TRIANGLE_LIST:
        scale = np.array([marker.scale.x, marker.scale.y, marker.scale.z])
        return _mesh(_grouped(place(_points(marker) * scale), 3), colours[0])
    if kind == Marker.CUBE:
        return _box(marker, colours)
    if kind == Marker.ARROW and len(marker.points) == 2:
        start, end = place(_points(marker))
        return rr.Arrows3D(origins=[start], vectors=[end - start], radii=marker.scale.x / 2, colors=colours)
    return None


def _points(marker: Marker) -> np.ndarray:
    return np.array([(p.x, p.y, p.z) for p in marker.points], dtype=float).reshape(-1, 3)


def _placed(marker: Marker) -> object:
    p, q = marker.pose.position, marker.pose.orientation
    quaternion = np.array([q.x, q.y, q.z, q.w])
    length = float(np.linalg.norm(quaternion))
    if not np.isfinite([p.x, p.y, p.z, length]).all() or length == 0:
        raise ValueError(f"marker.pose: {[p.x, p.y, p.z, *quaternion.tolist()]} is no pose")
    matrix = pose_matrix([p.x, p.y, p.z], (quaternion / length).tolist())
    return lambda points: points @ matrix[:3, :3].T + matrix[:3, 3]


def _colours(marker: Marker) -> np.ndarray:
    """One for all, or one for each point; (1 or N, 4) uint8."""
    of_points = len(marker.colors) == len(marker.points) and len(marker.colors) > 0
    listed = marker.colors if of_points else [marker.color]
    values = np.array([(c.r, c.g, c.b, c.a) for c in listed])
    return (np.nan_to_num(values).clip(0.0, 1.0) * 255).astype(np.uint8)


def _grouped(points: np.ndarray, size: int) -> np.ndarray:
    if len(points) == 0 or len(points) % size:
        raise ValueError(f"marker.points: {len(points)} are no groups of {size}")
    return points.reshape(-1, size, 3)


def _mesh(triangles: np.ndarray, colour: np.ndarray) -> AsComponents:
    """Triangles (T, 3, 3); corners in one place are one vertex, so that the surface is shaded smoothly."""
    import rerun as rr

    vertices, indices = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    faces = indices.reshape(-1, 3)
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return rr.Mesh3D(
        vertex_positions=vertices, triangle_indices=faces, vertex_normals=normals, albedo_factor=colour
    )


def _box(marker: Marker, colours: np.ndarray) -> AsComponents:
    import rerun as rr

    p, q, s = marker.pose.position, marker.pose.orientation, marker.scale
    return rr.Boxes3D(
        centers=[(p.x, p.y, p.z)],
        half_sizes=[(s.x / 2, s.y / 2, s.z / 2)],
        quaternions=[rr.Quaternion(xyzw=(q.x, q.y, q.z, q.w))],
        colors=colours,
    )
