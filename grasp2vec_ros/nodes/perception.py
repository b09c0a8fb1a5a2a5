"""The perception node: where the goal is, and how good an outcome was.

In: scene/image, scene/depth, scene/camera_info, capture/experience. Out: ~/goal, ~/goal_image and ~/model (latched),
~/heatmap, ~/heatmap_info, ~/overlay, ~/markers, ~/target_point, ~/reward. Services: ~/set_goal, ~/clear_goals,
~/score_outcome, ~/embed, ~/load_checkpoint. Newer checkpoints are taken over as they appear; goals are then embedded again.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from semantic_grasping.msg import Goal, GoalHeatmap, GraspExperience, GraspReward
from semantic_grasping.srv import Embed, LoadCheckpoint, ScoreOutcome, SetGoal
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from grasp2vec_ros.core.checkpoint import CheckpointError
from grasp2vec_ros.core.evaluation import peak
from grasp2vec_ros.core.goal_picture import draw_goal
from grasp2vec_ros.core.goals import MOST_IMAGES, GoalBook, GoalEntry, GoalView, UnknownGoalError
from grasp2vec_ros.core.grasp_anything import deproject
from grasp2vec_ros.core.inference import Perceiver, PerceiverConfig, initial_checkpoint
from grasp2vec_ros.core.options import option
from grasp2vec_ros.core.overlay import draw_overlay
from grasp2vec_ros.core.store import ExperienceStore, StoreError
from grasp2vec_ros.nodes.markers import peak_markers
from grasp2vec_ros.nodes.messages import goal_message
from grasp_node_kit.extrinsics import Extrinsics, ExtrinsicsConfig, ExtrinsicsError
from grasp_node_kit.images import array_to_image, image_to_depth_m, image_to_rgb
from grasp_node_kit.intrinsics import intrinsics_of
from grasp_node_kit.limits import LONGEST_TEXT, check_count, check_text, check_texts
from grasp_node_kit.monitors import Stopwatch, SyncMeter
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import KitNode, in_background, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import LATCHED, RESULT, SENSOR
from grasp_node_kit.transport import ColourTransportConfig, DepthTransportConfig, feed_image

MOST_HELD_VIEWS = 16
# A second of a camera: so long a heatmap may take, and still find the depth of its image.
DEPTHS_KEPT = 30


@dataclass
class PerceptionConfig:
    """Where models and experience come from."""

    checkpoints: str = option(
        "out/checkpoints", "folder that is watched for newer checkpoints", read_only=True
    )
    initial_checkpoint: str = option(
        "shipped",
        "what is used as long as that folder has none: 'shipped', 'none' for random weights, or a file",
        read_only=True,
    )
    store: str = option(
        "out/store", "folder of the experience store, for goals by experience id", read_only=True
    )
    reload_every_s: float = option(
        1.0, "how often to look for newer checkpoints", minimum=0.1, maximum=3600.0, read_only=True
    )
    depth_tolerance_s: float = option(
        0.1,
        "stamps of colour and depth may differ so much, where their drivers are separate",
        minimum=0.0,
        maximum=10.0,
    )
    depth_radius_px: int = option(
        4, "the 3-D point is the median of the depth this far around the peak", minimum=0, maximum=100
    )


class PerceptionNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("perception", **options)
        self.config = declare(self, PerceptionConfig())
        self.model = declare(self, PerceiverConfig())
        self.extrinsics_config = declare(self, ExtrinsicsConfig(), "extrinsics.")
        self._colour_transport = declare(self, ColourTransportConfig())
        self._depth_transport = declare(self, DepthTransportConfig())
        self._scene: NewestSlot[Image] = NewestSlot("scene/image")
        self._depth: NewestSlot[Image] = NewestSlot("scene/depth", keep=DEPTHS_KEPT)
        self._info: NewestSlot[CameraInfo] = NewestSlot("scene/camera_info")
        self._goals = GoalBook()
        self._current: str = ""
        self._perceiver: Perceiver | None = None
        self._stop = threading.Event()
        group = ReentrantCallbackGroup()
        refusals = (ValueError, UnknownGoalError, StoreError, CheckpointError)
        self.offer(SetGoal, "~/set_goal", self._set_goal, group, refusals)
        self.offer(Trigger, "~/clear_goals", self._clear_goals, group, refusals)
        self.offer(ScoreOutcome, "~/score_outcome", self._score, group, refusals)
        self.offer(Embed, "~/embed", self._embed, group, refusals)
        self.offer(LoadCheckpoint, "~/load_checkpoint", self._load, group, refusals)
        self._stopwatch = Stopwatch("heatmap")
        self._sync = SyncMeter(
            (self._scene.topic, self._depth.topic),
            lambda: self.config.depth_tolerance_s,
            "synchronise the camera's streams, or allow more with depth_tolerance_s",
        )

    def set_up(self) -> None:
        """Loads the newest checkpoint, or the initial one, and subscribes."""
        self._perceiver = Perceiver(self.model)
        initial = initial_checkpoint(self.config.initial_checkpoint)
        if not self._perceiver.reload_if_newer(self.config.checkpoints) and initial is not None:
            self._perceiver.load(initial)
        self._extrinsics = Extrinsics(self, self.extrinsics_config)
        self.monitors = [self._stopwatch, self._sync, self._extrinsics]
        group = ReentrantCallbackGroup()
        self._goal_publisher = self.create_publisher(Goal, "~/goal", LATCHED)
        self._goal_image_publisher = self.create_publisher(Image, "~/goal_image", LATCHED)
        self._model_publisher = self.create_publisher(String, "~/model", LATCHED)
        self._heatmap_publisher = self.create_publisher(Image, "~/heatmap", RESULT)
        self._info_publisher = self.create_publisher(GoalHeatmap, "~/heatmap_info", RESULT)
        self._overlay_publisher = self.create_publisher(Image, "~/overlay", RESULT)
        self._marker_publisher = self.create_publisher(MarkerArray, "~/markers", RESULT)
        self._point_publisher = self.create_publisher(PointStamped, "~/target_point", RESULT)
        self._reward_publisher = self.create_publisher(GraspReward, "~/reward", RESULT)
        feed_image(self, self._scene, self._colour_transport.image_transport, group)
        feed_image(self, self._depth, self._depth_transport.depth_transport, group)
        self.feed(self._info, CameraInfo, SENSOR, group)
        self.create_subscription(
            GraspExperience,
            "capture/experience",
            self._reward_experience,
            RESULT,
            callback_group=MutuallyExclusiveCallbackGroup(),
        )
        self.create_timer(
            self.config.reload_every_s,
            self._reload,
            callback_group=MutuallyExclusiveCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def activate(self) -> None:
        """Says which model and goal are in use, and begins to look."""
        self._announce_model()
        self._publish_current_goal()
        self._stop.clear()
        self._worker = in_background(self._look, "heatmap")

    def deactivate(self) -> None:
        """Stops looking."""
        self._stop.set()
        self._worker.join(5.0)

    def tear_down(self) -> None:
        """Lets the model go; goals keep their images."""
        self._perceiver = None

    def slots(self) -> list[NewestSlot]:
        """The scene camera."""
        return [self._scene, self._depth, self._info]

    def report(self) -> dict[str, object]:
        """Model and goals."""
        return {
            "model": self._perceiver.version if self._perceiver else "",
            "goals": len(self._goals),
            "current goal": self._current,
        }

    def waiting_for(self) -> str:
        """A goal."""
        return "" if self._current else "no goal is set; call ~/set_goal to get heatmaps"

    # Models.

    def _reload(self) -> None:
        if self.active and self._perceiver.reload_if_newer(self.config.checkpoints):
            self._announce_model()

    def _load(self, request: LoadCheckpoint.Request, response: LoadCheckpoint.Response) -> None:
        check_texts(request, "path")
        response.version = self._perceiver.load(request.path or self.config.checkpoints)
        self._announce_model()

    def _announce_model(self) -> None:
        """Says which model is in use and embeds the goals again."""
        self.get_logger().info(f"model {self._perceiver.version}")
        self._model_publisher.publish(String(data=self._perceiver.version))
        if self._current in self._goals.reembed(self._perceiver):
            self._publish_current_goal()

    def _publish_current_goal(self) -> None:
        if self._current:
            self._publish_goal(self._goals.get(self._current))

    # Goals.

    def _set_goal(self, request: SetGoal.Request, response: SetGoal.Response) -> None:
        check_texts(request, "goal_id", "label")
        for name in ("images", "experience_ids", "goal_ids"):
            check_count(len(getattr(request, name)), MOST_IMAGES, name)
        for text in (*request.experience_ids, *request.goal_ids):
            check_text(text, "experience_ids, goal_ids")
        by_source = {
            Goal.SOURCE_IMAGE: self._views_of_images(request),
            Goal.SOURCE_SCENE_CROP: self._views_of_crop(request),
            Goal.SOURCE_EXPERIENCE: self._views_of_experience(request),
            Goal.SOURCE_AVERAGE: [
                view for goal_id in request.goal_ids for view in self._goals.get(goal_id).views
            ],
        }
        used = [source for source, views in by_source.items() if views]
        if not used:
            raise ValueError("images: no image, crop, experience id or goal id is given; give at least one")
        views = [view for source in used for view in by_source[source]]
        source = used[0] if len(used) == 1 else Goal.SOURCE_MIXED
        entry = self._goals.set(self._perceiver, views, request.goal_id, request.label, source)
        self._current = entry.goal_id
        response.goal = self._publish_goal(entry)

    def _views_of_images(self, request: SetGoal.Request) -> list[GoalView]:
        return [GoalView(image_to_rgb(image, f"images[{i}]")) for i, image in enumerate(request.images)]

    def _views_of_crop(self, request: SetGoal.Request) -> list[GoalView]:
        crop = request.crop
        if crop.width == 0 and crop.height == 0:
            return []
        message = request.scene if request.scene.width else self._scene.newest
        if message is None:
            raise ValueError("scene: is empty and no scene image has been received yet")
        scene = image_to_rgb(message, "scene")
        height, width = scene.shape[:2]
        if (
            crop.width < 4
            or crop.height < 4
            or crop.x_offset + crop.width > width
            or crop.y_offset + crop.height > height
        ):
            raise ValueError(
                f"crop: {crop.width}x{crop.height} at ({crop.x_offset}, {crop.y_offset}) is not at least 4x4 px within the scene of {width}x{height}"
            )
        return [GoalView(scene, (crop.x_offset, crop.y_offset, crop.width, crop.height))]

    def _views_of_experience(self, request: SetGoal.Request) -> list[GoalView]:
        if not request.experience_ids:
            return []
        views = []
        with ExperienceStore(self.config.store, read_only=True) as store:
            for experience_id in request.experience_ids:
                held = store.get(experience_id).held
                if not held:
                    raise ValueError(
                        f"experience_ids: attempt {experience_id} lifted nothing; it has no image of an object"
                    )
                views += [GoalView(view) for view in held]
        return views

    def _clear_goals(self, request: Trigger.Request, response: Trigger.Response) -> None:
        response.message = f"{len(self._goals)} goal(s) forgotten"
        self._goals.clear()
        self._current = ""

    def _publish_goal(self, entry: GoalEntry) -> Goal:
        message = goal_message(entry, self.get_clock().now().to_msg())
        self._goal_publisher.publish(message)
        picture = array_to_image(draw_goal(entry.views), "rgb8")
        picture.header = message.header
        self._goal_image_publisher.publish(picture)
        return message

    # Heatmaps.

    def _look(self) -> None:
        """Looks for the current goal in the newest scene, again for each new scene, goal or model."""
        done: tuple = ()
        while not self._stop.is_set():
            seen, message = self._scene.received, self._scene.newest
            now = (id(message), self._current, self._perceiver.version)
            if message is None or not self._current or now == done:
                # A new image is worked on at once; the rest is looked for a hundred times a second.
                self._scene.wait_for_next(seen, 0.01)
                continue
            done = now
            try:
                with self._stopwatch.measure():
                    self._publish_heatmap(message, self._goals.get(self._current))
            except (ValueError, UnknownGoalError) as error:
                self.get_logger().error(str(error), throttle_duration_sec=5.0)

    def _publish_heatmap(self, message: Image, goal: GoalEntry) -> None:
        scene = image_to_rgb(message, "scene/image")
        heat = self._perceiver.heatmap(scene, goal.embedding)
        u, v = peak(heat)
        image = array_to_image(heat, "32FC1")
        image.header = message.header
        info = GoalHeatmap(
            goal_id=goal.goal_id,
            peak_u=u,
            peak_v=v,
            peak_score=float(heat[v, u]),
            model_version=goal.model_version,
        )
        info.header = message.header
        info.point_valid = self._locate(info, scene.shape)
        self._heatmap_publisher.publish(image)
        self._info_publisher.publish(info)
        if info.point_valid:
            self._point_publisher.publish(info.point)
        self._marker_publisher.publish(peak_markers(info, goal.label))
        if self._overlay_publisher.get_subscription_count():
            overlay = array_to_image(draw_overlay(scene, heat, (u, v)), "rgb8")
            overlay.header = message.header
            self._overlay_publisher.publish(overlay)

    def _locate(self, info: GoalHeatmap, shape: tuple[int, ...]) -> bool:
        """Fills in the peak's 3-D point; False when depth or camera information is missing."""
        depth_message, camera = self._depth.nearest(stamp_ns(info.header.stamp)), self._info.newest
        if depth_message is None or camera is None:
            return False
        if not self._sync.note((stamp_ns(depth_message.header.stamp) - stamp_ns(info.header.stamp)) / 1e9):
            return False
        depth = image_to_depth_m(depth_message, "scene/depth")
        if depth.shape != shape[:2]:
            raise ValueError(
                f"scene/depth: {depth.shape[1]}x{depth.shape[0]} px, the image has {shape[1]}x{shape[0]}; register the depth to it"
            )
        r = self.config.depth_radius_px
        window = np.full_like(depth, np.nan)
        rows, columns = (
            slice(max(0, info.peak_v - r), info.peak_v + r + 1),
            slice(max(0, info.peak_u - r), info.peak_u + r + 1),
        )
        window[rows, columns] = depth[rows, columns]
        if not np.isfinite(window).any():
            return False
        intrinsics = intrinsics_of(camera, depth.shape, "scene/camera_info")
        try:
            base_from_camera, frame = (
                self._extrinsics.base_from_camera(info.header.frame_id),
                self.extrinsics_config.base_frame,
            )
        except ExtrinsicsError as error:
            self.get_logger().warning(
                f"{error}; points are in the camera's frame", throttle_duration_sec=30.0
            )
            base_from_camera, frame = np.eye(4), info.header.frame_id
        middle = np.full_like(depth, np.nan)
        middle[info.peak_v, info.peak_u] = np.nanmedian(window)
        x, y, z = deproject(middle, intrinsics, base_from_camera)[info.peak_v, info.peak_u]
        info.point.header.stamp, info.point.header.frame_id = info.header.stamp, frame
        info.point.point.x, info.point.point.y, info.point.point.z = float(x), float(y), float(z)
        return True

    # Rewards.

    def _reward_experience(self, message: GraspExperience) -> None:
        goal_id = message.commanded_goal or self._current
        if not goal_id or not self.active:
            return
        try:
            check_texts(message, "robot_id", "experience_id", "episode", "commanded_goal")
            check_count(len(message.held), MOST_HELD_VIEWS, "held")
            goal = self._goals.get(goal_id)
            held = [image_to_rgb(view, f"held[{i}]") for i, view in enumerate(message.held)]
        except (UnknownGoalError, ValueError) as error:
            self.get_logger().warning(f"no reward for {message.experience_id[:LONGEST_TEXT]}: {error}")
            return
        reward = self._reward(goal, held if message.success else [])
        reward.header = message.held[0].header if message.held else message.header
        reward.robot_id, reward.experience_id = message.robot_id, message.experience_id
        reward.episode, reward.step, reward.image_stamp = (
            message.episode,
            message.attempt,
            reward.header.stamp,
        )
        self._reward_publisher.publish(reward)

    def _score(self, request: ScoreOutcome.Request, response: ScoreOutcome.Response) -> None:
        check_texts(request, "goal_id", "episode")
        if not request.goal_id and not self._current:
            raise ValueError("goal_id: is empty and no goal is set")
        goal = self._goals.get(request.goal_id or self._current)
        response.reward = self._reward(goal, [image_to_rgb(request.image)])
        response.reward.header = request.image.header
        response.reward.episode, response.reward.step = request.episode, request.step
        response.reward.image_stamp = request.image.header.stamp

    def _reward(self, goal: GoalEntry, held: list[np.ndarray]) -> GraspReward:
        version = self._perceiver.version
        if goal.model_version != version:
            # A checkpoint arrived a moment ago: goal and outcome must be of one model.
            self._goals.reembed(self._perceiver)
            goal = self._goals.get(goal.goal_id)
        message = GraspReward(
            goal_id=goal.goal_id,
            lifted=bool(held),
            held_model_version=version,
            goal_model_version=goal.model_version,
        )
        if held:
            vectors = self._perceiver.embed_held(held)
            units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
            message.reward, message.cosine = self._perceiver.reward(goal.embedding, units.mean(axis=0))
        else:
            message.reward, message.cosine = 0.0, math.nan
        return message

    def _embed(self, request: Embed.Request, response: Embed.Response) -> None:
        if request.kind not in (Embed.Request.HELD, Embed.Request.SCENE):
            raise ValueError(
                f"kind: {request.kind} is unknown; use {Embed.Request.HELD} (held) or {Embed.Request.SCENE} (scene)"
            )
        image = image_to_rgb(request.image)
        scene = request.kind == Embed.Request.SCENE
        vector = self._perceiver.embed_scene(image) if scene else self._perceiver.embed_held([image])[0]
        response.embedding, response.model_version = vector.tolist(), self._perceiver.version


def main() -> None:
    """Runs the node."""
    run(PerceptionNode)


if __name__ == "__main__":
    main()
