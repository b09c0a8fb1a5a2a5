"""Ctrl-C without harm: while an executor spins, an interrupt ends it between two of its steps, not within one."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """What Python does on SIGINT beside rclpy, which shuts its context down and wakes the executors by itself.

    Raised wherever the main thread happens to be, as Python does it, KeyboardInterrupt leaves rclpy's objects half
    made, and their clean-up fails with a traceback. It is needed only where nobody looks at the context: while a node
    is made, configured and closed.
    """

    def __init__(self) -> None:
        self._spinning = False

    def install(self) -> None:
        """Before `rclpy.init`, whose own handler calls this one."""
        signal.signal(signal.SIGINT, self._on_interrupt)

    @contextmanager
    def left_to_rclpy(self) -> Iterator[None]:
        """While an executor spins."""
        self._spinning = True
        try:
            yield
        finally:
            self._spinning = False

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        if not self._spinning:
            signal.default_int_handler(number, frame)
