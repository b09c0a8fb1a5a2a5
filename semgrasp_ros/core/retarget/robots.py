"""Robots by name or file: `load_robot("panda")`.

A new robot is a YAML like those in `config/robots` and a URDF; `python -m semgrasp_ros check-robot FILE` says what
is wrong with it.
"""

from __future__ import annotations

from pathlib import Path

from semgrasp_ros.core.retarget.robot_check import problems
from semgrasp_ros.core.retarget.robot_file import (
    Arm,
    Attached,
    HandGripper,
    ParallelGripper,
    Robot,
    RobotError,
    Tool,
    read_robot,
)
from semgrasp_ros.core.retarget.robot_model import find_shipped

__all__ = [
    "Arm",
    "Attached",
    "HandGripper",
    "ParallelGripper",
    "Robot",
    "RobotError",
    "Tool",
    "load_robot",
    "robot_file",
    "robot_names",
]

DEFAULT_ROBOT = "panda"


def robot_names() -> list[str]:
    """Robots that ship with the package."""
    return sorted(file.stem for file in find_shipped("config", "robots").glob("*.yaml"))


def robot_file(name_or_path: str | Path) -> Path:
    """The YAML of a shipped robot, or the path itself.

    Raises:
        RobotError: it is neither a name nor a file.
    """
    if Path(name_or_path).suffix in (".yaml", ".yml"):
        return Path(name_or_path)
    if str(name_or_path) not in robot_names():
        known = ", ".join(robot_names())
        raise RobotError(
            f"robot: {str(name_or_path)!r} is unknown; use one of {known}, or the path of a YAML"
        )
    return find_shipped("config", "robots", f"{name_or_path}.yaml")


def load_robot(name_or_path: str | Path = DEFAULT_ROBOT) -> Robot:
    """A robot that is checked against its URDF.

    Raises:
        RobotError: names the file and every field that is wrong.
    """
    robot = read_robot(robot_file(name_or_path))
    wrong = problems(robot)
    if wrong:
        raise RobotError("\n".join(f"{robot.file}: {problem}" for problem in wrong))
    return robot
