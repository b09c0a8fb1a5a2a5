"""Result files: every number with its baselines, how many cases, an interval, and the command that made it."""

from __future__ import annotations

import json
import platform
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from grasp2vec_ros.core.evaluation import Measurement


@dataclass
class Results:
    """Rows of one run.

    Attributes:
        command: what made it.
        seed: of everything random.
    """

    command: str
    seed: int
    rows: list[dict] = field(default_factory=list)
    began_s: float = field(default_factory=time.monotonic)

    def add(self, metric: str, split: str, method: str, measured: Measurement) -> None:
        """Adds a row."""
        row = {
            "metric": metric,
            "split": split,
            "method": method,
            "value": _rounded(measured.value),
            "n": measured.n,
        }
        self.rows.append({**row, "low": _rounded(measured.low), "high": _rounded(measured.high)})

    def of(self, metric: str) -> list[dict]:
        """The rows of one metric."""
        return [row for row in self.rows if row["metric"] == metric]

    def to_dict(self, **more: object) -> dict:
        """The file's content; `more` goes beside the rows."""
        return {
            "command": self.command,
            "commit": commit(),
            "device": device_name(),
            "seed": self.seed,
            "seconds": round(time.monotonic() - self.began_s, 1),
            **more,
            "rows": self.rows,
        }

    def write(self, file: Path, **more: object) -> None:
        """Writes the file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.to_dict(**more), indent=1) + "\n")


def _rounded(value: float) -> float | None:
    return None if value != value else round(float(value), 4)


def commit() -> str:
    """The commit of the source tree, "unknown" outside a checkout."""
    folder = Path(__file__).parent
    try:
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def device_name() -> str:
    """The machine in words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} threads, {platform.machine()}"
