"""Plays a bag: the same bytes, in the same order, at the same distances in time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from rclpy.node import Node
from rosbags.highlevel import AnyReader

from grasp_bags.kinds import definitions, message_class
from grasp_bags.quality import to_offer


@dataclass(frozen=True)
class Track:
    """A topic of a bag.

    Attributes:
        kind: type of its messages, as `package/msg/Name`.
        count: messages.
    """

    kind: str
    count: int


def tracks(bag: Path) -> dict[str, Track]:
    """The topics of a bag.

    Raises:
        ValueError: there is no such bag.
    """
    with _reader(bag) as reader:
        return {name: Track(info.msgtype, info.msgcount) for name, info in reader.topics.items()}


def _reader(bag: Path) -> AnyReader:
    if not bag.exists():
        raise ValueError(f"bag: there is no {bag}")
    return AnyReader([bag], default_typestore=definitions())


class Player:
    """Publishes the messages of a bag.

    Args:
        node: whose publishers they are.
        bag: its folder.
        topics: absolute names; None: all.

    Raises:
        ValueError: there is no such bag, or a topic is not in it.
    """

    def __init__(self, node: Node, bag: Path, topics: Collection[str] | None = None) -> None:
        self._bag = bag
        there = tracks(bag)
        wanted = set(there if topics is None else topics)
        if unknown := sorted(wanted - set(there)):
            raise ValueError(f"topics: {', '.join(unknown)} not in {bag}; it has {', '.join(sorted(there))}")
        with _reader(bag) as reader:
            self._publishers = {
                connection.topic: node.create_publisher(
                    message_class(connection.msgtype),
                    connection.topic,
                    to_offer(connection.ext.offered_qos_profiles),
                )
                for connection in reader.connections
                if connection.topic in wanted
            }

    def wait_for_subscribers(self, timeout_s: float) -> list[str]:
        """Waits until each topic has a subscriber; returns those that have none after all."""
        deadline = time.monotonic() + timeout_s
        while True:
            alone = [name for name, p in self._publishers.items() if not p.get_subscription_count()]
            if not alone or time.monotonic() > deadline:
                return alone
            time.sleep(0.02)

    def play(self, rate: float = 1.0, stop: Callable[[], bool] = lambda: False) -> Counter[str]:
        """Publishes everything and returns the number of messages by topic.

        Args:
            rate: speed; 1: as it was.
            stop: asked before every message.

        Raises:
            ValueError: the rate is not above 0.
        """
        if not rate > 0:
            raise ValueError(f"rate: {rate} is not above 0")
        sent: Counter[str] = Counter()
        with _reader(self._bag) as reader:
            chosen = [c for c in reader.connections if c.topic in self._publishers]
            began_s, first_ns = time.monotonic(), None
            for connection, stamp_ns, message in reader.messages(chosen):
                first_ns = stamp_ns if first_ns is None else first_ns
                due_s = began_s + (stamp_ns - first_ns) / 1e9 / rate
                while not stop() and (left_s := due_s - time.monotonic()) > 0:
                    time.sleep(min(left_s, 0.1))
                if stop():
                    break
                self._publishers[connection.topic].publish(bytes(message))
                sent[connection.topic] += 1
        return sent
