import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.srv import ListParameters
from semantic_grasping.msg import GoalHeatmap, HandGrasp, HandGraspArray
from semantic_grasping.srv import GenerateGrasp
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header, String
from transforms3d.quaternions import quat2mat
from visualization_msgs.msg import Marker, MarkerArray

from grasp_node_kit.images import array_to_image
from grasp_node_kit.qos import LATCHED
from semgrasp_ros.core.hand.sources import load_hand
from semgrasp_ros.nodes.markers import FINGER_COLOURS
from semgrasp_ros.nodes.messages import arrays_to_cloud
from semgrasp_ros.nodes.semgrasp import SemGraspNode
from test.rig import Rig, eventually, wait
from test.semgrasp_ros.core.cloud.scene import BALL, BALL_RADIUS_M, BOX_HIGH, BOX_LOW, INTRINSICS, look
from test.semgrasp_ros.nodes.stand_in import StandIn

SERVICE = "semgrasp/generate_grasp"
CENTRE = np.array([0.5, -0.2, 0.3])


@pytest.fixture
def rig():
    made = Rig()
    yield made
    made.close()


@pytest.fixture
def pipeline(rig):
    made = StandIn()
    rig.add(SemGraspNode(lambda config: made))
    return made


def ball(count: int = 3000, centre: np.ndarray = CENTRE) -> np.ndarray:
    directions = np.random.default_rng(0).normal(size=(count, 3))
    return centre + 0.04 * directions / np.linalg.norm(directions, axis=1, keepdims=True)


def cloud(points: np.ndarray | None = None, frame: str = "table", **options: object) -> PointCloud2:
    message = arrays_to_cloud(ball() if points is None else points, **options)
    message.header.frame_id = frame
    message.header.stamp.sec, message.header.stamp.nanosec = 12, 345
    return message


def ask(rig: Rig, **fields: object) -> GenerateGrasp.Response:
    return rig.call(GenerateGrasp, SERVICE, GenerateGrasp.Request(**{"instruction": "hold it", **fields}))


def position(grasp: HandGrasp) -> np.ndarray:
    p = grasp.wrist.position
    return np.array([p.x, p.y, p.z])


def rows(values: list) -> np.ndarray:
    return np.array([[v.x, v.y, v.z] for v in values])


class Camera:
    """Publishes the scene of table, ball and box, and what is wanted besides."""

    def __init__(self, rig: Rig) -> None:
        self.scene = look()
        self.client = rig.client
        self.mask: Image | None = None
        self.peak: tuple[int, int] | None = None
        self.lag_s = 0.0
        kinds = {"scene/depth": Image, "scene/camera_info": CameraInfo, "object/mask": Image}
        kinds["perception/heatmap_info"] = GoalHeatmap
        self.publishers = {
            topic: rig.client.create_publisher(kind, topic, 1) for topic, kind in kinds.items()
        }
        rig.client.create_timer(0.1, self.publish)

    def header(self, lag_s: float = 0.0) -> Header:
        header = Header(frame_id="camera_optical")
        now_ns = self.client.get_clock().now().nanoseconds - int(lag_s * 1e9)
        header.stamp.sec, header.stamp.nanosec = divmod(now_ns, 10**9)
        return header

    def publish(self) -> None:
        info = CameraInfo(header=self.header(), width=160, height=120, k=INTRINSICS.reshape(-1))
        depth = array_to_image(self.scene.depth_m.astype(np.float32), "32FC1")
        depth.header = self.header()
        self.publishers["scene/camera_info"].publish(info)
        self.publishers["scene/depth"].publish(depth)
        if self.mask is not None:
            self.mask.header = self.header(self.lag_s)
            self.publishers["object/mask"].publish(self.mask)
        if self.peak is not None:
            u, v = self.peak
            self.publishers["perception/heatmap_info"].publish(
                GoalHeatmap(header=self.header(self.lag_s), peak_u=u, peak_v=v)
            )

    def mask_of(self, thing: int, encoding: str = "mono8") -> Image:
        image = array_to_image((self.scene.what == thing).astype(np.uint8) * 255, "mono8")
        image.encoding = encoding
        return image

    def world(self, values: np.ndarray) -> np.ndarray:
        return values @ self.scene.camera[:3, :3].T + self.scene.camera[:3, 3]


