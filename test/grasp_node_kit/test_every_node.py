"""What holds of every node, on real rclpy: all of them in one process, the cell where the others do not see it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.srv import DescribeParameters, SetParameters
from rclpy.parameter import Parameter

from grasp_node_kit.node import KitNode
from grasp_node_kit.qos import LATCHED
from test.grasp_node_kit.every_node import NODES, make
from test.rig import Rig, eventually

NAMES = sorted(NODES)
# What serves the same actions, and what asks for them, are apart.
NAMESPACES = dict.fromkeys(NAMES, "/one") | {"cell": "/elsewhere", "arm": "/beside"}
# rclpy's own; they are no topics of the package.
RCLPYS = ("/rosout", "/parameter_events", "transition_event", "/clock")


class Everybody:
    """All nodes at work, with nobody to give them anything."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig()
        self.diagnostics = self.rig.collect(DiagnosticArray, "/diagnostics")
        self.nodes: dict[str, KitNode] = {}
        self.active_at_s: dict[str, float] = {}
        for name in NAMES:
            self.nodes[name] = self.rig.add(make(name, folder, NAMESPACES[name]))
            self.active_at_s[name] = time.monotonic()

    def status(self, name: str) -> DiagnosticStatus:
        """The next status of a node."""
        seen = len(self.diagnostics)
        return eventually(
            lambda: next(
                (
                    m.status[0]
                    for m in self.diagnostics[seen:]
                    if m.status[0].name == f"{NAMESPACES[name]}/{name}"
                ),
                None,
            )
        )

    def change(self, name: str, *transitions: int) -> None:
        """Goes through transitions as an operator would."""
        for identity in transitions:
            request = ChangeState.Request(transition=Transition(id=identity))
            assert self.rig.call(
                ChangeState, f"{NAMESPACES[name]}/{name}/change_state", request, 30.0
            ).success

    def set(self, name: str, parameter: str, value: object) -> object:
        """Sets a parameter from outside."""
        request = SetParameters.Request(parameters=[Parameter(parameter, value=value).to_parameter_msg()])
        return self.rig.call(SetParameters, f"{NAMESPACES[name]}/{name}/set_parameters", request).results[0]


@pytest.fixture(scope="module")
def everybody(tmp_path_factory):
    made = Everybody(tmp_path_factory.mktemp("everybody"))
    yield made
    made.rig.close()


# First, while the nodes are young.
@pytest.mark.parametrize("name", [name for name in NAMES if NODES[name].missed])
def test_it_says_within_five_seconds_what_is_missing(everybody, name):
    node = everybody.nodes[name]
    complaint = eventually(lambda: node.complaint, 10.0)
    if time.monotonic() - everybody.active_at_s[name] > 7.0:  # said before it was looked at
        assert node.watchdog._elapsed_s > 4.0
    for words in NODES[name].missed:
        assert words.format(ns=NAMESPACES[name]) in complaint


@pytest.mark.parametrize("name", NAMES)
def test_it_is_active_by_itself(everybody, name):
    state = everybody.rig.call(
        GetState, f"{NAMESPACES[name]}/{name}/get_state", GetState.Request()
    ).current_state
    assert state.id == State.PRIMARY_STATE_ACTIVE


@pytest.mark.parametrize("name", NAMES)
def test_its_diagnostics_have_what_is_promised(everybody, name):
    status = everybody.status(name)
    values = {entry.key: entry.value for entry in status.values}
    assert values["state"] == "active" and {"waiting for", "incompatible QoS"} <= set(values)
    missing = set(NODES[name].keys) - set(values)
    # Inputs that nobody sends are listed by all nodes but semgrasp, which has a choice.
    assert not missing
    assert status.hardware_id == NAMESPACES[name] and (status.level == DiagnosticStatus.OK) != bool(
        NODES[name].missed
    )


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_described_live_and_refused_by_name(everybody, name):
    parameter, good, bad = NODES[name].live
    fixed, value = NODES[name].fixed
    assert everybody.set(name, parameter, good).successful
    assert everybody.nodes[name].get_parameter(parameter).value == good
    refused = everybody.set(name, parameter, bad)
    assert not refused.successful and parameter in refused.reason
    refused = everybody.set(name, fixed, value)
    assert not refused.successful and fixed in refused.reason and "read-only" in refused.reason
    refused = everybody.set(name, "no_such_thing", 1)
    assert not refused.successful and "no_such_thing" in refused.reason
    assert everybody.nodes[name].get_parameter(parameter).value == good
    if isinstance(good, float):
        assert not everybody.set(name, parameter, float("nan")).successful
    own = [
        key
        for key in everybody.nodes[name]._parameters
        if not key.startswith(("qos_overrides.", "use_sim_time", "autostart", "start_type_description"))
    ]
    request = DescribeParameters.Request(names=own)
    for described in everybody.rig.call(
        DescribeParameters, f"{NAMESPACES[name]}/{name}/describe_parameters", request
    ).descriptors:
        assert described.description, described.name


@pytest.mark.parametrize("name", NAMES)
def test_every_topic_has_qos_that_parameters_override(everybody, name):
    node = everybody.nodes[name]
    declared = set(node._parameters)
    sides = [("publisher", p.topic_name) for p in node.publishers]
    sides += [("subscription", s.topic_name) for s in node.subscriptions]
    own = {(side, topic) for side, topic in sides if not topic.endswith(RCLPYS)}
    assert own
    for side, topic in own:
        for policy in ("history", "depth", "reliability", "durability"):
            assert f"qos_overrides.{topic}.{side}.{policy}" in declared


@pytest.mark.parametrize(
    ("name", "topic", "kind"), [(name, *entry) for name in NAMES for entry in NODES[name].latched]
)
def test_a_late_subscriber_gets_what_is_latched(everybody, name, topic, kind):
    received = everybody.rig.collect(kind, f"{NAMESPACES[name]}/{name}/{topic}", LATCHED)
    eventually(lambda: received, 5.0)


@pytest.mark.parametrize("name", NAMES)
def test_inactive_it_refuses_and_configured_again_it_is_not_doubled(everybody, name):
    node = everybody.nodes[name]

    def counts() -> dict[str, int]:
        return {kind: len(entities) for kind, entities in node._entities().items()}

    before = counts()
    everybody.change(name, Transition.TRANSITION_DEACTIVATE)
    # What was said before may still be on its way.
    eventually(lambda: everybody.status(name).message == "inactive")
    if NODES[name].service:
        service, kind = NODES[name].service
        answer = everybody.rig.call(kind, f"{NAMESPACES[name]}/{name}/{service}", kind.Request())
        assert not answer.success and "inactive" in answer.message
    everybody.change(name, Transition.TRANSITION_CLEANUP)
    # What was said before may still be on its way.
    eventually(lambda: everybody.status(name).message == "unconfigured")
    everybody.change(name, Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE)
    # What was said before it was active again may still be on its way.
    eventually(lambda: everybody.status(name).message != "inactive" and node.active)
    assert counts() == before
    for topic, kind in NODES[name].latched:
        received = everybody.rig.collect(kind, f"{NAMESPACES[name]}/{name}/{topic}", LATCHED)
        eventually(lambda received=received: received, 5.0)
    if NODES[name].service:
        service, kind = NODES[name].service
        assert (
            "inactive"
            not in everybody.rig.call(kind, f"{NAMESPACES[name]}/{name}/{service}", kind.Request()).message
        )
