"""A hand as markers for RViz: its surface, keypoints with bones, and contacts coloured by finger."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from semgrasp_ros.nodes.messages import to_points

# Thumb, index, middle, ring, little finger, palm; apart for colour-blind eyes too (Okabe and Ito's palette).
FINGER_COLOURS = (
    (0.84, 0.37, 0.00),
    (0.90, 0.62, 0.00),
    (0.00, 0.62, 0.45),
    (0.34, 0.71, 0.91),
    (0.80, 0.47, 0.65),
    (0.00, 0.45, 0.70),
)
_SKIN = (0.87, 0.72, 0.62, 0.75)
_GREY = (0.25, 0.25, 0.25, 1.0)
# Pairs of MediaPipe's keypoints that are joined.
BONES = tuple(
    (0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1)
    for finger in range(5)
    for joint in range(4)
)


def hand_markers(
    header: Header,
    vertices: np.ndarray,
    faces: np.ndarray,
    keypoints: np.ndarray,
    contacts: np.ndarray,
    contact_regions: np.ndarray,
) -> MarkerArray:
    """Markers that take the place of all earlier ones.

    Args:
        header: stamp and frame.
        vertices: (V, 3) metres.
        faces: (F, 3).
        keypoints: (21, 3) metres, MediaPipe's order.
        contacts: (K, 3) metres.
        contact_regions: (K,) 0-4 thumb to little finger, 5 palm.
    """
    clear = Marker(header=header, action=Marker.DELETEALL)
    mesh = _marker(header, "hand", Marker.TRIANGLE_LIST, (1.0, 1.0, 1.0), _SKIN)
    mesh.points = to_points(vertices[faces].reshape(-1, 3))
    joints = _marker(header, "keypoints", Marker.SPHERE_LIST, (0.006, 0.006, 0.006), _GREY)
    joints.points = to_points(keypoints)
    bones = _marker(header, "bones", Marker.LINE_LIST, (0.002, 0.0, 0.0), _GREY)
    bones.points = to_points(keypoints[np.array(BONES).reshape(-1)])
    markers = [clear, mesh, joints, bones]
    if len(contacts):
        dots = _marker(header, "contacts", Marker.SPHERE_LIST, (0.004, 0.004, 0.004), _GREY)
        dots.points = to_points(contacts)
        colours = [ColorRGBA(r=r, g=g, b=b, a=1.0) for r, g, b in FINGER_COLOURS]
        dots.colors = [colours[region] for region in contact_regions.tolist()]
        markers.append(dots)
    return MarkerArray(markers=markers)


def _marker(header: Header, name: str, kind: int, size_m: tuple, colour: tuple) -> Marker:
    marker = Marker(header=header, ns=name, id=0, type=kind, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    marker.scale = Vector3(x=size_m[0], y=size_m[1], z=size_m[2])
    marker.color = ColorRGBA(r=colour[0], g=colour[1], b=colour[2], a=colour[3])
    return marker
