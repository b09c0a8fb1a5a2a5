"""Messages with fields that nobody would fill in like that."""

from __future__ import annotations

import array
import importlib
import math
import re

import numpy as np
from rosidl_parser.definition import (
    AbstractNestedType,
    AbstractString,
    AbstractWString,
    Array,
    BasicType,
    BoundedSequence,
    NamespacedType,
)

TEXTS = (
    "", " ", "x" * 300, "x" * 70000, "../nothing", "/dev/full", "rgb8", "32FC1", "pigeon", "ünïcödé ☃",
    "'; DROP TABLE experience; --", "nan", "%s%n", "a/b/c", "base", "0" * 32,
)  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.0, 1e-30, 1e30, 3e38, math.nan, math.inf, -math.inf, 0.5, 7.0)
LONGEST = 64
DEEPEST = 6


def interface(name: str) -> type:
    """The class of an interface that ROS names, as "sensor_msgs/msg/Image"."""
    package, kind, own = name.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), own)


class Fuzzer:
    """Fills messages by their own description.

    Args:
        seed: the same seed gives the same messages.
        known: texts that mean something to the nodes, such as ids that are there.
    """

    def __init__(self, seed: int, known: list[str] | None = None) -> None:
        self.rng = np.random.default_rng(seed)
        self.known = known if known is not None else []

    def make(self, kind: type) -> object:
        """A message of a type; most of its fields are as usual, some are not."""
        message = kind()
        share = float(self.rng.choice([0.1, 0.5, 1.0]))
        self._spoil(message, share, 0)
        return message

    def _spoil(self, message: object, share: float, depth: int) -> None:
        for name, kind in zip(message.get_fields_and_field_types(), message.SLOT_TYPES, strict=True):
            if self.rng.random() < share:
                try:
                    setattr(message, name, self._value(kind, share, depth))
                except (AssertionError, ValueError, TypeError, OverflowError):
                    continue  # rclpy itself does not let it out

    def _value(self, kind: object, share: float, depth: int) -> object:
        if isinstance(kind, AbstractNestedType):
            return self._values(kind, share, depth)
        if isinstance(kind, BasicType):
            return self._number(kind.typename)
        if isinstance(kind, AbstractString | AbstractWString):
            return self._text()
        if isinstance(kind, NamespacedType):
            made = interface("/".join(kind.namespaced_name()))()
            if depth < DEEPEST:
                self._spoil(made, share, depth + 1)
            return made
        raise TypeError(f"{kind}: is of no kind that is known")

    def _values(self, kind: AbstractNestedType, share: float, depth: int) -> object:
        if isinstance(kind, Array):
            count = kind.size
        else:
            count = int(self.rng.choice([0, 1, 2, 3, LONGEST]))
            if isinstance(kind, BoundedSequence):
                count = min(count, kind.maximum_size)
        if isinstance(kind.value_type, BasicType) and kind.value_type.typename in ("uint8", "octet"):
            return array.array("B", self.rng.bytes(count * int(self.rng.choice([1, 100, 1000]))))
        if isinstance(kind.value_type, NamespacedType):
            count = min(count, 3)
        return [self._value(kind.value_type, share, depth) for _ in range(count)]

    def _text(self) -> str:
        if self.known and self.rng.random() < 0.3:
            return str(self.rng.choice(self.known))
        return str(self.rng.choice(TEXTS))

    def _number(self, typename: str) -> object:
        if typename == "boolean":
            return bool(self.rng.random() < 0.5)
        if typename in ("float", "double"):
            return float(self.rng.choice(FLOATS))
        if typename in ("octet", "char"):
            return bytes([int(self.rng.integers(256))])
        found = re.fullmatch(r"(u?)int(\d+)", typename)
        unsigned, bits = bool(found[1]), int(found[2])
        low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return int(self.rng.choice(np.array([low, high, 0, 1, 2, 5, 100], dtype=object)))
