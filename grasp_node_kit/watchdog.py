"""Says within five seconds what a node is waiting for: the most frequent question of users is why nothing happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSCompatibility, qos_check_compatible

from grasp_node_kit.newest import NewestSlot

if TYPE_CHECKING:
    from grasp_node_kit.node import KitNode

PATIENCE_S = 5.0
REPEAT_S = 30.0


class Watchdog:
    """Watches the inputs of an active node: topics, publishers, QoS, sync, frames, and what the node itself misses.

    It counts wall time: with simulated time and no clock nothing would ever be said.
    """

    def __init__(self, node: KitNode) -> None:
        self._node = node
        self._quiet_s = REPEAT_S
        self._elapsed_s = 0.0
        self.complaint = ""
        node.create_timer(1.0, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _look(self) -> None:
        if not self._node.active:
            self._elapsed_s, self.complaint = 0.0, ""
            return
        self._elapsed_s += 1.0
        self._quiet_s += 1.0
        complaint = "; ".join(self._complaints())
        if complaint and (complaint != self.complaint or self._quiet_s >= REPEAT_S):
            self._node.get_logger().warning(f"waiting: {complaint}")
            self._quiet_s = 0.0
        if self.complaint and not complaint:
            self._node.get_logger().info("everything that was waited for is there")
        self.complaint = complaint

    def _complaints(self) -> list[str]:
        impatient = self._elapsed_s > PATIENCE_S - 1.0
        lines = [
            self._explain(slot)
            for slot in self._node.needs()
            if min(slot.age_s, self._elapsed_s) > PATIENCE_S - 1.0
        ]
        if impatient:
            lines += [monitor.problem() for monitor in self._node.monitors]
            lines.append(self._node.waiting_for())
        return [line for line in lines if line]

    def _explain(self, slot: NewestSlot) -> str:
        name = self._node.topic_of(slot)
        publishers = self._node.get_publishers_info_by_topic(name)
        if not publishers:
            return f"nobody publishes {name}; remap `{slot.topic}` to your topic"
        age = "nothing ever came" if slot.received == 0 else f"nothing for {slot.age_s:.0f} s"
        reliabilities = ", ".join(sorted({p.qos_profile.reliability.name for p in publishers}))
        line = f"{age} on {name} from {len(publishers)} publisher(s) ({reliabilities})"
        for publisher in publishers if slot.subscription is not None else []:
            if publisher.topic_type != _type_name(slot.subscription.msg_type):
                return f"{line}; its type is {publisher.topic_type}, {_type_name(slot.subscription.msg_type)} is expected"
            compatibility, reason = qos_check_compatible(publisher.qos_profile, slot.subscription.qos_profile)
            if compatibility == QoSCompatibility.ERROR:
                return f"{line}; incompatible QoS: {reason.strip()} Set qos_overrides.{name}.subscription.reliability or .durability"
        return line


def _type_name(kind: type) -> str:
    return f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"
