"""Held or not, and by which part: from contacts that are written down here."""

import numpy as np
import pytest
import trimesh

from grasp_cell.arm_config import ArmCellConfig
from grasp_cell.arm_contacts import ContactLog, Touching
from grasp_cell.arm_score import judge, no_motion
from semgrasp_ros.core.data.household import Part
from semgrasp_ros.core.data.household.object import assemble


@pytest.fixture(scope="module")
def stick():
    """A head for x < 0 and a handle for x > 0."""
    pieces = []
    for x in (-0.05, 0.0499):
        box = trimesh.creation.box((0.1, 0.03, 0.03))
        box.apply_translation((x, 0, 0))
        pieces.append(box)
    return assemble("stick", 0, [Part("head", (pieces[0],)), Part("handle", (pieces[1],))])


def moment(phase, x_m=0.05, forces_n=(10.0, 10.0), height_m=0.1, elsewhere=False):
    points = np.array([[x_m, 0.015, 0], [x_m, -0.015, 0]])[: len(forces_n)]
    return Touching(phase, points, np.array(forces_n), ("finger",) * len(forces_n), elsewhere, height_m)


def whole(**changed):
    phases = {"closed": moment("closed", height_m=0.0), "lift": moment("lift"), "hold": moment("hold")}
    return ContactLog([*(phases | changed).values()])


def test_held_by_the_asked_part(stick):
    outcome = judge(whole(), stick, "handle", ArmCellConfig())
    assert outcome.succeeded and outcome.lifted and outcome.reason == "" and outcome.part == "handle"
    assert outcome.part_share == pytest.approx(1)


def test_held_by_another_part(stick):
    outcome = judge(whole(), stick, "head", ArmCellConfig())
    assert outcome.held and not outcome.on_part and outcome.reason == "held by another part: handle"


def test_part_is_weighed_by_force(stick):
    log = whole()
    log.moments.append(
        Touching("hold", np.array([[-0.05, 0.015, 0]]), np.array([100.0]), ("finger",), False, 0.1)
    )
    assert judge(log, stick, "head", ArmCellConfig()).on_part


def test_contacts_before_closing_do_not_count(stick):
    log = whole()
    log.moments.insert(0, moment("approach", x_m=-0.05, forces_n=(1000.0, 1000.0)))
    assert judge(log, stick, "handle", ArmCellConfig()).on_part


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"hold": moment("hold", height_m=0.0, forces_n=(), elsewhere=True)}, "fell while the arm shook"),
        ({"hold": moment("hold", elsewhere=True)}, "touched the table while the arm shook"),
        (
            {"lift": moment("lift", height_m=0.0, forces_n=(), elsewhere=True)},
            "slipped out while lifting",
        ),
        (
            {"lift": moment("lift", height_m=0.1, elsewhere=True)},
            "in the gripper, but not off the table",
        ),
    ],
)
def test_reasons(stick, changed, reason):
    outcome = judge(whole(**changed), stick, "handle", ArmCellConfig())
    assert not outcome.held and outcome.reason == reason and outcome.on_part


def test_nothing_between_the_fingers(stick):
    empty = {name: moment(name, forces_n=(), height_m=0.0) for name in ("closed", "lift", "hold")}
    log = whole(**empty)
    assert judge(log, stick, "handle", ArmCellConfig()).reason == "closed beside it"
    log.moved_before_closing_m = 0.05
    outcome = judge(log, stick, "handle", ArmCellConfig())
    assert outcome.reason == "pushed away before closing" and not outcome.on_part


def test_a_grasp_that_was_never_tried():
    outcome = no_motion("too wide")
    assert not outcome.succeeded and outcome.reason == "too wide"
