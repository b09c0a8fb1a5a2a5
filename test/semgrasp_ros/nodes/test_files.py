"""What the node's files say about each other must agree."""

import dataclasses
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import yaml

from grasp_node_kit.extrinsics import ExtrinsicsConfig
from semgrasp_ros.core.cloud.depth import DepthConfig
from semgrasp_ros.core.cloud.object_cloud import CloudConfig
from semgrasp_ros.nodes.semgrasp import SemGraspNodeConfig
from semgrasp_ros.nodes.sources import SourcesConfig

ROOT = Path(__file__).parent.parent.parent.parent
GROUPS = {"cloud": CloudConfig, "depth": DepthConfig, "extrinsics": ExtrinsicsConfig}


def names(kind: type) -> set[str]:
    return {field.name for field in dataclasses.fields(kind)}


def test_the_parameter_file_names_parameters_that_there_are():
    values = yaml.safe_load((ROOT / "config/semgrasp.yaml").read_text())["/**"]["ros__parameters"]
    for group, kind in GROUPS.items():
        assert set(values.pop(group, {})) <= names(kind)
    assert set(values) <= names(SemGraspNodeConfig) | names(SourcesConfig)


def test_the_package_names_the_messages_that_the_node_needs():
    needed = {element.text for element in ElementTree.parse(ROOT / "package.xml").getroot()}
    imported: set[str] = set()
    for file in (ROOT / "semgrasp_ros").rglob("*.py"):
        imported |= set(re.findall(r"^\s*(?:from|import) (\w+_msgs|rclpy)\b", file.read_text(), re.M))
    assert "visualization_msgs" in imported and imported <= needed


def test_the_core_does_not_know_ros():
    for file in (ROOT / "semgrasp_ros/core").rglob("*.py"):
        assert not re.search(
            r"^\s*(import|from) (rclpy|\w+_msgs|semantic_grasping|grasp_node_kit|grasp_cell|semgrasp_ros\.nodes)\b",
            file.read_text(),
            re.M,
        ), file
