"""Experience for other programs: MCAP bags that ROS tools replay, and folders of images."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from grasp2vec_ros.core.experience import Experience

TOPIC = "/capture/experience"
MESSAGE = "semantic_grasping/msg/GraspExperience"


def _message_text() -> str:
    """The message's definition: beside the source in a checkout, in `share` of an installation."""
    here = Path(__file__).resolve()
    places = [folder / "msg/GraspExperience.msg" for folder in here.parents]
    places += [folder / "share/semantic_grasping/msg/GraspExperience.msg" for folder in here.parents]
    for place in places:
        if place.is_file():
            return place.read_text()
    raise FileNotFoundError(
        "msg/GraspExperience.msg was not found near the package; is the installation complete?"
    )


def typestore() -> Typestore:
    """The ROS 2 types with GraspExperience among them."""
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(_message_text(), MESSAGE))
    return store


def export_mcap(experiences: Iterable[Experience], folder: Path) -> int:
    """Writes a rosbag2 folder in MCAP format with a GraspExperience message per attempt.

    Args:
        experiences: in the order of the bag.
        folder: must not exist.

    Returns:
        How many were written.

    Raises:
        ValueError: the folder exists.
    """
    if folder.exists():
        raise ValueError(f"output: {folder} exists; choose another folder")
    types, count = typestore(), 0
    folder.parent.mkdir(parents=True, exist_ok=True)
    with Writer(folder, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connection = writer.add_connection(TOPIC, MESSAGE, typestore=types)
        for experience in experiences:
            writer.write(
                connection, experience.stamp_ns, types.serialize_cdr(_message(types, experience), MESSAGE)
            )
            count += 1
    return count


def _message(types: Typestore, e: Experience) -> object:
    kinds = types.types

    def time(nanoseconds: int) -> object:
        return kinds["builtin_interfaces/msg/Time"](sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)

    def header(nanoseconds: int, frame: str) -> object:
        return kinds["std_msgs/msg/Header"](stamp=time(nanoseconds), frame_id=frame)

    def image(array: np.ndarray, nanoseconds: int) -> object:
        height, width = array.shape[:2]
        return kinds["sensor_msgs/msg/Image"](
            header=header(nanoseconds, e.scene_frame), height=height, width=width, encoding="rgb8", is_bigendian=0, step=3 * width, data=array.reshape(-1)
        )  # fmt: skip

    position = e.grasp_position_m or (0.0, 0.0, 0.0)
    orientation = e.grasp_orientation_xyzw or (0.0, 0.0, 0.0, 1.0)
    pose = kinds["geometry_msgs/msg/Pose"](
        position=kinds["geometry_msgs/msg/Point"](**dict(zip("xyz", position, strict=True))),
        orientation=kinds["geometry_msgs/msg/Quaternion"](**dict(zip("xyzw", orientation, strict=True))),
    )
    stamps = e.held_stamps_ns or [e.stamp_ns] * len(e.held)
    return kinds[MESSAGE](
        header=header(e.stamp_ns, e.scene_frame),
        robot_id=e.robot_id,
        experience_id=e.experience_id,
        episode=e.episode,
        attempt=e.attempt,
        pre=image(e.pre, e.stamp_ns),
        post=image(e.post, e.post_stamp_ns or e.stamp_ns),
        held=[image(view, stamp) for view, stamp in zip(e.held, stamps, strict=True)],
        held_angles=np.array(e.held_angles_rad, np.float32),
        success=e.success,
        gripper_opening=e.gripper_opening_m,
        grasp_pose=kinds["geometry_msgs/msg/PoseStamped"](
            header=header(e.stamp_ns, e.base_frame if e.grasp_position_m else ""), pose=pose
        ),
        commanded_goal=e.commanded_goal,
    )


def export_images(experiences: Iterable[Experience], folder: Path) -> int:
    """Writes a folder per attempt with pre.png, post.png and held_0.png, ..., and attempts.jsonl beside them.

    An attempt whose folder is complete already is left as it is: an interrupted export goes on.

    Returns:
        How many attempts the folder holds of those given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for e in experiences:
        place = folder / e.experience_id
        images = {
            "pre.png": e.pre,
            "post.png": e.post,
            **{f"held_{i}.png": view for i, view in enumerate(e.held)},
        }
        place.mkdir(exist_ok=True)
        for name, image in images.items():
            if not (place / name).exists():
                cv2.imwrite(str(place / name), image[:, :, ::-1])
        lines.append(json.dumps({"images": sorted(images), **_facts(e)}))
    (folder / "attempts.jsonl").write_text("".join(line + "\n" for line in lines))
    return len(lines)


def _facts(e: Experience) -> dict:
    names = ("experience_id", "robot_id", "episode", "attempt", "stamp_ns", "success", "held_angles_rad", "grasp_position_m",
             "grasp_orientation_xyzw", "base_frame", "scene_frame", "commanded_goal")  # fmt: skip
    opening = None if math.isnan(e.gripper_opening_m) else e.gripper_opening_m
    return {**{name: getattr(e, name) for name in names}, "gripper_opening_m": opening}


def read_bag(folder: Path) -> Iterator[object]:
    """The GraspExperience messages of a bag, in order."""
    from rosbags.highlevel import AnyReader

    with AnyReader([folder], default_typestore=typestore()) as reader:
        for connection, _, raw in reader.messages([c for c in reader.connections if c.msgtype == MESSAGE]):
            yield reader.deserialize(raw, connection.msgtype)
