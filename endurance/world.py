"""A cell in name only: cameras at 30 Hz, a clock, and a robot that takes and puts back patterned blocks."""

from __future__ import annotations

import threading
import time

import cv2
import numpy as np
from rclpy.action import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from semantic_grasping.action import ExecuteGrasp, PresentObject, ReleaseObject
from sensor_msgs.msg import CameraInfo, Image, JointState

from grasp_node_kit.images import array_to_image
from grasp_node_kit.qos import SENSOR

RATE_HZ = 30.0
WIDTH_PX, HEIGHT_PX, BLOCK_PX, FOCAL_PX = 160, 120, 24, 800.0
HEIGHT_M, BLOCK_M = 1.0, 0.03
KINDS = 12
PLACES = ((20, 24), (20, 68), (22, 112), (68, 24), (70, 68), (68, 112))  # rows and columns of corners
# For the nodes' parameters: the camera looks straight down from 1 m over (0.5, 0); rows along -x, columns along -y.
CAMERA = {
    "extrinsics.base_frame": "base",
    "extrinsics.translation_m": [0.5, 0.0, HEIGHT_M],
    "extrinsics.rotation_xyzw": [0.70710678, -0.70710678, 0.0, 0.0],
}
FLOOR = {"planning.floor_z_m": 0.0, "planning.wall_height_m": 0.0}


