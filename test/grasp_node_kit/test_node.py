import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import ParameterValue
from rcl_interfaces.srv import DescribeParameters, SetParameters, SetParametersAtomically
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from grasp2vec_ros.core.options import option
from grasp_node_kit.extrinsics import (
    Extrinsics,
    ExtrinsicsConfig,
    ExtrinsicsError,
    from_pose,
    pose_matrix,
    rotation_xyzw,
    to_pose,
)
from grasp_node_kit.fresh import MissingInputError, wait_for_fresh
from grasp_node_kit.images import array_to_image
from grasp_node_kit.newest import NewestSlot
from grasp_node_kit.node import KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import SENSOR
from test.rig import Rig, eventually


@dataclass
class ExampleConfig:
    speed: float = option(1.0, "how fast [m/s]", minimum=0.0, maximum=2.0)
    mode: str = option("slow", "way of going", choices=["slow", "fast"])
    fixed: int = option(3, "never changes", read_only=True)


class Example(KitNode):
    def __init__(self) -> None:
        super().__init__("example")
        self.config = declare(self, ExampleConfig())
        self.camera: NewestSlot[Image] = NewestSlot("camera")

    def set_up(self) -> None:
        self.feed(self.camera, Image, SENSOR, self.default_callback_group)

    def slots(self) -> list[NewestSlot]:
        return [self.camera]


class Broken(KitNode):
    def set_up(self) -> None:
        raise ValueError("store: /nowhere cannot be opened")


class Interrupted(KitNode):
    """Ctrl-C comes while it is activated, before there is what `deactivate` ends."""

    def activate(self) -> None:
        raise KeyboardInterrupt

    def deactivate(self) -> None:
        raise AttributeError("the worker was never started")


@pytest.fixture
def rig():
    made = Rig(speed=1.5)
    yield made
    made.close()


def set_parameter(rig: Rig, name: str, value: object) -> object:
    request = SetParameters.Request(parameters=[Parameter(name, value=value).to_parameter_msg()])
    return rig.call(SetParameters, "example/set_parameters", request).results[0]


def test_a_configuration_is_declared_described_and_followed(rig):
    node = rig.add(Example())
    assert node.config.speed == 1.5 and node.config.mode == "slow"
    described = rig.call(
        DescribeParameters, "example/describe_parameters", DescribeParameters.Request(names=["speed", "mode"])
    ).descriptors
    assert (
        described[0].description == "how fast [m/s]" and described[0].floating_point_range[0].to_value == 2.0
    )
    assert "fast" in described[1].additional_constraints
    assert set_parameter(rig, "speed", 0.5).successful and node.config.speed == 0.5
    assert not set_parameter(rig, "speed", 9.0).successful and node.config.speed == 0.5
    refused = set_parameter(rig, "mode", "backwards")
    assert not refused.successful and "mode" in refused.reason and node.config.mode == "slow"
    assert not set_parameter(rig, "fixed", 4).successful and node.config.fixed == 3


def test_nonsense_is_answered_by_rclpys_own_services_too(rig):
    node = rig.add(Example())
    good = Parameter("speed", value=0.5).to_parameter_msg()
    bad = ParameterMessage(name="speed", value=ParameterValue(type=200))
    results = rig.call(
        SetParameters, "example/set_parameters", SetParameters.Request(parameters=[good, bad, good])
    ).results
    assert [result.successful for result in results] == [True, False, False] and node.config.speed == 0.5
    request = SetParametersAtomically.Request(parameters=[bad])
    assert not rig.call(
        SetParametersAtomically, "example/set_parameters_atomically", request
    ).result.successful
    request = ChangeState.Request(transition=Transition(id=200))
    assert not rig.call(ChangeState, "example/change_state", request).success
    assert rig.call(GetState, "example/get_state", GetState.Request()).current_state.label == "active"


def test_what_was_interrupted_while_it_was_activated_closes():
    rclpy.init(args=[])
    try:
        node = Interrupted("interrupted")
        with pytest.raises(KeyboardInterrupt):
            node.start()
        assert node.ready and not node.active
        node.close()
        node.destroy_node()
    finally:
        rclpy.try_shutdown()


