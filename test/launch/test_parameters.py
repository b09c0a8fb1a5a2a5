"""Parameter files and presets on real nodes: every name is declared, every value accepted, the right one wins."""

import importlib
import re

import pytest
import rclpy
import yaml

from grasp_node_kit.bringup.arguments import ROBOTS, SOURCES
from grasp_node_kit.bringup.nodes import NODES
from grasp_node_kit.bringup.plan import NodePlan
from grasp_node_kit.node import KitNode
from test.launch.helpers import ROOT, nodes
from test.launch.test_plans import executables


def make(plan: NodePlan, folder) -> KitNode:
    """The node of a plan with the command line that it would get, not configured."""
    module = importlib.import_module(executables()[plan.executable])
    kind = next(
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, KitNode) and each.__module__ == module.__name__
    )
    files = [word for file in plan.parameter_files(folder) for word in ("--params-file", str(file))]
    remaps = [word for own, used in plan.remappings for word in ("-r", f"{own}:={used}")]
    rclpy.init(args=["--ros-args", "-r", f"__ns:={plan.namespace}", *remaps, *files])
    return kind()


@pytest.fixture
def made(tmp_path):
    alive = []

    def one(plan: NodePlan) -> KitNode:
        while alive:
            end(alive.pop())
        alive.append(make(plan, tmp_path))
        return alive[-1]

    def end(node: KitNode) -> None:
        node.destroy_node()
        rclpy.shutdown()

    yield one
    while alive:
        end(alive.pop())


def value(node: KitNode, name: str) -> object:
    found = node.get_parameter(name).value
    return list(found) if hasattr(found, "__len__") and not isinstance(found, str) else found


def flat(values: dict, prefix: str = "") -> dict[str, object]:
    found = {}
    for name, each in values.items():
        found |= flat(each, f"{prefix}{name}.") if isinstance(each, dict) else {f"{prefix}{name}": each}
    return found


def test_parameters_in_files_and_presets_are_declared_by_nodes_and_accepted(made):
    everything = nodes("bringup", source="cell", viewer="true", teleop="true", arm="true")
    declared = {name: set(made(everything[name])._parameters) for name in NODES}
    for file in ("grasp2vec", "semgrasp", "retarget", "cell"):
        used_by = {name for name in NODES if NODES[name].config == f"{file}.yaml"}
        content = yaml.safe_load((ROOT / f"config/{file}.yaml").read_text())
        wanted = set(flat(content["/**"]["ros__parameters"]))
        assert wanted <= set().union(*(declared[name] for name in used_by)), file
    for file in (ROOT / "config/presets").rglob("*.yaml"):
        wanted = set(flat((yaml.safe_load(file.read_text()) or {}).get("parameters", {})))
        assert wanted <= set().union(*declared.values()), file.name
    for name, facts in NODES.items():
        assert {parameter for _, parameter in facts.parameters} <= declared[name], name


@pytest.mark.parametrize(("source", "robot"), [*zip(SOURCES, (ROBOTS * 2)[: len(SOURCES)], strict=True)])
def test_nodes_take_what_a_preset_says(made, source, robot):
    planned = nodes("bringup", source=source, robot=robot)
    node = made(planned["grasping"])
    for name, wanted in flat(planned["grasping"].presets).items():
        if node.has_parameter(name):
            assert value(node, name) == wanted, name
    assert value(made(planned["capture"]), "finger_joints") == planned["capture"].presets["finger_joints"]


def test_an_argument_goes_before_the_operators_file_and_that_before_presets(made, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(
        "/**: {ros__parameters: {extrinsics: {base_frame: mine}, device: cpu, store: mine, held_views: 5}}\n"
        "/r1/grasping: {ros__parameters: {robot_id: mine}}\n"
    )
    given = {"namespace": "r1", "params_file": str(mine), "source": "cell"}
    grasping = made(nodes("bringup", **given)["grasping"])
    assert value(grasping, "extrinsics.base_frame") == "mine" and value(grasping, "held_views") == 5
    assert value(grasping, "robot_id") == "mine"
    assert value(grasping, "extrinsics.translation_m") == [0.906737, 0.0, 0.933545]
    given |= {"base_frame": "told", "robot_id": "7", "store": "told"}
    grasping = made(nodes("bringup", **given)["grasping"])
    assert value(grasping, "extrinsics.base_frame") == "told" and value(grasping, "robot_id") == "7"
    trainer = made(nodes("bringup", **given)["trainer"])
    assert value(trainer, "store") == "told" and value(trainer, "device") == "cpu"
    assert value(trainer, "checkpoints") == "out/r1/checkpoints"


def test_topics_time_and_qos_reach_the_node(made):
    given = {"namespace": "r1", "source": "realsense", "use_sim_time": "true", "autostart": "false"}
    given |= {"input_reliability": "reliable", "input_depth": "4", "store": "out/none"}
    node = made(nodes("grasp2vec_core", **given)["grasping"])
    assert node.resolve_topic_name("scene/depth") == "/r1/camera/camera/aligned_depth_to_color/image_raw"
    assert node.resolve_topic_name("/tf") == "/r1/tf"
    assert value(node, "use_sim_time") is True and node.autostart is False
    node.set_up()
    qos = {each.topic_name: each.qos_profile for each in node.subscriptions}
    depth = qos["/r1/camera/camera/aligned_depth_to_color/image_raw"]
    assert depth.reliability.name == "RELIABLE" and depth.depth == 4
    assert qos["/r1/perception/heatmap"].depth != 4


def test_a_clock_in_the_namespace_is_heard(made):
    node = made(nodes("grasp2vec_core", namespace="r1", source="cell")["capture"])
    assert "/r1/clock" in {each.topic_name for each in node.subscriptions} or re.search(
        "/r1/clock", str(node.get_subscriber_names_and_types_by_node("capture", "/r1"))
    )
