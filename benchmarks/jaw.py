"""How often a human grasp of a held-out object becomes a grasp of a parallel jaw: `python -m benchmarks.jaw`."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.data.dataset import object_cloud, object_view
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.household import HouseholdObject, make_object
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.metrics.intervals import mean_by_object
from semgrasp_ros.core.metrics.solid import Solid
from semgrasp_ros.core.objects.clouds import Cloud
from semgrasp_ros.core.retarget.jaw import JawGrasp, NoJawGraspError, retarget_to_jaw
from semgrasp_ros.core.retarget.jaw_antipodal import antipodal_grasps
from semgrasp_ros.core.retarget.jaw_truth import true_hold
from semgrasp_ros.core.retarget.robots import ParallelGripper, load_robot

VIEWS = 3


@dataclass(frozen=True)
class Case:
    """A human grasp of an object."""

    grasp: Grasp
    thing: HouseholdObject
    vertices: np.ndarray
    solid: Solid
    clouds: dict[str, Cloud]


def chosen(folder: GraspFolder, count: int, seed: int) -> list[Grasp]:
    """Grasps of instance 0 of every family, families in turn."""
    rng = np.random.default_rng(seed)
    pools = [list(folder.grasps([pair])) for pair in folder.objects() if pair[1] == 0]
    pools = [[pool[row] for row in rng.permutation(len(pool))] for pool in pools if pool]
    rounds = range(max(map(len, pools)))
    return [pool[turn] for turn in rounds for pool in pools if turn < len(pool)][:count]


Method = Callable[[Case, Cloud], list[JawGrasp]]


def cases(grasps: list[Grasp]) -> list[Case]:
    """The hands that grasp, and what they grasp."""
    hand, found = load_hand(), []
    for number, grasp in enumerate(grasps):
        thing = make_object(grasp.family, grasp.instance)
        wrist = torch.from_numpy(grasp.wrist)[None].float()
        arrays = (
            torch.from_numpy(np.asarray(a, np.float32))[None] for a in (grasp.joint_rotations, grasp.shape)
        )
        with torch.no_grad():
            vertices = hand(wrist, *arrays).vertices[0].numpy()
        pair = grasp.family, grasp.instance
        clouds = {"whole": object_cloud(*pair), "single_view": object_view(*pair, number % VIEWS)}
        found.append(Case(grasp, thing, vertices, Solid.of(thing.mesh), clouds))
    return found


def measure(
    chosen_cases: list[Case], kind: str, name: str, method: Method, gripper: ParallelGripper, results: Results
) -> Counter[str]:
    """Adds the rows of one method on one kind of cloud; returns why it failed."""
    feasible, holds, holds_of_five, on_part, widths, angles, seconds = ([] for _ in range(7))
    owners = [case.grasp.family for case in chosen_cases]
    reasons: Counter[str] = Counter()
    for case in tqdm(chosen_cases, desc=f"{kind}, {name}", unit="grasp", mininterval=5.0):
        began = time.perf_counter()
        try:
            found = method(case, case.clouds[kind])
        except NoJawGraspError as error:
            found = []
            reasons[f"none feasible: {max(error.counts, key=error.counts.get)}"] += 1
        seconds.append(time.perf_counter() - began)
        feasible.append(bool(found))
        truths = [true_hold(case.solid, grasp, gripper) for grasp in found[:5]]
        holds.append(bool(truths) and truths[0].holds)
        holds_of_five.append(any(truth.holds for truth in truths))
        parts = case.thing.face_parts[truths[0].faces] if truths else []
        held = [part.name for part in case.thing.parts].index(case.grasp.part)
        on_part.append(holds[-1] and held in parts)
        if truths and truths[0].reason:
            reasons[f"truly {truths[0].reason}"] += 1
        if truths and np.isfinite(truths[0].width_m):
            widths.append(abs(truths[0].width_m - found[0].width_m) * 1e3)
        if found and "approach_rad" in found[0].scores:
            angles.append(np.degrees(found[0].scores["approach_rad"]))
    for metric, values in (
        ("jaw_feasible", feasible),
        ("jaw_holds_true_object", holds),
        ("jaw_holds_one_of_best_five", holds_of_five),
        ("jaw_holds_by_held_part", on_part),
    ):
        results.add(metric, kind, name, mean_by_object(np.array(values), owners))
    for metric, values in (
        ("width_error_mm_median", widths),
        ("approach_deviation_deg_median", angles),
        ("seconds_median", seconds),
    ):
        if values:
            low, value, high = np.percentile(values, [5, 50, 95])
            results.add(metric, kind, name, Measurement(float(value), len(values), float(low), float(high)))
    return reasons


def methods(gripper: ParallelGripper, seed: int) -> dict[str, Method]:
    """Ours and the baselines."""
    regions = load_hand().regions.numpy()

    def ours(case: Case, cloud: Cloud, eye: np.ndarray | None) -> list[JawGrasp]:
        return retarget_to_jaw(
            case.vertices, regions, cloud.points, cloud.normals, gripper,
            wrist=case.grasp.wrist[:3, 3], eye=eye, seed=seed,
        )  # fmt: skip

    return {
        "ours": lambda case, cloud: ours(case, cloud, cloud.eye),
        "ours, camera unknown": lambda case, cloud: ours(case, cloud, None),
        "antipodal, without the hand": lambda case, cloud: antipodal_grasps(
            cloud.points, cloud.normals, gripper, seed=seed
        ),
    }


def main() -> None:
    """Measures whole and single-view clouds; rows of medians give the 5th and 95th percentile as low and high."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jaw", description=main.__doc__)
    parser.add_argument("--grasps", type=Path, default=Path("out/semgrasp/grasps"))
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--robot", default="panda")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("out/bench/jaw.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(
        f"python -m benchmarks.jaw --robot {options.robot} --count {options.count}", options.seed
    )
    gripper = load_robot(options.robot).gripper
    chosen_cases = cases(chosen(GraspFolder(options.grasps), options.count, options.seed))
    reasons = {}
    for kind in ("whole", "single_view"):
        for name, method in methods(gripper, options.seed).items():
            if kind == "whole" and name == "ours, camera unknown":
                continue
            reasons[f"{kind}, {name}"] = dict(measure(chosen_cases, kind, name, method, gripper, results))
    results.write(options.output, reasons_of_failure=reasons)
    for row in results.rows:
        print(
            row["metric"],
            row["split"],
            row["method"],
            row["value"],
            f"[{row['low']}, {row['high']}]",
            row["n"],
        )
    print(reasons)


if __name__ == "__main__":
    main()
