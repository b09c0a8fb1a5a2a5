"""The cell as a robot on ROS: cameras, joints, clock, and the three actions that any robot offers.

Out: scene/image, scene/depth, scene/camera_info, held/image, held/camera_info, joint_states, /clock,
overview/image (for people). Actions: execute_grasp, present_object, release_object; and, as ROS 2 control's controllers,
arm_controller/follow_joint_trajectory and gripper_controller/follow_joint_trajectory. Service: ~/new_scene.
~/ground_truth (JSON) is for scoring only.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.impl.implementation_singleton import rclpy_implementation
from rosgraph_msgs.msg import Clock as ClockMessage
from semantic_grasping.action import ExecuteGrasp, PresentObject, ReleaseObject
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_msgs.msg import String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory

from grasp2vec_ros.core.options import option
from grasp2vec_ros.nodes.messages import time_message
from grasp_cell.arm import BASE_FRAME
from grasp_cell.cameras import Camera, Frame
from grasp_cell.cell import Cell, CellBusyError, GraspResult
from grasp_cell.config import CellConfig
from grasp_node_kit.action_server import serve_action
from grasp_node_kit.extrinsics import from_pose
from grasp_node_kit.images import array_to_image
from grasp_node_kit.limits import MOST_JOINTS, MOST_POINTS, check_count
from grasp_node_kit.monitors import Stopwatch
from grasp_node_kit.motion_door import TRAJECTORY, action_of
from grasp_node_kit.node import KitNode, in_background, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import LATCHED, RESULT

OUTCOMES = {
    "ok": ExecuteGrasp.Result.OK,
    "empty": ExecuteGrasp.Result.EMPTY,
    "unreachable": ExecuteGrasp.Result.UNREACHABLE,
    "cancelled": ExecuteGrasp.Result.CANCELLED,
    "failed": ExecuteGrasp.Result.FAILED,
}


# What the cell looks at again for every step or every new scene.
LIVE = ("real_time_factor", "objects_per_scene", "variation")

FOLLOWED = ("arm_controller/follow_joint_trajectory", "gripper_controller/follow_joint_trajectory")


@dataclass
class CellNodeConfig:
    """How the cell appears on ROS."""

    camera_rate_hz: float = option(
        2.0, "frames a second of wall time while the arm rests", minimum=0.1, maximum=60.0
    )
    moving_camera_rate_hz: float = option(
        0.0, "frames a second of simulated time while it moves; 0: none", minimum=0.0, maximum=60.0
    )
    overview: bool = option(False, "publish overview/image too, a view of the whole cell for people")
    state_rate_hz: float = option(
        50.0, "clock and joint states a second of wall time during motions", minimum=1.0, maximum=1000.0
    )
    publish_clock: bool = option(True, "publish simulated time on /clock", read_only=True)
    scene_every: int = option(
        10, "released objects after which others are put into the bin; 0: never", minimum=0, maximum=1000000
    )


class CellNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("cell", **options)
        self.config = declare(self, CellNodeConfig())
        self.cell_config = declare(self, CellConfig(), live=LIVE)
        self._tasks: queue.Queue[tuple[Callable[[], object], Future] | None] = queue.Queue()
        self._cell: Cell | None = None
        self._arm = threading.Lock()
        self._released = 0
        self._last_moving_frame_s = 0.0
        self._last_state_s = 0.0
        group = ReentrantCallbackGroup()
        self._servers = [
            serve_action(self, ExecuteGrasp, "execute_grasp", self._execute_grasp, self._refuse, group),
            serve_action(self, PresentObject, "present_object", self._present_object, self._refuse, group),
            serve_action(self, ReleaseObject, "release_object", self._release_object, self._refuse, group),
            *(
                serve_action(self, action_of(TRAJECTORY), name, self._follow, self._refuse, group)
                for name in FOLLOWED
            ),
        ]
        self.offer(Trigger, "~/new_scene", self._new_scene, group)
        self._frame_time = Stopwatch("frames")
        self.monitors = [self._frame_time]

    def set_up(self) -> None:
        """Fills the bin; physics and rendering happen in one thread from now on, time passes while it is active."""
        self._scene_image = self.create_publisher(Image, "scene/image", RESULT)
        self._scene_depth = self.create_publisher(Image, "scene/depth", RESULT)
        self._scene_info = self.create_publisher(CameraInfo, "scene/camera_info", RESULT)
        self._held_image = self.create_publisher(Image, "held/image", RESULT)
        self._held_info = self.create_publisher(CameraInfo, "held/camera_info", RESULT)
        self._overview_image = self.create_publisher(Image, "overview/image", RESULT)
        self._joint_states = self.create_publisher(JointState, "joint_states", RESULT)
        self._truth = self.create_publisher(String, "~/ground_truth", LATCHED)
        self._clock_publisher = (
            self.create_publisher(ClockMessage, "/clock", RESULT) if self.config.publish_clock else None
        )
        ready: Future = Future()
        self._physics = in_background(lambda: self._run_physics(ready), "physics")
        ready.result()
        self.get_logger().info(
            f"{len(self._cell.library.names)} objects, {self.cell_config.objects_per_scene} in the bin"
        )

    def activate(self) -> None:
        """Lets everybody see the cell."""
        self._in_physics(self._publish_everything)

    def tear_down(self) -> None:
        """Ends the physics."""
        self._tasks.put(None)
        self._physics.join(10.0)

    # The physics thread owns the cell: OpenGL contexts belong to one thread.

    def _run_physics(self, ready: Future) -> None:
        try:
            self._cell = Cell(self.cell_config)
        except Exception as error:  # handed to `set_up`, which says it
            ready.set_exception(error)
            return
        self._cell.on_step = self._on_step
        ready.set_result(None)
        while True:
            try:
                task = self._tasks.get(timeout=1.0 / self.config.camera_rate_hz)
            except queue.Empty:
                if self.active and self.context.ok():
                    self._idle()
                continue
            if task is None:
                break
            work, future = task
            try:
                future.set_result(work())
            except Exception as error:  # handed to whoever asked
                future.set_exception(error)
        self._cell.close()
        self._cell = None

    def _idle(self) -> None:
        seconds = 1.0 / self.config.camera_rate_hz if self.cell_config.real_time_factor else 0.03
        try:
            self._cell.idle(seconds)
            self._publish_everything()
        except rclpy_implementation.RCLError:
            # Interrupted while it published: nobody listens any more, and that is no failure.
            if self.context.ok():
                raise

    def _in_physics(self, work: Callable[[], object]) -> object:
        future: Future = Future()
        self._tasks.put((work, future))
        return future.result()

    def _on_step(self) -> None:
        now_s = time.monotonic()
        if now_s - self._last_state_s >= 1.0 / self.config.state_rate_hz:
            self._last_state_s = now_s
            self._publish_clock_and_joints()
        rate = self.config.moving_camera_rate_hz
        if rate > 0 and self._cell.time_s - self._last_moving_frame_s >= 1.0 / rate:
            self._last_moving_frame_s = self._cell.time_s
            self._publish_frames()

    def _publish_clock_and_joints(self) -> None:
        stamp = time_message(int(self._cell.time_s * 1e9))
        if self._clock_publisher is not None:
            self._clock_publisher.publish(ClockMessage(clock=stamp))
        names, positions, velocities = self._cell.joint_state()
        joints = JointState(name=names, position=positions.tolist(), velocity=velocities.tolist())
        joints.header.stamp = stamp
        self._joint_states.publish(joints)

    def _publish_everything(self) -> None:
        self._publish_clock_and_joints()
        self._publish_frames()
        self._publish_truth()

    def _publish_frames(self) -> None:
        with self._frame_time.measure():
            scene, held = self._cell.scene_frame(), self._cell.held_frame()
        self._send(self._scene_image, array_to_image(scene.rgb, "rgb8"), scene, "scene_camera")
        self._send(self._scene_depth, array_to_image(scene.depth_m, "32FC1"), scene, "scene_camera")
        self._send(self._scene_info, camera_info(self._cell.scene_camera), scene, "scene_camera")
        self._send(self._held_image, array_to_image(held.rgb, "rgb8"), held, "held_camera")
        self._send(self._held_info, camera_info(self._cell.held_camera), held, "held_camera")
        if self.config.overview:
            view = self._cell.overview_frame()
            self._send(self._overview_image, array_to_image(view.rgb, "rgb8"), view, "overview_camera")

    @staticmethod
    def _send(publisher: object, message: Image | CameraInfo, frame: Frame, frame_id: str) -> None:
        message.header.stamp, message.header.frame_id = time_message(int(frame.stamp_s * 1e9)), frame_id
        publisher.publish(message)

    def _publish_truth(self) -> None:
        truth = self._cell.ground_truth
        known = {"stamp_s": self._cell.time_s, "objects": truth.objects(), "held": truth.held_object()}
        self._truth.publish(String(data=json.dumps(known)))

    # Actions.

    def _refuse(self) -> str:
        if why := self.why_inactive():
            return why
        return "the arm moves; wait for the motion or cancel it" if self._arm.locked() else ""

    def _execute_grasp(self, handle: ServerGoalHandle) -> ExecuteGrasp.Result:
        goal = handle.request

        def grasp() -> GraspResult:
            frame = goal.grasp_pose.header.frame_id
            if frame != BASE_FRAME:
                raise ValueError(
                    f"grasp_pose.header.frame_id: {frame[:80]!r} is not the base frame {BASE_FRAME!r}"
                )
            pose = from_pose(goal.grasp_pose, "grasp_pose")
            if not 0 <= goal.opening <= 0.08 or not 0 <= goal.approach_distance <= 0.3:
                raise ValueError(
                    f"opening, approach_distance: {goal.opening:.3f}, {goal.approach_distance:.3f} are outside 0 to 0.08 and 0 to 0.3 m"
                )
            return self._cell.execute_grasp(
                pose,
                goal.opening,
                goal.approach_distance or 0.10,
                on_phase=lambda phase: handle.publish_feedback(ExecuteGrasp.Feedback(phase=phase)),
                should_stop=lambda: handle.is_cancel_requested,
            )

        result = self._move(grasp)
        if result.outcome == "cancelled":
            handle.canceled()
        elif result.outcome in ("ok", "empty"):
            handle.succeed()
        else:
            handle.abort()
        return ExecuteGrasp.Result(
            outcome=OUTCOMES[result.outcome], message=result.message, gripper_opening=result.gripper_opening_m
        )

    def _present_object(self, handle: ServerGoalHandle) -> PresentObject.Result:
        angle = handle.request.wrist_angle
        result = self._move(lambda: self._cell.present(float(np.float32(angle))))
        handle.publish_feedback(PresentObject.Feedback(wrist_angle=angle))
        good = result.outcome in ("ok", "empty")
        handle.succeed() if good else handle.abort()
        return PresentObject.Result(
            success=good,
            message=result.message,
            holding=result.outcome == "ok",
            gripper_opening=result.gripper_opening_m,
        )

    def _release_object(self, handle: ServerGoalHandle) -> ReleaseObject.Result:
        place = handle.request.place

        def release() -> GraspResult:
            if place.header.frame_id not in ("", BASE_FRAME):
                raise ValueError(
                    f"place.header.frame_id: {place.header.frame_id[:80]!r} is not the base frame {BASE_FRAME!r}"
                )
            where = np.array([place.point.x, place.point.y, place.point.z]) if place.header.frame_id else None
            if where is not None and not np.isfinite(where).all():
                raise ValueError(f"place.point: {where.tolist()} has a number that is not finite")
            result = self._cell.release(
                where, lambda phase: handle.publish_feedback(ReleaseObject.Feedback(phase=phase))
            )
            self._released += 1
            if self.config.scene_every and self._released % self.config.scene_every == 0:
                self._cell.reset_scene()
            return result

        result = self._move(release)
        handle.succeed() if result.outcome == "ok" else handle.abort()
        return ReleaseObject.Result(success=result.outcome == "ok", message=result.message)

    def _follow(self, handle: ServerGoalHandle) -> object:
        """As a trajectory controller: follows, holds where it is when cancelled, refuses what it cannot follow."""
        asked = handle.request.trajectory
        result = action_of(TRAJECTORY).Result()

        def follow() -> GraspResult:
            times, positions = trajectory_arrays(asked)
            return self._cell.follow(
                tuple(asked.joint_names), times, positions, lambda: handle.is_cancel_requested
            )

        ended = self._move(follow)
        if ended.outcome == "cancelled":
            handle.canceled()
        elif ended.outcome == "ok":
            handle.succeed()
        else:
            result.error_code, result.error_string = result.INVALID_GOAL, ended.message
            handle.abort()
        return result

    def _move(self, motion: Callable[[], GraspResult]) -> GraspResult:
        """Runs a motion and publishes what the cameras see after it, before the result is known to anybody."""

        def work() -> GraspResult:
            try:
                result = motion()
            except (ValueError, CellBusyError) as error:
                result = GraspResult("failed", str(error), self._cell.gripper_opening_m)
                self.get_logger().warning(str(error))
            self._publish_everything()
            return result

        with self._arm:
            return self._in_physics(work)

    def report(self) -> dict[str, object]:
        """What the arm does, and how much was done."""
        return {"arm moving": self._arm.locked(), "released objects": self._released}

    def _new_scene(self, request: Trigger.Request, response: Trigger.Response) -> None:
        def work() -> None:
            self._cell.reset_scene()
            self._publish_everything()

        with self._arm:
            self._in_physics(work)
        response.message = f"{self.cell_config.objects_per_scene} other objects are in the bin"


def trajectory_arrays(message: JointTrajectory) -> tuple[np.ndarray, np.ndarray]:
    """Times (T,) in seconds and positions (T, n) of a trajectory.

    Raises:
        ValueError: points are missing, have other numbers of positions, are not finite, or times do not ascend.
    """
    check_count(len(message.joint_names), MOST_JOINTS, "trajectory.joint_names")
    check_count(len(message.points), MOST_POINTS, "trajectory.points")
    count = len(message.joint_names)
    if not message.points or any(len(point.positions) != count for point in message.points):
        raise ValueError(f"trajectory.points: each needs {count} positions, and there must be one at least")
    spans = [point.time_from_start for point in message.points]
    times = np.array([span.sec + span.nanosec * 1e-9 for span in spans])
    positions = np.array([point.positions for point in message.points], float)
    if times[0] < 0 or (np.diff(times) <= 0).any() or not np.isfinite(positions).all():
        raise ValueError("trajectory.points: times must ascend from 0 or later, and positions be finite")
    return times, positions


def camera_info(camera: Camera) -> CameraInfo:
    """Intrinsics of a camera without distortion."""
    info = CameraInfo(width=camera.width, height=camera.height, distortion_model="plumb_bob", d=[0.0] * 5)
    info.k = camera.intrinsics.ravel().tolist()
    info.r = np.eye(3).ravel().tolist()
    info.p = np.hstack([camera.intrinsics, np.zeros((3, 1))]).ravel().tolist()
    return info


def main() -> None:
    """Runs the node."""
    run(CellNode)


if __name__ == "__main__":
    main()
