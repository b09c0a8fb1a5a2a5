"""The four Grasp2Vec nodes and nothing else: for a robot that brings its own cameras and arm.

Arguments and nodes: grasp_node_kit/bringup/launches.py.
"""

from grasp_node_kit.bringup.actions import describe
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Arguments, then what they ask for."""
    return describe(__file__)
