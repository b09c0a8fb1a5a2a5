"""A robot's URDF files as one pinocchio model."""

from __future__ import annotations

import contextlib
import sysconfig
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from semgrasp_ros.core.retarget.robot_file import Robot, RobotError

if TYPE_CHECKING:
    import pinocchio

PACKAGE = "example-robot-data"
TOOL_FRAME = "semgrasp_tool"


def find_shipped(*names: str) -> Path:
    """A file or folder that ships with the package, from the source tree or an installation.

    Raises:
        FileNotFoundError: it is not there.
    """
    relative = Path(*names)
    for folder in Path(__file__).resolve().parents:
        for place in (folder / relative, folder / "share" / "semantic_grasping" / relative):
            if place.exists():
                return place
    raise FileNotFoundError(
        f"{relative}: is neither in the source tree nor installed; build the package again"
    )


def package_data_folder() -> Path:
    """The folder that holds `example-robot-data`, whether it came from the wheel or the system's prefix."""
    roots = (
        Path(sysconfig.get_path("purelib")) / "cmeel.prefix/share",
        Path(sysconfig.get_path("data")) / "share",
    )
    return next((root for root in roots if (root / PACKAGE).is_dir()), roots[0])


def find_urdf(urdf: str, file: Path) -> Path:
    """The file that a robot's YAML names.

    Args:
        urdf: what the YAML says.
        file: the YAML.

    Raises:
        FileNotFoundError: it is nowhere; says where was looked.
    """
    if urdf.startswith(f"{PACKAGE}/"):
        places = [package_data_folder() / urdf]
    else:
        places = [file.parent / urdf]
        with contextlib.suppress(FileNotFoundError):
            places.append(find_shipped("urdf") / urdf)
    for place in places:
        if place.is_file():
            return place
    hint = f"; is the wheel {PACKAGE} installed?" if urdf.startswith(f"{PACKAGE}/") else ""
    raise FileNotFoundError(f"{urdf!r} is not there; looked for {', '.join(map(str, places))}{hint}")


def urdf_text(path: Path, without: tuple[str, ...] = ()) -> str:
    """A URDF, with the links `without` and all that hangs on them left out.

    Raises:
        RobotError: the file is no XML, or a link of `without` is not in it.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise RobotError(f"{path.name} is no XML: {error}") from error
    links = {link.get("name"): link for link in root.findall("link")}
    joints = [(j, j.find("parent").get("link"), j.find("child").get("link")) for j in root.findall("joint")]
    for name in without:
        if name not in links:
            raise RobotError(f"{path.name} has no link {name!r}; its links: {', '.join(links)}")
    gone, grown = set(without), True
    while grown:
        more = {child for _, parent, child in joints if parent in gone} - gone
        gone, grown = gone | more, bool(more)
    for joint, _, child in joints:
        if child in gone:
            root.remove(joint)
    for name in gone:
        root.remove(links[name])
    return ElementTree.tostring(root, encoding="unicode")


def pose(translation_m: tuple[float, ...], rpy_rad: tuple[float, ...]) -> pinocchio.SE3:
    """A placement as URDF writes it."""
    import pinocchio

    return pinocchio.SE3(pinocchio.rpy.rpyToMatrix(*rpy_rad), np.array(translation_m))


def build_model(robot: Robot) -> pinocchio.Model:
    """The whole robot, gripper attached and the frame `semgrasp_tool` added; limits as the YAML overrides them.

    Raises:
        RobotError: a URDF cannot be read or lacks a frame; starts with the field.
    """
    import pinocchio

    model = _read("arm.urdf", robot.arm.urdf, robot, robot.arm.without)
    if robot.attach:
        added = _read("attach.urdf", robot.attach.urdf, robot)
        mount = _frame(model, "attach.mount_frame", robot.attach.mount_frame)
        same = ({f.name for f in model.frames} & {f.name for f in added.frames}) - {"universe"}
        if same:
            raise RobotError(
                f"attach.urdf: {robot.attach.urdf!r} has frames of the arm's names: {', '.join(sorted(same))}; "
                "rename them in one of the files"
            )
        place = pose(robot.attach.translation_m, robot.attach.rpy_rad)
        model = pinocchio.appendModel(model, added, mount, place)
    parent = _frame(model, "tool.frame", robot.tool.frame)
    on = model.frames[parent]
    place = on.placement * pose(robot.tool.translation_m, robot.tool.rpy_rad)
    model.addFrame(
        pinocchio.Frame(TOOL_FRAME, on.parentJoint, parent, place, pinocchio.FrameType.OP_FRAME), False
    )
    for name, (low, high) in robot.arm.limits_rad.items():
        if model.existJointName(name):
            index = model.joints[model.getJointId(name)].idx_q
            model.lowerPositionLimit[index], model.upperPositionLimit[index] = low, high
    for name, largest in robot.arm.velocity_rad_s.items():
        if model.existJointName(name):
            model.velocityLimit[model.joints[model.getJointId(name)].idx_v] = largest
    return model


def build_geometry(robot: Robot, model: pinocchio.Model) -> pinocchio.GeometryModel:
    """The collision shapes of the URDFs, gripper attached, meshes as their convex hulls.

    Args:
        robot: as the model was built from.
        model: of `build_model`.

    Raises:
        RobotError: a mesh cannot be read.
    """
    import pinocchio

    def shapes(field: str, urdf: str, without: tuple[str, ...] = ()) -> tuple:
        part, path = _read(field, urdf, robot, without), find_urdf(urdf, robot.file)
        folders = [str(package_data_folder()), str(path.parent)]
        try:
            found = pinocchio.buildGeomFromUrdfString(
                part, urdf_text(path, without), pinocchio.COLLISION, package_dirs=folders
            )
        except (ValueError, RuntimeError) as error:
            raise RobotError(f"{field}: {error}") from error
        return part, found

    part, geometry = shapes("arm.urdf", robot.arm.urdf, robot.arm.without)
    if robot.attach:
        added, more = shapes("attach.urdf", robot.attach.urdf)
        mount = _frame(part, "attach.mount_frame", robot.attach.mount_frame)
        place = pose(robot.attach.translation_m, robot.attach.rpy_rad)
        _, geometry = pinocchio.appendModel(part, added, geometry, more, mount, place)
    for thing in geometry.geometryObjects:
        if hasattr(thing.geometry, "buildConvexHull"):
            thing.geometry.buildConvexHull(True, "Qt")
            thing.geometry = thing.geometry.convex
    return geometry


def _read(field: str, urdf: str, robot: Robot, without: tuple[str, ...] = ()) -> pinocchio.Model:
    import pinocchio

    try:
        return pinocchio.buildModelFromXML(urdf_text(find_urdf(urdf, robot.file), without))
    except (FileNotFoundError, RobotError, ValueError, RuntimeError) as error:
        raise RobotError(f"{field}: {error}") from error


def _frame(model: pinocchio.Model, field: str, name: str) -> int:
    if not model.existFrame(name):
        raise RobotError(f"{field}: the URDF has no frame {name!r}; it has {', '.join(frame_names(model))}")
    return model.getFrameId(name)


def frame_names(model: pinocchio.Model) -> list[str]:
    """Names of links, without those of joints."""
    import pinocchio

    return [frame.name for frame in model.frames if frame.type == pinocchio.FrameType.BODY]
