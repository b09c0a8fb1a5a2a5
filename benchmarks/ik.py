"""How often and how fast arms find joints for poses, beside mink where it is installed: `python -m benchmarks.ik`."""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from grasp2vec_ros.core import evaluation
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.retarget.ik import ArmKinematics, IkConfig
from semgrasp_ros.core.retarget.robot_model import pose
from semgrasp_ros.core.retarget.robots import load_robot

Solver = Callable[[np.ndarray], np.ndarray]  # target (4, 4) to the best joints found
RESTARTS = 20


def ours(arm: ArmKinematics) -> Solver:
    """The project's own solver from the home pose."""
    return lambda target: arm.solve(target, restarts=RESTARTS).q


def mink_solver(arm: ArmKinematics, restarts: int) -> Solver:
    """Mink on the simulated Panda: the same starts, iterations and tolerances; needs the packages mink and daqp."""
    import mink

    from grasp_cell.arm import READY_RAD, TOOL_BODY, arm_spec

    config, model = IkConfig(), arm_spec().compile()
    joints = len(READY_RAD)
    configuration = mink.Configuration(model)
    task = mink.FrameTask(TOOL_BODY, "body", position_cost=1.0, orientation_cost=1.0, lm_damping=0.1)
    limits = [mink.ConfigurationLimit(model)]
    tool = arm.robot.tool
    tool_from_frame = pose(tool.translation_m, tool.rpy_rad).inverse().homogeneous

    def start(values: np.ndarray) -> None:
        q = np.zeros(model.nq)
        q[:joints] = values
        configuration.update(q)

    def converged() -> bool:
        error = task.compute_error(configuration)
        return (
            np.linalg.norm(error[:3]) < 0.9 * config.position_tolerance_m
            and np.linalg.norm(error[3:]) < 0.9 * config.rotation_tolerance_rad
        )

    def solve(target: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(0)
        task.set_target(mink.SE3.from_matrix(target @ tool_from_frame))
        start(arm.home_rad)
        for _ in range(restarts + 1):
            for _ in range(config.iterations):
                if converged():
                    return configuration.q[:joints].copy()
                try:
                    velocity = mink.solve_ik(configuration, [task], 1.0, "daqp", damping=1e-6, limits=limits)
                except mink.MinkError:
                    break
                configuration.integrate_inplace(velocity, 1.0)
            start(rng.uniform(arm.lower_rad, arm.upper_rad))
        return configuration.q[:joints].copy()

    return solve


def measure(
    arm: ArmKinematics, solve: Solver, targets: list[np.ndarray], label: str
) -> tuple[np.ndarray, ...]:
    """Which targets are reached within limits, all judged by the same forward kinematics, and the seconds of each."""
    config, reached, seconds = IkConfig(), [], []
    for target in tqdm(targets, desc=label, unit="pose", mininterval=2.0):
        began = time.perf_counter()
        q = solve(target)
        seconds.append(time.perf_counter() - began)
        got = arm.forward(q)
        cosine = (np.trace(got[:3, :3].T @ target[:3, :3]) - 1) / 2
        reached.append(
            np.linalg.norm(got[:3, 3] - target[:3, 3]) <= config.position_tolerance_m
            and np.arccos(np.clip(cosine, -1, 1)) <= config.rotation_tolerance_rad
            and bool(np.all((q >= arm.lower_rad - 1e-6) & (q <= arm.upper_rad + 1e-6)))
        )
    return np.array(reached), np.array(seconds)


def main() -> None:
    """Measures poses of random joint values, so that all can be reached."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ik", description=main.__doc__)
    parser.add_argument("--poses", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("out/bench/ik.json"))
    options = parser.parse_args()
    results = Results(f"python -m benchmarks.ik --poses {options.poses}", options.seed)
    for name in ("panda", "ur5_jaw85"):
        arm, rng = ArmKinematics(load_robot(name)), np.random.default_rng(options.seed)
        joints = rng.uniform(arm.lower_rad, arm.upper_rad, (options.poses, len(arm.lower_rad)))
        targets = [arm.forward(q) for q in joints]
        methods = {"ours": ours(arm)}
        if name == "panda" and all(importlib.util.find_spec(module) for module in ("mink", "daqp")):
            methods[f"mink, {RESTARTS} restarts"] = mink_solver(arm, RESTARTS)
            methods["mink, no restarts"] = mink_solver(arm, 0)
        for method, solve in methods.items():
            reached, seconds = measure(arm, solve, targets, f"{name}, {method}")
            results.add("ik_reached", name, method, evaluation.proportion(reached))
            milliseconds, spread = seconds.mean() * 1e3, 1.96e3 * seconds.std() / np.sqrt(len(seconds))
            within = Measurement(milliseconds, len(seconds), milliseconds - spread, milliseconds + spread)
            results.add("ik_milliseconds", name, method, within)
            print(f"{name}, {method}: {reached.mean():.1%} reached, {milliseconds:.2f} ms on average")
    results.write(options.output)


if __name__ == "__main__":
    main()
