"""Bags: which topics are recorded and played, and the commands for it."""

from __future__ import annotations

from grasp_node_kit.bringup.arguments import TOPICS
from grasp_node_kit.bringup.plan import CommandPlan
from grasp_node_kit.bringup.setting import Setting, absolute, check_namespace

# What nodes take in and what does not come from them when a bag is played.
INPUTS = ("capture/experience", "tf", "tf_static")
# What nodes say, to look at or to compare with.
RESULTS = (
    "perception/goal",
    "perception/model",
    "perception/heatmap",
    "perception/heatmap_info",
    "perception/target_point",
    "perception/reward",
    "semgrasp/hand_grasp",
    "semgrasp/hand_grasps",
    "semgrasp/markers",
    "semgrasp/model",
)


def input_topics(setting: Setting) -> list[str]:
    """Inputs of the nodes, relative names where the setting's are."""
    return list(dict.fromkeys([*(setting.sent_topic(argument) for argument in TOPICS), *INPUTS]))


def plan_play(setting: Setting) -> CommandPlan:
    """Plays the inputs of a bag to the nodes; what nodes say in it is left out, since they say it again.

    Raises:
        ValueError: an argument is wrong.
    """
    recorded_in = check_namespace(setting.text("bag_namespace"), "bag_namespace")
    names = [*input_topics(setting), *setting.text("bag_topics").split()]
    if setting.text("clock") == "bag":
        names.append(setting.source.clock)
    recorded = [absolute(recorded_in, name) for name in names]
    played = [absolute(setting.namespace, name) for name in names]
    remaps = [f"{a}:={b}" for a, b in zip(recorded, played, strict=True) if a != b]
    command = ["ros2", "bag", "play", setting.text("bag"), "--disable-keyboard-controls"]
    command += ["--rate", f"{setting.number('rate', 0.01):g}"]
    command += ["--start-offset", f"{setting.number('start_offset', 0.0):g}"]
    command += ["--clock", "100"] if setting.text("clock") == "player" else []
    command += ["--loop"] if setting.flag("loop") else []
    command += ["--topics", *recorded]
    command += ["--remap", *remaps] if remaps else []
    return CommandPlan(tuple(command))


def plan_record(setting: Setting) -> CommandPlan:
    """Records inputs and results, and the clock of a simulation.

    Raises:
        ValueError: an argument is wrong.
    """
    names = [*input_topics(setting), *RESULTS, *setting.text("bag_topics").split()]
    if setting.use_sim_time:
        names.append(setting.source.clock)
    topics = [absolute(setting.namespace, name) for name in names]
    command = ["ros2", "bag", "record", "--storage", setting.text("storage"), "--output", setting.text("bag")]
    return CommandPlan((*command, "--topics", *topics), ends_all=True)
