"""Records topics as they appear."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from grasp_bags.kinds import UnknownTypeError, definitions, message_class
from grasp_bags.quality import to_hear, to_note

LOOK_AGAIN_S = 0.2


class Recorder:
    """Writes every message of some topics to a bag, unchanged, until it is closed.

    Args:
        node: whose subscriptions they are; its executor must spin.
        folder: of the bag; must not exist.
        topics: relative or absolute; one that nobody publishes yet is waited for.

    Attributes:
        counts: messages so far, by topic.
        missing: topics that nobody has published yet.

    Raises:
        ValueError: the folder exists, or there are no topics.
    """

    def __init__(self, node: Node, folder: Path, topics: list[str]) -> None:
        if folder.exists():
            raise ValueError(f"bag: {folder} exists; choose another folder")
        if not topics:
            raise ValueError("topics: none given; name at least one")
        self.counts: Counter[str] = Counter()
        self.missing = {node.resolve_topic_name(topic) for topic in topics}
        self._node = node
        folder.parent.mkdir(parents=True, exist_ok=True)
        self._writer = Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._writer.open()
        self._lock = threading.Lock()
        self._open = True
        self._group = MutuallyExclusiveCallbackGroup()
        self._subscriptions: list = []
        self._look()
        # Wall time: simulated time may stand still until the first message.
        self._timer = node.create_timer(
            LOOK_AGAIN_S,
            self._look,
            callback_group=self._group,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def close(self) -> None:
        """Ends the recording; the bag is whole then."""
        with self._lock:
            if not self._open:
                return
            self._open = False
            self._writer.close()
        self._node.destroy_timer(self._timer)
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)

    def _look(self) -> None:
        for topic in sorted(self.missing):
            publishers = self._node.get_publishers_info_by_topic(topic)
            if not publishers:
                continue
            self.missing.discard(topic)
            try:
                self._subscribe(topic, publishers)
            except UnknownTypeError as error:
                self._node.get_logger().error(f"{topic} is not recorded: {error}")

    def _subscribe(self, topic: str, publishers: list) -> None:
        name = publishers[0].topic_type
        kind, types = message_class(name), definitions()
        if name not in types.types:
            raise UnknownTypeError(f"type {name!r} is not known to rosbags; leave the topic out")
        heard = to_hear([publisher.qos_profile for publisher in publishers])
        connection = self._writer.add_connection(
            topic, name, typestore=types, offered_qos_profiles=[to_note(heard)]
        )

        def write(message: bytes, info: dict) -> None:
            with self._lock:
                if self._open:
                    self._writer.write(connection, info["received_timestamp"], message)
                    self.counts[topic] += 1

        self._subscriptions.append(
            self._node.create_subscription(kind, topic, write, heard, raw=True, callback_group=self._group)
        )
