"""The experience store: attempts are kept first and learned from later.

One SQLite file in write-ahead mode. An attempt is written whole in one transaction and is on disk when `add`
returns; several processes may write, and read while others write. Images are lossless PNG with a checksum each.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.record import (
    ExperienceUnreadableError as ExperienceUnreadableError,
)
from grasp2vec_ros.core.record import (
    Record,
    StoredImage,
    StoreError,
    damaged,
    decode_record,
    encode_record,
    is_heldout,
)

FILE_NAME = "experience.sqlite3"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 30.0
# With SQLite's 2 MiB, looking up a random attempt of a million takes ten times as long as of ten thousand.
PAGE_CACHE_MB = 64
BULK_LOG_PAGES = 32768

# The index by rank has the ids too: drawing attempts reads nothing else. Stores of earlier versions, without them, are
# drawn from all the same, the larger the slower.
_SCHEMA = """
CREATE TABLE experience (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    experience_id TEXT NOT NULL UNIQUE,
    robot_id TEXT NOT NULL,
    episode TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    stamp_ns INTEGER NOT NULL,
    success INTEGER NOT NULL,
    heldout INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX experience_by_rank ON experience (success, heldout, rank, experience_id);
CREATE TABLE image (
    experience INTEGER NOT NULL REFERENCES experience (number),
    role TEXT NOT NULL,
    position INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,
    png BLOB NOT NULL,
    PRIMARY KEY (experience, role, position)
) WITHOUT ROWID;
"""
# Counting a million attempts takes a while. No part of the schema's version: other versions keep it up, as triggers do
# it, and may ignore it; a store without it is counted.
_TALLY = """
CREATE TABLE IF NOT EXISTS tally (success INTEGER PRIMARY KEY, attempts INTEGER NOT NULL);
INSERT OR REPLACE INTO tally VALUES (0, (SELECT COUNT(*) FROM experience WHERE success = 0));
INSERT OR REPLACE INTO tally VALUES (1, (SELECT COUNT(*) FROM experience WHERE success = 1));
CREATE TRIGGER IF NOT EXISTS tally_added AFTER INSERT ON experience
    BEGIN UPDATE tally SET attempts = attempts + 1 WHERE success = NEW.success; END;
CREATE TRIGGER IF NOT EXISTS tally_removed AFTER DELETE ON experience
    BEGIN UPDATE tally SET attempts = attempts - 1 WHERE success = OLD.success; END;
"""
Result = TypeVar("Result")


class StoreSchemaError(StoreError):
    """The store was written by a newer version of this package."""


class UnknownExperienceError(StoreError):
    """No attempt of that id."""


def _rank(experience_id: str) -> int:
    """A fixed random number: sampling looks up the next attempt from a random point on this scale."""
    return zlib.crc32(b"rank" + experience_id.encode())


class ExperienceStore:
    """Attempts on disk.

    Args:
        path: folder of the store; made when missing, unless `read_only`.
        read_only: never writes; the store must exist.
        page_cache_mb: memory that pages of the file may take as the store grows [MiB]; who only adds needs little.

    Raises:
        StoreError: the folder cannot be made or opened, or is no store.
        StoreSchemaError: the store is of a newer schema.
    """

    def __init__(self, path: str | Path, read_only: bool = False, page_cache_mb: int = PAGE_CACHE_MB) -> None:
        self.folder = Path(path)
        self._page_cache_mb = page_cache_mb
        self._file = self.folder / FILE_NAME
        self._read_only = read_only
        self._lock = threading.Lock()
        self._closed = False
        if read_only and not self._file.is_file():
            raise StoreError(f"store: {self._file} does not exist; nothing has been stored there yet")
        try:
            if not read_only:
                self.folder.mkdir(parents=True, exist_ok=True)
            self._connection = self._connect()
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"store: {self._file} cannot be opened: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        mode = "ro" if self._read_only else "rwc"
        connection = sqlite3.connect(
            f"{self._file.resolve().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            check_same_thread=False,
            isolation_level=None,
        )
        connection.execute(f"PRAGMA cache_size=-{self._page_cache_mb * 1024}")
        if not self._read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            # FULL: a committed transaction survives the loss of power, not only the death of the process.
            connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _prepare(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            self._connection.close()
            raise StoreSchemaError(
                f"store: {self._file} has schema {version}, this version reads up to {SCHEMA_VERSION}; update the package or use another folder"
            )
        self._tallied = self._has_tally()
        if self._read_only or (version and self._tallied):
            return
        self._connection.execute("BEGIN IMMEDIATE")
        # Another process may have made the tables while this one waited for the lock.
        if self._connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            self._run(_SCHEMA)
            self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        if not self._has_tally():
            self._run(_TALLY)
        self._connection.execute("COMMIT")
        self._tallied = True

    def _has_tally(self) -> bool:
        return bool(self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'tally'").fetchall())

    def _run(self, script: str) -> None:
        # Not `executescript`, which commits.
        for statement in script.split(";\n"):
            if statement.strip():
                self._connection.execute(statement)

    def __len__(self) -> int:
        return self.counts()[0]

    def counts(self) -> tuple[int, int]:
        """Attempts, and how many of them lifted something."""
        if self._tallied:
            rows = self._query("SELECT success, attempts FROM tally")
        else:
            rows = self._query("SELECT success, COUNT(*) FROM experience GROUP BY success")
        of = dict(rows)
        return of.get(0, 0) + of.get(1, 0), of.get(1, 0)

    def add(self, experience: Experience) -> str:
        """Stores an attempt; it is on disk when this returns.

        Returns:
            Its id.

        Raises:
            ValueError: the attempt is not one (see `Experience.check`).
            StoreError: disk full, read-only, or an id that exists already; nothing was stored.
        """
        self._write([encode_record(experience)], self._insert)
        return experience.experience_id

    def add_new(self, records: Iterable[Record]) -> list[str]:
        """Stores those of some attempts that are not there yet, all of them or, on an error, none.

        Returns:
            For each: "added"; "known", its id is there with the same content; "copy", the same content (see
            `Record.content`) is there under another id; "conflict", its id is there with another content.

        Raises:
            StoreError: disk full or read-only; none was stored.
        """
        records = list(records)
        # Looking for copies needs it; robots that never merge do without. Other versions of this package ignore it.
        self._query("CREATE INDEX IF NOT EXISTS experience_by_stamp ON experience (robot_id, stamp_ns)")
        # Ids are random, so every attempt touches other pages of the indexes: fewer writes when the log may grow.
        self._query(f"PRAGMA wal_autocheckpoint={BULK_LOG_PAGES}")
        return self._write(records, self._insert_new) if records else []

    def _write(self, records: list[Record], write: Callable[[Record], Result]) -> list[Result]:
        """Does something with each record in one transaction."""
        with self._lock:
            try:
                try:
                    return self._transact(records, write)
                except sqlite3.Error as error:
                    if not self._may_be_writable_now(error):
                        raise
                    # What was opened while the disk was read-only stays read-only until it is opened anew.
                    self._connection.close()
                    self._connection = self._connect()
                    return self._transact(records, write)
            except sqlite3.Error as error:
                more = f" and {len(records) - 1} more" if len(records) > 1 else ""
                raise StoreError(
                    f"store: attempt {records[0].experience_id}{more} was not stored in {self._file}: {error}"
                ) from error

    def _transact(self, records: list[Record], write: Callable[[Record], Result]) -> list[Result]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            results = [write(record) for record in records]
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        return results

    def _may_be_writable_now(self, error: sqlite3.Error) -> bool:
        if self._read_only or self._closed:
            return False
        # A connection that could not be opened anew last time is closed: a ProgrammingError.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
        return code == sqlite3.SQLITE_READONLY or isinstance(error, sqlite3.ProgrammingError)

    def _insert(self, record: Record) -> None:
        number = self._connection.execute(
            "INSERT INTO experience (experience_id, robot_id, episode, attempt, stamp_ns, success, heldout, rank, details)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                record.experience_id,
                record.robot_id,
                record.episode,
                record.attempt,
                record.stamp_ns,
                int(record.success),
                int(is_heldout(record.experience_id)),
                _rank(record.experience_id),
                json.dumps(record.details),
            ),
        ).lastrowid
        self._connection.executemany(
            "INSERT INTO image VALUES (?, ?, ?, ?, ?)",
            [(number, i.role, i.position, zlib.crc32(i.png), i.png) for i in record.images],
        )

    def _insert_new(self, record: Record) -> str:
        known = self._connection.execute(
            "SELECT number FROM experience WHERE experience_id = ?", (record.experience_id,)
        ).fetchall()
        if known:
            return "known" if self._same_images(known[0][0], record) else "conflict"
        # No camera takes two scenes at one time: what differs in the stamp is no copy and need not be compared.
        candidates = self._connection.execute(
            "SELECT number FROM experience WHERE robot_id = ? AND stamp_ns = ? AND success = ?",
            (record.robot_id, record.stamp_ns, int(record.success)),
        ).fetchall()
        if any(self._same_images(number, record) for (number,) in candidates):
            return "copy"
        self._insert(record)
        return "added"

    def _same_images(self, number: int, record: Record) -> bool:
        rows = self._connection.execute(
            "SELECT role, position, png FROM image WHERE experience = ? ORDER BY role, position", (number,)
        ).fetchall()
        return [StoredImage(*row) for row in rows] == list(record.images)

    def ids(
        self, lifted: bool | None = None, split: str | None = None, newest: int | None = None
    ) -> list[str]:
        """Ids in the order in which they were stored.

        Args:
            lifted: only those that lifted something, or only those that did not; None: both.
            split: "train", "heldout", or None for both.
            newest: only so many, the last ones; the time does not depend on the size of the store.
        """
        conditions, values = _conditions(lifted, split)
        if newest is None:
            statement = f"SELECT experience_id FROM experience {conditions} ORDER BY number"
        else:
            # From the end of the table: by the index all attempts of the split would be fetched and sorted.
            statement = f"SELECT experience_id FROM experience NOT INDEXED {conditions} ORDER BY number DESC LIMIT {int(newest)}"
        found = [row[0] for row in self._query(statement, values)]
        return found if newest is None else found[::-1]

    def scenes(self, lifted: bool | None = None) -> list[tuple[str, str, str]]:
        """Id, robot and episode of every attempt, in the order in which they were stored."""
        conditions, values = _conditions(lifted, None)
        return self._query(
            f"SELECT experience_id, robot_id, episode FROM experience {conditions} ORDER BY number", values
        )

    def get(self, experience_id: str) -> Experience:
        """Reads an attempt.

        Raises:
            UnknownExperienceError: there is none of that id.
            ExperienceUnreadableError: it is damaged.
        """
        return decode_record(self.record(experience_id), str(self._file))

    def record(self, experience_id: str) -> Record:
        """Reads an attempt as it is kept; raises as `get` does, except for what only decoding would find."""
        rows = self._query(
            "SELECT number, robot_id, episode, attempt, stamp_ns, success, details FROM experience WHERE experience_id = ?",
            (experience_id,),
        )
        if not rows:
            raise UnknownExperienceError(
                f"experience_id: {experience_id!r} is not in the store {self.folder}"
            )
        number, *facts, success, details = rows[0]
        images = self._images(experience_id, number)
        return Record(experience_id, *facts, bool(success), json.loads(details), images)

    def _images(self, experience_id: str, number: int) -> tuple[StoredImage, ...]:
        images = []
        for role, position, checksum, png in self._query(
            "SELECT role, position, crc32, png FROM image WHERE experience = ? ORDER BY role, position",
            (number,),
        ):
            if zlib.crc32(png) != checksum:
                raise damaged(experience_id, role, self._file)
            images.append(StoredImage(role, position, png))
        return tuple(images)

    def sample(
        self, count: int, rng: np.random.Generator, lifted: bool | None = True, split: str | None = "train"
    ) -> list[str]:
        """Ids of random attempts, with replacement; the time it takes does not depend on the size of the store.

        Returns:
            `count` ids, or none when no attempt fits.
        """
        conditions, values = _conditions(lifted, split)
        joiner = "AND" if conditions else "WHERE"
        query = f"SELECT experience_id FROM experience {conditions} {joiner} rank >= ? ORDER BY rank LIMIT 1"
        found = []
        for start in rng.integers(0, 2**32, size=count):
            rows = self._query(query, (*values, int(start))) or self._query(query, (*values, 0))
            if not rows:
                return []
            found.append(rows[0][0])
        return found

    def neighbours(
        self,
        experience_id: str,
        reach: int,
        lifted: bool | None = True,
        split: str | None = "train",
    ) -> list[str]:
        """Ids of the attempts of the same robot and episode that were stored at most `reach` before or after.

        The attempt itself is among them when it fits; the time it takes does not depend on the size of the store.
        """
        conditions, values = _conditions(lifted, split)
        joiner = "AND" if conditions else "WHERE"
        found = self._query(
            "SELECT number, robot_id, episode FROM experience WHERE experience_id = ?", (experience_id,)
        )
        if not found:
            return []
        number, robot_id, episode = found[0]
        near = "number BETWEEN ? AND ? AND robot_id = ? AND episode = ?"
        rows = self._query(
            f"SELECT experience_id FROM experience {conditions} {joiner} {near} ORDER BY number",
            (*values, number - reach, number + reach, robot_id, episode),
        )
        return [row[0] for row in rows]

    def following(
        self,
        experience_id: str | None,
        count: int,
        lifted: bool | None = True,
        split: str | None = "train",
    ) -> list[str]:
        """Ids of the attempts that were stored after one, in that order; the time it takes does not depend on its place.

        Args:
            experience_id: of the attempt; None, or an attempt of another store: from the first one.
            count: at most so many.
            lifted, split: as in `ids`.
        """
        known = self._query("SELECT number FROM experience WHERE experience_id = ?", (experience_id,))
        conditions, values = _conditions(lifted, split)
        joiner = "AND" if conditions else "WHERE"
        rows = self._query(
            f"SELECT experience_id FROM experience NOT INDEXED {conditions} {joiner} number > ? ORDER BY number LIMIT ?",
            (*values, known[0][0] if known else 0, count),
        )
        return [row[0] for row in rows]

    def _query(self, statement: str, values: tuple = ()) -> list[tuple]:
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"store: {self._file} cannot be read: {error}") from error

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._closed = True
            self._connection.close()

    def __enter__(self) -> ExperienceStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _conditions(lifted: bool | None, split: str | None) -> tuple[str, tuple]:
    if split not in (None, "train", "heldout"):
        raise ValueError(f"split: {split!r} is unknown; use 'train', 'heldout' or None")
    clauses, values = [], []
    if lifted is not None:
        clauses.append("success = ?")
        values.append(int(lifted))
    if split is not None:
        clauses.append("heldout = ?")
        values.append(int(split == "heldout"))
    return ("WHERE " + " AND ".join(clauses) if clauses else ""), tuple(values)
