"""Trials of robots: one object of the data, one grasp that is written down here, real physics."""

import json

import numpy as np
import pytest

from examination.robot.__main__ import main
from examination.robot.methods import GeneratedHands, TopDown
from examination.robot.scenes import look, make_trials, set_up
from examination.robot.trials import add_rows, run_trials, short
from examination.semgrasp.kept import Kept
from grasp2vec_ros.core.results import Results
from grasp_cell.arm_cell import ArmCell
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.retarget.robots import load_robot

THINGS = ("screwdriver", "banana", "ball")


@pytest.fixture(scope="module")
def grasps(tmp_path_factory):
    """Grasps of three held-out objects: a hand above their middle."""
    folder = tmp_path_factory.mktemp("grasps")
    wrist = np.eye(4, dtype=np.float32)
    wrist[:3, 3] = 0, 0, 0.1
    for family in THINGS:
        part = "handle" if family == "screwdriver" else "body"
        grasp = Grasp(
            family, 0, wrist, np.zeros((15, 3), np.float32), np.zeros(10, np.float32), part, "tripod", "use",
            (part, part, part, "", "", ""),
        )  # fmt: skip
        GraspFolder(folder).write(family, 0, [grasp])
    return folder


@pytest.fixture(scope="module")
def cell():
    made = ArmCell(load_robot("panda"))
    yield made
    made.close()


def test_trials_are_the_same_every_time(grasps):
    first, again = (make_trials(grasps, 3, 2, 5) for _ in range(2))
    assert [t.turns for t in first] == [t.turns for t in again]
    assert [[o.family for o in t.others] for t in first] == [[o.family for o in t.others] for t in again]
    for trial in first:
        assert trial.thing.family not in {other.family for other in trial.others}
        assert trial.asked in {part.name for part in trial.thing.parts}


def test_too_few_neighbours_are_named(grasps):
    with pytest.raises(ValueError, match="--clutter: 4 others are wanted, 2 small objects are there"):
        make_trials(grasps, 3, 4, 0)


def test_hand_stands_on_the_object_as_it_lies(grasps, cell):
    trial = make_trials(grasps, 1, 0, 0)[0]
    set_up(cell, trial)
    seen = look(cell)
    (hand,) = GeneratedHands(grasps).hands(trial, seen, trial.asked, keep=3)
    meant = seen.true_pose @ [0, 0, 0.1, 1]
    np.testing.assert_allclose(hand.keypoints[0], meant[:3], atol=0.02)
    assert GeneratedHands(grasps).hands(trial, seen, "no such part", keep=3) == []


def test_one_view_gives_points_on_the_object_and_the_table(grasps, cell):
    for trial in make_trials(grasps, 3, 2, 1)[:2]:
        set_up(cell, trial)
        scene = look(cell).scene
        assert scene.table_z_m == pytest.approx(0, abs=2e-3)
        pose = cell.true_pose()
        local = (scene.points - pose[:3, 3]) @ pose[:3, :3]
        low, high = trial.thing.mesh.bounds
        assert ((local > low - 0.01) & (local < high + 0.01)).all()
        facing = np.einsum("nc,nc->n", scene.normals, scene.eye - scene.points)
        assert (facing > 0).mean() > 0.99


def test_top_down_trial_is_kept_and_counted(grasps, cell, tmp_path):
    trials = make_trials(grasps, 3, 0, 0)[:1]
    kept, method = Kept(tmp_path / "kept.jsonl"), TopDown(cell.robot)
    run_trials(cell, trials, [method], kept, tmp_path / "pictures")
    run_trials(cell, trials, [method], Kept(tmp_path / "kept.jsonl"))
    (line,) = (tmp_path / "kept.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert entry["held"], entry["reason"]
    assert len(list((tmp_path / "pictures").glob("*.jpg"))) == 1
    results = Results("test", 0)
    reasons = add_rows(trials, ["top_down"], kept, "panda_alone", results)
    rows = {row["metric"]: row["value"] for row in results.rows}
    assert rows["lift"] == 1 and rows["lift_before_shaking"] == 1
    assert rows["part"] == rows["lift_and_part"] == float(entry["on_part"])
    assert sum(reasons["top_down"].values()) == (0 if entry["on_part"] else 1)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (
            "none of 9 poses is feasible: 1 too wide (narrowest 2 mm); of the others 7 collide with the table, 1 x",
            "no feasible pose, most collide with the table",
        ),
        ("too wide: the narrowest of 5 poses closes on 90 mm, the gripper opens 80 mm", "too wide"),
        ("collision: panda_hand with table, at the grasp", "collision: panda_hand with table, at the grasp"),
        ("unreachable: the straight lift ends after 35 mm", "unreachable: the straight lift ends"),
    ],
)
def test_reasons_are_counted_without_numbers(reason, expected):
    assert short(reason) == expected


def test_errors_end_in_one_line(tmp_path, capsys):
    assert main(["--hands", "generated", "--grasps", str(tmp_path), "--output", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
