"""What the Gazebo files, the launch file and the nodes say about each other must agree."""

import ast
import re

import yaml

from test.gazebo import files

ROS_TYPES = {
    "rosgraph_msgs/msg/Clock": "gz.msgs.Clock",
    "sensor_msgs/msg/Image": "gz.msgs.Image",
    "sensor_msgs/msg/CameraInfo": "gz.msgs.CameraInfo",
}
# Out of ros2_control, not through the bridge.
FROM_CONTROLLERS = {"joint_states"}


def published(sensor) -> set[str]:
    """Topics of a sensor in Gazebo."""
    topic = sensor.findtext("topic")
    images = {f"{topic}/image", f"{topic}/depth_image"} if sensor.get("type") == "rgbd_camera" else {topic}
    return images | {sensor.findtext("camera/camera_info_topic")}


def launch_tree() -> ast.Module:
    return ast.parse((files.ROOT / "launch/gazebo.launch.py").read_text())


def constants(name: str) -> object:
    return next(
        node.value
        for node in launch_tree().body
        if isinstance(node, ast.Assign) and node.targets[0].id == name
    )


def calls(name: str) -> list[ast.Call]:
    return [
        node
        for node in ast.walk(launch_tree())
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == name
    ]


def declared() -> set[str]:
    names = {
        call.args[0].value
        for function in ("DeclareLaunchArgument", "flag")
        for call in calls(function)
        if isinstance(call.args[0], ast.Constant)
    }
    return names | set(ast.literal_eval(constants("POSE")))


def test_the_clock_is_bridged_first_and_is_one_for_all_robots():
    first = files.bridge()[0]
    assert first["ros_topic_name"] == first["gz_topic_name"] == "/clock"
    assert all(not entry["ros_topic_name"].startswith("/") for entry in files.bridge()[1:])


def test_every_entry_of_the_bridge_is_whole_and_comes_from_a_camera():
    fields = {"ros_topic_name", "gz_topic_name", "ros_type_name", "gz_type_name", "direction"}
    offered = {"/clock"}.union(*(published(sensor) for sensor in files.sensors(files.robot()).values()))
    for entry in files.bridge():
        assert fields <= set(entry) <= fields | {"lazy"}
        assert entry["direction"] == "GZ_TO_ROS"
        assert ROS_TYPES[entry["ros_type_name"]] == entry["gz_type_name"]
        assert entry["gz_topic_name"] in offered
        assert entry["ros_topic_name"].endswith("camera_info") == entry["ros_type_name"].endswith(
            "CameraInfo"
        )
    names = [entry["ros_topic_name"] for entry in files.bridge()]
    assert len(names) == len(set(names))


def test_the_cell_in_gazebo_offers_what_the_embedded_cell_offers():
    cell = set(
        re.findall(r'create_publisher\(\s*\w+, "([a-z/_]+)"', (files.ROOT / "grasp_cell/node.py").read_text())
    )
    assert {"scene/image", "scene/depth", "scene/camera_info", "held/image", "joint_states"} <= cell
    bridged = {entry["ros_topic_name"] for entry in files.bridge()}
    assert cell - {"/clock", "clock"} <= bridged | FROM_CONTROLLERS


def test_the_nodes_hear_their_cameras():
    taken = set()
    for file in [
        *(files.ROOT / "grasp2vec_ros/nodes").glob("*.py"),
        *(files.ROOT / "semgrasp_ros/nodes").glob("*.py"),
    ]:
        taken |= set(re.findall(r'NewestSlot\("((?:scene|held)/[a-z_]+)"', file.read_text()))
    assert {"scene/image", "scene/depth", "scene/camera_info", "held/image"} <= taken
    assert taken <= {entry["ros_topic_name"] for entry in files.bridge()}


def test_images_name_the_optical_frames_that_the_embedded_cell_names():
    named = set(re.findall(r'"(\w+_camera)"', (files.ROOT / "grasp_cell/node.py").read_text()))
    assert {"scene_camera", "held_camera"} <= named
    root = files.robot()
    links = {link.get("name") for link in root.findall("link")}
    frames = {sensor.findtext("gz_frame_id") for sensor in files.sensors(root).values()}
    assert named <= frames <= links
    assert frames == {f"{name}_camera" for name in files.CAMERAS}


