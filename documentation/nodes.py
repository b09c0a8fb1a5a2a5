"""The nodes as ROS sees them: each is started, asked for its endpoints and parameters, and closed."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

NAMESPACE = "/robot"
QOS_OVERRIDES = "qos_overrides."


@dataclass(frozen=True)
class Endpoint:
    """A topic, service or action of a node.

    Attributes:
        name: relative to the node's namespace, or absolute when it starts with a slash.
        type: as `package/msg/Name`.
        qos: of a topic: reliability, durability and depth in words; else empty.
    """

    name: str
    type: str
    qos: str = ""


@dataclass(frozen=True)
class ParameterFacts:
    """A parameter as the node describes it."""

    name: str
    type: str
    default: str
    text: str
    limits: str
    read_only: bool


@dataclass
class NodeFacts:
    """What a node offers and asks for."""

    name: str
    module: str
    text: str
    published: list[Endpoint] = field(default_factory=list)
    subscribed: list[Endpoint] = field(default_factory=list)
    services: list[Endpoint] = field(default_factory=list)
    clients: list[Endpoint] = field(default_factory=list)
    actions: list[Endpoint] = field(default_factory=list)
    action_clients: list[Endpoint] = field(default_factory=list)
    parameters: list[ParameterFacts] = field(default_factory=list)

    def endpoints(self) -> dict[str, list[Endpoint]]:
        """All endpoints by their kind."""
        return {
            "published": self.published,
            "subscribed": self.subscribed,
            "services": self.services,
            "clients": self.clients,
            "actions": self.actions,
            "action_clients": self.action_clients,
        }


def executables(root: Path) -> dict[str, str]:
    """Names of the package's executables and the modules behind them, as CMakeLists.txt installs them."""
    text = re.search(r"set\(executables\n(.*?)\n\)", (root / "CMakeLists.txt").read_text(), re.DOTALL)
    return dict(line.strip().split("=") for line in text[1].splitlines())


def observe(root: Path) -> list[NodeFacts]:
    """Starts each executable's node in a folder of its own and looks at it.

    Environment: ROS_DOMAIN_ID should be one where nothing else runs.

    Args:
        root: folder of the repository.
    """
    import rclpy.logging

    found, level = [], rclpy.logging.get_logger_effective_level("")
    for module in executables(root).values():
        with _empty_folder():
            # A namespace tells relative names from absolute ones.
            rclpy.init(args=["--ros-args", "-r", f"__ns:={NAMESPACE}", "--log-level", "fatal"])
            try:
                found.append(_observe_one(module))
            finally:
                rclpy.try_shutdown()
                # The level is the process's: whoever comes next would be silent, too.
                rclpy.logging.set_logger_level("", level)
    return found


@contextmanager
def _empty_folder() -> Iterator[None]:
    """Default paths of stores and checkpoints are relative: they shall not touch anybody's data."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _node_class(module: object) -> type:
    from rclpy.node import Node

    (found,) = [
        kind
        for kind in vars(module).values()
        if inspect.isclass(kind) and issubclass(kind, Node) and kind.__module__ == module.__name__
    ]
    return found


def _observe_one(module_name: str) -> NodeFacts:
    from rclpy.action import graph

    module = importlib.import_module(module_name)
    node = _node_class(module)()
    try:
        node.start()
        name, space = node.get_name(), node.get_namespace()
        facts = NodeFacts(name, module_name, inspect.getdoc(module))
        facts.published = _topics(node, node.get_publisher_names_and_types_by_node(name, space), "publishers")
        facts.subscribed = _topics(
            node, node.get_subscriber_names_and_types_by_node(name, space), "subscriptions"
        )
        facts.services = _plain(node.get_service_names_and_types_by_node(name, space))
        facts.clients = _plain(node.get_client_names_and_types_by_node(name, space))
        facts.actions = _plain(graph.get_action_server_names_and_types_by_node(node, name, space))
        facts.action_clients = _plain(graph.get_action_client_names_and_types_by_node(node, name, space))
        facts.parameters = _parameters(node)
        return facts
    finally:
        node.close()
        node.destroy_node()


def _relative(name: str) -> str:
    return name.removeprefix(f"{NAMESPACE}/")


def _plain(names_and_types: list[tuple[str, list[str]]]) -> list[Endpoint]:
    return sorted(
        (
            Endpoint(_relative(name), types[0])
            for name, types in names_and_types
            if "/_action/" not in name  # the parts of an action, which is listed as a whole
        ),
        key=lambda endpoint: endpoint.name,
    )


def _topics(node: object, names_and_types: list[tuple[str, list[str]]], side: str) -> list[Endpoint]:
    # DDS does not tell others the depth of a queue; the node's own objects know it.
    profiles = {entity.topic_name: entity.qos_profile for entity in getattr(node, side)}
    found = []
    for endpoint in _plain(names_and_types):
        profile = profiles.get(
            endpoint.name if endpoint.name.startswith("/") else f"{NAMESPACE}/{endpoint.name}"
        )
        if profile is not None:  # None: /rosout, which is not the node's but rcl's
            found.append(Endpoint(endpoint.name, endpoint.type, _qos(profile)))
    return found


def _qos(profile: object) -> str:
    words = [profile.reliability.name.lower().replace("_", " ")]
    if profile.durability.name == "TRANSIENT_LOCAL":
        words.append("transient local")
    return ", ".join([*words, f"depth {profile.depth}"])


def _parameters(node: object) -> list[ParameterFacts]:
    from rclpy.parameter import Parameter

    names = sorted(name for name in node._parameters if not name.startswith(QOS_OVERRIDES))
    found = []
    for name, described in zip(names, node.describe_parameters(names), strict=True):
        value = node.get_parameter(name).value
        spans = [*described.floating_point_range, *described.integer_range]
        limits = [f"{_number(span.from_value)} to {_number(span.to_value)}" for span in spans]
        limits += [described.additional_constraints] if described.additional_constraints else []
        found.append(
            ParameterFacts(
                name,
                Parameter.Type(described.type).name.lower().replace("_", " "),
                _value(value),
                described.description,
                "; ".join(limits),
                described.read_only,
            )
        )
    return found


def _number(value: float) -> str:
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:g}"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}" if value != int(value) else f"{value:.1f}"
    if isinstance(value, str):
        return f'"{value}"'
    return str(list(value)) if isinstance(value, (list, tuple)) or hasattr(value, "tolist") else str(value)
