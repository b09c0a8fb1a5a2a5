"""A robot of `config/robots` as a MuJoCo model: the URDFs that its kinematics come from, with servos."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import mujoco
import numpy as np

from grasp_cell.arm_config import ArmCellConfig
from semgrasp_ros.core.retarget.robot_file import ParallelGripper, Robot
from semgrasp_ros.core.retarget.robot_model import (
    TOOL_FRAME,
    build_model,
    find_urdf,
    package_data_folder,
    urdf_text,
)

# Robots touch objects, tables and, where their file does not exclude it, themselves.
ROBOT_CONTYPE, ROBOT_CONAFFINITY = 0b1001, 0b1010
OBJECT_CONTYPE, OBJECT_CONAFFINITY = 0b0110, 0b0101
SEEN_GROUP, HIDDEN_GROUP = 1, 3
ARM_COLOUR, GRIPPER_COLOUR = [0.90, 0.91, 0.93, 1.0], [0.24, 0.27, 0.31, 1.0]
# Stiffness of a servo with a torque of 87 N m; others scale with their torque's power of 0.4.
STIFFNESS_NM_RAD, STIFFNESS_TORQUE_NM = 4500.0, 87.0
SERVO_LAG_S = 0.1
JAW_STIFFNESS_N_M, JAW_DAMPING_N_S_M, JAW_INERTIA_KG = 3000.0, 120.0, 0.6
# A jaw is driven by one finger; the other follows by gears, as the URDF's mimic joint says.
GEAR_SOLREF = [0.006, 1.0]
PREFIX = "attached:"


def robot_spec(robot: Robot, config: ArmCellConfig) -> mujoco.MjSpec:
    """The robot with position servos, gravity compensated, and a site `semgrasp_tool` at its tool frame.

    Actuators have the names of their joints: the arm's, then those of the gripper. A parallel jaw has one, on its first
    joint.

    Args:
        robot: from `load_robot`.
        config: forces and friction.

    Raises:
        RobotError: a URDF cannot be read.
    """
    spec = _read(robot.arm.urdf, robot, robot.arm.without)
    if robot.attach:
        frame = spec.body(robot.attach.mount_frame).add_frame(
            pos=robot.attach.translation_m, quat=_quaternion(robot.attach.rpy_rad)
        )
        spec.attach(_read(robot.attach.urdf, robot), frame=frame, prefix=PREFIX)
        _without_prefix(spec)
    spec.body(robot.tool.frame).add_site(
        name=TOOL_FRAME, pos=robot.tool.translation_m, quat=_quaternion(robot.tool.rpy_rad), group=4
    )
    gripping = gripper_bodies(spec, robot)
    for body in spec.bodies[1:]:
        body.gravcomp = 1.0
        _dress(body, body.name in gripping, config)
    for first, second in robot.collision_excludes:
        spec.add_exclude(bodyname1=first, bodyname2=second)
    _add_servos(spec, robot, config)
    return spec


def gripper_bodies(spec: mujoco.MjSpec, robot: Robot) -> set[str]:
    """Names of the bodies that the gripper's joints move, and of what carries these."""
    found: set[str] = set()
    for name in robot.gripper.joints:
        body = spec.joint(name).parent
        found |= {body.parent.name, *(each.name for each in _below(body))}
    arm = {spec.joint(name).parent.name for name in robot.arm.joints}
    return found - arm


def _below(body: mujoco.MjsBody) -> list[mujoco.MjsBody]:
    return [body, *(deeper for child in body.bodies for deeper in _below(child))]


def _read(urdf: str, robot: Robot, without: tuple[str, ...] = ()) -> mujoco.MjSpec:
    root = ElementTree.fromstring(urdf_text(find_urdf(urdf, robot.file), without))
    for link in root.findall("link"):
        # COLLADA, which MuJoCo does not read: the collision shapes are drawn in its place.
        for visual in link.findall("visual"):
            mesh = visual.find("geometry/mesh")
            if mesh is not None and mesh.get("filename").lower().endswith(".dae"):
                link.remove(visual)
    for mesh in root.iter("mesh"):
        mesh.set("filename", mesh.get("filename").replace("package://", f"{package_data_folder()}/"))
    options = ElementTree.SubElement(root, "mujoco")
    ElementTree.SubElement(
        options,
        "compiler",
        strippath="false",
        balanceinertia="true",
        fusestatic="false",
        discardvisual="false",
    )
    return mujoco.MjSpec.from_string(ElementTree.tostring(root, encoding="unicode"))


