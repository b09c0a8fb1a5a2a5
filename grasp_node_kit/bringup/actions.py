"""From plans to actions of `launch`, which comes with a ROS installation and is imported here only."""

from __future__ import annotations

import tempfile
from pathlib import Path

from launch.action import Action
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    GroupAction,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import Node

from grasp_node_kit.bringup.arguments import Argument
from grasp_node_kit.bringup.launches import LAUNCHES
from grasp_node_kit.bringup.plan import CommandPlan, IncludePlan, NodePlan, Plan
from grasp_node_kit.bringup.setting import Setting
from launch import LaunchContext, LaunchDescription

RESPAWN_DELAY_S = 2.0
# A trainer saves what it learned before it ends.
PATIENCE_S = 20.0


def describe(launch_file: str) -> LaunchDescription:
    """The description of a launch file of the package, by its path: `describe(__file__)`."""
    path = Path(launch_file).absolute()
    plans = LAUNCHES[path.name.removesuffix(".launch.py")]

    def start(context: LaunchContext) -> list[Action]:
        given = {argument.name: context.launch_configurations[argument.name] for argument in plans.arguments}
        setting = Setting(
            given | dict(plans.fixed),
            path.parent.parent,
            context.launch_configurations.get("ros_namespace", ""),
        )
        return [_action(plan, setting) for plan in plans.plan(setting)]

    return LaunchDescription([*map(_declare, plans.arguments), OpaqueFunction(function=start)])


def _declare(argument: Argument) -> DeclareLaunchArgument:
    options = {"choices": list(argument.choices)} if argument.choices else {}
    return DeclareLaunchArgument(
        argument.name, default_value=argument.default, description=argument.description, **options
    )


def _action(plan: Plan, setting: Setting) -> Action:
    if isinstance(plan, NodePlan):
        return _node(plan)
    if isinstance(plan, CommandPlan):
        ending = {"on_exit": Shutdown()} if plan.ends_all else {}
        return ExecuteProcess(cmd=list(plan.command), output="screen", **ending)
    return _include(plan, setting)


def _node(plan: NodePlan) -> Node:
    folder = Path(tempfile.mkdtemp(prefix="semantic_grasping_launch_"))
    of_ros = ["--ros-args", *plan.ros_arguments] if plan.ros_arguments else []
    return Node(
        package=plan.package,
        executable=plan.executable,
        name=plan.name,
        namespace=plan.namespace,
        parameters=[str(file) for file in plan.parameter_files(folder)],
        remappings=list(plan.remappings),
        arguments=[*plan.arguments, *of_ros],
        output="screen",
        emulate_tty=True,
        sigterm_timeout=str(PATIENCE_S),
        respawn=plan.respawn,
        respawn_delay=RESPAWN_DELAY_S if plan.respawn else None,
    )


def _include(plan: IncludePlan, setting: Setting) -> GroupAction:
    source = PythonLaunchDescriptionSource(str(setting.folder / "launch" / plan.file))
    # In a scope of its own: arguments of one robot must not become those of the next.
    return GroupAction([IncludeLaunchDescription(source, launch_arguments=list(plan.arguments))], scoped=True)
