"""The harness itself: it must see what it is there to see."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from semantic_grasping.srv import SetGoal
from sensor_msgs.msg import Image

from endurance.damage import CHECKPOINT_DAMAGES, copy_store, damage_checkpoint, damage_store
from endurance.disk import set_writable
from endurance.fuzz import Fuzzer
from endurance.ledger import Ledger
from endurance.page import BEGIN, publish
from endurance.processes import CONTEXT, Processes, be_ordinary
from endurance.samples import Sampler, fit, fits, sample
from grasp2vec_ros.core.store import FILE_NAME, ExperienceStore
from test.grasp2vec_ros.core.helpers import make_experience


@pytest.mark.parametrize(("rise", "flat"), [(0.0, True), (15.0, True), (40.0, False), (-40.0, True)])
def test_a_line_that_rises_is_seen_through_peaks(rise, flat):
    at_s = np.arange(0.0, 300.0)
    memory = 200 + np.where(at_s < 100, at_s, 100 + rise * (at_s - 100) / 200)
    memory[::17] += 80
    line = fit("trainer", "memory_mb", at_s, memory)
    assert line.judged and line.flat == flat and line.rise == pytest.approx(rise, abs=2.0)


def test_short_lines_are_not_judged():
    assert not fit("trainer", "threads", np.arange(0.0, 60.0), np.ones(60)).judged
    assert fit("trainer", "threads", np.arange(3.0), np.ones(3)) is None


def test_samples_can_be_looked_at_while_they_are_taken():
    sampler = Sampler(lambda: {"test": os.getpid()}, time.monotonic(), 0.001)
    sampler.start()
    until_s = time.monotonic() + 1.0
    while time.monotonic() < until_s:
        fits(sampler.series(), ["test"])
        for one in sampler.series().values():
            assert len(one.at_s) == len(one.memory_mb) == len(one.threads) == len(one.handles)
    sampler.stop()
    (series,) = sampler.series().values()
    assert min(series.memory_mb) > 10 and min(series.threads) >= 2 and min(series.handles) > 3


def test_what_was_acknowledged_and_is_not_there_is_lost(tmp_path):
    ledger, rng = Ledger(), np.random.default_rng(0)
    with ExperienceStore(tmp_path) as store:
        ledger.note(tmp_path, store.add(make_experience(rng)))
    assert ledger.count(tmp_path) == 1 and ledger.lost(tmp_path) == []
    ledger.note(tmp_path, "f" * 32)
    assert len(ledger.lost(tmp_path)) == 1
    (tmp_path / FILE_NAME).unlink()
    assert len(ledger.lost(tmp_path)) == 2


def test_messages_are_malformed_in_many_ways_and_the_same_for_a_seed():
    def made(seed: int) -> list[str]:
        fuzzer = Fuzzer(seed, ["wanted"])
        return [str(fuzzer.make(kind)) for _ in range(20) for kind in (Image, SetGoal.Request)]

    assert made(1) == made(1) != made(2)
    assert len(set(made(1))) > 30 and any("wanted" in text for text in made(1))


@pytest.mark.parametrize("how", CHECKPOINT_DAMAGES)
def test_damage_changes_a_file(tmp_path, how):
    header = b'{"x":{"dtype":"U8","shape":[64],"data_offsets":[0,64]}}'
    good = len(header).to_bytes(8, "little") + header + bytes(range(64))
    file = tmp_path / "x"
    file.write_bytes(good)
    damage_checkpoint(file, how, np.random.default_rng(0))
    assert file.read_bytes() != good


@pytest.mark.parametrize("how", ["truncated", "flipped"])
def test_a_store_is_copied_whole_and_the_copy_is_damaged(tmp_path, how):
    with ExperienceStore(tmp_path / "store") as store:
        kept = store.add(make_experience(np.random.default_rng(0)))
        copy_store(tmp_path / "store", tmp_path / "copy")
        with ExperienceStore(tmp_path / "copy", read_only=True) as copy:
            assert copy.get(kept).experience_id == kept
        before = (tmp_path / "copy" / FILE_NAME).read_bytes()
        damage_store(tmp_path / "copy", how, np.random.default_rng(0))
        assert (tmp_path / "copy" / FILE_NAME).read_bytes() != before
        assert store.get(kept).experience_id == kept


def _try_to_write(folder):
    be_ordinary()
    try:
        (folder / "new").write_text("x")
    except PermissionError:
        raise SystemExit(7) from None


def test_read_only_folders_are_read_only_for_processes_of_root_too(tmp_path):
    set_writable(tmp_path, False)
    process = CONTEXT.Process(target=_try_to_write, args=(tmp_path,))
    process.start()
    process.join()
    set_writable(tmp_path, True)
    assert process.exitcode == 7 and not (tmp_path / "new").exists()


def test_a_node_that_ends_by_itself_is_counted_and_a_killed_one_is_not(tmp_path):
    processes = Processes(tmp_path)
    processes.start("capture", {"frame_timeout_s": 1e9})  # refused: the process ends with 1
    processes._running["capture"].process.join(60.0)
    assert processes.pid("capture") is None and processes.check() == ["capture"]
    assert [(death.node, death.code) for death in processes.deaths] == [("capture", 1)]
    processes.kill("capture")
    assert processes.check() == [] and processes.kills == {"capture": 1}


def test_nodes_end_with_the_harness_even_when_it_is_killed(tmp_path):
    program = (
        "import os, pathlib, time; from endurance.processes import Processes\n"
        f"p = Processes(pathlib.Path({str(tmp_path)!r})); p.start('capture', {{'store': {str(tmp_path / 'store')!r}}})\n"
        "print(p.pid('capture'), flush=True); time.sleep(600)"
    )
    harness = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    pid = int(harness.stdout.readline())
    log = tmp_path / "capture.log"
    until_s = time.monotonic() + 60.0
    while not log.exists() and time.monotonic() < until_s:
        time.sleep(0.05)
    harness.kill()
    harness.wait()
    while sample(pid) is not None and time.monotonic() < until_s:
        time.sleep(0.05)
    assert sample(pid) is None


def test_the_page_keeps_its_text_and_gets_the_tables(tmp_path):
    page, picture, result = tmp_path / "soak.md", tmp_path / "s.png", tmp_path / "soak.json"
    page.write_text(f"# By hand\n\n{BEGIN}\nold\n")
    picture.write_bytes(b"png")
    names = ["acknowledged_experiences_lost", "corrupt_checkpoints_loaded", "nodes_that_died",
             "unanswered_requests", "faults_not_recovered_from", "rising_lines", "requests"]  # fmt: skip
    content = {
        "command": "python -m endurance", "commit": "abc", "seed": 0, "seconds": 1.0, "cores": 2,
        "load_average": {"before": 0.0, "after": 1.0}, "full_disk": "a disk", "wrong": {"deaths": ["why"]},
        "rows": [{"metric": name, "value": float(name == "nodes_that_died")} for name in names],
        "faults": [{"name": "kill", "at_s": 1.0, "seconds": 2.5}], "series": [1],
        "lines": [{"node": "trainer", "metric": "memory_mb", "window_s": 200.0, "middle": 300.0, "rise": 1.0,
                   "limit": 16.0, "judged": True, "flat": True}],
    }  # fmt: skip
    result.write_text(json.dumps(content))
    publish(result, picture, page)
    text = page.read_text()
    assert text.startswith("# By hand") and "old" not in text and "| nodes that died | **1** |" in text
    assert "| kill | 1 | 2.5 s |" in text and "flat |" in text and "- deaths: why" in text
    assert "series" not in json.loads((tmp_path / "results/soak.json").read_text())
