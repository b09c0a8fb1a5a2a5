"""The view in a browser: shapes, the file, the server, and the node over DDS."""

import shutil
import socket
import sys
import urllib.request
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from rclpy.parameter import Parameter
from semantic_grasping.msg import GraspExperience, GraspReward
from semantic_grasping.srv import SetGoal
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from grasp2vec_ros.nodes.markers import peak_markers
from grasp2vec_ros.nodes.perception import PerceptionNode
from grasp_node_kit.images import array_to_image
from grasp_node_kit.qos import LATCHED
from grasp_viewer import places
from grasp_viewer.node import ViewerNode, unused
from grasp_viewer.server import Server, ServerError
from grasp_viewer.shapes import shape_of
from grasp_viewer.view import View
from semgrasp_ros.nodes.markers import hand_markers
from semgrasp_ros.nodes.messages import to_points
from semgrasp_ros.nodes.robot_markers import grasp_markers
from test.grasp2vec_ros.core.helpers import draw_object
from test.rig import FAKE_CAMERA, FakeRobot, Rig, eventually
from test.viewing.test_pictures import heatmap_info

HEADER = Header(frame_id="base")


def hand() -> MarkerArray:
    """A tetrahedron for a hand."""
    corners = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)], float)
    faces = np.array([(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)])
    keypoints = np.random.default_rng(0).random((21, 3))
    return hand_markers(HEADER, corners, faces, keypoints, corners[:2], np.array([0, 5]))


def robot() -> MarkerArray:
    pose = np.eye(4)
    return grasp_markers(HEADER, pose, pose, [(pose, (0.1, 0.02, 0.05))], np.zeros((2, 3)), "grasp")


def contents(file) -> Counter:
    """Rows of each entity of a recording."""
    from rerun.chunk import RrdReader

    rows: Counter = Counter()
    for chunk in RrdReader(str(file)).stream():
        rows[chunk.entity_path] += chunk.num_rows
    return rows


def scalars(file, place: str) -> list[float]:
    from rerun.chunk import RrdReader

    found = []
    for chunk in RrdReader(str(file)).stream():
        if chunk.entity_path == f"/{place}":
            batch = chunk.to_record_batch()
            names = [name for name in batch.schema.names if "calars" in name and "ype" not in name]
            found += [row[0] for name in names for row in batch.column(name).to_pylist() if row]
    return found


@pytest.mark.parametrize("array", [hand(), robot(), peak_markers(heatmap_info(), "mug")])
def test_every_marker_of_the_package_is_drawn(array, tmp_path):
    view = View("base", recording=tmp_path / "view.rrd")
    assert view.markers("world/it", array) == []
    view.close()
    drawn = {f"/world/it/{m.ns}/{m.id}" for m in array.markers if m.action == Marker.ADD}
    assert drawn and drawn <= set(contents(tmp_path / "view.rrd"))


def test_a_surface_is_closed_and_its_normals_point_outwards():
    mesh = shape_of(hand().markers[1])
    vertices = np.array(mesh.vertex_positions.as_arrow_array().to_pylist())
    normals = np.array(mesh.vertex_normals.as_arrow_array().to_pylist())
    assert len(vertices) == 4  # not 12: corners in one place are one
    assert (((vertices - vertices.mean(axis=0)) * normals).sum(axis=1) > 0).all()
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)


def test_markers_are_drawn_at_their_pose():
    marker = Marker(type=Marker.SPHERE)
    marker.pose.position.x, marker.pose.orientation.w = 0.5, 1.0
    marker.color = ColorRGBA(r=2.0, g=float("nan"), b=0.0, a=1.0)
    assert shape_of(marker).positions.as_arrow_array().to_pylist() == [[0.5, 0.0, 0.0]]
    line = Marker(type=Marker.LINE_LIST, points=to_points(np.array([(1.0, 0, 0), (2.0, 0, 0)])))
    line.pose.orientation.z, line.pose.orientation.w = 1.0, 0.0  # half a turn
    assert np.allclose(shape_of(line).strips.as_arrow_array().to_pylist(), [[[-1, 0, 0], [-2, 0, 0]]])