def test_controllers_move_joints_that_there_are():
    interfaces = {
        joint.get("name"): (
            {each.get("name") for each in joint.findall("command_interface")},
            {each.get("name") for each in joint.findall("state_interface")},
        )
        for joint in files.robot().find("ros2_control").findall("joint")
    }
    nodes = files.controllers()
    arm, gripper = nodes["arm_controller"], nodes["gripper_controller"]
    driven = [*arm["joints"], gripper["joint"]]
    assert len(driven) == len(set(driven)) and {
        name for name, (commands, _) in interfaces.items() if commands
    } == set(driven)
    for name in arm["joints"]:
        assert set(arm["command_interfaces"]) <= interfaces[name][0]
        assert set(arm["state_interfaces"]) <= interfaces[name][1]
    assert (
        "position" in interfaces[gripper["joint"]][0]
        and {"position", "velocity"} <= interfaces[gripper["joint"]][1]
    )
    mirrored = {
        joint.get("name"): joint.find("mimic").get("joint")
        for joint in files.robot().findall("joint")
        if joint.find("mimic") is not None
    }
    assert mirrored == {"panda_finger_joint2": gripper["joint"]}


def test_joints_are_those_of_the_planner_and_of_the_capture_node():
    planned = yaml.safe_load((files.ROOT / "config/robots/panda.yaml").read_text())
    nodes = files.controllers()
    assert nodes["arm_controller"]["joints"] == planned["arm"]["joints"]
    assert nodes["gripper_controller"]["joint"] == planned["gripper"]["joints"][0]


def test_the_launch_file_starts_the_controllers_that_are_configured():
    started = ast.literal_eval(constants("CONTROLLERS"))
    manager = files.controllers()["controller_manager"]
    configured = {name for name, value in manager.items() if isinstance(value, dict)}
    assert set(started) == configured and started[0] == "joint_state_broadcaster"
    assert configured - {"joint_state_broadcaster"} == set(files.controllers()) - {"controller_manager"}


def test_the_launch_file_passes_arguments_that_xacro_knows_and_declares_what_it_uses():
    known = set(re.findall(r'<xacro:arg name="(\w+)"', (files.ROOT / "urdf/panda.urdf.xacro").read_text()))
    source = (files.ROOT / "launch/gazebo.launch.py").read_text()
    passed = set(ast.literal_eval(constants("POSE")))
    passed |= {
        node.value for node in ast.walk(constants("XACRO_ARGUMENTS")) if isinstance(node, ast.Constant)
    }
    assert passed | {"use_gazebo"} == known
    used = {
        call.args[0].value for call in calls("LaunchConfiguration") if isinstance(call.args[0], ast.Constant)
    }
    assert used | passed == declared()
    for path in re.findall(
        r'PathJoinSubstitution\(\[(?:share|FindPackageShare\(PACKAGE\)), "(\w+)", "([\w.]+)"\]', source
    ):
        assert (files.ROOT / path[0] / path[1]).is_file(), path


def test_the_installed_package_has_what_gazebo_looks_for():
    cmake = (files.ROOT / "CMakeLists.txt").read_text()
    installed = re.search(r"install\(DIRECTORY ([\w ]+) DESTINATION share/", cmake)[1].split()
    hook = files.ROOT / "hooks/semantic_grasping.dsv.in"
    assert "hooks/${PROJECT_NAME}.dsv.in" in cmake
    for line in hook.read_text().splitlines():
        action, variable, path = line.split(";")
        assert action == "prepend-non-duplicate" and variable == "GZ_SIM_RESOURCE_PATH"
        folder = path.removeprefix("share/@PROJECT_NAME@/")
        assert folder.split("/")[0] in installed and (files.ROOT / folder).is_dir()
    assert {"urdf", "config", "launch", "worlds"} <= set(installed)
