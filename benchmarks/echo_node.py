"""What `perception` compares with besides the bare network: a plain node that answers as much and does nothing.

Its latency is that of the transport alone: an image of 640 x 480 there, a heatmap of 640 x 480 back; an attempt there, a
reward back.
"""

from __future__ import annotations

import numpy as np
from rclpy.node import Node
from semantic_grasping.msg import GraspExperience, GraspReward
from sensor_msgs.msg import Image

from benchmarks.plain_node import run_plain
from grasp_node_kit.images import array_to_image
from grasp_node_kit.qos import RESULT, SENSOR

IMAGES, HEATMAPS, ATTEMPTS, REWARDS = "echo/image", "echo/heatmap", "echo/experience", "echo/reward"


class EchoNode(Node):
    """Answers every image with zeros, every attempt with an empty reward."""

    def __init__(self) -> None:
        super().__init__("echo")
        self._heatmaps = self.create_publisher(Image, HEATMAPS, RESULT)
        self._rewards = self.create_publisher(GraspReward, REWARDS, RESULT)
        self.create_subscription(Image, IMAGES, self._look, SENSOR)
        self.create_subscription(GraspExperience, ATTEMPTS, self._score, RESULT)

    def _look(self, message: Image) -> None:
        answer = array_to_image(np.zeros((message.height, message.width), np.float32), "32FC1")
        answer.header = message.header
        self._heatmaps.publish(answer)

    def _score(self, message: GraspExperience) -> None:
        self._rewards.publish(GraspReward(experience_id=message.experience_id))


def main() -> None:
    """Runs the node."""
    run_plain(EchoNode)


if __name__ == "__main__":
    main()
