import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import pytest
from semantic_grasping.msg import GraspExperience
from semantic_grasping.srv import AddHeldView, BeginAttempt, CompleteAttempt

from grasp2vec_ros.core.store import FILE_NAME, ExperienceStore
from grasp2vec_ros.nodes.capture import CaptureNode
from test.rig import FakeRobot, Rig, eventually


@pytest.fixture
def rig(tmp_path):
    made = Rig(store=tmp_path / "store", frame_timeout_s=3.0)
    yield made
    made.close()


def begin(rig: Rig, **fields: object) -> BeginAttempt.Response:
    return rig.call(BeginAttempt, "capture/begin_attempt", BeginAttempt.Request(**fields))


def add_view(rig: Rig, attempt_id: str, angle: float = 0.0) -> AddHeldView.Response:
    return rig.call(
        AddHeldView, "capture/add_held_view", AddHeldView.Request(attempt_id=attempt_id, wrist_angle=angle)
    )


def complete(rig: Rig, attempt_id: str, success: bool, **fields: object) -> CompleteAttempt.Response:
    request = CompleteAttempt.Request(
        attempt_id=attempt_id, grasp_success=success, gripper_opening=float("nan"), **fields
    )
    return rig.call(CompleteAttempt, "capture/complete_attempt", request)


def test_a_whole_attempt_is_stored_and_published(rig, tmp_path):
    robot = rig.add(FakeRobot())
    rig.add(CaptureNode())
    published = rig.collect(GraspExperience, "capture/experience")
    begun = begin(rig, episode="e", commanded_goal="mug")
    assert begun.success, begun.message
    robot.held = 1
    assert add_view(rig, begun.attempt_id).views == 1 and add_view(rig, begun.attempt_id, 0.5).views == 2
    stored = complete(rig, begun.attempt_id, True)
    assert stored.success, stored.message
    with ExperienceStore(tmp_path / "store", read_only=True) as store:
        kept = store.get(stored.experience_id)
    message = eventually(lambda: published and published[0])
    assert message.experience_id == stored.experience_id and message.commanded_goal == "mug"
    assert kept.success and kept.robot_id == "robot" and kept.held_angles_rad == [0.0, 0.5]
    assert kept.gripper_opening_m == pytest.approx(0.03)  # from joint states
    robot.held = None
    assert np.array_equal(kept.pre, robot.scene()[0])
    robot.held = 1
    assert np.array_equal(kept.post, robot.scene()[0]) and not np.array_equal(kept.pre, kept.post)
    assert kept.held_stamps_ns[1] >= kept.held_stamps_ns[0] > kept.stamp_ns


def test_a_failed_grasp_is_stored_too_and_attempts_are_counted(rig, tmp_path):
    rig.add(FakeRobot())
    rig.add(CaptureNode())
    ids = [complete(rig, begin(rig, episode="e").attempt_id, False).experience_id for _ in range(2)]
    with ExperienceStore(tmp_path / "store", read_only=True) as store:
        first, second = store.get(ids[0]), store.get(ids[1])
    assert (first.attempt, second.attempt) == (0, 1) and not first.success and first.held == []


def test_without_cameras_it_says_so_and_goes_on(rig):
    rig.add(CaptureNode())
    answer = begin(rig)
    assert not answer.success and "/scene/image" in answer.message and "0 publisher" in answer.message
    rig.add(FakeRobot())
    assert eventually(lambda: begin(rig).success)


@pytest.mark.parametrize("discard", [True, False])
def test_unknown_and_finished_attempts_are_refused(rig, tmp_path, discard):
    rig.add(FakeRobot())
    rig.add(CaptureNode())
    assert "attempt_id" in complete(rig, "nonsense", False).message
    begun = begin(rig)
    assert complete(rig, begun.attempt_id, False, discard=discard).success
    again = complete(rig, begun.attempt_id, False)
    assert not again.success and "not open" in again.message
    with ExperienceStore(tmp_path / "store", read_only=True) as store:
        assert len(store) == (0 if discard else 1)


