"""Malformed requests to every service and action, and malformed messages on every topic that a node listens to."""

from __future__ import annotations

from rclpy.qos import QoSProfile
from semantic_grasping.action import CollectGrasps, GraspObject

from endurance.fuzz import Fuzzer, interface
from endurance.operator import Operator

ACTIONS = {"grasping/collect_grasps": CollectGrasps, "grasping/grasp_object": GraspObject}
# Orders that are obeyed however they are filled in; and the clock, which has a fault of its own.
ORDERS = ("trainer/reset", "trainer/pause")
SILENT = ("/clock", "/parameter_events", "/rosout")
SHARE_OF_TOPICS, SHARE_OF_ACTIONS = 0.5, 0.04
NO_TRANSITION = 200


class Malformed:
    """Sends malformed requests.

    Args:
        operator: through whom.
        fuzzer: makes them.

    Attributes:
        sent: how many, by service, action or topic.
    """

    def __init__(self, operator: Operator, fuzzer: Fuzzer) -> None:
        self._operator, self._fuzzer = operator, fuzzer
        self.sent: dict[str, int] = {}

    def send(self, count: int, nodes: list[str]) -> None:
        """Sends so many; waits for the answers of those that have one."""
        operator, rng = self._operator, self._fuzzer.rng
        services, topics = self._services(nodes), self._topics(nodes)
        publishers = {}
        try:
            for _ in range(count):
                chance = rng.random()
                if chance < SHARE_OF_ACTIONS:
                    name = self._any(list(ACTIONS))
                    goal = self._fuzzer.make(ACTIONS[name].Goal)
                    operator.act(ACTIONS[name], name, goal, cancel_after_s=0.1)
                elif chance < SHARE_OF_ACTIONS + SHARE_OF_TOPICS and topics:
                    name = self._any(list(topics))
                    kind, qos = topics[name]
                    if name not in publishers:
                        publishers[name] = operator.create_publisher(kind, name, qos)
                    publishers[name].publish(self._fuzzer.make(kind))
                elif services:
                    name = self._any(list(services))
                    operator.ask(services[name], name, self._request(services[name]))
                self.sent[name] = self.sent.get(name, 0) + 1
        finally:
            for publisher in publishers.values():
                operator.destroy_publisher(publisher)

    def _any(self, names: list[str]) -> str:
        return names[int(self._fuzzer.rng.integers(len(names)))]

    def _request(self, kind: type) -> object:
        request = self._fuzzer.make(kind.Request)
        if hasattr(request, "transition"):
            request.transition.id = NO_TRANSITION  # a good one is an order
        return request

    def _services(self, nodes: list[str]) -> dict[str, type]:
        found = {}
        for node in nodes:
            for name, kinds in self._operator.get_service_names_and_types_by_node(node, "/"):
                name = name.strip("/")
                if "_action/" not in name and name not in ORDERS and name.startswith(f"{node}/"):
                    found[name] = interface(kinds[0])
        return found

    def _topics(self, nodes: list[str]) -> dict[str, tuple[type, QoSProfile]]:
        found = {}
        for node in nodes:
            for name, kinds in self._operator.get_subscriber_names_and_types_by_node(node, "/"):
                listening = self._operator.get_subscriptions_info_by_topic(name)
                if name in SILENT or "_action/" in name or not listening:
                    continue
                profile = listening[0].qos_profile
                # Where several listen, one that all of them hear.
                qos = QoSProfile(depth=10, reliability=profile.reliability, durability=profile.durability)
                found[name] = (interface(kinds[0]), qos)
        return found
