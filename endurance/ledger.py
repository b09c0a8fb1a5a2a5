"""What was acknowledged, and whether it is there."""

from __future__ import annotations

import threading
from pathlib import Path

from grasp2vec_ros.core.store import ExperienceStore, StoreError


class Ledger:
    """Attempts that a capture node said to have stored, by store."""

    def __init__(self) -> None:
        self._said: dict[Path, set[str]] = {}
        self._lock = threading.Lock()

    def note(self, store: Path, experience_id: str) -> None:
        """An attempt was acknowledged."""
        if experience_id:
            with self._lock:
                self._said.setdefault(store, set()).add(experience_id)

    def count(self, store: Path) -> int:
        """Attempts acknowledged so far."""
        with self._lock:
            return len(self._said.get(store, ()))

    def any(self, store: Path) -> str:
        """An acknowledged attempt, empty when there is none."""
        with self._lock:
            return next(iter(self._said.get(store, ())), "")

    def lost(self, store: Path) -> list[str]:
        """Acknowledged attempts that cannot be read from the store, each with the reason."""
        with self._lock:
            said = sorted(self._said.get(store, ()))
        if not said:
            return []
        missing = []
        try:
            with ExperienceStore(store, read_only=True) as opened:
                for experience_id in said:
                    try:
                        opened.get(experience_id)
                    except StoreError as error:
                        missing.append(f"{experience_id}: {error}")
        except StoreError as error:
            return [f"{experience_id}: {error}" for experience_id in said]
        return missing
