"""Configuration dataclasses: every option with its help, default and limits."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass

PACKAGES = ("grasp2vec_ros.core", "semgrasp_ros.core")


@dataclass(frozen=True)
class OptionFacts:
    """One field of a configuration."""

    name: str
    default: str
    limits: str
    text: str


@dataclass(frozen=True)
class OptionsFacts:
    """A configuration dataclass whose fields carry help texts."""

    name: str
    module: str
    text: str
    rows: tuple[OptionFacts, ...]


def read_options() -> list[OptionsFacts]:
    """All configurations of the cores, by module and name."""
    return [
        OptionsFacts(
            kind.__name__,
            kind.__module__,
            inspect.getdoc(kind),
            tuple(_option(field) for field in dataclasses.fields(kind) if "help" in field.metadata),
        )
        for kind in _configurations()
    ]


def _configurations() -> Iterator[type]:
    for package in PACKAGES:
        path = importlib.import_module(package).__path__
        for module in sorted(info.name for info in pkgutil.walk_packages(path, f"{package}.")):
            for kind in vars(importlib.import_module(module)).values():
                if (
                    inspect.isclass(kind)
                    and kind.__module__ == module
                    and dataclasses.is_dataclass(kind)
                    and any("help" in field.metadata for field in dataclasses.fields(kind))
                ):
                    yield kind


def _option(field: dataclasses.Field) -> OptionFacts:
    limits = field.metadata
    parts = []
    if "choices" in limits:
        parts.append("one of " + ", ".join(map(str, limits["choices"])))
    if "minimum" in limits and "maximum" in limits:
        parts.append(f"{limits['minimum']:g} to {limits['maximum']:g}")
    elif "minimum" in limits:
        parts.append(f"at least {limits['minimum']:g}")
    elif "maximum" in limits:
        parts.append(f"at most {limits['maximum']:g}")
    default = field.default_factory() if field.default is dataclasses.MISSING else field.default
    return OptionFacts(field.name, repr(default), "; ".join(parts), limits["help"])
