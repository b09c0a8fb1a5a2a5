"""Perception and trainer in a process each, or both in one: `python -m benchmarks.processes`.

How long a heatmap takes while the trainer learns, and how fast it learns meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import yaml
from semantic_grasping.msg import TrainingStatus
from semantic_grasping.srv import SetGoal

from benchmarks.perception import OPTIMISING, SPLIT, Probe, Topics
from benchmarks.ratio import median, ratio_of_medians
from benchmarks.report import finish, options
from benchmarks.ros import Talker, reference_node, talker
from benchmarks.scenes import attempt, fill_store
from grasp_node_kit.images import array_to_image
from grasp_node_kit.qos import LATCHED


@contextmanager
def two_processes(node: Talker, parameters: dict) -> Iterator[None]:
    """Both nodes as they are launched."""
    for name in ("perception", "trainer"):
        node.stack.start(name, parameters)
    try:
        yield
    finally:
        node.stack.stop_all()


@contextmanager
def one_process(node: Talker, parameters: dict) -> Iterator[None]:
    """Both nodes in `benchmarks.one_process_node`."""
    file = node.stack.folder.parent / "one_process.yaml"
    file.write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters}}))
    with reference_node("one_process_node", file.parent, "--ros-args", "--params-file", str(file)):
        yield


def heatmaps_while_training(
    node: Talker, status: list[TrainingStatus], frames: int, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Seconds (frames,) of heatmaps, and the trainer's steps a second meanwhile."""
    status.clear()
    node.until(lambda: status and status[-1].step > 1, "steps of the trainer")
    goal = array_to_image(attempt(rng).held[0], "rgb8")
    node.ask(SetGoal, "perception/set_goal", SetGoal.Request(goal_id="goal", images=[goal]))
    probe = Probe(node, Topics(), rng)
    probe.heatmap()
    first, began_s = status[-1].step, time.monotonic()
    seconds = np.array([probe.heatmap() for _ in range(frames)])
    # The status comes once a second.
    seen = len(status)
    node.until(lambda: len(status) > seen + 1, "status of the trainer")
    return seconds, (status[-1].step - first) / (time.monotonic() - began_s)


def main() -> None:
    """Runs both ways in turns."""
    chosen, results = options("processes", main.__doc__, rounds=2, frames=60, attempts=60, threads=1)
    ways: dict[str, Callable] = {"ours": two_processes, "one_process": one_process}
    seconds: dict[str, list[np.ndarray]] = {name: [] for name in ways}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    rng = np.random.default_rng(chosen.seed)
    with talker(chosen.threads) as node:
        folder: Path = node.stack.folder.parent
        fill_store(folder / "store", chosen.attempts, chosen.seed)
        status: list[TrainingStatus] = []
        node.create_subscription(TrainingStatus, "trainer/status", status.append, LATCHED)
        for number in range(chosen.rounds):
            for name in ways if number % 2 == 0 else reversed(ways):
                place = {"store": str(folder / "store"), "checkpoints": str(folder / f"{name}-{number}")}
                with ways[name](node, place | OPTIMISING):
                    took, rate = heatmaps_while_training(node, status, chosen.frames, rng)
                seconds[name].append(took)
                rates[name].append(rate)
    told = {name: np.concatenate(values) for name, values in seconds.items()}
    for name, values in told.items():
        results.add("heatmap_while_training_milliseconds", SPLIT, name, median(values * 1e3))
        results.add("training_steps_per_second", SPLIT, name, median(np.array(rates[name])))
    results.add(
        "heatmap_while_training_ratio", SPLIT, "one_process_to_ours",
        ratio_of_medians(told["one_process"], told["ours"]),
    )  # fmt: skip
    finish(results, chosen.output)


if __name__ == "__main__":
    main()
