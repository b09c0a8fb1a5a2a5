"""The grasping node: collects experience, and picks the goal.

In: scene/depth, scene/camera_info, perception/heatmap_info. Actions offered: ~/collect_grasps, ~/grasp_object.
It asks the capture node, the perception node and the robot (execute_grasp, present_object, release_object).
"""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from semantic_grasping.action import CollectGrasps, ExecuteGrasp, GraspObject, PresentObject, ReleaseObject
from semantic_grasping.msg import Goal, GoalHeatmap, GraspReward
from semantic_grasping.srv import AddHeldView, BeginAttempt, CompleteAttempt
from sensor_msgs.msg import CameraInfo, Image

from grasp2vec_ros.core.grasp_anything import GraspAnythingConfig, GraspCandidate, plan_grasps
from grasp2vec_ros.core.held_views import HELD_VIEWS, VIEW_RANGE_RAD, view_angles_rad
from grasp2vec_ros.core.options import option
from grasp_node_kit.action_client import ThreadSafeActionClient
from grasp_node_kit.action_server import serve_action
from grasp_node_kit.extrinsics import Extrinsics, ExtrinsicsConfig, ExtrinsicsError, to_pose
from grasp_node_kit.fresh import MissingInputError, wait_for_fresh
from grasp_node_kit.images import image_to_depth_m, image_to_float
from grasp_node_kit.intrinsics import intrinsics_of
from grasp_node_kit.limits import LONGEST_TEXT
from grasp_node_kit.monitors import Stopwatch
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import LATCHED, RESULT, SENSOR
from grasp_node_kit.transport import DepthTransportConfig, feed_image


@dataclass
class GraspingConfig:
    """How it grasps."""

    robot_id: str = option("robot", "name of the robot, stored with every attempt")
    held_views: int = option(
        HELD_VIEWS, "views of each held object, the wrist turned between them", minimum=1, maximum=16
    )
    view_range_rad: float = option(
        VIEW_RANGE_RAD, "the views of a side are spread over this turn of the wrist", minimum=0.0, maximum=6.2
    )
    view_behind: bool = option(
        True,
        "half of the views are of the other side, the wrist turned by half a turn and more; what it cannot reach is left"
        " out",
    )
    max_attempts: int = option(4, "attempts of GraspObject before it gives up", minimum=1, maximum=100)
    accept_reward: float = option(
        0.7, "an outcome with at least this reward is the goal (the paper's 0.7)", minimum=0.0, maximum=1.0
    )
    near_radius_m: float = option(
        0.045, "how far a grasp may be from the heatmap's peak", minimum=0.005, maximum=1.0
    )
    avoid_radius_px: int = option(
        25, "places that turned out wrong are left out this far around", minimum=1, maximum=1000
    )
    input_timeout_s: float = option(
        5.0, "how long to wait for images, heatmaps and services", minimum=0.1, maximum=600.0
    )
    motion_timeout_s: float = option(120.0, "how long a motion may take", minimum=1.0, maximum=3600.0)
    seed: int = option(
        0, "seed of the choice among good grasps", minimum=0, maximum=2**31 - 1, read_only=True
    )


class RobotError(RuntimeError):
    """The robot refused or aborted a motion."""


class CancelledError(RuntimeError):
    """The client cancelled the action."""


@dataclass
class Outcome:
    """One attempt: what was stored, and whether something is held."""

    experience_id: str
    lifted: bool
    pose: PoseStamped


class GraspingNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("grasping", **options)
        self.config = declare(self, GraspingConfig())
        self.planning = declare(self, GraspAnythingConfig(), "planning.")
        self.extrinsics_config = declare(self, ExtrinsicsConfig(), "extrinsics.")
        self._depth_transport = declare(self, DepthTransportConfig())
        self._depth: NewestSlot[Image] = NewestSlot("scene/depth")
        self._info: NewestSlot[CameraInfo] = NewestSlot("scene/camera_info")
        self._heatmap: NewestSlot[Image] = NewestSlot("perception/heatmap")
        self._heatmap_info: NewestSlot[GoalHeatmap] = NewestSlot("perception/heatmap_info")
        self._goal: NewestSlot[Goal] = NewestSlot("perception/goal")
        self._perceived = (self._heatmap, self._heatmap_info)
        self._planning_time = Stopwatch("planning")
        self._rewards: dict[str, GraspReward] = {}
        self._reward_came = threading.Condition()
        self._rng = np.random.default_rng(self.config.seed)
        self._busy = threading.Lock()
        self._group = ReentrantCallbackGroup()
        self._servers = [
            serve_action(self, CollectGrasps, "~/collect_grasps", self._collect, self._refuse, self._group),
            serve_action(self, GraspObject, "~/grasp_object", self._grasp_object, self._refuse, self._group),
        ]

    def set_up(self) -> None:
        """Subscribes and finds its partners."""
        self._extrinsics = Extrinsics(self, self.extrinsics_config)
        self.monitors = [self._planning_time, self._extrinsics]
        feed_image(self, self._depth, self._depth_transport.depth_transport, self._group)
        for kind, slot, qos in (
            (CameraInfo, self._info, SENSOR),
            (Image, self._heatmap, RESULT),
            (GoalHeatmap, self._heatmap_info, RESULT),
            (Goal, self._goal, LATCHED),
        ):
            self.feed(slot, kind, qos, self._group)
        self.create_subscription(
            GraspReward, "perception/reward", self._keep_reward, RESULT, callback_group=self._group
        )
        self._begin = self.create_client(BeginAttempt, "capture/begin_attempt", callback_group=self._group)
        self._add_view = self.create_client(AddHeldView, "capture/add_held_view", callback_group=self._group)
        self._complete = self.create_client(
            CompleteAttempt, "capture/complete_attempt", callback_group=self._group
        )
        self._execute = ThreadSafeActionClient(
            self, ExecuteGrasp, "execute_grasp", callback_group=self._group
        )
        self._present = ThreadSafeActionClient(
            self, PresentObject, "present_object", callback_group=self._group
        )
        self._release = ThreadSafeActionClient(
            self, ReleaseObject, "release_object", callback_group=self._group
        )

    def slots(self) -> list[NewestSlot]:
        """The scene camera's depth, and what the perception node says."""
        return [self._depth, self._info, *(slot for slot in self._perceived if slot.received)]

    def needs(self) -> list[NewestSlot]:
        """The camera; heatmaps come only while there is a goal."""
        return [self._depth, self._info]

    def report(self) -> dict[str, object]:
        """What runs."""
        return {"action running": self._busy.locked()}

    def time_jumped(self) -> None:
        """Rewards of another time are of other attempts."""
        with self._reward_came:
            self._rewards.clear()

    def waiting_for(self) -> str:
        """The capture node and the robot."""
        missing = [
            c.srv_name for c in (self._begin, self._add_view, self._complete) if not c.service_is_ready()
        ]
        names = (
            ("execute_grasp", self._execute),
            ("present_object", self._present),
            ("release_object", self._release),
        )
        missing += [name for name, client in names if not client.server_is_ready()]
        return f"nobody serves {', '.join(missing)}" if missing else ""

    def _keep_reward(self, message: GraspReward) -> None:
        if len(message.experience_id) > LONGEST_TEXT:
            return
        with self._reward_came:
            self._rewards[message.experience_id] = message
            while len(self._rewards) > 32:
                self._rewards.pop(next(iter(self._rewards)))
            self._reward_came.notify_all()

    def _refuse(self) -> str:
        if why := self.why_inactive():
            return why
        return "another action runs; cancel it first" if self._busy.locked() else ""

    # The two actions.

    def _collect(self, handle: ServerGoalHandle) -> CollectGrasps.Result:
        goal, result = handle.request, CollectGrasps.Result()
        feedback = CollectGrasps.Feedback()
        if goal.held_views > 16 or not goal.duration_s >= 0 or len(goal.episode) > LONGEST_TEXT:
            handle.abort()
            result.outcome = CollectGrasps.Result.INVALID_GOAL
            result.message = (
                f"held_views: {goal.held_views} (0 to 16), duration_s: {goal.duration_s} (at least 0) or the length of"
                f" episode: {len(goal.episode)} (at most {LONGEST_TEXT}) is out of range"
            )
            return result
        episode, views = goal.episode or uuid.uuid4().hex[:12], goal.held_views or self.config.held_views
        began_ns = self.get_clock().now().nanoseconds

        def tell(phase: str) -> None:
            feedback.phase, feedback.attempts, feedback.lifted, feedback.stored = (
                phase,
                result.attempts,
                result.lifted,
                result.stored,
            )
            handle.publish_feedback(feedback)

        def over() -> bool:
            elapsed_s = (self.get_clock().now().nanoseconds - began_ns) / 1e9
            return (goal.attempts > 0 and result.attempts >= goal.attempts) or (
                goal.duration_s > 0 and elapsed_s >= goal.duration_s
            )

        def work() -> None:
            self._release_object(tell)  # whatever was there before: begins with an open gripper, out of view
            while not over():
                outcome = self._attempt(handle, tell, episode, "", views, near=None)
                result.attempts += 1
                if outcome is None:
                    self._release_object(tell)  # nothing can be grasped: another try, or another scene
                    continue
                result.lifted += int(outcome.lifted)
                result.stored += 1
                feedback.experience_id = outcome.experience_id
                self._release_object(tell)
                tell("storing")

        self._run(handle, result, work)
        return result

    def _grasp_object(self, handle: ServerGoalHandle) -> GraspObject.Result:
        goal, result = handle.request, GraspObject.Result()
        feedback = GraspObject.Feedback()
        longest = max(len(goal.episode), len(goal.goal_id))
        if goal.max_attempts > 100 or not goal.accept_reward <= 1.0 or longest > LONGEST_TEXT:
            handle.abort()
            result.outcome = GraspObject.Result.INVALID_GOAL
            result.message = (
                f"max_attempts: {goal.max_attempts} (0 to 100), accept_reward: {goal.accept_reward} (at most 1) or the"
                f" length of goal_id or episode: {longest} (at most {LONGEST_TEXT}) is out of range"
            )
            return result
        accept = self.config.accept_reward if goal.accept_reward < 0 else goal.accept_reward
        episode = goal.episode or uuid.uuid4().hex[:12]

        def tell(phase: str) -> None:
            feedback.phase, feedback.attempt, feedback.reward = phase, result.attempts + 1, result.reward
            handle.publish_feedback(feedback)

        def work() -> None:
            goal_id = self._wanted_goal(goal.goal_id)
            self._release_object(tell)  # whatever was there before: begins with an open gripper, out of view
            wrong_places: list[tuple[int, int]] = []
            found = lifted = False
            for _ in range(goal.max_attempts or self.config.max_attempts):
                tell("looking")
                u, v, feedback.peak_score = self._peak(goal_id, wrong_places)
                feedback.peak_u, feedback.peak_v = u, v
                outcome = self._attempt(handle, tell, episode, goal_id, self.config.held_views, near=(u, v))
                if outcome is None:
                    wrong_places.append((u, v))
                    continue
                found, lifted = True, lifted or outcome.lifted
                result.experience_id, result.grasp_pose = outcome.experience_id, outcome.pose
                result.reward = self._wait_for_reward(outcome.experience_id) if outcome.lifted else 0.0
                result.attempts += 1
                tell("scoring")
                if outcome.lifted and result.reward >= accept:
                    result.outcome, result.message = (
                        GraspObject.Result.OK,
                        f"lifted with reward {result.reward:.2f}",
                    )
                    if not goal.keep_holding:
                        self._release_object(tell)
                    return
                if outcome.lifted:
                    wrong_places.append((u, v))
                self._release_object(tell)
            if not found:
                result.outcome = GraspObject.Result.NOT_FOUND
                result.message = "no graspable point near the heatmap's peaks"
            elif not lifted:
                result.outcome, result.message = (
                    GraspObject.Result.NOT_LIFTED,
                    f"nothing was lifted in {result.attempts} attempt(s)",
                )
            else:
                result.outcome = GraspObject.Result.WRONG_OBJECT
                result.message = f"no outcome reached reward {accept:.2f}; the last had {result.reward:.2f}"

        self._run(handle, result, work)
        return result

    def _run(self, handle: ServerGoalHandle, result: object, work: Callable[[], None]) -> None:
        """Runs an action's work and ends it in the right state, whatever happens."""
        kinds = type(result)
        with self._busy:
            try:
                work()
                handle.succeed()
                return
            except CancelledError as error:
                result.outcome, result.message = kinds.CANCELLED, str(error)
                handle.canceled()
                return
            except MissingInputError as error:
                result.outcome, result.message = kinds.NO_INPUT, str(error)
            except RobotError as error:
                result.outcome, result.message = kinds.ROBOT_FAILED, str(error)
            except (ValueError, ExtrinsicsError) as error:
                result.outcome, result.message = kinds.INVALID_GOAL, str(error)
            self.get_logger().error(result.message)
            handle.abort()

    # The parts of an attempt.

    def _attempt(
        self,
        handle: ServerGoalHandle,
        tell: Callable[[str], None],
        episode: str,
        goal_id: str,
        views: int,
        near: tuple[int, int] | None,
    ) -> Outcome | None:
        """One stored attempt; None when nothing can be grasped. Ends with the arm holding the object or empty."""
        self._check_cancel(handle)
        tell("looking")
        begun = self._call(
            self._begin,
            BeginAttempt.Request(robot_id=self.config.robot_id, episode=episode, commanded_goal=goal_id),
        )
        try:
            tell("planning")
            plans = self._plan(near)
            tell("grasping")
            executed, pose = self._execute_first_reachable(handle, plans)
            if executed is None:
                self._discard(begun.attempt_id)
                return None
            lifted = executed.outcome == ExecuteGrasp.Result.OK
            if lifted:
                tell("presenting")
                self._show(begun.attempt_id, views)
            completed = self._call(
                self._complete,
                CompleteAttempt.Request(
                    attempt_id=begun.attempt_id,
                    grasp_success=lifted,
                    gripper_opening=executed.gripper_opening,
                    grasp_pose=pose,
                ),
            )
            return Outcome(completed.experience_id, lifted, pose)
        except (CancelledError, RobotError, MissingInputError, ValueError):
            self._discard(begun.attempt_id)
            raise

    def _discard(self, attempt_id: str) -> None:
        """An attempt without a grasp is none."""
        if self._complete.service_is_ready():
            self._complete.call_async(CompleteAttempt.Request(attempt_id=attempt_id, discard=True))

    def _plan(self, near: tuple[int, int] | None) -> list[GraspCandidate]:
        depth = wait_for_fresh(self, self._depth, self.config.input_timeout_s)
        info = self._info.newest
        if info is None:
            raise MissingInputError(
                f"no camera information on {self.resolve_topic_name(self._info.topic)}; it is needed to plan"
            )
        depth_m = image_to_depth_m(depth, "scene/depth")
        with self._planning_time.measure():
            return plan_grasps(
                depth_m,
                intrinsics_of(info, depth_m.shape, "scene/camera_info"),
                self._extrinsics.base_from_camera(depth.header.frame_id),
                self.planning,
                self._rng,
                near_pixel=near,
                near_radius_m=self.config.near_radius_m,
            )

    def _execute_first_reachable(
        self, handle: ServerGoalHandle, plans: list[GraspCandidate]
    ) -> tuple[ExecuteGrasp.Result | None, PoseStamped]:
        pose = PoseStamped()
        for plan in plans[:8]:
            pose.header.frame_id = self.extrinsics_config.base_frame
            pose.header.stamp = self.get_clock().now().to_msg()
            pose.pose = to_pose(plan.base_from_tcp)
            result = self._act(
                self._execute,
                "execute_grasp",
                ExecuteGrasp.Goal(grasp_pose=pose, opening=plan.opening_m),
                handle,
            )
            if result.outcome == ExecuteGrasp.Result.CANCELLED:
                raise CancelledError(f"cancelled: {result.message}")
            if result.outcome == ExecuteGrasp.Result.FAILED:
                raise RobotError(f"execute_grasp: {result.message}")
            if result.outcome != ExecuteGrasp.Result.UNREACHABLE:
                return result, pose
        return None, pose

    def _show(self, attempt_id: str, views: int) -> None:
        """Turns the held object before the camera and keeps a view at each angle."""
        for angle in view_angles_rad(views, self.config.view_range_rad, self.config.view_behind):
            turned, holding = self._turn(angle) if angle else (0.0, True)
            if not holding:
                return
            if turned is not None:
                self._call(self._add_view, AddHeldView.Request(attempt_id=attempt_id, wrist_angle=turned))

    def _turn(self, angle: float) -> tuple[float | None, bool]:
        """Turns the wrist to an angle, the other way round if need be: the angle or None, and whether it still holds."""
        for way in (angle, angle - 2 * math.pi):
            shown = self._act(self._present, "present_object", PresentObject.Goal(wrist_angle=way))
            if shown.success:
                return way, shown.holding
        self.get_logger().warning(
            f"present_object: {shown.message}; this view is left out", throttle_duration_sec=60.0
        )
        return None, True

    def _release_object(self, tell: Callable[[str], None]) -> None:
        tell("releasing")
        result = self._act(self._release, "release_object", ReleaseObject.Goal())
        if not result.success:
            raise RobotError(f"release_object: {result.message}")

    def _wanted_goal(self, goal_id: str) -> str:
        current = self._goal.newest
        if current is None:
            raise ValueError("goal_id: the perception node has no goal yet; call perception/set_goal first")
        if goal_id and goal_id != current.goal_id:
            raise ValueError(
                f"goal_id: {goal_id!r} is not the current goal {current.goal_id!r}; set it with perception/set_goal first"
            )
        return current.goal_id

    def _peak(self, goal_id: str, wrong_places: list[tuple[int, int]]) -> tuple[int, int, float]:
        """The heatmap's peak in the scene as it is now, outside the places that turned out wrong."""
        message = wait_for_fresh(self, self._heatmap, self.config.input_timeout_s)
        heat = image_to_float(message, "perception/heatmap")
        info = self._heatmap_info.wait_for_stamp(stamp_ns(message.header.stamp), self.config.input_timeout_s)
        if info is None or info.goal_id != goal_id:
            raise ValueError(
                f"goal_id: the heatmap shows {info.goal_id if info else 'nothing'!r}, not {goal_id!r}; was another goal set meanwhile?"
            )
        rows, columns = np.indices(heat.shape)
        for u, v in wrong_places:
            heat = np.where(np.hypot(columns - u, rows - v) < self.config.avoid_radius_px, -np.inf, heat)
        if not np.isfinite(heat).any():
            raise ValueError("perception/heatmap: has no finite value outside the places that were wrong")
        v, u = np.unravel_index(int(np.nanargmax(heat)), heat.shape)
        return int(u), int(v), float(heat[v, u])

    def _wait_for_reward(self, experience_id: str) -> float:
        with self._reward_came:
            if not self._reward_came.wait_for(
                lambda: experience_id in self._rewards, self.config.input_timeout_s
            ):
                raise MissingInputError(
                    f"no reward for attempt {experience_id} on perception/reward within {self.config.input_timeout_s:.1f} s"
                )
            return self._rewards[experience_id].reward

    # Calls.

    def _check_cancel(self, handle: ServerGoalHandle) -> None:
        if handle.is_cancel_requested:
            raise CancelledError("cancelled; the arm is out of view and the gripper open")

    def _call(self, client: object, request: object) -> object:
        """Calls a service.

        Raises:
            MissingInputError: it is not there, does not answer, or refuses.
        """
        if not client.wait_for_service(self.config.input_timeout_s):
            raise MissingInputError(f"service {client.srv_name} is not there; is its node running?")
        answer = self._wait(client.call_async(request), 2 * self.config.input_timeout_s, client.srv_name)
        if not answer.success:
            raise MissingInputError(f"{client.srv_name}: {answer.message}")
        return answer

    def _act(
        self, client: ThreadSafeActionClient, name: str, goal: object, handle: ServerGoalHandle | None = None
    ) -> object:
        """Runs an action of the robot; passes a cancel of our own client on to it.

        Raises:
            RobotError: it is not there, rejects, or takes too long.
        """
        if not client.wait_for_server(self.config.input_timeout_s):
            raise RobotError(f"action {name} is not there; is the robot's driver running?")
        try:
            accepted = self._wait(client.send_goal_async(goal), self.config.input_timeout_s, name)
        except MissingInputError as error:
            raise RobotError(f"action {name}: {error}") from error
        if not accepted.accepted:
            raise RobotError(f"action {name} was rejected by the robot")
        future = accepted.get_result_async()
        ended = _event_of(future)
        waited_s, cancelled = 0.0, False
        while not ended.wait(0.1):
            waited_s += 0.1
            if handle is not None and handle.is_cancel_requested and not cancelled:
                accepted.cancel_goal_async()
                cancelled = True
            if waited_s > self.config.motion_timeout_s:
                accepted.cancel_goal_async()
                raise RobotError(
                    f"action {name} took longer than {self.config.motion_timeout_s:.0f} s and was cancelled"
                )
        return future.result().result

    @staticmethod
    def _wait(future: Future, timeout_s: float, name: str) -> object:
        if not _event_of(future).wait(timeout_s):
            raise MissingInputError(f"no answer from {name} within {timeout_s:.1f} s")
        return future.result()


def _event_of(future: Future) -> threading.Event:
    done = threading.Event()
    future.add_done_callback(lambda _: done.set())
    return done


def main() -> None:
    """Runs the node."""
    run(GraspingNode)


if __name__ == "__main__":
    main()
