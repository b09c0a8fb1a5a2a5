"""Grasp2Vec whole: the nodes, what moves the arm, with `source:=cell` the simulated cell, the camera's frame, RViz.

Arguments and nodes: grasp_node_kit/bringup/launches.py.
"""

from grasp_node_kit.bringup.actions import describe
from launch import LaunchDescription


def generate_launch_description() -> LaunchDescription:
    """Arguments, then what they ask for."""
    return describe(__file__)
