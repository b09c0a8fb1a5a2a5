"""Hands become motions of the robot, or reasons, on real rclpy and DDS."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import Point32, PoseStamped
from semantic_grasping.msg import HandGraspArray, RobotGrasp
from semantic_grasping.srv import RetargetGrasp
from sensor_msgs.msg import PointCloud2
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import Marker, MarkerArray

from grasp_node_kit.extrinsics import from_pose
from grasp_node_kit.qos import LATCHED
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.motion_check import MotionCheck, check_start
from semgrasp_ros.core.retarget.robots import load_robot
from semgrasp_ros.nodes.messages import arrays_to_cloud
from semgrasp_ros.nodes.retarget import RetargetNode
from semgrasp_ros.nodes.robots import NamedRobot, RobotConfig, seconds
from test.rig import Rig, eventually
from test.semgrasp_ros.nodes.fake_arm import FakeArm
from test.semgrasp_ros.nodes.robot_scene import BASE, at, cloud_message, hand_message, hands_message

SERVICE = "retarget/retarget_grasp"
PANDA = load_robot("panda")
NAMED = NamedRobot(RobotConfig())
ROOT = Path(__file__).parent.parent.parent.parent
# The generated ball, its middle 5 cm above the table before the robot.
PLACE = at(0.5, 0.1, 0.06)


class Cell:
    """A robot, the node, and somebody in place of the semgrasp node."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.robot = self.rig.add(FakeArm(PANDA))
        self.node = self.rig.add(RetargetNode())
        self._hands = self.rig.client.create_publisher(HandGraspArray, "semgrasp/hand_grasps", 10)
        self._clouds = self.rig.client.create_publisher(PointCloud2, "semgrasp/object_points", 10)
        # Both sides must know of each other, or the first message is lost.
        for publisher, slot in ((self._hands, self.node._hands), (self._clouds, self.node._source._cloud)):
            eventually(
                lambda p=publisher, s=slot: (
                    p.get_subscription_count() and s.subscription.get_publisher_count()
                )
            )
        eventually(lambda: self.node._joints.received)
        self.grasps = self.rig.collect(RobotGrasp, "retarget/robot_grasp")

    @property
    def now(self):
        """The time."""
        return self.rig.client.get_clock().now().to_msg()

    def ask(self, pose: np.ndarray = PLACE, **fields: object) -> RetargetGrasp.Response:
        """Asks for a grasp of the ball at a pose."""
        stamp = self.now
        given = {"hands": [hand_message(pose, stamp)], "cloud": cloud_message(pose, stamp)} | fields
        return self.rig.call(RetargetGrasp, SERVICE, RetargetGrasp.Request(**given), 60.0)

    def say(self, pose: np.ndarray = PLACE) -> RobotGrasp:
        """Says hands and cloud on their topics and returns what comes of it."""
        stamp, seen = self.now, len(self.grasps)
        self._clouds.publish(cloud_message(pose, stamp))
        self._hands.publish(hands_message(hand_message(pose, stamp)))
        return eventually(lambda: self.grasps[seen:], 60.0)[0]

    def say_no_hands(self, message: str) -> RobotGrasp:
        """As the semgrasp node when it finds none."""
        seen = len(self.grasps)
        self._hands.publish(HandGraspArray(success=False, message=message))
        return eventually(lambda: self.grasps[seen:], 30.0)[0]


@pytest.fixture(scope="module")
def cell():
    made = Cell()
    yield made
    made.rig.close()


@pytest.fixture(scope="module")
def said(cell):
    """What is published for hands on the topic."""
    tool = cell.rig.collect(PoseStamped, "retarget/tool_pose")
    before = cell.rig.collect(PoseStamped, "retarget/pregrasp_pose")
    way = cell.rig.collect(JointTrajectory, "retarget/trajectory")
    markers = cell.rig.collect(MarkerArray, "retarget/markers", LATCHED)
    grasp = cell.say()
    eventually(lambda: tool and before and way and markers)
    return grasp, tool[-1], before[-1], way[-1], markers[-1]


