"""Where shards are: a local folder, or whatever `fsspec` reaches (s3://, gs://, memory://, ...)."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from grasp2vec_ros.core.shard_format import INDEX_NAME, ShardEntry, ShardError, index_from_json


class ShardPlace:
    """A folder of shards.

    Args:
        url: a path, or a URL of any protocol that fsspec knows; what else it needs to be installed, it says.

    Raises:
        ShardError: the protocol is unknown or its package is not installed.
    """

    def __init__(self, url: str | Path) -> None:
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        self.url = str(url).rstrip("/")
        try:
            self.fs, path = url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise ShardError(f"shards: {self.url} cannot be reached: {error}") from error
        self._path = path.rstrip("/")
        self.folder = Path(self._path) if isinstance(self.fs, LocalFileSystem) else None

    def path(self, name: str) -> str:
        """A file of the folder, as its file system calls it."""
        return f"{self._path}/{name}"

    def place(self, name: str) -> str:
        """A file of the folder, for people."""
        return f"{self.url}/{name}"

    def sizes(self) -> dict[str, int]:
        """Names and sizes of the files that are there; empty when the folder is missing.

        Raises:
            ShardError: it cannot be listed.
        """
        try:
            self.fs.invalidate_cache()
            found = self.fs.ls(self._path, detail=True)
        except FileNotFoundError:
            return {}
        except Exception as error:
            raise self._unreachable("listed", error) from error
        return {entry["name"].rpartition("/")[2]: entry["size"] for entry in found if entry["type"] == "file"}

    def read(self, names: list[str]) -> dict[str, bytes]:
        """Small files, at once where the file system can.

        Raises:
            ShardError: one cannot be read.
        """
        try:
            # Not `cat`, which takes brackets in a folder's name for a pattern.
            found = self.fs.cat_ranges([self.path(name) for name in names], None, None, on_error="raise")
        except Exception as error:
            raise self._unreachable("read", error) from error
        return dict(zip(names, found, strict=True))

    def fetch(self, name: str, target: Path) -> None:
        """Copies a file to this machine; it is complete or not there.

        Raises:
            ShardError: it cannot be read, or the disk is full.
        """
        partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        try:
            self.fs.get_file(self.path(name), str(partial))
            partial.replace(target)
        except Exception as error:
            raise self._unreachable(f"read ({name})", error) from error
        finally:
            partial.unlink(missing_ok=True)

    def publish(self, file: Path, name: str) -> None:
        """Moves a local file there; readers see the whole file or none.

        Raises:
            ShardError: it cannot be written.
        """
        try:
            if self.folder is None:
                self.fs.put_file(str(file), self.path(name))  # object stores show an object when it is whole
                file.unlink()
            else:
                with file.open("rb+") as opened:
                    os.fsync(opened.fileno())
                file.replace(self.folder / name)
        except Exception as error:
            raise self._unreachable(f"written ({name})", error) from error

    def index(self) -> list[ShardEntry]:
        """The shards that the index names.

        Raises:
            ShardError: there is no index, or it is damaged.
        """
        if INDEX_NAME not in self.sizes():
            raise ShardError(
                f"shards: there is no {INDEX_NAME} in {self.url}; was the export finished? The same command goes on"
            )
        return index_from_json(self.read([INDEX_NAME])[INDEX_NAME], self.place(INDEX_NAME))

    def _unreachable(self, what: str, error: Exception) -> ShardError:
        # File systems of others raise what they like; the person needs to know which place it was.
        return ShardError(f"shards: {self.url} cannot be {what}: {type(error).__name__}: {error}")