def ready(node: SemGraspNode) -> None:
    eventually(lambda: not node._sources.missing())


# The service with a cloud.


def test_a_cloud_gives_hands_in_its_frame_with_its_stamp(rig, pipeline):
    answer = ask(rig, cloud=cloud(), candidates=5, keep=3, part="handle", manner="power", seed=77)
    assert answer.success, answer.message
    assert len(answer.grasps) == 3 and "3 hand(s)" in answer.message
    best = answer.grasps[0]
    assert (best.header.frame_id, best.header.stamp.sec, best.header.stamp.nanosec) == ("table", 12, 345)
    assert np.allclose(position(best), CENTRE, atol=2e-3)
    assert best.tokens.tolist() == [77, 0, 511] and best.instruction == "hold it"
    assert (best.part, best.manner) == ("handle", "power")
    assert np.allclose(rows(best.part_points), [CENTRE, CENTRE + 0.01], atol=2e-3)
    assert best.part_probabilities.tolist() == pytest.approx([0.9, 0.1])
    assert best.touches == ["handle", "handle", "", "", "", ""]
    assert dict(zip(best.score_names, best.score_values, strict=True)) == {
        "log_probability": -1.0,
        "total": 1.0,
    }
    assert (best.why, best.hand_source, best.model_version) == ("number 0", "open", "stand-in")
    totals = [grasp.score_values[1] for grasp in answer.grasps]
    assert totals == sorted(totals, reverse=True)
    call = pipeline.calls[-1]
    assert (call["turns"], call["candidates"], call["keep"]) == ("hold it", 5, 3)
    assert (call["part"], call["manner"], call["seed"]) == ("handle", "power", 77)
    assert call["points"].dtype == np.float32 and abs(call["points"]).max() < 0.0401


def test_pose_and_rotations_in_the_message_give_its_keypoints(rig, pipeline):
    grasp = ask(rig, cloud=cloud(), keep=2, candidates=2).grasps[1]
    wrist = np.eye(4, dtype=np.float32)
    q = grasp.wrist.orientation
    wrist[:3, :3], wrist[:3, 3] = quat2mat([q.w, q.x, q.y, q.z]), position(grasp)
    joints = rows(grasp.joint_rotations).astype(np.float32)
    with torch.no_grad():
        surface = load_hand("open")(
            *(torch.from_numpy(array)[None] for array in (wrist, joints, np.array(grasp.shape, np.float32)))
        )
    assert np.allclose(surface.keypoints[0].numpy(), rows(grasp.keypoints), atol=1e-5)


def test_defaults_turns_and_normals(rig, pipeline):
    turns = ["pick up the mug", "By its body.", "no, by the handle "]
    normals = (ball() - CENTRE) / 0.04
    answer = ask(rig, instruction="", turns=turns, cloud=cloud(normals=normals))
    assert answer.success and len(answer.grasps) == 8, answer.message
    assert answer.grasps[0].instruction == "no, by the handle"
    call = pipeline.calls[-1]
    assert call["turns"] == (("human", turns[0]), ("assistant", turns[1]), ("human", "no, by the handle"))
    assert (call["part"], call["manner"], call["seed"]) == (None, None, None)
    assert np.einsum("ij,ij->i", call["normals"], call["points"] / 0.04).min() > 0.99


