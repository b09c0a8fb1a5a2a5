"""A message that was measured after it was asked for: never a picture from before the motion that has just ended."""

from __future__ import annotations

from rclpy.node import Node

from grasp_node_kit.newest import Message, NewestSlot, stamp_ns

# Clocks further apart than this belong to different worlds (a bag, a camera with a clock of its own).
SAME_CLOCK_NS = 60_000_000_000


class MissingInputError(RuntimeError):
    """A message did not come in time; the text names the topic and what to check."""


def wait_for_fresh(node: Node, slot: NewestSlot[Message], timeout_s: float) -> Message:
    """A message whose stamp is not before now, on the node's clock.

    Where stamps and the node's clock are of different worlds, the next message to arrive is taken instead.

    Raises:
        MissingInputError: none came within `timeout_s` of wall time.
    """
    asked_ns, newest = node.get_clock().now().nanoseconds, slot.newest
    if newest is None or abs(stamp_ns(newest.header.stamp) - asked_ns) < SAME_CLOCK_NS:
        message = slot.wait_for_stamp(asked_ns, timeout_s)
        if (
            message is None
            and slot.newest is not None
            and abs(stamp_ns(slot.newest.header.stamp) - asked_ns) > SAME_CLOCK_NS
        ):
            message = slot.newest  # the first ever to arrive, and its clock is another
    else:
        message = slot.wait_for_next(slot.received, timeout_s)
    if message is None:
        topic = node.resolve_topic_name(slot.topic)
        late = (
            ""
            if slot.newest is None
            else " with a stamp after the request (is use_sim_time the same everywhere?)"
        )
        raise MissingInputError(
            f"no new message on {topic} within {timeout_s:.1f} s{late}; {node.count_publishers(topic)} publisher(s):"
            f" check the camera and the remapping of `{slot.topic}`"
        )
    return message
