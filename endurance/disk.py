"""The disk that stores and checkpoints are on: it can be full, and its folders can be read-only."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

SIZE_MB = 512
# Set in the process that has mounts of its own.
MARK = "ENDURANCE_OWN_MOUNTS"


def with_own_mounts() -> None:
    """Begins this program anew where it may mount a small disk that nobody else sees; goes on as it is where it may not."""
    if os.environ.get(MARK) is not None or shutil.which("unshare") is None:
        return
    ways = (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"])
    for way in ways if os.geteuid() == 0 else ways[1:]:
        probe = "mount -t tmpfs none /mnt && umount /mnt"
        if subprocess.run([*way, "sh", "-c", probe], capture_output=True, check=False).returncode == 0:
            os.environ[MARK] = "1"
            sys.stdout.flush()
            os.execvp(way[0], [*way, sys.executable, "-m", "endurance", *sys.argv[1:]])
    os.environ[MARK] = ""


class Disk:
    """A folder on a disk of its own where mounts are allowed; elsewhere a full disk is a limit on the size of files.

    Args:
        folder: made when missing; its content before is gone.

    Attributes:
        mounted: it is a disk of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.mounted = False
        if os.environ.get(MARK):
            command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "none", str(folder)]
            self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0

    @property
    def kind(self) -> str:
        """How it gets full, for people."""
        return f"a disk of {SIZE_MB} MiB" if self.mounted else "a limit on the size of files"

    def fill(self, pids: Iterable[int]) -> None:
        """Leaves no room for any of these processes."""
        if not self.mounted:
            for pid in pids:
                _limit_files(pid, 0)
            return
        with (self.folder / "filler").open("wb", buffering=0) as filler:
            for size in (2**20, 4096, 1):
                try:
                    while True:
                        filler.write(b"\1" * size)
                except OSError:
                    continue

    def free(self, pids: Iterable[int]) -> None:
        """Room again."""
        (self.folder / "filler").unlink(missing_ok=True)
        if not self.mounted:
            for pid in pids:
                _limit_files(pid, resource.RLIM_INFINITY)


def _limit_files(pid: int, size: int) -> None:
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def set_writable(folder: Path, writable: bool) -> None:
    """Makes a folder and its files read-only, or writable again."""
    for path in (*folder.iterdir(), folder) if not writable else (folder, *folder.iterdir()):
        path.chmod((0o755 if writable else 0o555) if path.is_dir() else (0o644 if writable else 0o444))