def test_an_organised_cloud_with_holes_and_a_mask(rig, pipeline):
    points = np.full((60, 80, 3), np.nan)
    points[:40, :75] = ball(3000).reshape(40, 75, 3)
    points[40:, :] = CENTRE + [0, 0, 3.0]
    mask = np.zeros((60, 80), np.uint8)
    assert "spans" in ask(rig, cloud=cloud(points)).message
    mask[:40] = 1
    answer = ask(rig, cloud=cloud(points), mask=array_to_image(mask, "mono8"))
    assert answer.success and np.allclose(position(answer.grasps[0]), CENTRE, atol=2e-3), answer.message
    wrong = ask(rig, cloud=cloud(points), mask=array_to_image(mask[:50], "mono8"))
    assert not wrong.success and "mask: 80x50" in wrong.message


_ASKER = """
import sys, rclpy
import numpy as np
from semantic_grasping.msg import HandGrasp
from semantic_grasping.srv import GenerateGrasp
from semgrasp_ros.nodes.messages import arrays_to_cloud
rclpy.init()
node = rclpy.create_node("somebody_else")
client = node.create_client(GenerateGrasp, "semgrasp/generate_grasp")
assert client.wait_for_service(20.0)
cloud = arrays_to_cloud(np.random.default_rng(0).uniform(-0.04, 0.04, (4000, 3)) + [1, 2, 3])
cloud.header.frame_id = "map"
cloud.header.stamp.sec = 5
future = client.call_async(GenerateGrasp.Request(instruction="hold it", cloud=cloud))
rclpy.spin_until_future_complete(node, future, timeout_sec=20.0)
best = future.result().grasps[0]
p = best.wrist.position
print("answer", best.header.frame_id, best.header.stamp.sec, *(round(v, 2) for v in (p.x, p.y, p.z)), flush=True)
"""


def test_another_process_asks_and_gets_a_grasp(rig, pipeline):
    done = subprocess.run(
        [sys.executable, "-c", _ASKER],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=60,
        check=False,
    )
    assert "answer map 5 1.0 2.0 3.0" in done.stdout, done.stderr


# Topics.


def test_an_instruction_by_topic_gives_the_best_all_and_markers(rig, pipeline):
    best, every = (
        rig.collect(HandGrasp, "semgrasp/hand_grasp"),
        rig.collect(HandGraspArray, "semgrasp/hand_grasps"),
    )
    said = rig.client.create_publisher(String, "semgrasp/instruction", 10)
    points = rig.client.create_publisher(PointCloud2, "object/points", 1)
    eventually(lambda: said.get_subscription_count() and points.get_subscription_count())
    eventually(lambda: rig.client.count_publishers("semgrasp/hand_grasps"))
    time.sleep(0.2)
    said.publish(String(data="hold it"))
    refused = eventually(lambda: every and every[-1])
    assert not refused.success and "no cloud yet" in refused.message and refused.instruction == "hold it"
    assert "/object/points" in refused.message and "/scene/depth" in refused.message
    rig.client.create_timer(0.1, lambda: points.publish(cloud()))
    ready(rig.nodes[1])
    said.publish(String(data="hand me the mug"))
    grasp = eventually(lambda: best and best[-1])
    eventually(lambda: len(every) == 2)
    assert every[-1].success and len(every[-1].grasps) == 8 and every[-1].header.frame_id == "table"
    assert grasp == every[-1].grasps[0] and grasp.instruction == "hand me the mug"
    # Markers are for those who come late too.
    shown = rig.collect(MarkerArray, "semgrasp/markers", LATCHED)
    markers = {marker.ns: marker for marker in eventually(lambda: shown and shown[-1]).markers if marker.ns}
    mesh = markers["hand"]
    assert mesh.type == Marker.TRIANGLE_LIST and len(mesh.points) == 3 * len(load_hand("open").faces)
    assert mesh.header.frame_id == "table" and mesh.header.stamp.sec == 12
    assert np.allclose(rows(markers["keypoints"].points), rows(grasp.keypoints))
    assert len(markers["bones"].points) == 40
    contacts = markers["contacts"]
    assert len(contacts.points) == len(contacts.colors) > 0
    colours = {tuple(round(v, 2) for v in (c.r, c.g, c.b)) for c in contacts.colors}
    assert colours <= set(FINGER_COLOURS)
    surface = np.linalg.norm(rows(contacts.points) - CENTRE, axis=1)
    assert abs(surface - 0.04).max() < 0.008


