"""The short form of `make soak`: every fault once, and nothing lost."""

import json
import subprocess
import sys

import pytest

from endurance.faults import all_faults
from endurance.outcome import MUST_BE_ZERO


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_fault_once_and_nothing_is_lost(tmp_path):
    command = [sys.executable, "-m", "endurance", "--minutes", "0.5", "--requests", "120", "--output", "soak"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=850, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    content = json.loads((tmp_path / "soak/soak.json").read_text())
    counts = {row["metric"]: row["value"] for row in content["rows"]}
    assert content["finished"] and {name: counts[name] for name in MUST_BE_ZERO} == dict.fromkeys(
        MUST_BE_ZERO, 0
    )
    assert {fault["name"] for fault in content["faults"]} == {fault.name for fault in all_faults(1)}
    assert counts["malformed_requests"] >= 120 and counts["kills"] >= 7
    assert counts["acknowledged_experiences"] > 10 and counts["models_taken_over"] > 1
    assert (tmp_path / "soak/soak.png").stat().st_size > 10_000
