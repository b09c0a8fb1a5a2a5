"""The arm node: serves the three actions that grasping asks of a robot with the controllers of the arm and the gripper.

In: joint_states. Actions: execute_grasp, present_object, release_object. It asks the controllers `arm_action` and
`gripper_action`. What is held is known from the gripper alone: it was closed and stands open by more than `empty_margin_m`.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from geometry_msgs.msg import PointStamped
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from semantic_grasping.action import ExecuteGrasp, PresentObject, ReleaseObject
from sensor_msgs.msg import JointState

from grasp2vec_ros.core.options import option
from grasp_node_kit.action_server import serve_action
from grasp_node_kit.extrinsics import from_pose
from grasp_node_kit.limits import LONGEST_TEXT
from grasp_node_kit.monitors import Stopwatch
from grasp_node_kit.newest import NewestSlot
from grasp_node_kit.node import KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import SENSOR
from semgrasp_ros.core.retarget.bin_motion import BinConfig, BinMotionConfig, BinMotions
from semgrasp_ros.core.retarget.collision import open_gripper
from semgrasp_ros.core.retarget.motion_check import MotionCheck, MotionError
from semgrasp_ros.core.retarget.paths import NoWayError, finger_motion
from semgrasp_ros.core.retarget.trajectory import JointTrajectory
from semgrasp_ros.nodes.mover import MoveError, Mover, MoverConfig, Phase
from semgrasp_ros.nodes.robots import NamedRobot, RobotConfig, inside_limits

AS_IN_FILE_RAD = 0.0
STANDS_IN_THE_WAY = "where the arm is now"
OK, EMPTY, UNREACHABLE, CANCELLED, FAILED = "ok", "empty", "unreachable", "cancelled", "failed"
OUTCOMES = {
    OK: ExecuteGrasp.Result.OK,
    EMPTY: ExecuteGrasp.Result.EMPTY,
    UNREACHABLE: ExecuteGrasp.Result.UNREACHABLE,
    CANCELLED: ExecuteGrasp.Result.CANCELLED,
    FAILED: ExecuteGrasp.Result.FAILED,
}


@dataclass
class ArmConfig(MoverConfig):
    """The robot's controllers, and where it holds up what it grasped."""

    presented_rad: list = field(
        default_factory=lambda: [AS_IN_FILE_RAD],
        metadata={
            "help": "arm's joints where it holds up what it grasped, out of the scene camera's view, before the held camera; [0.0]: as the robot's file says (arm.presented_rad)",
            "read_only": True,
        },
    )
    settle_s: float = option(
        0.3, "wait after closing, opening and holding up: until fingers and images rest", minimum=0.0, maximum=10.0
    )  # fmt: skip


@dataclass
class BaseConfig:
    """In which frame grasps and places are given."""

    base_frame: str = option(
        "", "frame of the arm's base in grasps and places; empty: as the robot's file says", read_only=True
    )


@dataclass(frozen=True)
class Ended:
    """How an action ended."""

    outcome: str
    message: str


class ArmNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("arm", **options)
        self.config = declare(self, ArmConfig())
        self.robot_config = declare(self, RobotConfig())
        self.motion_config = declare(self, BinMotionConfig())
        # The grasping node plans in the same bin.
        self.bin_config = declare(self, BinConfig(), "planning.", live=())
        self.base_config = declare(self, BaseConfig(), "extrinsics.")
        self._joints: NewestSlot[JointState] = NewestSlot("joint_states")
        self._motion_time = Stopwatch("motion")
        self.monitors = [self._motion_time]
        self._busy = Lock()
        self._last = ""
        # None: not known, as after a start.
        self._closed: bool | None = None
        self._group = ReentrantCallbackGroup()
        self._servers = [
            serve_action(self, kind, name, work, self._refuse, self._group)
            for kind, name, work in (
                (ExecuteGrasp, "execute_grasp", self._execute_grasp),
                (PresentObject, "present_object", self._present_object),
                (ReleaseObject, "release_object", self._release_object),
            )
        ]

    def set_up(self) -> None:
        """Loads the robot and finds its controllers."""
        self._named = NamedRobot(self.robot_config)
        given = list(self.config.presented_rad)
        presented = None if given == [AS_IN_FILE_RAD] else np.array(given, float)
        self._motions = BinMotions(self._named.robot, self.bin_config, self.motion_config, presented)
        self._check = MotionCheck(self._named.robot)
        self._base_frame = self.base_config.base_frame or self._named.robot.base_frame
        self._mover = Mover(self, self.config, self._named, self._joints, self._group)
        self._closed = None
        self.feed(self._joints, JointState, SENSOR, self._group)

    def slots(self) -> list[NewestSlot]:
        """Joint states."""
        return [self._joints]

    def waiting_for(self) -> str:
        """The controllers."""
        return self._mover.missing

    def report(self) -> dict[str, object]:
        """What it does."""
        gripper = {None: "not known", True: "closed", False: "open"}[self._closed]
        return {"robot moving": self._busy.locked(), "gripper commanded": gripper, "last result": self._last}

    def _refuse(self) -> str:
        if why := self.why_inactive():
            return why
        return "the arm moves; wait for the motion or cancel it" if self._busy.locked() else ""

    # The three actions.

    def _execute_grasp(self, handle: ServerGoalHandle) -> ExecuteGrasp.Result:
        def tell(phase: str) -> None:
            handle.publish_feedback(ExecuteGrasp.Feedback(phase=phase))

        ended = self._act(handle, lambda: self._grasp(handle, tell))
        return ExecuteGrasp.Result(
            outcome=OUTCOMES[ended.outcome], message=ended.message, gripper_opening=self._opening_m()
        )

    def _present_object(self, handle: ServerGoalHandle) -> PresentObject.Result:
        ended = self._act(handle, lambda: self._present(handle))
        return PresentObject.Result(
            success=ended.outcome in (OK, EMPTY),
            message=ended.message,
            holding=ended.outcome == OK,
            gripper_opening=self._opening_m(),
        )

    def _release_object(self, handle: ServerGoalHandle) -> ReleaseObject.Result:
        def tell(phase: str) -> None:
            handle.publish_feedback(ReleaseObject.Feedback(phase=phase))

        ended = self._act(handle, lambda: self._release(handle, tell))
        return ReleaseObject.Result(success=ended.outcome == OK, message=ended.message)

    def _act(self, handle: ServerGoalHandle, work: Callable[[], Ended]) -> Ended:
        """Does an action's work and ends it in the right state, whatever happens."""
        if not self._busy.acquire(blocking=False):
            handle.abort()
            return Ended(FAILED, "the arm moves; wait for the motion or cancel it")
        try:
            with self._motion_time.measure():
                ended = self._ended(work)
        finally:
            self._busy.release()
        self._last = ended.message
        if ended.outcome in (OK, EMPTY):
            handle.succeed()
            return ended
        self.get_logger().warning(ended.message)
        if ended.outcome == CANCELLED and handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        return ended

    def _ended(self, work: Callable[[], Ended]) -> Ended:
        try:
            return work()
        except MoveError as error:
            return Ended(CANCELLED if error.cancelled else FAILED, str(error))
        except (ValueError, LookupError, NoWayError) as error:
            return Ended(FAILED, str(error))
        except Exception as error:  # a result that nobody filled in would say that all went well
            self.get_logger().error(traceback.format_exc())
            return Ended(FAILED, f"failed: {type(error).__name__}: {error}")

    # What they do.

    def _grasp(self, handle: ServerGoalHandle, tell: Callable[[str], None]) -> Ended:
        goal = handle.request
        self._require_frame(goal.grasp_pose.header.frame_id, "grasp_pose")
        pose = from_pose(goal.grasp_pose, "grasp_pose")
        self._mover.require_controllers()
        q, fingers = self._where()
        if self._holds(float(fingers.sum())):
            raise ValueError("the gripper holds an object; call release_object first")
        up, above = self._out(q, fingers)
        plan = self._motions.grasp(pose, goal.opening, goal.approach_distance, above)
        if not plan.succeeded:
            here = plan.reason.endswith(STANDS_IN_THE_WAY)
            return Ended(FAILED if here else UNREACHABLE, plan.reason)
        phases = self._checked(plan.phases)
        tell("approaching")
        self._open_to(handle, phases["grasp"].positions[0])
        self._arm(handle, up | {name: phases[name] for name in ("reach", "approach")})
        tell("closing")
        self._fingers(handle, "closing", phases["grasp"], closed=True)
        tell("lifting")
        self._arm(handle, {"lift": phases["lift"]})
        tell("presenting" if self._holds(self._mover.opening_after_m("lift")) else "returning")
        self._arm(handle, {"present": phases["present"]})
        self._settle(handle, "present")
        if self._holds(self._mover.opening_after_m("present")):
            return Ended(OK, "an object is held, as far as the gripper's opening tells")
        self._open_to(handle, open_gripper(self._named.robot))
        return Ended(EMPTY, "the gripper closed on nothing or lost the object")

    def _present(self, handle: ServerGoalHandle) -> Ended:
        angle = handle.request.wrist_angle
        goal = self._motions.turned(float(angle))
        self._mover.require_controllers([True])
        q, fingers = self._where()
        up, above = self._out(q, fingers)
        motion = self._motions.to(goal, above, fingers)

        def tell(_: float) -> None:
            turned = self._mover.arm_now()[-1] - self._motions.presented_rad[-1]
            handle.publish_feedback(PresentObject.Feedback(wrist_angle=float(turned)))

        self._arm(handle, up | {"turn": motion}, tell)
        self._settle(handle, "turn")
        handle.publish_feedback(PresentObject.Feedback(wrist_angle=angle))
        held = self._holds(self._mover.opening_after_m("turn"))
        return Ended(OK, "") if held else Ended(EMPTY, "nothing is held")

    def _release(self, handle: ServerGoalHandle, tell: Callable[[str], None]) -> Ended:
        place = self._place(handle.request.place)
        self._mover.require_controllers()
        q, fingers = self._where()
        if not self._holds(float(fingers.sum())):
            tell("opening")
            self._open_to(handle, open_gripper(self._named.robot))
            q, fingers = self._where()
            up, above = self._out(q, fingers)
            tell("returning")
            self._arm(handle, up | {"return": self._motions.to(self._motions.presented_rad, above, fingers)})
            self._settle(handle, "return")
            return Ended(OK, "nothing was held; the gripper is open")
        up, above = self._out(q, fingers)
        plan = self._motions.put_back(place, above, fingers)
        if not plan.succeeded:
            raise ValueError(f"place: {plan.reason}; the object is still held")
        phases = self._checked(plan.phases)
        tell("carrying")
        self._arm(handle, up | {name: phases[name] for name in ("reach", "approach")})
        tell("opening")
        self._fingers(handle, "opening", phases["grasp"], closed=False)
        tell("returning")
        self._arm(handle, {name: phases[name] for name in ("lift", "return")})
        self._settle(handle, "return")
        return Ended(OK, "")

    # Their parts.

    def _require_frame(self, frame: str, name: str) -> None:
        if frame != self._base_frame:
            raise ValueError(
                f"{name}.header.frame_id: {frame[:LONGEST_TEXT]!r} is not the base frame {self._base_frame!r}"
                " (extrinsics.base_frame)"
            )

    def _place(self, message: PointStamped) -> np.ndarray | None:
        if not message.header.frame_id:
            return None
        self._require_frame(message.header.frame_id, "place")
        where = np.array([message.point.x, message.point.y, message.point.z])
        if not np.isfinite(where).all():
            raise ValueError(f"place.point: {where.tolist()} has a number that is not finite")
        return where

    def _where(self) -> tuple[np.ndarray, np.ndarray]:
        """Joints of the arm (n,) and of the fingers (2,), within their limits where they are a little beyond."""
        arm, gripper = self._motions.arm, self._named.robot.gripper
        message = self._mover.joints_now()
        fingers = self._named.gripper_positions(message)
        return (
            inside_limits(self._named.arm_positions(message), arm.lower_rad, arm.upper_rad),
            np.clip(fingers, gripper.opening_min_m / 2, gripper.opening_max_m / 2),
        )

    def _out(self, q: np.ndarray, fingers: np.ndarray) -> tuple[dict[str, JointTrajectory], np.ndarray]:
        """The way straight up, where the arm stands low, and the joints (n,) at its end."""
        up = self._motions.up(q, fingers)
        return ({}, q) if up is None else ({"up": up}, up.positions[-1])

    def _holds(self, opening_m: float) -> bool:
        """Something is held. Where the gripper's last command is not known, what is neither open nor closed may hold."""
        gripper = self._named.robot.gripper
        if self._closed is None and opening_m >= gripper.opening_max_m - self.config.empty_margin_m:
            return False
        return self._closed is not False and self._mover.holds(opening_m, self._motions.closed)

    def _opening_m(self) -> float:
        newest = self._joints.newest
        return float("nan") if newest is None else float(self._named.opening_m(newest))

    def _arm(
        self,
        handle: ServerGoalHandle,
        phases: dict[str, JointTrajectory],
        tell: Callable[[float], None] = lambda _: None,
    ) -> None:
        for name, motion in self._checked(phases).items():
            # A controller refuses a trajectory that takes no time.
            if motion.duration_s > 0:
                self._mover.move(self._phase(name, motion), lambda: handle.is_cancel_requested, tell)

    def _fingers(self, handle: ServerGoalHandle, name: str, motion: JointTrajectory, closed: bool) -> None:
        self._check.check(name, motion)
        self._closed = closed
        self._mover.move(self._phase(name, motion), lambda: handle.is_cancel_requested, may_fall_short=closed)
        self._settle(handle, name)

    def _open_to(self, handle: ServerGoalHandle, goal: np.ndarray) -> None:
        _, fingers = self._where()
        joints = self._named.robot.gripper.joints
        motion = finger_motion(joints, (fingers, goal), self.motion_config.close_s)
        self._fingers(handle, "opening", motion, closed=False)

    def _checked(self, phases: dict[str, JointTrajectory]) -> dict[str, JointTrajectory]:
        """All phases, checked before the first of them moves anything."""
        for name, motion in phases.items():
            try:
                self._check.check(name, motion)
            except MotionError as error:
                raise MotionError(f"{error}; lower speed, or raise close_s") from error
        return phases

    def _phase(self, name: str, motion: JointTrajectory) -> Phase:
        return Phase(name, motion, self._named.moves_arm(motion), self._named.to_message(motion))

    def _settle(self, handle: ServerGoalHandle, name: str) -> None:
        """Waits in the node's time; a clock that stands does not hold it up for ever."""
        own, clock = self.config, self.get_clock()
        until_ns = clock.now().nanoseconds + int(own.settle_s * 1e9)
        latest_s = time.monotonic() + own.settle_s + own.late_s
        while clock.now().nanoseconds < until_ns and time.monotonic() < latest_s:
            if handle.is_cancel_requested:
                raise MoveError(f"cancelled after {name}; the robot stands", name, cancelled=True)
            time.sleep(own.period_s)


def main() -> None:
    """Runs the node."""
    run(ArmNode)


if __name__ == "__main__":
    main()