def test_empty_and_long_instructions_by_topic_are_refused_by_topic(rig, pipeline):
    every = rig.collect(HandGraspArray, "semgrasp/hand_grasps")
    said = rig.client.create_publisher(String, "semgrasp/instruction", 10)
    eventually(lambda: said.get_subscription_count() and rig.client.count_publishers("semgrasp/hand_grasps"))
    time.sleep(0.2)
    said.publish(String(data="  "))
    said.publish(String(data="y" * 100_000))
    eventually(lambda: len(every) == 2)
    texts = sorted(message.message for message in every)
    assert "instruction: 100000 characters" in texts[0] and "instruction: is empty" in texts[1]
    assert not pipeline.calls and max(len(message.instruction) for message in every) == 500


# Depth with a mask, or with the heatmap's peak.


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_a_mask_in_the_request_selects_from_depth(rig, pipeline, encoding):
    camera = Camera(rig)
    eventually(lambda: len(rig.nodes[1]._sources.slots()) >= 2)
    answer = ask(rig, mask=camera.mask_of(1, encoding))
    assert answer.success and "from mask" in answer.message, answer.message
    best = answer.grasps[0]
    assert best.header.frame_id == "camera_optical"
    now_s = rig.client.get_clock().now().nanoseconds / 1e9
    assert abs(best.header.stamp.sec + best.header.stamp.nanosec / 1e9 - now_s) < 3
    # The centroid of what is seen of the ball: between its centre and the camera.
    at = camera.world(position(best))
    assert 0.01 < np.linalg.norm(at - BALL) < BALL_RADIUS_M
    # The model sees it upright, its normals toward the camera.
    call = pipeline.calls[-1]
    q = best.wrist.orientation
    turned = quat2mat([q.w, q.x, q.y, q.z])
    assert camera.scene.camera[:3, :3] @ turned[:, 2] == pytest.approx([0, 0, 1], abs=0.02)
    ball_in_camera = (BALL - camera.scene.camera[:3, 3]) @ camera.scene.camera[:3, :3]
    middle = (ball_in_camera - position(best)) @ turned + call["points"].mean(axis=0)
    outward = (call["points"] - middle) / BALL_RADIUS_M
    assert np.linalg.norm(outward, axis=1) == pytest.approx(1, abs=0.03)
    assert np.median(np.einsum("ij,ij->i", call["normals"], outward)) > 0.97


def test_masks_by_topic_and_stamps_too_far_apart(rig, pipeline):
    camera = Camera(rig)
    camera.mask = camera.mask_of(2)
    ready(rig.nodes[1])
    answer = ask(rig)
    assert answer.success and "from mask" in answer.message, answer.message
    at = camera.world(position(answer.grasps[0]))
    assert (at > BOX_LOW).all() and (at < BOX_HIGH + 0.001).all()
    camera.lag_s = 3.0
    time.sleep(0.4)
    late = ask(rig)
    assert (
        not late.success
        and "object/mask: its stamp is" in late.message
        and "depth_tolerance_s" in late.message
    )


@pytest.mark.parametrize("thing", [1, 2])
def test_the_heatmaps_peak_selects_what_stands_there(rig, pipeline, thing):
    camera = Camera(rig)
    camera.peak = camera.scene.middle(thing)
    ready(rig.nodes[1])
    answer = ask(rig)
    assert answer.success and "from heatmap" in answer.message, answer.message
    at = camera.world(position(answer.grasps[0]))
    if thing == 1:
        assert np.linalg.norm(at - BALL) < BALL_RADIUS_M
    else:
        assert (at > BOX_LOW).all() and (at < BOX_HIGH + 0.001).all()


