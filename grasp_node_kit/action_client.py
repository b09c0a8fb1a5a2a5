"""An action client that may be used from any thread while an executor of several threads spins."""

from __future__ import annotations

import threading
from typing import Any

from rclpy.action import ActionClient
from rclpy.task import Future


class ThreadSafeActionClient(ActionClient):
    """Closes a gap in rclpy's client.

    There a request is sent first and noted as pending afterwards; when another thread takes the answer in between, it
    is dropped ("Ignoring unexpected goal response") and the caller waits for ever. Here an answer is looked at only
    when no request is half-way.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._sending = threading.Lock()
        super().__init__(*arguments, **options)

    def send_goal_async(self, *arguments: Any, **options: Any) -> Future:
        """As in ActionClient."""
        with self._sending:
            return super().send_goal_async(*arguments, **options)

    def _cancel_goal_async(self, *arguments: Any, **options: Any) -> Future:
        with self._sending:
            return super()._cancel_goal_async(*arguments, **options)

    def _get_result_async(self, *arguments: Any, **options: Any) -> Future:
        with self._sending:
            return super()._get_result_async(*arguments, **options)

    async def execute(self, taken_data: Any) -> None:
        """As in ActionClient, once no request is half-way."""
        with self._sending:
            pass
        await super().execute(taken_data)
