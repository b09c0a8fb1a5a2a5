"""The scene of a grasp, from a depth camera whose place the parameters say, on real rclpy and DDS."""

import numpy as np
import pytest
from semantic_grasping.srv import RetargetGrasp
from sensor_msgs.msg import CameraInfo, Image

from grasp_node_kit.images import array_to_image
from semgrasp_ros.core.retarget.robots import load_robot
from semgrasp_ros.nodes.retarget import RetargetNode
from test.rig import Rig, eventually
from test.semgrasp_ros.nodes.fake_arm import FakeArm
from test.semgrasp_ros.nodes.robot_scene import BASE, at, cloud_message, hand_message

SERVICE = "retarget/retarget_grasp"
PANDA = load_robot("panda")
# The generated ball, its middle 6 cm above the base before the robot.
PLACE = at(0.5, 0.1, 0.06)


def test_depth_shows_the_table_and_the_camera_is_found_by_parameters():
    """A camera that looks straight down from 1 m over (0.5, 0): the ball's cloud in its frame, the table in its depth."""
    rig = Rig(**{
        "extrinsics.base_frame": BASE,
        "extrinsics.translation_m": "[0.5, 0.0, 1.0]",
        "extrinsics.rotation_xyzw": "[0.70710678, -0.70710678, 0.0, 0.0]",
    })  # fmt: skip
    try:
        rig.add(FakeArm(PANDA))
        node = rig.add(RetargetNode())
        base_from_camera = at(0.5, 0.0, 1.0) @ np.array(
            [[0, -1, 0, 0], [-1, 0, 0, 0], [0, 0, -1, 0], [0, 0, 0, 1]], float
        )
        depth_publisher = rig.client.create_publisher(Image, "scene/depth", 1)
        info_publisher = rig.client.create_publisher(CameraInfo, "scene/camera_info", 1)
        eventually(
            lambda: depth_publisher.get_subscription_count() and info_publisher.get_subscription_count()
        )
        stamp = rig.client.get_clock().now().to_msg()
        # The table is 2 cm above the base's frame; a block of 10 cm stands beside the ball.
        depth = np.full((120, 160), 0.98, np.float32)
        depth[80:110, 20:50] = 0.88
        info = CameraInfo(width=160, height=120)
        info.k = [200.0, 0.0, 80.0, 0.0, 200.0, 60.0, 0.0, 0.0, 1.0]
        for publisher, message in ((info_publisher, info), (depth_publisher, array_to_image(depth, "32FC1"))):
            message.header.stamp, message.header.frame_id = stamp, "camera"
            publisher.publish(message)
        eventually(
            lambda: node._source._depth.received and node._source._info.received and node._joints.received
        )
        in_camera = np.linalg.inv(base_from_camera) @ PLACE
        cloud = cloud_message(in_camera, stamp, "camera")
        scene = node._source.scene(cloud)
        assert scene.base_from_points == pytest.approx(base_from_camera, abs=1e-6)
        assert scene.table_z_m == pytest.approx(0.02, abs=2e-3)
        assert scene.eye == pytest.approx(np.zeros(3), abs=1e-9)
        assert len(scene.neighbours) and scene.neighbours[:, 2] == pytest.approx(0.12, abs=5e-3)
        request = RetargetGrasp.Request(hands=[hand_message(in_camera, stamp, "camera")], cloud=cloud)
        answer = rig.call(RetargetGrasp, SERVICE, request, 60.0)
        assert answer.success, answer.message
        at_grasp = answer.grasps[0].tool.position
        assert np.linalg.norm([at_grasp.x, at_grasp.y, at_grasp.z] - PLACE[:3, 3]) < 0.05
    finally:
        rig.close()