def test_it_says_within_five_seconds_what_it_waits_for(rig, capfd):
    said: list[str] = []

    def lines(text: str) -> list[str]:
        said.extend(capfd.readouterr().err.splitlines())
        return [line for line in said if text in line]

    node = rig.add(Example())
    began = time.monotonic()
    complaint = eventually(lambda: node.watchdog.complaint, 9.0)
    assert time.monotonic() - began < 7.0 and "nobody publishes /camera" in complaint
    publisher = rig.client.create_publisher(Image, "camera", 1)
    rig.client.create_timer(
        0.1, lambda: publisher.publish(array_to_image(np.zeros((2, 2, 3), np.uint8), "rgb8"))
    )
    eventually(lambda: not node.watchdog.complaint, 9.0)
    over = eventually(lambda: lines("no longer: nobody publishes /camera"))
    assert len(over) == 1 and over[0].endswith("everything that was waited for is there")
    # In all these looks, one a second, it was said once.
    assert len(lines("waiting: nobody publishes /camera")) == 1


def test_diagnostics_tell_ages(rig):
    received = rig.collect(DiagnosticArray, "/diagnostics")
    rig.add(Example())
    status = eventually(lambda: next((m.status[0] for m in received if m.status[0].name == "/example"), None))
    assert {"camera received"} <= {value.key for value in status.values}


def test_a_node_that_cannot_be_set_up_stays_and_says_why(rig):
    node = rig.add(Broken("broken"))
    assert not node.ready and "cannot be opened" in node.problem
    assert (
        rig.call(DescribeParameters, "broken/describe_parameters", DescribeParameters.Request()) is not None
    )


def test_only_messages_after_the_request_are_fresh(rig):
    node = rig.add(Example())
    publisher = rig.client.create_publisher(Image, "camera", 1)

    def send(stamp) -> None:
        message = array_to_image(np.zeros((2, 2, 3), np.uint8), "rgb8")
        message.header.stamp = stamp.to_msg()
        publisher.publish(message)

    before = rig.client.get_clock().now()
    eventually(lambda: send(before) or node.camera.received)
    with pytest.raises(MissingInputError, match="/camera within 0.3 s"):
        wait_for_fresh(node, node.camera, 0.3)
    rig.client.create_timer(0.2, lambda: send(rig.client.get_clock().now()))
    assert wait_for_fresh(node, node.camera, 5.0).header.stamp != before.to_msg()


def test_extrinsics_without_tf_and_parameters_say_what_to_do(rig):
    node = rig.add(Example())
    pose = Extrinsics(
        node, ExtrinsicsConfig(translation_m=[1.0, 2.0, 3.0], rotation_xyzw=[0.0, 0.0, 0.0, 1.0])
    )
    assert np.allclose(pose.base_from_camera("camera")[:3, 3], [1, 2, 3])
    unknown = Extrinsics(node, ExtrinsicsConfig())
    with pytest.raises(ExtrinsicsError, match=r"extrinsics\.(translation_m|rotation_xyzw)"):
        unknown.base_from_camera("camera")
    with pytest.raises(ValueError, match="unit quaternion"):
        Extrinsics(node, ExtrinsicsConfig(rotation_xyzw=[1.0, 1.0, 0.0, 0.0]))


def test_poses_there_and_back():
    from geometry_msgs.msg import PoseStamped

    rng = np.random.default_rng(0)
    for _ in range(50):
        quaternion = rng.normal(size=4)
        matrix = pose_matrix(rng.normal(size=3).tolist(), (quaternion / np.linalg.norm(quaternion)).tolist())
        message = PoseStamped(pose=to_pose(matrix))
        assert np.allclose(from_pose(message, "pose"), matrix, atol=1e-9)
        assert np.allclose(pose_matrix(matrix[:3, 3].tolist(), rotation_xyzw(matrix)), matrix)
    message.pose.position.x = float("nan")
    with pytest.raises(ValueError, match="not finite"):
        from_pose(message, "pose")


def test_an_interrupted_node_exits_with_zero(tmp_path):
    code = "import grasp2vec_ros.nodes.capture as c; c.main()"
    command = [sys.executable, "-c", code, "--ros-args", "-p", f"store:={tmp_path / 's'}"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ)
    for line in process.stderr:
        if "storing in" in line:
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0


def test_an_interrupt_while_a_node_is_made_is_no_failure():
    def interrupted() -> KitNode:
        rclpy.try_shutdown()
        return Example()

    run(interrupted)
    assert not rclpy.ok()
