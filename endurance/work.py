"""What a robot does all day: attempts, goals, grasps, checkpoints saved and loaded."""

from __future__ import annotations

import threading
from pathlib import Path

from semantic_grasping.action import CollectGrasps, GraspObject
from semantic_grasping.srv import (
    AddHeldView,
    BeginAttempt,
    CompleteAttempt,
    LoadCheckpoint,
    SaveCheckpoint,
    SetGoal,
)

from endurance.ledger import Ledger
from endurance.operator import Operator
from endurance.world import World

PAUSE_S = 0.1


def attempt(operator: Operator, world: World, capture: str = "capture", views: int = 2) -> bool:
    """One attempt by hand; whether it was acknowledged."""
    begun = operator.ask(BeginAttempt, f"{capture}/begin_attempt", BeginAttempt.Request(episode="soak"))
    if begun is None or not begun.success:
        return False
    world.take()
    lifted = world.held is not None
    for view in range(views if lifted else 0):
        request = AddHeldView.Request(attempt_id=begun.attempt_id, wrist_angle=0.5 * view)
        operator.ask(AddHeldView, f"{capture}/add_held_view", request)
    request = CompleteAttempt.Request(attempt_id=begun.attempt_id, grasp_success=lifted)
    completed = operator.ask(CompleteAttempt, f"{capture}/complete_attempt", request)
    world.put_back()
    return completed is not None and completed.success


class Work(threading.Thread):
    """Works until it is stopped.

    Attributes:
        done: how often each kind of work went well.
    """

    def __init__(self, operator: Operator, world: World, ledger: Ledger, store: Path) -> None:
        super().__init__(name="work", daemon=True)
        self._operator, self._world, self._ledger, self._store = operator, world, ledger, store
        self.done = dict.fromkeys(("attempts", "collections", "goals", "grasps", "saves", "loads"), 0)
        self._ended = threading.Event()

    def run(self) -> None:
        """The thread."""
        steps = (
            self._attempt,
            self._attempt,
            self._collect,
            self._attempt,
            self._grasp,
            self._save,
            self._load,
        )
        number = 0
        while not self._ended.wait(PAUSE_S):
            steps[number % len(steps)]()
            number += 1

    def stop(self) -> None:
        """Ends after the work at hand."""
        self._ended.set()
        self.join()

    def _attempt(self) -> None:
        self.done["attempts"] += attempt(self._operator, self._world)

    def _collect(self) -> None:
        def note(message: object) -> None:
            self._ledger.note(self._store, message.feedback.experience_id)

        goal = CollectGrasps.Goal(attempts=2, held_views=2)
        result = self._operator.act(CollectGrasps, "grasping/collect_grasps", goal, note)
        self.done["collections"] += result is not None and result.outcome == CollectGrasps.Result.OK

    def _grasp(self) -> None:
        experience_id = self._ledger.any(self._store)
        request = SetGoal.Request(goal_id="wanted", experience_ids=[experience_id])
        answer = self._operator.ask(SetGoal, "perception/set_goal", request)
        self.done["goals"] += answer is not None and answer.success
        goal = GraspObject.Goal(max_attempts=1)
        result = self._operator.act(GraspObject, "grasping/grasp_object", goal)
        if result is not None:
            self._ledger.note(self._store, result.experience_id)
            self.done["grasps"] += result.outcome in (
                GraspObject.Result.OK,
                GraspObject.Result.WRONG_OBJECT,
                GraspObject.Result.NOT_LIFTED,
                GraspObject.Result.NOT_FOUND,
            )

    def _save(self) -> None:
        answer = self._operator.ask(SaveCheckpoint, "trainer/save_checkpoint", SaveCheckpoint.Request())
        self.done["saves"] += answer is not None and answer.success

    def _load(self) -> None:
        for node in ("perception", "trainer"):
            answer = self._operator.ask(LoadCheckpoint, f"{node}/load_checkpoint", LoadCheckpoint.Request())
            self.done["loads"] += answer is not None and answer.success
