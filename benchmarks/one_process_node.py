"""What `processes` compares with: perception and trainer as two nodes of one process, in one executor."""

from __future__ import annotations

import sys

import rclpy
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor

from grasp2vec_ros.nodes.perception import PerceptionNode
from grasp2vec_ros.nodes.trainer import TrainerNode
from grasp_node_kit.memory import keep_memory
from grasp_node_kit.node import SWITCH_INTERVAL_S


def main() -> None:
    """Runs both nodes."""
    rclpy.init(args=sys.argv)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_memory()
    nodes, executor = [PerceptionNode(), TrainerNode()], MultiThreadedExecutor(num_threads=6)
    try:
        for node in nodes:
            executor.add_node(node)
            node.start()
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        for node in nodes:
            node.close()
        executor.shutdown(timeout_sec=2.0)
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
