"""Presets: what a camera driver or a robot driver calls its topics, frames and joints."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from grasp_node_kit.bringup.arguments import TOPICS


@dataclass(frozen=True)
class Preset:
    """A file of config/presets.

    Attributes:
        topics: by argument of the launch files, the name that the driver gives to a topic, relative to its namespace.
        parameters: of the nodes, in groups.
        camera_frame: root of the scene camera's frames; empty when it is not known.
        use_sim_time: time comes from `clock`.
        clock: topic of that time.
    """

    topics: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    camera_frame: str = ""
    use_sim_time: bool = False
    clock: str = "/clock"


_TYPES = {"topics": dict, "parameters": dict, "camera_frame": str, "use_sim_time": bool, "clock": str}


def load_preset(file: Path) -> Preset:
    """Reads a preset.

    Raises:
        ValueError: names the file, the field and what is allowed.
    """
    try:
        values = yaml.safe_load(file.read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise ValueError(f"{file}: cannot be read as YAML: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{file}: expected `name: value` lines")
    for name, value in values.items():
        if name not in _TYPES:
            raise ValueError(f"{file}: {name!r} is unknown; use one of {', '.join(_TYPES)}")
        if not isinstance(value, _TYPES[name]):
            raise ValueError(f"{file}: {name}: {value!r} is not of type {_TYPES[name].__name__}")
    for name, topic in values.get("topics", {}).items():
        if name not in TOPICS:
            raise ValueError(f"{file}: topics.{name} is unknown; use one of {', '.join(TOPICS)}")
        if not isinstance(topic, str) or not topic:
            raise ValueError(f"{file}: topics.{name}: {topic!r} is not the name of a topic")
    return Preset(**values)


def merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Both groups of parameters; where both have a value, that of the second."""
    result = dict(first)
    for name, value in second.items():
        old = result.get(name)
        result[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result
