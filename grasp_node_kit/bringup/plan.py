"""What is to be started, before any of it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PACKAGE = "semantic_grasping"


@dataclass(frozen=True)
class NodePlan:
    """A node to start.

    Attributes:
        package: package of the executable.
        executable: its name.
        name: of the node.
        namespace: of the node, absolute.
        config: the package's parameter file.
        presets: parameters that go before it, in groups.
        params_file: the operator's parameter file, which goes before both.
        explicit: parameters from arguments of the launch file, which go before all.
        remappings: pairs of a name in the node and the name to use, relative ones in the node's namespace.
        arguments: further arguments of the command line.
        log_level: of the node's logger; empty: the default of its program.
        respawn: start it again when it has ended.
        in_enclave: give it the sros2 enclave of its full name.
    """

    package: str
    executable: str
    name: str
    namespace: str
    config: Path | None = None
    presets: dict[str, Any] = field(default_factory=dict)
    params_file: Path | None = None
    explicit: dict[str, Any] = field(default_factory=dict)
    remappings: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()
    log_level: str = ""
    respawn: bool = False
    in_enclave: bool = False

    @property
    def full_name(self) -> str:
        """Namespace and name."""
        return f"{self.namespace.rstrip('/')}/{self.name}"

    @property
    def ros_arguments(self) -> tuple[str, ...]:
        """Words for the command line after --ros-args, besides parameters and remappings."""
        verbosity = ("--log-level", f"{self.logger}:={self.log_level}") if self.log_level else ()
        return (*verbosity, *(("--enclave", self.full_name) if self.in_enclave else ()))

    @property
    def logger(self) -> str:
        """Name of the node's logger, as ROS makes it."""
        return ".".join(part for part in (*self.namespace.split("/"), self.name) if part)

    def parameter_files(self, folder: Path) -> list[Path]:
        """Parameter files for the command line, later ones before earlier ones.

        Presets are written for any node, as the operator's file may be: ROS 2 lets parameters for a node's own name go
        before those for any node, whatever the order of the files.

        Args:
            folder: where files are written.
        """
        files = [self.config]
        if self.presets:
            files.append(_written(folder / f"{self.name}_presets.yaml", "/**", self.presets))
        files.append(self.params_file)
        if self.explicit:
            files.append(_written(folder / f"{self.name}_arguments.yaml", self.full_name, self.explicit))
        return [file for file in files if file is not None]


def _written(file: Path, node: str, parameters: dict[str, Any]) -> Path:
    file.write_text(yaml.safe_dump({node: {"ros__parameters": parameters}}))
    return file


@dataclass(frozen=True)
class CommandPlan:
    """A program to run.

    Attributes:
        command: its words.
        ends_all: everything else is ended when it has ended.
    """

    command: tuple[str, ...]
    ends_all: bool = False


@dataclass(frozen=True)
class IncludePlan:
    """Another launch file of the package, with arguments of its own."""

    file: str
    arguments: tuple[tuple[str, str], ...]


Plan = NodePlan | CommandPlan | IncludePlan
