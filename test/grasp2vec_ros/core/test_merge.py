import sqlite3

import numpy as np
import pytest

from grasp2vec_ros.__main__ import main
from grasp2vec_ros.core import merge as merge_module
from grasp2vec_ros.core.merge import MergeReport, merge, readable_records
from grasp2vec_ros.core.record import encode_record
from grasp2vec_ros.core.store import FILE_NAME, ExperienceStore, StoreError
from test.grasp2vec_ros.core.helpers import make_experience


def records(count: int, seed: int = 0, **changes: object) -> list:
    rng = np.random.default_rng(seed)
    return [encode_record(make_experience(rng, attempt=i, **changes)) for i in range(count)]


def merged(store: ExperienceStore, given: list) -> MergeReport:
    report = MergeReport()
    merge(given, store, report)
    return report


def test_what_is_there_already_is_not_stored_again(tmp_path):
    ours, theirs = records(3, 0, robot_id="a"), records(4, 1, robot_id="b")
    copy = encode_record(make_experience(np.random.default_rng(0), robot_id="a", experience_id="c" * 32))
    assert copy.content() == ours[0].content()
    with ExperienceStore(tmp_path) as store:
        assert merged(store, ours).added == 3
        report = merged(store, [ours[1], *theirs, copy, theirs[0]])
        assert (report.added, report.known, report.copies, report.conflicts) == (4, 2, 1, [])
        assert store.ids() == [record.experience_id for record in ours + theirs]
        assert merged(store, ours + theirs).added == 0


def test_same_images_of_another_robot_or_time_are_no_copy(tmp_path):
    changes = ({}, {"robot_id": "other"}, {"stamp_ns": 7})
    same = [
        encode_record(make_experience(np.random.default_rng(0), experience_id=f"{i:032x}", **change))
        for i, change in enumerate(changes)
    ]
    with ExperienceStore(tmp_path) as store:
        assert merged(store, same).added == 3


def test_an_id_with_another_content_is_named_and_what_was_there_stays(tmp_path):
    first, second = (records(1, seed, experience_id="d" * 32)[0] for seed in (0, 1))
    with ExperienceStore(tmp_path) as store:
        assert merged(store, [first, second]).conflicts == ["d" * 32]
        assert store.record("d" * 32) == first


def test_attempts_come_over_as_they_are_and_stay_on_their_side_of_the_split(tmp_path):
    with ExperienceStore(tmp_path / "a") as source, ExperienceStore(tmp_path / "b") as target:
        merged(source, records(60))
        merged(target, readable_records(source, source.ids(), []))
        assert [target.record(i) for i in target.ids()] == [source.record(i) for i in source.ids()]
        for split in ("train", "heldout"):
            assert target.ids(split=split) == source.ids(split=split) != []
        assert target.neighbours(target.ids()[5], 2, split=None) == source.ids()[3:8]


def test_a_full_disk_costs_no_attempt_and_the_merge_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(merge_module, "CHUNK_ATTEMPTS", 5)
    given = records(20)
    with ExperienceStore(tmp_path) as store:
        merged(store, given[:5])
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count={pages + 3}")  # SQLite's own way to a full disk
        with pytest.raises(StoreError, match="4 more was not stored.*full"):
            merged(store, given)
        assert len(store) % 5 == 0  # whole transactions or nothing of them
        store._connection.execute("PRAGMA max_page_count=1000000")
        report = merged(store, given)
        assert report.added + report.known == 20 == len(store)


def test_counting_goes_on_while_others_write(tmp_path):
    given = records(4) + records(2, 9, success=False)
    with ExperienceStore(tmp_path) as store, ExperienceStore(tmp_path) as other:
        assert store.counts() == (0, 0)
        for done, record in enumerate(given, 1):
            other.add_new([record])
            assert store.counts() == (done, min(done, 4)) == other.counts()


def test_a_store_of_an_earlier_version_is_counted_and_gets_its_tally(tmp_path):
    with ExperienceStore(tmp_path) as store:
        merged(store, records(3) + records(2, 9, success=False))
        for what in ("TRIGGER tally_added", "TRIGGER tally_removed", "TABLE tally"):
            store._query(f"DROP {what}")
    with ExperienceStore(tmp_path, read_only=True) as store:
        assert store.counts() == (5, 3)
    with ExperienceStore(tmp_path) as store:
        assert store.counts() == (5, 3)
        merged(store, records(1, 5))
        assert store.counts() == (6, 4)
        store._query("DELETE FROM experience WHERE number = 1")
        assert store.counts() == (5, 3)


def test_the_newest_ids(tmp_path):
    with ExperienceStore(tmp_path) as store:
        merged(store, records(40) + records(10, 9, success=False))
        for lifted, split in ((None, None), (True, "heldout"), (False, "train")):
            for newest in (1, 3, 100):
                assert store.ids(lifted, split, newest=newest) == store.ids(lifted, split)[-newest:]


def test_the_command_line(tmp_path, capsys):
    for name, seed in (("a", 0), ("b", 1)):
        with ExperienceStore(tmp_path / name) as store:
            merged(store, records(5, seed))
    connection = sqlite3.connect(tmp_path / "b" / FILE_NAME)
    connection.execute("UPDATE image SET crc32 = crc32 + 1 WHERE experience = 2 AND role = 'post'")
    connection.commit()
    connection.close()
    assert (
        main(
            ["export", "--store", str(tmp_path / "a"), "--format", "shards", "--output", str(tmp_path / "s")]
        )
        == 0
    )
    sources = [str(tmp_path / name) for name in ("a", "b", "s")]
    assert main(["merge", "--store", str(tmp_path / "all"), "--from", *sources]) == 0
    told = capsys.readouterr()
    assert "9 added, 5 known already" in told.out and "1 damaged" in told.out and "has 9 attempts" in told.out
    assert "post image is damaged" in told.err
    assert main(["merge", "--store", str(tmp_path / "a"), "--from", str(tmp_path / "a")]) == 2
    assert "is the store to merge into" in capsys.readouterr().err
