"""What a fleet of robots needs, from what was measured on one machine and assumptions that are named."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results

DAY_S = 86400.0
FLEETS = (1, 100, 1000)


@dataclass(frozen=True)
class Assumptions:
    """What no measurement here can tell.

    Attributes:
        cycle_s: from one attempt to the next, of a real arm that also shows the object to a camera.
        hours_a_day: a robot works.
        looks: how often training looks at an attempt.
        gpu_tflops: arithmetic that a GPU really does while it trains [10^12 a second], a third of a datacentre card's peak
            for float32 in tensor cores.
    """

    cycle_s: float = 30.0
    hours_a_day: float = 16.0
    looks: float = 10.0
    gpu_tflops: float = 50.0


def add_fleet(results: Results, assumed: Assumptions | None = None) -> dict[str, float]:
    """Adds rows for fleets of each size to measured ones.

    Returns:
        The assumptions, by name.
    """
    assumed = assumed or Assumptions()
    for robots in FLEETS:
        for metric, value in _fleet(_measured(results), assumed, robots).items():
            results.add(f"fleet_{metric}", f"{robots}_robots", "model", Measurement(value, 0, value, value))
    return asdict(assumed)


def _measured(results: Results) -> dict[str, float]:
    """What the model uses, all of attempts with images of a camera's size."""
    found = {}
    for row in results.rows:
        if row["split"] in ("640x480_three_views", "1_workers"):
            found[row["metric"]] = row["value"]
        elif row["split"] == "paper_472x472":
            found[f"paper_{row['metric']}"] = row["value"]
    return found


def _fleet(measured: dict[str, float], assumed: Assumptions, robots: int) -> dict[str, float]:
    grasps = robots * assumed.hours_a_day * 3600 / assumed.cycle_s
    stored = grasps * measured["attempt_stored_bytes"]
    sent = grasps * measured["attempt_shard_bytes"]
    looks = grasps * assumed.looks
    gigaflop_an_hour = assumed.gpu_tflops * 1e3 * 3600
    processor_ms = measured["shard_training_processor_milliseconds_per_attempt"]
    return {
        "grasps_a_day": grasps,
        "stored_gigabytes_a_day": stored / 1e9,
        "stored_terabytes_a_year": stored * 365 / 1e12,
        "sent_gigabytes_a_day": sent / 1e9,
        "network_megabits_per_second": 8 * sent / DAY_S / 1e6,
        "export_core_hours_a_day": grasps / measured["shards_export_attempts_per_second"] / 3600,
        "merge_core_hours_a_day": grasps / measured["merge_new_attempts_per_second"] / 3600,
        "training_core_hours_a_day": looks * processor_ms / 1e3 / 3600,
        "training_gpu_hours_a_day": looks * measured["attempt_training_gigaflop"] / gigaflop_an_hour,
        "training_gpu_hours_a_day_paper": looks
        * measured["paper_attempt_training_gigaflop"]
        / gigaflop_an_hour,
    }
