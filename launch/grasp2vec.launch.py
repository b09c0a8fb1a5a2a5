"""Grasp2Vec whole: the nodes, and with `cell:=true` the simulated cell to try them on."""

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition, UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

PACKAGE = "semantic_grasping"


def generate_launch_description() -> LaunchDescription:
    """Includes `grasp2vec_core` and `cell`; their arguments are this file's too."""

    def include(name: str, **options: object) -> IncludeLaunchDescription:
        path = PathJoinSubstitution([FindPackageShare(PACKAGE), "launch", name])
        return IncludeLaunchDescription(PythonLaunchDescriptionSource(path), **options)

    cell = LaunchConfiguration("cell")
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "cell",
                default_value="false",
                choices=["true", "false"],
                description="Start the simulated cell too.",
            ),
            # With the cell, time is the cell's.
            include(
                "grasp2vec_core.launch.py",
                launch_arguments=[("use_sim_time", cell)],
                condition=IfCondition(cell),
            ),
            include("cell.launch.py", condition=IfCondition(cell)),
            include("grasp2vec_core.launch.py", condition=UnlessCondition(cell)),
        ]
    )
