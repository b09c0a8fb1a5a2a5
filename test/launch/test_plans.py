"""What launch files would start: programs, topics and namespaces that exist, in agreement with the nodes' code."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

from grasp_node_kit.bringup.arguments import SOURCES, TOPICS
from grasp_node_kit.bringup.bags import INPUTS, RESULTS
from grasp_node_kit.bringup.launches import LAUNCHES
from grasp_node_kit.bringup.nodes import NODES
from grasp_node_kit.bringup.plan import PACKAGE, CommandPlan, IncludePlan, NodePlan
from test.launch.helpers import ROOT, nodes, plan, setting

MODULES = {
    "semgrasp": ("semgrasp_ros.nodes.sources", "semgrasp_ros.nodes.semgrasp"),
    "retarget": ("semgrasp_ros.nodes.grasp_scene", "semgrasp_ros.nodes.retarget"),
}


def executables() -> dict[str, str]:
    text = re.search(r"set\(executables\n(.*?)\n\)", (ROOT / "CMakeLists.txt").read_text(), re.DOTALL)
    return dict(line.strip().split("=") for line in text[1].splitlines())


def source_of(node: str) -> str:
    modules = MODULES.get(node, (executables()[node],))
    return "\n".join(inspect.getsource(importlib.import_module(module)) for module in modules)


def published_by(node: str) -> set[str]:
    return set(re.findall(r'create_\w*publisher\(\s*\w+,\s*"([^"]+)"', source_of(node)))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    "launch", [n for n, each in LAUNCHES.items() if "source" in {x.name for x in each.arguments}]
)
def test_executables_files_and_launch_files_exist(launch, source):
    for each in plan(launch, source=source):
        if isinstance(each, NodePlan):
            assert each.package != PACKAGE or each.executable in executables()
            assert each.config is None or each.config.is_file()
        elif isinstance(each, IncludePlan):
            included = {
                argument.name for argument in LAUNCHES[each.file.removesuffix(".launch.py")].arguments
            }
            assert (ROOT / "launch" / each.file).is_file() and {
                name for name, _ in each.arguments
            } <= included


def test_every_executable_is_started_by_something():
    assert set(executables()) == set(NODES)
    everything = {"source": "cell", "viewer": "true", "teleop": "true", "arm": "true"}
    assert set(nodes("bringup", **everything)) == {*NODES, "camera_frame"}


@pytest.mark.parametrize("launch", ["grasp2vec", "bringup", "grasp2vec_core", "semgrasp"])
@pytest.mark.parametrize("source", SOURCES)
def test_one_node_serves_the_robots_actions(launch, source):
    # The cell serves its own; two servers of one action would both move the arm.
    wanted = launch in ("grasp2vec", "bringup") and source != "cell"
    assert ("arm" in nodes(launch, source=source)) == wanted
    if wanted:
        assert "arm" not in nodes(launch, source=source, arm="false")


def test_in_gazebo_the_arm_node_has_the_controllers_that_gazebo_starts():
    arm = nodes("grasp2vec", source="gazebo")["arm"]
    assert arm.presets["gripper_kind"] == "parallel_gripper_command" and arm.explicit["use_sim_time"]
    assert arm.presets["arm_action"] == "arm_controller/follow_joint_trajectory"
    # Not gripper_controller/follow_joint_trajectory, which is the node's own default.
    assert arm.presets["gripper_action"] == "gripper_controller/gripper_cmd"
    assert nodes("grasp2vec", robot="franka")["arm"].presets["extrinsics"]["base_frame"] == "fr3_link0"


@pytest.mark.parametrize("node", NODES)
def test_topics_that_are_remapped_are_the_nodes_own(node):
    facts = NODES[node]
    subscribed = set(re.findall(r'NewestSlot\(\s*"([^"]+)"', source_of(node)))
    assert {TOPICS[argument].name for argument in facts.subscribes} <= subscribed
    assert {TOPICS[argument].name for argument in facts.publishes} <= published_by(node)


@pytest.mark.parametrize("node", [name for name in NODES if name != "cell"])
def test_every_input_from_a_robot_can_be_remapped(node):
    inputs = {topic for topic in re.findall(r'NewestSlot\(\s*"([^"]+)"', source_of(node))}
    of_nodes = {
        f"{other}/{topic[2:]}" for other in NODES for topic in published_by(other) if topic[:2] == "~/"
    }
    of_nodes |= published_by("cell") - {topic.name for topic in TOPICS.values()}
    assert inputs - of_nodes == {TOPICS[argument].name for argument in NODES[node].subscribes}


def test_recorded_results_are_published_by_the_nodes():
    said = {f"{node}/{topic[2:]}" for node in NODES for topic in published_by(node) if topic[:2] == "~/"}
    assert set(RESULTS) <= said and {name for name in INPUTS if "/" in name} <= said


@pytest.mark.parametrize("launch", ["bringup", "grasp2vec_core", "semgrasp_core", "replay"])
def test_transforms_are_taken_from_the_namespace(launch):
    for each in nodes(launch).values():
        assert {("/tf", "tf"), ("/tf_static", "tf_static")} <= set(each.remappings)


def test_a_robot_in_a_namespace_has_its_own_name_store_and_checkpoints():
    in_namespace = nodes("grasp2vec_core", namespace="fleet/robot1")
    assert in_namespace["capture"].presets["robot_id"] == "fleet_robot1"
    assert in_namespace["trainer"].presets["store"] == "out/fleet_robot1/store"
    assert in_namespace["perception"].presets["checkpoints"] == "out/fleet_robot1/checkpoints"
    assert "robot_id" not in nodes("grasp2vec_core")["capture"].presets


@pytest.mark.parametrize(
    ("namespace", "outer", "logger"),
    [
        ("", "", "capture"),
        ("robot1", "", "robot1.capture"),
        ("a/b", "/hall", "hall.a.b.capture"),
        ("/r", "/hall", "r.capture"),
        ("", "/hall", "hall.capture"),
    ],
)
def test_verbosity_is_that_of_the_nodes_logger(namespace, outer, logger):
    made = setting("grasp2vec_core", namespace=namespace)
    made = type(made)(made.given, made.folder, outer)
    assert (
        next(each.logger for each in LAUNCHES["grasp2vec_core"].plan(made) if each.name == "capture")
        == logger
    )


@pytest.mark.parametrize("namespace", ["", "robot1", "fleet/robot1"])
@pytest.mark.parametrize("launch", [n for n, each in LAUNCHES.items() if n != "record"])
def test_each_node_gets_the_enclave_of_its_full_name_when_asked_for(launch, namespace):
    if launch == "several_robots":
        included = plan(launch, security_enclaves="true")
        assert all(("security_enclaves", "true") in each.arguments for each in included)
        return
    given = {"namespace": namespace}
    if "viewer" in {each.name for each in LAUNCHES[launch].arguments}:
        given["viewer"] = "true"
    assert not any("--enclave" in each.ros_arguments for each in nodes(launch, **given).values())
    for name, each in nodes(launch, **given, security_enclaves="true").items():
        words = each.ros_arguments
        assert words[words.index("--enclave") + 1] == f"{f'/{namespace}' if namespace else ''}/{name}"


def test_the_policy_has_the_enclave_of_every_node():
    enclaves = set(re.findall(r'<enclave path="([^"]+)"', (ROOT / "security/policy.xml").read_text()))
    everything = {"source": "cell", "viewer": "true", "teleop": "true", "arm": "true"}
    started = nodes("bringup", **everything, security_enclaves="true").values()
    asked = {each.ros_arguments[-1] for each in started if each.package == PACKAGE}
    assert asked == enclaves
    assert re.search(r"install\(DIRECTORY [^)]*\bsecurity\b", (ROOT / "CMakeLists.txt").read_text())


def test_time_is_that_of_the_source():
    assert not nodes("bringup")["capture"].explicit["use_sim_time"]
    assert nodes("bringup", use_sim_time="true")["capture"].explicit["use_sim_time"]
    cell = nodes("bringup", source="cell", viewer="true", teleop="true", arm="true")
    assert cell["capture"].explicit["use_sim_time"] and "use_sim_time" not in cell["cell"].explicit
    # Two cells side by side must not mix their times.
    assert all(("/clock", "clock") in cell[name].remappings for name in NODES)
    assert nodes("bringup", source="gazebo")["capture"].explicit["use_sim_time"]
    assert ("/clock", "clock") not in nodes("bringup", source="gazebo")["capture"].remappings


def test_the_cameras_frame_is_published_when_its_pose_is_known():
    assert "camera_frame" not in nodes("bringup", source="realsense")
    given = nodes("bringup", source="realsense", robot="franka", camera_pose="0.5 0 1, 0 1 0 0")
    words = given["camera_frame"].arguments
    told = dict(zip(words[::2], words[1::2], strict=True))
    assert told["--frame-id"] == "fr3_link0" and told["--child-frame-id"] == "camera_link"
    assert [float(told[f"--{name}"]) for name in ("x", "y", "z", "qx", "qy", "qz", "qw")] == [
        0.5,
        0,
        1,
        0,
        1,
        0,
        0,
    ]
    # The optical frame is another, so the nodes ask TF for it.
    assert given["perception"].explicit["extrinsics"]["rotation_xyzw"] == [0.0] * 4
    assert "extrinsics" not in nodes("bringup", source="cell")["perception"].explicit


def test_several_robots_are_kept_apart():
    included = plan("several_robots", robots="left, right", source="cell", params_file="")
    arguments = [dict(each.arguments) for each in included]
    assert [each["namespace"] for each in arguments] == ["left", "right"]
    assert len({each["seed"] for each in arguments}) == 2


def test_a_replay_plays_inputs_but_not_what_nodes_say():
    command = next(
        each for each in plan("replay", bag="b", clock="bag", source="cell") if isinstance(each, CommandPlan)
    )
    topics = command.command[command.command.index("--topics") + 1 :]
    assert {"/scene/image", "/held/image", "/capture/experience", "/clock", "/tf_static"} <= set(topics)
    assert not any(topic.startswith(("/perception/", "/semgrasp/")) for topic in topics)
    assert "--clock" not in command.command
    assert all(
        ("/clock", "clock") in each.remappings
        for each in nodes("replay", clock="bag", source="cell").values()
        if each.package == PACKAGE
    )


def test_a_replay_with_the_players_clock_and_in_another_namespace():
    plans = plan("replay", bag="b", source="cell", bag_namespace="robot1", namespace="lab")
    command = next(each.command for each in plans if isinstance(each, CommandPlan))
    assert command[command.index("--clock") + 1] == "100"
    assert "/robot1/scene/image:=/lab/scene/image" in command
    assert not any(("/clock", "clock") in each.remappings for each in plans if isinstance(each, NodePlan))


def test_a_record_holds_all_that_a_replay_plays():
    given = {"source": "realsense", "namespace": "r1", "image_transport": "compressed"}
    recorded = plan("record", bag="b", **given)[0].command
    played = next(
        each.command
        for each in plan("replay", bag="b", bag_namespace="r1", **given)
        if isinstance(each, CommandPlan)
    )
    inputs = played[played.index("--topics") + 1 :]
    assert set(inputs) <= set(recorded)
    assert "/r1/camera/camera/color/image_raw/compressed" in inputs and "/r1/perception/reward" in recorded


def test_launch_files_are_installed():
    assert re.search(
        r"install\(DIRECTORY [^)]*\bconfig\b[^)]*\blaunch\b", (ROOT / "CMakeLists.txt").read_text()
    )
    needed = set(re.findall(r"<\w*depend>([\w-]+)</", (ROOT / "package.xml").read_text()))
    started = {each.package for each in nodes("bringup", source="cell").values()}
    assert started - {PACKAGE} <= needed
    assert {"launch", "launch_ros", "python3-yaml", "ros2bag", "rosbag2_storage_mcap", "rviz2"} <= needed


def test_only_one_module_imports_launch():
    folder = ROOT / "grasp_node_kit"
    importing = [
        file.relative_to(folder)
        for file in folder.rglob("*.py")
        if re.search(r"^\s*(from|import) launch", file.read_text(), re.M)
    ]
    assert importing == [Path("bringup/actions.py")]
