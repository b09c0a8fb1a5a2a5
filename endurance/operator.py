"""Whoever uses the robot: asks, waits for the answer, and counts when there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.node import Node
from semantic_grasping.msg import TrainingStatus
from semantic_grasping.srv import CompleteAttempt
from std_msgs.msg import String

from endurance.ledger import Ledger
from endurance.processes import Processes
from grasp_node_kit.action_client import ThreadSafeActionClient
from grasp_node_kit.qos import LATCHED

# A live node that has not answered by then never will.
ANSWER_S = 30.0
RESULT_S = 180.0
MEET_S = 90.0
# After a node is known by one service, DDS still tells us of its others.
ACQUAINTED_S = 0.5


@dataclass
class Counts:
    """Requests to nodes.

    Attributes:
        asked: all of them.
        unanswered: with a node that lived all the time.
        excused: without an answer because the node was killed meanwhile.
    """

    asked: int = 0
    excused: int = 0
    unanswered: list[str] = field(default_factory=list)


class Operator(Node):
    """Asks nodes that are there.

    Attributes:
        counts: of requests.
        models: versions that perception said it uses, in order.
        trained: versions that the trainer said it goes on from or has saved, in order.
    """

    def __init__(self, processes: Processes, ledger: Ledger, stores: dict[str, Path]) -> None:
        super().__init__("operator")
        self._processes, self._ledger, self._stores = processes, ledger, stores
        self.counts = Counts()
        self.models: list[str] = []
        self.trained: list[str] = []
        self._met: dict[str, int] = {}
        self._callers: dict[str, object] = {}
        self._lock = threading.Lock()
        self.create_subscription(String, "perception/model", lambda m: self.models.append(m.data), LATCHED)
        self.create_subscription(TrainingStatus, "trainer/status", self._note_status, LATCHED)

    def _note_status(self, message: TrainingStatus) -> None:
        if not self.trained or self.trained[-1] != message.checkpoint_version:
            self.trained.append(message.checkpoint_version)

    def knows(self, name: str) -> bool:
        """Whether the node that runs now has been met."""
        pid = self._processes.pid(name)
        return pid is not None and self._met.get(name) == pid

    def meet(self, name: str) -> bool:
        """Waits until a node that has just started answers, and makes it active if it is not."""
        until_s = time.monotonic() + MEET_S
        caller = self._caller(GetState, f"{name}/get_state")
        while time.monotonic() < until_s:
            pid = self._processes.pid(name)
            if pid is None:
                return False
            answer = self._call(caller, GetState.Request(), 1.0)
            if answer is not None and answer.current_state.id in (
                State.PRIMARY_STATE_UNCONFIGURED,
                State.PRIMARY_STATE_INACTIVE,
                State.PRIMARY_STATE_ACTIVE,
            ):
                time.sleep(ACQUAINTED_S)
                self._met[name] = pid
                return True
            time.sleep(0.1)
        self.counts.unanswered.append(f"{name}: did not answer within {MEET_S:.0f} s after its start")
        return False

    def mend(self, name: str) -> bool:
        """Configures and activates a node that is not, as an operator does when the cause is gone; whether it is now."""
        for state, transition in (
            (State.PRIMARY_STATE_UNCONFIGURED, Transition.TRANSITION_CONFIGURE),
            (State.PRIMARY_STATE_INACTIVE, Transition.TRANSITION_ACTIVATE),
        ):
            now = self.ask(GetState, f"{name}/get_state", GetState.Request())
            if now is not None and now.current_state.id == state:
                request = ChangeState.Request(transition=Transition(id=transition))
                self.ask(ChangeState, f"{name}/change_state", request)
        now = self.ask(GetState, f"{name}/get_state", GetState.Request())
        return now is not None and now.current_state.id == State.PRIMARY_STATE_ACTIVE

    def ask(self, kind: type, name: str, request: object, timeout_s: float = ANSWER_S) -> object | None:
        """The answer of a service; None when its node is not there or gives none."""
        node = name.strip("/").split("/")[0]
        if not self.knows(node):
            return None
        pid, caller = self._met[node], self._caller(kind, name)
        self.counts.asked += 1
        answer = None
        if caller.wait_for_service(timeout_s):
            answer = self._call(caller, request, timeout_s)
        if answer is None:
            self._missed(node, pid, f"{name}: {str(request)[:300]}")
        elif kind is CompleteAttempt and answer.success:
            self._ledger.note(self._stores[node], answer.experience_id)
        return answer

    def act(
        self,
        kind: type,
        name: str,
        goal: object,
        feedback: Callable[[object], None] | None = None,
        cancel_after_s: float | None = None,
    ) -> object | None:
        """The result of an action; None when its node is not there, lets it not in, or gives none."""
        node = name.split("/")[0]
        if not self.knows(node):
            return None
        pid = self._met[node]
        with self._lock:
            if name not in self._callers:
                self._callers[name] = ThreadSafeActionClient(self, kind, name)
        client = self._callers[name]
        self.counts.asked += 1
        handle = None
        if client.wait_for_server(ANSWER_S):
            handle = self._wait(client.send_goal_async(goal, feedback_callback=feedback), ANSWER_S, node, pid)
        if handle is None:
            self._missed(node, pid, f"{name}: {str(goal)[:300]}")
            return None
        if not handle.accepted:
            return None
        future = handle.get_result_async()
        if cancel_after_s is not None and self._wait(future, cancel_after_s, node, pid) is None:
            handle.cancel_goal_async()
        answer = self._wait(future, RESULT_S, node, pid)
        if answer is None:
            self._missed(node, pid, f"{name}, result: {str(goal)[:300]}")
            return None
        return answer.result

    def _missed(self, node: str, pid: int, what: str) -> None:
        if self._processes.pid(node) == pid:
            self.counts.unanswered.append(what)
        else:
            self.counts.excused += 1

    def _caller(self, kind: type, name: str) -> object:
        with self._lock:
            if name not in self._callers:
                self._callers[name] = self.create_client(kind, name)
            return self._callers[name]

    def _call(self, caller: object, request: object, timeout_s: float) -> object | None:
        future = caller.call_async(request)
        answer = self._wait(future, timeout_s)
        if answer is None:
            caller.remove_pending_request(future)
        return answer

    def _wait(self, future: object, timeout_s: float, node: str = "", pid: int = 0) -> object | None:
        """The result of a future; gives up early when a node's process is another one."""
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        until_s = time.monotonic() + timeout_s
        while not done.wait(min(0.5, timeout_s)):
            if time.monotonic() > until_s or (node and self._processes.pid(node) != pid):
                return None
        return future.result()
