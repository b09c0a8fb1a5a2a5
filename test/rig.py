"""Real nodes on real DDS for tests: a rig that spins them, and a fake robot to grasp with."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import numpy as np
import rclpy
from rclpy.action import ActionServer, CancelResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from semantic_grasping.action import ExecuteGrasp, PresentObject, ReleaseObject
from sensor_msgs.msg import CameraInfo, Image, JointState

from grasp_node_kit.action_client import ThreadSafeActionClient
from grasp_node_kit.images import array_to_image
from grasp_node_kit.node import KitNode
from test.grasp2vec_ros.core.helpers import draw_object

# Above this, DDS's ports reach into those that Linux gives out at random.
HIGHEST_DOMAIN = 100


class Rig:
    """Nodes in one executor of several threads, and a plain node to talk to them."""

    def __init__(self, **parameters: object) -> None:
        arguments = ["--ros-args"]
        for name, value in parameters.items():
            arguments += ["-p", f"{name}:={value}"]
        # A domain of its own: what an earlier rig left behind is not heard. In the environment, for child processes too.
        os.environ["ROS_DOMAIN_ID"] = str(int(os.environ.get("ROS_DOMAIN_ID", "0")) % HIGHEST_DOMAIN + 1)
        rclpy.init(args=arguments)
        self.executor = MultiThreadedExecutor(num_threads=8)
        self.nodes: list[Node] = []
        self._clients: dict = {}
        self.client = self.add(Node("tester"))
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()

    def _spin(self) -> None:
        while rclpy.ok():
            try:
                self.executor.spin()
            except (
                Exception
            ) as error:  # as grasp_node_kit.node.run does: a failing callback must not end the others
                if rclpy.ok():
                    print(f"callback failed: {error!r}")
            else:
                return

    def add(self, node: Node) -> Node:
        """Adds a node; one of the kit configures and activates itself."""
        self.nodes.append(node)
        self.executor.add_node(node)
        if isinstance(node, KitNode):
            node.start()
        return node

    def close(self) -> None:
        """Takes everything down."""
        for node in self.nodes:
            if isinstance(node, KitNode):
                node.close()
        self.executor.shutdown(timeout_sec=2.0)
        self._thread.join(5.0)
        for node in self.nodes:
            # rclpy leaves action servers and clients of a destroyed node alive; the next rig would discover them.
            for waitable in list(node.waitables):
                waitable.destroy()
            node.destroy_node()
        rclpy.try_shutdown()

    def collect(self, kind: type, topic: str, qos: object = 10) -> list:
        """A list that fills with the messages of a topic."""
        received: list = []
        self.client.create_subscription(kind, topic, received.append, qos)
        return received

    def call(self, kind: type, name: str, request: object, timeout_s: float = 15.0) -> object:
        """Calls a service and returns its answer."""
        # One client per service: with a new one each time, DDS may drop an answer that is faster than discovery.
        if name not in self._clients:
            self._clients[name] = self.client.create_client(kind, name)
        client = self._clients[name]
        assert client.wait_for_service(max(timeout_s, 30.0)), f"service {name} is not there"
        return wait(client.call_async(request), timeout_s)

    def act(
        self, kind: type, name: str, goal: object, feedback: Callable | None = None, timeout_s: float = 60.0
    ) -> object:
        """Runs an action and returns (status, result)."""
        handle = self.send(kind, name, goal, feedback)
        assert handle.accepted
        answer = wait(handle.get_result_async(), timeout_s)
        return answer.status, answer.result

    def send(self, kind: type, name: str, goal: object, feedback: Callable | None = None) -> object:
        """Sends an action's goal and returns its handle."""
        client = ThreadSafeActionClient(self.client, kind, name)
        assert client.wait_for_server(30.0), f"action {name} is not there"
        return wait(client.send_goal_async(goal, feedback_callback=feedback), 30.0)


def wait(future: object, timeout_s: float) -> object:
    """The result of a future; fails when it does not come in time."""
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    assert done.wait(timeout_s), f"no answer within {timeout_s} s"
    return future.result()


