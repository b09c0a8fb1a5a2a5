"""Messages for the robot's nodes: a generated hand on a thing, its cloud, and a motion without planning."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Vector3
from semantic_grasping.msg import HandGrasp, HandGraspArray, RobotGrasp
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from grasp_node_kit.extrinsics import to_pose
from semgrasp_ros.core.data.dataset import object_cloud
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.retarget.trajectory import time_path
from semgrasp_ros.nodes.messages import arrays_to_cloud
from semgrasp_ros.nodes.robots import NamedRobot, RobotConfig

BASE = "panda_link0"
GRASPS = Path(__file__).parent.parent / "core/retarget/grasps"


@functools.cache
def _read(family: str):
    return GraspFolder(GRASPS).read(family, 0)[0], object_cloud(family, 0)


def at(x: float, y: float, z: float, yaw: float = 0.0) -> np.ndarray:
    """A pose turned about z."""
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]]
    pose[:3, 3] = x, y, z
    return pose


def cloud_message(pose: np.ndarray, stamp: Time, frame: str = BASE, family: str = "ball") -> PointCloud2:
    """A thing whose frame is at a pose."""
    cloud = _read(family)[1]
    message = arrays_to_cloud(cloud.points @ pose[:3, :3].T + pose[:3, 3], cloud.normals @ pose[:3, :3].T)
    message.header = Header(stamp=stamp, frame_id=frame)
    return message


def hand_message(pose: np.ndarray, stamp: Time, frame: str = BASE, family: str = "ball") -> HandGrasp:
    """A hand on it."""
    grasp = _read(family)[0]
    return HandGrasp(
        header=Header(stamp=stamp, frame_id=frame),
        instruction="take it",
        wrist=to_pose(pose @ np.asarray(grasp.wrist, float)),
        joint_rotations=[
            Vector3(x=x, y=y, z=z) for x, y, z in np.asarray(grasp.joint_rotations, float).tolist()
        ],
        shape=np.asarray(grasp.shape, np.float32),
        hand_source="open",
    )


def hands_message(*hands: HandGrasp) -> HandGraspArray:
    """What the semgrasp node says."""
    return HandGraspArray(header=hands[0].header, instruction="take it", success=True, grasps=list(hands))


def motion_message(
    stamp: Time, name: str = "panda", step_rad: float = 0.15, slowness: float = 2.0
) -> RobotGrasp:
    """A short motion from the robot's home, in all phases."""
    named = NamedRobot(RobotConfig(robot_file=name))
    arm, count = named.robot.arm, len(named.robot.gripper.joints)
    speed = np.full(len(arm.joints), 1.0 / slowness)
    corners = [np.array(arm.home_rad) + share * step_rad for share in (0.0, 1.0, 1.5, 1.0)]
    ways = [
        time_path(np.linspace(one, other, 8), arm.joints, speed, 4 * speed)
        for one, other in zip(corners[:-1], corners[1:], strict=True)
    ]
    fingers = [
        time_path(
            np.linspace(one, other, 4), named.robot.gripper.joints, np.full(count, 0.1), np.full(count, 1.0)
        )
        for one, other in (
            (np.full(count, 0.01), np.full(count, 0.03)),
            (np.full(count, 0.03), np.full(count, 0.01)),
        )
    ]
    phases = {"open": fingers[0], "reach": ways[0], "approach": ways[1], "grasp": fingers[1], "lift": ways[2]}
    return RobotGrasp(
        header=Header(stamp=stamp, frame_id=named.robot.base_frame),
        robot=named.robot.name,
        success=True,
        width=0.04,
        opening=0.06,
        gripper_joints=list(named.gripper_joints),
        opened=[0.03] * count,
        closed=[0.01] * count,
        phase_names=list(phases),
        phases=[named.to_message(motion) for motion in phases.values()],
    )
