"""Two cameras at 30 Hz into the capture node, attempts all the while: `python -m benchmarks.capture`."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from semantic_grasping.srv import AddHeldView, BeginAttempt, CompleteAttempt
from sensor_msgs.msg import Image

from benchmarks.ratio import median
from benchmarks.report import finish, options
from benchmarks.ros import Talker, talker
from benchmarks.scenes import attempt
from grasp2vec_ros.core.evaluation import Measurement, proportion
from grasp2vec_ros.core.store import ExperienceStore
from grasp_node_kit.images import array_to_image
from grasp_node_kit.qos import RESULT, SENSOR

RATE_HZ = 30.0
CAMERAS = ("scene/image", "held/image")
VIEWS = 3
SPLIT = "two_cameras_30_hz"


class Cameras(threading.Thread):
    """Publishes both cameras' images at 30 Hz, 640 x 480, until it is stopped.

    Attributes:
        sent: images of each camera so far.
        seconds: from the first image to the last.
    """

    def __init__(self, node: Talker, rng: np.random.Generator) -> None:
        super().__init__(daemon=True)
        self.node, self.sent, self.seconds = node, 0, 0.0
        self._image = array_to_image(attempt(rng).pre, "rgb8")
        self._publishers = [node.create_publisher(Image, topic, SENSOR) for topic in CAMERAS]
        self._ended = threading.Event()
        self.seen = lambda: all(publisher.get_subscription_count() for publisher in self._publishers)

    def run(self) -> None:
        """The thread."""
        began_s = time.monotonic()
        while not self._ended.is_set():
            due_s = began_s + self.sent / RATE_HZ
            if (wait_s := due_s - time.monotonic()) > 0:
                time.sleep(wait_s)
            self._image.header.stamp = self.node.get_clock().now().to_msg()
            for publisher in self._publishers:
                publisher.publish(self._image)
            self.sent += 1
            self.seconds = time.monotonic() - began_s

    def stop(self) -> None:
        """Sends no more."""
        self._ended.set()
        self.join()


class Received:
    """How many images of each camera the capture node says it received, from its diagnostics."""

    def __init__(self, node: Talker) -> None:
        self.counts: dict[str, int] = {}
        self.messages = 0
        node.create_subscription(DiagnosticArray, "/diagnostics", self._take, RESULT)

    def _take(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == "/capture":
                values = {value.key: value.value for value in status.values}
                self.counts = {topic: int(values.get(f"{topic} received", 0)) for topic in CAMERAS}
                self.messages += 1

    def latest(self, node: Talker) -> dict[str, int]:
        """The counts after everything that was sent has arrived."""
        before = self.messages
        node.until(lambda: self.messages > before + 1, "diagnostics of capture")
        return dict(self.counts)


def one_attempt(node: Talker) -> float:
    """Seconds of an attempt with all its images, from its beginning to its place on disk."""
    began_s = time.perf_counter()
    begun = node.ask(BeginAttempt, "capture/begin_attempt", BeginAttempt.Request(episode="bench"))
    for view in range(VIEWS):
        request = AddHeldView.Request(attempt_id=begun.attempt_id, wrist_angle=float(view))
        node.ask(AddHeldView, "capture/add_held_view", request)
    request = CompleteAttempt.Request(attempt_id=begun.attempt_id, grasp_success=True)
    node.ask(CompleteAttempt, "capture/complete_attempt", request)
    return time.perf_counter() - began_s


def main() -> None:
    """Counts what was sent, received, acknowledged and stored."""
    chosen, results = options("capture", main.__doc__, seconds=15.0, threads=1)
    with talker(chosen.threads) as node:
        store = Path(node.stack.folder.parent) / "store"
        node.stack.start("capture", {"store": str(store), "frame_timeout_s": 30.0})
        cameras, received = Cameras(node, np.random.default_rng(chosen.seed)), Received(node)
        node.until(cameras.seen, "subscriptions of capture")
        before = received.latest(node)
        cameras.start()
        seconds: list[float] = []
        until_s = time.monotonic() + chosen.seconds
        while time.monotonic() < until_s:
            seconds.append(one_attempt(node))
        cameras.stop()
        after = received.latest(node)
        with ExperienceStore(store, read_only=True) as opened:
            stored = len(opened)
    for topic in CAMERAS:
        came = after[topic] - before[topic]
        share = proportion(np.arange(cameras.sent) < came)
        results.add("camera_frames_received_ratio", topic.replace("/", "_"), "ours_to_sent", share)
    kept = proportion(np.arange(len(seconds)) < stored)
    results.add("attempts_stored_ratio", SPLIT, "ours_to_acknowledged", kept)
    results.add("attempt_milliseconds", SPLIT, "ours", median(np.array(seconds) * 1e3))
    rate_hz = (cameras.sent - 1) / max(cameras.seconds, 1e-9)
    results.add("camera_rate_hz", SPLIT, "sent", Measurement(rate_hz, cameras.sent, rate_hz, rate_hz))
    finish(results, chosen.output)


if __name__ == "__main__":
    main()