@pytest.mark.parametrize(
    ("marker", "text"),
    [
        (Marker(type=Marker.SPHERE), None),
        (Marker(type=Marker.TRIANGLE_LIST, points=to_points(np.zeros((4, 3)))), "4 are no groups of 3"),
        (Marker(type=Marker.MESH_RESOURCE), "markers of type 10 are not drawn"),
    ],
)
def test_what_cannot_be_drawn_is_named(marker, text, tmp_path):
    marker.ns = "thing"
    if text is None:
        marker.pose.orientation.w, text = float("nan"), "is no pose"
    view = View("base", recording=tmp_path / "view.rrd")
    (said,) = view.markers("world/it", MarkerArray(markers=[marker]))
    assert said.startswith("world/it/thing/0: ") and text in said
    with pytest.raises(ValueError, match="markers: 1001 given; 1000 are allowed"):
        view.markers("world/it", MarkerArray(markers=[Marker()] * 1001))
    with pytest.raises(ValueError, match="transform of 'tool': has a number that is not finite"):
        bad = TransformStamped(child_frame_id="tool")
        bad.transform.translation.x = float("inf")
        view.transform(bad)
    view.close()


def test_without_rerun_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(RuntimeError, match=r"pip install -c constraints\.txt rerun-sdk"):
        View("base", recording=tmp_path / "view.rrd")


def test_a_recording_is_not_written_over(tmp_path):
    file = tmp_path / "view.rrd"
    assert unused(file) == file
    file.touch()
    assert unused(file) == tmp_path / "view-1.rrd"


def free_ports() -> list[int]:
    probes = [socket.socket() for _ in range(2)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def listening(port: int) -> set[str]:
    """Addresses on which a port is listened to, as the kernel writes them."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {w[1].split(":")[0] for w in lines if w[3] == "0A" and int(w[1].split(":")[1], 16) == port}


def test_the_page_is_served_to_this_machine_only():
    web, data = free_ports()
    server = Server(web, data, memory_mb=32)
    try:
        assert listening(web) == listening(data) == {"0100007F"}
        page = urllib.request.urlopen(server.page_url, timeout=10).read().decode()
        assert "<html" in page and server.running and f"localhost%3A{data}" in server.page_url
        with pytest.raises(ServerError, match=f"web_port: {web} is taken"):
            Server(web, data, memory_mb=32)
    finally:
        server.close()
    assert not listening(web) and not server.running


@pytest.fixture
def rig(tmp_path):
    made = Rig(
        store=tmp_path / "store",
        checkpoints=tmp_path / "checkpoints",
        initial_checkpoint="none",
        serve=False,
        recording=tmp_path / "view.rrd",
        rate_hz=30.0,
        cloud_rate_hz=10.0,
        **FAKE_CAMERA,
    )
    yield made
    made.close()


def test_all_that_the_nodes_say_is_shown(rig, tmp_path):
    rig.add(FakeRobot())
    rig.add(PerceptionNode())
    viewer = rig.add(ViewerNode())
    hands = rig.client.create_publisher(MarkerArray, "semgrasp/markers", LATCHED)
    robots = rig.client.create_publisher(MarkerArray, "retarget/markers", LATCHED)
    rewards = rig.client.create_publisher(GraspReward, "perception/reward", 10)
    attempts = rig.client.create_publisher(GraspExperience, "capture/experience", 10)
    eventually(lambda: all(p.get_subscription_count() for p in (hands, robots, rewards, attempts)))
    rig.call(
        SetGoal, "perception/set_goal", SetGoal.Request(images=[array_to_image(draw_object(2, 48), "rgb8")])
    )
    hands.publish(hand())
    robots.publish(robot())
    for value in (0.25, 0.75):
        rewards.publish(GraspReward(reward=value, cosine=float("nan"), lifted=True, goal_id="it"))
    attempt = GraspExperience(success=True, episode="e")
    attempt.grasp_pose.header.frame_id, attempt.grasp_pose.pose.orientation.w = "base", 1.0
    attempts.publish(attempt)
    file, copy = tmp_path / "view.rrd", tmp_path / "copy.rrd"
    wanted = [places.SCENE, places.HELD, places.OVERLAY, places.GOAL, places.CLOUD, places.GRASP]
    wanted += [f"{places.PEAK}/text/0", f"{places.HAND}/hand/0", f"{places.FRAMES}/scene_camera"]
    wanted += [f"{places.REWARDS}/reward", f"{places.ROBOT_GRASP}/gripper/0"]

    def all_there() -> bool:
        shutil.copy(file, copy)
        return {f"/{place}" for place in wanted} <= set(contents(copy))

    eventually(all_there, 30.0)
    viewer.close()
    # The last one is perception's own, for the attempt without a view of what was held.
    assert scalars(file, f"{places.REWARDS}/reward") == [0.25, 0.75, 0.0]
    assert not scalars(file, f"{places.REWARDS}/cosine")


def test_a_view_that_goes_nowhere_is_refused(rig):
    nowhere = [Parameter("serve", value=False), Parameter("recording", value="")]
    viewer = rig.add(ViewerNode(parameter_overrides=nowhere))
    assert not viewer.active or "goes nowhere" in viewer.problem
