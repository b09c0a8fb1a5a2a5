"""Attempts in the simulated cell, beside its bare physics and rendering: `python -m benchmarks.simulation`."""

from __future__ import annotations

import time
from copy import copy

import mujoco
import numpy as np

from benchmarks.ratio import median
from benchmarks.report import add_comparison, finish, options
from grasp2vec_ros.core.grasp_anything import GraspAnythingConfig, plan_grasps
from grasp_cell.cell import Cell
from grasp_cell.config import CellConfig


def one_attempt(cell: Cell, rng: np.random.Generator) -> None:
    """Looks, plans, grasps, looks at what is held, puts it back and looks again, as the collector does."""
    pre, camera = cell.scene_frame(), cell.scene_camera
    plans = plan_grasps(pre.depth_m, camera.intrinsics, camera.base_from_camera, GraspAnythingConfig(), rng)
    outcome = "empty"
    for plan in plans[:5]:
        outcome = cell.execute_grasp(plan.base_from_tcp, plan.opening_m).outcome
        if outcome != "unreachable":
            break
    cell.held_frame()
    cell.scene_frame()
    if outcome == "ok":
        cell.release()


def main() -> None:
    """Makes attempts; the reference steps the same scene as often and renders as many images."""
    chosen, results = options("simulation", main.__doc__, attempts=20)
    cell, rng = Cell(CellConfig()), np.random.default_rng(chosen.seed)
    ours, bare, simulated = [], [], []
    for number in range(chosen.attempts + 1):
        if number % 10 == 1:
            cell.reset_scene(int(rng.integers(2**31)))
        start, from_s = copy(cell.data), cell.data.time
        began_s = time.perf_counter()
        one_attempt(cell, rng)
        took_s = time.perf_counter() - began_s
        lasted_s = cell.data.time - from_s
        steps = round(lasted_s / cell.model.opt.timestep)
        began_s = time.perf_counter()
        mujoco.mj_step(cell.model, start, nstep=max(1, steps))
        cell.scene_frame()
        cell.held_frame()
        cell.scene_frame()
        if number:  # the first one loads and compiles
            ours.append(took_s)
            bare.append(time.perf_counter() - began_s)
            simulated.append(lasted_s / took_s)
    cell.close()
    seconds = {"ours": np.array(ours), "bare_physics_and_rendering": np.array(bare)}
    add_comparison(results, "cell_attempt", "toys_seen", seconds)
    results.add("cell_attempts_per_second", "toys_seen", "ours", median(1 / seconds["ours"]))
    results.add("cell_simulated_seconds_per_second", "toys_seen", "ours", median(np.array(simulated)))
    finish(results, chosen.output)


if __name__ == "__main__":
    main()
