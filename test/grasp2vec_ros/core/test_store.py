import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grasp2vec_ros.core.store import (
    FILE_NAME,
    ExperienceStore,
    ExperienceUnreadableError,
    StoreError,
    StoreSchemaError,
    UnknownExperienceError,
)
from test.grasp2vec_ros.core.helpers import make_experience


def test_what_is_stored_comes_back_bit_by_bit(tmp_path):
    rng = np.random.default_rng(0)
    experience = make_experience(
        rng,
        grasp_position_m=(0.1, 0.2, 0.3),
        grasp_orientation_xyzw=(0.0, 0.0, 0.0, 1.0),
        base_frame="base",
        commanded_goal="g",
    )
    with ExperienceStore(tmp_path) as store:
        read = store.get(store.add(experience))
    for name in ("pre", "post"):
        assert np.array_equal(getattr(read, name), getattr(experience, name))
    assert np.array_equal(read.held[0], experience.held[0])
    for name in (
        "robot_id",
        "episode",
        "attempt",
        "stamp_ns",
        "success",
        "grasp_position_m",
        "base_frame",
        "commanded_goal",
    ):
        assert getattr(read, name) == getattr(experience, name)
    assert np.isnan(read.gripper_opening_m)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    views=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_size_of_image_comes_back(tmp_path, height, width, views, seed):
    rng = np.random.default_rng(seed)
    scene = rng.integers(0, 256, (2, height, width, 3), np.uint8)
    held = [rng.integers(0, 256, (width, height, 3), np.uint8) for _ in range(views)]
    experience = make_experience(
        rng,
        pre=scene[0],
        post=scene[1],
        held=held,
        held_angles_rad=[0.1] * views,
        success=views > 0,
        experience_id="",
    )
    with ExperienceStore(tmp_path) as store:
        read = store.get(store.add(experience))
    assert np.array_equal(read.pre, scene[0]) and np.array_equal(read.post, scene[1])
    assert all(np.array_equal(a, b) for a, b in zip(read.held, held, strict=True))


def test_failures_are_kept_and_told_apart(tmp_path):
    rng = np.random.default_rng(0)
    with ExperienceStore(tmp_path) as store:
        lifted = store.add(make_experience(rng))
        failed = store.add(make_experience(rng, success=False))
        assert store.counts() == (2, 1)
        assert store.ids(lifted=True) == [lifted] and store.ids(lifted=False) == [failed]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"robot_id": ""}, "robot_id"),
        ({"episode": ""}, "episode"),
        ({"post": np.zeros((10, 10, 3), np.uint8)}, "post"),
        ({"pre": np.zeros((48, 64), np.uint8)}, "pre"),
        ({"pre": np.zeros((48, 64, 3), np.float32)}, "pre"),
        ({"held": []}, "held"),
        ({"held_angles_rad": [0.0, 1.0]}, "held_angles_rad"),
    ],
)
def test_what_is_no_attempt_is_refused_by_name(tmp_path, changes, field):
    with ExperienceStore(tmp_path) as store:
        with pytest.raises(ValueError, match=field):
            store.add(make_experience(np.random.default_rng(0), **changes))
        assert len(store) == 0


def test_an_id_is_stored_once(tmp_path):
    experience = make_experience(np.random.default_rng(0))
    with ExperienceStore(tmp_path) as store:
        store.add(experience)
        with pytest.raises(StoreError, match=experience.experience_id):
            store.add(experience)
        assert len(store) == 1


def test_unknown_id_is_named(tmp_path):
    with ExperienceStore(tmp_path) as store, pytest.raises(UnknownExperienceError, match="nonsense"):
        store.get("nonsense")


