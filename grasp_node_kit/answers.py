"""Services that rclpy itself makes for parameters and the lifecycle: whoever asks nonsense gets an answer too."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.node import Node

from grasp_node_kit.limits import LONGEST_TEXT


def answer_always(node: Node) -> None:
    """Wraps a node's services: an error in one is said, and its answer is the one that promises nothing.

    rclpy sends no answer when its own callback fails, as for a parameter of a type that there is not, or for a
    transition that there is not; the caller would wait for ever.
    """
    for service in node.services:
        service.callback = _answering(node, service.srv_name, service.callback)


def _answering(node: Node, name: str, work: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def answer(request: Any, response: Any) -> Any:
        try:
            return work(request, response)
        except Exception as error:  # whatever it is, there must be an answer
            reason = f"{type(error).__name__}: {error}"[:LONGEST_TEXT]
            node.get_logger().warning(f"{name}: {reason}")
            node.get_logger().debug(traceback.format_exc())
            return _refusal(request, response, reason)

    return answer


def _refusal(request: Any, response: Any, reason: str) -> Any:
    refused = SetParametersResult(successful=False, reason=reason)
    if isinstance(request, SetParameters.Request):
        # One result for each parameter, those before the bad one as they were.
        done = list(response.results)
        response.results = done + [refused] * (len(request.parameters) - len(done))
    elif isinstance(request, SetParametersAtomically.Request):
        response.result = refused
    return response
