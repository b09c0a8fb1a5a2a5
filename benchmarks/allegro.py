"""Retargeting to the Allegro hand, beside dex-retargeting where it is installed: `python -m benchmarks.allegro`.

All times are CPU time of the one thread that computes, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from tqdm import tqdm

from grasp2vec_ros.core import evaluation
from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.data.dataset import object_cloud
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.hand import HandModel, load_hand
from semgrasp_ros.core.metrics.intervals import mean_by_object
from semgrasp_ros.core.retarget.hand import HandKinematics, retarget_to_hand
from semgrasp_ros.core.retarget.hand_contacts import human_touches
from semgrasp_ros.core.retarget.hand_dex import DexKeypointRetargeter, dex_retargeting_is_there
from semgrasp_ros.core.retarget.hand_judge import judge
from semgrasp_ros.core.retarget.hand_keypoints import (
    KeypointConfig,
    KeypointResult,
    KeypointRetargeter,
    palm_frame,
)
from semgrasp_ros.core.retarget.hand_objective import GraspProblem, HandState, Scene
from semgrasp_ros.core.retarget.hand_plan import plan_contacts
from semgrasp_ros.core.retarget.hand_surface import CloudSurface
from semgrasp_ros.core.retarget.hand_types import HandConfig
from semgrasp_ros.core.retarget.robots import load_robot
from semgrasp_ros.core.retarget.teleop import HandTeleop, TeleopConfig

RATE_HZ = 30
FRAMES_BETWEEN = 20  # from one random pose to the next
PINCH_M = 0.03


class Follower(Protocol):
    """Anything that turns keypoints into joints."""

    def solve(self, keypoints: np.ndarray, q0: np.ndarray | None = None) -> KeypointResult:
        """Joints for one frame, from the last frame's."""


def spread(values: np.ndarray) -> Measurement:
    """A mean with its 95 % interval."""
    half = 1.96 * values.std() / np.sqrt(len(values))
    return Measurement(
        float(values.mean()), len(values), float(values.mean() - half), float(values.mean() + half)
    )


def ratio_of_means(theirs: np.ndarray, ours: np.ndarray, rng: np.random.Generator) -> Measurement:
    """How much longer the others take, frames resampled for the 95 % interval."""
    rows = rng.integers(len(ours), size=(1000, len(ours)))
    low, high = np.percentile(theirs[rows].mean(axis=1) / ours[rows].mean(axis=1), [2.5, 97.5])
    return Measurement(float(theirs.mean() / ours.mean()), len(ours), float(low), float(high))


def smooth_path(poses: np.ndarray) -> np.ndarray:
    """Frames (n, ...) that pass through poses (m, ...), at rest in each."""
    share = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, FRAMES_BETWEEN, endpoint=False))
    share = share.reshape(-1, *[1] * (poses.ndim - 1))
    legs = [first + share * (second - first) for first, second in zip(poses[:-1], poses[1:], strict=True)]
    return np.concatenate(legs)


