"""Arguments of the launch files, each declared once."""

from __future__ import annotations

from dataclasses import dataclass

SOURCES = ("custom", "cell", "gazebo", "realsense", "oakd", "usb_cam")
ROBOTS = ("panda", "mock", "franka", "ur")
FLAG = ("true", "false")


@dataclass(frozen=True)
class Argument:
    """An argument of a launch file.

    Attributes:
        name: as in `name:=value`.
        description: one line for people.
        default: None when it must be given.
        choices: what may be given; empty when anything may.
    """

    name: str
    description: str
    default: str | None = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Topic:
    """A topic that launch files can remap.

    Attributes:
        name: the node's own relative name.
        kind: what it carries, for people.
    """

    name: str
    kind: str


TOPICS = {
    "scene_image": Topic("scene/image", "scene's colour image"),
    "scene_depth": Topic("scene/depth", "scene's depth, registered to colour, 16UC1 in mm or 32FC1 in m"),
    "scene_camera_info": Topic("scene/camera_info", "scene camera's intrinsics"),
    "held_image": Topic("held/image", "colour image of the object in the gripper"),
    "joint_states": Topic("joint_states", "joints with those of the gripper"),
    "object_points": Topic("object/points", "cloud of one object, where something else cuts it out"),
    "object_mask": Topic("object/mask", "mask of one object in the depth image"),
    "obstacle_points": Topic(
        "obstacles/points", "cloud of what else stands there, for the robot to keep away from"
    ),
    "hand_keypoints": Topic("hand/keypoints", "21 keypoints of a person's hand, geometry_msgs/PoseArray"),
}


def _topics(*names: str) -> tuple[Argument, ...]:
    return tuple(
        Argument(name, f"Topic of the {TOPICS[name].kind}; empty: as `source` or `robot` says.")
        for name in names
    )


