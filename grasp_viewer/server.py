"""Rerun's server for browsers, as a process of its own that only this machine can reach.

The server inside Rerun's Python library listens on all of the machine's addresses; its program can be told not to.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

ADDRESS = "127.0.0.1"
START_WITHIN_S = 20.0
HOW_TO_INSTALL = "rerun-sdk is not installed; install it with: pip install -c constraints.txt rerun-sdk"


class ServerError(RuntimeError):
    """The server does not run; the text says what to do."""


class Server:
    """Serves a page and its data until it is closed.

    Args:
        web_port: of the page.
        data_port: of the data.
        memory_mb: what is kept for browsers that come late [MiB].

    Attributes:
        data_url: where to send data to.
        page_url: for people.

    Raises:
        ServerError: Rerun is not installed, a port is taken, or the program ended.
    """

    def __init__(self, web_port: int, data_port: int, memory_mb: int) -> None:
        program = _program()
        for name, port in (("web_port", web_port), ("data_port", data_port)):
            if _answers(port):
                raise ServerError(f"{name}: {port} is taken, perhaps by another viewer; choose another one")
        self.data_url = f"rerun+http://localhost:{data_port}/proxy"
        self.page_url = f"http://localhost:{web_port}?url={quote(self.data_url, safe='')}"
        # Settings of its own, in which usage statistics are off.
        self._folder = tempfile.TemporaryDirectory(prefix="semantic_grasping_viewer_")
        environment = {**os.environ, "XDG_CONFIG_HOME": self._folder.name, "RUST_LOG": "warn"}
        subprocess.run([program, "analytics", "disable"], env=environment, capture_output=True, check=False)
        words = ["--serve-web", "--bind", ADDRESS, "--port", data_port, "--web-viewer-port", web_port]
        words += ["--memory-limit", f"{memory_mb}MiB", "--newest-first"]
        self._log = Path(self._folder.name, "log")
        with self._log.open("wb") as log:
            # Ctrl-C is for the node, which then ends the server.
            self._process = subprocess.Popen(
                [program, *map(str, words)], env=environment, stdout=log, stderr=log, start_new_session=True
            )
        self._wait_for((web_port, data_port))

    @property
    def running(self) -> bool:
        """Whether the program has not ended."""
        return self._process.poll() is None

    def close(self) -> None:
        """Ends the program."""
        self._process.terminate()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def _wait_for(self, ports: tuple[int, int]) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while not all(map(_answers, ports)):
            if not self.running or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace").strip()[-500:]
                self.close()
                raise ServerError(f"Rerun's server does not run: {said or 'it did not answer in time'}")
            time.sleep(0.05)


def _program() -> Path:
    found = importlib.util.find_spec("rerun_cli")
    if found is None or found.origin is None:
        raise ServerError(HOW_TO_INSTALL)
    return Path(found.origin).parent / "rerun"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((ADDRESS, port)) == 0
