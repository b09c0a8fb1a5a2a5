"""The four Grasp2Vec nodes and nothing else: for a robot that brings its own cameras and arm."""

from launch.actions import DeclareLaunchArgument, GroupAction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, PushRosNamespace, SetParameter
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

PACKAGE = "semantic_grasping"
NODES = ("capture", "trainer", "perception", "grasping")
TOPICS = {
    "scene_image": "scene/image",
    "scene_depth": "scene/depth",
    "scene_camera_info": "scene/camera_info",
    "held_image": "held/image",
    "joint_states": "joint_states",
}


def generate_launch_description() -> LaunchDescription:
    """Arguments, then the nodes in a namespace."""
    defaults = PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "grasp2vec.yaml"])
    arguments = [
        DeclareLaunchArgument(
            "namespace", default_value="", description="Namespace of all nodes; one per robot."
        ),
        DeclareLaunchArgument(
            "use_sim_time",
            default_value="false",
            choices=["true", "false"],
            description="Take time from /clock.",
        ),
        DeclareLaunchArgument(
            "params_file", default_value=defaults, description="YAML file with the nodes' parameters."
        ),
        DeclareLaunchArgument(
            "device", default_value="auto", choices=["auto", "cpu", "cuda"], description="Where models run."
        ),
        DeclareLaunchArgument(
            "log_level",
            default_value="info",
            choices=["debug", "info", "warn", "error"],
            description="Verbosity.",
        ),
        DeclareLaunchArgument("robot_id", default_value="robot", description="Stored with every attempt."),
        DeclareLaunchArgument(
            "store", default_value="out/store", description="Folder of the experience store."
        ),
        DeclareLaunchArgument(
            "checkpoints", default_value="out/checkpoints", description="Folder of the checkpoints."
        ),
        *(
            DeclareLaunchArgument(name, default_value=topic, description=f"Topic to take for {topic}.")
            for name, topic in TOPICS.items()
        ),
    ]
    own = {
        "capture": ["store", "robot_id"],
        "trainer": ["store", "checkpoints", "device"],
        "perception": ["store", "checkpoints", "device"],
        "grasping": ["robot_id"],
    }
    nodes = [
        Node(
            package=PACKAGE,
            executable=name,
            name=name,
            parameters=[
                LaunchConfiguration("params_file"),
                {key: LaunchConfiguration(key) for key in own[name]},
            ],
            remappings=[(topic, LaunchConfiguration(argument)) for argument, topic in TOPICS.items()],
            arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
            output="screen",
        )
        for name in NODES
    ]
    group = GroupAction(
        [
            PushRosNamespace(LaunchConfiguration("namespace")),
            SetParameter("use_sim_time", LaunchConfiguration("use_sim_time")),
            *nodes,
        ]
    )
    return LaunchDescription([*arguments, group])
