"""Says within five seconds what a node is waiting for: the most frequent question of users is why nothing happens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rclpy.clock import Clock, ClockType
from rclpy.qos import QoSCompatibility, qos_check_compatible

from grasp_node_kit.newest import NewestSlot
from grasp_node_kit.waits import Waits

if TYPE_CHECKING:
    from grasp_node_kit.node import KitNode

PATIENCE_S = 5.0


class Watchdog:
    """Watches the inputs of an active node: topics, publishers, QoS, sync, frames, and what the node itself misses.

    It speaks of each wait after five seconds, then ever more seldom, and once when what was waited for came (`waits`).
    It counts wall time: with simulated time and no clock nothing would ever be said.
    """

    def __init__(self, node: KitNode) -> None:
        self._node = node
        self._waits = Waits(PATIENCE_S)
        self._elapsed_s = 0.0
        self.complaint = ""
        node.create_timer(1.0, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _look(self) -> None:
        if not self._node.active:
            self._elapsed_s, self.complaint = 0.0, ""
            self._waits.clear()
            return
        self._elapsed_s += 1.0
        missing = self._missing()
        say, over = self._waits.note(self._elapsed_s, missing)
        if say:
            self._node.get_logger().warning(f"waiting: {'; '.join(say)}")
        if over:
            rest = "" if missing else "; everything that was waited for is there"
            self._node.get_logger().info(f"no longer: {'; '.join(over)}{rest}")
        self.complaint = "; ".join(missing.values())

    def _missing(self) -> dict[str, str]:
        """What is missing -> what to say of it."""
        found = {
            self._node.topic_of(slot): self._explain(slot)
            for slot in self._node.needs()
            if min(slot.age_s, self._elapsed_s) > PATIENCE_S - 1.0
        }
        if self._elapsed_s > PATIENCE_S - 1.0:
            found |= {f"monitor {i}": each.problem() for i, each in enumerate(self._node.monitors)}
            found["node"] = self._node.waiting_for()
        return {what: text for what, text in found.items() if text}

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
