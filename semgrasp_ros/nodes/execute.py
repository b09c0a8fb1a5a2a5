"""The execute node: does a planned grasp with the arm's and the gripper's controllers, phase by phase.

In: joint_states, retarget/robot_grasp. Action: ~/grasp. It asks the controllers `arm_action` and `gripper_action`.
A preview moves nothing and says on ~/preview_joint_states where the joints would be.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from semantic_grasping.action import ExecuteRobotGrasp
from semantic_grasping.msg import RobotGrasp
from sensor_msgs.msg import JointState

from grasp2vec_ros.core.options import option
from grasp_node_kit.action_server import serve_action
from grasp_node_kit.limits import check_count, check_text, check_texts
from grasp_node_kit.monitors import Stopwatch
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import RESULT, SENSOR
from semgrasp_ros.core.retarget.motion_check import MotionCheck, check_start
from semgrasp_ros.nodes.grasp_messages import check_robot_name
from semgrasp_ros.nodes.mover import MoveError, Mover, MoverConfig, Phase
from semgrasp_ros.nodes.robots import NamedRobot, RobotConfig

MOST_PHASES = 16
PREVIEW_S = 1 / 30
GRASP, LIFT = "grasp", "lift"
_Result = ExecuteRobotGrasp.Result


@dataclass
class ExecuteConfig(MoverConfig):
    """Which controllers move the robot, and when they may."""

    max_age_s: float = option(
        30.0, "a grasp whose cloud is older is refused: things may have moved", minimum=0.1, maximum=86400.0
    )


class EndError(RuntimeError):
    """The action ends here.

    Attributes:
        outcome: of the result.
        phase: that was not finished.
    """

    def __init__(self, outcome: int, text: str, phase: str = "") -> None:
        super().__init__(text)
        self.outcome, self.phase = outcome, phase


class ExecuteNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("execute", **options)
        self.config = declare(self, ExecuteConfig())
        self.robot_config = declare(self, RobotConfig())
        self._joints: NewestSlot[JointState] = NewestSlot("joint_states")
        self._grasp: NewestSlot[RobotGrasp] = NewestSlot("retarget/robot_grasp")
        self._motion_time = Stopwatch("motion")
        self.monitors = [self._motion_time]
        self._busy = Lock()
        self._last = ""
        self._preview = self.create_publisher(JointState, "~/preview_joint_states", RESULT)
        self._group = ReentrantCallbackGroup()
        self._servers = [
            serve_action(self, ExecuteRobotGrasp, "~/grasp", self._execute, self._refuse, self._group)
        ]

    def set_up(self) -> None:
        """Loads the robot and finds its controllers."""
        self._named = NamedRobot(self.robot_config)
        self._check = MotionCheck(self._named.robot)
        self._mover = Mover(self, self.config, self._named, self._joints, self._group)
        self.feed(self._joints, JointState, SENSOR, self._group)
        self.feed(self._grasp, RobotGrasp, RESULT, self._group)

    def slots(self) -> list[NewestSlot]:
        """Joint states, and grasps once there are any."""
        return [self._joints, *([self._grasp] if self._grasp.received else [])]

    def needs(self) -> list[NewestSlot]:
        """Joint states."""
        return [self._joints]

    def waiting_for(self) -> str:
        """The controllers."""
        return self._mover.missing

    def report(self) -> dict[str, object]:
        """What it does."""
        return {"robot moving": self._busy.locked(), "last result": self._last}

    def _refuse(self) -> str:
        if why := self.why_inactive():
            return why
        return "another grasp is being done; cancel it first" if self._busy.locked() else ""

    # The action.

    def _execute(self, handle: ServerGoalHandle) -> ExecuteRobotGrasp.Result:
        result = _Result(gripper_opening=float("nan"))
        if not self._busy.acquire(blocking=False):
            handle.abort()
            result.outcome, result.message = _Result.REFUSED, "another grasp is being done; cancel it first"
            return result
        try:
            with self._motion_time.measure():
                self._do(handle)
            result.outcome, result.message = _Result.OK, self._done_text(handle.request)
        except EndError as end:
            result.outcome, result.message, result.phase = end.outcome, str(end), end.phase
        finally:
            self._busy.release()
        newest = self._joints.newest
        if newest is not None:
            result.gripper_opening = float(self._named.opening_m(newest))
        self._last = result.message
        self._finish(handle, result)
        return result

    def _finish(self, handle: ServerGoalHandle, result: ExecuteRobotGrasp.Result) -> None:
        if result.outcome == _Result.OK:
            handle.succeed()
            return
        self.get_logger().warning(result.message)
        if result.outcome == _Result.CANCELLED and handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()

    @staticmethod
    def _done_text(goal: ExecuteRobotGrasp.Goal) -> str:
        return "shown; nothing has moved" if goal.preview else "done"

    def _do(self, handle: ServerGoalHandle) -> None:
        """All phases.

        Raises:
            EndError: it ended before the last of them did.
        """
        goal = handle.request
        try:
            grasp = self._chosen(goal.grasp)
            phases = self._phases(grasp, goal.phases)
            if not goal.preview:
                self._mover.require_controllers(phase.of_arm for phase in phases)
            first = next((phase for phase in phases if phase.of_arm), None)
            if first is not None:
                check_start(first.name, first.motion, self._mover.arm_now(), self.config.start_tolerance_rad)
        except (ValueError, LookupError) as error:
            raise EndError(_Result.REFUSED, f"refused: {error}") from error
        total_s = max(sum(phase.motion.duration_s for phase in phases), 1e-6)
        over_s = 0.0
        for phase in phases:
            self._one(
                handle,
                phase,
                grasp,
                lambda s, name=phase.name, o=over_s: _tell(handle, name, (o + s) / total_s),
            )
            over_s += phase.motion.duration_s
        _tell(handle, phases[-1].name, 1.0)

    # What is checked before anything moves.

    def _chosen(self, given: RobotGrasp) -> RobotGrasp:
        """The goal's grasp or the newest, fresh, and this robot's."""
        grasp = given if given.robot else self._grasp.newest
        if grasp is None:
            raise LookupError(
                f"grasp: none given, and nothing came on {self.topic_of(self._grasp)}; ask the retarget node first"
            )
        check_texts(grasp, "robot", "reason")
        check_robot_name(grasp, self._named)
        if not grasp.success:
            raise ValueError(f"grasp: has no motion: {grasp.reason}")
        age_s = (self.get_clock().now().nanoseconds - stamp_ns(grasp.header.stamp)) / 1e9
        if not -1.0 <= age_s <= self.config.max_age_s:
            raise ValueError(
                f"grasp.header.stamp: is {age_s:.1f} s old, at most {self.config.max_age_s:g} s are allowed (max_age_s):"
                " look and plan again; is use_sim_time the same everywhere?"
            )
        return grasp

    def _phases(self, grasp: RobotGrasp, wanted: list[str]) -> list[Phase]:
        check_count(len(grasp.phases), MOST_PHASES, "grasp.phases")
        check_count(len(wanted), MOST_PHASES, "phases")
        for name in (*grasp.phase_names, *wanted):
            check_text(name, "phase_names")
        names = list(grasp.phase_names)
        if len(names) != len(grasp.phases) or not names:
            raise ValueError(
                f"grasp.phase_names: {len(names)} names for {len(grasp.phases)} phases; there must be one for each"
            )
        if unknown := set(wanted) - set(names):
            raise ValueError(
                f"phases: {', '.join(sorted(unknown))} are not of this grasp; it has {', '.join(names)}"
            )
        phases = []
        for name, message in zip(names, grasp.phases, strict=True):
            motion = self._named.to_core(message, f"grasp.phases[{name}]")
            self._check.check(name, motion)
            if not wanted or name in wanted:
                phases.append(Phase(name, motion, self._named.moves_arm(motion), message))
        return phases

    # One phase.

    def _one(
        self, handle: ServerGoalHandle, phase: Phase, grasp: RobotGrasp, tell: Callable[[float], None]
    ) -> None:
        tell(0.0)
        if handle.request.preview:
            self._show(handle, phase, tell)
            return
        try:
            self._mover.move(phase, lambda: handle.is_cancel_requested, tell, phase.name == GRASP)
            if phase.name in (GRASP, LIFT):
                self._require_holding(phase, grasp)
        except MoveError as error:
            outcome = _Result.CANCELLED if error.cancelled else _Result.FAILED
            raise EndError(outcome, str(error), error.phase) from error

    def _require_holding(self, phase: Phase, grasp: RobotGrasp) -> None:
        """After closing and after lifting a jaw stands open by what it holds.

        Raises:
            EndError: it does not.
            MoveError: that is not known.
        """
        if not self._named.is_jaw or not len(grasp.closed):
            return
        opening = self._mover.opening_after_m(phase.name)
        if not self._mover.holds(opening, grasp.closed):
            raise EndError(
                _Result.EMPTY,
                f"{phase.name}: the gripper is closed to {opening * 1e3:.0f} mm, {grasp.width * 1e3:.0f} mm were expected:"
                " it holds nothing",
                phase.name,
            )

    def _show(self, handle: ServerGoalHandle, phase: Phase, tell: Callable[[float], None]) -> None:
        """The phase as joint states in its own time."""
        began_s = time.monotonic()
        names = self._named.arm_joints if phase.of_arm else self._named.gripper_joints
        while True:
            elapsed_s = time.monotonic() - began_s
            state = JointState(name=list(names), position=phase.motion.at(elapsed_s).tolist())
            state.header.stamp = self.get_clock().now().to_msg()
            self._preview.publish(state)
            tell(min(elapsed_s, phase.motion.duration_s))
            if handle.is_cancel_requested or not self.active:
                raise EndError(_Result.CANCELLED, f"preview ended while {phase.name}", phase.name)
            if elapsed_s >= phase.motion.duration_s:
                return
            time.sleep(PREVIEW_S)


def _tell(handle: ServerGoalHandle, phase: str, progress: float) -> None:
    handle.publish_feedback(ExecuteRobotGrasp.Feedback(phase=phase, progress=min(progress, 1.0)))


def main() -> None:
    """Runs the node."""
    run(ExecuteNode)


if __name__ == "__main__":
    main()
