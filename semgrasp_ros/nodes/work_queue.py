"""One worker for what takes long: requests wait in line, and those too many are told at once."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from grasp_node_kit.node import in_background


class BusyError(ValueError):
    """Too many wait already, or the worker has ended; the text says what to do."""


class Job:
    """A piece of work, and what came of it."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._done = threading.Event()
        self._result: Any = None
        self._error: Exception | None = None

    def run(self) -> None:
        """Does the work and keeps its result or its error."""
        try:
            self._result = self._work()
        except Exception as error:  # goes to whoever waits; the worker must live on
            self._error = error
        self._done.set()

    def fail(self, error: Exception) -> None:
        """Ends it without doing it."""
        self._error = error
        self._done.set()

    def result(self) -> Any:
        """Waits for the work and returns its result, or raises its error."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result


class WorkQueue:
    """Runs jobs one after another in a thread of its own.

    Args:
        most: so many jobs run or wait at a time. Whoever waits for one holds a thread: keep it below the executor's.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._open = True
        self._count = 0
        self._lock = threading.Lock()
        self._worker = in_background(self._run, "hand grasps")

    def __len__(self) -> int:
        return self._count

    def submit(self, work: Callable[[], Any]) -> Job:
        """Puts work in line.

        Raises:
            BusyError: as many as are allowed are there already, or the queue is closed.
        """
        job = Job(work)
        with self._lock:
            if not self._open:
                raise BusyError("the node is shutting down")
            if self._count >= self.most:
                raise BusyError(
                    f"busy: {self._count} requests run or wait, no more are taken; ask again later"
                )
            self._count += 1
            self._jobs.put(job)
        return job

    def close(self, timeout_s: float) -> None:
        """Ends the worker after its present job; what waits fails."""
        with self._lock:
            self._open = False
            self._jobs.put(None)
        self._worker.join(timeout_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._open:
                job.run()
            else:
                job.fail(BusyError("the node is shutting down"))
            with self._lock:
                self._count -= 1
