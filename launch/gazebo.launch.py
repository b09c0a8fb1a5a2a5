"""The cell in Gazebo: world, Panda with controllers, cameras. The nodes are started beside it, as with a real robot.

With `hardware:=mock` no simulator starts: the joints follow commands at once, and there are no cameras.
"""

from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import (
    Command,
    EqualsSubstitution,
    FindExecutable,
    IfElseSubstitution,
    LaunchConfiguration,
    PathJoinSubstitution,
    PythonExpression,
)
from launch_ros.actions import Node, PushRosNamespace, SetParameter
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from launch import LaunchDescription

PACKAGE = "semantic_grasping"
CONTROLLERS = ["joint_state_broadcaster", "arm_controller", "gripper_controller"]
POSE = {"x": "x [m]", "y": "y [m]", "z": "z [m]", "yaw": "turn [rad]"}
XACRO_ARGUMENTS = (
    *("namespace", "controllers_file", "wrist_camera", "overview_camera", "finger_force_n"),
    *POSE,
)


def generate_launch_description() -> LaunchDescription:
    """Arguments, then Gazebo and what belongs to the robot, the latter in a namespace."""
    return LaunchDescription([*_arguments(), _gazebo(), _robot()])


def _arguments() -> list[DeclareLaunchArgument]:
    share = FindPackageShare(PACKAGE)

    def flag(name: str, default: str, description: str) -> DeclareLaunchArgument:
        return DeclareLaunchArgument(
            name, default_value=default, choices=["true", "false"], description=description
        )

    return [
        DeclareLaunchArgument(
            "namespace",
            default_value="",
            description="Namespace of the robot: its topics, controllers and cameras; without slashes.",
        ),
        DeclareLaunchArgument(
            "hardware",
            default_value="gazebo",
            choices=["gazebo", "mock"],
            description="Who moves the joints: Gazebo, or ros2_control's mock, which starts no simulator.",
        ),
        flag("start_gazebo", "true", "Start Gazebo; false: spawn into the world that runs already."),
        flag("headless", "false", "Gazebo without a window; cameras are rendered all the same."),
        DeclareLaunchArgument(
            "world",
            default_value=PathJoinSubstitution([share, "worlds", "cell.sdf"]),
            description="World to start: a path, or the name of a file in GZ_SIM_RESOURCE_PATH.",
        ),
        DeclareLaunchArgument(
            "robot_name", default_value="panda", description="Name of the model in Gazebo."
        ),
        *(
            DeclareLaunchArgument(
                name, default_value="0.0", description=f"Where the arm's base stands in the world: {what}."
            )
            for name, what in POSE.items()
        ),
        DeclareLaunchArgument(
            "controllers_file",
            default_value=PathJoinSubstitution([share, "config", "controllers.yaml"]),
            description="YAML file with the controllers' parameters.",
        ),
        DeclareLaunchArgument(
            "bridge_file",
            default_value=PathJoinSubstitution([share, "config", "gz_bridge.yaml"]),
            description="YAML file with the topics that are carried from Gazebo to ROS.",
        ),
        flag("overview_camera", "true", "A camera that sees the whole cell, for people."),
        flag("wrist_camera", "false", "A camera on the hand, for your own experiments."),
        DeclareLaunchArgument(
            "finger_force_n", default_value="20", description="Force with which each finger closes [N]."
        ),
        DeclareLaunchArgument(
            "log_level",
            default_value="info",
            choices=["debug", "info", "warn", "error"],
            description="Verbosity of the nodes that this file starts.",
        ),
    ]


def _in_gazebo() -> EqualsSubstitution:
    return EqualsSubstitution(LaunchConfiguration("hardware"), "gazebo")


def _gazebo() -> IncludeLaunchDescription:
    """Gazebo itself; ends the launch when it ends."""
    options = IfElseSubstitution(
        LaunchConfiguration("headless"), if_value="-r -s --headless-rendering ", else_value="-r "
    )
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(
            PathJoinSubstitution([FindPackageShare("ros_gz_sim"), "launch", "gz_sim.launch.py"])
        ),
        launch_arguments=[
            ("gz_args", [options, LaunchConfiguration("world")]),
            ("on_exit_shutdown", "true"),
        ],
        condition=IfCondition(
            PythonExpression(
                [
                    "'",
                    LaunchConfiguration("hardware"),
                    "' == 'gazebo' and '",
                    LaunchConfiguration("start_gazebo"),
                    "' == 'true'",
                ]
            )
        ),
    )


def _robot() -> GroupAction:
    """Everything that there is once per robot."""
    log = ["--ros-args", "--log-level", LaunchConfiguration("log_level")]
    # Several robots: TF stays in the robot's namespace, as its frames have the same names.
    tf = [("/tf", "tf"), ("/tf_static", "tf_static")]
    in_gazebo = IfCondition(_in_gazebo())
    on_mock = IfCondition(EqualsSubstitution(LaunchConfiguration("hardware"), "mock"))
    state_publisher = Node(
        package="robot_state_publisher",
        executable="robot_state_publisher",
        parameters=[{"robot_description": ParameterValue(_description(), value_type=str)}],
        remappings=tf,
        arguments=log,
    )
    spawn = Node(
        package="ros_gz_sim",
        executable="create",
        arguments=[
            *("-topic", "robot_description", "-name", LaunchConfiguration("robot_name")),
            *log,
        ],
        output="screen",
        condition=in_gazebo,
    )
    bridge = Node(
        package="ros_gz_bridge",
        executable="parameter_bridge",
        name="gz_bridge",
        parameters=[{"config_file": LaunchConfiguration("bridge_file"), "expand_gz_topic_names": True}],
        arguments=log,
        output="screen",
        condition=in_gazebo,
    )
    mock = Node(
        package="controller_manager",
        executable="ros2_control_node",
        parameters=[LaunchConfiguration("controllers_file")],
        remappings=tf,
        arguments=log,
        output="screen",
        condition=on_mock,
    )
    controllers = Node(
        package="controller_manager",
        executable="spawner",
        arguments=[
            *CONTROLLERS,
            "--controller-manager",
            "controller_manager",
            "--controller-manager-timeout",
            "120",
            *log,
        ],
        output="screen",
    )
    return GroupAction(
        [
            PushRosNamespace(LaunchConfiguration("namespace")),
            SetParameter("use_sim_time", _in_gazebo()),
            state_publisher,
            spawn,
            bridge,
            mock,
            controllers,
        ]
    )


def _description() -> Command:
    """The robot's URDF for the chosen hardware."""
    arguments: list[object] = [" use_gazebo:=", _in_gazebo()]
    for name in XACRO_ARGUMENTS:
        arguments += [f" {name}:=", LaunchConfiguration(name)]
    file = PathJoinSubstitution([FindPackageShare(PACKAGE), "urdf", "panda.urdf.xacro"])
    return Command([FindExecutable(name="xacro"), " ", file, *arguments])
