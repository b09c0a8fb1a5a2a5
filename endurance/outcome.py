"""What a run found: counts that must be 0, a result file, and a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from endurance.samples import Fit, fits
from endurance.soak import NODES, Soak
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results

MUST_BE_ZERO = (
    "acknowledged_experiences_lost",
    "corrupt_checkpoints_loaded",
    "nodes_that_died",
    "unanswered_requests",
    "faults_not_recovered_from",
    "rising_lines",
)


@dataclass
class Happened:
    """A fault that was inflicted, in seconds since the beginning."""

    name: str
    at_s: float
    seconds: float


@dataclass
class Outcome:
    """Faults so far and what they did.

    Attributes:
        faults: in their order.
        settled_s: when the last fault that ends processes was over.
    """

    faults: list[Happened] = field(default_factory=list)
    settled_s: float = 0.0

    def lines(self, soak: Soak) -> list[Fit]:
        """Lines of memory, threads and handles."""
        return fits(soak.sampler.series(), list(NODES))

    def counts(self, soak: Soak) -> dict[str, int]:
        """Everything that is counted."""
        lines = self.lines(soak)
        asked = soak.operator.counts
        return {
            "acknowledged_experiences_lost": len(soak.ledger.lost(soak.store)),
            "corrupt_checkpoints_loaded": len(soak.corrupt),
            "nodes_that_died": len(soak.processes.deaths),
            "unanswered_requests": len(asked.unanswered),
            "faults_not_recovered_from": len(soak.unrecovered),
            "rising_lines": sum(line.judged and not line.flat for line in lines),
            "acknowledged_experiences": soak.ledger.count(soak.store),
            "requests": asked.asked,
            "requests_to_killed_nodes": asked.excused,
            "malformed_requests": sum(soak.malformed.sent.values()),
            "kills": sum(soak.processes.kills.values()),
            "faults": len(self.faults),
            "camera_images": 2 * soak.world.frames,
            "models_taken_over": len(dict.fromkeys(soak.operator.models)),
            "checkpoints_saved_or_resumed": len(soak.operator.trained),
            **soak.work.done,
        }

    def write(self, soak: Soak, results: Results, file: Path, finished: bool) -> dict[str, int]:
        """Writes everything that is known, and returns the counts."""
        counts, lines = self.counts(soak), self.lines(soak)
        results.rows.clear()
        for name, value in counts.items():
            results.add(name, "soak", "ours", Measurement(value, counts["requests"], value, value))
        results.write(
            file,
            finished=finished,
            full_disk=soak.disk.kind,
            settled_s=round(self.settled_s, 1),
            faults=[asdict(one) for one in self.faults],
            lines=[{**asdict(line), "flat": line.flat} for line in lines],
            wrong={
                "lost": soak.ledger.lost(soak.store)[:20],
                "corrupt": soak.corrupt[:20],
                "deaths": [asdict(one) for one in soak.processes.deaths[:20]],
                "unanswered": soak.operator.counts.unanswered[:20],
                "unrecovered": soak.unrecovered[:20],
            },
            malformed=soak.malformed.sent,
            series=[
                {"node": name, "pid": pid, **asdict(one)}
                for (name, pid), one in soak.sampler.series().items()
            ],
        )
        return counts