def test_a_hand_becomes_a_motion_within_limits_that_begins_where_the_arm_is(cell, said):
    grasp = said[0]
    assert grasp.success and grasp.reason == "" and grasp.robot == "panda" and grasp.instruction == "take it"
    assert grasp.header.frame_id == BASE
    assert list(grasp.phase_names) == ["open", "reach", "approach", "grasp", "lift"]
    motions = {
        name: NAMED.to_core(phase, name) for name, phase in zip(grasp.phase_names, grasp.phases, strict=True)
    }
    for name, motion in motions.items():
        MotionCheck(PANDA).check(name, motion)
    check_start("reach", motions["reach"], cell.robot.arm_now, 1e-3)
    for one, other in (("reach", "approach"), ("approach", "lift")):
        check_start(other, motions[other], motions[one].positions[-1], 1e-3)
    assert motions["open"].positions[-1] == pytest.approx(grasp.opened)
    assert motions["grasp"].positions[-1] == pytest.approx(grasp.closed)


def test_its_poses_are_those_of_the_motion_and_stand_at_the_ball(said):
    grasp, tool, before, _, _ = said
    arm = ArmKinematics(PANDA)
    motions = dict(zip(grasp.phase_names, grasp.phases, strict=True))
    for pose, phase in ((tool, "approach"), (before, "reach")):
        forward = arm.forward(np.array(motions[phase].points[-1].positions))
        assert from_pose(pose, "pose") == pytest.approx(forward, abs=1e-5)
    assert tool.pose == grasp.tool and before.pose == grasp.pregrasp and tool.header == grasp.header
    at_grasp = from_pose(tool, "pose")
    assert np.linalg.norm(at_grasp[:3, 3] - PLACE[:3, 3]) < 0.05
    back = from_pose(before, "pose")[:3, 3] - at_grasp[:3, 3]
    assert back == pytest.approx(-0.08 * at_grasp[:3, 2], abs=1e-3)
    lifted = arm.forward(np.array(motions["lift"].points[-1].positions))[:3, 3] - at_grasp[:3, 3]
    assert lifted == pytest.approx([0, 0, 0.15], abs=1e-3)


def test_its_numbers_are_those_of_the_grasp(said):
    grasp = said[0]
    numbers = dict(zip(grasp.number_names, grasp.number_values, strict=True))
    assert numbers["position_error_m"] < 1e-3 and numbers["manipulability"] > 0 and numbers["cost"] > 0
    assert 0.01 < grasp.width < grasp.opening <= 0.08 and "mm wide" in grasp.why
    assert numbers["width_m"] == pytest.approx(grasp.width)


def test_the_whole_way_of_the_arm_is_one_trajectory(said):
    grasp, _, _, way, _ = said
    times = np.array([seconds(point.time_from_start) for point in way.points])
    assert (np.diff(times) > 0).all() and list(way.joint_names) == list(PANDA.arm.joints)
    planned = [seconds(phase.points[-1].time_from_start) for phase in grasp.phases[1:]]
    assert times[-1] == pytest.approx(sum(planned), abs=1e-3)
    assert way.points[-1].positions == grasp.phases[-1].points[-1].positions


def test_the_gripper_is_shown(said):
    shown = said[4].markers
    assert shown[0].action == Marker.DELETEALL
    assert [marker.ns for marker in shown[1:]] == ["gripper"] * 3 + ["approach", "text"]
    left, right = (np.array([m.pose.position.x, m.pose.position.y, m.pose.position.z]) for m in shown[2:4])
    thick = PANDA.gripper.finger_thickness_m
    assert np.linalg.norm(left - right) == pytest.approx(said[0].opening + thick, abs=1e-4)


def test_what_cannot_be_reached_says_so(cell):
    answer = cell.ask(at(1.6, 0.0, 0.06))
    assert not answer.success and "unreachable" in answer.message
    (failed,) = answer.grasps
    assert not failed.success and failed.reason.startswith("unreachable") and not failed.phases
    assert sum(failed.failure_counts) > 0 and len(failed.failures) == len(failed.failure_counts)
    assert cell.grasps[-1].reason == failed.reason


