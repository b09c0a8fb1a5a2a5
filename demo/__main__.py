"""`make demo`: meets toys it has never seen, grasps them, learns on, is examined, and picks what it is shown.

With FROM_SCRATCH=1 it learns from random weights instead.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from demo.asking import Pick, ask
from demo.learning import Progress, learn
from demo.operator import Operator
from demo.report import write_report
from demo.sentences import Spoken, speak
from demo.stack import Stack
from demo.story import Story, from_scratch, unknown_toys
from examination.attempts import Examination, collect
from examination.methods import ColourHistogram, Embedding, MeanChroma
from examination.protocols import add_chance, examine
from grasp2vec_ros.core.checkpoint import checkpoints, read_metadata
from grasp2vec_ros.core.evaluation import Measurement, proportion, retrieval_hits, reward_pairs
from grasp2vec_ros.core.inference import Perceiver, initial_checkpoint
from grasp2vec_ros.core.results import Results
from grasp_cell.config import CellConfig
from grasp_cell.scene import make_cameras
from grasp_node_kit.extrinsics import rotation_xyzw


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=Path("out/demo"), help="folder of report.html and metrics.json"
    )
    parser.add_argument(
        "--from-scratch", action="store_true", help="begin with random weights, not with the shipped model"
    )
    parser.add_argument(
        "--minutes", type=float, help="how long to grasp and learn; as the story has it when not given"
    )
    parser.add_argument(
        "--examination", type=int, default=160, help="attempts for the examination, none is learned from"
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
    story = from_scratch(options.seed) if options.from_scratch else unknown_toys(options.seed)
    minutes = options.minutes or story.minutes
    command = "make demo FROM_SCRATCH=1" if options.from_scratch else "make demo"
    results = Results(command=command, seed=options.seed)
    progress = Progress.read(output / "progress.json")
    stack = Stack(output / "log")
    operator = Operator()
    try:
        start_nodes(stack, output, story, options.seed)
        operator.wait_for(
            lambda: stack.check() or (operator.scenes and operator.statuses),
            120.0,
            "camera image and trainer",
        )
        learn(operator, stack, progress, output / "progress.json", minutes * 60)
        triplets = [e for e in operator.experiences.values() if e.success]
        examination = collect(story.examined, options.examination, options.seed + 1, name=story.objects)
        operator.pause_training(True)
        final = operator.save_checkpoint()
        status = operator.statuses[-1][1]
        curve, alike = _examine(examination, story, output / "checkpoints", Path(final), progress, results)
        stack.stop("cell")
        _start_cell(stack, story.examined, overview=True)
        before = len(operator.ground_truths)
        operator.wait_for(
            lambda: stack.check() or len(operator.ground_truths) > before,
            60.0,
            f"the cell with {story.objects}",
        )
        picks = ask(operator, examination, options.picks, options.seed)
        stack.check()
    finally:
        operator.close()
        codes = stack.stop_all()
    _score_picks(picks, story.name, results)
    print("second act: household objects, asked for in words")
    spoken = speak(output / "sentences", options.seed, results)
    right, wrong = reward_pairs(alike, examination.labels)
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
        "sentences": [_of(one) for one in spoken],
        "exit_codes": codes,
    }
    write_report(
        output / "report.html", story, results, more, progress, triplets, picks, spoken, (right, wrong)
    )
    results.write(output / "metrics.json", **more)
    _say(output, results)


def _start_cell(stack: Stack, config: CellConfig, overview: bool = False) -> None:
    stack.start(
        "cell",
        {
            "split": config.split,
            "regime": config.regime,
            "novel_toys": config.novel_toys,
            "seed": config.seed,
            "real_time_factor": 0.0,
            "overview": overview,
            "moving_camera_rate_hz": 3.0 if overview else 0.0,
            "scene_every": 0 if overview else 10,
        },
    )


def start_nodes(stack: Stack, output: Path, story: Story, seed: int) -> None:
    """Starts the cell with objects to learn from, and the four nodes; store and checkpoints go below `output`."""
    camera = make_cameras(CellConfig())["scene"].base_from_camera
    extrinsics = {
        "extrinsics": {"translation_m": camera[:3, 3].tolist(), "rotation_xyzw": rotation_xyzw(camera)}
    }
    folders = {"store": str(output / "store"), "checkpoints": str(output / "checkpoints")}
    model = {**folders, "initial_checkpoint": story.initial_checkpoint}
    time_source = {"use_sim_time": True}
    _start_cell(stack, story.learning)
    stack.start("capture", {**time_source, "store": folders["store"], "robot_id": "cell"})
    trainer = {"checkpoint_every_s": 30.0, "evaluate_every_s": 15.0, "keep_checkpoints": 1000, "seed": seed}
    stack.start("trainer", {**model, **trainer}, low_priority=True)
    stack.start("perception", {**time_source, **model, **extrinsics})
    stack.start("grasping", {**time_source, **extrinsics, "robot_id": "cell", "seed": seed})


def _examine(
    examination: Examination,
    story: Story,
    folder: Path,
    final: Path,
    progress: Progress,
    results: Results,
) -> tuple[list[dict], np.ndarray]:
    """Scores the baselines, the model before and after, and the checkpoints on the way.

    Returns:
        The learning curve, and how alike the held objects of all attempts are to the final model, (n, n).
    """
    print("scoring: baselines, the models before and after, and the checkpoints on the way")
    add_chance(examination, story.name, results)
    for baseline in (MeanChroma(), ColourHistogram(), Embedding(Perceiver(), "untrained")):
        examine(examination, baseline, story.name, results)
    perceiver = Perceiver()
    initial = initial_checkpoint(story.initial_checkpoint)
    if initial is not None:
        perceiver.load(initial)
        examine(examination, Embedding(perceiver, "before"), story.name, results)
    curve = [_point(0.0, _retrieval(examination, perceiver))]
    files = {read_metadata(path)["version"]: path for path in checkpoints(folder)}
    along = [(minutes, version) for version, minutes in progress.checkpoints.items() if version in files]
    chosen = sorted(along[:: max(1, len(along) // 8)])
    for minutes, version in tqdm(chosen, desc="checkpoints on the way", unit="checkpoint", leave=False):
        perceiver.load(files[version])
        curve.append(_point(minutes, _retrieval(examination, perceiver)))
    perceiver.load(final)
    ours = Embedding(perceiver, "ours")
    described = examine(examination, ours, story.name, results)
    curve.append(_point(progress.learned_s / 60 + 1.2, _retrieval(examination, perceiver)))
    return curve, ours.similarity(described.held, described.held)


def _retrieval(examination: Examination, perceiver: Perceiver) -> Measurement:
    method, experiences = Embedding(perceiver, ""), [a.experience for a in examination.attempts]
    removed = [method.describe_removed(e.pre, e.post) for e in experiences]
    held = [method.describe_held(e.held) for e in experiences]
    return proportion(retrieval_hits(method.similarity(removed, held), examination.labels))


def _point(minutes: float, measured: Measurement) -> dict:
    return {
        "minutes": round(minutes, 2),
        "value": measured.value,
        "low": measured.low,
        "high": measured.high,
    }


def _score_picks(picks: list[Pick], split: str, results: Results) -> None:
    lifted = np.array([pick.lifted is not None for pick in picks])
    right = np.array([pick.lifted == pick.wanted for pick in picks])
    results.add("grasp_lifted", split, "ours", proportion(lifted))
    results.add("grasp_right", split, "ours", proportion(right))
    results.add("grasp_right_given_lifted", split, "ours", proportion(right[lifted]))
    first = np.array([pick.first_lifted == pick.wanted for pick in picks])
    results.add("grasp_right_first_attempt", split, "ours", proportion(first))
    chance = 1 / CellConfig().objects_per_scene
    for metric in ("grasp_right_given_lifted", "grasp_right_first_attempt"):
        results.add(metric, split, "chance", Measurement(chance, len(picks), chance, chance))


def _of(spoken: Spoken) -> dict:
    return {
        "words": spoken.words,
        "held": spoken.held,
        "on_part": spoken.on_part,
        "reason": spoken.reason,
        "picture": f"sentences/pictures/{spoken.picture.name}",
    }


def _rewards(cosines: np.ndarray) -> dict:
    rewards = np.maximum(cosines, 0.0)
    return (
        {"mean": round(float(rewards.mean()), 4), "pairs": len(rewards)}
        if len(rewards)
        else {"mean": None, "pairs": 0}
    )


def _say(output: Path, results: Results) -> None:
    print(f"\n{'metric':26s} {'method':18s} value   95 % interval     n")
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
