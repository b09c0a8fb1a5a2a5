"""The experience store: attempts are kept first and learned from later.

One SQLite file in write-ahead mode. An attempt is written whole in one transaction and is on disk when `add`
returns; several processes may write, and read while others write. Images are lossless PNG with a checksum each.
"""

from __future__ import annotations

import json
import math
import sqlite3
import threading
import zlib
from pathlib import Path

import cv2
import numpy as np

from grasp2vec_ros.core.experience import Experience

FILE_NAME = "experience.sqlite3"
SCHEMA_VERSION = 1
BUSY_TIMEOUT_S = 30.0
# One attempt in ten, chosen by its id alone, is never trained on.
HELDOUT_SHARE = 0.1

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
CREATE INDEX experience_by_rank ON experience (success, heldout, rank);
CREATE TABLE image (
    experience INTEGER NOT NULL REFERENCES experience (number),
    role TEXT NOT NULL,
    position INTEGER NOT NULL,
    crc32 INTEGER NOT NULL,
    png BLOB NOT NULL,
    PRIMARY KEY (experience, role, position)
) WITHOUT ROWID;
"""


class StoreError(RuntimeError):
    """The store could not be opened, read or written; what it holds is unchanged."""


class StoreSchemaError(StoreError):
    """The store was written by a newer version of this package."""


class ExperienceUnreadableError(StoreError):
    """An attempt is damaged on disk; the others are not affected."""


class UnknownExperienceError(StoreError):
    """No attempt of that id."""


def is_heldout(experience_id: str) -> bool:
    """Whether an attempt is kept out of training; depends on its id alone."""
    return zlib.crc32(b"heldout" + experience_id.encode()) / 2**32 < HELDOUT_SHARE


def _rank(experience_id: str) -> int:
    """A fixed random number: sampling looks up the next attempt from a random point on this scale."""
    return zlib.crc32(b"rank" + experience_id.encode())


class ExperienceStore:
    """Attempts on disk.

    Args:
        path: folder of the store; made when missing, unless `read_only`.
        read_only: never writes; the store must exist.

    Raises:
        StoreError: the folder cannot be made or opened, or is no store.
        StoreSchemaError: the store is of a newer schema.
    """

    def __init__(self, path: str | Path, read_only: bool = False) -> None:
        self.folder = Path(path)
        self._file = self.folder / FILE_NAME
        self._read_only = read_only
        self._lock = threading.Lock()
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
        if version == 0 and not self._read_only:
            self._connection.execute("BEGIN IMMEDIATE")
            # Another process may have made the tables while this one waited for the lock.
            if self._connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in _SCHEMA.split(";"):
                    if statement.strip():
                        self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            self._connection.execute("COMMIT")

    def __len__(self) -> int:
        return self.counts()[0]

    def counts(self) -> tuple[int, int]:
        """Attempts, and how many of them lifted something."""
        total, lifted = self._query("SELECT COUNT(*), COALESCE(SUM(success), 0) FROM experience")[0]
        return int(total), int(lifted)

    def add(self, experience: Experience) -> str:
        """Stores an attempt; it is on disk when this returns.

        Returns:
            Its id.

        Raises:
            ValueError: the attempt is not one (see `Experience.check`).
            StoreError: disk full, read-only, or an id that exists already; nothing was stored.
        """
        experience.check()
        images = [("pre", 0, experience.pre), ("post", 0, experience.post)]
        images += [("held", i, view) for i, view in enumerate(experience.held)]
        encoded = [(role, position, _encode(image)) for role, position, image in images]
        row = (
            experience.experience_id,
            experience.robot_id,
            experience.episode,
            experience.attempt,
            experience.stamp_ns,
            int(experience.success),
            int(is_heldout(experience.experience_id)),
            _rank(experience.experience_id),
            json.dumps(_details(experience)),
        )
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                number = self._connection.execute(
                    "INSERT INTO experience (experience_id, robot_id, episode, attempt, stamp_ns, success, heldout, rank, details)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                ).lastrowid
                self._connection.executemany(
                    "INSERT INTO image VALUES (?, ?, ?, ?, ?)",
                    [(number, role, position, zlib.crc32(png), png) for role, position, png in encoded],
                )
                self._connection.execute("COMMIT")
            except sqlite3.Error as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise StoreError(
                    f"store: attempt {experience.experience_id} was not stored in {self._file}: {error}"
                ) from error
        return experience.experience_id

    def ids(self, lifted: bool | None = None, split: str | None = None) -> list[str]:
        """Ids in the order in which they were stored, of one split ("train", "heldout") or of both."""
        conditions, values = _conditions(lifted, split)
        return [
            row[0]
            for row in self._query(
                f"SELECT experience_id FROM experience {conditions} ORDER BY number", values
            )
        ]

    def get(self, experience_id: str) -> Experience:
        """Reads an attempt.

        Raises:
            UnknownExperienceError: there is none of that id.
            ExperienceUnreadableError: it is damaged.
        """
        rows = self._query(
            "SELECT number, robot_id, episode, attempt, stamp_ns, success, details FROM experience WHERE experience_id = ?",
            (experience_id,),
        )
        if not rows:
            raise UnknownExperienceError(
                f"experience_id: {experience_id!r} is not in the store {self.folder}"
            )
        number, robot_id, episode, attempt, stamp_ns, success, details = rows[0]
        images = self._images(experience_id, number)
        return Experience(
            robot_id=robot_id,
            episode=episode,
            attempt=attempt,
            stamp_ns=stamp_ns,
            success=bool(success),
            experience_id=experience_id,
            **images,
            **_read_details(details),
        )

    def _images(self, experience_id: str, number: int) -> dict:
        held, scenes = [], {}
        for role, _, checksum, png in self._query(
            "SELECT role, position, crc32, png FROM image WHERE experience = ? ORDER BY role, position",
            (number,),
        ):
            image = (
                cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
                if zlib.crc32(png) == checksum
                else None
            )
            if image is None:
                raise ExperienceUnreadableError(
                    f"experience {experience_id}: its {role} image is damaged in {self._file}"
                )
            rgb = np.ascontiguousarray(image[:, :, ::-1])
            if role == "held":
                held.append(rgb)
            else:
                scenes[role] = rgb
        if set(scenes) != {"pre", "post"}:
            raise ExperienceUnreadableError(
                f"experience {experience_id}: its scene images are missing in {self._file}"
            )
        return {**scenes, "held": held}

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

    def _query(self, statement: str, values: tuple = ()) -> list[tuple]:
        with self._lock:
            try:
                return self._connection.execute(statement, values).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"store: {self._file} cannot be read: {error}") from error

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
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


def _encode(image: np.ndarray) -> bytes:
    # Level 1: a third larger than the best, several times faster; capture must keep up with the robot.
    encoded, png = cv2.imencode(".png", image[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not encoded:
        raise ValueError(f"image of shape {image.shape} cannot be encoded as PNG")
    return png.tobytes()


_DETAILS = (
    "held_angles_rad",
    "post_stamp_ns",
    "held_stamps_ns",
    "gripper_opening_m",
    "grasp_position_m",
    "grasp_orientation_xyzw",
    "base_frame",
    "scene_frame",
    "commanded_goal",
)


def _details(experience: Experience) -> dict:
    details = {name: getattr(experience, name) for name in _DETAILS}
    details["held_angles_rad"] = [float(angle) for angle in experience.held_angles_rad]
    for name in ("grasp_position_m", "grasp_orientation_xyzw"):
        details[name] = None if details[name] is None else [float(value) for value in details[name]]
    opening = float(experience.gripper_opening_m)
    details["gripper_opening_m"] = None if math.isnan(opening) else opening
    return details


def _read_details(text: str) -> dict:
    details = json.loads(text)
    for name in ("grasp_position_m", "grasp_orientation_xyzw"):
        details[name] = None if details[name] is None else tuple(details[name])
    details["gripper_opening_m"] = (
        math.nan if details["gripper_opening_m"] is None else details["gripper_opening_m"]
    )
    return details