def test_a_peak_on_the_table_and_wrong_masks_are_said(rig, pipeline):
    camera = Camera(rig)
    camera.peak = (80, 60)
    ready(rig.nodes[1])
    assert "supporting plane" in ask(rig).message
    empty = array_to_image(np.zeros((120, 160), np.uint8), "mono8")
    small = array_to_image(np.ones((12, 16), np.uint8), "mono8")
    colour = array_to_image(np.ones((120, 160, 3), np.uint8), "rgb8")
    short = camera.mask_of(1)
    short.data = short.data[:99]
    few = array_to_image(np.eye(120, 160, dtype=np.uint8), "mono8")
    for mask, words in (
        (empty, "no pixel is set"),
        (small, "mask: 16x12 px"),
        (colour, "mask.encoding: 'rgb8'"),
        (short, "mask.data: 99 bytes"),
        (few, "too few points"),
    ):
        answer = ask(rig, mask=mask)
        assert not answer.success and words in answer.message, answer.message
    assert not pipeline.calls


def test_the_extrinsics_say_what_is_up_in_the_cameras_frame_only():
    # The camera looks straight down: its z is against up.
    rig = Rig(
        **{
            "extrinsics.base_frame": "base",
            "extrinsics.translation_m": "[0.0, 0.0, 1.0]",
            "extrinsics.rotation_xyzw": "[1.0, 0.0, 0.0, 0.0]",
        }
    )
    try:
        pipeline = StandIn()
        rig.add(SemGraspNode(lambda config: pipeline))
        info = rig.client.create_publisher(CameraInfo, "scene/camera_info", 1)
        rig.client.create_timer(0.1, lambda: info.publish(CameraInfo(header=Header(frame_id="camera"))))
        eventually(lambda: rig.nodes[1]._sources.slots())
        # A ball's lower half (in the camera's frame its z is smaller, nearer to the camera).
        near = ball(6000, np.array([0.0, 0.0, 0.9]))
        near = near[near[:, 2] < 0.9]
        for frame, sign in (("camera", 1), ("base", -1), ("elsewhere", -1)):
            answer = ask(rig, cloud=cloud(near, frame))
            assert answer.success and np.allclose(position(answer.grasps[0]), near.mean(axis=0), atol=2e-3)
            call = pipeline.calls[-1]
            # The dome's wide rim is below where the camera's frame was turned, above elsewhere.
            rim = call["points"][np.linalg.norm(call["points"][:, :2], axis=1) > 0.035]
            assert sign * rim[:, 2].mean() < -0.005
            # Seen from the camera's origin the normals are known; elsewhere the pipeline finds them.
            assert (call["normals"] is not None) == (frame == "camera")
            assert frame != "camera" or (call["normals"][:, 2] > -0.2).all()
    finally:
        rig.close()


# What goes wrong.


