"""The door to controllers, on both of its sides."""

import sys

import pytest
from rclpy.action import ActionServer
from semantic_grasping.action import FollowTrajectory

from grasp_node_kit.motion_door import GRIPPER, PARALLEL_GRIPPER, TRAJECTORY, Controller, action_of
from test.rig import Rig
from test.semgrasp_ros.nodes.robot_scene import motion_message


@pytest.mark.parametrize("kind", [PARALLEL_GRIPPER, GRIPPER])
def test_a_grippers_command_goes_where_the_trajectory_ends(kind):
    pytest.importorskip("control_msgs.action")
    rig = Rig()
    asked = []

    def close(handle):
        asked.append(handle.request.command)
        handle.succeed()
        result = action_of(kind).Result()
        result.stalled = True
        return result

    server = ActionServer(rig.client, action_of(kind), "gripper", close)
    controller = Controller(rig.client, "gripper", kind, rig.client.default_callback_group, 12.0)
    assert controller.wait(10.0)
    phase = motion_message(rig.client.get_clock().now().to_msg()).phases[3]
    motion = controller.start(phase, 1.0)
    assert motion.ended.wait(10.0) and motion.problem == ""
    position = asked[0].position[0] if kind == PARALLEL_GRIPPER else asked[0].position
    assert position == pytest.approx(0.01)
    server.destroy()
    rig.close()


def test_a_grippers_command_needs_control_msgs(monkeypatch):
    monkeypatch.setitem(sys.modules, "control_msgs.action", None)
    assert action_of(TRAJECTORY) is FollowTrajectory
    with pytest.raises(ImportError, match="ros-.*-control-msgs.*'trajectory'"):
        action_of(PARALLEL_GRIPPER)
