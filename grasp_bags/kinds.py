"""Message types by name: for rclpy as classes, for rosbags as definitions."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

PACKAGE = "semantic_grasping"


class UnknownTypeError(ValueError):
    """A message type is not installed; the text names it."""


def message_class(name: str) -> type:
    """rclpy's class of a type, as `package/msg/Name`.

    Raises:
        UnknownTypeError: it is not installed.
    """
    package, _, last = name.partition("/msg/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), last)
    except (ImportError, AttributeError, ValueError) as error:
        raise UnknownTypeError(
            f"type {name!r} is not installed here; install its package or leave the topic out"
        ) from error


@cache
def definitions() -> Typestore:
    """rosbags' types of ROS 2 Jazzy, with those of this package."""
    from ament_index_python.packages import get_package_share_directory

    store = get_typestore(Stores.ROS2_JAZZY)
    for file in sorted(Path(get_package_share_directory(PACKAGE), "msg").glob("*.msg")):
        store.register(get_types_from_msg(file.read_text(), f"{PACKAGE}/msg/{file.stem}"))
    return store
