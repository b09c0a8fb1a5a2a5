"""Between the core's data and the package's messages."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion
from semantic_grasping.msg import Goal, GraspExperience

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.goals import GoalEntry
from grasp_node_kit.images import array_to_image


def time_message(nanoseconds: int) -> Time:
    """A stamp."""
    return Time(sec=nanoseconds // 1_000_000_000, nanosec=nanoseconds % 1_000_000_000)


def experience_message(experience: Experience) -> GraspExperience:
    """A stored attempt as a message."""
    message = GraspExperience(
        robot_id=experience.robot_id,
        experience_id=experience.experience_id,
        episode=experience.episode,
        attempt=experience.attempt,
        success=experience.success,
        gripper_opening=float(experience.gripper_opening_m),
        held_angles=[float(angle) for angle in experience.held_angles_rad],
        commanded_goal=experience.commanded_goal,
    )
    message.header.stamp = time_message(experience.stamp_ns)
    message.header.frame_id = experience.scene_frame
    message.pre, message.post = (
        array_to_image(experience.pre, "rgb8"),
        array_to_image(experience.post, "rgb8"),
    )
    message.held = [array_to_image(view, "rgb8") for view in experience.held]
    message.pre.header = message.header
    stamps = experience.held_stamps_ns or [experience.stamp_ns] * len(message.held)
    for image, stamp in zip(
        [message.post, *message.held], [experience.post_stamp_ns or experience.stamp_ns, *stamps], strict=True
    ):
        image.header.stamp = time_message(stamp)
    message.post.header.frame_id = experience.scene_frame
    if experience.grasp_position_m is not None:
        pose = PoseStamped()
        pose.header.stamp, pose.header.frame_id = message.header.stamp, experience.base_frame
        x, y, z = experience.grasp_position_m
        orientation = experience.grasp_orientation_xyzw or (0.0, 0.0, 0.0, 1.0)
        pose.pose = Pose(
            position=Point(x=x, y=y, z=z),
            orientation=Quaternion(**dict(zip("xyzw", orientation, strict=True))),
        )
        message.grasp_pose = pose
    return message


def goal_message(entry: GoalEntry, stamp: Time) -> Goal:
    """A goal as a message."""
    message = Goal(
        goal_id=entry.goal_id,
        label=entry.label,
        source=entry.source,
        images=len(entry.views),
        embedding=entry.embedding.tolist(),
        model_version=entry.model_version,
    )
    message.header.stamp = stamp
    return message
