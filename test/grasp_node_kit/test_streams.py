"""What happens to streams on real rclpy: transports, freshness, sync, QoS, time, restarts and namespaces."""

from __future__ import annotations

import contextlib
import time

import cv2
import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock
from semantic_grasping.msg import Goal, GoalHeatmap
from semantic_grasping.srv import BeginAttempt, SetGoal
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import String

from grasp_node_kit import extrinsics
from grasp_node_kit.extrinsics import Extrinsics, ExtrinsicsConfig, ExtrinsicsError
from grasp_node_kit.images import array_to_image
from grasp_node_kit.monitors import SyncMeter
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import KitNode, in_background
from grasp_node_kit.qos import LATCHED, RESULT, SENSOR
from test.grasp2vec_ros.core.helpers import draw_object
from test.grasp_node_kit.every_node import NODES, make
from test.grasp_node_kit.test_compressed import as_plugin_sends
from test.rig import FakeRobot, Rig, eventually

BEST_EFFORT = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.close()


class Reader(KitNode):
    """Reads one topic."""

    def __init__(self, qos: QoSProfile = SENSOR, **options: object) -> None:
        super().__init__("reader", **options)
        self.camera: NewestSlot[Image] = NewestSlot("camera")
        self._qos = qos

    def set_up(self) -> None:
        self.feed(self.camera, Image, self._qos, self.default_callback_group)

    def slots(self) -> list[NewestSlot]:
        return [self.camera]


def small_image(stamp: Time | None = None) -> Image:
    message = array_to_image(np.zeros((4, 4, 3), np.uint8), "rgb8")
    if stamp is not None:
        message.header.stamp = stamp
    return message


def goal_picture() -> Image:
    return array_to_image(draw_object(2, 48), "rgb8")


# Transports.


def test_perception_from_compressed_colour_and_depth(rig, tmp_path):
    robot = FakeRobot(cameras=False)
    rgb, depth = robot.scene()
    robot.destroy_node()
    publishers = {
        topic: rig.client.create_publisher(kind, topic, 1)
        for topic, kind in (
            ("driver/color/compressed", CompressedImage),
            ("scene/depth/compressedDepth", CompressedImage),
            ("scene/camera_info", CameraInfo),
        )
    }
    info = CameraInfo(width=160, height=120, k=[800.0, 0.0, 80.0, 0.0, 800.0, 60.0, 0.0, 0.0, 1.0])
    colour = CompressedImage(format="rgb8; jpeg compressed bgr8")
    colour.data = cv2.imencode(".jpg", rgb[..., ::-1])[1].tobytes()
    packed = as_plugin_sends(depth)

    def send() -> None:
        stamp = rig.client.get_clock().now().to_msg()
        for topic, message in zip(publishers, (colour, packed, info), strict=True):
            message.header.stamp, message.header.frame_id = stamp, "scene_camera"
            publishers[topic].publish(message)

    overrides = {
        "image_transport": "compressed",
        "depth_transport": "compressedDepth",
        "initial_checkpoint": "none",
        "checkpoints": str(tmp_path),
        "extrinsics.base_frame": "base",
        "extrinsics.translation_m": [0.5, 0.0, 1.0],
        "extrinsics.rotation_xyzw": [0.70710678, -0.70710678, 0.0, 0.0],
    }
    # The ending comes after remapping, as image_transport does it.
    rig.add(
        NODES["perception"].make(
            parameter_overrides=[Parameter(k, value=v) for k, v in overrides.items()],
            cli_args=["--ros-args", "-r", "scene/image:=driver/color"],
        )
    )
    infos = rig.collect(GoalHeatmap, "perception/heatmap_info")
    assert rig.call(SetGoal, "perception/set_goal", SetGoal.Request(images=[goal_picture()])).success
    rig.client.create_timer(0.1, send)
    found = eventually(lambda: infos and infos[-1])
    assert found.point_valid and 0.0 <= found.point.point.z < 0.05 and found.header.frame_id == "scene_camera"


