"""Runs the nodes that benchmarks compare with, as tutorials do."""

from __future__ import annotations

import sys
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node


def run_plain(make_node: Callable[[], Node]) -> None:
    """Spins a node until it is interrupted."""
    rclpy.init(args=sys.argv)
    try:
        rclpy.spin(make_node())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()
