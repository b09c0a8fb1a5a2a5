"""The format of shards: plain tar files, a table beside each, and an index of all.

    shard-000000.tar    for each attempt NAME.json (facts and checksums), NAME.held_0.png, ..., NAME.post.png, NAME.pre.png
    shard-000000.json   where each attempt begins in the tar, and the tar's size and SHA-256; written after it
    index.json          which shards there are, with size and SHA-256; written last

The members of an attempt follow each other and share NAME, as WebDataset wants it; any tar program opens a shard.
Nothing is pickled and nothing is ever extracted to disk.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path

from grasp2vec_ros.core.record import ExperienceUnreadableError, Record, StoredImage, StoreError, damaged

SHARD_FORMAT = "grasp-shard-1"
INDEX_FORMAT = "grasp-shards-1"
INDEX_NAME = "index.json"
_PLAIN = re.compile(r"[0-9A-Za-z_-]{1,64}")
_FACTS = {
    "experience_id": str,
    "robot_id": str,
    "episode": str,
    "attempt": int,
    "stamp_ns": int,
    "success": bool,
    "details": dict,
}


class ShardError(StoreError):
    """A shard or its index is missing, truncated, damaged or not of this format."""


@dataclass(frozen=True)
class Row:
    """Where an attempt is in a shard, and what must be known of it before it is read.

    Attributes:
        experience_id: its id.
        content: see `Record.content`.
        scene: the same for attempts of one robot and episode.
        offset, size: its bytes in the tar.
        lifted: whether it lifted something.
    """

    experience_id: str
    content: str
    scene: str
    offset: int
    size: int
    lifted: bool


@dataclass(frozen=True)
class ShardEntry:
    """A shard in the index.

    Attributes:
        name: "shard-000000"; the files are NAME.tar and NAME.json.
        bytes, sha256: of the tar.
        table_sha256: of the table.
        attempts, lifted: how many are in it, and how many of them lifted something.
    """

    name: str
    bytes: int
    sha256: str
    table_sha256: str
    attempts: int
    lifted: int


class ShardWriter:
    """Writes the tar of one shard, attempt by attempt."""

    def __init__(self, file: io.BufferedIOBase) -> None:
        self._tar = tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        self.rows: list[Row] = []

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._tar.offset

    def add(self, record: Record) -> None:
        """Appends an attempt."""
        begin, name = self._tar.offset, _member_name(record.experience_id)
        facts = {key: getattr(record, key) for key in _FACTS}
        facts["images"] = [
            {"role": i.role, "position": i.position, "crc32": zlib.crc32(i.png)} for i in record.images
        ]
        self._member(f"{name}.json", json.dumps(facts).encode())
        for image in record.images:
            self._member(f"{name}.{_suffix(image.role, image.position)}", image.png)
        scene = hashlib.sha256(json.dumps([record.robot_id, record.episode]).encode()).hexdigest()[:16]
        size = self._tar.offset - begin
        self.rows.append(
            Row(record.experience_id, record.content(), scene, begin, size, bool(record.success))
        )

    def _member(self, name: str, content: bytes) -> None:
        # Without times and owners: the same attempts give the same bytes.
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o644
        self._tar.addfile(info, io.BytesIO(content))

    def close(self) -> None:
        """Ends the tar; the file stays open."""
        self._tar.close()


def _member_name(experience_id: str) -> str:
    if _PLAIN.fullmatch(experience_id):
        return experience_id
    return hashlib.sha256(experience_id.encode()).hexdigest()[:32]


def _suffix(role: str, position: int) -> str:
    return f"held_{position}.png" if role == "held" else f"{role}.png"


def read_record(part: bytes, place: str) -> Record:
    """The attempt of its bytes in a tar.

    Args:
        part: the members of one attempt.
        place: the shard, for errors.

    Raises:
        ExperienceUnreadableError: it is damaged.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(part), mode="r:") as tar:
            members = {info.name.partition(".")[2]: _content(tar, info) for info in tar}
        facts = json.loads(members["json"])
        stored = [(image["role"], image["position"], image["crc32"]) for image in facts["images"]]
        images = [(role, at, crc, members[_suffix(role, at)]) for role, at, crc in stored]
    except (tarfile.TarError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ExperienceUnreadableError(f"shard: an attempt of {place} is damaged: {error!r}") from error
    for name, kind in _FACTS.items():
        if not isinstance(facts.get(name), kind):
            raise ExperienceUnreadableError(
                f"shard: an attempt of {place} has {name} {facts.get(name)!r}, expected {kind.__name__}"
            )
    for role, _, checksum, png in images:
        if zlib.crc32(png) != checksum:
            raise damaged(facts["experience_id"], role, place)
    return Record(
        **{name: facts[name] for name in _FACTS},
        images=tuple(StoredImage(role, position, png) for role, position, _, png in images),
    )


def _content(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(info)
    if file is None:
        raise ValueError(f"{info.name} is not a file")
    return file.read()


def file_sha256(file: Path) -> str:
    """Digest of a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def table_to_json(rows: list[Row], tar: tuple[int, str]) -> bytes:
    """The table of a shard as its file; `tar` is size and SHA-256 of the tar."""
    lines = ",\n".join(json.dumps(list(asdict(row).values())) for row in rows)
    head = json.dumps({"format": SHARD_FORMAT, "bytes": tar[0], "sha256": tar[1]})
    return f'{head[:-1]}, "attempts": [\n{lines}\n]}}\n'.encode()


def table_from_json(content: bytes, place: str) -> tuple[list[Row], tuple[int, str]]:
    """The table of a shard from its file, and size and SHA-256 of the tar.

    Raises:
        ShardError: it is no table of this format.
    """
    found = _parse(content, SHARD_FORMAT, place)
    try:
        return [Row(*row) for row in found["attempts"]], (found["bytes"], found["sha256"])
    except (KeyError, TypeError) as error:
        raise ShardError(f"shards: {place} is damaged: {error!r}") from error


def index_to_json(entries: list[ShardEntry]) -> bytes:
    """The index as its file."""
    shards = [asdict(entry) for entry in sorted(entries, key=lambda entry: entry.name)]
    return (json.dumps({"format": INDEX_FORMAT, "shards": shards}, indent=1) + "\n").encode()


def index_from_json(content: bytes, place: str) -> list[ShardEntry]:
    """The index from its file.

    Raises:
        ShardError: it is no index of this format.
    """
    found = _parse(content, INDEX_FORMAT, place)
    try:
        return [ShardEntry(**entry) for entry in found["shards"]]
    except (KeyError, TypeError) as error:
        raise ShardError(f"shards: {place} is damaged: {error!r}") from error


def _parse(content: bytes, wanted: str, place: str) -> dict:
    try:
        found = json.loads(content)
        written = found["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise ShardError(f"shards: {place} is damaged: {error!r}") from error
    if written != wanted:
        raise ShardError(f"shards: {place} has format {written!r}, this version reads {wanted!r}")
    return found
