"""Where the goal is, as markers for RViz: a ball at the heatmap's peak, and the goal's name and score over it."""

from __future__ import annotations

from geometry_msgs.msg import Vector3
from semantic_grasping.msg import GoalHeatmap
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

BALL_M = 0.02
TEXT_M = 0.03
TEXT_ABOVE_M = 0.06
# From a score of 0 to one of 1; the ends stay apart for colour-blind eyes (Okabe and Ito's palette).
_UNLIKE, _LIKE = (0.00, 0.45, 0.70), (0.90, 0.62, 0.00)


def peak_markers(info: GoalHeatmap, label: str) -> MarkerArray:
    """Markers that take the place of all earlier ones; without a 3-D point there are none.

    Args:
        info: the heatmap's peak.
        label: of the goal, for people; empty: its id.
    """
    markers = [Marker(header=info.header, action=Marker.DELETEALL)]
    if info.point_valid:
        ball = _marker(info, "peak", Marker.SPHERE, BALL_M)
        ball.color = _colour(info.peak_score)
        text = _marker(info, "text", Marker.TEXT_VIEW_FACING, TEXT_M)
        text.pose.position.z += TEXT_ABOVE_M
        text.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
        text.text = f"{label or info.goal_id} {info.peak_score:.2f}"
        markers += [ball, text]
    return MarkerArray(markers=markers)


def _marker(info: GoalHeatmap, name: str, kind: int, size_m: float) -> Marker:
    marker = Marker(header=info.point.header, ns=name, id=0, type=kind, action=Marker.ADD)
    point = info.point.point
    marker.pose.position.x, marker.pose.position.y, marker.pose.position.z = point.x, point.y, point.z
    marker.pose.orientation.w = 1.0
    marker.scale = Vector3(x=size_m, y=size_m, z=size_m)
    return marker


def _colour(score: float) -> ColorRGBA:
    share = min(1.0, max(0.0, score))
    r, g, b = (low + share * (high - low) for low, high in zip(_UNLIKE, _LIKE, strict=True))
    return ColorRGBA(r=r, g=g, b=b, a=0.9)
