"""Presets: well-formed, with parameters that nodes have, and in agreement with the robots and cells they are for."""

import numpy as np
import pytest
import yaml

from grasp_cell.arm import BASE_FRAME, FINGER_JOINTS, LARGEST_OPENING_M
from grasp_cell.config import CellConfig
from grasp_cell.scene import make_cameras
from grasp_node_kit.bringup.arguments import ROBOTS, SOURCES
from grasp_node_kit.bringup.presets import load_preset, merged
from grasp_node_kit.bringup.setting import absolute
from grasp_node_kit.extrinsics import pose_matrix
from test.launch.helpers import ROOT, nodes, setting

PRESETS = ROOT / "config/presets"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("topic: {}", "'topic' is unknown"),
        ("topics: {scene_picture: a}", "topics.scene_picture is unknown"),
        ("topics: {scene_image: 3}", "topics.scene_image: 3"),
        ("use_sim_time: 1", "use_sim_time: 1 is not of type bool"),
        ("- a", "expected `name: value` lines"),
        ("{", "cannot be read as YAML"),
    ],
)
def test_what_is_wrong_in_a_preset_is_named(tmp_path, text, named):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=f"mine.yaml.*{named}"):
        load_preset(file)


def test_groups_of_parameters_are_merged():
    first = {"a": 1, "group": {"b": 2, "c": 3}}
    assert merged(first, {"group": {"c": 4}, "d": 5}) == {"a": 1, "group": {"b": 2, "c": 4}, "d": 5}
    assert first == {"a": 1, "group": {"b": 2, "c": 3}}


@pytest.mark.parametrize("source", SOURCES)
def test_a_source_says_where_images_come_from(source):
    preset = load_preset(PRESETS / f"sources/{source}.yaml")
    # Relative to the robot's namespace, as the drivers' own are.
    assert not any(name.startswith("/") for name in preset.topics.values())
    assert len(set(preset.topics.values())) == len(preset.topics)
    assert bool(preset.camera_frame) == (source not in ("custom", "gazebo"))


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_robot_says_its_base_joints_and_opening(robot):
    preset = load_preset(PRESETS / f"robots/{robot}.yaml")
    assert set(preset.topics) == {"joint_states"}
    assert preset.parameters["extrinsics"]["base_frame"] and preset.parameters["finger_joints"]


@pytest.mark.parametrize(("robot", "file"), [("panda", "panda"), ("mock", "panda"), ("ur", "ur5_jaw85")])
def test_a_robot_agrees_with_its_description(robot, file):
    preset = load_preset(PRESETS / f"robots/{robot}.yaml").parameters
    described = yaml.safe_load((ROOT / f"config/robots/{file}.yaml").read_text())
    assert preset["extrinsics"]["base_frame"] == described["base_frame"]
    assert preset["finger_joints"] == described["gripper"]["joints"]
    assert preset["planning"]["largest_opening_m"] == described["gripper"]["opening_max_m"]


def test_the_panda_is_the_cells():
    preset = load_preset(PRESETS / "robots/panda.yaml").parameters
    assert preset["extrinsics"]["base_frame"] == BASE_FRAME
    assert tuple(preset["finger_joints"]) == FINGER_JOINTS
    assert preset["planning"]["largest_opening_m"] == LARGEST_OPENING_M


def test_the_camera_of_the_cell_is_where_the_cell_has_it():
    preset = load_preset(PRESETS / "sources/cell.yaml")
    extrinsics = preset.parameters["extrinsics"]
    pose = pose_matrix(extrinsics["translation_m"], extrinsics["rotation_xyzw"])
    assert np.abs(pose - make_cameras(CellConfig())["scene"].base_from_camera).max() < 1e-5
    assert f'"{preset.camera_frame}"' in (ROOT / "grasp_cell/node.py").read_text()


def test_a_camera_has_one_parent_in_tf():
    # Gazebo's description has the camera; a second publisher of its pose would break the tree.
    assert '<link name="${name}_camera"/>' in (ROOT / "urdf/panda_cameras.xacro").read_text()
    assert "camera_frame" not in nodes("bringup", source="gazebo")


def test_topics_of_gazebo_are_those_of_the_bridge():
    bridge = yaml.safe_load((ROOT / "config/gz_bridge.yaml").read_text())
    bridged = {entry["ros_topic_name"] for entry in bridge}
    made = setting("bringup", source="gazebo")
    cameras = {made.topic(name) for name in ("scene_image", "scene_depth", "scene_camera_info", "held_image")}
    assert cameras | {made.source.clock} <= bridged


def test_drivers_in_a_namespace_and_without_one_are_found():
    for namespace, image in (
        ("", "/camera/camera/color/image_raw"),
        ("r1", "/r1/camera/camera/color/image_raw"),
    ):
        made = setting("bringup", source="realsense", namespace=namespace)
        assert absolute(made.namespace, made.topic("scene_image")) == image


def test_an_argument_goes_before_the_preset():
    remappings = dict(nodes("bringup", source="oakd", scene_depth="my/depth")["perception"].remappings)
    assert remappings["scene/depth"] == "my/depth"
    assert remappings["scene/image"] == "oak/rgb/image_rect"
