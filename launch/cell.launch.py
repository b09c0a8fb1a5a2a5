"""The simulated cell alone: a Panda over a bin of objects that speaks as a real robot does.

Arguments and nodes: grasp_node_kit/bringup/launches.py.
"""

from grasp_node_kit.bringup.actions import describe
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Arguments, then what they ask for."""
    return describe(__file__)
