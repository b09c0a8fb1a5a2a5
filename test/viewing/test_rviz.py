"""RViz's configuration: displays of a plain desktop, topics that there are, types and QoS that fit."""

import inspect
import re

import pytest
import yaml

from grasp2vec_ros.nodes import markers as peak_markers
from grasp_node_kit.bringup.arguments import TOPICS
from semgrasp_ros.nodes import markers as hand_markers
from semgrasp_ros.nodes import robot_markers
from test.launch.helpers import nodes
from test.viewing.reference import ROOT, Topic, topics

CONFIGURATION = yaml.safe_load((ROOT / "rviz/semantic_grasping.rviz").read_text())
MANAGER = CONFIGURATION["Visualization Manager"]
DISPLAYS = {display["Name"]: display for display in MANAGER["Displays"]}
# What a display takes; its plugin is part of rviz_default_plugins of Jazzy and Kilted.
TYPES = {
    "Grid": None,
    "TF": None,
    "RobotModel": "std_msgs/String",
    "DepthCloud": "sensor_msgs/Image",
    "Pose": "geometry_msgs/PoseStamped",
    "PointCloud2": "sensor_msgs/PointCloud2",
    "MarkerArray": "visualization_msgs/MarkerArray",
    "Image": "sensor_msgs/Image",
}
# Published by robot_state_publisher.
FROM_ELSEWHERE = {"robot_description": Topic("std_msgs/String", reliable=True, latched=True)}
PUBLISHED = topics("Topics out")
FROM_CAMERAS = {topic.name for topic in TOPICS.values()}


def kind(display: dict) -> str:
    package, _, name = display["Class"].partition("/")
    assert package == "rviz_default_plugins"
    return name


def subscriptions() -> list[tuple[str, str, dict]]:
    """Name of the display, topic and QoS of each subscription."""
    plain = [
        (name, display[key]["Value"], display[key])
        for name, display in DISPLAYS.items()
        for key in ("Topic", "Description Topic")
        if key in display
    ]
    depth_clouds = [
        (name, display[key], {"Reliability Policy": display["Reliability Policy"]})
        for name, display in DISPLAYS.items()
        for key in ("Depth Map Topic", "Color Image Topic")
        if key in display
    ]
    return plain + depth_clouds


def test_everything_asked_for_is_shown():
    assert {topic for _, topic, _ in subscriptions()} >= {
        "scene/image",
        "scene/depth",
        "perception/overlay",
        "perception/goal_image",
        "perception/markers",
        "semgrasp/markers",
        "semgrasp/object_points",
        "retarget/markers",
        "retarget/tool_pose",
    }
    assert {kind(display) for display in DISPLAYS.values()} == set(TYPES)
    assert len(DISPLAYS) == len(MANAGER["Displays"]), "two displays have the same name"


@pytest.mark.parametrize("name", DISPLAYS)
def test_a_display_with_topics_has_all_of_them(name):
    assert (TYPES[kind(DISPLAYS[name])] is not None) == any(name == each for each, _, _ in subscriptions())
    assert DISPLAYS[name]["Enabled"] is DISPLAYS[name]["Value"]


@pytest.mark.parametrize(("name", "topic", "qos"), subscriptions())
def test_topics_exist_with_fitting_type_and_quality(name, topic, qos):
    known = topics("Topics in") | PUBLISHED | FROM_ELSEWHERE
    assert topic in known, f"{name}: nobody publishes {topic}"
    published = known[topic]
    assert published.type == TYPES[kind(DISPLAYS[name])]
    assert published.reliable or qos["Reliability Policy"].lower() == "best effort"
    latched = qos.get("Durability Policy") == "Transient Local"
    # What is latched is wanted by who comes late; what is not would never connect to a latched subscription.
    assert latched == published.latched


@pytest.mark.parametrize("name", [name for name, topic, _ in subscriptions() if topic in FROM_CAMERAS])
def test_cameras_of_any_driver_are_heard(name):
    display = DISPLAYS[name]
    assert display.get("Topic", display)["Reliability Policy"].lower() == "best effort"


@pytest.mark.parametrize(
    ("name", "module"),
    [("Hand", hand_markers), ("Robot's grasp", robot_markers), ("Where the goal is", peak_markers)],
)
def test_namespaces_are_those_of_the_markers(name, module):
    made = set(re.findall(r'_marker\(\s*\w+,\s*"(\w+)"', inspect.getsource(module)))
    assert made and set(DISPLAYS[name]["Namespaces"]) == made


def test_topics_are_relative_so_that_namespaces_work():
    assert not [topic for _, topic, _ in subscriptions() if topic.startswith("/")]


def test_the_launch_file_starts_it_with_the_sources_topics_and_the_arms_base():
    plan = nodes("bringup", source="realsense", robot="franka", rviz="true", namespace="r1")["rviz"]
    assert plan.arguments == (
        "-d",
        str(ROOT / "rviz/semantic_grasping.rviz"),
        "-f",
        "fr3_link0",
    )
    remapped = dict(plan.remappings)
    assert remapped["scene/image"] == "camera/camera/color/image_raw"
    assert {"scene/depth", "scene/camera_info", "held/image", "/tf", "/tf_static"} <= set(remapped)
    assert plan.namespace == "/r1"


def test_it_is_installed():
    installed = re.search(r"install\(DIRECTORY ([^)]*) DESTINATION", (ROOT / "CMakeLists.txt").read_text())
    assert "rviz" in installed[1].split()
    needed = (ROOT / "package.xml").read_text()
    assert "<exec_depend>rviz2</exec_depend>" in needed and "rviz_default_plugins</exec_depend>" in needed
