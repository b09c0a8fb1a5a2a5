"""The retarget node: a human grasp in, a robot's grasp with its motion out, or why there is none.

In: semgrasp/hand_grasps with semgrasp/object_points, the cloud they were made for; joint_states; obstacles/points or
scene/depth with scene/camera_info for what else stands there. Service: ~/retarget_grasp. Out, for the service and the
topic alike: ~/robot_grasp, ~/tool_pose, ~/pregrasp_pose, ~/trajectory (the arm's), ~/markers (latched), and the frame
`grasp_frame` in TF.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.callback_groups import ReentrantCallbackGroup
from semantic_grasping.msg import HandGrasp, HandGraspArray
from semantic_grasping.msg import RobotGrasp as RobotGraspMessage
from semantic_grasping.srv import RetargetGrasp
from sensor_msgs.msg import JointState, PointCloud2
from std_msgs.msg import Header
from trajectory_msgs.msg import JointTrajectory
from visualization_msgs.msg import MarkerArray

from grasp2vec_ros.core.options import option
from grasp_node_kit.extrinsics import ExtrinsicsError, to_pose
from grasp_node_kit.fresh import MissingInputError
from grasp_node_kit.limits import check_count
from grasp_node_kit.monitors import Stopwatch
from grasp_node_kit.newest import NewestSlot, stamp_ns
from grasp_node_kit.node import InactiveError, KitNode, run
from grasp_node_kit.parameters import declare
from grasp_node_kit.qos import LATCHED, RESULT, SENSOR
from grasp_node_kit.transforms import FramePublisher
from semgrasp_ros.core.hand.sources import load_hand
from semgrasp_ros.core.retarget.collision import open_gripper
from semgrasp_ros.core.retarget.hand_model import HandKinematics
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.plan import GraspPlan, PlanConfig
from semgrasp_ros.core.retarget.robot_grasp import RobotGrasp, RobotGrasper
from semgrasp_ros.nodes.grasp_messages import arm_trajectory, human_hand, robot_grasp_message, with_poses
from semgrasp_ros.nodes.grasp_scene import SceneSource
from semgrasp_ros.nodes.robot_markers import grasp_markers, jaw_shapes, no_markers
from semgrasp_ros.nodes.robots import NamedRobot, RobotConfig, inside_limits
from semgrasp_ros.nodes.work_queue import BusyError, Job, WorkQueue

MOST_HANDS = 16
MOST_GRASPS = 8
# Joint states this old say nothing of where the arm is.
STALE_JOINTS_S = 1.0


@dataclass
class RetargetConfig:
    """How grasps are sought and moved to."""

    hand: str = option(
        "open", "'open', or the path of your own MANO_RIGHT.pkl; as the semgrasp node's", read_only=True
    )
    on_hands: bool = option(True, "plan for hands as they come; else only when the service asks")
    hands: int = option(
        4, "so many of the best hands are tried, one after another", minimum=1, maximum=MOST_HANDS
    )
    grasps_per_hand: int = option(
        20, "so many of the best grasps near a hand are tried", minimum=1, maximum=50
    )
    approach_m: float = option(0.08, "straight way to the grasp", minimum=0.01, maximum=0.5)
    lift_m: float = option(0.15, "straight way up after it", minimum=0.01, maximum=1.0)
    speed: float = option(0.5, "share of the robot's limits of speed", minimum=0.01, maximum=1.0)
    close_s: float = option(1.0, "time for the fingers to open and to close", minimum=0.1, maximum=20.0)
    grasp_frame: str = option("robot_grasp", "name of the chosen grasp's frame in TF")
    most_waiting: int = option(
        3,
        "requests that run or wait at a time; further ones are refused",
        minimum=1,
        maximum=4,
        read_only=True,
    )


@dataclass(frozen=True)
class Request:
    """Hands and, perhaps, the cloud that they are for."""

    hands: tuple[HandGrasp, ...]
    keep: int = 1
    cloud: PointCloud2 | None = None


class RetargetNode(KitNode):
    """See the module's text."""

    def __init__(self, **options: Any) -> None:
        super().__init__("retarget", **options)
        self.config = declare(self, RetargetConfig())
        self.robot_config = declare(self, RobotConfig())
        self._source = SceneSource(self)
        self._hands: NewestSlot[HandGraspArray] = NewestSlot("semgrasp/hand_grasps")
        self._joints: NewestSlot[JointState] = NewestSlot("joint_states")
        self._stopwatch = Stopwatch("planning")
        self.monitors = [self._stopwatch, *self._source.monitors]
        self._queue: WorkQueue | None = None
        self._last = ""
        self._grasp_publisher = self.create_publisher(RobotGraspMessage, "~/robot_grasp", RESULT)
        self._tool_publisher = self.create_publisher(PoseStamped, "~/tool_pose", RESULT)
        self._pregrasp_publisher = self.create_publisher(PoseStamped, "~/pregrasp_pose", RESULT)
        self._trajectory_publisher = self.create_publisher(JointTrajectory, "~/trajectory", RESULT)
        self._marker_publisher = self.create_publisher(MarkerArray, "~/markers", LATCHED)
        self._frames = FramePublisher(self)
        group = ReentrantCallbackGroup()
        self.feed(self._joints, JointState, SENSOR, group)
        self._hands.subscription = self.create_subscription(
            HandGraspArray, self._hands.topic, self._listen, RESULT, callback_group=group
        )
        self.create_service(RetargetGrasp, "~/retarget_grasp", self._serve, callback_group=group)

    def set_up(self) -> None:
        """Loads the robot and the hand."""
        self._named = NamedRobot(self.robot_config)
        self._grasper = RobotGrasper(self._named.robot)
        self._arm = ArmKinematics(self._named.robot)
        self._hand = load_hand(self.config.hand)
        self._tips = np.zeros((0, 3))
        if not self._named.is_jaw:
            kinematics = HandKinematics(self._named.robot)
            opened = open_gripper(self._named.robot)
            self._tips = kinematics.place(kinematics.pose(opened), kinematics.tips)

    def activate(self) -> None:
        """Takes requests."""
        self._queue = WorkQueue(self.config.most_waiting)
        self.get_logger().info(f"robot {self._named.robot.name}, base {self._source.base_frame}")

    def deactivate(self) -> None:
        """Ends the worker; whoever waits is told."""
        self._queue.close(5.0)
        self._queue = None

    def slots(self) -> list[NewestSlot]:
        """Joint states, and the inputs that are in use."""
        used = [self._hands] if self._hands.received else []
        return [self._joints, *used, *self._source.slots()]

    def needs(self) -> list[NewestSlot]:
        """Joint states; hands come when somebody asks for them."""
        return [self._joints]

    def report(self) -> dict[str, object]:
        """Robot, requests, and what was last said."""
        return {
            "robot": self.robot_config.robot_file,
            "requests running or waiting": len(self._queue) if self._queue else 0,
            "last result": self._last,
            "frame in TF": "yes" if self._frames.works else "no: tf2_msgs is not installed",
        }

    # Requests.

    def _serve(self, request: RetargetGrasp.Request, response: RetargetGrasp.Response) -> object:
        """Waits for the worker in a thread of the executor; `most_waiting` leaves others free."""
        try:
            grasps = self._submit(lambda: self._checked(request)).result()
            response.success, response.grasps = grasps[0].success, grasps
            response.message = _summary(grasps)
        except (ValueError, InactiveError, MissingInputError, ExtrinsicsError) as error:
            response.success, response.message = False, str(error) or type(error).__name__
            self.get_logger().warning(f"retarget_grasp: {response.message}")
        except Exception as error:  # whoever asks must get an answer
            response.success, response.message = False, f"failed: {type(error).__name__}: {error}"
            self.get_logger().error(f"retarget_grasp: {error}\n{traceback.format_exc()}")
        return response

    def _listen(self, message: HandGraspArray) -> None:
        """Plans for hands; what hinders it is published as a grasp without success."""
        self._hands.put(message)
        if not (self.config.on_hands and self.active):
            return
        try:
            self._submit(lambda: _of_array(message, self.config.hands, 1), told=message)
        except (BusyError, InactiveError) as error:
            self._refuse(message, str(error))

    def _submit(self, request: Callable[[], Request], told: HandGraspArray | None = None) -> Job:
        self.require_active()
        queue = self._queue
        if queue is None:
            raise BusyError("the node is shutting down")
        return queue.submit(lambda: self._work(request, told))

    def _work(self, request: Callable[[], Request], told: HandGraspArray | None) -> list[RobotGraspMessage]:
        """In the worker. With `told`, nobody waits for the answer: errors are published too."""
        try:
            grasps = self._plan(request())
        except Exception as error:
            self._last = str(error)
            if told is None:
                raise
            known = isinstance(error, (ValueError, MissingInputError, ExtrinsicsError))
            self._refuse(told, str(error) if known else f"failed: {type(error).__name__}: {error}")
            if not known:
                self.get_logger().error(traceback.format_exc())
            return []
        self._last = _summary(grasps)
        return grasps

    def _refuse(self, hands: HandGraspArray, reason: str) -> None:
        self._last = reason
        self.get_logger().warning(reason)
        header = Header(stamp=hands.header.stamp, frame_id=self._source.base_frame)
        failed = RobotGrasp(GraspPlan(reason))
        self._grasp_publisher.publish(robot_grasp_message(failed, self._named, header, hands.instruction))
        self._marker_publisher.publish(no_markers(header))

    def _checked(self, request: RetargetGrasp.Request) -> Request:
        """A request of the service in full.

        Raises:
            ValueError: names the field, its value and what is allowed.
            MissingInputError: nothing was received that could stand in.
        """
        check_count(len(request.hands), MOST_HANDS, "hands")
        if request.keep > MOST_GRASPS:
            raise ValueError(f"keep: {request.keep}, at most {MOST_GRASPS} are allowed")
        given = request.cloud
        cloud = given if given.width or given.height or len(given.data) or given.fields else None
        if request.hands:
            return Request(tuple(request.hands), request.keep or 1, cloud)
        newest = self._hands.newest
        if newest is None:
            raise MissingInputError(
                f"hands: none given, and nothing came on {self.topic_of(self._hands)} yet; ask the semgrasp node first"
            )
        return replace(_of_array(newest, self.config.hands, request.keep or 1), cloud=cloud)

    # From hands to a motion.

    def _plan(self, request: Request) -> list[RobotGraspMessage]:
        hands = request.hands
        frames = {hand.header.frame_id for hand in hands}
        if len(frames) > 1:
            raise ValueError(f"hands: are in the frames {', '.join(sorted(frames))[:200]}; give them in one")
        cloud = request.cloud or self._source.cloud_for(stamp_ns(hands[0].header.stamp))
        scene = self._source.scene(cloud)
        moved = np.eye(4)
        if hands[0].header.frame_id != cloud.header.frame_id:
            moved = np.linalg.inv(scene.base_from_points) @ self._source.base_from(hands[0].header.frame_id)
        human = [human_hand(hand, self._hand, moved, f"hands[{i}]") for i, hand in enumerate(hands)]
        with self._stopwatch.measure():
            grasps = self._grasper.grasps(human, scene, self._where(), request.keep, self._plan_config())
        header = Header(stamp=cloud.header.stamp, frame_id=self._source.base_frame)
        messages = [self._message(grasp, header, hands) for grasp in grasps]
        self._show(grasps[0], messages[0])
        return messages

    def _plan_config(self) -> PlanConfig:
        own = self.config
        return PlanConfig(
            approach_m=own.approach_m,
            lift_m=own.lift_m,
            speed=own.speed,
            close_s=own.close_s,
            candidates=own.grasps_per_hand,
        )

    def _where(self) -> np.ndarray:
        """Joints of the arm (n,), now."""
        message = self._joints.newest
        if message is None or self._joints.age_s > STALE_JOINTS_S:
            raise MissingInputError(
                f"where the arm is is not known: nothing on {self.topic_of(self._joints)} for {STALE_JOINTS_S:g} s;"
                " start the robot's driver, or remap `joint_states`"
            )
        measured = self._named.arm_positions(message)
        return inside_limits(measured, self._arm.lower_rad, self._arm.upper_rad)

    def _message(self, grasp: RobotGrasp, header: Header, hands: Sequence[HandGrasp]) -> RobotGraspMessage:
        message = robot_grasp_message(grasp, self._named, header, hands[grasp.hand].instruction)
        return with_poses(message, *self._poses(grasp)) if grasp.succeeded else message

    def _poses(self, grasp: RobotGrasp) -> tuple[np.ndarray, np.ndarray]:
        """Tool at the grasp and before it, as the motion really has them: a jaw may be turned by half a turn."""
        approach = grasp.plan.phases["approach"].positions
        return self._arm.forward(approach[-1]), self._arm.forward(approach[0])

    def _show(self, grasp: RobotGrasp, message: RobotGraspMessage) -> None:
        self._grasp_publisher.publish(message)
        if not grasp.succeeded:
            self._marker_publisher.publish(no_markers(message.header))
            return
        tool, pregrasp = self._poses(grasp)
        self._tool_publisher.publish(PoseStamped(header=message.header, pose=to_pose(tool)))
        self._pregrasp_publisher.publish(PoseStamped(header=message.header, pose=to_pose(pregrasp)))
        self._trajectory_publisher.publish(arm_trajectory(message, self._named))
        gripper = self._named.robot.gripper
        shapes = jaw_shapes(gripper, grasp.wanted.opening_m) if self._named.is_jaw else []
        text = f"{message.robot}: {message.why}"
        self._marker_publisher.publish(
            grasp_markers(message.header, tool, pregrasp, shapes, self._tips, text)
        )
        self._frames.publish(message.header, self.config.grasp_frame, tool)


def _of_array(message: HandGraspArray, most: int, keep: int) -> Request:
    if not message.success or not message.grasps:
        raise ValueError(f"no hand to retarget: {message.message or 'the list is empty'}")
    return Request(tuple(message.grasps[:most]), keep)


def _summary(grasps: Sequence[RobotGraspMessage]) -> str:
    first = grasps[0]
    if first.success:
        return f"{len(grasps)} grasp(s); the best: {first.why}"
    counted = zip(first.failures, first.failure_counts, strict=True)
    return f"no grasp can be done: {'; '.join(f'{reason} ({count} x)' for reason, count in counted) or first.reason}"


def main() -> None:
    """Runs the node."""
    run(RetargetNode)


if __name__ == "__main__":
    main()
