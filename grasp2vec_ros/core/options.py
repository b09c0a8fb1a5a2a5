"""Configuration: plain dataclasses whose fields carry their help text and limits."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, TypeVar

import yaml

Configuration = TypeVar("Configuration")


def option(default: Any, help: str, **limits: Any) -> Any:
    """A field of a configuration dataclass.

    Args:
        default: its value when nothing is said.
        help: one line for people, with the unit.
        **limits: minimum, maximum, choices, read_only.
    """
    return dataclasses.field(default=default, metadata={"help": help, **limits})


def check(configuration: object) -> None:
    """Checks every field against its limits.

    Raises:
        ValueError: names the field, its value and what is allowed.
    """
    for spec in dataclasses.fields(configuration):
        value, limits = getattr(configuration, spec.name), spec.metadata
        if dataclasses.is_dataclass(value):
            check(value)
        if "choices" in limits and value not in limits["choices"]:
            raise ValueError(
                f"{spec.name}: {value!r} is unknown; use one of {', '.join(map(repr, limits['choices']))}"
            )
        low, high = limits.get("minimum", -math.inf), limits.get("maximum", math.inf)
        # Written so that NaN is outside any limits.
        if {"minimum", "maximum"} & set(limits) and not low <= value <= high:
            raise ValueError(f"{spec.name}: {value!r} is outside {low} to {high}")


def from_mapping(kind: type[Configuration], values: dict[str, Any]) -> Configuration:
    """Makes a configuration from names and values, for instance of a YAML file.

    Raises:
        ValueError: an unknown name, or a value of the wrong type or outside its limits.
    """
    fields = {spec.name: spec for spec in dataclasses.fields(kind)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(
            f"{kind.__name__}: unknown {', '.join(unknown)}; known are {', '.join(sorted(fields))}"
        )
    converted = {}
    for name, value in values.items():
        default = getattr(kind(), name)
        if dataclasses.is_dataclass(default):
            converted[name] = from_mapping(type(default), value)
            continue
        wanted = type(default)
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, wanted):
            raise ValueError(f"{name}: {value!r} is not of type {wanted.__name__}")
        converted[name] = value
    configuration = kind(**converted)
    check(configuration)
    return configuration


def from_yaml(kind: type[Configuration], file: Path | None, overrides: list[str]) -> Configuration:
    """Makes a configuration from a YAML file and `name=value` overrides.

    Raises:
        ValueError: the file is not a mapping, or a name or value is wrong.
    """
    values: dict[str, Any] = {}
    if file is not None:
        values = yaml.safe_load(Path(file).read_text()) or {}
        if not isinstance(values, dict):
            raise ValueError(f"{file}: expected `name: value` lines")
    for override in overrides:
        name, separator, value = override.partition("=")
        if not separator:
            raise ValueError(f"--set {override}: expected name=value")
        group = values
        *path, last = name.split(".")
        for part in path:
            group = group.setdefault(part, {})
        group[last] = yaml.safe_load(value)
    return from_mapping(kind, values)
