"""What a robot's YAML says, read strictly: unknown or missing keys and wrong types are errors."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


class RobotError(ValueError):
    """A robot's file cannot be used; the text says which file and field, and what to do."""


@dataclass(frozen=True)
class Arm:
    """The joints that carry the tool.

    Attributes:
        urdf: `example-robot-data/...`, or a path relative to the YAML file or to the package's `urdf` folder.
        joints: from base to tip.
        home_rad: where the arm rests, one value for each joint.
        acceleration_rad_s2: largest of each joint; URDF has no such field.
        without: links of the URDF that are left out, with all that hangs on them.
        limits_rad: joint -> (lower, upper), in place of the URDF's.
        velocity_rad_s: joint -> largest, in place of the URDF's.
        presented_rad: where it holds up what it grasped, out of the scene camera's view, one value for each joint; empty:
            it is not known.
    """

    urdf: str
    joints: tuple[str, ...]
    home_rad: tuple[float, ...]
    acceleration_rad_s2: tuple[float, ...]
    without: tuple[str, ...] = ()
    limits_rad: dict[str, tuple[float, float]] = field(default_factory=dict)
    velocity_rad_s: dict[str, float] = field(default_factory=dict)
    presented_rad: tuple[float, ...] = ()


@dataclass(frozen=True)
class Attached:
    """A second URDF at a frame of the arm's.

    Attributes:
        urdf: as in `Arm`.
        mount_frame: frame of the arm's URDF that carries it.
        translation_m: of its root in the mount frame.
        rpy_rad: its turn there, about fixed x, y, z as in URDF.
    """

    urdf: str
    mount_frame: str
    translation_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rpy_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Tool:
    """What is put on a target pose: x the closing direction, z the approach, origin between the finger pads.

    Attributes:
        frame: of the URDF.
        translation_m: of the tool in that frame.
        rpy_rad: its turn there, about fixed x, y, z as in URDF.
    """

    frame: str
    translation_m: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rpy_rad: tuple[float, float, float] = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class ParallelGripper:
    """Two fingers that close along the tool's x axis.

    Attributes:
        joints: of the two fingers; each moves half the opening.
        opening_max_m: between the pads.
        opening_min_m: between the pads.
        finger_length_m: from palm to finger end, along z.
        finger_width_m: along y.
        finger_thickness_m: along x, at the pad.
        beyond_tool_m: from the tool's origin to the finger end, along z.
        palm_width_m: the palm's box along x.
        palm_thickness_m: the palm's box along y.
        palm_depth_m: the palm's box along z, behind the fingers.
    """

    joints: tuple[str, str]
    opening_max_m: float
    opening_min_m: float
    finger_length_m: float
    finger_width_m: float
    finger_thickness_m: float
    beyond_tool_m: float
    palm_width_m: float
    palm_thickness_m: float
    palm_depth_m: float

    @property
    def pad_length_m(self) -> float:
        """How far from the finger ends the flat pads reach, along z: the tool's origin is in their middle."""
        return 2 * self.beyond_tool_m


@dataclass(frozen=True)
class Wrap:
    """How a hand curls around what its fingers reach past, beginning as a jaw.

    Attributes:
        deeper_m: so much farther than for a pinch its tips go.
        curl_rad: joint -> how far beyond where the fingers touch it is sent, for every joint that curls.
    """

    deeper_m: float
    curl_rad: dict[str, float]


@dataclass(frozen=True)
class Pinch:
    """How a hand is used as a jaw: the thumb on one side, other fingers on the other.

    Attributes:
        fingers: human names of those against the thumb, in their order along y.
        translation_m: of the jaw in the palm frame: between the tips' centres.
        rpy_rad: its turn there, about fixed x, y, z as in URDF; x from the fingers to the thumb, z the approach.
        spacing_m: between neighbouring fingers' tips, along y.
        width_max_m: of what fits between tips.
        squeeze_rad: how far the thumb's joint that presses most is sent beyond where the thumb touches.
        wrap: around what lets the fingers past; None: it only pinches.
    """

    fingers: tuple[str, ...]
    translation_m: tuple[float, float, float]
    rpy_rad: tuple[float, float, float]
    spacing_m: float
    width_max_m: float
    squeeze_rad: float
    wrap: Wrap | None = None


@dataclass(frozen=True)
class HandGripper:
    """A hand with fingers of its own.

    Attributes:
        palm_frame: of the URDF.
        fingers: human finger -> joints of the finger that stands for it, from the palm outwards.
        tips: human finger -> frame of that finger's tip.
        tip_radius_m: of the tips.
        open_rad: the open hand, joint -> value, for every joint of `fingers`.
        pinch: as a jaw; None: it is never used as one.
    """

    palm_frame: str
    fingers: dict[str, tuple[str, ...]]
    tips: dict[str, str]
    tip_radius_m: float
    open_rad: dict[str, float]
    pinch: Pinch | None = None

    @property
    def joints(self) -> tuple[str, ...]:
        """All joints, finger by finger."""
        return tuple(joint for joints in self.fingers.values() for joint in joints)


