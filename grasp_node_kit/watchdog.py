"""Says within five seconds what a node is waiting for: the most frequent question of users is why nothing happens."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from grasp_node_kit.newest import NewestSlot

PATIENCE_S = 5.0
REPEAT_S = 30.0


class Watchdog:
    """Watches slots that should be fed.

    It counts wall time: with simulated time and no clock nothing would ever be said.
    """

    def __init__(
        self, node: Node, slots: list[NewestSlot], waiting_for: Callable[[], str] | None = None
    ) -> None:
        self._node, self._slots, self._also = node, slots, waiting_for
        self._quiet_s = REPEAT_S
        self._elapsed_s = 0.0
        self.complaint = ""
        self._timer = node.create_timer(1.0, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _look(self) -> None:
        self._elapsed_s += 1.0
        self._quiet_s += 1.0
        lines = [
            self._explain(slot) for slot in self._slots if min(slot.age_s, self._elapsed_s) > PATIENCE_S - 1.0
        ]
        if self._also is not None and (extra := self._also()) and self._elapsed_s > PATIENCE_S - 1.0:
            lines.append(extra)
        complaint = "; ".join(lines)
        if complaint and (complaint != self.complaint or self._quiet_s >= REPEAT_S):
            self._node.get_logger().warning(f"waiting: {complaint}")
            self._quiet_s = 0.0
        if self.complaint and not complaint:
            self._node.get_logger().info("everything that was waited for is there")
        self.complaint = complaint

    def _explain(self, slot: NewestSlot) -> str:
        name = self._node.resolve_topic_name(slot.topic)
        publishers = self._node.get_publishers_info_by_topic(name)
        if not publishers:
            return f"nobody publishes {name}; remap `{slot.topic}` to your topic"
        age = "nothing ever came" if slot.received == 0 else f"nothing for {slot.age_s:.0f} s"
        reliabilities = ", ".join(sorted({p.qos_profile.reliability.name for p in publishers}))
        return f"{age} on {name} from {len(publishers)} publisher(s) ({reliabilities})"
