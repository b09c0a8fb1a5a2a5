"""Reading shards: which attempts there are, and each of them when it is asked for."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grasp2vec_ros.core.record import ExperienceUnreadableError, Record, is_heldout
from grasp2vec_ros.core.shard_format import (
    Row,
    ShardEntry,
    ShardError,
    file_sha256,
    read_record,
    table_from_json,
)
from grasp2vec_ros.core.shard_place import ShardPlace

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shard:
    """A shard of a place."""

    place: ShardPlace
    entry: ShardEntry

    @property
    def tar(self) -> str:
        """Name of its tar."""
        return f"{self.entry.name}.tar"

    def __str__(self) -> str:
        return self.place.place(self.tar)


class ShardFiles:
    """Shards as files of this machine: in place when they are local, else copies that make room for others.

    A shard is compared with its SHA-256 before its first use.

    Args:
        limit_bytes: of copies together; the two that were used last stay in any case.
        folder: where copies go and are found again later; None: a folder that goes with this object.
    """

    def __init__(self, limit_bytes: int, folder: str | Path | None = None) -> None:
        self._limit = limit_bytes
        self._temporary = tempfile.TemporaryDirectory(prefix="shards-") if folder is None else None
        self._folder = Path(self._temporary.name if folder is None else folder)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._checked: set[Path] = set()
        self._copies: OrderedDict[Path, int] = OrderedDict()

    def get(self, shard: Shard) -> Path:
        """The file of a shard.

        Raises:
            ShardError: it cannot be read, or is not what its index says.
        """
        with self._lock:
            if shard.place.folder is not None:
                return self._check(shard.place.folder / shard.tar, shard)
            copy = self._folder / f"{shard.entry.sha256}.tar"
            if not copy.is_file():
                self._checked.discard(copy)
                shard.place.fetch(shard.tar, copy)
            try:
                self._check(copy, shard)
            except ShardError:
                copy.unlink(missing_ok=True)
                raise
            self._copies[copy] = shard.entry.bytes
            self._copies.move_to_end(copy)
            self._make_room()
            return copy

    def _check(self, file: Path, shard: Shard) -> Path:
        if file not in self._checked:
            size = file.stat().st_size if file.is_file() else None
            if size != shard.entry.bytes:
                raise _wrong_size(shard, size)
            if file_sha256(file) != shard.entry.sha256:
                raise ShardError(
                    f"shards: {shard} is damaged: its content does not match its SHA-256; copy it again"
                )
            self._checked.add(file)
        return file

    def _make_room(self) -> None:
        while sum(self._copies.values()) > self._limit and len(self._copies) > 2:
            oldest, _ = self._copies.popitem(last=False)
            self._checked.discard(oldest)
            oldest.unlink(missing_ok=True)

    def close(self) -> None:
        """Deletes copies, unless they were to be kept."""
        if self._temporary is not None:
            self._temporary.cleanup()


def _wrong_size(shard: Shard, size: int | None) -> ShardError:
    if size is None:
        return ShardError(f"shards: {shard} is missing; copy it again")
    what = "truncated" if size < shard.entry.bytes else "not the file that was written"
    return ShardError(
        f"shards: {shard} is {what}: {size} bytes, its index says {shard.entry.bytes}; copy it again"
    )


class Shards:
    """The attempts in the shards of one or several places; one that is in several is taken once.

    Opening reads the tables, not the images, and compares the sizes of all shards with the index.

    Args:
        urls: places, see `ShardPlace`.
        cache_mb: for copies of shards that are not local [MiB].
        cache_folder: see `ShardFiles`.

    Attributes:
        shards: all shards.
        shard: (N,) int32, the shard of each attempt; attempts of one shard are neighbours, in its order.
        lifted, heldout: (N,) bool.
        scene: (N,) uint64, the same for attempts of one robot and episode.
        duplicates: how many were left out because they are in another shard, under their id or another.

    Raises:
        ShardError: an index is missing or damaged; a shard is missing or truncated. All of them are named.
    """

    def __init__(
        self, urls: Sequence[str | Path], cache_mb: float = 8192, cache_folder: str | Path | None = None
    ) -> None:
        self.shards: list[Shard] = []
        self.duplicates = 0
        columns: list[list[tuple]] = []
        seen: set[bytes] = set()
        for url in urls:
            place = ShardPlace(url)
            shards = [Shard(place, entry) for entry in place.index()]
            _check_sizes(place, shards)
            for shard, rows in zip(shards, _tables(place, shards), strict=True):
                columns.append(self._new_rows(len(self.shards), rows, seen))
                self.shards.append(shard)
        table = np.array(
            [row for rows in columns for row in rows],
            dtype=[("shard", "i4"), ("offset", "i8"), ("size", "i8"), ("lifted", "?"), ("heldout", "?"), ("scene", "u8")],
        )  # fmt: skip
        self.shard, self.lifted, self.heldout = table["shard"], table["lifted"], table["heldout"]
        self.scene, self._offset, self._size = table["scene"], table["offset"], table["size"]
        self.files = ShardFiles(int(cache_mb * 2**20), cache_folder)

    def _new_rows(self, shard: int, rows: list[Row], seen: set[bytes]) -> list[tuple]:
        new = []
        for row in rows:
            keys = {hashlib.md5(row.experience_id.encode()).digest(), bytes.fromhex(row.content)}
            if keys & seen:
                self.duplicates += 1
                continue
            seen |= keys
            heldout = is_heldout(row.experience_id)
            new.append((shard, row.offset, row.size, row.lifted, heldout, int(row.scene, 16)))
        return new

    def __len__(self) -> int:
        return len(self.shard)

    def record(self, row: int) -> Record:
        """An attempt by its number.

        Raises:
            ExperienceUnreadableError: it is damaged.
            ShardError: its shard cannot be read.
        """
        shard = self.shards[self.shard[row]]
        with self.files.get(shard).open("rb") as file:
            part = os.pread(file.fileno(), int(self._size[row]), int(self._offset[row]))
        return read_record(part, str(shard))

    def records(self, damaged: list[str]) -> Iterator[Record]:
        """All attempts; those that are damaged are named in `damaged` and left out."""
        for row in range(len(self)):
            try:
                yield self.record(row)
            except ExperienceUnreadableError as error:
                damaged.append(str(error))

    def problems(self) -> Iterator[str | None]:
        """Reads every shard as a whole: for each what is wrong with it, or None."""
        for shard in self.shards:
            try:
                self.files.get(shard)
                yield None
            except ShardError as error:
                yield str(error)

    def close(self) -> None:
        """Deletes copies, unless they were to be kept."""
        self.files.close()

    def __enter__(self) -> Shards:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_sizes(place: ShardPlace, shards: list[Shard]) -> None:
    sizes = place.sizes()
    wrong = [
        str(_wrong_size(shard, sizes.get(shard.tar)))
        for shard in shards
        if sizes.get(shard.tar) != shard.entry.bytes
    ]
    if wrong:
        raise ShardError("\n".join(wrong))


def _tables(place: ShardPlace, shards: list[Shard]) -> Iterator[list[Row]]:
    names = [f"{shard.entry.name}.json" for shard in shards]
    contents = place.read(names)
    for name, shard in zip(names, shards, strict=True):
        if hashlib.sha256(contents[name]).hexdigest() != shard.entry.table_sha256:
            raise ShardError(
                f"shards: {place.place(name)} is damaged: it does not match the index; copy it again"
            )
        yield table_from_json(contents[name], place.place(name))[0]
