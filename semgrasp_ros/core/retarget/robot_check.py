"""Whether a robot's file fits its URDF, in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from semgrasp_ros.core.retarget.robot_file import (
    HandGripper,
    ParallelGripper,
    Pinch,
    Robot,
    RobotError,
    Wrap,
    read_robot,
)
from semgrasp_ros.core.retarget.robot_model import build_model, frame_names

if TYPE_CHECKING:
    import pinocchio

HUMAN_FINGERS = ("thumb", "index", "middle", "ring", "little")
LONGEST_JOINT_RAD = 1e3  # limits beyond are none


def check_robot(file: Path) -> list[str]:
    """What is wrong with a YAML, each with file, field, value and what to do; empty when nothing is."""
    try:
        robot = read_robot(Path(file))
    except RobotError as error:
        return str(error).splitlines()
    return [f"{file}: {problem}" for problem in problems(robot)]


def problems(robot: Robot) -> list[str]:
    """What does not fit, each starting with the field."""
    try:
        model = build_model(robot)
    except RobotError as error:
        return [str(error)]
    return [*_arm(robot, model), *_frames(robot, model), *_gripper(robot, model)]


def summary(robot: Robot) -> str:
    """A robot in a few lines."""
    model = build_model(robot)
    lines = [f"{robot.name}: {len(robot.arm.joints)} arm joints, {model.njoints - 1} in all"]
    for name, home in zip(robot.arm.joints, robot.arm.home_rad, strict=True):
        low, high, speed = limits(model, name)
        lines.append(f"  {name}: {low:.3f} to {high:.3f} rad, home {home:.3f}, at most {speed:.2f} rad/s")
    if isinstance(robot.gripper, ParallelGripper):
        gripper = robot.gripper
        lines.append(
            f"  parallel gripper: {gripper.opening_min_m * 1e3:.0f} to {gripper.opening_max_m * 1e3:.0f} mm"
        )
    else:
        lines.append(f"  hand: {', '.join(robot.gripper.fingers)}; {len(robot.gripper.joints)} joints")
    return "\n".join(lines)


def limits(model: pinocchio.Model, joint: str) -> tuple[float, float, float]:
    """Lower and upper limit and largest speed of a joint with one degree of freedom."""
    found = model.joints[model.getJointId(joint)]
    return (
        float(model.lowerPositionLimit[found.idx_q]),
        float(model.upperPositionLimit[found.idx_q]),
        float(model.velocityLimit[found.idx_v]),
    )


def _arm(robot: Robot, model: pinocchio.Model) -> Iterator[str]:
    arm = robot.arm
    if not arm.joints:
        yield "arm.joints: is empty; name the joints from base to tip"
    for name in ("home_rad", "acceleration_rad_s2"):
        count = len(getattr(arm, name))
        if count != len(arm.joints):
            yield f"arm.{name}: has {count} values for {len(arm.joints)} joints; give one for each"
    if arm.presented_rad and len(arm.presented_rad) != len(arm.joints):
        yield f"arm.presented_rad: has {len(arm.presented_rad)} values for {len(arm.joints)} joints; give one for each"
    for i, value in enumerate(arm.acceleration_rad_s2):
        if value <= 0:
            yield f"arm.acceleration_rad_s2[{i}]: {value} is not above 0; give the largest acceleration"
    for group in ("limits_rad", "velocity_rad_s"):
        for name in getattr(arm, group):
            if name not in arm.joints:
                yield f"arm.{group}.{name}: is no arm joint; use one of {', '.join(arm.joints)}"
    yield from _twice("arm.joints", arm.joints)
    for i, name in enumerate(arm.joints):
        reason = _joint_problem(model, name)
        if reason:
            yield f"arm.joints[{i}]: {reason}"
            continue
        low, high, speed = limits(model, name)
        if low >= high:
            yield (
                f"arm.limits_rad.{name}: [{low:g}, {high:g}] is reversed or empty; write [lower, upper]"
                if name in arm.limits_rad
                else f"arm.urdf: {name} has limits [{low:g}, {high:g}]; override them in arm.limits_rad"
            )
        elif max(abs(low), abs(high)) > LONGEST_JOINT_RAD:
            yield f"arm.joints[{i}]: {name!r} has no limits; give them in arm.limits_rad"
        else:
            for field in ("home_rad", "presented_rad"):
                values = getattr(arm, field)
                if i < len(values) and not low <= values[i] <= high:
                    yield (
                        f"arm.{field}[{i}]: {values[i]:g} of {name} is outside {low:g} to {high:g}; "
                        "move it inside, or change arm.limits_rad"
                    )
        if not 0 < speed < LONGEST_JOINT_RAD:
            yield f"arm.velocity_rad_s.{name}: {speed:g} is no speed limit; give one above 0"


def _frames(robot: Robot, model: pinocchio.Model) -> Iterator[str]:
    names = ", ".join(frame_names(model))
    if not model.existFrame(robot.base_frame):
        yield f"base_frame: the URDF has no frame {robot.base_frame!r}; it has {names}"
    elif model.frames[model.getFrameId(robot.base_frame)].parentJoint != 0:
        yield f"base_frame: {robot.base_frame!r} moves with a joint; name a link before the first joint"
    moved = set(model.supports[model.frames[model.getFrameId(robot.tool.frame)].parentJoint])
    for i, name in enumerate(robot.arm.joints):
        if model.existJointName(name) and model.getJointId(name) not in moved:
            yield f"arm.joints[{i}]: {name!r} does not move {robot.tool.frame!r}; leave it out or change tool.frame"
    for i, pair in enumerate(robot.collision_excludes):
        for name in pair:
            if not model.existFrame(name):
                yield f"collision_excludes[{i}]: the URDF has no link {name!r}; it has {names}"


def _gripper(robot: Robot, model: pinocchio.Model) -> Iterator[str]:
    if isinstance(robot.gripper, ParallelGripper):
        yield from _parallel(robot.gripper, model)
    else:
        yield from _hand(robot.gripper, model)
    for name in robot.gripper.joints:
        if name in robot.arm.joints:
            yield f"gripper: {name!r} is an arm joint too; name it once"


def _parallel(gripper: ParallelGripper, model: pinocchio.Model) -> Iterator[str]:
    low, high = gripper.opening_min_m, gripper.opening_max_m
    if not 0 <= low < high:
        yield f"gripper.opening_min_m: {low:g} to {high:g} is reversed or below 0; lengths in metres"
    for name in ("finger_length_m", "finger_width_m", "finger_thickness_m", "palm_width_m"):
        yield from _length(f"gripper.{name}", getattr(gripper, name))
    for name in ("palm_thickness_m", "palm_depth_m"):
        yield from _length(f"gripper.{name}", getattr(gripper, name))
    if not 0 < gripper.beyond_tool_m <= gripper.finger_length_m / 2:
        yield (
            f"gripper.beyond_tool_m: {gripper.beyond_tool_m:g} is outside 0 to half the finger's length "
            f"{gripper.finger_length_m / 2:g}; it is measured from the tool's origin, the middle of the pads, to the "
            "finger end"
        )
    yield from _twice("gripper.joints", gripper.joints)
    for i, name in enumerate(gripper.joints):
        reason = _joint_problem(model, name)
        if reason:
            yield f"gripper.joints[{i}]: {reason}"
            continue
        upper = limits(model, name)[1]
        if abs(upper - high / 2) > 0.002:
            yield (
                f"gripper.opening_max_m: {high:g} is not twice the travel {upper:g} of {name!r}; "
                "joints count from closed, each moves half the opening"
            )


def _hand(gripper: HandGripper, model: pinocchio.Model) -> Iterator[str]:
    names = ", ".join(frame_names(model))
    yield from _length("gripper.tip_radius_m", gripper.tip_radius_m)
    if not model.existFrame(gripper.palm_frame):
        yield f"gripper.palm_frame: the URDF has no frame {gripper.palm_frame!r}; it has {names}"
    if "thumb" not in gripper.fingers or len(gripper.fingers) < 2:
        yield f"gripper.fingers: {', '.join(gripper.fingers)!r} cannot grasp; give the thumb and another finger"
    if set(gripper.tips) != set(gripper.fingers):
        yield f"gripper.tips: {sorted(gripper.tips)} are not the fingers {sorted(gripper.fingers)}; give the same"
    for finger in gripper.fingers:
        if finger not in HUMAN_FINGERS:
            yield f"gripper.fingers.{finger}: is unknown; use {', '.join(HUMAN_FINGERS)}"
    for finger, frame in gripper.tips.items():
        if not model.existFrame(frame):
            yield f"gripper.tips.{finger}: the URDF has no frame {frame!r}; it has {names}"
    yield from _twice("gripper.fingers", gripper.joints)
    if set(gripper.open_rad) != set(gripper.joints):
        odd = sorted(set(gripper.open_rad) ^ set(gripper.joints))
        yield f"gripper.open_rad: {odd} are missing or no joints of gripper.fingers; give each once"
    if gripper.pinch is not None:
        yield from _pinch(gripper.pinch, gripper)
    for finger, joints in gripper.fingers.items():
        for i, name in enumerate(joints):
            reason = _joint_problem(model, name)
            if reason:
                yield f"gripper.fingers.{finger}[{i}]: {reason}"
                continue
            low, high, _ = limits(model, name)
            value = gripper.open_rad.get(name)
            if value is not None and not low <= value <= high:
                yield f"gripper.open_rad.{name}: {value:g} is outside {low:g} to {high:g}; move it inside"


def _pinch(pinch: Pinch, gripper: HandGripper) -> Iterator[str]:
    yield from _length("gripper.pinch.width_max_m", pinch.width_max_m)
    yield from _length("gripper.pinch.spacing_m", pinch.spacing_m)
    if not 0 < pinch.squeeze_rad < 3:
        yield f"gripper.pinch.squeeze_rad: {pinch.squeeze_rad:g} is outside 0 to 3; angles are in radians"
    if not pinch.fingers:
        yield "gripper.pinch.fingers: is empty; name the fingers against the thumb"
    for finger in pinch.fingers:
        if finger == "thumb" or finger not in gripper.fingers:
            others = ", ".join(name for name in gripper.fingers if name != "thumb")
            yield f"gripper.pinch.fingers: {finger!r} cannot be against the thumb; use {others}"
    yield from _twice("gripper.pinch.fingers", pinch.fingers)
    if pinch.wrap is not None:
        yield from _wrap(pinch.wrap, gripper)


def _wrap(wrap: Wrap, gripper: HandGripper) -> Iterator[str]:
    yield from _length("gripper.pinch.wrap.deeper_m", wrap.deeper_m)
    if not wrap.curl_rad:
        yield "gripper.pinch.wrap.curl_rad: is empty; name the joints that curl"
    for joint, curl in wrap.curl_rad.items():
        if joint not in gripper.joints:
            yield f"gripper.pinch.wrap.curl_rad: {joint!r} is no joint of gripper.fingers; use {', '.join(gripper.joints)}"
        if not 0 < abs(curl) < 3:
            yield f"gripper.pinch.wrap.curl_rad.{joint}: {curl:g} is not within 0 to 3, either way; angles are in radians"


def _joint_problem(model: pinocchio.Model, name: str) -> str:
    if not model.existJointName(name):
        return f"the URDF has no movable joint {name!r}; it has {', '.join(list(model.names)[1:])}"
    joint = model.joints[model.getJointId(name)]
    if joint.nq != 1 or joint.nv != 1:
        return f"{name!r} turns without end; use a revolute or prismatic joint with limits in the URDF"
    return ""


def _length(field: str, value: float) -> Iterator[str]:
    if not 0 < value < 1:
        yield f"{field}: {value:g} is outside 0 to 1; lengths are in metres"


def _twice(field: str, names: tuple[str, ...]) -> Iterator[str]:
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{field}: {name!r} is there twice; name it once"
