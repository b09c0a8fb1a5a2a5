"""The launch files: their arguments, and what they start."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from grasp_node_kit.bringup import arguments as a
from grasp_node_kit.bringup.bags import plan_play, plan_record
from grasp_node_kit.bringup.nodes import (
    GRASP2VEC_NODES,
    plan_camera_frame,
    plan_cell,
    plan_node,
    plan_rviz,
    plan_viewer,
)
from grasp_node_kit.bringup.plan import IncludePlan, Plan
from grasp_node_kit.bringup.setting import Setting, check_namespace


@dataclass(frozen=True)
class Launch:
    """A launch file.

    Attributes:
        summary: what it starts, for people.
        arguments: what it may be given.
        plan: what to start for given arguments; ValueError names an argument that is wrong.
        fixed: values of what other launch files take as arguments.
    """

    summary: str
    arguments: tuple[a.Argument, ...]
    plan: Callable[[Setting], list[Plan]]
    fixed: tuple[tuple[str, str], ...] = ()


def _grasp2vec(setting: Setting) -> list[Plan]:
    return [plan_node(name, setting) for name in GRASP2VEC_NODES]


def _arm(setting: Setting) -> list[Plan]:
    """What serves the robot's actions; the cell serves its own."""
    wanted = setting.text("arm")
    auto = wanted == "auto" and setting.text("source") != "cell"
    return [plan_node("arm", setting)] if auto or wanted == "true" else []


def _semgrasp(setting: Setting) -> list[Plan]:
    return [plan_node("semgrasp", setting)]


def _execution(setting: Setting) -> list[Plan]:
    """What moves the robot, where it is asked for."""
    names = [*(("retarget", "execute") if setting.flag("execution") else ())]
    names += ["teleop"] if setting.flag("teleop") else []
    return [plan_node(name, setting) for name in names]


def _surroundings(setting: Setting) -> list[Plan]:
    """The cell where it is the source, the camera's frame, RViz and the view in a browser."""
    cell = [plan_cell(setting)] if setting.text("source") == "cell" else []
    return [*cell, *plan_camera_frame(setting), *plan_rviz(setting), *plan_viewer(setting)]


def _bringup(setting: Setting) -> list[Plan]:
    return [
        *_surroundings(setting),
        *([*_grasp2vec(setting), *_arm(setting)] if setting.flag("grasp2vec") else []),
        *(_semgrasp(setting) if setting.flag("semgrasp") else []),
        *(_execution(setting) if setting.flag("semgrasp") else []),
    ]


def _replay(setting: Setting) -> list[Plan]:
    own_clock = setting.text("clock") == "bag"
    names = [
        name for part, name in (("grasp2vec", "perception"), ("semgrasp", "semgrasp")) if setting.flag(part)
    ]
    return [
        *(plan_node(name, setting, own_clock) for name in names),
        *plan_camera_frame(setting),
        *plan_rviz(setting, own_clock),
        *plan_viewer(setting, own_clock),
        plan_play(setting),
    ]


def _several(setting: Setting) -> list[Plan]:
    names = [check_namespace(name.strip(), "robots") for name in setting.text("robots").split(",")]
    if not all(names) or len(set(names)) != len(names):
        raise ValueError(
            f"robots: {setting.text('robots')!r} is not a list of different names, as in 'robot1,robot2'"
        )
    passed_on = ("source", "robot", "params_file", "semgrasp", "security_enclaves", "log_level")
    same = [(name, setting.text(name)) for name in passed_on]
    return [
        IncludePlan("bringup.launch.py", (("namespace", name), ("seed", str(number)), *same))
        for number, name in enumerate(names)
    ]


def _with_default(argument: a.Argument, default: str) -> a.Argument:
    return dataclasses.replace(argument, default=default)


def _common(*names: str) -> tuple[a.Argument, ...]:
    return tuple(each for each in a.COMMON if each.name in names)


