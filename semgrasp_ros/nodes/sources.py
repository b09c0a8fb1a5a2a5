"""Where the object's cloud comes from: a request, a topic, or depth with a mask or with the heatmap's peak."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from semantic_grasping.msg import GoalHeatmap
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from grasp2vec_ros.core.options import option
from grasp_node_kit.extrinsics import Extrinsics, ExtrinsicsConfig, ExtrinsicsError
from grasp_node_kit.images import image_to_depth_m
from grasp_node_kit.intrinsics import intrinsics_of
from grasp_node_kit.monitors import Monitor, SyncMeter
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import KitNode
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import RESULT, SENSOR
from grasp_node_kit.transport import DepthTransportConfig, feed_image
from semgrasp_ros.core.cloud.depth import DepthConfig, camera_points, grown_object, masked_object
from semgrasp_ros.core.cloud.object_cloud import (
    CloudConfig,
    CloudError,
    ObjectCloud,
    check_cloud,
    clean_cloud,
    drop_invalid,
    normals_toward,
)
from semgrasp_ros.nodes.messages import cloud_to_arrays, image_to_mask

SOURCES = ("points", "mask", "heatmap")
# A second of a camera: so long a mask or a heatmap may take, and still find the depth of its image.
DEPTHS_KEPT = 30


@dataclass
class SourcesConfig:
    """Which input is used, and how old it may be."""

    source: str = option(
        "auto",
        "where the object is from when the request brings no cloud or mask; auto: the first that is there",
        choices=("auto", *SOURCES),
    )
    max_age_s: float = option(
        5.0, "an input that arrived longer ago is not used; 0: any age", minimum=0.0, maximum=86400.0
    )
    depth_tolerance_s: float = option(
        0.5, "stamps of depth and mask or heatmap may differ so much", minimum=0.0, maximum=60.0
    )


class NoCloudError(ValueError):
    """Nothing to grasp has been received; the text names the topics that are waited for."""


@dataclass(frozen=True)
class Found:
    """An object: its cloud, where it came from, and the stamp and frame of that."""

    cloud: ObjectCloud
    source: str
    header: Header


class Sources:
    """Subscribes to all inputs of a node and makes clouds of what is newest."""

    def __init__(self, node: KitNode) -> None:
        self._node = node
        self.config = declare(node, SourcesConfig())
        self._clean = declare(node, CloudConfig(), "cloud.")
        self._cut = declare(node, DepthConfig(), "depth.")
        self._extrinsics_config = declare(node, ExtrinsicsConfig(), "extrinsics.")
        self._extrinsics = Extrinsics(node, self._extrinsics_config)
        transport = declare(node, DepthTransportConfig())
        self._points: NewestSlot[PointCloud2] = NewestSlot("object/points")
        self._mask: NewestSlot[Image] = NewestSlot("object/mask")
        self._peak: NewestSlot[GoalHeatmap] = NewestSlot("perception/heatmap_info")
        self._depth: NewestSlot[Image] = NewestSlot("scene/depth", keep=DEPTHS_KEPT)
        self._info: NewestSlot[CameraInfo] = NewestSlot("scene/camera_info")
        self._needs = {
            "points": (self._points,),
            "mask": (self._mask, self._depth, self._info),
            "heatmap": (self._peak, self._depth, self._info),
        }
        group = ReentrantCallbackGroup()
        for kind, slot, qos in (
            (PointCloud2, self._points, SENSOR),
            (Image, self._mask, SENSOR),
            (GoalHeatmap, self._peak, RESULT),
            (CameraInfo, self._info, SENSOR),
        ):
            node.feed(slot, kind, qos, group)
        feed_image(node, self._depth, transport.depth_transport, group)
        self._sync = SyncMeter(
            ("mask or heatmap", self._depth.topic),
            lambda: self.config.depth_tolerance_s,
            "make the mask from the newest image, or allow more with depth_tolerance_s",
        )
        self.monitors: list[Monitor] = [self._sync, self._extrinsics]

    def slots(self) -> list[NewestSlot]:
        """The slots that are in use: something was received. Of the others no one need hear."""
        return [
            slot for slot in (self._points, self._mask, self._peak, self._depth, self._info) if slot.received
        ]

    def missing(self) -> str:
        """What is waited for, when no source is complete; else empty."""
        wanted = SOURCES if self.config.source == "auto" else (self.config.source,)
        if any(self._is_complete(source) for source in wanted):
            return ""
        ways = [" and ".join(self._explain(slot) for slot in self._absent(source)) for source in wanted]
        return f"no cloud yet: waiting for {'; or for '.join(ways)}; or send a cloud with the request"

    def find(self, cloud: PointCloud2 | None = None, mask: Image | None = None) -> Found:
        """The object's cloud: of the request's cloud or mask where given, else of the newest inputs.

        Raises:
            NoCloudError: nothing was received, or it is too old.
            ValueError: what was received or given is wrong; names the field.
        """
        if cloud is not None:
            found = self._from_cloud(cloud, "cloud", mask)
        elif mask is not None:
            found = self._from_mask(mask, "mask")
        else:
            found = self._from_topics()
        return replace(found, cloud=self._finish(found))

    def _from_topics(self) -> Found:
        wanted = SOURCES if self.config.source == "auto" else (self.config.source,)
        source = next((source for source in wanted if self._is_complete(source)), None)
        if source == "points":
            return self._from_cloud(self._points.newest, self._points.topic, None)
        if source == "mask":
            return self._from_mask(self._mask.newest, self._mask.topic)
        if source == "heatmap":
            return self._from_peak(self._peak.newest)
        raise NoCloudError(self.missing() or "no cloud yet: the inputs have just gone; ask again")

    def _from_cloud(self, message: PointCloud2, name: str, mask: Image | None) -> Found:
        read = cloud_to_arrays(message, name)
        points, normals = read.points, read.normals
        if mask is not None:
            chosen = image_to_mask(mask)
            if chosen.shape != points.shape[:2]:
                raise CloudError(
                    f"mask: {chosen.shape[1]}x{chosen.shape[0]} px, the cloud has {points.shape[1]}x{points.shape[0]}"
                    " points; give an organised cloud of the same size, or cut it yourself"
                )
            points, normals = points[chosen], None if normals is None else normals[chosen]
        valid = drop_invalid(points, normals)
        return Found(replace(valid, up=self._up(message.header.frame_id)), "points", message.header)

    def _from_mask(self, message: Image, name: str) -> Found:
        mask = image_to_mask(message, name)
        depth, points = self._scene(message.header if stamp_ns(message.header.stamp) else None, name)
        cut = masked_object(points, mask, self._cut, np.random.default_rng(0))
        return Found(self._with_up(cut, depth.header.frame_id), "mask", depth.header)

    def _from_peak(self, message: GoalHeatmap) -> Found:
        depth, points = self._scene(message.header, self._peak.topic)
        pixel = (message.peak_u, message.peak_v)
        cut = grown_object(points, pixel, self._cut, np.random.default_rng(0))
        return Found(self._with_up(cut, depth.header.frame_id), "heatmap", depth.header)

    def _scene(self, partner: Header | None, name: str) -> tuple[Image, np.ndarray]:
        """A depth image and its points (H, W, 3): the newest, or the one whose stamp is near that of `partner`."""
        absent = [slot for slot in (self._depth, self._info) if not self._is_fresh(slot)]
        if absent:
            waiting = " and ".join(self._explain(slot) for slot in absent)
            raise NoCloudError(f"no cloud yet: waiting for {waiting}")
        message, info = self._depth.newest, self._info.newest
        if partner is not None:
            message = self._depth.nearest(stamp_ns(partner.stamp)) or message
            apart_s = abs(stamp_ns(message.header.stamp) - stamp_ns(partner.stamp)) / 1e9
            if not self._sync.note(apart_s):
                raise CloudError(
                    f"{name}: its stamp is {apart_s:.2f} s from that of {self._depth.topic}, at most"
                    f" {self.config.depth_tolerance_s:g} s are allowed (depth_tolerance_s)"
                )
        depth = image_to_depth_m(message, self._depth.topic)
        return message, camera_points(depth, intrinsics_of(info, depth.shape, self._info.topic))

    def _finish(self, found: Found) -> ObjectCloud:
        """Checked, cleaned, and with normals where the camera's place is known."""
        check_cloud(found.cloud, self._clean, found.source)
        cloud = clean_cloud(found.cloud, self._clean, remove_outliers=found.source != "points")
        check_cloud(cloud, self._clean, f"{found.source}, cleaned")
        if cloud.normals is None and self._seen_from_origin(found):
            normals = normals_toward(cloud.points, np.zeros(3), self._clean.normal_neighbours)
            cloud = replace(cloud, normals=normals)
        return cloud

    def _seen_from_origin(self, found: Found) -> bool:
        """Whether the camera is at the frame's origin; else the sides of the surface are for the pipeline to find."""
        return found.source != "points" or found.header.frame_id in self._camera_frames()

    def _camera_frames(self) -> set[str]:
        newest = (self._depth.newest, self._info.newest)
        return {slot.header.frame_id for slot in newest if slot is not None and slot.header.frame_id}

    def _with_up(self, cloud: ObjectCloud, frame: str) -> ObjectCloud:
        """Where no plane says what is up, the extrinsics do."""
        return cloud if cloud.up is not None else replace(cloud, up=self._up(frame))

    def _up(self, frame: str) -> np.ndarray | None:
        """Against gravity in a frame, (3,): z of the arm's base, seen from there. None: not known.

        The extrinsics of the parameters are those of the scene camera; other frames are looked up in TF only.
        """
        from_parameters = any(self._extrinsics_config.rotation_xyzw)
        if frame in ("", self._extrinsics_config.base_frame):
            return None
        if from_parameters and frame not in self._camera_frames():
            return None
        try:
            return self._extrinsics.base_from_camera(frame)[2, :3]
        except ExtrinsicsError as error:
            self._node.get_logger().warning(
                f"{error}; z of {frame!r} is taken for up", throttle_duration_sec=60.0
            )
            return None

    def _is_fresh(self, slot: NewestSlot) -> bool:
        return slot.newest is not None and (self.config.max_age_s == 0 or slot.age_s <= self.config.max_age_s)

    def _is_complete(self, source: str) -> bool:
        return not self._absent(source)

    def _absent(self, source: str) -> list[NewestSlot]:
        return [slot for slot in self._needs[source] if not self._is_fresh(slot)]

    def _explain(self, slot: NewestSlot) -> str:
        topic = self._node.resolve_topic_name(slot.topic)
        if slot.newest is not None:
            return f"{topic} (the newest is {slot.age_s:.1f} s old, max_age_s is {self.config.max_age_s:g})"
        publishers = self._node.count_publishers(topic)
        if publishers == 0:
            return f"{topic} (nobody publishes it; remap `{slot.topic}`)"
        return f"{topic} (nothing ever came from its {publishers} publisher(s); is their QoS best effort or better?)"
