"""A round of benchmarks: in processes, with load, resumption and reasons."""

import json
import sys
import types
from pathlib import Path

import pytest

from benchmarks.registry import BENCHMARKS, Benchmark, chosen
from benchmarks.rounds import Unfinished, run_one
from test.rig import eventually

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
import argparse, json
parser = argparse.ArgumentParser()
parser.add_argument("--value", default="1")
parser.add_argument("--output")
o = parser.parse_args()
json.dump({"command": "x", "rows": [{"value": o.value}]}, open(o.output, "w"))
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module of the package `benchmarks` that only these tests' processes find."""
    package = tmp_path / "source" / "benchmarks"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> Benchmark:
        (package / "small.py").write_text(text)
        return Benchmark("small", "a small one", 1.0, ("--value", "2"), ("--value", "3"))

    return write


def test_a_result_says_how_busy_the_machine_was(module, tmp_path) -> None:
    outcome = run_one(module(GOOD), tmp_path / "out", smallest=False, on_wait=lambda: None)
    assert outcome.problem == ""
    content = json.loads((tmp_path / "out/small.json").read_text())
    assert content["rows"] == [{"value": "2"}]
    assert set(content["load_average"]) == {"before", "after"} and content["cores"] >= 1
    run_one(module(GOOD), tmp_path / "out", smallest=True, on_wait=lambda: None)
    assert json.loads((tmp_path / "out/small.json").read_text())["rows"] == [{"value": "3"}]


def test_a_failure_shows_the_end_of_its_log(module, tmp_path) -> None:
    outcome = run_one(module("raise SystemExit('the disk is full')"), tmp_path, False, lambda: None)
    assert "code 1" in outcome.problem and "the disk is full" in outcome.problem and not outcome.skipped


def test_one_that_hangs_is_ended_with_all_that_it_started(module, tmp_path) -> None:
    text = (
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    outcome = run_one(module(text), tmp_path, False, lambda: None, longest_s=5.0)
    assert "did not end within 5 s" in outcome.problem
    if (tmp_path / "pid").exists():  # a very busy machine may not have come so far
        state = Path(f"/proc/{(tmp_path / 'pid').read_text()}/stat")
        eventually(lambda: _is_over(state))


def _is_over(state: Path) -> bool:
    try:
        return state.read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_what_is_needed_and_missing_is_said_and_no_failure(tmp_path) -> None:
    needs = Benchmark("small", "a small one", 1.0, needs=(tmp_path / "grasps", "make grasps"))
    outcome = run_one(needs, tmp_path, False, lambda: None)
    assert outcome.skipped and "grasps is not there; make it with `make grasps`" in outcome.problem


def test_an_interrupted_round_goes_on_and_a_finished_one_does_not(tmp_path) -> None:
    file = tmp_path / "unfinished.json"
    first = Unfinished(file, "")
    first.note("ik")
    first.note("jaw")
    assert Unfinished(file, "").done == ["ik", "jaw"]
    assert Unfinished(file, "smallest").done == []
    first.end()
    assert Unfinished(file, "").done == [] and not file.exists()


@pytest.mark.parametrize("text", ["", "{", '{"round": 1}', "[]", '{"round": {}, "done": ["ik"]}'])
def test_what_cannot_be_used_of_an_interrupted_round_is_measured_again(tmp_path, text) -> None:
    file = tmp_path / "unfinished.json"
    file.write_text(text)
    assert Unfinished(file, "").done == []


def test_another_commit_is_another_round(tmp_path, monkeypatch) -> None:
    file = tmp_path / "unfinished.json"
    Unfinished(file, "").note("ik")
    monkeypatch.setattr("benchmarks.rounds.commit", lambda: "another")
    assert Unfinished(file, "").done == []


def test_names_choose_and_wrong_ones_are_refused() -> None:
    assert [b.name for b in chosen(["jaw", "store"])] == ["store", "jaw"]
    assert chosen([]) == list(BENCHMARKS)
    with pytest.raises(ValueError, match="'stor' is unknown; use some of conversions"):
        chosen(["stor"])


def test_every_benchmark_is_a_module_of_its_own() -> None:
    names = [benchmark.name for benchmark in BENCHMARKS]
    assert len(set(names)) == len(names)
    for name in names:
        assert (ROOT / "benchmarks" / f"{name}.py").is_file()
    assert sum(benchmark.seconds for benchmark in BENCHMARKS) < 600


def test_the_whole_command_goes_on_after_a_failure_and_then_measures_only_that(
    tmp_path, monkeypatch, capsys
) -> None:
    from benchmarks import __main__ as command

    ran, broken = [], {"store"}

    def fake(benchmark, folder, smallest, on_wait):
        ran.append(benchmark.name)
        if benchmark.name in broken:
            return types.SimpleNamespace(name=benchmark.name, problem="broken", skipped=False)
        row = {
            "metric": "x_ratio",
            "split": "s",
            "method": "ours_to_y",
            "value": 1.0,
            "n": 1,
            "low": 1.0,
            "high": 1.0,
        }
        folder.mkdir(exist_ok=True)
        (folder / f"{benchmark.name}.json").write_text(json.dumps({"rows": [row]}))
        return types.SimpleNamespace(name=benchmark.name, problem="", skipped=False)

    monkeypatch.setattr(command, "run_one", fake)
    monkeypatch.setattr(
        sys, "argv", ["benchmarks", "--only", "conversions", "store", "ik", "--output", str(tmp_path)]
    )
    with pytest.raises(SystemExit, match="failed: store"):
        command.main()
    assert ran == ["conversions", "store", "ik"]
    broken.clear()
    ran.clear()
    command.main()
    assert ran == ["store"]
    ran.clear()
    command.main()
    assert ran == ["conversions", "store", "ik"]
