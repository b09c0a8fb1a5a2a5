"""The capture node: keeps the scene before and after each grasp and the object in the gripper.

In: scene/image, held/image, joint_states. Out: ~/experience. Services: ~/begin_attempt, ~/add_held_view,
~/complete_attempt. An attempt that was answered with success is on disk.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from semantic_grasping.msg import GraspExperience
from semantic_grasping.srv import AddHeldView, BeginAttempt, CompleteAttempt
from sensor_msgs.msg import Image, JointState

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.options import option
from grasp2vec_ros.core.store import ExperienceStore, StoreError
from grasp2vec_ros.nodes.messages import experience_message
from grasp_node_kit.fresh import MissingInputError, wait_for_fresh
from grasp_node_kit.images import image_to_rgb
from grasp_node_kit.limits import MOST_JOINTS, check_count, check_texts
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import RESULT, SENSOR
from grasp_node_kit.transport import ColourTransportConfig, feed_image

MOST_HELD_VIEWS = 16
MOST_OPEN_ATTEMPTS = 16
# What is added is not read again here.
PAGE_CACHE_MB = 4


@dataclass
class CaptureConfig:
    """What is captured and where it goes."""

    store: str = option("out/store", "folder of the experience store", read_only=True)
    robot_id: str = option("robot", "name of the robot, where the caller gives none")
    finger_joints: list = field(
        default_factory=lambda: ["panda_finger_joint1", "panda_finger_joint2"],
        metadata={"help": "joints whose positions add up to the gripper's opening", "read_only": True},
    )
    frame_timeout_s: float = option(
        3.0, "how long to wait for an image that is newer than the request", minimum=0.1, maximum=60.0
    )
    attempt_timeout_s: float = option(
        600.0, "an attempt that is not completed is forgotten after this", minimum=1.0, maximum=86400.0
    )


@dataclass
class OpenAttempt:
    """An attempt that has begun and is not stored yet."""

    robot_id: str
    episode: str
    number: int
    commanded_goal: str
    pre: np.ndarray
    pre_stamp_ns: int
    scene_frame: str
    held: list[np.ndarray] = field(default_factory=list)
    angles_rad: list[float] = field(default_factory=list)
    held_stamps_ns: list[int] = field(default_factory=list)
    opening_m: float = math.nan
    began_s: float = field(default_factory=time.monotonic)


class CaptureNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("capture", **options)
        self.config = declare(self, CaptureConfig())
        self._transport = declare(self, ColourTransportConfig())
        self._scene: NewestSlot[Image] = NewestSlot("scene/image")
        self._held: NewestSlot[Image] = NewestSlot("held/image")
        self._joints: NewestSlot[JointState] = NewestSlot("joint_states")
        self._attempts: dict[str, OpenAttempt] = {}
        self._numbers: dict[str, int] = {}
        self._lock = threading.Lock()
        self._store: ExperienceStore | None = None
        # Services are there before the store is: they answer why nothing can be captured.
        group = ReentrantCallbackGroup()
        refusals = (ValueError, MissingInputError, StoreError)
        self.offer(BeginAttempt, "~/begin_attempt", self._begin, group, refusals)
        self.offer(AddHeldView, "~/add_held_view", self._add_view, group, refusals)
        self.offer(CompleteAttempt, "~/complete_attempt", self._complete, group, refusals)

    def set_up(self) -> None:
        """Opens the store and subscribes."""
        self._store = ExperienceStore(self.config.store, page_cache_mb=PAGE_CACHE_MB)
        group = ReentrantCallbackGroup()
        self._publisher = self.create_publisher(GraspExperience, "~/experience", RESULT)
        for slot in (self._scene, self._held):
            feed_image(self, slot, self._transport.image_transport, group)
        self.feed(self._joints, JointState, SENSOR, group)
        self.get_logger().info(f"storing in {self._store.folder} ({len(self._store)} attempts so far)")

    def tear_down(self) -> None:
        """Closes the store."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def slots(self) -> list[NewestSlot]:
        """Cameras and joints."""
        return [self._scene, self._held, self._joints]

    def needs(self) -> list[NewestSlot]:
        """The cameras; without joints only the gripper's opening is unknown."""
        return [self._scene, self._held]

    def time_jumped(self) -> None:
        """Open attempts have a picture of another time; a simulation that was reset has another scene."""
        with self._lock:
            self._attempts.clear()

    def report(self) -> dict[str, object]:
        """Attempts that are open and stored."""
        return {
            "open attempts": len(self._attempts),
            "stored attempts": len(self._store) if self._store else 0,
        }

    def _begin(self, request: BeginAttempt.Request, response: BeginAttempt.Response) -> None:
        check_texts(request, "robot_id", "episode", "commanded_goal")
        message = wait_for_fresh(self, self._scene, self.config.frame_timeout_s)
        attempt = OpenAttempt(
            robot_id=request.robot_id or self.config.robot_id,
            episode=request.episode or uuid.uuid4().hex[:12],
            number=0,
            commanded_goal=request.commanded_goal,
            pre=image_to_rgb(message, "scene/image"),
            pre_stamp_ns=stamp_ns(message.header.stamp),
            scene_frame=message.header.frame_id,
        )
        response.attempt_id, response.pre_stamp = uuid.uuid4().hex, message.header.stamp
        with self._lock:
            self._forget_old()
            attempt.number = self._numbers.get(attempt.episode, 0)
            self._attempts[response.attempt_id] = attempt

    def _forget_old(self) -> None:
        now = time.monotonic()
        old = [i for i, a in self._attempts.items() if now - a.began_s > self.config.attempt_timeout_s]
        old += list(self._attempts)[: max(0, len(self._attempts) - len(old) - MOST_OPEN_ATTEMPTS + 1)]
        for attempt_id in dict.fromkeys(old):
            self._attempts.pop(attempt_id, None)
            self.get_logger().warning(f"attempt {attempt_id} was never completed and is forgotten")

    def _add_view(self, request: AddHeldView.Request, response: AddHeldView.Response) -> None:
        attempt = self._find(request.attempt_id)
        if not math.isfinite(request.wrist_angle):
            raise ValueError(f"wrist_angle: {request.wrist_angle} is not finite")
        if len(attempt.held) >= MOST_HELD_VIEWS:
            raise ValueError(f"held: {MOST_HELD_VIEWS} views are kept at most")
        message = wait_for_fresh(self, self._held, self.config.frame_timeout_s)
        view = image_to_rgb(message, "held/image")
        if not attempt.held:
            attempt.opening_m = self._opening_m()
        attempt.held.append(view)
        attempt.held_stamps_ns.append(stamp_ns(message.header.stamp))
        attempt.angles_rad.append(float(request.wrist_angle))
        response.views = len(attempt.held)

    def _complete(self, request: CompleteAttempt.Request, response: CompleteAttempt.Response) -> None:
        attempt = self._find(request.attempt_id)
        if request.discard:
            self._attempts.pop(request.attempt_id, None)
            return
        message = wait_for_fresh(self, self._scene, self.config.frame_timeout_s)
        pose = request.grasp_pose
        check_texts(pose.header, "frame_id")
        known = bool(pose.header.frame_id)
        p, q = pose.pose.position, pose.pose.orientation
        experience = Experience(
            robot_id=attempt.robot_id,
            episode=attempt.episode,
            attempt=attempt.number,
            stamp_ns=attempt.pre_stamp_ns,
            pre=attempt.pre,
            post=image_to_rgb(message, "scene/image"),
            held=attempt.held if request.grasp_success else [],
            held_angles_rad=attempt.angles_rad if request.grasp_success else [],
            held_stamps_ns=attempt.held_stamps_ns if request.grasp_success else [],
            post_stamp_ns=stamp_ns(message.header.stamp),
            success=request.grasp_success,
            gripper_opening_m=attempt.opening_m
            if math.isnan(request.gripper_opening)
            else request.gripper_opening,
            grasp_position_m=(p.x, p.y, p.z) if known else None,
            grasp_orientation_xyzw=(q.x, q.y, q.z, q.w) if known else None,
            base_frame=pose.header.frame_id,
            scene_frame=attempt.scene_frame,
            commanded_goal=attempt.commanded_goal,
            # The attempt's own id: completing twice cannot store it twice.
            experience_id=request.attempt_id,
        )
        # On disk first, then known to others, then acknowledged.
        response.experience_id = self._store.add(experience)
        with self._lock:
            self._attempts.pop(request.attempt_id, None)
            self._numbers[attempt.episode] = attempt.number + 1
        self._publisher.publish(experience_message(experience))

    def _find(self, attempt_id: str) -> OpenAttempt:
        with self._lock:
            if attempt_id not in self._attempts:
                raise ValueError(f"attempt_id: {attempt_id[:64]!r} is not open; call begin_attempt first")
            return self._attempts[attempt_id]

    def _opening_m(self) -> float:
        joints = self._joints.newest
        if joints is None:
            return math.nan
        check_count(len(joints.name), MOST_JOINTS, "joint_states.name")
        positions = dict(zip(joints.name, joints.position, strict=False))
        return float(sum(positions.get(name, math.nan) for name in self.config.finger_joints))


def main() -> None:
    """Runs the node."""
    run(CaptureNode)


if __name__ == "__main__":
    main()