def test_success_without_a_view_of_the_object_is_refused_and_can_be_mended(rig):
    rig.add(FakeRobot())
    rig.add(CaptureNode())
    begun = begin(rig)
    refused = complete(rig, begun.attempt_id, True)
    assert not refused.success and "held" in refused.message
    add_view(rig, begun.attempt_id)
    assert complete(rig, begun.attempt_id, True).success


def test_a_wrong_encoding_is_named(rig):
    robot = rig.add(FakeRobot())
    robot.encoding = "nonsense8"
    rig.add(CaptureNode())
    answer = begin(rig)
    assert not answer.success and "scene/image.encoding" in answer.message and "nonsense8" in answer.message
    robot.encoding = "rgb8"
    assert eventually(lambda: begin(rig).success)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"robot_id": "x" * 300}, "robot_id"),
        ({"episode": "x" * 300}, "episode"),
        ({"commanded_goal": "x" * 300}, "commanded_goal"),
    ],
)
def test_texts_without_end_are_refused(rig, request_, field):
    rig.add(FakeRobot())
    rig.add(CaptureNode())
    answer = begin(rig, **request_)
    assert not answer.success and field in answer.message


def test_a_store_of_a_newer_schema_is_left_alone_and_named(rig, tmp_path):
    ExperienceStore(tmp_path / "store").close()
    connection = sqlite3.connect(tmp_path / "store" / FILE_NAME)
    connection.execute("PRAGMA user_version=99")
    connection.commit()
    connection.close()
    node = rig.add(CaptureNode())
    assert "schema 99" in node.problem
    assert "schema 99" in begin(rig).message  # it is up, and says why it cannot


@pytest.mark.slow
def test_killed_at_any_moment_no_acknowledged_attempt_is_lost(rig, tmp_path):
    rig.add(FakeRobot())
    rng, acknowledged = np.random.default_rng(0), []
    for round_ in range(3):
        name = f"capture{round_}"  # its predecessor takes a while to be forgotten by DDS
        arguments = ["--ros-args", "-p", f"store:={tmp_path / 'store'}", "-r", f"__node:={name}"]
        command = [sys.executable, "-m", "grasp2vec_ros.nodes.capture", *arguments]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ)
        try:
            acknowledged += _complete_attempts(rig, name, 0.2 + float(rng.uniform(0.0, 0.6)))
            begun = rig.call(BeginAttempt, f"{name}/begin_attempt", BeginAttempt.Request())
            client = rig.client.create_client(CompleteAttempt, f"{name}/complete_attempt")
            client.wait_for_service(10.0)
            client.call_async(
                CompleteAttempt.Request(attempt_id=begun.attempt_id)
            )  # killed in the middle of it
            time.sleep(float(rng.uniform(0.0, 0.08)))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
    with ExperienceStore(tmp_path / "store", read_only=True) as store:
        assert len(acknowledged) >= 6 and set(acknowledged) <= set(store.ids())
        assert all(store.get(experience_id).pre.size for experience_id in store.ids())


def _complete_attempts(rig: Rig, node: str, seconds: float) -> list[str]:
    """Stores failed attempts until some seconds after the first one, and returns the acknowledged ids."""
    acknowledged, until = [], None
    while until is None or time.monotonic() < until:
        try:
            begun = rig.call(BeginAttempt, f"{node}/begin_attempt", BeginAttempt.Request(), timeout_s=8.0)
            request = CompleteAttempt.Request(attempt_id=begun.attempt_id, gripper_opening=float("nan"))
            stored = rig.call(CompleteAttempt, f"{node}/complete_attempt", request, timeout_s=8.0)
        except (
            AssertionError
        ):  # an answer that was lost while DDS was still finding its way is asked for again
            continue
        if stored.success:
            acknowledged.append(stored.experience_id)
            until = until or time.monotonic() + seconds
    return acknowledged
