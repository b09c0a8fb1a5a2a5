"""What a person at the robot does, as a ROS node: collect, show a goal, ask for it, watch the topics."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import numpy as np
import rclpy
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from semantic_grasping.action import CollectGrasps, GraspObject
from semantic_grasping.msg import Goal, GoalHeatmap, GraspExperience, GraspReward, TrainingStatus
from semantic_grasping.srv import SaveCheckpoint, SetGoal
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

from grasp_node_kit.action_client import ThreadSafeActionClient
from grasp_node_kit.images import array_to_image, image_to_float, image_to_rgb

LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)


class OperatorError(RuntimeError):
    """A node did not answer, or refused; the message says which and why."""


class Operator:
    """A plain ROS client of the package: everything it knows, it knows from topics, services and actions."""

    def __init__(self) -> None:
        rclpy.init()
        self.node: Node = rclpy.create_node("operator")
        self.statuses: list[tuple[float, TrainingStatus]] = []
        self.rewards: list[GraspReward] = []
        self.experiences: dict[str, GraspExperience] = {}
        self.heatmaps: dict[tuple[int, int], np.ndarray] = {}
        self.heatmap_infos: list[GoalHeatmap] = []
        self.scenes: dict[tuple[int, int], np.ndarray] = {}
        self.ground_truths: list[dict] = []
        self.overviews: list[tuple[float, np.ndarray]] = []
        self._changed = threading.Condition()
        node = self.node
        node.create_subscription(TrainingStatus, "trainer/status", self._keep_status, LATCHED)
        node.create_subscription(GraspReward, "perception/reward", self._keep_reward, 10)
        node.create_subscription(GraspExperience, "capture/experience", self._keep_experience, 10)
        node.create_subscription(GoalHeatmap, "perception/heatmap_info", self._keep_heatmap_info, 10)
        node.create_subscription(Image, "perception/heatmap", self._keep_heatmap, 10)
        node.create_subscription(Image, "scene/image", self._keep_scene, rclpy.qos.qos_profile_sensor_data)
        node.create_subscription(
            Image, "overview/image", self._keep_overview, rclpy.qos.qos_profile_sensor_data
        )
        node.create_subscription(String, "cell/ground_truth", self._keep_ground_truth, LATCHED)
        self._collect = ThreadSafeActionClient(node, CollectGrasps, "grasping/collect_grasps")
        self._grasp = ThreadSafeActionClient(node, GraspObject, "grasping/grasp_object")
        self._set_goal = node.create_client(SetGoal, "perception/set_goal")
        self._new_scene = node.create_client(Trigger, "cell/new_scene")
        self._save = node.create_client(SaveCheckpoint, "trainer/save_checkpoint")
        self._pause = node.create_client(SetBool, "trainer/pause")
        self._executor = MultiThreadedExecutor(num_threads=2)
        self._executor.add_node(node)
        self._spinner = threading.Thread(target=self._executor.spin, daemon=True)
        self._spinner.start()

    def close(self) -> None:
        """Leaves the ROS graph."""
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown()
        self._spinner.join(5.0)

    # What comes in.

    def _keep_status(self, message: TrainingStatus) -> None:
        self.statuses.append((time.monotonic(), message))

    def _keep_reward(self, message: GraspReward) -> None:
        with self._changed:
            self.rewards.append(message)
            self._changed.notify_all()

    def _keep_experience(self, message: GraspExperience) -> None:
        with self._changed:
            self.experiences[message.experience_id] = message
            while len(self.experiences) > 40:
                self.experiences.pop(next(iter(self.experiences)))
            self._changed.notify_all()

    def _keep_heatmap_info(self, message: GoalHeatmap) -> None:
        with self._changed:
            self.heatmap_infos = [*self.heatmap_infos[-20:], message]
            self._changed.notify_all()

    def _keep_heatmap(self, message: Image) -> None:
        with self._changed:
            self.heatmaps[_key(message)] = image_to_float(message)
            _forget_oldest(self.heatmaps)
            self._changed.notify_all()

    def _keep_scene(self, message: Image) -> None:
        with self._changed:
            self.scenes[_key(message)] = image_to_rgb(message)
            _forget_oldest(self.scenes)
            self._changed.notify_all()

    def _keep_ground_truth(self, message: String) -> None:
        with self._changed:
            self.ground_truths.append(json.loads(message.data))
            self._changed.notify_all()

    def _keep_overview(self, message: Image) -> None:
        stamp = message.header.stamp
        self.overviews = [*self.overviews[-400:], (stamp.sec + stamp.nanosec / 1e9, image_to_rgb(message))]

    def wait_for(self, what: Callable[[], object], timeout_s: float, name: str) -> object:
        """Waits until `what()` is true, and returns it.

        Raises:
            OperatorError: it did not become true in time; `name` says what was waited for.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not (found := what()):
                if time.monotonic() > deadline:
                    raise OperatorError(f"no {name} within {timeout_s:.0f} s")
                self._changed.wait(0.2)
        return found

    # What goes out.

    def call(self, client: rclpy.client.Client, request: object, timeout_s: float = 30.0) -> object:
        """Calls a service and returns its answer."""
        if not client.wait_for_service(timeout_s):
            raise OperatorError(f"service `{client.srv_name}` is not there after {timeout_s:.0f} s")
        return self._result(client.call_async(request), timeout_s, client.srv_name)

    def pause_training(self, paused: bool) -> None:
        """Pauses the trainer or lets it go on."""
        self.call(self._pause, SetBool.Request(data=paused))

    def save_checkpoint(self) -> str:
        """Asks the trainer for a checkpoint and returns its file."""
        answer = self.call(self._save, SaveCheckpoint.Request())
        if not answer.success:
            raise OperatorError(f"trainer/save_checkpoint: {answer.message}")
        return answer.path

    def new_scene(self) -> None:
        """Asks the cell for other objects in the bin."""
        answer = self.call(self._new_scene, Trigger.Request())
        if not answer.success:
            raise OperatorError(f"cell/new_scene: {answer.message}")

    def show_goal(self, images: list[np.ndarray], label: str) -> Goal:
        """Sets the goal by showing images (H x W x 3, uint8, RGB) of an object."""
        request = SetGoal.Request(images=[array_to_image(image, "rgb8") for image in images], label=label)
        answer = self.call(self._set_goal, request)
        if not answer.success:
            raise OperatorError(f"perception/set_goal: {answer.message}")
        return answer.goal

    def collect(
        self, attempts: int, held_views: int, duration_s: float, on_feedback: Callable
    ) -> CollectGrasps.Result:
        """Runs CollectGrasps until it is done or `duration_s` of wall time is over; then it is cancelled."""
        goal = CollectGrasps.Goal(attempts=attempts, held_views=held_views)
        return self._act(self._collect, goal, on_feedback, duration_s)

    def grasp(
        self, goal_id: str, max_attempts: int, on_feedback: Callable, timeout_s: float
    ) -> GraspObject.Result:
        """Runs GraspObject for a goal and returns its result."""
        goal = GraspObject.Goal(goal_id=goal_id, max_attempts=max_attempts, accept_reward=-1.0)
        return self._act(self._grasp, goal, on_feedback, timeout_s)

    def _act(
        self, client: ThreadSafeActionClient, goal: object, on_feedback: Callable, duration_s: float
    ) -> object:
        if not client.wait_for_server(30.0):
            raise OperatorError(f"action `{client._action_name}` is not there after 30 s")
        sent = client.send_goal_async(goal, feedback_callback=lambda message: on_feedback(message.feedback))
        handle = self._result(sent, 30.0, "acceptance of the action")
        if not handle.accepted:
            raise OperatorError(f"action `{client._action_name}` was rejected")
        result = handle.get_result_async()
        if not _wait(result, duration_s):
            self._result(handle.cancel_goal_async(), 30.0, "acceptance of the cancel")
        return self._result(result, 60.0, "result of the action").result

    @staticmethod
    def _result(future: rclpy.task.Future, timeout_s: float, name: str) -> object:
        if not _wait(future, timeout_s):
            raise OperatorError(f"no answer from {name} within {timeout_s:.0f} s")
        return future.result()


def _wait(future: rclpy.task.Future, timeout_s: float) -> bool:
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    return done.wait(timeout_s)


def _key(message: Image) -> tuple[int, int]:
    return message.header.stamp.sec, message.header.stamp.nanosec


def _forget_oldest(images: dict, keep: int = 20) -> None:
    while len(images) > keep:
        images.pop(next(iter(images)))
