"""What different files of the package say about each other must agree."""

import ast
import dataclasses
import importlib
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
import yaml

from grasp2vec_ros.core.grasp_anything import GraspAnythingConfig
from grasp2vec_ros.core.inference import PerceiverConfig
from grasp2vec_ros.core.options import from_yaml
from grasp2vec_ros.core.trainer import TrainerConfig
from grasp2vec_ros.nodes.capture import CaptureConfig
from grasp2vec_ros.nodes.grasping import GraspingConfig
from grasp2vec_ros.nodes.perception import PerceptionConfig
from grasp2vec_ros.nodes.trainer import TrainerNodeConfig
from grasp_cell.config import CellConfig
from grasp_cell.node import CellNodeConfig
from grasp_node_kit.extrinsics import ExtrinsicsConfig
from semgrasp_ros.core.retarget.bin_motion import BinConfig, BinMotionConfig

ROOT = Path(__file__).parent.parent
GRASP2VEC = [
    CaptureConfig,
    TrainerNodeConfig,
    TrainerConfig,
    PerceptionConfig,
    PerceiverConfig,
    GraspingConfig,
    BinMotionConfig,
]
CELL = [CellNodeConfig, CellConfig]


def keys(configurations: list[type], groups: dict[str, type]) -> set[str]:
    names = {field.name for configuration in configurations for field in dataclasses.fields(configuration)}
    return names | {
        f"{group}.{field.name}" for group, kind in groups.items() for field in dataclasses.fields(kind)
    }


def flat(values: dict, prefix: str = "") -> set[str]:
    found = set()
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}"}
    return found


@pytest.mark.parametrize(
    ("file", "known"),
    [
        (
            "grasp2vec.yaml",
            keys(GRASP2VEC, {"planning": GraspAnythingConfig, "extrinsics": ExtrinsicsConfig}),
        ),
        ("cell.yaml", keys(CELL, {})),
    ],
)
def test_parameter_files_name_parameters_that_there_are(file, known):
    content = yaml.safe_load((ROOT / "config" / file).read_text())
    assert flat(content["/**"]["ros__parameters"]) <= known


def test_the_arm_moves_in_the_bin_that_grasps_are_planned_in():
    planned = {field.name: field.default for field in dataclasses.fields(GraspAnythingConfig)}
    moved = {field.name: field.default for field in dataclasses.fields(BinConfig)}
    assert moved.items() <= planned.items()


def scripts() -> dict[str, str]:
    text = re.search(r"set\(executables\n(.*?)\n\)", (ROOT / "CMakeLists.txt").read_text(), re.DOTALL)
    return dict(line.strip().split("=") for line in text[1].splitlines())


def test_executables_are_there():
    assert {"capture", "trainer", "perception", "grasping", "semgrasp", "cell"} <= scripts().keys()
    for target in scripts().values():
        assert callable(importlib.import_module(target).main)


def test_launch_arguments_are_described():
    for file in (ROOT / "launch").glob("*.launch.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "DeclareLaunchArgument":
                assert any(keyword.arg == "description" for keyword in node.keywords), (
                    f"{file.name}:{node.lineno}"
                )


def test_every_field_of_every_interface_has_a_comment():
    for file in [path for kind in ("msg", "srv", "action") for path in (ROOT / kind).iterdir()]:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            assert not line.strip() or line.startswith("---") or "#" in line, f"{file.name}:{number}: {line}"


def test_the_package_names_what_it_needs():
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    assert package.get("format") == "3" and package.findtext("license") == "Apache-2.0"
    needed = {element.text for element in package if element.tag.endswith("depend")}
    imported = set()
    for folder in ("grasp_node_kit", "grasp2vec_ros", "grasp_cell"):
        for file in (ROOT / folder).rglob("*.py"):
            imported |= set(
                re.findall(
                    r"^(?:from|import) (\w+_msgs|rcl_interfaces|std_srvs|rclpy|tf2_ros)\b",
                    file.read_text(),
                    re.M,
                )
            )
    assert {name.replace("tf2_ros", "tf2_ros_py") for name in imported} <= needed


def test_core_does_not_know_ros():
    for file in (ROOT / "grasp2vec_ros/core").rglob("*.py"):
        assert not re.search(
            r"^\s*(import|from) (rclpy|\w+_msgs|semantic_grasping|grasp_node_kit|grasp_cell)\b",
            file.read_text(),
            re.M,
        ), file


def test_every_pinned_requirement_is_in_the_constraints():
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
        if "==" in line
    }
    for file in ROOT.glob("requirements*.txt"):
        for line in file.read_text().splitlines():
            name = re.split(r"[\[=<> #]", line.strip())[0].lower().replace("_", "-")
            assert not name or name in pinned, f"{file.name}: {name}"


def test_the_configuration_of_the_shipped_model_can_be_read():
    config = from_yaml(TrainerConfig, ROOT / "config/model.yaml", [])
    assert config.learner.decay_steps > 0 and config.scene_group > 1
