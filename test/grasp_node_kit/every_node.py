"""Every node of the package as the tests need it: small, quick to start, and described."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rclpy.parameter import Parameter
from semantic_grasping.msg import TrainingStatus
from semantic_grasping.srv import AddHeldView, Embed, GenerateGrasp, RetargetGrasp
from std_msgs.msg import Bool, String
from std_srvs.srv import SetBool, Trigger

from grasp2vec_ros.nodes.capture import CaptureNode
from grasp2vec_ros.nodes.grasping import GraspingNode
from grasp2vec_ros.nodes.perception import PerceptionNode
from grasp2vec_ros.nodes.trainer import TrainerNode
from grasp_cell.node import CellNode
from grasp_node_kit.node import KitNode
from grasp_viewer.node import ViewerNode
from semgrasp_ros.nodes.arm import ArmNode
from semgrasp_ros.nodes.execute import ExecuteNode
from semgrasp_ros.nodes.retarget import RetargetNode
from semgrasp_ros.nodes.semgrasp import SemGraspNode
from semgrasp_ros.nodes.teleop import TeleopNode
from test.semgrasp_ros.nodes.stand_in import StandIn


@dataclass(frozen=True)
class Described:
    """A node and what must hold of it.

    Attributes:
        make: from options of rclpy.node.Node.
        module: what `python -m` runs.
        live: a parameter that may be changed, a good value and one that is out of range.
        fixed: a parameter that may not.
        keys: that its diagnostics have, besides those of every node.
        latched: topics (relative to its name) and types that a late subscriber still gets.
        missed: what its watchdog names when nothing is there; empty: it waits for nothing.
        service: any of its services that answer with success and message.
        parameters: that make it small.
    """

    make: Callable[..., KitNode]
    module: str
    live: tuple[str, Any, Any]
    fixed: tuple[str, Any]
    keys: tuple[str, ...]
    latched: tuple[tuple[str, type], ...] = ()
    missed: tuple[str, ...] = ()
    service: tuple[str, type] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


def _slot(topic: str) -> tuple[str, ...]:
    return tuple(
        f"{topic} {what}" for what in ("age [s]", "rate [Hz]", "received", "replaced unseen", "lost")
    )


NODES: dict[str, Described] = {
    "capture": Described(
        CaptureNode,
        "grasp2vec_ros.nodes.capture",
        ("frame_timeout_s", 0.5, 1000.0),
        ("store", "elsewhere"),
        ("open attempts", "stored attempts", *_slot("scene/image"), *_slot("held/image")),
        missed=("nobody publishes {ns}/scene/image", "{ns}/held/image"),
        service=("add_held_view", AddHeldView),
    ),
    "perception": Described(
        PerceptionNode,
        "grasp2vec_ros.nodes.perception",
        ("depth_radius_px", 7, 100000),
        ("device", "cuda"),
        (
            "model",
            "goals",
            "current goal",
            "camera pose from",
            "heatmap time [ms]",
            "heatmap rate [Hz]",
            "scene/image and scene/depth in sync",
            "scene/image and scene/depth out of sync",
            *_slot("scene/image"),
            *_slot("scene/depth"),
        ),
        latched=(("model", String),),
        missed=("nobody publishes {ns}/scene/image", "{ns}/scene/depth", "no goal is set"),
        service=("embed", Embed),
        parameters={"initial_checkpoint": "none"},
    ),
    "trainer": Described(
        TrainerNode,
        "grasp2vec_ros.nodes.trainer",
        ("batch_size", 4, 1),
        ("encoder.width", 8),
        ("training", "step", "steps per second", "loss", "held-out retrieval", "experiences", "model"),
        latched=(("status", TrainingStatus),),
        missed=("waiting for experience: 0 of 8",),
        service=("pause", SetBool),
        parameters={"initial_checkpoint": "none", "encoder.width": 4, "encoder.scene_width_px": 64},
    ),
    "grasping": Described(
        GraspingNode,
        "grasp2vec_ros.nodes.grasping",
        ("accept_reward", 0.25, 7.0),
        ("seed", 3),
        ("action running", "planning time [ms]", "camera pose from", *_slot("scene/depth")),
        missed=("nobody publishes {ns}/scene/depth", "nobody serves", "execute_grasp"),
    ),
    "semgrasp": Described(
        lambda **options: SemGraspNode(lambda config: StandIn(), **options),
        "semgrasp_ros.nodes.semgrasp",
        ("candidates", 5, 1000),
        ("model", "elsewhere"),
        ("model", "requests running or waiting", "last result", "generation time [ms]", "camera pose from"),
        latched=(("model", String),),
        missed=("waiting for {ns}/object/points", "{ns}/scene/camera_info"),
        service=("generate_grasp", GenerateGrasp),
    ),
    "viewer": Described(
        ViewerNode,
        "grasp_viewer.node",
        ("rate_hz", 2.0, 1000.0),
        ("web_port", 9999),
        ("page", "recording", *_slot("scene/image"), *_slot("perception/overlay")),
        missed=("nobody publishes {ns}/scene/image",),
        parameters={"serve": False},
    ),
    "retarget": Described(
        RetargetNode,
        "semgrasp_ros.nodes.retarget",
        ("speed", 0.25, 7.0),
        ("robot_file", "ur5_jaw85"),
        (
            "robot",
            "requests running or waiting",
            "last result",
            "frame in TF",
            "planning time [ms]",
            "camera pose from",
            *_slot("joint_states"),
        ),
        missed=("nobody publishes {ns}/joint_states",),
        service=("retarget_grasp", RetargetGrasp),
    ),
    "execute": Described(
        ExecuteNode,
        "semgrasp_ros.nodes.execute",
        ("max_age_s", 5.0, 0.0),
        ("arm_action", "elsewhere"),
        ("robot moving", "last result", "motion time [ms]", *_slot("joint_states")),
        missed=(
            "nobody publishes {ns}/joint_states",
            "nobody serves",
            "arm_controller/follow_joint_trajectory",
        ),
    ),
    "arm": Described(
        ArmNode,
        "semgrasp_ros.nodes.arm",
        ("travel_m", 0.1, 7.0),
        ("arm_action", "elsewhere"),
        ("robot moving", "gripper commanded", "last result", "motion time [ms]", *_slot("joint_states")),
        missed=(
            "nobody publishes {ns}/joint_states",
            "nobody serves",
            "arm_controller/follow_joint_trajectory",
        ),
    ),
    "teleop": Described(
        TeleopNode,
        "semgrasp_ros.nodes.teleop",
        ("hold_after_s", 0.5, 100.0),
        ("side", "left"),
        ("following", "reason", "retargeting time [ms]", *_slot("hand/keypoints"), *_slot("joint_states")),
        latched=(("following", Bool),),
        missed=("nobody publishes {ns}/hand/keypoints", "{ns}/joint_states"),
    ),
    "cell": Described(
        CellNode,
        "grasp_cell.node",
        ("camera_rate_hz", 3.0, 5000.0),
        ("scene_width_px", 640),
        ("arm moving", "released objects", "frames time [ms]", "frames rate [Hz]"),
        latched=(("ground_truth", String),),
        service=("new_scene", Trigger),
        parameters={
            "objects_per_scene": 1,
            "seen_toys": 4,
            "novel_toys": 1,
            "scene_width_px": 64,
            "scene_height_px": 48,
            "held_size_px": 32,
            "publish_clock": False,
        },
    ),
}


def parameters_of(name: str, folder: Path) -> dict[str, Any]:
    """Parameters that make a node small and keep its files in a folder."""
    folders = {
        "capture": ("store",),
        "perception": ("store", "checkpoints"),
        "trainer": ("store", "checkpoints"),
        "viewer": ("recording",),
    }
    own = {key: str(folder / key) for key in folders.get(name, ())}
    return NODES[name].parameters | own


def make(name: str, folder: Path, namespace: str = "", **parameters: Any) -> KitNode:
    """A small node."""
    values = parameters_of(name, folder) | parameters
    overrides = [Parameter(key, value=value) for key, value in values.items()]
    return NODES[name].make(namespace=namespace, parameter_overrides=overrides)
