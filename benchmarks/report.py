"""What the benchmarks of speed have in common: their options and the rows of a comparison."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.ratio import median, paired_difference, paired_ratio
from grasp2vec_ros.core.results import Results

FOLDER = Path("out/bench")


def options(name: str, about: str, page: str = "", **numbers: float) -> tuple[argparse.Namespace, Results]:
    """Reads the command line.

    Args:
        name: of the module.
        about: its purpose, for `--help`.
        page: what `--table` would be renewed; empty: there is no such option.
        **numbers: options with their defaults; underscores become hyphens.

    Returns:
        The options, and results that name the command.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    for key, value in numbers.items():
        parser.add_argument(
            f"--{key.replace('_', '-')}", type=type(value), default=value, help="default %(default)s"
        )
    if page:
        parser.add_argument("--table", type=Path, help=f"page whose tables are renewed, as {page}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=FOLDER / f"{name}.json")
    chosen = parser.parse_args()
    words = [f"--{key.replace('_', '-')} {getattr(chosen, key)}" for key in numbers]
    return chosen, Results(" ".join([f"python -m benchmarks.{name}", *words]), chosen.seed)


def add_comparison(
    results: Results, path: str, split: str, seconds: dict[str, np.ndarray], added: bool = False
) -> None:
    """Adds rows of times that were taken in turns: milliseconds of each, and the ratio of ours to every other.

    Args:
        results: where to.
        path: what was timed; metrics are `<path>_milliseconds`, `<path>_ratio` and `<path>_added_milliseconds`.
        split: the setting.
        seconds: by method, (n,); "ours" is one of them, the others are references.
        added: also how much longer ours takes.
    """
    for method, values in seconds.items():
        results.add(f"{path}_milliseconds", split, method, median(values * 1e3))
    for method, values in seconds.items():
        if method != "ours":
            results.add(f"{path}_ratio", split, f"ours_to_{method}", paired_ratio(seconds["ours"], values))
            if added:
                more = paired_difference(seconds["ours"] * 1e3, values * 1e3)
                results.add(f"{path}_added_milliseconds", split, f"ours_to_{method}", more)


def finish(results: Results, output: Path, say: Callable[[str], None] = print, **more: object) -> None:
    """Writes the file and prints its rows."""
    results.write(output, **more)
    for row in results.rows:
        interval = f"[{row['low']}, {row['high']}] n {row['n']}"
        say(f"{row['metric']}, {row['split']}, {row['method']}: {row['value']} {interval}")
