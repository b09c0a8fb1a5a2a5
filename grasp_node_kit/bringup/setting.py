"""The arguments that a launch file was given, with what presets and namespaces make of them."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grasp_node_kit.bringup.arguments import TOPICS, TRANSPORTS
from grasp_node_kit.bringup.presets import Preset, load_preset, merged

_NAMESPACE = re.compile(r"/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*", re.ASCII)
_TOPIC = re.compile(r"/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*", re.ASCII)


def absolute(namespace: str, name: str) -> str:
    """A name in a namespace, both with or without a leading slash."""
    if name.startswith("/"):
        return name
    return "/" + "/".join(part for part in (namespace.strip("/"), name) if part)


def check_namespace(text: str, argument: str = "namespace") -> str:
    """A namespace as it was given.

    Raises:
        ValueError: it is not one.
    """
    if text and not _NAMESPACE.fullmatch(text):
        raise ValueError(
            f"{argument}: {text!r} is not a namespace; use letters, digits and underscores, as in 'robot1'"
        )
    return text


@dataclass(frozen=True)
class Setting:
    """What was asked for.

    Attributes:
        given: value of each argument.
        folder: where the package's files lie, with config/ and rviz/ in it.
        outer_namespace: namespace into which a launch file was included.
    """

    given: Mapping[str, str]
    folder: Path
    outer_namespace: str = ""

    def text(self, name: str) -> str:
        """The value of an argument; empty when this launch file has no such argument."""
        return self.given.get(name, "").strip()

    def flag(self, name: str) -> bool:
        """Whether an argument is 'true'."""
        return self.text(name) == "true"

    def number(self, name: str, least: float, whole: bool = False) -> float | int:
        """An argument as a number.

        Raises:
            ValueError: it is none, or less than `least`.
        """
        try:
            value = int(self.text(name)) if whole else float(self.text(name))
        except ValueError:
            value = math.nan
        if not value >= least or math.isinf(value):
            kind = "a whole number" if whole else "a number"
            raise ValueError(f"{name}: {self.text(name)!r} is not {kind} of at least {least:g}")
        return value

    def file(self, name: str) -> Path | None:
        """An argument as a file; None when it is empty.

        Raises:
            ValueError: there is no such file.
        """
        if not self.text(name):
            return None
        path = Path(self.text(name)).expanduser().absolute()
        if not path.is_file():
            raise ValueError(f"{name}: there is no file {path}")
        return path

    @property
    def namespace(self) -> str:
        """The nodes' namespace, absolute; '/' when there is none."""
        own = check_namespace(self.text("namespace"))
        return absolute(self.outer_namespace, own) if own else absolute("", self.outer_namespace.strip("/"))

    @property
    def robot_name(self) -> str:
        """The namespace without slashes, to name what belongs to one robot; empty when there is none."""
        return self.namespace.strip("/").replace("/", "_")

    @functools.cached_property
    def source(self) -> Preset:
        """The preset of `source`."""
        return load_preset(self.folder / "config/presets/sources" / f"{self.text('source')}.yaml")

    @functools.cached_property
    def robot(self) -> Preset:
        """The preset of `robot`."""
        return load_preset(self.folder / "config/presets/robots" / f"{self.text('robot')}.yaml")

    @property
    def parameters(self) -> dict[str, Any]:
        """Parameters of both presets."""
        return merged(self.robot.parameters, self.source.parameters)

    def topic(self, argument: str) -> str:
        """The name to use for a topic: that of the argument, of a preset, or the node's own.

        Raises:
            ValueError: the argument is not the name of a topic.
        """
        name = self.text(argument)
        if name and not _TOPIC.fullmatch(name):
            raise ValueError(
                f"{argument}: {name!r} is not the name of a topic, as in 'camera/color/image_raw'"
            )
        presets = self.source.topics | self.robot.topics
        return name or presets.get(argument, TOPICS[argument].name)

    def sent_topic(self, argument: str) -> str:
        """As `topic`, with the ending of the topic that a transport sends instead."""
        transport = self.text(TRANSPORTS.get(argument, ""))
        return self.topic(argument) + (f"/{transport}" if transport not in ("", "raw") else "")

    @property
    def use_sim_time(self) -> bool:
        """Whether nodes take time from a topic."""
        said = self.text("use_sim_time") or "auto"
        return self.source.use_sim_time if said == "auto" else said == "true"

    @property
    def base_frame(self) -> str:
        """Frame of the arm's base."""
        return self.text("base_frame") or self.robot.parameters["extrinsics"]["base_frame"]

    @property
    def camera_pose(self) -> list[float] | None:
        """Pose of the camera frame in the base frame, x y z [m] qx qy qz qw; None when others publish it.

        Raises:
            ValueError: the argument is not such a pose.
        """
        text = self.text("camera_pose")
        if not text:
            known = self.source.parameters.get("extrinsics", {})
            return [*known["translation_m"], *known["rotation_xyzw"]] if known else None
        try:
            values = [float(word) for word in text.replace(",", " ").split()]
        except ValueError:
            values = []
        length = math.hypot(*values[3:]) if len(values) == 7 else math.nan
        if not (abs(length - 1.0) < 0.01 and all(map(math.isfinite, values))):
            raise ValueError(
                f"camera_pose: {text!r} is not 'x y z qx qy qz qw' in metres with a quaternion of length 1"
            )
        return values

    @property
    def camera_frame(self) -> str:
        """Frame whose pose `camera_pose` is.

        Raises:
            ValueError: nobody says which it is.
        """
        frame = self.text("camera_frame") or self.source.camera_frame
        if not frame:
            raise ValueError(
                "camera_frame: is needed with camera_pose, as `source` does not say it: the root frame of your camera"
            )
        return frame
