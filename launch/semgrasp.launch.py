"""The SemGrasp node and nothing else: for a robot that brings its own cameras and its own segmentation."""

from launch.actions import DeclareLaunchArgument, GroupAction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, PushRosNamespace, SetParameter
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

PACKAGE = "semantic_grasping"
TOPICS = {
    "object_points": "object/points",
    "object_mask": "object/mask",
    "scene_depth": "scene/depth",
    "scene_camera_info": "scene/camera_info",
    "heatmap_info": "perception/heatmap_info",
}


def generate_launch_description() -> LaunchDescription:
    """Arguments, then the node in a namespace."""
    defaults = PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "semgrasp.yaml"])
    arguments = [
        DeclareLaunchArgument(
            "namespace", default_value="", description="Namespace of the node; one per robot."
        ),
        DeclareLaunchArgument(
            "use_sim_time",
            default_value="false",
            choices=["true", "false"],
            description="Take time from /clock.",
        ),
        DeclareLaunchArgument(
            "params_file", default_value=defaults, description="YAML file with the node's parameters."
        ),
        DeclareLaunchArgument(
            "model", default_value="shipped", description="Folder of the model, or 'shipped'."
        ),
        DeclareLaunchArgument(
            "hand", default_value="open", description="'open', or the path of your own MANO_RIGHT.pkl."
        ),
        DeclareLaunchArgument(
            "source",
            default_value="auto",
            choices=["auto", "points", "mask", "heatmap"],
            description="Where the object comes from when the request brings no cloud or mask.",
        ),
        DeclareLaunchArgument(
            "log_level",
            default_value="info",
            choices=["debug", "info", "warn", "error"],
            description="Verbosity.",
        ),
        *(
            DeclareLaunchArgument(name, default_value=topic, description=f"Topic to take for {topic}.")
            for name, topic in TOPICS.items()
        ),
    ]
    own = ("model", "hand", "source")
    node = Node(
        package=PACKAGE,
        executable="semgrasp",
        name="semgrasp",
        parameters=[LaunchConfiguration("params_file"), {key: LaunchConfiguration(key) for key in own}],
        remappings=[(topic, LaunchConfiguration(argument)) for argument, topic in TOPICS.items()],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        output="screen",
    )
    group = GroupAction(
        [
            PushRosNamespace(LaunchConfiguration("namespace")),
            SetParameter("use_sim_time", LaunchConfiguration("use_sim_time")),
            node,
        ]
    )
    return LaunchDescription([*arguments, group])
