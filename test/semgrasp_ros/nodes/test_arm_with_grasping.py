"""A whole grasp, from the goal to the release: camera, capture, perception, grasping, the arm node and its controllers."""

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from semantic_grasping.action import GraspObject
from semantic_grasping.srv import SetGoal

from grasp2vec_ros.core.held_views import HELD_VIEWS
from grasp2vec_ros.core.store import ExperienceStore
from grasp2vec_ros.nodes.capture import CaptureNode
from grasp2vec_ros.nodes.grasping import GraspingNode
from grasp2vec_ros.nodes.perception import PerceptionNode
from grasp_node_kit.images import array_to_image
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.robots import load_robot
from semgrasp_ros.nodes.arm import ArmNode
from test.grasp2vec_ros.core.helpers import draw_object
from test.rig import FAKE_CAMERA, FakeRobot, Rig
from test.semgrasp_ros.nodes.fake_arm import ARM, GRIPPER, FakeArm

PANDA = load_robot("panda")
KINEMATICS = ArmKinematics(PANDA)
THING_M = 0.03
BIN = {
    "planning.workspace_min_x_m": "0.40",
    "planning.workspace_max_x_m": "0.60",
    "planning.workspace_min_y_m": "-0.12",
    "planning.workspace_max_y_m": "0.12",
}
QUICK = {"speed": 1.0, "close_s": 0.4, "settle_s": 0.1, "travel_m": 0.12}


class Blocks(FakeArm):
    """The arm over the blocks of the fake robot: a block that it closes on goes with it until it opens."""

    def __init__(self, scene: FakeRobot) -> None:
        super().__init__(PANDA)
        self.scene, self.haste, self.grasped_at = scene, 4.0, []
        self.positions |= dict.fromkeys(PANDA.gripper.joints, 0.04)

    def _follow(self, handle, name: str):
        closing = sum(handle.request.trajectory.points[-1].positions) < 0.01
        if name == GRIPPER:
            self.scene.held = self._under() if closing else None
            self.thing_m = THING_M if self.scene.held else 0.0
        return super()._follow(handle, name)

    def _under(self) -> int | None:
        """Kind of the block under the tool; the camera looks straight down from 1 m over (0.5, 0)."""
        x, y, z = KINEMATICS.forward(self.arm_now)[:3, 3]
        self.grasped_at.append((x, y, z))
        column, row = 80 - y * 800 / 0.97, 60 - (x - 0.5) * 800 / 0.97
        for kind, (top, left) in self.scene.blocks.items():
            if z < 0.05 and abs(top + 12 - row) < 14 and abs(left + 12 - column) < 14:
                return kind
        return None


@pytest.fixture
def rig(tmp_path):
    camera = FAKE_CAMERA | {"extrinsics.base_frame": "panda_link0"}
    made = Rig(
        store=tmp_path / "store",
        checkpoints=tmp_path / "checkpoints",
        input_timeout_s=20.0,
        frame_timeout_s=10.0,
        **camera,
        **BIN,
        **QUICK,
    )
    yield made
    made.close()


def test_a_shown_object_is_grasped_held_up_scored_and_put_back(rig, tmp_path):
    scene = rig.add(FakeRobot(actions=False))
    robot = rig.add(Blocks(scene))
    for kind in (CaptureNode, PerceptionNode, GraspingNode, ArmNode):
        node = rig.add(kind())
        assert not node.problem, node.problem
    rig.call(
        SetGoal, "perception/set_goal", SetGoal.Request(images=[array_to_image(draw_object(2, 64), "rgb8")])
    )
    phases = []
    status, result = rig.act(
        GraspObject,
        "grasping/grasp_object",
        GraspObject.Goal(max_attempts=3, accept_reward=0.0),
        lambda message: phases.append(message.feedback.phase),
        timeout_s=180.0,
    )
    assert (status, result.outcome) == (GoalStatus.STATUS_SUCCEEDED, GraspObject.Result.OK), result.message
    assert {"looking", "planning", "grasping", "presenting", "scoring", "releasing"} <= set(phases)
    # It closed where the result says that it grasped.
    asked = result.grasp_pose.pose.position
    assert robot.grasped_at[-1] == pytest.approx((asked.x, asked.y, asked.z), abs=2e-3)
    with ExperienceStore(tmp_path / "store", read_only=True) as store:
        kept = store.get(result.experience_id)
    assert kept.success and len(kept.held) == HELD_VIEWS
    # Put back: open, nothing held, the arm where things are held up.
    assert scene.held is None and robot.thing_m == 0.0
    assert robot.arm_now == pytest.approx(np.array(PANDA.arm.presented_rad), abs=1e-6)
    let_go = [i for i, (name, end) in enumerate(robot.motions) if name == GRIPPER and sum(end) > 0.07][-1]
    arm_before = [end for name, end in robot.motions[:let_go] if name == ARM][-1]
    x, y, _ = KINEMATICS.forward(np.array(arm_before))[:3, 3]
    assert 0.40 < x < 0.60 and -0.12 < y < 0.12