class World(Node):
    """Cameras, clock and robot.

    Attributes:
        scale: size of images, of 160 x 120 pixels.
        silent: cameras send nothing.
        spoilt: what is wrong with images: "", "black", "nan" or "huge".
        ahead_s: the clock is so far ahead of the computer's.
        frames: images of each camera so far.
    """

    def __init__(self, seed: int) -> None:
        super().__init__("world")
        self._rng = np.random.default_rng(seed)
        self._pictures = self._rng.integers(30, 255, (KINDS, 4, 4, 3), dtype=np.uint8)
        self._blocks = dict(zip(PLACES, self._rng.permutation(KINDS)[: len(PLACES)].tolist(), strict=True))
        self.held: int | None = None
        self.scale, self.silent, self.spoilt, self.ahead_s, self.frames = 1.0, False, "", 0.0, 0
        self._lock = threading.Lock()
        self._outputs = {
            "scene/image": self.create_publisher(Image, "scene/image", SENSOR),
            "scene/depth": self.create_publisher(Image, "scene/depth", SENSOR),
            "scene/camera_info": self.create_publisher(CameraInfo, "scene/camera_info", SENSOR),
            "held/image": self.create_publisher(Image, "held/image", SENSOR),
            "joint_states": self.create_publisher(JointState, "joint_states", SENSOR),
        }
        self._time_output = self.create_publisher(Clock, "/clock", SENSOR)
        group = ReentrantCallbackGroup()
        options = {"cancel_callback": lambda _: CancelResponse.ACCEPT, "callback_group": group}
        self._actions = [
            ActionServer(self, ExecuteGrasp, "execute_grasp", self._grasp, **options),
            ActionServer(self, PresentObject, "present_object", self._present, **options),
            ActionServer(self, ReleaseObject, "release_object", self._release, **options),
        ]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cameras", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops the cameras."""
        self._ended.set()
        self._thread.join()

    def take(self) -> None:
        """Lifts a random block, as a person at the controls would."""
        with self._lock:
            if self.held is None and self._blocks:
                place = list(self._blocks)[self._rng.integers(len(self._blocks))]
                self.held = self._blocks.pop(place)

    def put_back(self) -> None:
        """Puts what is held to a free place; sometimes another object comes instead."""
        with self._lock:
            if self.held is None:
                return
            free = [place for place in PLACES if place not in self._blocks]
            absent = [kind for kind in range(KINDS) if kind not in self._blocks.values()]
            kind = self.held if self._rng.random() < 0.7 else int(self._rng.choice(absent))
            self._blocks[free[self._rng.integers(len(free))]] = kind
            self.held = None

    def _run(self) -> None:
        began_s, sent = time.monotonic(), 0
        while not self._ended.is_set():
            due_s = began_s + sent / RATE_HZ
            if (wait_s := due_s - time.monotonic()) > 0:
                time.sleep(wait_s)
            elif wait_s < -1.0:
                began_s -= wait_s  # no hurry after the computer slept
            sent += 1
            now_s = time.time() + self.ahead_s
            clock = Clock()
            clock.clock.sec, clock.clock.nanosec = int(now_s), int(now_s % 1 * 1e9)
            self._time_output.publish(clock)
            if not self.silent:
                self._publish(clock.clock)
                self.frames += 1

    def _publish(self, stamp: object) -> None:
        for topic, message in self._messages().items():
            message.header.stamp, message.header.frame_id = stamp, "scene_camera"
            self._outputs[topic].publish(message)

    def _messages(self) -> dict[str, object]:
        rgb, depth, held = self._pictures_now()
        scale, spoilt = self.scale, self.spoilt
        size = (round(WIDTH_PX * scale), round(HEIGHT_PX * scale))
        if scale != 1.0:
            rgb, depth = (cv2.resize(image, size, interpolation=cv2.INTER_NEAREST) for image in (rgb, depth))
            held = cv2.resize(held, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
        k = [FOCAL_PX * scale, 0.0, size[0] / 2, 0.0, FOCAL_PX * scale, size[1] / 2, 0.0, 0.0, 1.0]
        if spoilt == "black":
            rgb, held, depth = np.zeros_like(rgb), np.zeros_like(held), np.zeros_like(depth)
        elif spoilt == "nan":
            depth, k = np.full_like(depth, np.nan), [float("nan")] * 9
        elif spoilt == "huge":
            depth, k = np.full_like(depth, np.inf), [1e308] * 9
        fingers = float("nan") if spoilt == "nan" else 0.015
        return {
            "scene/camera_info": CameraInfo(width=size[0], height=size[1], k=k),
            "scene/depth": array_to_image(depth, "32FC1"),
            "scene/image": array_to_image(rgb, "rgb8"),
            "held/image": array_to_image(held, "rgb8"),
            "joint_states": JointState(
                name=["panda_finger_joint1", "panda_finger_joint2"], position=[fingers, fingers]
            ),
        }

    def _pictures_now(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rgb = np.full((HEIGHT_PX, WIDTH_PX, 3), 120, np.uint8)
        depth = np.full((HEIGHT_PX, WIDTH_PX), HEIGHT_M, np.float32)
        with self._lock:
            blocks, held_kind = dict(self._blocks), self.held
        for (row, column), kind in blocks.items():
            rgb[row : row + BLOCK_PX, column : column + BLOCK_PX] = self._block(kind, 6)
            depth[row : row + BLOCK_PX, column : column + BLOCK_PX] = HEIGHT_M - BLOCK_M
        held = np.full((64, 64, 3), 200, np.uint8)
        if held_kind is not None:
            held[16:48, 16:48] = self._block(held_kind, 8)
        return rgb, depth, held

    def _block(self, kind: int, times: int) -> np.ndarray:
        return self._pictures[kind].repeat(times, 0).repeat(times, 1)

    # The robot.

    def _grasp(self, handle: object) -> ExecuteGrasp.Result:
        at = handle.request.grasp_pose.pose.position
        pixels_per_m = FOCAL_PX / (HEIGHT_M - BLOCK_M)
        column, row = WIDTH_PX / 2 - at.y * pixels_per_m, HEIGHT_PX / 2 - (at.x - 0.5) * pixels_per_m
        with self._lock:
            near = [
                (r, c)
                for r, c in self._blocks
                if max(abs(r + BLOCK_PX / 2 - row), abs(c + BLOCK_PX / 2 - column)) < BLOCK_PX * 0.6
            ]
            if near and self.held is None:
                self.held = self._blocks.pop(near[0])
            lifted = bool(near)
        handle.succeed()
        outcome = ExecuteGrasp.Result.OK if lifted else ExecuteGrasp.Result.EMPTY
        return ExecuteGrasp.Result(outcome=outcome, gripper_opening=0.03 if lifted else 0.0)

    def _present(self, handle: object) -> PresentObject.Result:
        handle.succeed()
        return PresentObject.Result(success=True, holding=self.held is not None)

    def _release(self, handle: object) -> ReleaseObject.Result:
        self.put_back()
        handle.succeed()
        return ReleaseObject.Result(success=True)
