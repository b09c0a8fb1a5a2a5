"""From an image to its heatmap and from an attempt to its reward, idle and while training: `python -m benchmarks.perception`.

The node runs in a process of its own. The references are taken in turns with it, in this process, with as many threads:
the bare network on an input that is ready, all of the core's work without ROS, and a plain node that only answers as much.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from semantic_grasping.msg import GraspExperience, GraspReward, TrainingStatus
from semantic_grasping.srv import SetGoal
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool

from benchmarks import echo_node
from benchmarks.ratio import median, ratio_of_medians
from benchmarks.report import add_comparison, finish, options
from benchmarks.ros import Awaited, NoAnswerError, Talker, reference_node, talker
from benchmarks.scenes import attempt, fill_store
from grasp2vec_ros.core.checkpoint import load_checkpoint
from grasp2vec_ros.core.encoder import Grasp2Vec, held_input, scene_input
from grasp2vec_ros.core.inference import Perceiver, PerceiverConfig, default_checkpoint
from grasp2vec_ros.core.results import Results
from grasp2vec_ros.nodes.messages import experience_message, time_message
from grasp_node_kit.images import array_to_image
from grasp_node_kit.newest import stamp_ns
from grasp_node_kit.qos import LATCHED, RESULT, SENSOR

SPLIT = "640x480"
TRIES = 3
BLOCK = 10  # frames in a row, idle or while training


@dataclass(frozen=True)
class Topics:
    """What a node listens to and what it tells."""

    images: str = "scene/image"
    heatmaps: str = "perception/heatmap"
    attempts: str = "capture/experience"
    rewards: str = "perception/reward"


class Probe:
    """Sends images and attempts to a node and waits for what it makes of them."""

    def __init__(self, node: Talker, topics: Topics, rng: np.random.Generator) -> None:
        self.node = node
        self.drawn = [attempt(rng) for _ in range(4)]
        self._images = node.create_publisher(Image, topics.images, SENSOR)
        self._attempts = node.create_publisher(GraspExperience, topics.attempts, RESULT)
        self._heatmap = Awaited(lambda message: stamp_ns(message.header.stamp))
        self._reward = Awaited(lambda message: message.experience_id)
        node.create_subscription(Image, topics.heatmaps, self._heatmap.take, RESULT)
        node.create_subscription(GraspReward, topics.rewards, self._reward.take, RESULT)
        ends = (self._images, self._attempts)
        node.until(lambda: all(end.get_subscription_count() for end in ends), f"listener to {topics.images}")
        self.number = self.repeated = 0

    def heatmap(self) -> float:
        """Seconds from publishing an image to having its heatmap."""
        image = array_to_image(self.drawn[self.number % len(self.drawn)].pre, "rgb8")
        image.header.frame_id = "camera"

        def send(key: int) -> Callable[[], None]:
            image.header.stamp = time_message(key)
            return lambda: self._images.publish(image)

        return self._patiently(self._heatmap, lambda number: (send(number * 10**9), number * 10**9))

    def reward(self) -> float:
        """Seconds from publishing an attempt, with one held view of 640 x 480, to having its reward."""
        drawn = self.drawn[self.number % len(self.drawn)]
        message = experience_message(drawn)
        message.held = [array_to_image(drawn.pre, "rgb8")]

        def send(key: str) -> Callable[[], None]:
            message.experience_id = key
            return lambda: self._attempts.publish(message)

        return self._patiently(self._reward, lambda number: (send(str(number)), str(number)))

    def _patiently(self, awaited: Awaited, prepare: Callable[[int], tuple]) -> float:
        # Cameras are best effort: an image may be lost, and is then sent again.
        for _ in range(TRIES):
            self.number += 1
            seconds = awaited.after(*prepare(self.number))
            if seconds is not None:
                return seconds
            self.repeated += 1
            self.node.stack.check()
        raise NoAnswerError(f"perception: nothing came after {TRIES} tries")


def in_turns(parts: dict[str, Callable[[], float]], rounds: int) -> dict[str, np.ndarray]:
    """Seconds (rounds,) that each part tells of itself, one of each in every round."""
    for part in parts.values():
        part()
        part()
    rows = [{name: part() for name, part in parts.items()} for _ in range(rounds)]
    return {name: np.array([row[name] for row in rows]) for name in parts}


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Work that tells how long it took, in inference mode."""

    def measure() -> float:
        with torch.inference_mode():
            began = time.perf_counter()
            work()
            return time.perf_counter() - began

    return measure