@dataclass(frozen=True)
class Robot:
    """A robot as its file describes it.

    Attributes:
        file: the YAML.
        name: of the robot.
        arm: its arm.
        base_frame: all poses are given in it; must not move.
        tool: what is put on targets.
        gripper: what grasps.
        attach: URDF of the gripper, where the arm's does not have it.
        collision_excludes: pairs of links that may touch.
    """

    file: Path
    name: str
    arm: Arm
    base_frame: str
    tool: Tool
    gripper: ParallelGripper | HandGripper
    attach: Attached | None = None
    collision_excludes: tuple[tuple[str, str], ...] = ()


GRIPPERS = {"parallel": ParallelGripper, "hand": HandGripper}


def read_robot(file: Path) -> Robot:
    """Reads a file's form; whether it fits its URDF is said by `robot_check.problems`.

    Raises:
        RobotError: names every field that is wrong.
    """
    try:
        content = yaml.safe_load(file.read_text())
    except OSError as error:
        raise RobotError(f"{file}: cannot be read ({error.strerror}); give the path of a YAML") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RobotError(f"{file}: is no YAML: {error}") from error
    wrong: list[str] = []
    values = _fields(Robot, content, "", wrong, given={"file": file})
    if wrong:
        raise RobotError("\n".join(f"{file}: {problem}" for problem in wrong))
    return values


def _fields(kind: type, value: Any, where: str, wrong: list[str], given: dict | None = None) -> Any:
    """A dataclass from a mapping; adds to `wrong` and returns None when it cannot be made."""
    if not isinstance(value, dict):
        wrong.append(f"{where or 'the file'}: {value!r} is no mapping; write `key: value` lines")
        return None
    hints, given, before = typing.get_type_hints(kind), given or {}, len(wrong)
    specs = {spec.name: spec for spec in dataclasses.fields(kind) if spec.name not in given}
    wrong += [f"{_join(where, key)}: is unknown; use {', '.join(specs)}" for key in value if key not in specs]
    read = dict(given)
    for name, spec in specs.items():
        if name in value:
            read[name] = _value(hints[name], value[name], _join(where, name), wrong)
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            wrong.append(f"{_join(where, name)}: is missing; add it")
    return kind(**read) if len(wrong) == before else None


def _value(hint: Any, value: Any, where: str, wrong: list[str]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if ParallelGripper in arguments:
            return _gripper(value, where, wrong)
        return None if value is None else _value(arguments[0], value, where, wrong)
    if dataclasses.is_dataclass(hint):
        return _fields(hint, value, where, wrong)
    if origin is tuple:
        return _tuple(arguments, value, where, wrong)
    if origin is dict:
        if not isinstance(value, dict):
            wrong.append(f"{where}: {value!r} is no mapping; write `key: value` lines")
            return {}
        return {
            _value(arguments[0], key, where, wrong): _value(arguments[1], item, _join(where, key), wrong)
            for key, item in value.items()
        }
    return _scalar(hint, value, where, wrong)


def _tuple(arguments: tuple, value: Any, where: str, wrong: list[str]) -> tuple:
    if not isinstance(value, list):
        wrong.append(f"{where}: {value!r} is no list; write [a, b, ...]")
        return ()
    kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
    if len(kinds) != len(value):
        wrong.append(f"{where}: {value!r} has {len(value)} entries; give {len(kinds)}")
        return ()
    return tuple(
        _value(kind, item, f"{where}[{i}]", wrong)
        for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
    )


def _scalar(hint: type, value: Any, where: str, wrong: list[str]) -> Any:
    if hint is float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            wrong.append(f"{where}: {value!r} is no finite number; give one")
            return 0.0
        return float(value)
    if not isinstance(value, str) or not value:
        wrong.append(f"{where}: {value!r} is no text; put a name here, in quotes if it looks like a number")
        return ""
    return value


def _gripper(value: Any, where: str, wrong: list[str]) -> ParallelGripper | HandGripper | None:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in GRIPPERS:
        wrong.append(f"{where}.kind: {kind!r} is unknown; use one of {', '.join(GRIPPERS)}")
        return None
    rest = {name: item for name, item in value.items() if name != "kind"}
    return _fields(GRIPPERS[kind], rest, where, wrong)


def _join(where: str, name: object) -> str:
    return f"{where}.{name}" if where else str(name)
