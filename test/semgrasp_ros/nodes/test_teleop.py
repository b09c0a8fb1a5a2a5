"""A stream of keypoints moves a gripper or a hand, and its end holds it, on real rclpy and DDS."""

import time

import numpy as np
import pytest
from geometry_msgs.msg import Point, Pose, PoseArray, PoseStamped
from std_msgs.msg import Bool, Float64MultiArray
from trajectory_msgs.msg import JointTrajectory

from grasp_node_kit.qos import LATCHED
from semgrasp_ros.core.retarget.keypoint_sequence import opening_and_closing
from semgrasp_ros.core.retarget.robots import load_robot
from semgrasp_ros.nodes.teleop import TeleopNode
from test.rig import Rig, eventually
from test.semgrasp_ros.nodes.fake_arm import FakeArm

RATE_HZ = 30.0


class Cell:
    """A robot, the node, and somebody who shows a hand."""

    def __init__(self, robot: str) -> None:
        self.rig = Rig(robot_file=robot)
        self.robot = load_robot(robot)
        self.arm = FakeArm(self.robot)
        self.arm.speaks = False
        self.rig.add(self.arm)
        self.node = self.rig.add(TeleopNode())
        self.trajectories = self.rig.collect(JointTrajectory, "teleop/joint_trajectory")
        self.commands = self.rig.collect(Float64MultiArray, "teleop/joint_command")
        self.tools = self.rig.collect(PoseStamped, "teleop/tool_pose")
        self.following = self.rig.collect(Bool, "teleop/following", LATCHED)
        self._publisher = self.rig.client.create_publisher(PoseArray, "hand/keypoints", 1)
        eventually(lambda: self._publisher.get_subscription_count() and self.following)

    def show(self, points: np.ndarray) -> None:
        """One frame."""
        message = PoseArray(poses=[Pose(position=Point(x=x, y=y, z=z)) for x, y, z in points.tolist()])
        message.header.stamp, message.header.frame_id = self.rig.client.get_clock().now().to_msg(), "camera"
        self._publisher.publish(message)

    def show_all(self, frames: np.ndarray) -> None:
        """A sequence in its time."""
        began_s = time.monotonic()
        for number, points in enumerate(frames):
            self.show(points)
            time.sleep(max(0.0, began_s + (number + 1) / RATE_HZ - time.monotonic()))


@pytest.fixture(scope="module", params=["panda", "panda_allegro"])
def cell(request):
    made = Cell(request.param)
    yield made
    made.rig.close()


# In the order of a session.
def test_nothing_moves_before_it_is_known_where_the_fingers_are(cell):
    frames = opening_and_closing(0.3, RATE_HZ)
    cell.show_all(frames)
    assert not cell.trajectories and cell.following[-1].data is False
    cell.arm.speaks = True
    eventually(lambda: cell.node._joints.received)


def test_the_fingers_follow_the_hand_from_where_they_are(cell):
    cell.show_all(opening_and_closing(2.0, RATE_HZ))
    assert cell.following[-1].data is True
    first, positions = cell.trajectories[0], np.array([t.points[0].positions for t in cell.trajectories])
    assert list(first.joint_names) == list(cell.robot.gripper.joints) and len(first.points) == 1
    # The first command, be it of a frame of the test before, does not jump away from where the fingers are.
    begun = [cell.arm.positions[name] for name in cell.robot.gripper.joints]
    assert np.abs(positions[0] - begun).max() < 0.3
    assert np.ptp(positions, axis=0).max() > 0.02
    assert list(cell.commands[-1].data) in [t.points[0].positions.tolist() for t in cell.trajectories[-3:]]
    assert cell.tools and cell.tools[-1].header.frame_id == "camera"


def test_commands_come_at_their_rate(cell):
    before, began_s = len(cell.commands), time.monotonic()
    cell.show_all(opening_and_closing(1.5, RATE_HZ))
    rate_hz = (len(cell.commands) - before) / (time.monotonic() - began_s)
    # A busy machine may be late, never early.
    assert rate_hz < 1.2 * RATE_HZ
    eventually(lambda: len(cell.commands) > before + 5)
    assert pytest.approx(min(timer.timer_period_ns for timer in cell.node.timers), rel=1e-6) == 1e9 / RATE_HZ


def test_when_keypoints_stop_it_holds_and_says_so(cell):
    cell.show_all(opening_and_closing(0.5, RATE_HZ))
    eventually(lambda: cell.following[-1].data is False and "no keypoints" in cell.node.waiting_for())
    before = len(cell.commands)
    # Some commands of the motion may still be on their way.
    last = lambda: {tuple(command.data) for command in cell.commands[-5:]}  # noqa: E731
    eventually(lambda: len(cell.commands) > before + 5 and len(last()) == 1)
    cell.show_all(opening_and_closing(0.5, RATE_HZ))
    eventually(lambda: cell.following[-1].data is True)


def test_frames_that_cannot_be_used_hold_it_too(cell):
    frames = opening_and_closing(1.0, RATE_HZ)
    cell.show_all(frames[:10])
    eventually(lambda: cell.following[-1].data is True)
    cell.show_all(np.full((20, 21, 3), np.nan))
    eventually(lambda: cell.following[-1].data is False)
    assert "palm" in cell.node.waiting_for()
    for _ in range(3):
        cell.show(frames[0][:20])
        time.sleep(0.1)
    eventually(lambda: "20 poses; 21 are needed" in cell.node.waiting_for())
