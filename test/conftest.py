"""Every test process has a DDS domain of its own, so that tests in parallel do not hear each other."""

import os

os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("MUJOCO_GL", "egl")

from hypothesis import settings

# The same cases in every run: a test that fails once fails again.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")