def eventually(condition: Callable[[], object], timeout_s: float = 15.0) -> object:
    """Waits until a condition is true, and returns it."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


class FakeRobot(Node):
    """A robot in name only: three patterned blocks on a floor, seen from above, that can be taken away and put back.

    Args:
        cameras: images are published.
        actions: it serves the three actions and says where its fingers are; false: another node does.
    """

    def __init__(self, cameras: bool = True, actions: bool = True) -> None:
        super().__init__("fake_robot")
        self.blocks = {
            1: (20, 30),
            2: (20, 75),
            3: (70, 110),
        }  # kind: (row, column), 24 pixels wide, 3 cm high
        self.held: int | None = None
        self.encoding = "rgb8"
        self.with_depth = True
        self.refuse = False
        self.slow_s = 0.0
        self.turns_rad = (-9.0, 9.0)
        group = ReentrantCallbackGroup()
        self._scene = self.create_publisher(Image, "scene/image", 1)
        self._depth = self.create_publisher(Image, "scene/depth", 1)
        self._info = self.create_publisher(CameraInfo, "scene/camera_info", 1)
        self._held = self.create_publisher(Image, "held/image", 1)
        self._joints = self.create_publisher(JointState, "joint_states", 1) if actions else None
        if cameras:
            self.create_timer(0.05, self.publish, callback_group=group)
        if not actions:
            return
        options = {"cancel_callback": lambda _: CancelResponse.ACCEPT, "callback_group": group}
        self._servers = [
            ActionServer(self, ExecuteGrasp, "execute_grasp", self._grasp, **options),
            ActionServer(self, PresentObject, "present_object", self._present, **options),
            ActionServer(self, ReleaseObject, "release_object", self._release, **options),
        ]

    def scene(self) -> tuple[np.ndarray, np.ndarray]:
        """Colour and depth [m], 160 x 120 pixels."""
        rgb, depth = np.full((120, 160, 3), 120, np.uint8), np.full((120, 160), 1.0, np.float32)
        for kind, (row, column) in self.blocks.items():
            if kind != self.held:
                rgb[row : row + 24, column : column + 24] = draw_object(kind, 24)
                depth[row : row + 24, column : column + 24] = 0.97
        return rgb, depth

    def publish(self) -> None:
        """Sends one frame of each camera."""
        stamp = self.get_clock().now().to_msg()
        rgb, depth = self.scene()
        held = np.full((64, 64, 3), 200, np.uint8)
        if self.held is not None:
            held[16:48, 16:48] = draw_object(self.held, 32)
        info = CameraInfo(width=160, height=120)
        info.k = [800.0, 0.0, 80.0, 0.0, 800.0, 60.0, 0.0, 0.0, 1.0]
        scene = array_to_image(rgb, "rgb8")
        scene.encoding = self.encoding
        joints = JointState(name=["panda_finger_joint1", "panda_finger_joint2"], position=[0.015, 0.015])
        messages = [
            (self._scene, scene),
            (self._info, info),
            (self._held, array_to_image(held, "rgb8")),
            *([(self._joints, joints)] if self._joints else []),
        ]
        if self.with_depth:
            messages.append((self._depth, array_to_image(depth, "32FC1")))
        for publisher, message in messages:
            message.header.stamp, message.header.frame_id = stamp, "scene_camera"
            publisher.publish(message)

    def _grasp(self, handle: object) -> ExecuteGrasp.Result:
        until = time.monotonic() + self.slow_s
        while time.monotonic() < until:
            if handle.is_cancel_requested:
                handle.canceled()
                return ExecuteGrasp.Result(outcome=ExecuteGrasp.Result.CANCELLED)
            time.sleep(0.02)
        if self.refuse:
            handle.abort()
            return ExecuteGrasp.Result(
                outcome=ExecuteGrasp.Result.FAILED, message="the emergency stop is pressed"
            )
        p = handle.request.grasp_pose.pose.position
        # The camera looks straight down from 1 m over (0.5, 0): columns along -y, rows along -x.
        column, row = 80 - p.y * 800 / 0.97, 60 - (p.x - 0.5) * 800 / 0.97
        near = [
            k for k, (r, c) in self.blocks.items() if abs(r + 12 - row) < 14 and abs(c + 12 - column) < 14
        ]
        self.held = near[0] if near else None
        handle.succeed()
        outcome = ExecuteGrasp.Result.OK if near else ExecuteGrasp.Result.EMPTY
        return ExecuteGrasp.Result(outcome=outcome, gripper_opening=0.03 if near else 0.0)

    def _present(self, handle: object) -> PresentObject.Result:
        if not self.turns_rad[0] <= handle.request.wrist_angle <= self.turns_rad[1]:
            handle.abort()
            return PresentObject.Result(
                message=f"wrist_angle: {handle.request.wrist_angle:.2f} is out of reach"
            )
        handle.succeed()
        return PresentObject.Result(success=True, holding=self.held is not None)

    def _release(self, handle: object) -> ReleaseObject.Result:
        self.held = None
        handle.succeed()
        return ReleaseObject.Result(success=True)


# The fake robot's camera, for the nodes' parameters; rotation of 180 degrees about the diagonal of -x and y.
FAKE_CAMERA = {
    "extrinsics.base_frame": "base",
    "extrinsics.translation_m": "[0.5, 0.0, 1.0]",
    "extrinsics.rotation_xyzw": "[0.70710678, -0.70710678, 0.0, 0.0]",
    "planning.floor_z_m": "0.0",
    "planning.wall_height_m": "0.0",
}
