"""The package's nodes as launch files start them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grasp_node_kit.bringup.arguments import TOPICS
from grasp_node_kit.bringup.plan import PACKAGE, NodePlan
from grasp_node_kit.bringup.presets import merged
from grasp_node_kit.bringup.setting import Setting, absolute

# Names that are absolute in ROS are made relative, so that robots in namespaces have transforms of their own.
RELATIVE_TF = (("/tf", "tf"), ("/tf_static", "tf_static"))


@dataclass(frozen=True)
class NodeFacts:
    """What launch files know of a node.

    Attributes:
        config: its parameter file in config/.
        subscribes: its inputs that can be remapped, as arguments of launch files.
        publishes: its outputs that can be remapped.
        parameters: arguments of launch files and the parameters that they set.
    """

    config: str
    subscribes: tuple[str, ...] = ()
    publishes: tuple[str, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()


_BASE_FRAME = ("base_frame", "extrinsics.base_frame")
_STORE = ("store", "store")
_CHECKPOINTS = ("checkpoints", "checkpoints")
_DEVICE = ("device", "device")
_ROBOT_ID = ("robot_id", "robot_id")
_COLOUR = ("image_transport", "image_transport")
_DEPTH = ("depth_transport", "depth_transport")
_ROBOT_FILE = ("robot_file", "robot_file")

NODES = {
    "capture": NodeFacts(
        "grasp2vec.yaml",
        subscribes=("scene_image", "held_image", "joint_states"),
        parameters=(_STORE, _ROBOT_ID, _COLOUR),
    ),
    "trainer": NodeFacts("grasp2vec.yaml", parameters=(_STORE, _CHECKPOINTS, _DEVICE)),
    "perception": NodeFacts(
        "grasp2vec.yaml",
        subscribes=("scene_image", "scene_depth", "scene_camera_info"),
        parameters=(_STORE, _CHECKPOINTS, _DEVICE, _BASE_FRAME, _COLOUR, _DEPTH),
    ),
    "grasping": NodeFacts(
        "grasp2vec.yaml",
        subscribes=("scene_depth", "scene_camera_info"),
        parameters=(_ROBOT_ID, _BASE_FRAME, _DEPTH),
    ),
    "semgrasp": NodeFacts(
        "semgrasp.yaml",
        subscribes=("object_points", "object_mask", "scene_depth", "scene_camera_info"),
        parameters=(("model", "model"), ("hand", "hand"), ("object_source", "source"), _BASE_FRAME, _DEPTH),
    ),
    "viewer": NodeFacts(
        "viewer.yaml",
        subscribes=("scene_image", "scene_depth", "scene_camera_info", "held_image"),
        parameters=(_BASE_FRAME, _COLOUR, _DEPTH),
    ),
    "retarget": NodeFacts(
        "retarget.yaml",
        subscribes=("joint_states", "obstacle_points", "scene_depth", "scene_camera_info"),
        parameters=(("hand", "hand"), _ROBOT_FILE, _BASE_FRAME, _DEPTH),
    ),
    "execute": NodeFacts("retarget.yaml", subscribes=("joint_states",), parameters=(_ROBOT_FILE,)),
    "arm": NodeFacts("grasp2vec.yaml", subscribes=("joint_states",), parameters=(_ROBOT_FILE, _BASE_FRAME)),
    "teleop": NodeFacts(
        "retarget.yaml", subscribes=("hand_keypoints", "joint_states"), parameters=(_ROBOT_FILE,)
    ),
    "cell": NodeFacts(
        "cell.yaml",
        publishes=("scene_image", "scene_depth", "scene_camera_info", "held_image", "joint_states"),
        parameters=(
            ("split", "split"),
            ("regime", "regime"),
            ("objects_dir", "objects_dir"),
            ("seed", "seed"),
        ),
    ),
}
WHOLE_NUMBERS = ("seed",)
GRASP2VEC_NODES = ("capture", "trainer", "perception", "grasping")


def _nested(name: str, value: Any) -> dict[str, Any]:
    first, _, rest = name.partition(".")
    return {first: _nested(rest, value) if rest else value}


def _remappings(name: str, setting: Setting, own_clock: bool) -> tuple[tuple[str, str], ...]:
    facts = NODES[name]
    topics = [
        (TOPICS[argument].name, setting.topic(argument)) for argument in (*facts.subscribes, *facts.publishes)
    ]
    changed = tuple((own, used) for own, used in topics if own != used)
    clock = (("/clock", setting.source.clock),) if own_clock and setting.source.clock != "/clock" else ()
    return (*changed, *RELATIVE_TF, *clock)


def _qos(name: str, setting: Setting) -> dict[str, Any]:
    """ROS 2's own parameters of the quality of service, by resolved topic."""
    wanted: dict[str, Any] = {}
    if setting.text("input_reliability"):
        wanted["reliability"] = setting.text("input_reliability")
    if setting.text("input_depth"):
        wanted["depth"] = setting.number("input_depth", 1, whole=True)
    topics = NODES[name].subscribes if wanted else ()
    overrides = {
        absolute(setting.namespace, setting.sent_topic(argument)): {"subscription": dict(wanted)}
        for argument in topics
    }
    return {"qos_overrides": overrides} if overrides else {}


