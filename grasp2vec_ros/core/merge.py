"""Experience of many robots in one store: what is there already, under its own id or another, is not stored again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from grasp2vec_ros.core.record import ExperienceUnreadableError, Record
from grasp2vec_ros.core.store import ExperienceStore

# A transaction waits for the disk once; what it holds is in memory meanwhile.
CHUNK_BYTES = 16 * 2**20
CHUNK_ATTEMPTS = 1000


@dataclass
class MergeReport:
    """What became of the attempts that were given.

    Attributes:
        added: how many are new.
        known: how many were there under the same id, with the same content.
        copies: how many were there under another id (see `Record.content`).
        conflicts: ids that were there with another content; what was there stays.
        damaged: what could not be read, in words.
    """

    added: int = 0
    known: int = 0
    copies: int = 0
    conflicts: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        text = f"{self.added} added, {self.known} known already, {self.copies} copies under another id"
        return f"{text}, {len(self.conflicts)} conflicts, {len(self.damaged)} damaged"


def readable_records(store: ExperienceStore, ids: Iterable[str], damaged: list[str]) -> Iterator[Record]:
    """Attempts of a store; those that are damaged are named in `damaged` and left out."""
    for experience_id in ids:
        try:
            yield store.record(experience_id)
        except ExperienceUnreadableError as error:
            damaged.append(str(error))


def merge(records: Iterable[Record], store: ExperienceStore, report: MergeReport) -> None:
    """Adds attempts to a store; again and again changes nothing, so an interrupted merge is simply repeated.

    Attempts keep their ids, so each stays on its side of the split into training and held-out experience. Robots may
    store into it meanwhile.

    Args:
        records: attempts of other stores or of shards, those of one episode one after the other.
        store: where to.
        report: is counted up.

    Raises:
        StoreError: the store cannot be written; what was counted as added is stored.
    """
    for chunk in _chunks(records):
        for record, outcome in zip(chunk, store.add_new(chunk), strict=True):
            if outcome == "added":
                report.added += 1
            elif outcome == "known":
                report.known += 1
            elif outcome == "copy":
                report.copies += 1
            else:
                report.conflicts.append(record.experience_id)


def _chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    chunk, size = [], 0
    for record in records:
        chunk.append(record)
        size += record.bytes
        if size >= CHUNK_BYTES or len(chunk) >= CHUNK_ATTEMPTS:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk
