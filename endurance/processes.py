"""The nodes as processes: started, killed and started again, as a launch file's respawn does; deaths are counted."""

from __future__ import annotations

import ctypes
import importlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

MODULES = {
    "capture": "grasp2vec_ros.nodes.capture",
    "trainer": "grasp2vec_ros.nodes.trainer",
    "perception": "grasp2vec_ros.nodes.perception",
    "grasping": "grasp2vec_ros.nodes.grasping",
}
LOG_LINES = 12
_CAPABILITIES_V3 = 0x20080522
_OVERRIDES = ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


def _context() -> multiprocessing.context.BaseContext:
    """Processes are forked from one that has imported what is slow, and has done nothing else yet."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*MODULES.values(), "torch._dynamo", "endurance.peer"])
    return context


CONTEXT = _context()


def be_ordinary() -> None:
    """Ends with the harness, however that ends, and respects file permissions even as root."""
    threading.Thread(target=_end_with_harness, daemon=True).start()
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = (ctypes.c_uint32 * 2)(_CAPABILITIES_V3, 0), (ctypes.c_uint32 * 6)()
    if libc.capget(header, sets) == 0:
        sets[0] &= _OVERRIDES & 0xFFFFFFFF
        libc.capset(header, sets)


def _end_with_harness() -> None:
    # Not the parent in the operating system's sense, which lives as long as its children do.
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os.kill(os.getpid(), signal.SIGKILL)


def _become(module: str, arguments: list[str], log: str, folder: str) -> None:
    os.setpgrp()  # Ctrl-C is for the harness; it stops the nodes itself
    be_ordinary()
    os.chdir(folder)
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(opened, 1)
    os.dup2(opened, 2)
    os.close(opened)
    sys.argv = [module, "--ros-args", *arguments]
    importlib.import_module(module).main()


@dataclass
class Running:
    """A node's process.

    Attributes:
        kind: which node it is.
        parameters: its ROS parameters.
        process: of the operating system.
        began_s: monotonic time of its start.
        expected: its end was asked for.
    """

    kind: str
    parameters: dict
    process: multiprocessing.Process
    began_s: float
    expected: bool = False


@dataclass
class Death:
    """A process that ended although nobody asked it to."""

    node: str
    code: int | None
    log: str


@dataclass
class Processes:
    """All nodes of a run.

    Attributes:
        folder: parameter files and logs; the nodes' working folder.
        deaths: of nodes that ended by themselves.
        kills: how often each node was killed.
    """

    folder: Path
    deaths: list[Death] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=dict)
    _running: dict[str, Running] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self, name: str, parameters: dict, kind: str = "") -> None:
        """Starts a node; under a name of its own when `kind` says which node it is."""
        kind = kind or name
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{name}.yaml"
        file.write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters}}))
        arguments = ["--params-file", str(file), "-r", f"__node:={name}"]
        log = str(self.folder / f"{name}.log")
        process = CONTEXT.Process(
            target=_become, args=(MODULES[kind], arguments, log, str(self.folder)), daemon=True
        )
        process.start()
        with self._lock:
            self._running[name] = Running(kind, parameters, process, time.monotonic())

    def names(self) -> list[str]:
        """Nodes that are meant to run."""
        with self._lock:
            return list(self._running)

    def pid(self, name: str) -> int | None:
        """The process of a node, None when there is none."""
        with self._lock:
            running = self._running.get(name)
        return running.process.pid if running and running.process.is_alive() else None

    def kill(self, name: str) -> None:
        """As a crash or the kernel would; `restart` brings it back."""
        with self._lock:
            running = self._running[name]
            running.expected = True
            self.kills[running.kind] = self.kills.get(running.kind, 0) + 1
        running.process.kill()
        running.process.join()

    def restart(self, name: str) -> None:
        """Starts a node that was killed or has died."""
        with self._lock:
            running = self._running[name]
        self.start(name, running.parameters, running.kind)

    def stop(self, name: str, timeout_s: float = 20.0) -> None:
        """Stops a node as Ctrl-C does; one that does not end, or not with 0, counts as a death."""
        with self._lock:
            running = self._running.pop(name)
            running.expected = True
        self._note_death(name, running) if not running.process.is_alive() else None
        if running.process.is_alive():
            os.kill(running.process.pid, signal.SIGINT)
            running.process.join(timeout_s)
            if running.process.is_alive():
                running.process.kill()
                running.process.join()
            if running.process.exitcode != 0:
                self._note_death(name, running)

    def check(self) -> list[str]:
        """Notes deaths and starts those nodes again; their names."""
        with self._lock:
            dead = [
                (name, running)
                for name, running in self._running.items()
                if not running.expected and not running.process.is_alive()
            ]
            for name, running in dead:
                self._note_death(name, running)
                self.restart(name)
        return [name for name, _ in dead]

    def stop_all(self) -> None:
        """Stops all nodes."""
        for name in self.names():
            self.stop(name)

    def _note_death(self, name: str, running: Running) -> None:
        log = self.folder / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:] if log.is_file() else []
        self.deaths.append(Death(name, running.process.exitcode, "\n".join(lines)))
