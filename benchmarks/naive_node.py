"""What `overload` compares with: a node as tutorials write it, a queue of ten images and one callback for each."""

from __future__ import annotations

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Image

from benchmarks.plain_node import run_plain
from grasp2vec_ros.core.inference import Perceiver, PerceiverConfig, default_checkpoint
from grasp_node_kit.images import array_to_image, image_to_rgb

IMAGES, HEATMAPS = "naive/image", "naive/heatmap"
QUEUE = 10


class NaiveNode(Node):
    """Makes a heatmap of every image that it gets, with the networks of the perception node."""

    def __init__(self) -> None:
        super().__init__("naive")
        self._perceiver = Perceiver(PerceiverConfig())
        self._perceiver.load(default_checkpoint())
        self._goal = np.ones(self._perceiver.embedding_size, np.float32)
        self._publisher = self.create_publisher(Image, HEATMAPS, QUEUE)
        self.create_subscription(Image, IMAGES, self._look, QUEUE)

    def _look(self, message: Image) -> None:
        heat = self._perceiver.heatmap(image_to_rgb(message), self._goal)
        answer = array_to_image(heat, "32FC1")
        answer.header = message.header
        self._publisher.publish(answer)


def main() -> None:
    """Runs the node."""
    run_plain(NaiveNode)


if __name__ == "__main__":
    main()