def robot_frames(hand: HandKinematics, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Keypoints (n, 21, 3) of the robot's own hand on its way through random joint values: all can be reached."""
    poses = rng.uniform(hand.lower_rad, hand.upper_rad, (frames // FRAMES_BETWEEN + 1, len(hand.joints)))
    return np.stack([hand.keypoints(q) for q in smooth_path(poses)])


def human_frames(human: HandModel, frames: int, rng: np.random.Generator) -> np.ndarray:
    """Keypoints (n, 21, 3) of the open hand on its way through random flexions."""
    count = frames // FRAMES_BETWEEN + 1
    low, high = human.limits[..., 0].numpy(), human.limits[..., 1].numpy()
    angles = np.zeros((count, 15, 3))
    # Bones of a finger bend together.
    bend = np.repeat(rng.uniform(0, 0.8, (count, 5)), 3, axis=1)
    angles[..., 0] = (
        low[:, 0] + np.clip(bend + rng.normal(scale=0.05, size=bend.shape), 0, 1) * (high - low)[:, 0]
    )
    angles[:, ::3, 1] = rng.uniform(0.3, 0.7, (count, 5)) * (high - low)[::3, 1] + low[::3, 1]
    path = torch.from_numpy(smooth_path(angles)).float()
    still = torch.eye(4).expand(len(path), 4, 4)
    with torch.no_grad():
        return human(still, human.rotations_from_angles(path), torch.zeros(len(path), 10)).keypoints.numpy()


def follow(follower: Follower, frames: np.ndarray, hand: HandKinematics, label: str) -> dict[str, np.ndarray]:
    """Follows a sequence warm: every frame begins at the last one's joints."""
    q, errors, seconds, gaps = hand.open_rad, [], [], []
    thumb, index = hand.fingers.index("thumb"), hand.fingers.index("index")
    follower.solve(frames[0], q)
    for keypoints in tqdm(frames, desc=label, unit="frame", mininterval=5.0):
        began = time.thread_time()
        found = follower.solve(keypoints, q)
        seconds.append(time.thread_time() - began)
        q = found.q
        errors.append(found.tip_error_m)
        wanted = np.linalg.norm(keypoints[8] - keypoints[4])
        if wanted < PINCH_M:
            tips = hand.place(hand.pose(q), hand.tips)
            reached = np.linalg.norm(tips[thumb] - tips[index])
            gaps.append(abs(reached - max(wanted, 2 * hand.tip_radius_m)))
    return {"error": np.array(errors), "seconds": np.array(seconds), "gaps": np.array(gaps)}


def measure_frames(hand: HandKinematics, frames: int, seed: int, results: Results) -> None:
    """Rows of single frames: error of tips, time, distance of pinching tips, share of frames within 15 ms."""
    rng, human = np.random.default_rng(seed), load_hand()
    sequences = {
        "robot_keypoints": robot_frames(hand, frames, rng),
        "human_keypoints": human_frames(human, frames, rng),
    }
    for split, sequence in sequences.items():
        followers: dict[str, Follower] = {
            "ours": KeypointRetargeter(hand),
            "ours, tips alone": KeypointRetargeter(hand, KeypointConfig(bone_weight=0.01, pinch_weight=0.0)),
        }
        if dex_retargeting_is_there():
            for kind in ("position", "vector", "dexpilot"):
                followers[f"dex-retargeting, {kind}"] = DexKeypointRetargeter(hand, kind)
        times = {}
        for method, follower in followers.items():
            found = follow(follower, sequence, hand, f"{split}, {method}")
            times[method] = found["seconds"]
            results.add("tip_error_mm", split, method, spread(found["error"] * 1e3))
            results.add("frame_milliseconds", split, method, spread(found["seconds"] * 1e3))
            within = evaluation.proportion(found["seconds"] < 0.015)
            results.add("frame_within_15_ms", split, method, within)
            # DexPilot's objective brings the tips' centres together, which is another goal.
            if len(found["gaps"]) and "dexpilot" not in method:
                results.add("pinch_error_mm", split, method, spread(found["gaps"] * 1e3))
            if method != "ours":
                ratio = ratio_of_means(times[method], times["ours"], rng)
                results.add("frame_time_ratio", split, method, ratio)


def measure_teleop(robots: dict[str, object], frames: int, seed: int, results: Results) -> None:
    """Rows of whole steps on a noisy stream with gaps: filter, retargeting, limits; lag and rest of the noise."""
    rng = np.random.default_rng(seed)
    clean = human_frames(load_hand(), frames, rng)
    noisy = clean + rng.normal(scale=0.002, size=clean.shape)
    noisy[rng.random(clean.shape[:2]) < 0.02] = np.nan
    for name, robot in robots.items():
        teleop = HandTeleop(robot, TeleopConfig())
        seconds, used, positions = [], [], []
        for number, keypoints in enumerate(noisy):
            began = time.thread_time()
            command = teleop.step(keypoints, number / RATE_HZ)
            seconds.append(time.thread_time() - began)
            used.append(command.valid)
            positions.append(command.positions)
        results.add("teleop_milliseconds", name, "ours", spread(np.array(seconds) * 1e3))
        results.add(
            "teleop_within_33_ms", name, "ours", evaluation.proportion(np.array(seconds) < 1 / RATE_HZ)
        )
        results.add("teleop_frames_used", name, "ours", evaluation.proportion(np.array(used)))
        unit = "rad_s" if name == "panda_allegro" else "m_s"
        speed = np.abs(np.diff(positions, axis=0)).max(axis=1) * RATE_HZ
        results.add(f"teleop_fastest_joint_{unit}", name, "ours", spread(speed))


def chosen(folder: GraspFolder, count: int, seed: int) -> list[Grasp]:
    """Grasps of instance 0 of every family, families in turn."""
    rng = np.random.default_rng(seed)
    pools = [list(folder.grasps([pair])) for pair in folder.objects() if pair[1] == 0]
    pools = [[pool[row] for row in rng.permutation(len(pool))] for pool in pools if pool]
    rounds = range(max(map(len, pools)))
    return [pool[turn] for turn in rounds for pool in pools if turn < len(pool)][:count]


def measure_grasps(hand: HandKinematics, grasps: list[Grasp], results: Results) -> dict[str, dict[str, int]]:
    """Rows of static grasps; returns why others failed."""
    human = load_hand()
    regions, config = human.regions.numpy(), HandConfig()
    dex = DexKeypointRetargeter(hand, "position") if dex_retargeting_is_there() else None
    rows: dict[str, list[tuple]] = {"ours": []}
    own = np.linalg.inv(palm_frame(hand.keypoints(hand.open_rad)))
    for grasp in tqdm(grasps, desc="static", unit="grasp", mininterval=5.0):
        cloud = object_cloud(grasp.family, grasp.instance)
        wrist = torch.from_numpy(grasp.wrist)[None].float()
        arrays = (
            torch.from_numpy(np.asarray(a, np.float32))[None] for a in (grasp.joint_rotations, grasp.shape)
        )
        with torch.no_grad():
            posed = human(wrist, *arrays)
        vertices, keypoints = (a[0].double().numpy() for a in (posed.vertices, posed.keypoints))
        began = time.thread_time()
        found = retarget_to_hand(hand, vertices, regions, keypoints, cloud.points, cloud.normals)
        took = time.thread_time() - began
        gaps = [abs(contact.gap_m) for contact in found.contacts]
        rows["ours"].append((found.feasible, took, found.penetration_m, np.mean(gaps), found.reason))
        if dex is not None:
            began = time.thread_time()
            joints = dex.solve(keypoints, scale=1.0).q
            took = time.thread_time() - began
            palm = palm_frame(keypoints) @ own
            surface = CloudSurface(cloud.points, cloud.normals)
            touches = human_touches(
                vertices,
                regions,
                keypoints,
                cloud.points,
                cloud.normals,
                surface,
                config.touch_m,
                config.wrap_m,
            )
            planned = plan_contacts(
                touches, hand.fingers, cloud.points, cloud.normals, 1.0, hand.tip_radius_m, config
            )
            state = HandState(palm[:3, :3], palm[:3, 3], joints)
            problem = GraspProblem(hand, config, Scene(surface), planned, state)
            verdict = judge(problem, planned, state)
            gap = np.mean([abs(contact.gap_m) for contact in verdict["contacts"]])
            rows.setdefault("dex-retargeting, position", []).append(
                (verdict["feasible"], took, verdict["penetration_m"], gap, verdict["reason"])
            )
    families = [grasp.family for grasp in grasps]
    for method, measured in rows.items():
        feasible, seconds, depth, gaps, _ = zip(*measured, strict=True)
        results.add("hand_feasible", "static", method, mean_by_object(np.array(feasible), families))
        results.add("hand_seconds", "static", method, spread(np.array(seconds)))
        results.add(
            "hand_within_half_a_second", "static", method, evaluation.proportion(np.array(seconds) < 0.5)
        )
        results.add("hand_penetration_mm", "static", method, spread(np.array(depth) * 1e3))
        results.add("hand_tip_gap_mm", "static", method, spread(np.array(gaps) * 1e3))
    return {
        method: dict(Counter(row[-1].split(":")[0] for row in measured if row[-1]))
        for method, measured in rows.items()
    }


def main() -> None:
    """Measures frames of keypoints, teleoperation of a noisy stream, and static grasps of generated objects."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.allegro", description=main.__doc__)
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--grasps", type=Path, default=Path("out/semgrasp/grasps"))
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("out/bench/allegro.json"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = Results(
        f"python -m benchmarks.allegro --frames {options.frames} --count {options.count} --seed {options.seed}",
        options.seed,
    )
    robots = {name: load_robot(name) for name in ("panda_allegro", "panda")}
    hand = HandKinematics(robots["panda_allegro"])
    measure_frames(hand, options.frames, options.seed, results)
    measure_teleop(robots, options.frames, options.seed, results)
    reasons = measure_grasps(hand, chosen(GraspFolder(options.grasps), options.count, options.seed), results)
    results.write(options.output, reasons_of_failures=reasons)
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
