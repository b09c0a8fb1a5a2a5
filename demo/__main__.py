"""`make demo`: grasps, learns from nothing, is examined on objects it never saw, and picks what it is shown."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from demo.asking import Pick, ask
from demo.examination import Examination, collect_examination, retrieval, score_baselines, score_model
from demo.learning import Progress, learn
from demo.operator import Operator
from demo.report import write_report
from demo.stack import Stack
from grasp2vec_ros.core.checkpoint import checkpoints, read_metadata
from grasp2vec_ros.core.evaluation import proportion, reward_pairs
from grasp2vec_ros.core.inference import Perceiver
from grasp2vec_ros.core.results import Results
from grasp_cell.config import CellConfig
from grasp_cell.scene import make_cameras
from grasp_node_kit.extrinsics import rotation_xyzw

NOVEL_TOYS = 40


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=Path("out/demo"), help="folder of report.html and metrics.json"
    )
    parser.add_argument("--minutes", type=float, default=7.0, help="how long to grasp and learn")
    parser.add_argument(
        "--examination", type=int, default=160, help="attempts on novel objects for the examination"
    )
    parser.add_argument("--picks", type=int, default=12, help="objects that are asked for at the end")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything")
    return parser.parse_args(arguments)


def main() -> None:
    """Runs the demonstration."""
    options = parse(sys.argv[1:])
    output: Path = options.output
    if (output / "metrics.json").exists():
        shutil.rmtree(output)  # a finished run; an unfinished one is taken up again
    output.mkdir(parents=True, exist_ok=True)
    # A domain of its own: another robot, or another demonstration, on this machine must not be listened to.
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
    results = Results(command="make demo", seed=options.seed)
    progress = Progress.read(output / "progress.json")
    stack = Stack(output / "log")
    operator = Operator()
    try:
        start_nodes(stack, output, options.seed)
        operator.wait_for(
            lambda: stack.check() or (operator.scenes and operator.statuses),
            120.0,
            "camera image and trainer",
        )
        learn(operator, stack, progress, output / "progress.json", options.minutes * 60)
        triplets = [e for e in operator.experiences.values() if e.success]
        examination = collect_examination(_novel_cell(options.seed), options.examination, options.seed + 1)
        operator.pause_training(True)
        final = operator.save_checkpoint()
        status = operator.statuses[-1][1]
        curve, held = _examine(examination, output / "checkpoints", Path(final), progress, results)
        stack.stop("cell")
        _start_cell(stack, _novel_cell(options.seed + 2), overview=True)
        before = len(operator.ground_truths)
        operator.wait_for(
            lambda: stack.check() or len(operator.ground_truths) > before, 60.0, "the cell with novel objects"
        )
        picks = ask(operator, examination, options.picks, options.seed)
        stack.check()
    finally:
        operator.close()
        codes = stack.stop_all()
    _score_picks(picks, results)
    right, wrong = reward_pairs(held, examination.labels)
    more = {
        "attempts": progress.attempts,
        "lifted": progress.lifted,
        "experiences": int(status.experiences),
        "steps": int(status.step),
        "learning_minutes": round(progress.learned_s / 60, 2),
        "reward_right_object": _rewards(right),
        "reward_wrong_object": _rewards(wrong),
        "live_rewards": [
            {"right": p.lifted == p.wanted, "lifted": p.lifted is not None, "reward": round(p.reward, 4)}
            for p in picks
        ],
        "curve": curve,
        "exit_codes": codes,
    }
    write_report(
        output / "report.html", results, more, progress, examination, triplets, picks, (right, wrong)
    )
    results.write(output / "metrics.json", **more)
    _say(output, results)


def _novel_cell(seed: int) -> CellConfig:
    return CellConfig(split="novel", novel_toys=NOVEL_TOYS, seed=seed)


def _start_cell(stack: Stack, config: CellConfig, overview: bool = False) -> None:
    stack.start(
        "cell",
        {
            "split": config.split,
            "novel_toys": config.novel_toys,
            "seed": config.seed,
            "real_time_factor": 0.0,
            "overview": overview,
            "moving_camera_rate_hz": 3.0 if overview else 0.0,
            "scene_every": 0 if overview else 10,
        },
    )


def start_nodes(stack: Stack, output: Path, seed: int) -> None:
    """Starts the cell with objects to learn from, and the four nodes; store and checkpoints go below `output`."""
    camera = make_cameras(CellConfig())["scene"].base_from_camera
    extrinsics = {
        "extrinsics": {"translation_m": camera[:3, 3].tolist(), "rotation_xyzw": rotation_xyzw(camera)}
    }
    folders = {"store": str(output / "store"), "checkpoints": str(output / "checkpoints")}
    time_source = {"use_sim_time": True}
    _start_cell(stack, CellConfig(seed=seed))
    stack.start("capture", {**time_source, "store": folders["store"], "robot_id": "cell"})
    trainer = {"checkpoint_every_s": 30.0, "evaluate_every_s": 15.0, "keep_checkpoints": 1000, "seed": seed}
    stack.start("trainer", {**folders, **trainer}, low_priority=True)
    stack.start("perception", {**time_source, **folders, **extrinsics})
    stack.start("grasping", {**time_source, **extrinsics, "robot_id": "cell", "seed": seed})


def _examine(
    examination: Examination, folder: Path, final: Path, progress: Progress, results: Results
) -> tuple[list[dict], np.ndarray]:
    """Baselines, untrained net and final model on the examination, and the learning curve over the checkpoints."""
    print("scoring: baselines, untrained net, final model, and the checkpoints along the way")
    score_baselines(examination, results)
    perceiver = Perceiver()
    untrained = retrieval(examination, perceiver)
    score_model(examination, perceiver, "untrained", results)
    files = {read_metadata(path)["version"]: path for path in checkpoints(folder)}
    along = [(minutes, version) for version, minutes in progress.checkpoints.items() if version in files]
    along = along[:: max(1, len(along) // 8)]
    curve = [{"minutes": 0.0, "value": untrained.value, "low": untrained.low, "high": untrained.high}]
    for minutes, version in sorted(along):
        perceiver.load(files[version])
        point = retrieval(examination, perceiver)
        curve.append({"minutes": minutes, "value": point.value, "low": point.low, "high": point.high})
    perceiver.load(final)
    held = score_model(examination, perceiver, "ours", results)
    last = next(row for row in results.of("retrieval") if row["method"] == "ours")
    curve.append(
        {"minutes": round(progress.learned_s / 60 + 1.2, 2), **{k: last[k] for k in ("value", "low", "high")}}
    )
    return curve, held


def _score_picks(picks: list[Pick], results: Results) -> None:
    lifted = np.array([pick.lifted is not None for pick in picks])
    right = np.array([pick.lifted == pick.wanted for pick in picks])
    results.add("grasp_lifted", "toys_novel", "ours", proportion(lifted))
    results.add("grasp_right", "toys_novel", "ours", proportion(right))
    results.add("grasp_right_given_lifted", "toys_novel", "ours", proportion(right[lifted]))
    first = np.array([pick.first_lifted == pick.wanted for pick in picks])
    results.add("grasp_right_first_attempt", "toys_novel", "ours", proportion(first))
    chance = 1 / CellConfig().objects_per_scene
    for metric in ("grasp_right_given_lifted", "grasp_right_first_attempt"):
        row = {
            "metric": metric,
            "split": "toys_novel",
            "method": "chance",
            "value": round(chance, 4),
            "n": len(picks),
        }
        results.rows.append({**row, "low": round(chance, 4), "high": round(chance, 4)})


def _rewards(cosines: np.ndarray) -> dict:
    rewards = np.maximum(cosines, 0.0)
    return (
        {"mean": round(float(rewards.mean()), 4), "pairs": len(rewards)}
        if len(rewards)
        else {"mean": None, "pairs": 0}
    )


def _say(output: Path, results: Results) -> None:
    print(f"\n{'novel objects':26s} {'method':18s} value   95 % interval     n")
    for row in results.rows:
        value = "  -  " if row["value"] is None else f"{row['value']:.3f}"
        print(
            f"{row['metric']:26s} {row['method']:18s} {value}   {row['low']:.3f} to {row['high']:.3f}   {row['n']}"
        )
    print(f"\n{output / 'report.html'}\n{output / 'metrics.json'}")


if __name__ == "__main__":
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s")