def test_capture_from_compressed_cameras(rig, tmp_path):
    rig.add(make("capture", tmp_path, image_transport="compressed"))
    publisher = rig.client.create_publisher(CompressedImage, "scene/image/compressed", 1)

    def send() -> None:
        message = CompressedImage(format="rgb8; png compressed bgr8")
        message.data = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
        message.header.stamp = rig.client.get_clock().now().to_msg()
        publisher.publish(message)

    rig.client.create_timer(0.1, send)
    answer = rig.call(BeginAttempt, "capture/begin_attempt", BeginAttempt.Request())
    assert answer.success, answer.message


# Freshness, rates and sync.


def test_a_slow_reader_always_sees_the_newest_frame(rig):
    node = rig.add(Reader())
    publisher = rig.client.create_publisher(Image, "camera", 1)
    eventually(lambda: publisher.get_subscription_count())
    rig.client.create_timer(
        0.033, lambda: publisher.publish(small_image(rig.client.get_clock().now().to_msg()))
    )
    ages_ms = []

    def read() -> None:
        while len(ages_ms) < 12:
            time.sleep(0.2)
            if (message := node.camera.newest) is not None:
                now_ns = node.get_clock().now().nanoseconds
                ages_ms.append((now_ns - stamp_ns(message.header.stamp)) / 1e6)

    in_background(read, "reader").join(10.0)
    assert np.median(ages_ms) < 80
    assert 20 < node.camera.rate_hz < 40 and node.camera.replaced > 30
    eventually(lambda: node.camera.rate_hz > 20)


def test_a_rate_falls_when_nothing_comes_any_more():
    slot = NewestSlot("camera")
    assert slot.rate_hz == 0.0
    for _ in range(5):
        slot.put(small_image())
        time.sleep(0.01)
    assert slot.rate_hz > 20
    time.sleep(0.3)
    assert slot.rate_hz < 5


def test_streams_out_of_sync_are_counted_and_said(rig, tmp_path):
    camera = {name: rig.client.create_publisher(kind, f"scene/{name}", 1) for name, kind in
              (("image", Image), ("depth", Image), ("camera_info", CameraInfo))}  # fmt: skip
    late_ns = 10_000_000_000

    def send() -> None:
        now_ns = rig.client.get_clock().now().nanoseconds
        depth = array_to_image(np.ones((48, 64), np.float32), "32FC1")
        colour = array_to_image(np.zeros((48, 64, 3), np.uint8), "rgb8")
        for name, message, at_ns in (
            ("depth", depth, now_ns - late_ns),
            ("camera_info", CameraInfo(width=64, height=48), now_ns),
            ("image", colour, now_ns),
        ):
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(at_ns, 10**9)
            camera[name].publish(message)

    rig.client.create_timer(0.05, send)
    node = rig.add(make("perception", tmp_path))
    rig.call(SetGoal, "perception/set_goal", SetGoal.Request(images=[goal_picture()]))
    complaint = eventually(lambda: node.complaint, 9.0)
    assert "scene/image and scene/depth are" in complaint and "depth_tolerance_s" in complaint
    values = {entry.key: entry.value for entry in node._diagnostics.status().values}
    assert int(values["scene/image and scene/depth out of sync"]) >= 5
    node.set_parameters([Parameter("depth_tolerance_s", value=10.0)])
    eventually(lambda: "apart" not in node.complaint, 5.0)


def test_the_nearest_of_the_kept_messages_is_found():
    slot = NewestSlot("scene/depth", keep=3)
    assert slot.nearest(0) is None
    for second in (1, 2, 3, 4):
        slot.put(small_image(Time(sec=second)))
    found = [slot.nearest(int(second * 1e9)).header.stamp.sec for second in (0, 2.4, 2.6, 99)]
    assert found == [2, 2, 3, 4]
    slot.clear()
    assert slot.nearest(0) is None


def test_a_sync_meter_forgives_a_single_slip():
    meter = SyncMeter(("a", "b"), lambda: 0.1, "do something")
    for apart_s in (0.5, 0.5, 0.5, 0.5, 0.0, 0.5):
        meter.note(apart_s)
    assert meter.problem() == "" and (meter.together, meter.apart) == (1, 5)


# Qualities of service.