def _of_namespace(name: str, setting: Setting) -> dict[str, Any]:
    """What must differ between robots, where the operator does not say."""
    robot, known = setting.robot_name, dict(NODES[name].parameters)
    if not robot or name == "cell":
        return {}
    defaults = {
        "robot_id": robot,
        "store": f"out/{robot}/store",
        "checkpoints": f"out/{robot}/checkpoints",
    }
    return {parameter: value for parameter, value in defaults.items() if parameter in known}


def _explicit(name: str, setting: Setting) -> dict[str, Any]:
    facts, parameters = NODES[name], {}
    for argument, parameter in facts.parameters:
        if value := setting.text(argument):
            typed = setting.number(argument, 0, whole=True) if argument in WHOLE_NUMBERS else value
            parameters = merged(parameters, _nested(parameter, typed))
    if setting.text("camera_pose") and _BASE_FRAME in facts.parameters:
        # The pose is in TF then, and zeros ask for TF.
        from_tf = {"translation_m": [0.0] * 3, "rotation_xyzw": [0.0] * 4}
        parameters = merged(parameters, {"extrinsics": from_tf})
    if setting.text("autostart"):
        parameters["autostart"] = setting.flag("autostart")
    return merged(parameters, _qos(name, setting))


def plan_node(name: str, setting: Setting, own_clock: bool = True) -> NodePlan:
    """One of the package's nodes but the cell.

    Args:
        name: of the node and of its executable.
        setting: what was asked for.
        own_clock: time comes from the topic that the source names, else from /clock.
    """
    return NodePlan(
        package=PACKAGE,
        executable=name,
        name=name,
        namespace=setting.namespace,
        config=setting.folder / "config" / NODES[name].config,
        presets=merged(setting.parameters, _of_namespace(name, setting)),
        params_file=setting.file("params_file"),
        explicit=_explicit(name, setting) | {"use_sim_time": setting.use_sim_time},
        remappings=_remappings(name, setting, own_clock),
        log_level=setting.text("log_level"),
        respawn=setting.flag("respawn"),
        in_enclave=setting.flag("security_enclaves"),
    )


def plan_cell(setting: Setting) -> NodePlan:
    """The simulated cell; it makes the time that the others take."""
    return NodePlan(
        package=PACKAGE,
        executable="cell",
        name="cell",
        namespace=setting.namespace,
        config=setting.folder / "config" / NODES["cell"].config,
        params_file=setting.file("params_file"),
        explicit=_explicit("cell", setting),
        remappings=_remappings("cell", setting, own_clock=True),
        log_level=setting.text("log_level"),
        respawn=setting.flag("respawn"),
        in_enclave=setting.flag("security_enclaves"),
    )


def plan_camera_frame(setting: Setting) -> list[NodePlan]:
    """Publishes where the scene camera is, when an argument or the source says so."""
    pose = setting.camera_pose
    if pose is None:
        return []
    words = zip(("x", "y", "z", "qx", "qy", "qz", "qw"), pose, strict=True)
    frames = ("--frame-id", setting.base_frame, "--child-frame-id", setting.camera_frame)
    return [
        NodePlan(
            package="tf2_ros",
            executable="static_transform_publisher",
            name="camera_frame",
            namespace=setting.namespace,
            explicit={"use_sim_time": setting.use_sim_time},
            remappings=RELATIVE_TF,
            arguments=(*(word for name, value in words for word in (f"--{name}", f"{value:.9g}")), *frames),
            in_enclave=setting.flag("security_enclaves"),
        )
    ]


def plan_viewer(setting: Setting, own_clock: bool = True) -> list[NodePlan]:
    """The view in a browser, when it is asked for."""
    return [plan_node("viewer", setting, own_clock)] if setting.flag("viewer") else []


def plan_rviz(setting: Setting, own_clock: bool = True) -> list[NodePlan]:
    """RViz, when it is asked for; it shows the topics of the source, seen from the arm's base.

    Raises:
        ValueError: there is no such configuration.
    """
    if not setting.flag("rviz"):
        return []
    file = setting.file("rviz_config") or setting.folder / "rviz/semantic_grasping.rviz"
    if not file.is_file():
        raise ValueError(f"rviz_config: there is no file {file}; give one of your own")
    clock = (("/clock", setting.source.clock),) if own_clock and setting.source.clock != "/clock" else ()
    topics = [(topic.name, setting.topic(argument)) for argument, topic in TOPICS.items()]
    changed = tuple((own, used) for own, used in topics if own != used)
    return [
        NodePlan(
            package="rviz2",
            executable="rviz2",
            name="rviz",
            namespace=setting.namespace,
            explicit={"use_sim_time": setting.use_sim_time},
            remappings=(*changed, *RELATIVE_TF, *clock),
            arguments=("-d", str(file), "-f", setting.base_frame),
            in_enclave=setting.flag("security_enclaves"),
        )
    ]