def test_a_newer_schema_is_refused_and_left_alone(tmp_path):
    ExperienceStore(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version=99")
    connection.commit()
    connection.close()
    with pytest.raises(StoreSchemaError, match="schema 99"):
        ExperienceStore(tmp_path)


def test_a_file_that_is_no_store_is_refused(tmp_path):
    (tmp_path / FILE_NAME).write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(StoreError, match=FILE_NAME):
        ExperienceStore(tmp_path)


def test_reading_a_store_that_is_not_there_says_so(tmp_path):
    with pytest.raises(StoreError, match="does not exist"):
        ExperienceStore(tmp_path / "none", read_only=True)
    assert not (tmp_path / "none").exists()


def test_a_damaged_image_costs_its_attempt_only(tmp_path):
    rng = np.random.default_rng(0)
    with ExperienceStore(tmp_path) as store:
        first, second = store.add(make_experience(rng)), store.add(make_experience(rng))
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    png = bytearray(
        connection.execute("SELECT png FROM image WHERE experience = 1 AND role = 'pre'").fetchone()[0]
    )
    png[len(png) // 2] ^= 0xFF
    assert zlib.crc32(bytes(png)) >= 0
    connection.execute("UPDATE image SET png = ? WHERE experience = 1 AND role = 'pre'", (bytes(png),))
    connection.commit()
    connection.close()
    with ExperienceStore(tmp_path) as store:
        with pytest.raises(ExperienceUnreadableError, match=first):
            store.get(first)
        assert store.get(second).experience_id == second


def test_a_full_disk_loses_nothing_that_was_there(tmp_path):
    rng = np.random.default_rng(0)
    with ExperienceStore(tmp_path) as store:
        kept = store.add(make_experience(rng))
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count={pages}")  # SQLite's own way to a full disk
        noise = rng.integers(0, 256, (2, 200, 200, 3), np.uint8)
        with pytest.raises(StoreError, match="full"):
            store.add(make_experience(rng, pre=noise[0], post=noise[1]))
        store._connection.execute("PRAGMA max_page_count=1000000")
        assert store.ids() == [kept]
        store.add(make_experience(rng))
        assert len(store) == 2


def _write_many(folder: str, seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    with ExperienceStore(folder) as store:
        for _ in range(count):
            store.add(make_experience(rng))


def test_several_writers_and_a_reader_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(str(tmp_path), seed, 15)) for seed in range(3)]
    for writer in writers:
        writer.start()
    with ExperienceStore(tmp_path) as reader:
        while any(writer.is_alive() for writer in writers):
            for experience_id in reader.ids()[-3:]:
                assert reader.get(experience_id).pre.shape == (48, 64, 3)
            time.sleep(0.02)
        assert [writer.exitcode for writer in writers] == [0, 0, 0]
        assert len(reader) == 45 == len(set(reader.ids()))


_WRITER = """
import sys
import numpy as np
from grasp2vec_ros.core.store import ExperienceStore
from test.grasp2vec_ros.core.helpers import make_experience
rng = np.random.default_rng(int(sys.argv[2]))
with ExperienceStore(sys.argv[1]) as store:
    while True:
        print(store.add(make_experience(rng)), flush=True)
"""


def test_killed_at_any_moment_no_acknowledged_attempt_is_lost(tmp_path):
    rng, acknowledged = np.random.default_rng(0), []
    root = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{os.environ.get('PYTHONPATH', '')}"}
    for round_ in range(4):
        command = [sys.executable, "-c", _WRITER, str(tmp_path), str(round_)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        acknowledged.append(writer.stdout.readline().strip())
        time.sleep(float(rng.uniform(0.01, 0.3)))
        writer.send_signal(signal.SIGKILL)
        acknowledged += [line for line in writer.stdout.read().split("\n") if len(line) == 32]
        writer.wait()
    with ExperienceStore(tmp_path) as store:
        assert set(acknowledged) <= set(store.ids())
        for experience_id in store.ids():  # and none is half there
            assert store.get(experience_id).held
    assert len(acknowledged) >= 4


def test_sampling_is_even_and_keeps_heldout_apart(tmp_path):
    rng = np.random.default_rng(0)
    with ExperienceStore(tmp_path) as store:
        for _ in range(120):
            store.add(make_experience(rng))
        heldout, train = set(store.ids(split="heldout")), set(store.ids(split="train"))
        assert heldout and not heldout & train and len(heldout | train) == 120
        drawn = store.sample(3000, rng, split="train")
        assert set(drawn) <= train and len(set(drawn)) > 0.8 * len(train)
        assert set(store.sample(50, rng, split="heldout")) <= heldout
        assert store.sample(5, rng, lifted=False) == []


def test_neighbours_are_of_the_same_episode(tmp_path):
    rng = np.random.default_rng(0)
    with ExperienceStore(tmp_path) as store:
        ids = [store.add(make_experience(rng, episode=f"e{i // 4}", attempt=i)) for i in range(12)]
        failed = store.add(make_experience(rng, success=False, episode="e2", attempt=12))
        assert store.neighbours(ids[5], 10, split=None) == ids[4:8]
        assert store.neighbours(ids[5], 1, split=None) == ids[4:7]
        assert failed not in store.neighbours(ids[11], 3, split=None)
        assert failed in store.neighbours(ids[11], 3, lifted=None, split=None)
        assert store.neighbours("0" * 32, 3) == []


def test_what_follows_an_attempt(tmp_path):
    rng = np.random.default_rng(0)
    with ExperienceStore(tmp_path) as store:
        assert store.following(None, 5) == []
        ids = [store.add(make_experience(rng)) for _ in range(12)]
        failed = store.add(make_experience(rng, success=False))
        assert store.following(None, 3, split=None) == ids[:3]
        assert store.following("0" * 32, 3, split=None) == ids[:3]  # of another store
        assert store.following(ids[3], 2, split=None) == ids[4:6]
        assert store.following(ids[9], 9, split=None) == ids[10:]
        assert store.following(ids[9], 9, lifted=None, split=None) == [*ids[10:], failed]
        assert store.following(ids[11], 9, split=None) == []
        assert store.following(None, 99, split="train") == store.ids(lifted=True, split="train")


def test_a_store_that_was_read_only_for_a_while_is_written_again(tmp_path):
    rng = np.random.default_rng(0)
    with ExperienceStore(tmp_path) as store:
        store.add(make_experience(rng))
        # As SQLite is when it opened a file that could not be written then.
        store._connection.execute("PRAGMA query_only=ON")
        store.add(make_experience(rng))
        assert len(store) == 2
    with pytest.raises(StoreError, match="closed"):
        store.add(make_experience(rng))


READ_ALL = """
import sys
from grasp2vec_ros.core.store import ExperienceStore
with ExperienceStore(sys.argv[1], page_cache_mb=int(sys.argv[2])) as store:
    for i in store.ids():
        store.record(i)
    print(int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20)
"""


def test_pages_of_a_large_store_take_no_more_memory_than_allowed(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (2, 200, 200, 3), np.uint8)  # as large in PNG as in memory
    with ExperienceStore(tmp_path, page_cache_mb=1) as store:
        for _ in range(150):
            store.add(make_experience(rng, pre=noise[0], post=noise[1], experience_id=""))

    def resident_mb(page_cache_mb: int) -> float:
        command = [sys.executable, "-c", READ_ALL, str(tmp_path), str(page_cache_mb)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert (tmp_path / FILE_NAME).stat().st_size > 32 * 2**20
    assert 15 < resident_mb(24) - resident_mb(2) < 30