def test_incompatible_qos_is_said_with_the_parameter_that_mends_it(rig):
    publisher = rig.client.create_publisher(Image, "camera", BEST_EFFORT)
    rig.client.create_timer(0.1, lambda: publisher.publish(small_image()))
    node = rig.add(Reader(RESULT))
    eventually(lambda: "/camera" in node.endpoints.disagreements)
    text = node.endpoints.disagreements["/camera"]
    assert "qos_overrides./camera.subscription.reliability" in text
    status = node._diagnostics.status()
    assert "incompatible QoS on /camera" in status.message
    complaint = eventually(lambda: node.complaint, 8.0)
    assert "BEST_EFFORT" in complaint and "incompatible QoS" in complaint
    assert node.camera.received == 0
    mended = Reader(
        RESULT,
        namespace="/",
        parameter_overrides=[
            Parameter("qos_overrides./camera.subscription.reliability", value="best_effort")
        ],
        cli_args=["--ros-args", "-r", "__node:=mended"],
    )
    rig.add(mended)
    eventually(lambda: mended.camera.received > 0)
    # The package's constants are not what was changed.
    assert RESULT.reliability == ReliabilityPolicy.RELIABLE


def test_a_publisher_of_another_type_is_said(rig):
    context = Context()
    rclpy.init(context=context)
    stranger = rclpy.create_node("stranger", context=context)
    try:
        stranger.create_publisher(String, "camera", 1)
        node = rig.add(Reader())
        complaint = eventually(lambda: node.complaint, 8.0)
        assert "its type is std_msgs/msg/String, sensor_msgs/msg/Image is expected" in complaint
    finally:
        stranger.destroy_node()
        rclpy.try_shutdown(context=context)


# Time.


@pytest.mark.parametrize("names", [("capture", "perception", "grasping", "semgrasp")])
def test_a_jump_back_in_time_empties_every_buffer(rig, tmp_path, names):
    nodes = [rig.add(make(name, tmp_path, use_sim_time=True)) for name in names]
    clock = rig.client.create_publisher(Clock, "/clock", 10)
    camera = {
        topic: rig.client.create_publisher(kind, topic, 1)
        for topic, kind in (("scene/image", Image), ("scene/depth", Image), ("scene/camera_info", CameraInfo))
    }
    eventually(lambda: clock.get_subscription_count() >= len(nodes))
    eventually(lambda: camera["scene/depth"].get_subscription_count() >= 3)

    def tick(seconds: int) -> None:
        clock.publish(Clock(clock=Time(sec=seconds)))

    eventually(lambda: tick(100) or all(n.get_clock().now().nanoseconds == 100 * 10**9 for n in nodes))
    image, depth = small_image(Time(sec=100)), array_to_image(np.ones((4, 4), np.float32), "32FC1")
    for publisher, message in zip(camera.values(), (image, depth, CameraInfo()), strict=True):
        publisher.publish(message)
    eventually(lambda: all(any(slot.newest for slot in node.slots()) for node in nodes))
    capture = nodes[0]
    capture._attempts["before"] = object()
    tick(5)
    eventually(lambda: all(n.get_clock().now().nanoseconds == 5 * 10**9 for n in nodes))
    eventually(lambda: not any(slot.newest for node in nodes for slot in node.slots()))
    assert not capture._attempts
    # And the new time's frames are taken.
    camera["scene/image"].publish(small_image(Time(sec=5)))
    eventually(lambda: capture._scene.newest is not None)
    assert capture._scene.newest.header.stamp.sec == 5


# Restarts.


