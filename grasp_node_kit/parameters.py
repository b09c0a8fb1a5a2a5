"""Configuration dataclasses as ROS parameters: declared, described, checked and kept up to date."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from grasp2vec_ros.core.options import check

Configuration = TypeVar("Configuration")


def declare(node: Node, configuration: Configuration, prefix: str = "") -> Configuration:
    """Declares every field as a parameter and returns the configuration with the values that were set.

    A field that is a dataclass itself becomes a group, `group.name`. Later changes of parameters that are not
    read-only are checked against their limits and written into the same object.

    Raises:
        ValueError: a value is outside its limits; names the parameter.
    """
    values = {}
    for field in dataclasses.fields(configuration):
        default = getattr(configuration, field.name)
        name = f"{prefix}{field.name}"
        if dataclasses.is_dataclass(default):
            values[field.name] = declare(node, default, f"{name}.")
        else:
            parameter = node.declare_parameter(name, default, _descriptor(field, default))
            values[field.name] = parameter.value
    filled = dataclasses.replace(configuration, **values)
    check(filled)
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
                return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def take_over(parameters: list[Parameter]) -> None:
        for parameter in parameters:
            if parameter.name in fields:
                setattr(configuration, fields[parameter.name].name, parameter.value)

    node.add_on_set_parameters_callback(refuse_bad_values)
    node.add_post_set_parameters_callback(take_over)
