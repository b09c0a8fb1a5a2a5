"""A store's attempts as shards; again, it adds what is new, and an interrupted export goes on."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from grasp2vec_ros.core.merge import readable_records
from grasp2vec_ros.core.record import Record
from grasp2vec_ros.core.shard_format import (
    INDEX_NAME,
    ShardEntry,
    ShardWriter,
    file_sha256,
    index_from_json,
    index_to_json,
    table_from_json,
    table_to_json,
)
from grasp2vec_ros.core.shard_place import ShardPlace
from grasp2vec_ros.core.store import ExperienceStore

SHARD_MB = 64.0
# So many attempts of one scene stay together; runs are shuffled. Batches of one scene (scene_group) need it.
RUN = 8


@dataclass
class ExportReport:
    """What an export did.

    Attributes:
        added: attempts written now.
        known: attempts that were there.
        shards: how many there are now.
        damaged: attempts that could not be read, in words.
    """

    added: int = 0
    known: int = 0
    shards: int = 0
    damaged: list[str] = field(default_factory=list)


def export_shards(
    store: ExperienceStore,
    url: str | Path,
    shard_mb: float = SHARD_MB,
    lifted_only: bool = False,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ExportReport:
    """Writes the attempts that are not in the shards of a place yet as further shards.

    Runs of up to eight attempts of one scene are shuffled over the new shards, so that a shard is a fair sample. One
    program may export to a place at a time; a robot has a place of its own.

    Args:
        store: where from.
        url: where to, a folder or a URL of fsspec.
        shard_mb: a shard ends when it has this size [MiB].
        lifted_only: failed attempts are left out.
        seed: of the order.
        progress: is told how many attempts of how many are written.

    Raises:
        ShardError: the place cannot be read or written; the same call goes on.
        StoreError: the store cannot be read.
        ValueError: shard_mb is not positive.
    """
    if not shard_mb > 0:
        raise ValueError(f"shard_mb: {shard_mb!r} is not positive; 64 is a good size")
    place = ShardPlace(url)
    if place.folder is not None:
        place.folder.mkdir(parents=True, exist_ok=True)
    entries, known = _complete_shards(place)
    order = _shuffled(store.scenes(True if lifted_only else None), known, seed + len(entries))
    report = ExportReport(known=len(known))
    records = readable_records(store, order, report.damaged)
    numbers = (n for n in itertools.count() if f"shard-{n:06d}" not in entries)
    for first in records:
        name = f"shard-{next(numbers):06d}"
        entries[name] = _write_shard(place, name, itertools.chain([first], records), shard_mb * 2**20)
        report.added += entries[name].attempts
        progress(report.added, len(order))
    _publish(place, INDEX_NAME, index_to_json(list(entries.values())))
    report.shards = len(entries)
    return report


def _complete_shards(place: ShardPlace) -> tuple[dict[str, ShardEntry], set[str]]:
    """Shards that are there as a whole, also those of an export that was interrupted before its index; and their ids."""
    sizes = place.sizes()
    indexed = {}
    if INDEX_NAME in sizes:
        content = place.read([INDEX_NAME])[INDEX_NAME]
        indexed = {entry.name: entry for entry in index_from_json(content, place.place(INDEX_NAME))}
    names = sorted({name[:-5] for name in sizes if name.startswith("shard-") and name.endswith(".json")})
    tables = place.read([f"{name}.json" for name in names])
    entries, known = dict(indexed), set()
    for name in names:
        table = tables[f"{name}.json"]
        rows, summary = table_from_json(table, place.place(f"{name}.json"))
        known.update(row.experience_id for row in rows)
        # The table is written after its tar, so a table says that the tar is whole.
        entries.setdefault(name, _entry(name, rows, summary, table))
    return entries, known


def _shuffled(scenes: list[tuple[str, str, str]], known: set[str], seed: int) -> list[str]:
    """Ids that are not known, in runs of one scene, the runs in random order."""
    new = (row for row in scenes if row[0] not in known)
    runs = []
    for _, group in itertools.groupby(new, key=lambda row: row[1:]):
        ids = [row[0] for row in group]
        runs += [ids[i : i + RUN] for i in range(0, len(ids), RUN)]
    return [one for run in np.random.default_rng(seed).permutation(len(runs)) for one in runs[run]]


def _write_shard(place: ShardPlace, name: str, records: itertools.chain[Record], limit: float) -> ShardEntry:
    with tempfile.TemporaryDirectory(prefix=".shard-", dir=place.folder) as folder:
        file = Path(folder) / "tar"
        with file.open("wb") as opened:
            writer = ShardWriter(opened)
            for record in records:
                writer.add(record)
                if writer.size >= limit:
                    break
            writer.close()
        summary = (file.stat().st_size, file_sha256(file))
        place.publish(file, f"{name}.tar")
    table = table_to_json(writer.rows, summary)
    _publish(place, f"{name}.json", table)
    return _entry(name, writer.rows, summary, table)


def _entry(name: str, rows: list, summary: tuple[int, str], table: bytes) -> ShardEntry:
    lifted = sum(row.lifted for row in rows)
    return ShardEntry(name, *summary, hashlib.sha256(table).hexdigest(), len(rows), lifted)


def _publish(place: ShardPlace, name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory(prefix=".shard-", dir=place.folder) as folder:
        file = Path(folder) / "file"
        file.write_bytes(content)
        place.publish(file, name)