SECURITY_ENCLAVES = Argument(
    "security_enclaves",
    "Start each node in the sros2 enclave /NAMESPACE/NODE, as security/policy.xml has them.",
    "false",
    FLAG,
)
COMMON = (
    Argument("namespace", "Namespace of all nodes, one per robot; empty: none."),
    Argument(
        "source",
        "Where images come from: sets topics and the camera's pose (config/presets/sources).",
        "custom",
        SOURCES,
    ),
    Argument(
        "robot",
        "Which arm it is: sets base frame, joints and gripper (config/presets/robots).",
        "panda",
        ROBOTS,
    ),
    Argument("params_file", "YAML file of parameters that go before those of config/, `source` and `robot`."),
    Argument(
        "use_sim_time",
        "Take time from /clock; auto: as `source` says.",
        "auto",
        ("auto", *FLAG),
    ),
    Argument("log_level", "Verbosity of the nodes.", "info", ("debug", "info", "warn", "error", "fatal")),
    Argument(
        "autostart",
        "Nodes configure and activate themselves; empty: as the parameter files say, true by default.",
        "",
        ("", *FLAG),
    ),
    Argument("respawn", "Start a node again 2 s after it has ended.", "false", FLAG),
    SECURITY_ENCLAVES,
    Argument(
        "input_reliability",
        "QoS of subscriptions to sensors; empty: best effort.",
        "",
        ("", "best_effort", "reliable"),
    ),
    Argument("input_depth", "Messages that a subscription to a sensor keeps; empty: 1, the newest."),
    Argument("base_frame", "Frame of the arm's base; empty: as `robot` says."),
)
CAMERA = (
    Argument(
        "camera_pose",
        "'x y z qx qy qz qw' [m] of camera_frame in base_frame, published to /tf_static; empty: as `source` says.",
    ),
    Argument("camera_frame", "Root frame of the scene camera, for camera_pose; empty: as `source` says."),
)
DEPTH_TOPICS = _topics("scene_depth", "scene_camera_info")
SCENE_TOPICS = (*_topics("scene_image"), *DEPTH_TOPICS)
HELD_TOPICS = _topics("held_image", "joint_states")
OBJECT_TOPICS = _topics("object_points", "object_mask")
ROBOT_TOPICS = _topics("obstacle_points", "hand_keypoints")
IMAGE_TRANSPORT = Argument(
    "image_transport",
    "Read colour images from their topics or from TOPIC/compressed; empty: as the parameter files say.",
    "",
    ("", "raw", "compressed"),
)
DEPTH_TRANSPORT = Argument(
    "depth_transport",
    "Read depth from its topic or from TOPIC/compressedDepth; empty: as the parameter files say.",
    "",
    ("", "raw", "compressedDepth"),
)
# Which topics these are for.
TRANSPORTS = {
    "scene_image": "image_transport",
    "held_image": "image_transport",
    "scene_depth": "depth_transport",
}
GRASP2VEC = (
    Argument(
        "device",
        "Where models run; empty: as the parameter files say.",
        "",
        ("", "auto", "cpu", "cuda"),
    ),
    Argument(
        "robot_id", "Name stored with every attempt; empty: the namespace, else as the parameter files say."
    ),
    Argument(
        "store",
        "Folder of the experience store; empty: out/NAMESPACE/store, without namespace as the parameter files say.",
    ),
    Argument(
        "checkpoints",
        "Folder of the checkpoints; empty: out/NAMESPACE/checkpoints, without namespace as the parameter files say.",
    ),
)
SEMGRASP = (
    Argument("model", "Folder of the language model, or 'shipped'; empty: as the parameter files say."),
    Argument("hand", "'open', or the path of your own MANO_RIGHT.pkl; empty: as the parameter files say."),
    Argument(
        "object_source",
        "Where the object comes from when a request brings no cloud or mask; empty: as the parameter files say.",
        "",
        ("", "auto", "points", "mask", "heatmap"),
    ),
)
ROBOT_FILE = Argument(
    "robot_file",
    "What the arm, retarget, execute and teleop nodes move: a name of config/robots or your own YAML; empty: as `robot` says.",
)
ARM = Argument(
    "arm",
    "Start the node that moves the arm for grasping (execute_grasp and its like); auto: unless `source` is the cell.",
    "auto",
    ("auto", *FLAG),
)
EXECUTION = (
    Argument(
        "execution", "Start the nodes that plan a hand's grasp for the robot and execute it.", "true", FLAG
    ),
    Argument("teleop", "Start the node by which a person's hand drives the gripper.", "false", FLAG),
    ROBOT_FILE,
)
CELL = (
    Argument(
        "split",
        "Which objects lie in the cell's bin; empty: as the parameter files say.",
        "",
        ("", "seen", "novel", "all"),
    ),
    Argument(
        "regime",
        "What lies in the cell: varied toys, toys of one palette and size, or goods; empty: as the parameter files say.",
        "",
        ("", "varied", "shared_palette", "goods"),
    ),
    Argument("objects_dir", "Folder of meshes to use instead of toys; empty: as the parameter files say."),
    Argument("seed", "Seed of the cell's scenes; empty: as the parameter files say."),
)
RVIZ = (
    Argument("rviz", "Start RViz.", "false", FLAG),
    Argument("rviz_config", "RViz configuration; empty: rviz/semantic_grasping.rviz of the package."),
    Argument("viewer", "Start the view in a browser; it needs rerun-sdk.", "false", FLAG),
)
PARTS = (
    Argument("grasp2vec", "Start the Grasp2Vec nodes.", "true", FLAG),
    Argument("semgrasp", "Start the SemGrasp node.", "true", FLAG),
)
BAG_TOPICS = Argument("bag_topics", "Further topics, separated by spaces.")
REPLAY = (
    Argument("bag", "Folder or file of the bag.", None),
    Argument("bag_namespace", "Namespace in which it was recorded; empty: none."),
    BAG_TOPICS,
    Argument("rate", "Speed of the replay; 1.0: as it was.", "1.0"),
    Argument("start_offset", "Seconds of the bag to leave out at its beginning.", "0.0"),
    Argument("loop", "Begin again at the end.", "false", FLAG),
    Argument(
        "clock",
        "Who tells the time: the bag (it has a clock topic, as those of simulations) or the player.",
        "player",
        ("player", "bag"),
    ),
)
RECORD = (
    Argument("bag", "Folder to write; it must not exist.", None),
    BAG_TOPICS,
    Argument("storage", "Format of the bag.", "mcap", ("mcap", "sqlite3")),
)
SEVERAL = (
    Argument("robots", "Namespaces of the robots, separated by commas.", "robot1,robot2"),
    Argument("source", "As in bringup, for every robot.", "cell", SOURCES),
    Argument("robot", "As in bringup, for every robot.", "panda", ROBOTS),
    Argument("params_file", "As in bringup, for every robot."),
    Argument("semgrasp", "Start the SemGrasp node for every robot.", "false", FLAG),
    SECURITY_ENCLAVES,
    Argument("log_level", "Verbosity of the nodes.", "info", ("debug", "info", "warn", "error", "fatal")),
)
