"""Other participants of the DDS domain that come and go, some without a word."""

from __future__ import annotations

import os
import time

import rclpy
from sensor_msgs.msg import Image
from std_msgs.msg import String

from grasp_node_kit.qos import LATCHED, SENSOR


def visit(seconds: float, abruptly: bool) -> None:
    """Joins, listens and speaks on the package's topics, and leaves; abruptly: without leaving."""
    os.setpgrp()
    rclpy.init(args=[])
    node = rclpy.create_node(f"peer_{os.getpid()}")
    node.create_subscription(Image, "scene/image", lambda _: None, SENSOR)
    node.create_subscription(Image, "perception/heatmap", lambda _: None, 1)
    node.create_subscription(String, "perception/model", lambda _: None, LATCHED)
    publisher = node.create_publisher(String, "peers", 1)
    until_s = time.monotonic() + seconds
    while time.monotonic() < until_s:
        publisher.publish(String(data="here"))
        rclpy.spin_once(node, timeout_sec=0.05)
    if abruptly:
        os.kill(os.getpid(), 9)
    node.destroy_node()
    rclpy.try_shutdown()
