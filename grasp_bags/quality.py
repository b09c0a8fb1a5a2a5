"""Quality of service between rclpy and the notes of a bag."""

from __future__ import annotations

from collections.abc import Sequence

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosbags.interfaces import Qos, QosDurability, QosHistory, QosLiveliness, QosReliability, QosTime

# A burst, as the several messages of one moment, must fit.
DEPTH = 100
_FOREVER = QosTime(2147483647, 4294967295)


def to_hear(offered: Sequence[QoSProfile]) -> QoSProfile:
    """The strictest quality that hears all publishers of a topic.

    Args:
        offered: the publishers' qualities, at least one.
    """
    reliable = all(each.reliability == ReliabilityPolicy.RELIABLE for each in offered)
    latched = all(each.durability == DurabilityPolicy.TRANSIENT_LOCAL for each in offered)
    return _profile(reliable, latched)


def to_note(profile: QoSProfile) -> Qos:
    """What a bag keeps of a quality."""
    latched = profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    reliable = profile.reliability == ReliabilityPolicy.RELIABLE
    return Qos(
        history=QosHistory.KEEP_LAST,
        depth=DEPTH,
        reliability=QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        deadline=_FOREVER,
        lifespan=_FOREVER,
        liveliness=QosLiveliness.AUTOMATIC,
        liveliness_lease_duration=_FOREVER,
        avoid_ros_namespace_conventions=False,
    )


def to_offer(notes: Sequence[Qos]) -> QoSProfile:
    """The quality to play a topic with; reliable when the bag does not say."""
    reliable = all(note.reliability != QosReliability.BEST_EFFORT for note in notes)
    latched = bool(notes) and all(note.durability == QosDurability.TRANSIENT_LOCAL for note in notes)
    return _profile(reliable, latched)


def _profile(reliable: bool, latched: bool) -> QoSProfile:
    return QoSProfile(
        depth=DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )
