"""`python -m examination.robot`: "pick up the hammer by the handle", from words and one depth image to a lifted hammer.

Trials that were done are kept: an interrupted run goes on, and more trials are added to those that are there.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from pathlib import Path

import torch

from examination.robot.methods import BASELINES, GeneratedHands, ModelHands, make_methods
from examination.robot.scenes import make_trials
from examination.robot.trials import add_rows, run_trials
from examination.semgrasp.kept import Kept
from grasp2vec_ros.core.results import Results
from grasp_cell.arm_cell import ArmCell
from semgrasp_ros.core.retarget.robots import load_robot

NAMES = {"panda": "panda", "ur5_jaw85": "ur5", "panda_allegro": "allegro"}
OURS = {"model": "ours", "generated": "oracle_hands"}


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m examination.robot", description=__doc__)
    parser.add_argument("--robot", default="panda", help=f"one of {', '.join(NAMES)}, or the path of a YAML")
    parser.add_argument("--clutter", type=int, default=0, help="other objects in each scene")
    parser.add_argument("--trials", type=int, default=300, help="requests, each in a scene of its own")
    parser.add_argument(
        "--hands",
        choices=list(OURS),
        default="model",
        help="from SemGrasp, or those of the data at the object's true pose (an oracle, never ours)",
    )
    parser.add_argument("--model", default="shipped", help="folder of SemGrasp's models")
    parser.add_argument(
        "--grasps", type=Path, default=Path("out/semgrasp/grasps"), help="folder of generated grasps"
    )
    parser.add_argument(
        "--baselines", nargs="*", choices=BASELINES, default=list(BASELINES), help="in the same scenes"
    )
    parser.add_argument("--seed", type=int, default=0, help="of requests, scenes and everything drawn")
    parser.add_argument("--output", type=Path, default=Path("out/evaluate/robot"), help="folder of results")
    parser.add_argument("--pictures", action="store_true", help="write a strip of pictures of every trial")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Runs the trials; errors of the user end in one line and exit code 2."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    torch.set_num_threads(1)
    began = time.monotonic()
    try:
        _examine(options)
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    print(f"{options.output}: {time.monotonic() - began:.0f} s")
    return 0


def _examine(options: argparse.Namespace) -> None:
    robot = load_robot(options.robot)
    source = ModelHands(options.model) if options.hands == "model" else GeneratedHands(options.grasps)
    methods = make_methods(robot, source, OURS[options.hands], options.baselines)
    trials = make_trials(options.grasps, options.trials, options.clutter, options.seed)
    cell = ArmCell(robot)
    split = f"{NAMES.get(robot.name, robot.name)}_{'clutter' if options.clutter else 'alone'}"
    name = f"{split}-{OURS[options.hands]}"
    mark = zlib.crc32(repr((cell.config, options.clutter, options.seed, source.version, code())).encode())
    kept = Kept(options.output / "trials" / f"{name}-{mark:08x}.jsonl")
    pictures = options.output / "pictures" / name if options.pictures else None
    command = (
        f"python -m examination.robot --robot {options.robot} --clutter {options.clutter} --trials {options.trials}"
        f" --hands {options.hands} --seed {options.seed}"
    )
    # Its clock starts here.
    results = Results(command, options.seed)
    run_trials(cell, trials, methods, kept, pictures)
    cell.close()
    reasons = add_rows(trials, [method.name for method in methods], kept, split, results)
    results.write(options.output / f"{name}.json", hands=options.hands, reasons_of_failure=reasons)
    for row in results.rows:
        print(
            f"{row['metric']:32} {row['method']:14} {row['value']} [{row['low']}, {row['high']}] n {row['n']}"
        )
    for method, counted in reasons.items():
        for reason, count in counted.items():
            print(f"{method:14} {count:4}  {reason}")


def code() -> int:
    """Checksum of what decides about trials: what was measured with other code is measured anew."""
    root = Path(__file__).resolve().parents[2]
    files = [
        *root.glob("grasp_cell/*.py"),
        *root.glob("semgrasp_ros/core/**/*.py"),
        *root.glob("config/robots/*"),
    ]
    return zlib.crc32(b"".join(file.read_bytes() for file in sorted(files)))


if __name__ == "__main__":
    raise SystemExit(main())
