"""Action servers of one kind: cancel is accepted, which rclpy refuses by default, and goals are let in by a function."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node


def serve_action(
    node: Node, action: type, name: str, work: Callable, refuse: Callable[[], str], group: CallbackGroup
) -> ActionServer:
    """Serves an action.

    Args:
        node: whose action it is.
        action: its type.
        name: its name.
        work: runs a goal and returns its result.
        refuse: why no goal is let in now; empty when one is.
        group: callback group, reentrant so that a cancel gets through while `work` runs.
    """

    def accept(_: object) -> GoalResponse:
        if reason := refuse():
            node.get_logger().warning(f"{name}: goal rejected: {reason}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    return ActionServer(
        node,
        action,
        name,
        execute_callback=work,
        goal_callback=accept,
        cancel_callback=lambda _: CancelResponse.ACCEPT,
        callback_group=group,
    )
