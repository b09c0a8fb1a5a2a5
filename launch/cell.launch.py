"""The simulated cell alone: a Panda over a bin of objects that speaks as a real robot does."""

from launch.actions import DeclareLaunchArgument, GroupAction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, PushRosNamespace
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

PACKAGE = "semantic_grasping"


def generate_launch_description() -> LaunchDescription:
    """Arguments, then the node in a namespace."""
    defaults = PathJoinSubstitution([FindPackageShare(PACKAGE), "config", "cell.yaml"])
    arguments = [
        DeclareLaunchArgument("namespace", default_value="", description="Namespace of the node."),
        DeclareLaunchArgument(
            "cell_params_file", default_value=defaults, description="YAML file with the cell's parameters."
        ),
        DeclareLaunchArgument(
            "split",
            default_value="seen",
            choices=["seen", "novel"],
            description="Which objects lie in the bin.",
        ),
        DeclareLaunchArgument(
            "regime",
            default_value="varied",
            choices=["varied", "shared_palette"],
            description="Colours and sizes of generated toys.",
        ),
        DeclareLaunchArgument(
            "objects_dir", default_value="", description="Folder of meshes to use instead of toys."
        ),
        DeclareLaunchArgument(
            "log_level",
            default_value="info",
            choices=["debug", "info", "warn", "error"],
            description="Verbosity.",
        ),
    ]
    node = Node(
        package=PACKAGE,
        executable="cell",
        name="cell",
        parameters=[
            LaunchConfiguration("cell_params_file"),
            {key: LaunchConfiguration(key) for key in ("split", "regime", "objects_dir")},
        ],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
        output="screen",
    )
    return LaunchDescription(
        [*arguments, GroupAction([PushRosNamespace(LaunchConfiguration("namespace")), node])]
    )
