"""`python -m semgrasp_ros`: generate, train and use from the command line, without ROS."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """Command line."""
    top = argparse.ArgumentParser(prog="python -m semgrasp_ros", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    make = commands.add_parser("generate", help="make captioned grasps of generated objects; goes on after a break")
    make.add_argument("--grasps", type=Path, required=True, help="folder to fill")
    make.add_argument("--families", nargs="*", default=[], help="only these families")
    make.add_argument("--first", type=int, default=0, help="first instance")
    make.add_argument("--instances", type=int, default=40, help="instances of each family")
    make.add_argument("--seed", type=int, default=0, help="of the first guesses")
    make.add_argument("--workers", type=int, default=1, help="processes")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; errors of the user end in one line and exit code 2."""
    options = parser().parse_args(arguments)
    try:
        {"generate": _generate}[options.command](options)
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    return 0


def _generate(options: argparse.Namespace) -> None:
    from semgrasp_ros.core.data.synthesis.generate import generate
    from semgrasp_ros.core.data.synthesis.grasps import SynthesisConfig

    instances = range(options.first, options.first + options.instances)
    counts = generate(options.grasps, options.families, instances, SynthesisConfig(), options.seed, options.workers)
    print(", ".join(f"{count} {reason}" for reason, count in counts.most_common()))


if __name__ == "__main__":
    sys.exit(main())
