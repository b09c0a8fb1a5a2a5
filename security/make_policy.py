"""Writes the sros2 policy of the package's nodes from the endpoints that they really have.

python security/make_policy.py                           writes security/policy.xml
python security/make_policy.py --namespace robot1 -o robot1.xml
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter

from grasp2vec_ros.nodes.capture import CaptureNode
from grasp2vec_ros.nodes.grasping import GraspingNode
from grasp2vec_ros.nodes.perception import PerceptionNode
from grasp2vec_ros.nodes.trainer import TrainerNode
from grasp_cell.node import CellNode
from grasp_node_kit.node import KitNode
from grasp_viewer.node import ViewerNode
from semgrasp_ros.nodes.arm import ArmNode
from semgrasp_ros.nodes.execute import ExecuteNode
from semgrasp_ros.nodes.retarget import RetargetNode
from semgrasp_ros.nodes.semgrasp import SemGraspNode
from semgrasp_ros.nodes.teleop import TeleopNode

POLICY = Path(__file__).parent / "policy.xml"
FORMAT = "0.2.0"
# tf2_ros subscribes these where it is installed and the extrinsics' parameters do not say where the camera is.
TF = frozenset({"/tf", "/tf_static"})
_ACTION = "/_action/"
_NUMBERS = itertools.count()
_SMALL = {"initial_checkpoint": "none", "encoder.width": 4, "encoder.scene_width_px": 64}
_COLOUR, _DEPTH = {"image_transport": "compressed"}, {"depth_transport": "compressedDepth"}


@dataclass(frozen=True)
class Access:
    """What a node does with topics, services and actions, all by their full names."""

    publish: frozenset[str] = frozenset()
    subscribe: frozenset[str] = frozenset()
    reply: frozenset[str] = frozenset()
    request: frozenset[str] = frozenset()
    execute: frozenset[str] = frozenset()
    call: frozenset[str] = frozenset()

    def __or__(self, other: Access) -> Access:
        """What either does."""
        return Access(*(getattr(self, f.name) | getattr(other, f.name) for f in fields(self)))


@dataclass(frozen=True)
class Subject:
    """A node and the parameters that give it other endpoints.

    Attributes:
        make: from options of rclpy.node.Node.
        parameters: that make it start quickly.
        variants: parameters of which each set may bring endpoints of its own.
        uses_tf: it looks transforms up.
        sends_tf: it publishes a frame where tf2_msgs is installed.
        folders: parameters that name folders to write to.
    """

    make: Callable[..., KitNode]
    parameters: dict[str, Any] = field(default_factory=dict)
    variants: tuple[dict[str, Any], ...] = ({"use_sim_time": True},)
    uses_tf: bool = False
    sends_tf: bool = False
    folders: tuple[str, ...] = ()


SUBJECTS = {
    "capture": Subject(CaptureNode, variants=(_COLOUR | {"use_sim_time": True},), folders=("store",)),
    "perception": Subject(
        PerceptionNode,
        {"initial_checkpoint": "none"},
        (_COLOUR | _DEPTH | {"use_sim_time": True},),
        uses_tf=True,
        folders=("store", "checkpoints"),
    ),
    "trainer": Subject(TrainerNode, _SMALL, folders=("store", "checkpoints")),
    "grasping": Subject(GraspingNode, variants=(_DEPTH | {"use_sim_time": True},), uses_tf=True),
    # Its endpoints are there before its model is.
    "semgrasp": Subject(SemGraspNode, {"autostart": False}, (_DEPTH | {"use_sim_time": True},), uses_tf=True),
    "viewer": Subject(
        ViewerNode,
        {"serve": False},
        (_COLOUR | _DEPTH | {"use_sim_time": True},),
        uses_tf=True,
        folders=("recording",),
    ),
    "retarget": Subject(
        RetargetNode, variants=(_DEPTH | {"use_sim_time": True},), uses_tf=True, sends_tf=True
    ),
    "execute": Subject(ExecuteNode),
    "arm": Subject(ArmNode),
    "teleop": Subject(TeleopNode),
    # It makes the time.
    "cell": Subject(CellNode, {"seen_toys": 2, "novel_toys": 1, "objects_per_scene": 1}, ()),
}


def observed(name: str, namespace: str = "/") -> Access:
    """What a node does in all its variants, watched while it runs. rclpy must be initialised."""
    found = Access()
    for variant in ({}, *SUBJECTS[name].variants):
        # A namespace of its own: the graph would take a namesake that has just ended for it.
        space = f"/observed{next(_NUMBERS)}"
        found |= _moved(_watch(SUBJECTS[name], space, variant), space, namespace.rstrip("/"))
    return found


def _moved(access: Access, before: str, after: str) -> Access:
    def rename(name: str) -> str:
        return after + name.removeprefix(before) if name.startswith(f"{before}/") else name

    return Access(*(frozenset(map(rename, getattr(access, f.name))) for f in fields(access)))


def _watch(subject: Subject, space: str, variant: dict[str, Any]) -> Access:
    with tempfile.TemporaryDirectory() as folder:
        values = subject.parameters | {key: f"{folder}/{key}" for key in subject.folders} | variant
        overrides = [Parameter(key, value=value) for key, value in values.items()]
        observer = rclpy.create_node("observer")
        node = subject.make(namespace=space, parameter_overrides=overrides)
        executor = MultiThreadedExecutor(num_threads=2)
        executor.add_node(node)
        stop = threading.Event()

        def spin() -> None:
            while not stop.is_set():
                executor.spin_once(timeout_sec=0.1)

        spinning = threading.Thread(target=spin, daemon=True)
        spinning.start()
        try:
            node.start()
            if node.problem:
                raise RuntimeError(f"{node.get_name()}: {node.problem}")
            return _settled(observer, node)
        finally:
            stop.set()
            spinning.join()
            node.close()
            executor.shutdown(timeout_sec=2.0)
            for waitable in list(node.waitables):
                waitable.destroy()
            node.destroy_node()
            observer.destroy_node()


def _settled(observer: Node, node: KitNode) -> Access:
    """What the graph says when it knows all that the node knows of itself, and says the same for a while."""
    own = Access(
        publish=frozenset(publisher.topic_name for publisher in node.publishers),
        subscribe=frozenset(subscription.topic_name for subscription in node.subscriptions),
    )
    before, since, until = Access(), time.monotonic(), time.monotonic() + 10.0
    while time.monotonic() - since < 0.4:
        now = _access_of(observer, node.get_name(), node.get_namespace())
        if now != before or now | own != now:
            before, since = now, time.monotonic()
        if time.monotonic() > until:
            raise RuntimeError(f"{node.get_name()}: the graph never showed all of its endpoints")
        time.sleep(0.05)
    return before


def _access_of(observer: Node, name: str, namespace: str) -> Access:
    asked = (
        observer.get_publisher_names_and_types_by_node,
        observer.get_subscriber_names_and_types_by_node,
        observer.get_service_names_and_types_by_node,
        observer.get_client_names_and_types_by_node,
    )
    names = [{entry[0] for entry in ask(name, namespace)} for ask in asked]
    plain = [frozenset(entry for entry in group if _ACTION not in entry) for group in names]
    actions = [
        frozenset(entry.split(_ACTION)[0] for entry in group if _ACTION in entry) for group in names[2:]
    ]
    return Access(*plain, *actions)


def allowed(name: str, namespace: str = "/") -> Access:
    """What a node is to be allowed: what it does, and TF where it asks it."""
    subject = SUBJECTS[name]
    received = Access(subscribe=TF) if subject.uses_tf else Access()
    sent = Access(publish=frozenset({"/tf"})) if subject.sends_tf else Access()
    return observed(name, namespace) | received | sent


def to_xml(accesses: dict[str, Access], namespace: str = "/") -> str:
    """A policy with one enclave for each node, its path the node's full name."""
    root = ElementTree.Element("policy", version=FORMAT)
    enclaves = ElementTree.SubElement(root, "enclaves")
    for name, access in sorted(accesses.items()):
        enclave = ElementTree.SubElement(enclaves, "enclave", path=f"{namespace.rstrip('/')}/{name}")
        profiles = ElementTree.SubElement(enclave, "profiles")
        profile = ElementTree.SubElement(profiles, "profile", ns=namespace, node=name)
        for verb in fields(access):
            kind = _KINDS[verb.name]
            if members := sorted(getattr(access, verb.name)):
                group = ElementTree.SubElement(profile, f"{kind}s", {verb.name: "ALLOW"})
                for member in members:
                    ElementTree.SubElement(group, kind).text = member
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def from_xml(text: str) -> dict[str, Access]:
    """What a policy allows, by the enclave's path."""
    found: dict[str, Access] = {}
    for enclave in ElementTree.fromstring(text).iter("enclave"):
        rules: dict[str, frozenset[str]] = {}
        for verb, kind in _KINDS.items():
            groups = [group for group in enclave.iter(f"{kind}s") if group.get(verb) == "ALLOW"]
            rules[verb] = frozenset(member.text for group in groups for member in group.iter(kind))
        found[enclave.get("path")] = Access(**rules)
    return found


_KINDS = {
    "publish": "topic",
    "subscribe": "topic",
    "reply": "service",
    "request": "service",
    "execute": "action",
    "call": "action",
}


def main() -> None:
    """Writes the policy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--namespace", default="", help="of the robot whose nodes they are")
    parser.add_argument("-o", "--output", type=Path, default=POLICY, help="file to write")
    asked = parser.parse_args()
    namespace = f"/{asked.namespace.strip('/')}"
    rclpy.init(args=[])
    try:
        accesses = {name: allowed(name, namespace) for name in SUBJECTS}
    finally:
        rclpy.try_shutdown()
    asked.output.write_text(to_xml(accesses, namespace))


if __name__ == "__main__":
    main()
