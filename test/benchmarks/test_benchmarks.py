"""Every benchmark runs in its smallest setting and writes results of the agreed shape."""

import json
import math
import subprocess
import sys

import pytest

from benchmarks.registry import BENCHMARKS

FIELDS = {"metric", "split", "method", "value", "n", "low", "high"}
# What each is for must be among its rows.
MUST = {
    "conversions": {"conversion_ratio"},
    "store": {"store_write_ratio", "store_read_ratio"},
    "training": {"training_steps_per_second_ratio"},
    "engines": {"engine_milliseconds"},
    "perception": {
        "heatmap_ratio", "heatmap_added_milliseconds", "reward_ratio", "reward_added_milliseconds",
        "heatmap_while_training_ratio",
    },
    "processes": {"heatmap_while_training_ratio", "training_steps_per_second"},
    "overload": {"frame_age_ratio"},
    "capture": {"camera_frames_received_ratio", "attempts_stored_ratio"},
    "simulation": {"cell_attempt_ratio", "cell_attempts_per_second"},
    "semgrasp": {"semgrasp_tokens_and_hand_ratio"},
    "ik": {"ik_reached", "ik_milliseconds"},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda benchmark: benchmark.name)
def test_the_smallest_setting(benchmark, tmp_path) -> None:
    if why_not := benchmark.why_not():
        pytest.skip(why_not)
    output = tmp_path / "result.json"
    command = [
        sys.executable,
        "-m",
        f"benchmarks.{benchmark.name}",
        *benchmark.smallest,
        "--output",
        str(output),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=850)
    assert done.returncode == 0, done.stderr[-3000:]
    content = json.loads(output.read_text())
    assert {"command", "commit", "device", "seed", "seconds", "rows"} <= set(content)
    assert content["command"].startswith(f"python -m benchmarks.{benchmark.name}")
    assert MUST.get(benchmark.name, set()) <= {found["metric"] for found in content["rows"]}
    for found in content["rows"]:
        assert set(found) == FIELDS
        assert found["value"] is None or math.isfinite(found["value"])
        if found["metric"].endswith(("_ratio", "_milliseconds")) and "added" not in found["metric"]:
            assert found["value"] > 0 and found["n"] > 0, found
            assert found["low"] <= found["value"] <= found["high"], found
