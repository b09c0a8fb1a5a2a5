"""What was measured already, line by line, so that a long run can be interrupted and goes on."""

from __future__ import annotations

import json
from pathlib import Path


class Kept:
    """A file of JSON lines, each with a key.

    Args:
        file: made when something is added.
    """

    def __init__(self, file: Path) -> None:
        self.file = Path(file)
        self.entries: dict[str, dict] = {}
        if self.file.is_file():
            for line in self.file.read_text().splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:
                    # The last line of a run that was stopped while it wrote.
                    continue
                self.entries[entry.pop("key")] = entry

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def __getitem__(self, key: str) -> dict:
        return self.entries[key]

    def add(self, key: str, entry: dict) -> None:
        """Writes an entry; a later one of the same key counts."""
        self.entries[key] = entry
        self.file.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.file.is_file() and self.file.read_bytes()[-1:] not in (b"\n", b"")
        with self.file.open("a") as stream:
            stream.write(("\n" if unfinished else "") + json.dumps({"key": key, **entry}) + "\n")
