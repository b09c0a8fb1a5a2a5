"""Moves an arm and its gripper by their controllers, watched: what the execute and the arm node share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from rclpy.callback_groups import CallbackGroup
from sensor_msgs.msg import JointState
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMessage

from grasp2vec_ros.core.options import option
from grasp_node_kit.motion_door import KINDS, TRAJECTORY, Controller, Motion
from grasp_node_kit.newest import NewestSlot
from grasp_node_kit.node import KitNode
from semgrasp_ros.core.retarget.motion_check import MotionError, check_start
from semgrasp_ros.core.retarget.trajectory import JointTrajectory
from semgrasp_ros.nodes.robots import JointsError, NamedRobot

# Messages that may have been under way when a motion ended, and how long they may be.
ON_THEIR_WAY, ARRIVAL_S = 2, 0.5


@dataclass
class MoverConfig:
    """Which controllers move the robot, and when they are stopped."""

    arm_action: str = option(
        "arm_controller/follow_joint_trajectory", "action of the arm's controller", read_only=True
    )
    gripper_action: str = option(
        "gripper_controller/follow_joint_trajectory",
        "action of the gripper's or hand's controller",
        read_only=True,
    )
    gripper_kind: str = option(
        TRAJECTORY,
        "what that action is: a trajectory (FollowJointTrajectory), ParallelGripperCommand or GripperCommand",
        choices=KINDS,
        read_only=True,
    )
    gripper_effort_n: float = option(
        0.0, "force of a gripper's command; 0: the gripper's own", minimum=0.0, maximum=500.0, read_only=True
    )
    start_tolerance_rad: float = option(
        0.05,
        "each motion of the arm must begin so near to where the arm is",
        minimum=0.001,
        maximum=0.5,
    )
    joints_timeout_s: float = option(
        1.0, "joint states may be so old; during a motion the arm stops", minimum=0.02, maximum=10.0
    )
    period_s: float = option(
        0.02, "how often cancels and joint states are looked at", minimum=0.005, maximum=0.2
    )
    late_s: float = option(5.0, "a motion may take so much longer than planned", minimum=0.1, maximum=600.0)
    stop_timeout_s: float = option(
        2.0, "how long to wait for a controller to say that it stopped", minimum=0.1, maximum=30.0
    )
    empty_margin_m: float = option(
        0.002,
        "a jaw that closed to so much above its command holds nothing",
        minimum=0.0,
        maximum=0.05,
    )


@dataclass(frozen=True)
class Phase:
    """A motion to do.

    Attributes:
        name: of the phase.
        motion: in the description's names.
        of_arm: of the arm's joints, not the gripper's.
        message: for the controller.
    """

    name: str
    motion: JointTrajectory
    of_arm: bool
    message: JointTrajectoryMessage


class MoveError(RuntimeError):
    """A motion ended before its end; the robot was stopped.

    Attributes:
        phase: that was not finished.
        cancelled: by whoever asked for it.
    """

    def __init__(self, text: str, phase: str, cancelled: bool = False) -> None:
        super().__init__(text)
        self.phase, self.cancelled = phase, cancelled


class Mover:
    """A robot's controllers and its joint states.

    Args:
        node: whose they are; its motions are stopped when it is deactivated.
        config: which controllers.
        named: the robot.
        joints: slot of the joint states.
        group: callback group, reentrant.

    Raises:
        ImportError: the type of the gripper's action is not installed.
    """

    def __init__(
        self,
        node: KitNode,
        config: MoverConfig,
        named: NamedRobot,
        joints: NewestSlot[JointState],
        group: CallbackGroup,
    ) -> None:
        self._node, self._config, self._named, self._joints = node, config, named, joints
        self._controllers = {
            True: Controller(node, config.arm_action, TRAJECTORY, group),
            False: Controller(
                node, config.gripper_action, config.gripper_kind, group, config.gripper_effort_n
            ),
        }

    @property
    def missing(self) -> str:
        """For the watchdog: the controllers that are not there."""
        names = [each.name for each in self._controllers.values() if not each.is_there]
        return f"nobody serves {', '.join(names)}" if names else ""

    def require_controllers(self, of_arm: Iterable[bool] = (True, False)) -> None:
        """Passes when somebody serves the arm's controller, the gripper's, or both.

        Raises:
            LookupError: nobody does.
        """
        for controller in {self._controllers[each] for each in of_arm}:
            if not controller.is_there and not controller.wait(1.0):
                raise LookupError(
                    f"nobody serves {self._node.resolve_topic_name(controller.name)}; start the controller, or set"
                    " arm_action and gripper_action"
                )

    def joints_now(self) -> JointState:
        """The newest joint states.

        Raises:
            JointsError: there are none, or they are too old.
        """
        message, timeout_s = self._joints.newest, self._config.joints_timeout_s
        if message is None or self._joints.age_s > timeout_s:
            # Planning may have kept this process from listening: the next one tells.
            message = self._joints.wait_for_next(self._joints.received, timeout_s)
        if message is None:
            raise JointsError(
                f"where the arm is is not known: nothing on {self._node.topic_of(self._joints)} for"
                f" {self._config.joints_timeout_s:g} s"
            )
        return message

    def arm_now(self) -> np.ndarray:
        """Joints (n,) of the arm, radians.

        Raises:
            JointsError: they are not known.
        """
        return self._named.arm_positions(self.joints_now())

    def opening_after_m(self, phase: str) -> float:
        """Between the fingers of a jaw, from joint states that come after the call.

        Args:
            phase: after which it is asked for.

        Raises:
            MoveError: no joint states come, or they lack the fingers.
        """
        message = None
        # The first ones may have been on their way before.
        for _ in range(ON_THEIR_WAY + 1):
            message = self._joints.wait_for_next(self._joints.received, self._config.joints_timeout_s)
        if message is None:
            raise MoveError(f"{phase}: joint states stopped; whether it holds something is not known", phase)
        try:
            return float(self._named.gripper_positions(message).sum())
        except JointsError as error:
            raise MoveError(f"{phase}: {error}", phase) from error

    def holds(self, opening_m: float, closed: np.ndarray) -> bool:
        """A jaw that was closed to joints (m,) and stands open further has something between its fingers."""
        return opening_m > float(np.sum(closed)) + self._config.empty_margin_m

    def move(
        self,
        phase: Phase,
        cancelled: Callable[[], bool],
        tell: Callable[[float], None] = lambda _: None,
        may_fall_short: bool = False,
    ) -> None:
        """Does a motion and waits for its end.

        Args:
            phase: the motion.
            cancelled: asked all the time; when it says so, the robot is stopped.
            tell: told about ten times a second how long it has run [s].
            may_fall_short: fingers may be stopped by what they close on.

        Raises:
            MoveError: it did not get to its end.
        """
        if phase.of_arm:
            self._check_start(phase)
        controller = self._controllers[phase.of_arm]
        motion = controller.start(phase.message, self._config.late_s)
        self._watch(motion, phase, cancelled, tell)
        if motion.problem and not (may_fall_short and motion.fell_short):
            raise MoveError(f"{phase.name}: {controller.name}: {motion.problem}", phase.name)

    def _check_start(self, phase: Phase) -> None:
        """Refuses a motion that begins elsewhere; joint states from before the last motion's end may still arrive."""
        until_s = time.monotonic() + ARRIVAL_S
        while True:
            received = self._joints.received
            try:
                check_start(phase.name, phase.motion, self.arm_now(), self._config.start_tolerance_rad)
            except JointsError as error:
                raise MoveError(str(error), phase.name) from error
            except MotionError as error:
                left_s = until_s - time.monotonic()
                if left_s <= 0 or self._joints.wait_for_next(received, left_s) is None:
                    raise MoveError(str(error), phase.name) from error
            else:
                return

    def _watch(
        self,
        motion: Motion,
        phase: Phase,
        cancelled: Callable[[], bool],
        tell: Callable[[float], None],
    ) -> None:
        own, clock, told_s = self._config, self._node.get_clock(), 0.0
        began_ns = clock.now().nanoseconds
        planned_s = phase.motion.duration_s
        while not motion.ended.wait(own.period_s):
            elapsed_s = (clock.now().nanoseconds - began_ns) / 1e9
            if cancelled():
                self._stop(motion, f"cancelled while {phase.name}", phase, cancelled=True)
            if not self._node.active:
                self._stop(motion, f"the node was deactivated while {phase.name}", phase)
            if self._joints.age_s > own.joints_timeout_s:
                text = f"{phase.name}: joint states stopped for {self._joints.age_s:.1f} s"
                self._stop(motion, text, phase)
            if elapsed_s > planned_s + own.late_s:
                text = f"{phase.name}: took {elapsed_s:.1f} s, {planned_s:.1f} s were planned"
                self._stop(motion, text, phase)
            if elapsed_s - told_s > 0.1:
                told_s = elapsed_s
                tell(min(elapsed_s, planned_s))

    def _stop(self, motion: Motion, text: str, phase: Phase, cancelled: bool = False) -> None:
        """Stops a motion and ends what it is part of."""
        motion.stop()
        if not motion.ended.wait(self._config.stop_timeout_s):
            raise MoveError(
                f"{text}; {self._controllers[phase.of_arm].name} has not said that it stopped within"
                f" {self._config.stop_timeout_s:g} s: use the robot's own stop",
                phase.name,
            )
        raise MoveError(f"{text}; the robot was stopped", phase.name, cancelled)
