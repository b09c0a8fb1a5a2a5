"""How often and how fast grasps on a table become motions: `python -m benchmarks.plan`."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grasp2vec_ros.core import evaluation
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.retarget.collision import Box, Cloud, RobotCollision, open_gripper, table
from semgrasp_ros.core.retarget.ik import ArmKinematics
from semgrasp_ros.core.retarget.jaw_types import JawGrasp
from semgrasp_ros.core.retarget.plan import jaw_candidate, plan_grasp
from semgrasp_ros.core.retarget.robots import Robot, load_robot


def scene(rng: np.random.Generator, neighbours: int) -> tuple[list[Box | Cloud], list[JawGrasp]]:
    """A block on a table, boxes around it, and grasps of the block from above and aslant, best first."""
    place = np.array([rng.uniform(0.35, 0.6), rng.uniform(-0.3, 0.3), 0.0])
    points = rng.uniform(-0.5, 0.5, (1500, 3)) * (0.04, 0.08, 0.06) + place + (0, 0, 0.032)
    things: list[Box | Cloud] = [table(0.0), Cloud("block", points, grasped=True)]
    for number in range(neighbours):
        angle, away = rng.uniform(0, 2 * np.pi), rng.uniform(0.12, 0.25)
        pose, height = np.eye(4), rng.uniform(0.05, 0.25)
        pose[:3, 3] = place + (away * np.cos(angle), away * np.sin(angle), height / 2 + 0.002)
        things.append(Box(f"neighbour {number}", pose, (0.06, 0.06, height)))
    grasps = []
    for tilt in (0.0, 0.4, -0.4, 0.8, -0.8):
        tool, cos, sin = np.eye(4), np.cos(tilt), np.sin(tilt)
        tool[:3, :3] = np.array([[1, 0, 0], [0, -cos, sin], [0, -sin, -cos]])
        tool[:3, 3] = place + (0, 0, 0.045)
        grasps.append(JawGrasp(tool, 0.04, 0.06, {}, ""))
    return things, grasps


def free_start(robot: Robot, things: list[Box | Cloud], rng: np.random.Generator) -> np.ndarray:
    """Joint values near home that touch nothing."""
    world, arm = RobotCollision(robot, things), ArmKinematics(robot)
    while True:
        q = np.clip(arm.home_rad + rng.uniform(-0.6, 0.6, len(arm.home_rad)), arm.lower_rad, arm.upper_rad)
        if world.touch(q, open_gripper(robot)) is None:
            return q


def main() -> None:
    """Plans among no and among six neighbours; medians have the 5th and 95th percentile as low and high."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan", description=main.__doc__)
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("out/bench/plan.json"))
    options = parser.parse_args()
    results, failures = Results(f"python -m benchmarks.plan --scenes {options.scenes}", options.seed), {}
    for name in ("panda", "ur5_jaw85"):
        robot = load_robot(name)
        for neighbours in (0, 6):
            split, rng = f"{name}, {neighbours} neighbours", np.random.default_rng(options.seed)
            planned, seconds, durations, reasons = [], [], [], Counter()
            for _ in tqdm(range(options.scenes), desc=split, unit="scene", mininterval=2.0):
                things, grasps = scene(rng, neighbours)
                q = free_start(robot, things, rng)
                candidates = [jaw_candidate(grasp, robot.gripper, np.eye(4)) for grasp in grasps]
                began = time.perf_counter()
                found = plan_grasp(robot, candidates, things, q)
                seconds.append(time.perf_counter() - began)
                planned.append(found.succeeded)
                if found.succeeded:
                    durations.append(found.numbers["duration_s"])
                else:
                    reasons[found.reason] += 1
            failures[split] = dict(reasons)
            results.add("motion_planned", split, "ours", evaluation.proportion(np.array(planned)))
            for metric, values in (("plan_seconds_median", seconds), ("motion_seconds_median", durations)):
                if values:
                    low, value, high = np.percentile(values, [5, 50, 95])
                    results.add(
                        metric, split, "ours", Measurement(float(value), len(values), float(low), float(high))
                    )
    results.write(options.output, reasons_of_failure=failures)
    for row in results.rows:
        print(row["metric"], row["split"], row["value"], f"[{row['low']}, {row['high']}]", row["n"])
    print(failures)


if __name__ == "__main__":
    main()
