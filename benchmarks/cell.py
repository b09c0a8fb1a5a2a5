"""How fast the cell is, and how often its grasps lift something: `python -m benchmarks.cell`."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grasp2vec_ros.core import evaluation
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.grasp_anything import GraspAnythingConfig, plan_grasps
from grasp2vec_ros.core.results import Results
from grasp_cell.cell import Cell
from grasp_cell.config import CellConfig


class Stopwatch:
    """Adds up the time of named parts."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()

    @contextmanager
    def part(self, name: str):
        """Times a block."""
        began = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - began


def run(config: CellConfig, attempts: int, seed: int, label: str) -> tuple[np.ndarray, Stopwatch, float]:
    """Makes attempts with three renders each; returns which lifted, the parts' times and all the time."""
    cell, rng, watch, lifted = Cell(config), np.random.default_rng(seed), Stopwatch(), []
    began = time.perf_counter()
    for number in tqdm(range(attempts), desc=label, unit="attempt", mininterval=2.0):
        if number % 10 == 0:
            with watch.part("new_scene"):
                cell.reset_scene(int(rng.integers(2**31)))
        with watch.part("render"):
            pre = cell.scene_frame()
        camera = cell.scene_camera
        with watch.part("plan"):
            plans = plan_grasps(
                pre.depth_m, camera.intrinsics, camera.base_from_camera, GraspAnythingConfig(), rng
            )
        outcome = "empty"
        with watch.part("motion"):
            for plan in plans[:5]:
                outcome = cell.execute_grasp(plan.base_from_tcp, plan.opening_m).outcome
                if outcome != "unreachable":
                    break
        with watch.part("render"):
            cell.held_frame()
            cell.scene_frame()
        lifted.append(outcome == "ok")
        if outcome == "ok":
            with watch.part("motion"):
                cell.release()
    seconds = time.perf_counter() - began
    cell.close()
    return np.array(lifted), watch, seconds


def main() -> None:
    """Measures toys of both regimes and splits, and a folder of scanned objects when one is given."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cell", description=main.__doc__)
    parser.add_argument("--attempts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--objects-dir", default="", help="folder of meshes to measure too")
    parser.add_argument("--output", type=Path, default=Path("out/bench/cell.json"))
    options = parser.parse_args()
    cases = {
        f"toys_{'' if regime == 'varied' else 'palette_'}{split}": CellConfig(split=split, regime=regime)
        for regime in ("varied", "shared_palette")
        for split in ("seen", "novel")
    }
    if options.objects_dir:
        cases["gso_novel"] = CellConfig(objects_dir=options.objects_dir, split="novel")
    folder = f" --objects-dir {options.objects_dir}" if options.objects_dir else ""
    results = Results(f"python -m benchmarks.cell --attempts {options.attempts}{folder}", options.seed)
    for name, config in cases.items():
        lifted, watch, seconds = run(config, options.attempts, options.seed, name)
        results.add("grasp_lifted", name, "ours", evaluation.proportion(lifted))
        rate = len(lifted) / seconds
        results.add("attempts_per_second", name, "ours", Measurement(rate, len(lifted), rate, rate))
        for part, spent in watch.seconds.items():
            value = spent / len(lifted)
            results.add(
                f"seconds_per_attempt_{part}", name, "ours", Measurement(value, len(lifted), value, value)
            )
        print(f"{name}: {lifted.mean():.1%} lifted, {rate:.2f} attempts a second")
    results.write(options.output)


if __name__ == "__main__":
    main()
