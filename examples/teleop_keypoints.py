"""Shows a generated hand to the teleop node: it closes, opens and sways at 30 frames a second.

ros2 launch semantic_grasping semgrasp.launch.py source:=cell teleop:=true       the node and a robot
python examples/teleop_keypoints.py                                              the hand

Put your own tracker in place of `opening_and_closing`: 21 points in MediaPipe's order, metres, NaN for those not seen.
"""

import argparse
import time

import rclpy
from geometry_msgs.msg import Point, Pose, PoseArray

from semgrasp_ros.core.retarget.keypoint_sequence import opening_and_closing

RATE_HZ = 30.0


def main() -> None:
    """Publishes the sequence once."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long")
    parser.add_argument("--noise", type=float, default=0.002, help="of each coordinate [m]")
    asked = parser.parse_args()
    rclpy.init(args=[])
    node = rclpy.create_node("generated_hand")
    publisher = node.create_publisher(PoseArray, "hand/keypoints", 1)
    began_s = time.monotonic()
    for number, points in enumerate(opening_and_closing(asked.seconds, RATE_HZ, noise_m=asked.noise)):
        message = PoseArray(poses=[Pose(position=Point(x=x, y=y, z=z)) for x, y, z in points.tolist()])
        message.header.stamp, message.header.frame_id = node.get_clock().now().to_msg(), "camera"
        publisher.publish(message)
        time.sleep(max(0.0, began_s + (number + 1) / RATE_HZ - time.monotonic()))
    node.destroy_node()
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
