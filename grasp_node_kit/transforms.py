"""The door to TF for nodes that publish a frame: tf2_msgs comes with a ROS installation, not with PyPI."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import Transform, TransformStamped, Vector3
from rclpy.node import Node
from std_msgs.msg import Header

from grasp_node_kit.extrinsics import to_pose
from grasp_node_kit.qos import RESULT

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None


class FramePublisher:
    """Publishes a frame on /tf where tf2_msgs is installed, and nothing where it is not: the pose is a topic too."""

    def __init__(self, node: Node) -> None:
        self._publisher = None if TFMessage is None else node.create_publisher(TFMessage, "/tf", RESULT)

    @property
    def works(self) -> bool:
        """Frames are published."""
        return self._publisher is not None

    def publish(self, header: Header, child_frame: str, pose: np.ndarray) -> None:
        """Sends a frame.

        Args:
            header: stamp and parent frame.
            child_frame: name of the frame.
            pose: (4, 4) in the parent frame.
        """
        if self._publisher is None:
            return
        self._publisher.publish(TFMessage(transforms=[transform(header, child_frame, pose)]))


def transform(header: Header, child_frame: str, pose: np.ndarray) -> TransformStamped:
    """Message of a frame (4, 4) in the header's."""
    placed = to_pose(pose)
    message = TransformStamped(header=header, child_frame_id=child_frame)
    message.transform = Transform(rotation=placed.orientation)
    message.transform.translation = Vector3(x=placed.position.x, y=placed.position.y, z=placed.position.z)
    return message
