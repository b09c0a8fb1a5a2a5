"""Configuration dataclasses as ROS parameters: declared, described, checked and kept up to date."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from grasp2vec_ros.core.options import check

Configuration = TypeVar("Configuration")


def declare(
    node: Node, configuration: Configuration, prefix: str = "", live: Collection[str] | None = None
) -> Configuration:
    """Declares every field as a parameter and returns the configuration with the values that were set.

    A field that is a dataclass itself becomes a group, `group.name`. Later changes of parameters that are not
    read-only are checked against their limits and written into the same object.

    Args:
        node: whose parameters they are.
        configuration: a dataclass with its defaults.
        prefix: of the parameters' names.
        live: names of the fields that are looked at again while the node works; all others are then read-only.
            None: all fields that are not marked read-only.

    Raises:
        ValueError: a value is outside its limits; names the parameter.
    """
    values = {}
    for field in dataclasses.fields(configuration):
        default = getattr(configuration, field.name)
        name = f"{prefix}{field.name}"
        if dataclasses.is_dataclass(default):
            values[field.name] = declare(node, default, f"{name}.", live)
        else:
            descriptor = _descriptor(field, default)
            descriptor.read_only |= live is not None and name not in live
            values[field.name] = node.declare_parameter(name, default, descriptor).value
    filled = dataclasses.replace(configuration, **values)
    try:
        check(filled)
    except ValueError as error:
        raise ValueError(f"parameter {prefix}{error}") from error
    _follow_changes(node, filled, prefix)
    return filled


def _descriptor(field: dataclasses.Field, default: Any) -> ParameterDescriptor:
    limits = field.metadata
    help_text = limits.get("help", "")
    descriptor = ParameterDescriptor(description=help_text, read_only=bool(limits.get("read_only", False)))
    if "choices" in limits:
        descriptor.additional_constraints = "one of " + ", ".join(map(str, limits["choices"]))
    if "minimum" in limits and "maximum" in limits:
        if isinstance(default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(limits["minimum"]), to_value=float(limits["maximum"]))
            ]
        elif isinstance(default, int):
            descriptor.integer_range = [
                IntegerRange(from_value=int(limits["minimum"]), to_value=int(limits["maximum"]), step=1)
            ]
    return descriptor


def _follow_changes(node: Node, configuration: object, prefix: str) -> None:
    fields = {f"{prefix}{field.name}": field for field in dataclasses.fields(configuration)}

    def refuse_bad_values(parameters: list[Parameter]) -> SetParametersResult:
        for parameter in parameters:
            field = fields.get(parameter.name)
            if field is None or dataclasses.is_dataclass(getattr(configuration, field.name)):
                continue
            try:
                check(dataclasses.replace(configuration, **{field.name: parameter.value}))
            except (ValueError, TypeError) as error:
                return SetParametersResult(successful=False, reason=f"{prefix}{error}")
        return SetParametersResult(successful=True)

    def take_over(parameters: list[Parameter]) -> None:
        for parameter in parameters:
            if parameter.name in fields:
                setattr(configuration, fields[parameter.name].name, parameter.value)

    node.add_on_set_parameters_callback(refuse_bad_values)
    node.add_post_set_parameters_callback(take_over)