def test_each_mistake_is_said_and_the_node_goes_on(rig, pipeline):
    given = {"cloud": cloud()}
    for fields, words in (
        ({}, "no cloud yet: waiting for /object/points (nobody publishes it; remap `object/points`)"),
        ({"mask": array_to_image(np.ones((4, 4), np.uint8), "mono8")}, "waiting for /scene/depth"),
        (given | {"instruction": ""}, "instruction: is empty"),
        (given | {"instruction": " \n\t"}, "instruction: is empty"),
        (given | {"instruction": "x" * 501}, "instruction: 501 characters, at most 500"),
        (given | {"turns": ["a"]}, "turns: given together with instruction"),
        (given | {"instruction": "", "turns": ["a", "b"]}, "turns: 2 texts"),
        (given | {"instruction": "", "turns": ["a", "", "c"]}, "turns[1]: is empty"),
        (given | {"instruction": "", "turns": ["a"] * 17}, "turns: 17 texts"),
        (given | {"manner": "karate"}, "manner: 'karate' is unknown; use one of power, precision, tripod"),
        (given | {"part": "spout"}, "part: 'spout' is not on this object; it has body, handle"),
        (given | {"part": "p" * 9999}, "part: 9999 characters"),
        (given | {"candidates": 65}, "candidates: 65, at most 64"),
        (given | {"candidates": 2, "keep": 3}, "keep: 3 of 2"),
        ({"cloud": cloud(ball(50))}, "too few points: 50 valid, at least 128"),
        ({"cloud": cloud(ball() * 1000)}, "spans"),
        ({"cloud": cloud(np.full((500, 3), np.nan))}, "too few points: 0 valid"),
        (given | {"instruction": "explode"}, "ZeroDivisionError: tokens divided by nothing"),
    ):
        answer = ask(rig, **fields)
        assert not answer.success and words in answer.message, (words, answer.message)
        assert len(answer.grasps) == 0 and len(answer.message) < 1000
    assert ask(rig, **given).success


def test_malformed_clouds_are_refused_and_the_node_goes_on(rig, pipeline):
    rng = np.random.default_rng(1)

    def changed(**changes: object) -> PointCloud2:
        message = cloud()
        for name, value in changes.items():
            setattr(message, name, value)
        return message

    no_z, wrong_kind = cloud(), cloud()
    no_z.fields = no_z.fields[:2]
    wrong_kind.fields[0].datatype = 4
    cases = [
        (changed(point_step=5), "does not fit"),
        (changed(point_step=0), "point_step"),
        (changed(point_step=4096), "row_step"),
        (changed(row_step=0), "row_step"),
        (changed(width=2**32 - 1, height=2**32 - 1), "more than"),
        (changed(data=b""), "cloud.data: 0 bytes"),
        (changed(width=0), "cloud: is empty"),
        (changed(fields=[]), "'x' is missing"),
        (no_z, "'z' is missing; there are x, y"),
        (wrong_kind, "datatype 4"),
    ]
    for message, words in cases:
        answer = ask(rig, cloud=message)
        assert not answer.success and words in answer.message, (words, answer.message)
    for _ in range(25):
        message = cloud()
        for name in rng.choice(["width", "height", "point_step", "row_step"], 2, replace=False):
            setattr(message, name, int(rng.integers(0, 2**31) >> rng.integers(0, 31)))
        message.is_bigendian = bool(rng.integers(2))
        message.fields[0].offset = int(rng.integers(0, 20))
        message.data = rng.bytes(int(rng.integers(0, 40_000)))
        assert isinstance(ask(rig, cloud=message).message, str)
    # Big-endian is no mistake.
    swapped = changed(is_bigendian=True, data=ball().astype(">f4").tobytes())
    answer = ask(rig, cloud=swapped)
    assert answer.success and np.allclose(position(answer.grasps[0]), CENTRE, atol=2e-3)
    misread = changed(is_bigendian=True)
    assert not ask(rig, cloud=misread).success


def test_strange_words_reach_the_model_whole(rig, pipeline):
    for text in (
        "Gib mir die Tasse – bitte!",
        "拿起杯子",
        "'; drop table grasps; --",
        "{}%s\\n<SG>",
        "a" * 500,
    ):
        answer = ask(rig, instruction=text, cloud=cloud(), keep=1)
        assert answer.success and answer.grasps[0].instruction == pipeline.calls[-1]["turns"] == text


def test_old_clouds_are_not_used(rig, pipeline):
    node = rig.nodes[1]
    node._sources.config.max_age_s = 0.3
    points = rig.client.create_publisher(PointCloud2, "object/points", 1)
    eventually(points.get_subscription_count)
    points.publish(cloud())
    ready(node)
    time.sleep(0.5)
    answer = ask(rig)
    assert not answer.success and "max_age_s is 0.3" in answer.message
    node._sources.config.max_age_s = 0.0
    assert ask(rig).success


