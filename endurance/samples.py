"""Memory, threads and file handles of processes over time, and whether they rise."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

# Below this, a line says nothing about half an hour.
SHORTEST_WINDOW_S = 120.0
# Of the time since a process's last start: caches and pools fill up.
WARM_UP = 1 / 3
LIMITS = {"memory_mb": 16.0, "threads": 2.0, "handles": 4.0}
# A share of what there is, for memory.
LIMIT_SHARE = {"memory_mb": 0.05, "threads": 0.0, "handles": 0.0}


@dataclass
class Series:
    """Samples of one process, each list as long as `at_s`."""

    at_s: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)
    handles: list[int] = field(default_factory=list)


def sample(pid: int) -> tuple[float, int, int] | None:
    """Memory [MiB], threads and file handles of a process; None when it has ended."""
    folder = Path("/proc") / str(pid)
    try:
        status = dict(
            line.split(":", 1) for line in (folder / "status").read_text().splitlines() if ":" in line
        )
        handles = sum(1 for _ in (folder / "fd").iterdir())
        return int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"]), handles
    except (OSError, KeyError):
        return None


class Sampler(threading.Thread):
    """Takes samples of all processes until it is stopped."""

    def __init__(self, pids: Callable[[], dict[str, int]], began_s: float, every_s: float) -> None:
        super().__init__(name="samples", daemon=True)
        self._pids, self._began_s, self._every_s = pids, began_s, every_s
        self._series: dict[tuple[str, int], Series] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def run(self) -> None:
        """The thread."""
        while not self._ended.wait(self._every_s):
            for name, pid in self._pids().items():
                found = sample(pid)
                if found is None:
                    continue
                with self._lock:
                    series = self._series.setdefault((name, pid), Series())
                    series.at_s.append(round(time.monotonic() - self._began_s, 2))
                    for key, value in zip(("memory_mb", "threads", "handles"), found, strict=True):
                        getattr(series, key).append(round(value, 2))

    def series(self) -> dict[tuple[str, int], Series]:
        """What there is so far, by node and process id."""
        with self._lock:
            return {
                key: Series(*(list(values) for values in vars(one).values()))
                for key, one in self._series.items()
            }

    def stop(self) -> None:
        """Takes no more."""
        self._ended.set()
        self.join()


@dataclass(frozen=True)
class Fit:
    """A line through what is left of a series after warming up.

    Attributes:
        node, metric: what.
        window_s: time that the line covers.
        middle: median.
        rise: of the line over the window.
        limit: a rise below it is flat.
        judged: the window is long enough to say so.
    """

    node: str
    metric: str
    window_s: float
    middle: float
    rise: float
    limit: float
    judged: bool

    @property
    def flat(self) -> bool:
        """Whether it stays as it is; a fall is no harm."""
        return self.rise <= self.limit


def fit(node: str, metric: str, at_s: np.ndarray, values: np.ndarray) -> Fit | None:
    """Fits the median of slopes (Theil and Sen), which single peaks do not turn; None for too few samples.

    Args:
        node, metric: names.
        at_s: (n,) ascending.
        values: (n,).
    """
    kept = at_s >= at_s[0] + WARM_UP * (at_s[-1] - at_s[0]) if len(at_s) else np.zeros(0, bool)
    at_s, values = at_s[kept], values[kept]
    if len(at_s) < 5:
        return None
    step = max(1, len(at_s) // 400)  # all pairs of 400 points are enough
    t, v = at_s[::step], values[::step].astype(float)
    first, second = np.triu_indices(len(t), 1)
    apart = t[second] > t[first]
    if not apart.any():
        return None
    first, second = first[apart], second[apart]
    slope = float(np.median((v[second] - v[first]) / (t[second] - t[first])))
    window_s, middle = float(at_s[-1] - at_s[0]), float(np.median(values))
    limit = max(LIMITS[metric], LIMIT_SHARE[metric] * middle)
    return Fit(node, metric, window_s, middle, slope * window_s, limit, window_s >= SHORTEST_WINDOW_S)


def fits(series: dict[tuple[str, int], Series], nodes: list[str]) -> list[Fit]:
    """Lines for the last process of each node."""
    found = []
    for node in nodes:
        own = [one for (name, _), one in series.items() if name == node and one.at_s]
        if not own:
            continue
        last = max(own, key=lambda one: one.at_s[-1])
        for metric in LIMITS:
            line = fit(node, metric, np.array(last.at_s), np.array(getattr(last, metric)))
            if line is not None:
                found.append(line)
    return found
