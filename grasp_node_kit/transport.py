"""Which of image_transport's topics a camera is read from: raw or compressed."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.callback_groups import CallbackGroup
from sensor_msgs.msg import CompressedImage, Image

from grasp2vec_ros.core.options import option
from grasp_node_kit.newest import NewestSlot
from grasp_node_kit.node import KitNode
from grasp_node_kit.qos import SENSOR


@dataclass
class ColourTransportConfig:
    """How colour images arrive."""

    image_transport: str = option(
        "raw",
        "colour images are read from their topic, or from <topic>/compressed",
        choices=["raw", "compressed"],
        read_only=True,
    )


@dataclass
class DepthTransportConfig:
    """How depth images arrive."""

    depth_transport: str = option(
        "raw",
        "depth images are read from their topic, or from <topic>/compressedDepth",
        choices=["raw", "compressedDepth"],
        read_only=True,
    )


def feed_image(
    node: KitNode, slot: NewestSlot[Image | CompressedImage], transport: str, group: CallbackGroup
) -> None:
    """Subscribes a slot to a camera's topic; as image_transport does, the ending comes after remapping."""
    if transport == "raw":
        node.feed(slot, Image, SENSOR, group)
    else:
        topic = f"{node.resolve_topic_name(slot.topic)}/{transport}"
        node.feed(slot, CompressedImage, SENSOR, group, topic)
