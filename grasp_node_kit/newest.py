"""A slot for the newest message, and waiting for one that is newer than a request."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from builtin_interfaces.msg import Time

if TYPE_CHECKING:
    from rclpy.subscription import Subscription

Message = TypeVar("Message")
# The rate is that of the newest so many messages.
RATE_OVER = 20


def stamp_ns(stamp: Time) -> int:
    """A stamp in nanoseconds."""
    return stamp.sec * 1_000_000_000 + stamp.nanosec


class NewestSlot(Generic[Message]):
    """Keeps the newest message of a topic; safe to use from several threads.

    Args:
        topic: as the node names it, before remapping.
        keep: so many messages are kept for `nearest`.

    Attributes:
        topic: as the node names it, before remapping.
        received: messages so far.
        replaced: of these, messages that a newer one replaced before anybody looked.
        lost: messages that the transport says it lost.
        subscription: what feeds it; None before there is one.
    """

    def __init__(self, topic: str, keep: int = 1) -> None:
        self.topic = topic
        self._kept: deque[Message] = deque(maxlen=keep)
        self.received = self.replaced = self.lost = 0
        self.subscription: Subscription | None = None
        self._message: Message | None = None
        self._seen = True
        self._arrivals_s: deque[float] = deque(maxlen=RATE_OVER)
        self._changed = threading.Condition()

    def put(self, message: Message) -> None:
        """Takes a message; one that was not looked at is lost, which is the point."""
        with self._changed:
            self.replaced += not self._seen
            self._message, self._seen = message, False
            self._kept.append(message)
            self._arrivals_s.append(time.monotonic())
            self.received += 1
            self._changed.notify_all()

    def clear(self) -> None:
        """Forgets the message, for instance when time jumped back."""
        with self._changed:
            self._message, self._seen = None, True
            self._kept.clear()

    @property
    def newest(self) -> Message | None:
        """The newest message, or None."""
        self._seen = True
        return self._message

    def nearest(self, at_ns: int) -> Message | None:
        """Of the messages that are kept, the one whose header's stamp is nearest to a time, or None.

        For the partner of an image that was worked on for a while: the newest would be of a later moment.
        """
        with self._changed:
            self._seen = True
            return min(
                self._kept, key=lambda message: abs(stamp_ns(message.header.stamp) - at_ns), default=None
            )

    @property
    def age_s(self) -> float:
        """Wall time since the newest message arrived, infinite when there is none."""
        arrivals_s = self._arrivals_s
        return float("inf") if self._message is None else time.monotonic() - arrivals_s[-1]

    @property
    def rate_hz(self) -> float:
        """Messages a second of wall time up to now, 0 when nothing comes."""
        with self._changed:
            arrivals_s = list(self._arrivals_s)
        if len(arrivals_s) < 2:
            return 0.0
        # Up to now rather than to the newest: when a camera stops, its rate falls.
        steady_s = (arrivals_s[-1] - arrivals_s[0]) / (len(arrivals_s) - 1)
        silent_s = time.monotonic() - arrivals_s[-1]
        return 1.0 / max(steady_s, 1e-6) if silent_s < 2 * steady_s else 1.0 / silent_s

    def wait_for_stamp(self, not_before_ns: int, timeout_s: float) -> Message | None:
        """The newest message when its header's stamp is not before a time; waits for one. None when none comes."""
        return self._wait(lambda: stamp_ns(self._message.header.stamp) >= not_before_ns, timeout_s)

    def wait_for_next(self, seen: int, timeout_s: float) -> Message | None:
        """The newest message when more than `seen` were received; waits for one. None when none comes."""
        return self._wait(lambda: self.received > seen, timeout_s)

    def _wait(self, good: object, timeout_s: float) -> Message | None:
        with self._changed:
            found = self._changed.wait_for(lambda: self._message is not None and good(), timeout_s)
            self._seen = True
            return self._message if found else None
