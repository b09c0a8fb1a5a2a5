"""All benchmarks, one after the other: `python -m benchmarks`, or `make bench`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from benchmarks.registry import BENCHMARKS, chosen
from benchmarks.report import FOLDER
from benchmarks.rounds import Outcome, Unfinished, run_one
from benchmarks.table import headline, publish


def main() -> None:
    """Measures speed as ratios against references in the same run; each result is <output>/<name>.json."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=main.__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these alone")
    parser.add_argument("--list", action="store_true", help="say what there is, and measure nothing")
    parser.add_argument("--smallest", action="store_true", help="only to see whether all of them run")
    parser.add_argument("--fresh", action="store_true", help="forget a round that was interrupted")
    parser.add_argument("--output", type=Path, default=FOLDER, help="default %(default)s")
    parser.add_argument(
        "--table",
        type=Path,
        help="page whose tables are renewed; results are copied to results/bench beside it",
    )
    options = parser.parse_args()
    if options.list:
        for benchmark in BENCHMARKS:
            print(f"{benchmark.name:<12} {benchmark.about}, about {benchmark.seconds:.0f} s")
        return
    try:
        benchmarks = chosen(options.only)
    except ValueError as error:
        parser.error(str(error))
    kind = " ".join([*options.only, *(["smallest"] if options.smallest else [])])
    unfinished = Unfinished(options.output / "unfinished.json", kind)
    if options.fresh:
        unfinished.done.clear()
    todo = [benchmark for benchmark in benchmarks if benchmark.name not in unfinished.done]
    if unfinished.done:
        print(
            f"goes on after an interruption; done already: {', '.join(unfinished.done)} (--fresh: all anew)"
        )
    outcomes: list[Outcome] = []
    # The bar counts the seconds that are usual, so that its time left follows the machine's pace.
    with tqdm(total=sum(b.seconds for b in todo), bar_format="{l_bar}{bar}| {remaining} left") as bar:
        for benchmark in todo:
            bar.set_description(benchmark.name)
            outcome = run_one(benchmark, options.output, options.smallest, bar.refresh)
            outcomes.append(outcome)
            bar.update(benchmark.seconds)
            if outcome.problem:
                bar.write(
                    f"{benchmark.name}: {'left out' if outcome.skipped else 'FAILED'}: {outcome.problem}"
                )
            else:
                unfinished.note(benchmark.name)
                for line in headline(options.output / f"{benchmark.name}.json"):
                    bar.write(f"{benchmark.name}: {line}")
    failed = [outcome.name for outcome in outcomes if outcome.problem and not outcome.skipped]
    if not failed:
        unfinished.end()
    if options.table is not None:
        publish(options.output, options.table)
        print(options.table)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}; the same command measures these again and not the others")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on from here")
