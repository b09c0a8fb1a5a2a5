"""A robot's grasp as markers for RViz: its gripper at the grasp, the straight approach, and its numbers."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from grasp_node_kit.extrinsics import to_pose
from semgrasp_ros.core.retarget.robot_file import ParallelGripper
from semgrasp_ros.nodes.messages import to_points

# Apart for colour-blind eyes (Okabe and Ito's palette).
_STEEL, _BLUE, _WHITE = (0.35, 0.38, 0.42, 0.8), (0.00, 0.45, 0.70, 1.0), (1.0, 1.0, 1.0, 1.0)
ARROW_M = (0.006, 0.012, 0.02)
TIP_M = 0.02
TEXT_M = 0.02
TEXT_ABOVE_M = 0.05


def grasp_markers(
    header: Header,
    tool: np.ndarray,
    pregrasp: np.ndarray,
    shapes: list[tuple[np.ndarray, tuple[float, float, float]]],
    tips: np.ndarray,
    text: str,
) -> MarkerArray:
    """Markers that take the place of all earlier ones.

    Args:
        header: stamp and frame.
        tool: (4, 4) at the grasp.
        pregrasp: (4, 4) before it.
        shapes: boxes of the gripper in the tool's frame: pose (4, 4) and edges [m].
        tips: (K, 3) of a hand's fingers in the tool's frame.
        text: for people.
    """
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    for number, (pose, size_m) in enumerate(shapes):
        box = _marker(header, "gripper", number, Marker.CUBE, size_m, _STEEL)
        box.pose = to_pose(tool @ pose)
        markers.append(box)
    if len(tips):
        balls = _marker(header, "tips", 0, Marker.SPHERE_LIST, (TIP_M,) * 3, _STEEL)
        balls.points = to_points(tips @ tool[:3, :3].T + tool[:3, 3])
        markers.append(balls)
    arrow = _marker(header, "approach", 0, Marker.ARROW, ARROW_M, _BLUE)
    arrow.points = to_points(np.stack([pregrasp[:3, 3], tool[:3, 3]]))
    label = _marker(header, "text", 0, Marker.TEXT_VIEW_FACING, (0.0, 0.0, TEXT_M), _WHITE)
    label.pose = to_pose(tool)
    label.pose.position.z += TEXT_ABOVE_M
    label.text = text
    return MarkerArray(markers=[*markers, arrow, label])


def no_markers(header: Header) -> MarkerArray:
    """Takes away what was shown."""
    return MarkerArray(markers=[Marker(header=header, action=Marker.DELETEALL)])


def jaw_shapes(
    gripper: ParallelGripper, opening_m: float
) -> list[tuple[np.ndarray, tuple[float, float, float]]]:
    """Palm and two fingers in the tool's frame."""
    finger = (gripper.finger_thickness_m, gripper.finger_width_m, gripper.finger_length_m)
    palm = (gripper.palm_width_m, gripper.palm_thickness_m, gripper.palm_depth_m)
    root = gripper.beyond_tool_m - gripper.finger_length_m
    aside, middle = (opening_m + gripper.finger_thickness_m) / 2, root + gripper.finger_length_m / 2
    places = [((0, 0, root - gripper.palm_depth_m / 2), palm)]
    places += [((side * aside, 0, middle), finger) for side in (-1, 1)]
    return [(_at(place), size) for place, size in places]


def _at(place: tuple[float, float, float]) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, 3] = place
    return pose


def _marker(header: Header, name: str, number: int, kind: int, size_m: tuple, colour: tuple) -> Marker:
    marker = Marker(header=header, ns=name, id=number, type=kind, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    marker.scale = Vector3(x=float(size_m[0]), y=float(size_m[1]), z=float(size_m[2]))
    marker.color = ColorRGBA(r=colour[0], g=colour[1], b=colour[2], a=colour[3])
    return marker
