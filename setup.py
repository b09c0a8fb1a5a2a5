"""Serves pip; colcon builds with CMakeLists.txt."""

from setuptools import setup

setup()
