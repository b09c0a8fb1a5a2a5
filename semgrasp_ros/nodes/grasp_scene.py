"""What a grasp is planned in: the object's cloud, where it is, what stands around it, and where the camera is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

from grasp2vec_ros.core.options import option
from grasp_node_kit.extrinsics import Extrinsics, ExtrinsicsConfig, ExtrinsicsError
from grasp_node_kit.fresh import MissingInputError
from grasp_node_kit.images import image_to_depth_m
from grasp_node_kit.intrinsics import intrinsics_of
from grasp_node_kit.limits import LONGEST_TEXT, check_text
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import KitNode
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import RESULT, SENSOR
from grasp_node_kit.transport import DepthTransportConfig, feed_image
from semgrasp_ros.core.cloud.depth import camera_points
from semgrasp_ros.core.cloud.object_cloud import (
    CloudConfig,
    ObjectCloud,
    check_cloud,
    clean_cloud,
    drop_invalid,
    normals_toward,
)
from semgrasp_ros.core.retarget.robot_grasp import GraspScene
from semgrasp_ros.core.retarget.surroundings import SurroundingsConfig, neighbours_of, table_height
from semgrasp_ros.nodes.messages import cloud_to_arrays

DEPTHS_KEPT = 30
CLOUDS_KEPT = 10
# Above the object, where nobody says where the camera is: most cameras look down.
ASSUMED_EYE_M = 2.0


@dataclass
class SceneConfig:
    """Which inputs a scene is made of."""

    surroundings: str = option(
        "auto",
        "what else stands there: obstacles/points, scene/depth, or nothing; auto: the first of them that is there",
        choices=("auto", "points", "depth", "none"),
    )
    table: str = option(
        "auto",
        "what the object stands on; auto: the level plane under it in scene/depth, else a table at its lowest point",
        choices=("auto", "height", "none"),
    )
    table_height_m: float = option(
        0.0, "height of the table in the base frame, with table: height", minimum=-5.0, maximum=5.0
    )
    stamp_tolerance_s: float = option(
        0.5, "stamps of hand and cloud, and of cloud and depth, may differ so much", minimum=0.0, maximum=60.0
    )
    input_timeout_s: float = option(
        1.0, "how long to wait for the cloud of a hand", minimum=0.0, maximum=60.0
    )


class SceneSource:
    """Subscribes to clouds and depth, and makes scenes of what belongs together."""

    def __init__(self, node: KitNode) -> None:
        self._node = node
        self.config = declare(node, SceneConfig())
        self._clean = declare(node, CloudConfig(), "cloud.")
        self._around = declare(node, SurroundingsConfig(), "around.")
        self.extrinsics_config = declare(node, ExtrinsicsConfig(), "extrinsics.")
        self._extrinsics = Extrinsics(node, self.extrinsics_config)
        transport = declare(node, DepthTransportConfig())
        self._cloud: NewestSlot[PointCloud2] = NewestSlot("semgrasp/object_points", keep=CLOUDS_KEPT)
        self._obstacles: NewestSlot[PointCloud2] = NewestSlot("obstacles/points")
        self._depth: NewestSlot[Image] = NewestSlot("scene/depth", keep=DEPTHS_KEPT)
        self._info: NewestSlot[CameraInfo] = NewestSlot("scene/camera_info")
        group = ReentrantCallbackGroup()
        for kind, slot, qos in (
            (PointCloud2, self._cloud, RESULT),
            (PointCloud2, self._obstacles, SENSOR),
            (CameraInfo, self._info, SENSOR),
        ):
            node.feed(slot, kind, qos, group)
        feed_image(node, self._depth, transport.depth_transport, group)
        self.monitors = [self._extrinsics]

    def slots(self) -> list[NewestSlot]:
        """The slots that are in use: something was received."""
        return [slot for slot in (self._cloud, self._obstacles, self._depth, self._info) if slot.received]

    @property
    def base_frame(self) -> str:
        """Frame of the arm's base."""
        return self.extrinsics_config.base_frame

    def base_from(self, frame: str) -> np.ndarray:
        """Pose (4, 4) of a frame in the base frame.

        Raises:
            ExtrinsicsError: it is not known.
        """
        check_text(frame, "frame_id")
        if frame == self.base_frame:
            return np.eye(4)
        from_parameters = any(self.extrinsics_config.rotation_xyzw)
        if from_parameters and self._camera_frame() not in ("", frame):
            raise ExtrinsicsError(
                f"frame_id: where {frame!r} is is not known: the extrinsics of the parameters are those of"
                f" {self._camera_frame()!r}; send it in that frame or in {self.base_frame!r}, or use TF"
            )
        return self._extrinsics.base_from_camera(frame)

    def cloud_for(self, at_ns: int) -> PointCloud2:
        """The cloud that hands with a stamp were made for; waits for it. With stamp 0: the newest.

        Raises:
            MissingInputError: there is none.
        """
        found = self._matching_cloud(at_ns)
        if found is None:
            self._cloud.wait_for_next(self._cloud.received, self.config.input_timeout_s)
            found = self._matching_cloud(at_ns)
        if found is None:
            topic = self._node.topic_of(self._cloud)
            newest = self._cloud.newest
            seen = (
                "nothing came yet"
                if newest is None
                else f"the newest is {abs(stamp_ns(newest.header.stamp) - at_ns) / 1e9:.2f} s apart"
            )
            raise MissingInputError(
                f"no cloud of the hand's object on {topic} ({seen}; stamp_tolerance_s is"
                f" {self.config.stamp_tolerance_s:g}); send one with the request, or remap `{self._cloud.topic}`"
            )
        return found

    def _matching_cloud(self, at_ns: int) -> PointCloud2 | None:
        if at_ns == 0:
            return self._cloud.newest
        return self._near(self._cloud, at_ns)

    def _near(self, slot: NewestSlot, at_ns: int) -> PointCloud2 | Image | None:
        message = slot.nearest(at_ns)
        if (
            message is None
            or abs(stamp_ns(message.header.stamp) - at_ns) / 1e9 > self.config.stamp_tolerance_s
        ):
            return None
        return message

    def scene(self, message: PointCloud2) -> GraspScene:
        """A cloud with what stands around it.

        Raises:
            ValueError: the cloud or an input is wrong; names the field.
            ExtrinsicsError: it is not known where a frame is.
        """
        read = cloud_to_arrays(message, "cloud")
        cloud = drop_invalid(read.points, read.normals)
        check_cloud(cloud, self._clean, "cloud")
        cloud = clean_cloud(cloud, self._clean, remove_outliers=False)
        base = self.base_from(message.header.frame_id)
        eye = self._eye(message.header.frame_id, base)
        cloud = self._with_normals(cloud, base, eye)
        in_base = _moved(base, cloud.points)
        seen = self._seen(stamp_ns(message.header.stamp))
        table_z_m = self._table(in_base, seen)
        return GraspScene(
            cloud.points, cloud.normals, base, eye, self._neighbours(in_base, seen, table_z_m), table_z_m
        )

    def _eye(self, frame: str, base: np.ndarray) -> np.ndarray | None:
        camera = self._camera_frame()
        if not camera:
            return None
        if frame == camera:
            return np.zeros(3)
        try:
            return (np.linalg.inv(base) @ self.base_from(camera))[:3, 3]
        except ExtrinsicsError:
            return None

    def _with_normals(self, cloud: ObjectCloud, base: np.ndarray, eye: np.ndarray | None) -> ObjectCloud:
        if cloud.normals is not None:
            return cloud
        if eye is None:
            eye = cloud.points.mean(axis=0) + ASSUMED_EYE_M * base[2, :3]
        normals = normals_toward(cloud.points, eye, self._clean.normal_neighbours)
        return replace(cloud, normals=normals)

    def _camera_frame(self) -> str:
        info = self._info.newest
        return "" if info is None else info.header.frame_id[:LONGEST_TEXT]

    def _seen(self, at_ns: int) -> tuple[np.ndarray, np.ndarray] | None:
        """All that the scene camera saw at a time, (H, W, 3) in its frame, and its pose; None when there is nothing."""
        if self.config.surroundings not in ("auto", "depth") and self.config.table != "auto":
            return None
        message = self._near(self._depth, at_ns) if at_ns else self._depth.newest
        info = self._info.newest
        if message is None or info is None:
            return None
        depth = image_to_depth_m(message, self._depth.topic)
        points = camera_points(depth, intrinsics_of(info, depth.shape, self._info.topic))
        return points, self.base_from(message.header.frame_id)

    def _table(self, thing: np.ndarray, seen: tuple[np.ndarray, np.ndarray] | None) -> float | None:
        if self.config.table != "auto":
            return self.config.table_height_m if self.config.table == "height" else None
        lowest = float(thing[:, 2].min())
        if seen is None:
            return lowest
        points, camera = seen
        in_camera = _moved(np.linalg.inv(camera), thing)
        found = table_height(points, in_camera, camera, self._around)
        return lowest if found is None else found

    def _neighbours(
        self, thing: np.ndarray, seen: tuple[np.ndarray, np.ndarray] | None, table_z_m: float | None
    ) -> np.ndarray | None:
        wanted = self.config.surroundings
        obstacles = self._obstacles.newest
        if wanted == "none":
            return None
        if wanted != "depth" and obstacles is not None:
            read = cloud_to_arrays(obstacles, self._obstacles.topic)
            there = _moved(self.base_from(obstacles.header.frame_id), read.points.reshape(-1, 3))
            return neighbours_of(there, thing, table_z_m, self._around)
        if wanted == "points":
            raise MissingInputError(
                f"nothing came on {self._node.topic_of(self._obstacles)} yet; publish it, or set surroundings to auto"
            )
        if seen is None:
            if wanted == "depth":
                raise MissingInputError(
                    f"no depth of the cloud's time on {self._node.topic_of(self._depth)}; check the camera and"
                    " stamp_tolerance_s, or set surroundings to auto"
                )
            return None
        points, camera = seen
        return neighbours_of(_moved(camera, points.reshape(-1, 3)), thing, table_z_m, self._around)


def _moved(pose: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ pose[:3, :3].T + pose[:3, 3]