def _without_prefix(spec: mujoco.MjSpec) -> None:
    """Gives what was attached its own names again: the robot's file speaks of them."""
    for thing in (*spec.bodies, *spec.joints):
        thing.name = thing.name.removeprefix(PREFIX)
    for equality in spec.equalities:
        equality.name1, equality.name2 = (
            name.removeprefix(PREFIX) for name in (equality.name1, equality.name2)
        )


def _dress(body: mujoco.MjsBody, gripping: bool, config: ArmCellConfig) -> None:
    """Colours, and which shapes collide: meshes as their convex hulls."""
    drawn = any(not geom.contype for geom in body.geoms)
    for geom in body.geoms:
        geom.rgba = GRIPPER_COLOUR if gripping else ARM_COLOUR
        if not geom.contype:
            geom.group = SEEN_GROUP
            continue
        geom.group = HIDDEN_GROUP if drawn else SEEN_GROUP
        geom.contype, geom.conaffinity = ROBOT_CONTYPE, ROBOT_CONAFFINITY
        if gripping:
            geom.condim = 4
            geom.friction = [config.pad_friction, 0.01, 0.0001]
            geom.solref = [0.006, 1.0]
            # The rubber's friction counts, whatever it touches.
            geom.priority = 1


def _add_servos(spec: mujoco.MjSpec, robot: Robot, config: ArmCellConfig) -> None:
    model = build_model(robot)
    for name in robot.arm.joints:
        joint = spec.joint(name)
        torque = float(model.effortLimit[model.joints[model.getJointId(name)].idx_v])
        joint.armature, joint.damping, joint.frictionloss = 0.1, np.zeros(3), 0.0
        stiffness = STIFFNESS_NM_RAD * (torque / STIFFNESS_TORQUE_NM) ** 0.4
        _servo(spec, name, stiffness, SERVO_LAG_S * stiffness, torque)
    jaw = isinstance(robot.gripper, ParallelGripper)
    for name in robot.gripper.joints:
        joint = spec.joint(name)
        joint.frictionloss = 0.0
        if jaw:
            # The gears' inertia; without it the light fingers would sink into what they press on.
            joint.armature, joint.damping = JAW_INERTIA_KG, np.zeros(3)
            joint.solref_limit = GEAR_SOLREF
        else:
            joint.armature, joint.damping = 0.005, np.array([0.05, 0, 0])
    if jaw:
        _servo(spec, robot.gripper.joints[0], JAW_STIFFNESS_N_M, JAW_DAMPING_N_S_M, config.grip_force_n)
        for equality in spec.equalities:
            equality.solref = GEAR_SOLREF
        return
    for name in robot.gripper.joints:
        stiffness = config.hand_stiffness_nm_rad
        _servo(spec, name, stiffness, 0.05 * stiffness, config.hand_torque_nm)


def _servo(spec: mujoco.MjSpec, joint: str, stiffness: float, damping: float, most: float) -> None:
    servo = spec.add_actuator(name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    servo.set_to_position(kp=stiffness, kv=damping)
    servo.forcerange, servo.forcelimited = [-most, most], mujoco.mjtLimited.mjLIMITED_TRUE
    # The URDF's own bound on the joint would count gravity compensation too, and hands' bounds are not true there.
    spec.joint(joint).actfrclimited = mujoco.mjtLimited.mjLIMITED_FALSE


def _quaternion(rpy_rad: tuple[float, ...]) -> np.ndarray:
    import pinocchio

    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(pinocchio.rpy.rpyToMatrix(*rpy_rad)).ravel())
    return quaternion