# While the model thinks.


def test_the_node_answers_while_the_model_thinks_and_refuses_what_is_too_much(rig, pipeline):
    ask(rig, cloud=cloud())  # the client is known, and open3d is loaded
    client = rig._clients[SERVICE]
    diagnostics = rig.collect(DiagnosticArray, "/diagnostics")
    pipeline.gate.clear()
    request = GenerateGrasp.Request(instruction="hold it", cloud=cloud(), keep=1)
    waiting = [client.call_async(request) for _ in range(3)]
    eventually(lambda: len(rig.nodes[1]._queue) == 3)
    refused = wait(client.call_async(request), 10.0)
    assert not refused.success and "busy: 3 requests" in refused.message
    assert rig.call(ListParameters, "semgrasp/list_parameters", ListParameters.Request()).result.names
    seen = len(diagnostics)
    eventually(lambda: len(diagnostics) > seen)
    values = {entry.key: entry.value for entry in diagnostics[-1].status[0].values}
    assert values["requests running or waiting"] == "3" and values["model"] == "stand-in"
    assert not any(future.done() for future in waiting)
    pipeline.gate.set()
    assert all(wait(future, 10.0).success for future in waiting)
    assert len(rig.nodes[1]._queue) == 0


def test_cleaning_up_ends_what_waits_and_the_node_can_be_configured_again(rig, pipeline):
    ask(rig, cloud=cloud())
    pipeline.gate.clear()
    client = rig._clients[SERVICE]
    request = GenerateGrasp.Request(instruction="hold it", cloud=cloud())
    waiting = [client.call_async(request) for _ in range(2)]
    eventually(lambda: len(rig.nodes[1]._queue) == 2)
    threading.Timer(0.5, pipeline.gate.set).start()

    def change(identity: int) -> None:
        done = rig.call(
            ChangeState, "semgrasp/change_state", ChangeState.Request(transition=Transition(id=identity))
        )
        assert done.success

    change(Transition.TRANSITION_DEACTIVATE)
    change(Transition.TRANSITION_CLEANUP)
    answers = [wait(future, 10.0) for future in waiting]
    assert sum(not answer.success and "shutting down" in answer.message for answer in answers) == 1
    assert "not configured" in ask(rig, cloud=cloud()).message
    change(Transition.TRANSITION_CONFIGURE)
    assert "inactive" in ask(rig, cloud=cloud()).message
    change(Transition.TRANSITION_ACTIVATE)
    assert ask(rig, cloud=cloud()).success


def test_the_executable_answers_before_it_is_configured_and_ends_with_0(rig):
    process = subprocess.Popen(
        [sys.executable, "-m", "semgrasp_ros.nodes.semgrasp", "--ros-args", "-p", "autostart:=false"],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        answer = ask(rig, cloud=cloud())
        assert not answer.success and "not configured: configure and activate it first" in answer.message
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, process.stderr.read()
    finally:
        process.kill()
        process.communicate()


def test_a_model_that_cannot_be_loaded_is_said(rig):
    def broken(config: object) -> StandIn:
        raise FileNotFoundError("model: no folder 'nowhere'")

    rig.add(SemGraspNode(broken))
    answer = ask(rig, cloud=cloud())
    assert not answer.success and "not configured: model: no folder 'nowhere'" in answer.message


def test_the_watchdog_says_within_five_seconds_what_is_missing(rig, pipeline):
    node = rig.nodes[1]
    complaint = eventually(lambda: node.complaint, 8.0)
    for topic in ("/object/points", "/object/mask", "/perception/heatmap_info", "/scene/camera_info"):
        assert topic in complaint
    Camera(rig).peak = (80, 60)
    eventually(lambda: not node.complaint, 8.0)
