"""The package's qualities of service (facts of life of ROS 2: freshness for sensors, certainty for results)."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

# Cameras and joints in: the newest only, never waiting for a lost one.
SENSOR = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
# Results out.
RESULT = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
# State that a late subscriber must still receive: goals, model, status.
LATCHED = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)