_ALL_TOPICS = (*a.SCENE_TOPICS, *a.HELD_TOPICS, *a.OBJECT_TOPICS)
_TRANSPORTS = (a.IMAGE_TRANSPORT, a.DEPTH_TRANSPORT)
# The capture node, and with it the robot's name, is not part of a replay.
_REPLAYED_GRASP2VEC = tuple(each for each in a.GRASP2VEC if each.name != "robot_id")
_WHOLE = (*a.COMMON, *a.CAMERA)

LAUNCHES = {
    "grasp2vec_core": Launch(
        "The four Grasp2Vec nodes and nothing else: for a robot that brings its own cameras and arm.",
        (*a.COMMON, *a.SCENE_TOPICS, *a.HELD_TOPICS, *_TRANSPORTS, *a.GRASP2VEC),
        _grasp2vec,
    ),
    "semgrasp_core": Launch(
        "The SemGrasp node and nothing else: for a robot that brings its own cameras and its own segmentation.",
        (*a.COMMON, *a.DEPTH_TOPICS, *a.OBJECT_TOPICS, a.DEPTH_TRANSPORT, *a.SEMGRASP),
        _semgrasp,
    ),
    "grasp2vec": Launch(
        "Grasp2Vec whole: the nodes, what moves the arm, with `source:=cell` the simulated cell, the camera's frame, RViz.",
        (
            *_WHOLE,
            *a.SCENE_TOPICS,
            *a.HELD_TOPICS,
            *_TRANSPORTS,
            *a.GRASP2VEC,
            a.ARM,
            a.ROBOT_FILE,
            *a.CELL,
            *a.RVIZ,
        ),
        lambda setting: [*_surroundings(setting), *_grasp2vec(setting), *_arm(setting)],
    ),
    "semgrasp": Launch(
        "SemGrasp whole: the node, what executes its grasps, with `source:=cell` the simulated cell, the camera's frame, RViz.",
        (
            *_WHOLE,
            *_ALL_TOPICS,
            *a.ROBOT_TOPICS,
            a.DEPTH_TRANSPORT,
            *a.SEMGRASP,
            *a.EXECUTION,
            *a.CELL,
            *a.RVIZ,
        ),
        lambda setting: [*_surroundings(setting), *_semgrasp(setting), *_execution(setting)],
    ),
    "bringup": Launch(
        "Everything: Grasp2Vec and SemGrasp, with `source:=cell` the simulated cell, the camera's frame, RViz.",
        (
            *_WHOLE,
            *a.PARTS,
            *_ALL_TOPICS,
            *a.ROBOT_TOPICS,
            *_TRANSPORTS,
            *a.GRASP2VEC,
            *a.SEMGRASP,
            a.ARM,
            *a.EXECUTION,
            *a.CELL,
            *a.RVIZ,
        ),
        _bringup,
    ),
    "cell": Launch(
        "The simulated cell alone: a Panda over a bin of objects that speaks as a real robot does.",
        (
            *_common(
                "namespace",
                "params_file",
                "log_level",
                "autostart",
                "respawn",
                "security_enclaves",
                "base_frame",
            ),
            *a.SCENE_TOPICS,
            *a.HELD_TOPICS,
            *a.CELL,
        ),
        lambda setting: [plan_cell(setting), *plan_camera_frame(setting)],
        fixed=(("source", "cell"), ("robot", "panda")),
    ),
    "replay": Launch(
        "A recorded bag through perception and SemGrasp, which say their results again.",
        (
            *a.REPLAY,
            *(_with_default(x, "true") if x.name == "use_sim_time" else x for x in _WHOLE),
            *a.PARTS,
            *_ALL_TOPICS,
            *_TRANSPORTS,
            *_REPLAYED_GRASP2VEC,
            *a.SEMGRASP,
            *a.RVIZ,
        ),
        _replay,
    ),
    "record": Launch(
        "Records what the nodes take in and what they say.",
        (*a.RECORD, *_common("namespace", "source", "use_sim_time"), *_ALL_TOPICS, *_TRANSPORTS),
        lambda setting: [plan_record(setting)],
        fixed=(("robot", "panda"),),
    ),
    "several_robots": Launch(
        "Example of several robots side by side: bringup for each, in a namespace and with a store of its own.",
        a.SEVERAL,
        _several,
    ),
}
