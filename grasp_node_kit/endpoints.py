"""What every topic of a node gets: qualities of service that parameters override, and reports of those that disagree.

The parameters are ROS 2's own, for instance `qos_overrides./scene/image.subscription.reliability: reliable`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSPolicyKind, QoSProfile, qos_policy_name_from_kind
from rclpy.qos_overriding_options import QoSOverridingOptions

OVERRIDABLE = (
    QoSPolicyKind.HISTORY,
    QoSPolicyKind.DEPTH,
    QoSPolicyKind.RELIABILITY,
    QoSPolicyKind.DURABILITY,
)


def own_copy(qos: QoSProfile | int) -> QoSProfile | int:
    """A profile that an override may change without changing the package's constants."""
    return QoSProfile(**qos.get_c_qos_profile().to_dict()) if isinstance(qos, QoSProfile) else qos


class Endpoints:
    """Options for the topics of a node, and what went wrong on them.

    Attributes:
        disagreements: by topic, what the other side wants or offers and which parameter mends it.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self.disagreements: dict[str, str] = {}

    def publisher_options(self, topic: str) -> dict[str, Any]:
        """Keyword arguments for `create_publisher`."""
        name = self._node.resolve_topic_name(topic)
        events = PublisherEventCallbacks(
            incompatible_qos=self._reporter(name, "publisher", "a subscriber asks for"),
            use_default_callbacks=False,
        )
        return {
            "event_callbacks": events,
            "qos_overriding_options": QoSOverridingOptions(OVERRIDABLE),
        }

    def subscription_options(
        self, topic: str, on_lost: Callable[[int], None] | None = None
    ) -> dict[str, Any]:
        """Keyword arguments for `create_subscription`; `on_lost` gets the number of messages that were lost."""
        name = self._node.resolve_topic_name(topic)
        events = SubscriptionEventCallbacks(
            incompatible_qos=self._reporter(name, "subscription", "a publisher offers"),
            message_lost=None if on_lost is None else lambda event: on_lost(event.total_count_change),
            use_default_callbacks=False,
        )
        return {
            "event_callbacks": events,
            "qos_overriding_options": QoSOverridingOptions(OVERRIDABLE),
        }

    def _reporter(self, name: str, side: str, other: str) -> Callable[[Any], None]:
        def report(event: Any) -> None:
            policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
            self.disagreements[name] = (
                f"incompatible QoS on {name}: {other} another {policy}, so nothing is exchanged with it;"
                f" set the parameter qos_overrides.{name}.{side}.{policy}"
            )
            self._node.get_logger().warning(self.disagreements[name])

        return report
