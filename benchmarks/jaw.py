"""How often a human grasp of a held-out object becomes a grasp of a parallel jaw: `python -m benchmarks.jaw`."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from grasp2vec_ros.core import evaluation
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.data.dataset import object_cloud, object_view
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.household import HouseholdObject, make_object
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.metrics.intervals import mean_by_object
from semgrasp_ros.core.metrics.solid import Solid
from semgrasp_ros.core.retarget.jaw import JawGrasp, JawGripper, NoJawGraspError, retarget_to_jaw


def true_contacts(thing: HouseholdObject, grasp: JawGrasp, gripper: JawGripper) -> tuple[float, list[str]]:
    """What the middles of both pads meet on the true mesh: one ray from each open finger.

    Returns:
        The larger angle between a ray and the normal it meets, pi / 2 where one meets nothing; names of the parts met.
    """
    from open3d import core

    centre = grasp.tool[:3, 3] - grasp.tool[:3, 2] * gripper.pad_length_m / 2
    axis = grasp.tool[:3, 0]
    rays = np.stack([np.r_[centre + s * axis * grasp.opening_m / 2, -s * axis] for s in (1, -1)])
    solid = Solid.of(thing.mesh)
    rays[:, :3] -= solid._middle
    found = solid._scene.cast_rays(core.Tensor(rays.astype(np.float32)))
    hit = found["t_hit"].numpy() < grasp.opening_m
    if not hit.any():
        return np.pi / 2, []
    faces = found["primitive_ids"].numpy()[hit].astype(int)
    cosine = -(thing.mesh.face_normals[faces] * rays[hit, 3:]).sum(axis=1)
    parts = [thing.parts[index].name for index in thing.face_parts[faces]]
    return (float(np.arccos(np.clip(cosine.min(), -1, 1))) if hit.all() else np.pi / 2), parts


def chosen(folder: GraspFolder, count: int, seed: int) -> list[Grasp]:
    """Grasps of instance 0 of every family, families in turn."""
    rng = np.random.default_rng(seed)
    pools = [list(folder.grasps([pair])) for pair in folder.objects() if pair[1] == 0]
    pools = [[pool[row] for row in rng.permutation(len(pool))] for pool in pools if pool]
    rounds = range(max(map(len, pools)))
    return [pool[turn] for turn in rounds for pool in pools if turn < len(pool)][:count]


def measure(grasps: list[Grasp], kind: str, gripper: JawGripper, seed: int, results: Results) -> Counter[str]:
    """Adds the rows of one kind of cloud, whole or single_view; returns why others failed."""
    hand = load_hand()
    regions = hand.regions.numpy()
    feasible, on_part, quality, angles, seconds, owners = [], [], [], [], [], []
    reasons: Counter[str] = Counter()
    for number, grasp in enumerate(tqdm(grasps, desc=kind, unit="grasp", mininterval=5.0)):
        thing = make_object(grasp.family, grasp.instance)
        pair = grasp.family, grasp.instance
        cloud = object_cloud(*pair) if kind == "whole" else object_view(*pair, number % 3)
        wrist = torch.from_numpy(grasp.wrist)[None]
        arrays = (
            torch.from_numpy(np.asarray(a, np.float32))[None] for a in (grasp.joint_rotations, grasp.shape)
        )
        with torch.no_grad():
            vertices = hand(wrist.float(), *arrays).vertices[0].numpy()
        held = cloud.parts == [part.name for part in thing.parts].index(grasp.part)
        began = time.perf_counter()
        try:
            best = retarget_to_jaw(
                vertices, regions, cloud.points, cloud.normals, gripper,
                on_part=held, wrist=grasp.wrist[:3, 3], seed=seed,
            )[0]  # fmt: skip
        except NoJawGraspError as error:
            reasons[max(error.counts, key=error.counts.get)] += 1
            best = None
        seconds.append(time.perf_counter() - began)
        feasible.append(best is not None)
        owners.append(grasp.family)
        if best is not None:
            angle, parts = true_contacts(thing, best, gripper)
            on_part.append(grasp.part in parts)
            quality.append(angle)
            angles.append(best.scores["approach_rad"])
    results.add("jaw_feasible", kind, "ours", mean_by_object(np.array(feasible), owners))
    results.add("on_held_part", kind, "ours", evaluation.proportion(np.array(on_part)))
    cone = np.array(quality) <= np.arctan(0.5)
    results.add("true_contacts_in_friction_cone", kind, "ours", evaluation.proportion(cone))
    for name, values in (
        ("true_antipodal_deg_median", np.degrees(quality)),
        ("approach_deviation_deg_median", np.degrees(angles)),
        ("seconds_median", np.array(seconds)),
    ):
        low, value, high = np.percentile(values, [5, 50, 95])
        results.add(name, kind, "ours", Measurement(float(value), len(values), float(low), float(high)))
    return reasons


def main() -> None:
    """Measures whole and single-view clouds; rows of medians give the 5th and 95th percentile as low and high."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jaw", description=main.__doc__)
    parser.add_argument("--grasps", type=Path, default=Path("out/semgrasp/grasps"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("out/bench/jaw.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(f"python -m benchmarks.jaw --count {options.count}", options.seed)
    grasps = chosen(GraspFolder(options.grasps), options.count, options.seed)
    reasons = {
        kind: dict(measure(grasps, kind, JawGripper(), options.seed, results))
        for kind in ("whole", "single_view")
    }
    results.write(options.output, main_reason_of_failures=reasons)
    for row in results.rows:
        print(row["metric"], row["split"], row["value"], f"[{row['low']}, {row['high']}]", row["n"])
    print(reasons)


if __name__ == "__main__":
    main()
