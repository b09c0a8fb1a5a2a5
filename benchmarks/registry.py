"""All benchmarks, in the order in which `python -m benchmarks` runs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

GRASPS = Path("out/semgrasp/grasps")


@dataclass(frozen=True)
class Benchmark:
    """A module that can be run by itself and writes a result file.

    Attributes:
        name: of the module under `benchmarks`, and of the result file.
        about: what it measures, for people.
        seconds: how long it takes on two quiet cores.
        arguments: of the usual run.
        smallest: of the shortest run that still measures everything, for tests.
        needs: a file or folder without which it cannot run, and the command that makes it.
    """

    name: str
    about: str
    seconds: float
    arguments: tuple[str, ...] = ()
    smallest: tuple[str, ...] = ()
    needs: tuple[Path, str] | None = None

    def why_not(self) -> str:
        """Why it cannot run here; empty when it can."""
        if self.needs is None or self.needs[0].exists():
            return ""
        return f"{self.needs[0]} is not there; make it with `{self.needs[1]}`"


_GRASPS = (GRASPS, "make grasps")

BENCHMARKS = (
    Benchmark("conversions", "image messages to arrays", 5, (), ("--rounds", "3")),
    Benchmark("store", "experience written and read", 15, (), ("--attempts", "3", "--reads", "4")),
    Benchmark("training", "steps of the online trainer", 30, (), ("--rounds", "2", "--attempts", "12")),
    Benchmark("engines", "inference engines for the encoders", 60, (), ("--rounds", "2")),
    Benchmark(
        "perception",
        "from an image to its heatmap, from an attempt to its reward, both while training",
        75,
        (),
        ("--frames", "3", "--training-frames", "3", "--attempts", "12"),
    ),
    Benchmark(
        "processes",
        "perception and trainer in a process each, or both in one",
        60,
        (),
        ("--rounds", "1", "--frames", "3", "--attempts", "12"),
    ),
    Benchmark(
        "overload", "age of frames when there are too many", 35, (), ("--rounds", "1", "--seconds", "3")
    ),
    Benchmark("capture", "two cameras at 30 Hz", 30, (), ("--seconds", "4")),
    Benchmark("simulation", "attempts in the simulated cell", 30, (), ("--attempts", "2")),
    Benchmark("semgrasp", "from words and points to hands", 60, (), ("--rounds", "1", "--candidates", "2")),
    Benchmark("ik", "joints for poses", 60, ("--poses", "150"), ("--poses", "2")),
    Benchmark("jaw", "human grasps to a parallel jaw", 60, ("--count", "20"), ("--count", "1"), _GRASPS),
    Benchmark(
        "allegro",
        "hands and keypoints to the Allegro hand",
        60,
        ("--frames", "200", "--count", "15"),
        ("--frames", "20", "--count", "1"),
        _GRASPS,
    ),
)


def chosen(names: list[str]) -> list[Benchmark]:
    """The benchmarks of these names, in their usual order; all when there are none.

    Raises:
        ValueError: one is unknown.
    """
    known = [benchmark.name for benchmark in BENCHMARKS]
    for name in names:
        if name not in known:
            raise ValueError(f"--only: {name!r} is unknown; use some of {', '.join(known)}")
    return [benchmark for benchmark in BENCHMARKS if not names or benchmark.name in names]
