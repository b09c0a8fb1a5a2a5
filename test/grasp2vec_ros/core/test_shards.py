import dataclasses
import importlib.util
import json
import tarfile
import uuid
from pathlib import Path

import cv2
import numpy as np
import pytest

from grasp2vec_ros.__main__ import main
from grasp2vec_ros.core import shard_export
from grasp2vec_ros.core.merge import MergeReport, merge
from grasp2vec_ros.core.record import ExperienceUnreadableError, encode_record, is_heldout
from grasp2vec_ros.core.shard_export import export_shards
from grasp2vec_ros.core.shard_format import ShardError, read_record
from grasp2vec_ros.core.shard_place import ShardPlace
from grasp2vec_ros.core.shards import Shards
from grasp2vec_ros.core.store import ExperienceStore
from test.grasp2vec_ros.core.helpers import make_experience

SMALL_MB = 0.02


def fill(folder: Path, count: int = 30, seed: int = 0, **changes: object) -> ExperienceStore:
    rng, store = np.random.default_rng(seed), ExperienceStore(folder)
    merge(
        (
            encode_record(make_experience(rng, success=i % 5 > 0, episode=f"e{i // 6}", attempt=i, **changes))
            for i in range(count)
        ),
        store,
        MergeReport(),
    )
    return store


@pytest.fixture
def exported(tmp_path) -> Path:
    with fill(tmp_path / "store") as store:
        export_shards(store, tmp_path / "shards", SMALL_MB)
    return tmp_path / "shards"


def by_id(records) -> dict:
    return {record.experience_id: record for record in records}


@pytest.mark.parametrize("kind", ["local", "memory", "brackets"])
def test_what_is_exported_comes_back(tmp_path, kind):
    url = {
        "local": tmp_path / "s",
        "memory": f"memory://{uuid.uuid4().hex}/s",
        "brackets": tmp_path / "[s]*",
    }[kind]
    with fill(tmp_path / "store") as store:
        report = export_shards(store, url, SMALL_MB)
        assert (report.added, report.known, report.damaged) == (30, 0, []) and report.shards > 3
        kept = by_id(store.record(i) for i in store.ids())
    with Shards([url]) as shards:
        damaged = []
        assert by_id(shards.records(damaged)) == kept and damaged == []
        assert shards.lifted.sum() == 24 and shards.heldout.sum() == sum(map(is_heldout, kept))
        assert list(shards.problems()) == [None] * report.shards


def test_shards_are_plain_tar_files(exported):
    with tarfile.open(exported / "shard-000000.tar") as tar:
        names = tar.getnames()
        pictures = [name for name in names if name.endswith(".pre.png")]
        content = tar.extractfile(pictures[0]).read()
        facts = json.load(tar.extractfile(pictures[0].replace("pre.png", "json")))
    assert cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)
    assert facts["robot_id"] == "r1" and facts["experience_id"] == pictures[0].split(".")[0]
    # Members of an attempt follow each other.
    keys = [name.split(".")[0] for name in names]
    assert len(set(keys)) == 1 + sum(a != b for a, b in zip(keys, keys[1:], strict=False))


