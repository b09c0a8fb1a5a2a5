"""How old a frame is when its heatmap arrives and the camera is too fast: `python -m benchmarks.overload`.

The camera sends several times as many images as the node manages. The perception node takes the newest one; the
reference (`benchmarks.naive_node`) takes each from a queue of ten.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from semantic_grasping.srv import SetGoal
from sensor_msgs.msg import Image

from benchmarks.naive_node import HEATMAPS, IMAGES, QUEUE
from benchmarks.ratio import median, ratio_of_medians
from benchmarks.report import finish, options
from benchmarks.ros import Talker, reference_node, talker
from benchmarks.scenes import attempt
from grasp2vec_ros.nodes.messages import time_message
from grasp_node_kit.images import array_to_image
from grasp_node_kit.newest import stamp_ns
from grasp_node_kit.qos import RESULT

FASTEST_HZ = 90.0


class Side:
    """One of the two nodes: where its images go, and how old they were when their heatmaps came."""

    def __init__(self, node: Talker, images: str, heatmaps: str, picture: np.ndarray) -> None:
        self.node, self.ages_s = node, []
        self._image = array_to_image(picture, "rgb8")
        # As a camera's driver: reliable, so that only the subscriber decides what is lost.
        self._publisher = node.create_publisher(Image, images, QUEUE)
        node.create_subscription(Image, heatmaps, self._take, RESULT)
        self.ready: Callable[[], int] = self._publisher.get_subscription_count

    def _take(self, message: Image) -> None:
        self.ages_s.append((time.time_ns() - stamp_ns(message.header.stamp)) / 1e9)

    def send(self, rate_hz: float, seconds: float) -> None:
        """Publishes at a rate; each image has the stamp of its publication."""
        began_s, number = time.monotonic(), 0
        while (now_s := time.monotonic() - began_s) < seconds:
            if now_s >= number / rate_hz:
                self._image.header.stamp = time_message(time.time_ns())
                self._publisher.publish(self._image)
                number += 1
            else:
                time.sleep(min(0.002, number / rate_hz - now_s))

    def settle(self) -> None:
        """Waits until nothing comes any more."""
        while True:
            seen = len(self.ages_s)
            time.sleep(1.0)
            if len(self.ages_s) == seen:
                return

    def alone(self, wanted: int) -> float:
        """Seconds for one image when there is no other, the median of some."""
        for _ in range(wanted):
            before = len(self.ages_s)
            self._image.header.stamp = time_message(time.time_ns())
            self._publisher.publish(self._image)
            self.node.until(lambda before=before: len(self.ages_s) > before, "a heatmap")
        found = float(np.median(self.ages_s))
        self.ages_s.clear()
        return found


def main() -> None:
    """Lets both nodes work in turns on too many images of 640 x 480; `times` is how many too many."""
    chosen, results = options("overload", main.__doc__, rounds=3, seconds=4.0, times=3.0, threads=1)
    rng = np.random.default_rng(chosen.seed)
    with talker(chosen.threads) as node, reference_node("naive_node", node.stack.folder.parent):
        folder = node.stack.folder.parent
        node.stack.start("perception", {"checkpoints": str(folder / "none"), "store": str(folder / "none")})
        drawn = attempt(rng)
        goal = array_to_image(drawn.held[0], "rgb8")
        node.ask(SetGoal, "perception/set_goal", SetGoal.Request(images=[goal]))
        sides = {
            "ours": Side(node, "scene/image", "perception/heatmap", drawn.pre),
            f"naive_queue_of_{QUEUE}": Side(node, IMAGES, HEATMAPS, drawn.pre),
        }
        for name, side in sides.items():
            node.until(side.ready, f"subscription of {name}")
        one_s = {name: side.alone(4) for name, side in sides.items()}
        rate_hz = min(FASTEST_HZ, chosen.times / min(one_s.values()))
        ages: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(chosen.rounds):
            for name, side in sides.items():
                side.ages_s.clear()
                side.send(rate_hz, chosen.seconds)
                # The first ones met an empty queue.
                ages[name] += side.ages_s[len(side.ages_s) // 4 :]
                side.settle()
    for name, values in ages.items():
        results.add(
            "frame_age_milliseconds", f"overload_{chosen.times:g}x", name, median(np.array(values) * 1e3)
        )
    ours, (reference, others) = np.array(ages.pop("ours")), next(iter(ages.items()))
    ratio = ratio_of_medians(ours, np.array(others))
    results.add("frame_age_ratio", f"overload_{chosen.times:g}x", f"ours_to_{reference}", ratio)
    finish(results, chosen.output, images_per_second=round(rate_hz, 1))


if __name__ == "__main__":
    main()
