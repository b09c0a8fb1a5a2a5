"""Real nodes in processes of their own, in a DDS domain of their own, and one node to talk to them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

from demo.stack import Stack

# Above this, DDS's ports reach into those that Linux gives out at random.
HIGHEST_DOMAIN = 100
# Long enough for a machine on which much else runs; a node that dies is noticed at once.
ANSWER_S = 600.0


class NoAnswerError(RuntimeError):
    """A node did not do in time what was asked of it."""


class Talker(Node):
    """Publishes, listens and calls.

    Attributes:
        stack: the nodes that are measured; logs and parameter files are in its folder.
    """

    def __init__(self, stack: Stack) -> None:
        super().__init__("benchmark")
        self.stack = stack
        self._callers: dict = {}

    def ask(self, kind: type, name: str, request: object, timeout_s: float = ANSWER_S) -> object:
        """Calls a service of the package and returns its answer.

        Raises:
            NoAnswerError: it is not there, does not answer, or says no.
        """
        if name not in self._callers:
            self._callers[name] = self.create_client(kind, name)
        caller = self._callers[name]
        self.until(caller.service_is_ready, f"service {name}", timeout_s)
        done = threading.Event()
        future = caller.call_async(request)
        future.add_done_callback(lambda _: done.set())
        if not done.wait(timeout_s):
            raise NoAnswerError(f"{name} did not answer within {timeout_s:.0f} s")
        answer = future.result()
        if not answer.success:
            raise NoAnswerError(f"{name}: {answer.message}")
        return answer

    def until(self, good: Callable[[], object], what: str, timeout_s: float = ANSWER_S) -> None:
        """Waits for a condition.

        Raises:
            NoAnswerError: it does not come true in time; NodeDiedError when the reason is a node's death.
        """
        deadline = time.monotonic() + timeout_s
        while not good():
            self.stack.check()
            if time.monotonic() > deadline:
                raise NoAnswerError(f"{what}: not there within {timeout_s:.0f} s")
            time.sleep(0.01)


@contextmanager
def talker(threads: int) -> Iterator[Talker]:
    """A node that spins in the background; nodes that its stack starts are stopped at the end.

    Args:
        threads: CPU threads of each started node's numerical libraries.
    """
    # Never the caller's domain: there may be a robot on it.
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % HIGHEST_DOMAIN)
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "nodes", threads)
        rclpy.init(args=[])
        node, executor = Talker(stack), SingleThreadedExecutor()
        executor.add_node(node)
        thread = threading.Thread(target=_spin, args=(executor,), daemon=True)
        thread.start()
        try:
            yield node
        finally:
            stack.stop_all()
            executor.shutdown(timeout_sec=2.0)
            thread.join(5.0)
            node.destroy_node()
            rclpy.try_shutdown()


@contextmanager
def reference_node(module: str, folder: Path, *arguments: str) -> Iterator[None]:
    """Runs a node of this package, `benchmarks.<module>`, in a process of its own; its log goes to a folder."""
    with (folder / f"{module}.log").open("wb") as stream:
        command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _spin(executor: SingleThreadedExecutor) -> None:
    try:
        executor.spin()
    except ExternalShutdownException:
        return


class Awaited:
    """Waits for the message that answers another one, and notes when it came."""

    def __init__(self, key: Callable[[object], object]) -> None:
        self._key, self._wanted = key, None
        self._came = threading.Event()
        self._at_s = 0.0

    def take(self, message: object) -> None:
        """The callback of the subscription."""
        now_s = time.perf_counter()
        if self._key(message) == self._wanted:
            self._at_s = now_s
            self._came.set()

    def after(self, send: Callable[[], object], wanted: object, timeout_s: float = 10.0) -> float | None:
        """Seconds from sending to the arrival of the message with that key; None when it does not come."""
        self._wanted = wanted
        self._came.clear()
        began_s = time.perf_counter()
        send()
        return self._at_s - began_s if self._came.wait(timeout_s) else None
