"""Between grasps of the core and the package's messages."""

from __future__ import annotations

import numpy as np
import torch
from geometry_msgs.msg import Point32, PoseStamped, Vector3
from semantic_grasping.msg import HandGrasp
from semantic_grasping.msg import RobotGrasp as RobotGraspMessage
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory

from grasp_node_kit.extrinsics import from_pose, to_pose
from grasp_node_kit.limits import LONGEST_TEXT, check_count, check_text
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.part_belief import PartBelief
from semgrasp_ros.core.retarget.robot_grasp import HumanHand, RobotGrasp
from semgrasp_ros.core.retarget.trajectory import JointTrajectory as CoreTrajectory
from semgrasp_ros.nodes.robots import NamedRobot, duration, seconds

OPEN = "open"
LONGEST_INSTRUCTION = 500
MOST_PART_POINTS = 4096


def human_hand(message: HandGrasp, hand: HandModel, points_from_header: np.ndarray, name: str) -> HumanHand:
    """The surface of a hand, and where the part is that it is to hold.

    Args:
        message: of the semgrasp node.
        hand: the model that it was made with.
        points_from_header: (4, 4) from the message's frame to that of the object's points.
        name: of the message, for errors.

    Raises:
        ValueError: it was made with another hand, has a number that is not finite, or tells of the part what cannot be.
    """
    check_text(message.hand_source, f"{name}.hand_source")
    if message.hand_source != hand.source:
        raise ValueError(
            f"{name}.hand_source: {message.hand_source!r}, this node has {hand.source!r}; set the parameter `hand` of"
            " both nodes alike"
        )
    joints, shape = _vectors(message.joint_rotations), np.array(message.shape, float)
    if not (np.isfinite(joints).all() and np.isfinite(shape).all()):
        raise ValueError(f"{name}: joint_rotations or shape have a number that is not finite")
    wrist = points_from_header @ from_pose(PoseStamped(pose=message.wrist), f"{name}.wrist")
    with torch.no_grad():
        surface = hand(*(torch.from_numpy(array).float()[None] for array in (wrist, joints, shape)))
    return HumanHand(
        surface.vertices[0].double().numpy(),
        hand.regions.cpu().numpy(),
        surface.keypoints[0].double().numpy(),
        _part_belief(message, points_from_header, name),
    )


def _part_belief(message: HandGrasp, points_from_header: np.ndarray, name: str) -> PartBelief | None:
    """None where the message tells nothing."""
    check_count(len(message.part_points), MOST_PART_POINTS, f"{name}.part_points")
    points, probability = _vectors(message.part_points), np.array(message.part_probabilities, float)
    if len(points) != len(probability):
        raise ValueError(
            f"{name}.part_probabilities: {len(probability)} for {len(points)} part_points; give one for each"
        )
    if not len(points):
        return None
    if not np.isfinite(points).all():
        raise ValueError(
            f"{name}.part_points: {int((~np.isfinite(points)).sum())} numbers are not finite; leave these points out"
        )
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError(
            f"{name}.part_probabilities: {probability.min():g} to {probability.max():g}; give them from 0 to 1"
        )
    return PartBelief(points, probability).moved(points_from_header)


def robot_grasp_message(
    grasp: RobotGrasp, named: NamedRobot, header: Header, instruction: str
) -> RobotGraspMessage:
    """A grasp as a message.

    Args:
        grasp: of the core, with a motion or without.
        named: the robot.
        header: stamp of the cloud, frame of the arm's base.
        instruction: what was asked.
    """
    plan = grasp.plan
    message = RobotGraspMessage(
        header=header,
        robot=named.robot.name,
        instruction=instruction[:LONGEST_INSTRUCTION],
        success=grasp.succeeded,
        reason=plan.reason,
        failures=list(plan.failures),
        failure_counts=list(plan.failures.values()),
        hand=grasp.hand,
        opening=float("nan"),
        width=float("nan"),
    )
    if grasp.wanted is None:
        return message
    candidate = grasp.wanted.candidate
    message.why = grasp.wanted.why
    message.opening, message.width = float(grasp.wanted.opening_m), float(candidate.width_m)
    message.gripper_joints = list(named.gripper_joints)
    message.opened, message.closed = candidate.opened.tolist(), candidate.closed.tolist()
    message.phase_names = [OPEN, *plan.phases]
    message.phases = [
        _opening(named, candidate.opened, plan.phases["grasp"].duration_s),
        *(named.to_message(motion) for motion in plan.phases.values()),
    ]
    message.number_names = list(grasp.numbers)
    message.number_values = [float(value) for value in grasp.numbers.values()]
    return message


def with_poses(message: RobotGraspMessage, tool: np.ndarray, pregrasp: np.ndarray) -> RobotGraspMessage:
    """The message with its two poses (4, 4), in its frame."""
    message.tool, message.pregrasp = to_pose(tool), to_pose(pregrasp)
    return message


def arm_trajectory(message: RobotGraspMessage, named: NamedRobot) -> JointTrajectory:
    """All motions of the arm one after the other, with a pause while the gripper closes."""
    points, joined = [], JointTrajectory(joint_names=list(named.arm_joints))
    began_s = 0.0
    for name, phase in zip(message.phase_names, message.phases, strict=True):
        if name == OPEN:
            continue
        last_s = seconds(phase.points[-1].time_from_start)
        if list(phase.joint_names) == list(named.arm_joints):
            for point in phase.points:
                time_s = began_s + seconds(point.time_from_start)
                if points and time_s <= points[-1][0]:
                    continue
                points.append((time_s, point))
        began_s += last_s
    for time_s, point in points:
        copy = type(point)(
            positions=point.positions,
            velocities=point.velocities,
            accelerations=point.accelerations,
            time_from_start=duration(time_s),
        )
        joined.points.append(copy)
    return joined


def _opening(named: NamedRobot, opened: np.ndarray, duration_s: float) -> JointTrajectory:
    rest = np.zeros((1, len(opened)))
    motion = CoreTrajectory(
        named.robot.gripper.joints, np.array([duration_s]), opened[None], rest, rest
    )  # fmt: skip
    return named.to_message(motion)


def _vectors(messages: list[Vector3] | list[Point32]) -> np.ndarray:
    return np.array([[each.x, each.y, each.z] for each in messages], float).reshape(-1, 3)


def check_robot_name(message: RobotGraspMessage, named: NamedRobot) -> None:
    """Passes when a grasp is for this robot.

    Raises:
        ValueError: it is another's.
    """
    if message.robot != named.robot.name:
        raise ValueError(
            f"grasp.robot: {message.robot[:LONGEST_TEXT]!r}, this is {named.robot.name!r}; set robot_file of both nodes alike"
        )