def perception_probe(node: Talker, parameters: dict, rng: np.random.Generator) -> Probe:
    """Starts the perception node and gives it a goal."""
    node.stack.start("perception", parameters)
    goal = array_to_image(attempt(rng).held[0], "rgb8")
    node.ask(SetGoal, "perception/set_goal", SetGoal.Request(goal_id="goal", images=[goal]))
    return Probe(node, Topics(), rng)


def with_transport(seconds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same, and what the transport and the bare network of a round took together."""
    return {**seconds, "transport_and_network": seconds["transport_alone"] + seconds["bare_network"]}


def networks(model: Grasp2Vec, scene: torch.Tensor) -> list[torch.Tensor]:
    """Maps of everything that a heatmap looks at."""
    return [model.scene_map(scene), *([] if model.probe is None else model.probe.maps(scene))]


def measure_idle(probe: Probe, echo: Probe, frames: int, results: Results) -> None:
    """Rows of a node that has nothing else to do."""
    model = load_checkpoint(default_checkpoint())[0].to(memory_format=torch.channels_last)
    core = Perceiver(PerceiverConfig(device="cpu"))
    core.load(default_checkpoint())
    scene = probe.drawn[0].pre
    ready = scene_input(torch.from_numpy(scene)[None], model.config)
    goal = core.embed_held(probe.drawn[0].held[:1])[0]
    heatmaps = {
        "ours": probe.heatmap,
        "transport_alone": echo.heatmap,
        "bare_network": timed(lambda: networks(model, ready)),
        "core_without_ros": timed(lambda: core.heatmap(scene, goal)),
    }
    add_comparison(results, "heatmap", SPLIT, with_transport(in_turns(heatmaps, frames)), added=True)
    view = held_input(torch.from_numpy(scene)[None], model.config)
    rewards = {
        "ours": probe.reward,
        "transport_alone": echo.reward,
        "bare_network": timed(lambda: model.embed_held(view)),
        "core_without_ros": timed(lambda: core.reward(goal, core.embed_held([scene])[0])),
    }
    add_comparison(results, "reward", SPLIT, with_transport(in_turns(rewards, frames)), added=True)


# Whitening would have nothing to do once the store's attempts are taken in; an optimiser never rests.
OPTIMISING = {"fine_tuning.how": "gradient"}


def measure_while_training(
    probe: Probe, folder: Path, attempts: int, frames: int, seed: int, results: Results
) -> None:
    """Rows of a node beside which the trainer learns; blocks of frames idle and training in turns."""
    node, seen = probe.node, []
    fill_store(folder / "store", attempts, seed)
    parameters = {
        "store": str(folder / "store"), "checkpoints": str(folder / "checkpoints"), **OPTIMISING,
    }  # fmt: skip
    node.create_subscription(TrainingStatus, "trainer/status", seen.append, LATCHED)
    node.stack.start("trainer", parameters)
    node.until(lambda: seen and seen[-1].step > 0, "steps of the trainer")
    seconds: dict[bool, list[float]] = {True: [], False: []}
    block = max(1, min(BLOCK, frames // 2))
    while len(seconds[True]) < frames:
        for training in (False, True):
            node.ask(SetBool, "trainer/pause", SetBool.Request(data=not training))
            probe.heatmap()
            seconds[training] += [probe.heatmap() for _ in range(block)]
    for training, name in ((True, "ours"), (False, "idle")):
        results.add(
            "heatmap_while_training_milliseconds", SPLIT, name, median(np.array(seconds[training]) * 1e3)
        )
    ratio = ratio_of_medians(np.array(seconds[True]), np.array(seconds[False]))
    results.add("heatmap_while_training_ratio", SPLIT, "ours_to_idle", ratio)


def main() -> None:
    """Measures latencies of the perception node at 640 x 480."""
    chosen, results = options(
        "perception", main.__doc__, frames=60, training_frames=50, attempts=60, threads=1
    )
    torch.set_num_threads(chosen.threads)
    with talker(chosen.threads) as node:
        folder = node.stack.folder.parent
        parameters = {"store": str(folder / "store"), "checkpoints": str(folder / "checkpoints")}
        rng = np.random.default_rng(chosen.seed)
        probe = perception_probe(node, parameters, rng)
        with reference_node("echo_node", folder):
            echo = Probe(
                node, Topics(echo_node.IMAGES, echo_node.HEATMAPS, echo_node.ATTEMPTS, echo_node.REWARDS), rng
            )
            measure_idle(probe, echo, chosen.frames, results)
        measure_while_training(probe, folder, chosen.attempts, chosen.training_frames, chosen.seed, results)
        repeated = probe.repeated
    finish(results, chosen.output, images_sent_again=repeated)


if __name__ == "__main__":
    main()