def test_the_same_export_gives_the_same_bytes(tmp_path, exported):
    with ExperienceStore(tmp_path / "store") as store:
        export_shards(store, tmp_path / "again", SMALL_MB)
    files = sorted(path.name for path in exported.iterdir())
    assert files == sorted(path.name for path in (tmp_path / "again").iterdir())
    assert all((exported / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in files)


def test_any_id_is_a_file_name(tmp_path):
    with ExperienceStore(tmp_path / "store") as store:
        odd = store.add(make_experience(np.random.default_rng(0), experience_id="../a.b/ü"))
        export_shards(store, tmp_path / "s")
    with Shards([tmp_path / "s"]) as shards:
        assert shards.record(0).experience_id == odd
    with tarfile.open(tmp_path / "s/shard-000000.tar") as tar:
        assert not any("/" in name for name in tar.getnames())


def test_exporting_again_adds_what_is_new(tmp_path, exported):
    before = {path.name: path.read_bytes() for path in exported.glob("shard-*")}
    with fill(tmp_path / "store", 10, seed=1) as store:
        report = export_shards(store, exported, SMALL_MB)
    assert (report.added, report.known) == (10, 30)
    assert all((exported / name).read_bytes() == content for name, content in before.items())
    with Shards([exported]) as shards:
        assert len(shards) == 40 and shards.duplicates == 0


def test_an_interrupted_export_goes_on(tmp_path, monkeypatch):
    real, calls = shard_export._publish, []

    def interrupted(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 3:  # the third shard's tar is there, its table is not
            raise KeyboardInterrupt
        real(*arguments)

    with fill(tmp_path / "store") as store:
        monkeypatch.setattr(shard_export, "_publish", interrupted)
        with pytest.raises(KeyboardInterrupt):
            export_shards(store, tmp_path / "s", SMALL_MB)
        monkeypatch.undo()
        with pytest.raises(ShardError, match=r"no index\.json.*export finished"):
            Shards([tmp_path / "s"])
        report = export_shards(store, tmp_path / "s", SMALL_MB)
        assert report.known > 0 and report.added + report.known == 30
        with Shards([tmp_path / "s"]) as shards:
            assert set(by_id(shards.records([]))) == set(store.ids()) and shards.duplicates == 0
    assert not [path for path in (tmp_path / "s").iterdir() if path.name.startswith(".")]


def test_truncated_and_missing_shards_are_named_at_once(exported):
    first, second = exported / "shard-000000.tar", exported / "shard-000001.tar"
    first.write_bytes(first.read_bytes()[:-1000])
    second.unlink()
    with pytest.raises(ShardError, match=r"shard-000000\.tar is truncated") as caught:
        Shards([exported])
    assert "shard-000001.tar is missing" in str(caught.value)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_a_flipped_bit_is_found_before_the_shard_is_used(exported, capsys):
    flip(exported / "shard-000001.tar")
    with Shards([exported]) as shards:
        problems = list(shards.problems())
        assert "shard-000001.tar is damaged" in problems[1] and problems[0] is None
        row = int(np.flatnonzero(shards.shard == 1)[0])
        with pytest.raises(ShardError, match="shard-000001.tar is damaged"):
            shards.record(row)
    assert main(["inspect", "--shards", str(exported)]) == 2
    assert "shard-000001.tar is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["shard-000001.json", "index.json"])
def test_a_damaged_table_or_index_is_named(exported, name):
    file = exported / name
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ShardError, match=name):
        Shards([exported])


def test_a_newer_format_is_refused(exported):
    index = exported / "index.json"
    index.write_text(index.read_text().replace("grasp-shards-1", "grasp-shards-2"))
    with pytest.raises(ShardError, match="grasp-shards-2"):
        Shards([exported])


def test_a_truncated_copy_is_not_used(tmp_path):
    url = f"memory://{uuid.uuid4().hex}"
    with fill(tmp_path / "store") as store:
        export_shards(store, url, SMALL_MB)
    with Shards([url], cache_folder=tmp_path / "cache") as shards:
        kept = by_id(shards.records([]))
    copies = list((tmp_path / "cache").iterdir())
    assert copies
    copies[0].write_bytes(b"cut")
    with Shards([url], cache_folder=tmp_path / "cache") as shards:
        with pytest.raises(ShardError, match="truncated"):
            list(shards.records([]))
        assert by_id(shards.records([])) == kept  # it has been fetched anew


def test_copies_make_room(tmp_path):
    url = f"memory://{uuid.uuid4().hex}"
    with fill(tmp_path / "store") as store:
        count = export_shards(store, url, SMALL_MB).shards
    with Shards([url], cache_mb=0.07, cache_folder=tmp_path / "cache") as shards:
        assert len(list(shards.records([]))) == 30
        kept = [path.stat().st_size for path in (tmp_path / "cache").iterdir()]
        assert 2 <= len(kept) < count and sum(kept) <= 0.07 * 2**20


def test_an_attempt_in_two_places_is_taken_once(tmp_path, exported):
    with fill(tmp_path / "other", 5, seed=3) as store, ExperienceStore(tmp_path / "store") as first:
        store.add_new([first.record(first.ids()[0])])
        copied = first.record(first.ids()[1])
        merged = dataclasses.replace(copied, robot_id="r2", experience_id="f" * 32)
        store.add_new([merged, dataclasses.replace(copied, experience_id="e" * 32)])
        export_shards(store, tmp_path / "other-shards", SMALL_MB)
    with Shards([exported, tmp_path / "other-shards"]) as shards:
        # Of another robot it is no copy; the one under another id is, and so is the one under its own.
        assert len(shards) == 30 + 6 and shards.duplicates == 2


def test_damaged_attempts_of_the_store_are_left_out_and_named(tmp_path):
    with fill(tmp_path / "store", 10) as store:
        store._query("UPDATE image SET crc32 = crc32 + 1 WHERE experience = 4 AND role = 'pre'")
        report = export_shards(store, tmp_path / "s")
        assert report.added == 9 and store.ids()[3] in report.damaged[0]


def test_a_record_that_is_none_is_refused(exported):
    with Shards([exported]) as shards:
        part = (exported / "shard-000000.tar").read_bytes()[: int(shards._size[0])]
    assert read_record(part, "here").robot_id == "r1"
    for old, new in (
        (b'"robot_id": "r1"', b'"robot_id": 1234'),
        (b'"role": "pre"', b'"role": "prf"'),
        (b".pre.png", b".prf.png"),
    ):
        with pytest.raises(ExperienceUnreadableError, match="here"):
            read_record(part.replace(old, new), "here")
    with pytest.raises(ExperienceUnreadableError, match="here"):
        read_record(part[:700], "here")


def test_places_that_cannot_be_reached_are_named(tmp_path):
    with pytest.raises(ShardError, match="nonsense://somewhere"):
        ShardPlace("nonsense://somewhere")
    with pytest.raises(ShardError, match="no index.json"):
        Shards([tmp_path / "nowhere"])
    if importlib.util.find_spec("s3fs") is None:
        with pytest.raises(ShardError, match="s3fs"):
            ShardPlace("s3://bucket/shards")


def test_the_command_line(tmp_path, exported, capsys):
    assert main(["inspect", "--shards", str(exported)]) == 0
    assert '"attempts": 30' in capsys.readouterr().out
    store, out = str(tmp_path / "store"), str(tmp_path / "lifted")
    export = ["export", "--store", store, "--format", "shards", "--output", out, "--lifted-only"]
    assert main(export) == 0
    assert "24 attempts added to 0" in capsys.readouterr().out
    assert main([*export, "--shard-mb", "0"]) == 2
    assert "shard_mb" in capsys.readouterr().err
