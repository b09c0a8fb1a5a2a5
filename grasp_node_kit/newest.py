"""A slot for the newest message, and waiting for one that is newer than a request."""

from __future__ import annotations

import threading
import time
from typing import Generic, TypeVar

from builtin_interfaces.msg import Time

Message = TypeVar("Message")


def stamp_ns(stamp: Time) -> int:
    """A stamp in nanoseconds."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


class NewestSlot(Generic[Message]):
    """Keeps the newest message of a topic; safe to use from several threads."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.received = 0
        self._message: Message | None = None
        self._arrived_s = 0.0
        self._changed = threading.Condition()

    def put(self, message: Message) -> None:
        """Takes a message; one that was not looked at is lost, which is the point."""
        with self._changed:
            self._message, self._arrived_s = message, time.monotonic()
            self.received += 1
            self._changed.notify_all()

    def clear(self) -> None:
        """Forgets the message, for instance when time jumped back."""
        with self._changed:
            self._message = None

    @property
    def newest(self) -> Message | None:
        """The newest message, or None."""
        return self._message

    @property
    def age_s(self) -> float:
        """Wall time since the newest message arrived, infinite when there is none."""
        return float("inf") if self._message is None else time.monotonic() - self._arrived_s

    def wait_for_stamp(self, not_before_ns: int, timeout_s: float) -> Message | None:
        """The newest message when its header's stamp is not before a time; waits for one. None when none comes."""
        return self._wait(lambda: stamp_ns(self._message.header.stamp) >= not_before_ns, timeout_s)

    def wait_for_next(self, seen: int, timeout_s: float) -> Message | None:
        """The newest message when more than `seen` were received; waits for one. None when none comes."""
        return self._wait(lambda: self.received > seen, timeout_s)

    def _wait(self, good: object, timeout_s: float) -> Message | None:
        with self._changed:
            found = self._changed.wait_for(lambda: self._message is not None and good(), timeout_s)
            return self._message if found else None
