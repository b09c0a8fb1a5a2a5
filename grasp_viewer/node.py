"""The viewer node: what the robot sees and thinks, live in a browser.

In: scene/image, scene/depth, scene/camera_info, held/image, overview/image, perception/overlay,
perception/goal_image, perception/goal, perception/markers, perception/reward, capture/experience, trainer/status,
semgrasp/markers, semgrasp/object_points, semgrasp/hand_grasps, retarget/markers, and TF where tf2_msgs is installed. Out: a page on this machine, and a file
when one is named.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from geometry_msgs.msg import Transform, TransformStamped, Vector3
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.qos import DurabilityPolicy, QoSProfile
from semantic_grasping.msg import Goal, GraspExperience, GraspReward, HandGraspArray, TrainingStatus
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from grasp2vec_ros.core.grasp_anything import deproject
from grasp_node_kit.extrinsics import Extrinsics, ExtrinsicsConfig, from_pose, to_pose
from grasp_node_kit.images import image_to_depth_m, image_to_rgb
from grasp_node_kit.intrinsics import intrinsics_of
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import KitNode, in_background, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import LATCHED, RESULT, SENSOR
from grasp_node_kit.transport import ColourTransportConfig, DepthTransportConfig, feed_image
from grasp_viewer import places
from grasp_viewer.config import ViewerConfig
from grasp_viewer.server import Server
from grasp_viewer.view import View
from semgrasp_ros.nodes.messages import cloud_to_arrays

try:  # comes with a ROS installation, not with PyPI
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None

# As tf2's own listener.
TF = QoSProfile(depth=100)
TF_STATIC = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# Colour and depth of one moment; further apart, points would get the colours of others.
SAME_MOMENT_S = 0.1
FILLING = 0.6
POINT_M = 0.0015
OBJECT_COLOUR = (0, 114, 178)


class ViewerNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("viewer", **options)
        self.config = declare(self, ViewerConfig())
        self.extrinsics_config = declare(self, ExtrinsicsConfig(), "extrinsics.")
        self._colour_transport = declare(self, ColourTransportConfig())
        self._depth_transport = declare(self, DepthTransportConfig())
        self._scene: NewestSlot[Image] = NewestSlot("scene/image")
        self._depth: NewestSlot[Image] = NewestSlot("scene/depth")
        self._info: NewestSlot[CameraInfo] = NewestSlot("scene/camera_info")
        self._held: NewestSlot[Image] = NewestSlot("held/image")
        self._overview: NewestSlot[Image] = NewestSlot("overview/image")
        self._overlay: NewestSlot[Image] = NewestSlot("perception/overlay")
        self._object: NewestSlot[PointCloud2] = NewestSlot("semgrasp/object_points")
        self._server: Server | None = None
        self._view: View | None = None
        self._recording: Path | None = None
        self._camera_frame = ""
        self._showing = threading.RLock()
        self._extrinsics: Extrinsics | None = None
        self._stop = threading.Event()

    def set_up(self) -> None:
        """Subscribes."""
        if any(self.extrinsics_config.rotation_xyzw):
            self._extrinsics = Extrinsics(self, self.extrinsics_config)
        group = ReentrantCallbackGroup()
        colour, depth = self._colour_transport.image_transport, self._depth_transport.depth_transport
        feed_image(self, self._scene, colour, group)
        feed_image(self, self._held, colour, group)
        feed_image(self, self._depth, depth, group)
        self.feed(self._info, CameraInfo, SENSOR, group)
        self.feed(self._overview, Image, SENSOR, group)
        self.feed(self._overlay, Image, SENSOR, group)
        self.feed(self._object, PointCloud2, SENSOR, group)
        self._hear(MarkerArray, "retarget/markers", lambda m: self._draw(places.ROBOT_GRASP, m), LATCHED)
        self._hear(Image, "perception/goal_image", self._show_goal_image, LATCHED)
        self._hear(Goal, "perception/goal", self._show_goal, LATCHED)
        self._hear(MarkerArray, "perception/markers", lambda m: self._draw(places.PEAK, m), RESULT)
        self._hear(GraspReward, "perception/reward", self._show_reward, RESULT)
        self._hear(GraspExperience, "capture/experience", self._show_attempt, RESULT)
        self._hear(TrainingStatus, "trainer/status", self._show_learning, LATCHED)
        self._hear(MarkerArray, "semgrasp/markers", lambda m: self._draw(places.HAND, m), LATCHED)
        self._hear(HandGraspArray, "semgrasp/hand_grasps", self._show_hands, RESULT)
        if TFMessage is not None:
            self._hear(TFMessage, "/tf", lambda m: self._show_transforms(m.transforms, False), TF)
            self._hear(
                TFMessage, "/tf_static", lambda m: self._show_transforms(m.transforms, True), TF_STATIC
            )

    def _open(self) -> None:
        config = self.config
        if not config.serve and not config.recording:
            raise ValueError("serve, recording: the view goes nowhere; serve it or name a file")
        self._camera_frame = ""
        self._recording = unused(Path(config.recording).expanduser()) if config.recording else None
        if config.serve:
            self._server = Server(config.web_port, config.data_port, config.memory_mb)
        try:
            self._view = View(
                self.extrinsics_config.base_frame,
                self._server.data_url if self._server else "",
                self._recording,
            )
        except Exception:
            self._close()
            raise

    def activate(self) -> None:
        """Starts the server, opens the file, begins to show, and says where."""
        self._open()
        if self._server:
            self.get_logger().info(f"open {self._server.page_url}")
        self._stop.clear()
        self._worker = in_background(self._watch, "viewer")

    def deactivate(self) -> None:
        """Closes the file and ends the server."""
        self._stop.set()
        self._worker.join(5.0)
        self._close()

    def tear_down(self) -> None:
        """Forgets the camera's pose."""
        self._extrinsics = None

    def _close(self) -> None:
        with self._showing:
            if self._view:
                self._view.close()
            if self._server:
                self._server.close()
            self._view = self._server = None

    def slots(self) -> list[NewestSlot]:
        """What is shown at a rate of its own, whatever rate it comes at."""
        return [
            self._scene,
            self._depth,
            self._info,
            self._held,
            self._overview,
            self._overlay,
            self._object,
        ]

    def needs(self) -> list[NewestSlot]:
        """The scene; a cell without the rest is still worth looking at."""
        return [self._scene]

    def report(self) -> dict[str, object]:
        """Where the view is."""
        alive = self._server is not None and self._server.running
        return {"page": self._server.page_url if alive else "", "recording": str(self._recording or "")}

    def _hear(self, kind: type, topic: str, show: Callable[[Any], None], quality: QoSProfile) -> None:
        def guarded(message: Any) -> None:
            # Not while it is opened or closed.
            with self._showing:
                if self._view is not None:
                    self._guard(topic, lambda: show(message))

        self.create_subscription(
            kind, topic, guarded, quality, callback_group=MutuallyExclusiveCallbackGroup()
        )

    def _guard(self, topic: str, work: Callable[[], None]) -> None:
        """A message that cannot be shown costs that message only."""
        try:
            work()
        except ValueError as error:
            self.get_logger().warning(f"{topic} is not shown: {error}", throttle_duration_sec=5.0)

    # Streams, by the worker.

    def _watch(self) -> None:
        done: dict[str, object] = {}
        next_cloud_s = 0.0
        while not self._stop.wait(1.0 / self.config.rate_hz):
            for slot, place in (
                (self._scene, places.SCENE),
                (self._overlay, places.OVERLAY),
                (self._held, places.HELD),
                (self._overview, places.OVERVIEW),
            ):
                self._once(done, slot, lambda message, place=place: self._show_image(place, message))
            if time.monotonic() >= next_cloud_s:
                next_cloud_s = time.monotonic() + 1.0 / self.config.cloud_rate_hz
                self._once(done, self._depth, self._show_cloud)
                self._once(done, self._object, self._show_object)

    def _once(self, done: dict[str, object], slot: NewestSlot, show: Callable[[Any], None]) -> None:
        message = slot.newest
        if message is not None and done.get(slot.topic) is not message:
            done[slot.topic] = message
            self._guard(slot.topic, lambda: show(message))

    def _show_image(self, place: str, message: Image) -> None:
        self._view.image(place, image_to_rgb(message), self.config.jpeg_quality)

    def _show_cloud(self, message: Image) -> None:
        camera, colour = self._info.newest, self._scene.newest
        if camera is None:
            return
        depth = image_to_depth_m(message, "scene/depth")
        intrinsics = intrinsics_of(camera, depth.shape, "scene/camera_info")
        step = self.config.cloud_stride_px
        points = deproject(depth, intrinsics, np.eye(4))[::step, ::step].reshape(-1, 3)
        there = np.isfinite(points).all(axis=1)
        colours = self._colours(message, colour, depth.shape)[::step, ::step].reshape(-1, 3)
        self._place_camera(message.header.frame_id)
        # As large as the pixels that a point stands for, so that surfaces close.
        radii_m = points[there, 2] * step * FILLING / intrinsics[0, 0]
        self._view.cloud(places.CLOUD, message.header.frame_id, points[there], colours[there], radii_m)

    @staticmethod
    def _colours(depth: Image, colour: Image | None, shape: tuple[int, int]) -> np.ndarray:
        """(H, W, 3) uint8; grey where colour and depth are not of one moment and size."""
        grey = np.full((*shape, 3), 160, np.uint8)
        if (
            colour is None
            or abs(stamp_ns(colour.header.stamp) - stamp_ns(depth.header.stamp)) > SAME_MOMENT_S * 1e9
        ):
            return grey
        rgb = image_to_rgb(colour, "scene/image")
        return rgb if rgb.shape[:2] == shape else grey

    def _place_camera(self, frame: str) -> None:
        """Parameters that say where the camera is are a transform too; without them it comes from TF."""
        if self._extrinsics is None or frame == self._camera_frame:
            return
        self._camera_frame = frame
        pose = to_pose(self._extrinsics.base_from_camera(frame))
        at = Vector3(x=pose.position.x, y=pose.position.y, z=pose.position.z)
        transform = TransformStamped(
            child_frame_id=frame, transform=Transform(translation=at, rotation=pose.orientation)
        )
        transform.header.frame_id = self.extrinsics_config.base_frame
        self._view.transform(transform, static=True)

    def _show_object(self, message: PointCloud2) -> None:
        points = cloud_to_arrays(message, "semgrasp/object_points").points.reshape(-1, 3)
        points = points[np.isfinite(points).all(axis=1)]
        colours = np.array([OBJECT_COLOUR], np.uint8)
        self._view.cloud(places.OBJECT, message.header.frame_id, points, colours, POINT_M)

    # Events.

    def _draw(self, place: str, message: MarkerArray) -> None:
        if wrong := self._view.markers(place, message):
            raise ValueError("; ".join(wrong[:3]))

    def _show_transforms(self, transforms: list[TransformStamped], static: bool) -> None:
        for transform in transforms:
            self._view.transform(transform, static)

    def _show_goal_image(self, message: Image) -> None:
        self._view.image(places.GOAL, image_to_rgb(message, "perception/goal_image"), 90)

    def _show_goal(self, message: Goal) -> None:
        name = message.label or message.goal_id
        self._view.say(f"goal: {name}, from {message.images} image(s), model {message.model_version}")

    def _show_reward(self, message: GraspReward) -> None:
        self._view.number(f"{places.REWARDS}/reward", message.reward)
        self._view.number(f"{places.REWARDS}/cosine", message.cosine)
        held = "lifted" if message.lifted else "nothing lifted"
        self._view.say(f"reward {message.reward:.3f} for {message.goal_id}: {held}", message.lifted)

    def _show_attempt(self, message: GraspExperience) -> None:
        result = "lifted" if message.success else "empty"
        self._view.say(f"{result}: attempt {message.attempt} of {message.episode}", message.success)
        frame = message.grasp_pose.header.frame_id
        if frame:
            self._view.grasp(frame, from_pose(message.grasp_pose, "grasp_pose"), f"grasp: {result}")

    def _show_learning(self, message: TrainingStatus) -> None:
        self._view.number(f"{places.LEARNING}/loss", message.loss)
        self._view.number(f"{places.LEARNING}/retrieval", message.heldout_retrieval)

    def _show_hands(self, message: HandGraspArray) -> None:
        asked = f"“{message.instruction}”: " if message.instruction else ""
        self._view.say(f"{asked}{message.message}", message.success)


def unused(file: Path) -> Path:
    """That file, or with a number when it is there already: a recording is never written over."""
    number = 0
    found = file
    while found.exists():
        number += 1
        found = file.with_stem(f"{file.stem}-{number}")
    return found


def main() -> None:
    """Runs the node."""
    run(ViewerNode)


if __name__ == "__main__":
    main()
