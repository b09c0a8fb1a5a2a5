"""A node's state on /diagnostics, once a second of wall time, whatever state it is in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType

from grasp_node_kit.newest import NewestSlot
from grasp_node_kit.qos import RESULT

if TYPE_CHECKING:
    from grasp_node_kit.node import KitNode

TOPIC = "/diagnostics"
PERIOD_S = 1.0
STALE_S = 5.0
LONGEST_VALUE = 1000


class Diagnostics:
    """Publishes what a node knows about itself."""

    def __init__(self, node: KitNode) -> None:
        self._node = node
        # Not managed: an operator wants to see the inactive node too.
        self._publisher = node.create_plain_publisher(DiagnosticArray, TOPIC, RESULT)
        node.create_timer(PERIOD_S, self.publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def publish(self) -> None:
        """Sends one message."""
        message = DiagnosticArray(status=[self.status()])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)

    def status(self) -> DiagnosticStatus:
        """The state now."""
        node = self._node
        level, text = self._verdict()
        values: dict[str, object] = {"state": node.state}
        for slot in node.slots():
            values |= _of_slot(slot)
        for monitor in node.monitors:
            values |= monitor.values()
        values |= node.report()
        values["waiting for"] = node.complaint
        values["incompatible QoS"] = "; ".join(node.endpoints.disagreements.values())
        return DiagnosticStatus(
            level=level,
            name=node.get_fully_qualified_name(),
            message=text,
            hardware_id=node.get_namespace(),
            values=[KeyValue(key=key, value=str(value)[:LONGEST_VALUE]) for key, value in values.items()],
        )

    def _verdict(self) -> tuple[bytes, str]:
        node = self._node
        if node.problem:
            return DiagnosticStatus.ERROR, f"not configured: {node.problem}"
        if not node.active:
            return DiagnosticStatus.OK, node.state
        stale = [slot.topic for slot in node.slots() if slot.age_s > STALE_S]
        worries = [node.complaint] if node.complaint else []
        worries += [f"no recent {', '.join(stale)}"] if stale and not node.complaint else []
        worries += node.endpoints.disagreements.values()
        return (DiagnosticStatus.WARN, "; ".join(worries)) if worries else (DiagnosticStatus.OK, "ok")


def _of_slot(slot: NewestSlot) -> dict[str, object]:
    return {
        f"{slot.topic} age [s]": f"{slot.age_s:.2f}",
        f"{slot.topic} rate [Hz]": f"{slot.rate_hz:.2f}",
        f"{slot.topic} received": slot.received,
        f"{slot.topic} replaced unseen": slot.replaced,
        f"{slot.topic} lost": slot.lost,
    }