def test_neighbours_all_around_are_named(cell):
    publisher = cell.rig.client.create_publisher(PointCloud2, "obstacles/points", 10)
    eventually(lambda: publisher.get_subscription_count())
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(4000, 3))
    cage = PLACE[:3, 3] + 0.085 * ball / np.linalg.norm(ball, axis=1, keepdims=True)
    message = arrays_to_cloud(cage)
    message.header.frame_id = BASE
    publisher.publish(message)
    eventually(lambda: cell.node._source._obstacles.received)
    try:
        answer = cell.ask()
        assert not answer.success and "neighbours" in answer.message
    finally:
        cell.node._source._obstacles.clear()


def test_another_process_asks_for_the_newest_hands(cell):
    assert cell.say().success
    code = """
        import rclpy
        from semantic_grasping.srv import RetargetGrasp
        rclpy.init()
        node = rclpy.create_node("asker")
        client = node.create_client(RetargetGrasp, "retarget/retarget_grasp")
        assert client.wait_for_service(30.0)
        future = client.call_async(RetargetGrasp.Request(keep=2))
        rclpy.spin_until_future_complete(node, future, timeout_sec=60.0)
        answer = future.result()
        print(answer.success, len(answer.grasps), [grasp.success for grasp in answer.grasps])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.stdout.strip() == "True 2 [True, True]", done.stderr


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda r: setattr(r.hands[0], "hand_source", "mine.pkl"),
            ("hands[0].hand_source", "mine.pkl", "open"),
        ),
        (lambda r: setattr(r.hands[0].wrist.position, "x", float("nan")), ("hands[0].wrist", "not finite")),
        (
            lambda r: setattr(r.hands[0], "part_points", [Point32()]),
            ("hands[0].part_probabilities", "0 for 1 part_points"),
        ),
        (
            lambda r: (
                setattr(r.hands[0], "part_points", [Point32()]),
                setattr(r.hands[0], "part_probabilities", [1.5]),
            ),
            ("hands[0].part_probabilities", "from 0 to 1"),
        ),
        (lambda r: setattr(r.hands[0].header, "frame_id", "moon"), ("moon", "extrinsics")),
        (lambda r: setattr(r.cloud.header, "frame_id", "moon"), ("moon", "extrinsics")),
        (lambda r: setattr(r, "hands", [r.hands[0]] * 17), ("hands", "17", "16")),
        (lambda r: setattr(r, "keep", 9), ("keep: 9", "8")),
        (lambda r: setattr(r, "cloud", arrays_to_cloud(np.zeros((5, 3)))), ("cloud", "5")),
    ],
)
def test_a_wrong_request_is_refused_by_name(cell, change, words):
    stamp = cell.now
    request = RetargetGrasp.Request(hands=[hand_message(PLACE, stamp)], cloud=cloud_message(PLACE, stamp))
    change(request)
    answer = cell.rig.call(RetargetGrasp, SERVICE, request, 30.0)
    assert not answer.success
    for word in words:
        assert word in answer.message


def test_a_hand_whose_cloud_never_came_names_the_topic(cell):
    late = cell.now
    late.sec += 100
    answer = cell.rig.call(
        RetargetGrasp, SERVICE, RetargetGrasp.Request(hands=[hand_message(PLACE, late)]), 30.0
    )
    assert not answer.success and "/semgrasp/object_points" in answer.message
    assert "stamp_tolerance_s" in answer.message


def test_no_hand_is_handed_on_with_its_reason(cell):
    refused = cell.say_no_hands("part: 'wing' is not on this object")
    assert not refused.success and "'wing'" in refused.reason


def test_without_joint_states_nothing_is_planned(cell):
    cell.robot.speaks = False
    try:
        eventually(lambda: cell.node._joints.age_s > 1.1)
        answer = cell.ask()
        assert not answer.success and "/joint_states" in answer.message
    finally:
        cell.robot.speaks = True
        eventually(lambda: cell.node._joints.age_s < 0.5)
