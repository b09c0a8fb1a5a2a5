"""The main job on real processes: the cell grasps, attempts are stored, the trainer learns, a shown object is looked for."""

import contextlib
import threading

import pytest

from demo.learning import Progress, learn
from demo.operator import Operator
from demo.stack import Stack
from demo.story import from_scratch
from grasp2vec_ros.core.store import ExperienceStore
from grasp_node_kit.images import image_to_rgb


@pytest.mark.slow
def test_from_the_first_grasp_to_a_pick(tmp_path):
    from demo.__main__ import start_nodes

    stack, operator = Stack(tmp_path / "log"), Operator()
    try:
        start_nodes(stack, tmp_path, from_scratch(0), seed=0)
        operator.wait_for(
            lambda: stack.check() or (operator.scenes and operator.statuses), 90.0, "camera image and trainer"
        )
        progress = Progress()
        learn(operator, stack, progress, tmp_path / "progress.json", seconds=35.0)
        assert (
            progress.lifted >= 6 and Progress.read(tmp_path / "progress.json").attempts == progress.attempts
        )
        operator.wait_for(lambda: operator.statuses[-1][1].step >= 5, 60.0, "a few training steps")
        path = operator.save_checkpoint()
        version = operator.statuses[-1][1].checkpoint_version
        # After so little learning a heatmap may point at nothing that can be grasped: then another object is shown.
        for shown in [e for e in operator.experiences.values() if e.success][:4]:
            goal = operator.show_goal([image_to_rgb(shown.held[0])], "it")
            result = operator.grasp(goal.goal_id, max_attempts=2, on_feedback=lambda _: None, timeout_s=60.0)
            if result.attempts:
                break
        assert result.attempts >= 1, result.message
        reward = operator.wait_for(
            lambda: next((r for r in operator.rewards if r.experience_id == result.experience_id), None),
            10.0,
            "reward",
        )
        assert reward.goal_id == goal.goal_id and 0 <= reward.reward <= 1
        assert path.endswith(".safetensors") and version
        known = {reward.experience_id for reward in operator.rewards} | set(operator.experiences)
        with ExperienceStore(tmp_path / "store", read_only=True) as store:
            assert known <= set(store.ids())
            attempts, lifted = store.counts()
            assert attempts >= progress.attempts and lifted >= progress.lifted
            assert store.get(result.experience_id).commanded_goal == goal.goal_id
    finally:
        operator.close()
        codes = stack.stop_all()
    assert set(codes.values()) == {0}, codes


@pytest.mark.slow
def test_all_nodes_killed_at_once_lose_no_attempt_that_was_announced(tmp_path):
    from demo.__main__ import start_nodes

    stack, operator = Stack(tmp_path / "log"), Operator()
    try:
        start_nodes(stack, tmp_path, from_scratch(1), seed=1)
        operator.wait_for(
            lambda: stack.check() or (operator.scenes and operator.statuses), 90.0, "camera image and trainer"
        )
        collecting = threading.Thread(target=_collect_until_killed, args=(operator,), daemon=True)
        collecting.start()
        operator.wait_for(lambda: len(operator.experiences) >= 4, 60.0, "attempts")
        stack.kill_all()
        announced = set(operator.experiences)
    finally:
        operator.close()
    with ExperienceStore(
        tmp_path / "store"
    ) as store:  # opened for writing: the log of the killed writer is taken over
        assert announced <= set(store.ids())
        assert all(store.get(experience_id).pre.size for experience_id in store.ids())


def _collect_until_killed(operator: Operator) -> None:
    with contextlib.suppress(Exception):  # its partners die in the middle of it
        operator.collect(attempts=0, held_views=2, duration_s=60.0, on_feedback=lambda _: None)