def test_a_camera_and_a_node_that_come_again(rig, tmp_path):
    names = rig.collect(String, "perception/model", LATCHED)
    goals = rig.collect(Goal, "perception/goal", LATCHED)
    first = rig.add(make("perception", tmp_path))
    eventually(lambda: names)
    set_goal = SetGoal.Request(goal_id="mug", images=[goal_picture()])
    assert rig.call(SetGoal, "perception/set_goal", set_goal).success
    robot = rig.add(FakeRobot())
    infos = rig.collect(GoalHeatmap, "perception/heatmap_info")
    eventually(lambda: infos)
    for node in (robot, first):
        rig.nodes.remove(node)
        rig.executor.remove_node(node)
        if node is first:
            node.close()
        for waitable in list(node.waitables):
            waitable.destroy()
        node.destroy_node()
    second = rig.add(make("perception", tmp_path))
    eventually(lambda: len(names) == 2)
    rig.add(FakeRobot())
    eventually(lambda: second._scene.received)
    late = rig.collect(Goal, "perception/goal", LATCHED)
    seen = len(infos)
    answer = eventually(lambda: (a := rig.call(SetGoal, "perception/set_goal", set_goal, 30.0)).success and a)
    assert answer.goal.goal_id == "mug"
    eventually(lambda: len(infos) > seen and late and len(goals) == 2)


# Two robots.


def test_two_robots_in_namespaces_do_not_mix(rig, tmp_path):
    nodes = {}
    for space in ("left", "right"):
        for name in ("capture", "perception"):
            nodes[space, name] = rig.add(make(name, tmp_path / space, f"/{space}", frame_timeout_s=0.5))
    cameras = {space: rig.client.create_publisher(Image, f"/{space}/scene/image", 1) for space in ("left",)}
    rig.client.create_timer(
        0.1, lambda: cameras["left"].publish(small_image(rig.client.get_clock().now().to_msg()))
    )
    eventually(lambda: nodes["left", "capture"]._scene.received > 2)
    good = rig.call(BeginAttempt, "/left/capture/begin_attempt", BeginAttempt.Request())
    bad = rig.call(BeginAttempt, "/right/capture/begin_attempt", BeginAttempt.Request())
    assert good.success and not bad.success and "/right/scene/image" in bad.message
    assert all(nodes["right", name]._scene.received == 0 for name in ("capture", "perception"))
    left, right = (rig.collect(Goal, f"/{space}/perception/goal", LATCHED) for space in ("left", "right"))
    request = SetGoal.Request(goal_id="mug", images=[goal_picture()])
    assert rig.call(SetGoal, "/left/perception/set_goal", request).success
    eventually(lambda: left)
    assert not right and not nodes["right", "perception"]._current
    stores = {nodes[space, "capture"].config.store for space in ("left", "right")}
    assert len(stores) == 2


# Frames: tf2_ros comes with a ROS installation only, so that it is played here.


class PlayedBuffer:
    """What Extrinsics needs of tf2_ros.Buffer."""

    def __init__(self) -> None:
        self.known: dict[str, TransformStamped] = {}

    def lookup_transform(self, target: str, source: str, when: object) -> TransformStamped:
        if source not in self.known:
            raise LookupError(f'"{source}" passed to lookupTransform does not exist')
        return self.known[source]

    def clear(self) -> None:
        self.known.clear()


def test_a_missing_frame_is_said_and_found_when_it_comes(rig, monkeypatch):
    monkeypatch.setattr(extrinsics, "Buffer", PlayedBuffer)
    monkeypatch.setattr(extrinsics, "TransformListener", lambda buffer, node: None)
    monkeypatch.setattr(extrinsics, "TransformException", LookupError, raising=False)
    node = Reader()
    found = Extrinsics(node, ExtrinsicsConfig(base_frame="base"))
    node.monitors = [found]
    node.needs = list
    rig.add(node)
    rig.client.create_timer(0.2, lambda: _ask(found))
    complaint = eventually(lambda: node.complaint, 8.0)
    assert (
        "no transform from 'camera' to 'base' in TF" in complaint and "extrinsics.rotation_xyzw" in complaint
    )
    transform = TransformStamped()
    transform.transform.rotation.w = transform.transform.translation.x = 1.0
    found._buffer.known["camera"] = transform
    eventually(lambda: not node.complaint, 5.0)
    assert found.base_from_camera("camera")[0, 3] == 1.0 and found.values() == {"camera pose from": "TF"}
    node._on_jump(None)
    with pytest.raises(ExtrinsicsError, match="no transform"):
        found.base_from_camera("camera")


def _ask(found: Extrinsics) -> None:
    with contextlib.suppress(ExtrinsicsError):
        found.base_from_camera("camera")
