"""One round of benchmarks, one after the other; a round that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.registry import Benchmark
from grasp2vec_ros.core.results import commit

LONGEST_S = 3600.0
LOG_LINES = 15


class Unfinished:
    """Which benchmarks of a round are done, in a file that is there only while some are not.

    Args:
        file: where to.
        kind: rounds of another kind or commit do not count.
    """

    def __init__(self, file: Path, kind: str) -> None:
        self.file, self._mark = file, {"commit": commit(), "kind": kind}
        self.done: list[str] = []
        try:
            kept = json.loads(file.read_text())
            if kept["round"] == self._mark:
                self.done = [str(name) for name in kept["done"]]
        except (OSError, ValueError, KeyError, TypeError):
            pass  # no round was interrupted, or what is left of it cannot be used: all is measured

    def note(self, name: str) -> None:
        """A benchmark is done."""
        self.done.append(name)
        self.file.parent.mkdir(parents=True, exist_ok=True)
        partial = self.file.with_suffix(".partial")
        partial.write_text(json.dumps({"round": self._mark, "done": self.done}))
        partial.rename(self.file)

    def end(self) -> None:
        """The round is over."""
        self.file.unlink(missing_ok=True)


@dataclass(frozen=True)
class Outcome:
    """How a benchmark ended.

    Attributes:
        name: of the benchmark.
        problem: why there is no result; empty when there is one.
        skipped: it cannot run here, which is no failure.
    """

    name: str
    problem: str = ""
    skipped: bool = False


def run_one(
    benchmark: Benchmark,
    folder: Path,
    smallest: bool,
    on_wait: Callable[[], object],
    longest_s: float = LONGEST_S,
) -> Outcome:
    """Runs a benchmark in a process of its own; its output goes to `<folder>/log/<name>.log`.

    The load of the machine before and after, a number of waiting processes over the last minute, goes into its file.
    """
    why_not = benchmark.why_not()
    if why_not:
        return Outcome(benchmark.name, why_not, skipped=True)
    result, log = folder / f"{benchmark.name}.json", folder / "log" / f"{benchmark.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    arguments = benchmark.smallest if smallest else benchmark.arguments
    command = [sys.executable, "-m", f"benchmarks.{benchmark.name}", *arguments, "--output", str(result)]
    before, began_s = os.getloadavg()[0], time.monotonic()
    with log.open("wb") as stream:
        # A session of its own, so that the nodes it starts can be ended with it.
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            while process.poll() is None:
                if time.monotonic() - began_s > longest_s:
                    return Outcome(benchmark.name, f"did not end within {longest_s:.0f} s; see {log}")
                on_wait()
                time.sleep(0.2)
        finally:
            if process.poll() is None:
                end_session(process)
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        return Outcome(benchmark.name, f"ended with code {process.returncode}; {log} ends with:\n{tail}")
    note_load(result, before)
    return Outcome(benchmark.name)


def note_load(file: Path, before: float) -> None:
    """Adds the machine's load to a result file."""
    content = json.loads(file.read_text())
    rows = content.pop("rows")
    content["load_average"] = {"before": round(before, 2), "after": round(os.getloadavg()[0], 2)}
    content["cores"] = os.cpu_count()
    file.write_text(json.dumps({**content, "rows": rows}, indent=1) + "\n")


def end_session(process: subprocess.Popen) -> None:
    """Ends a process and all that it started: as Ctrl-C first, by force when that does not help."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(20.0)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
