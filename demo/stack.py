"""Starts the nodes as an operator would, each in a process of its own, and stops them again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import yaml

MODULES = {
    "cell": "grasp_cell.node",
    "capture": "grasp2vec_ros.nodes.capture",
    "trainer": "grasp2vec_ros.nodes.trainer",
    "perception": "grasp2vec_ros.nodes.perception",
    "grasping": "grasp2vec_ros.nodes.grasping",
}


class NodeDiedError(RuntimeError):
    """A node's process ended although nobody asked it to; the message holds the end of its log."""


@dataclass
class Stack:
    """The processes of one demonstration.

    Attributes:
        folder: where logs and parameter files go.
        threads: CPU threads that each node's numerical libraries may use.
    """

    folder: Path
    threads: int = 1
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self, node: str, parameters: dict, low_priority: bool = False) -> None:
        """Starts a node with the given ROS parameters; its output goes to `<folder>/<node>.log`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        parameter_file = self.folder / f"{node}.yaml"
        parameter_file.write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters}}))
        arguments = ["--ros-args", "--params-file", str(parameter_file)]
        command = [sys.executable, "-m", MODULES[node], *arguments]
        if low_priority:
            command = ["nice", "-n", "5", *command]
        with (self.folder / f"{node}.log").open("ab") as log:
            self.processes[node] = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": str(self.threads)},
            )

    def check(self) -> None:
        """Raises NodeDiedError when a node's process has ended."""
        for node, process in self.processes.items():
            if process.poll() is not None:
                log = (self.folder / f"{node}.log").read_text(errors="replace").splitlines()[-15:]
                raise NodeDiedError(
                    f"node `{node}` ended with code {process.returncode}; its log ends with:\n"
                    + "\n".join(log)
                )

    def stop(self, node: str, timeout_s: float = 15.0) -> int:
        """Stops a node as Ctrl-C would and returns its exit code; kills it when it does not stop in time."""
        process = self.processes.pop(node)
        process.send_signal(signal.SIGINT)
        try:
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill_all(self) -> None:
        """Ends every process at once, as a power failure would."""
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.wait()
        self.processes.clear()

    def stop_all(self) -> dict[str, int]:
        """Stops every node and returns the exit codes by name."""
        for process in self.processes.values():
            process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + 15.0
        codes = {}
        for node in list(self.processes):
            process = self.processes.pop(node)
            try:
                codes[node] = process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                codes[node] = process.wait()
        return codes
