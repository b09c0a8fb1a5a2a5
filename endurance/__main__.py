"""The nodes at work while everything around them fails in turn: `python -m endurance`, or `make soak`."""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
from tqdm import tqdm

from endurance.disk import with_own_mounts

LONG_REQUESTS, LONG_MINUTES, FEWEST_REQUESTS = 10_000, 30.0, 100
SHORTEST_DWELL_S, LONGEST_DWELL_S = 0.7, 12.0
# The share of the time in which processes are killed; after it memory is watched.
KILLING = 0.25


def main() -> None:
    """Starts the nodes, inflicts faults in turn, and counts what was lost; ends with 1 when anything was."""
    parser = argparse.ArgumentParser(prog="python -m endurance", description=main.__doc__)
    parser.add_argument(
        "--minutes",
        type=float,
        default=LONG_MINUTES,
        help="default %(default)s; every fault comes at least once",
    )
    parser.add_argument(
        "--requests", type=int, help=f"malformed ones; default {LONG_REQUESTS} in {LONG_MINUTES:.0f} minutes"
    )
    parser.add_argument("--output", type=Path, default=Path("out/soak"), help="default %(default)s")
    parser.add_argument(
        "--only", nargs="+", metavar="WORD", default=[], help="faults with these words in their names"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", type=Path, help="page whose tables are renewed, as docs/soak.md")
    options = parser.parse_args()  # fmt: skip
    if options.minutes < 0:
        parser.error(f"--minutes: {options.minutes} is not a time")
    with_own_mounts()
    sys.exit(_run(options))


def _run(options: argparse.Namespace) -> int:
    # Heavy, and only of use where the mounts are.
    os.environ["OMP_NUM_THREADS"] = "1"
    from benchmarks.rounds import note_load
    from endurance.faults import all_faults
    from endurance.outcome import MUST_BE_ZERO, Happened, Outcome
    from endurance.page import publish
    from endurance.plot import draw
    from endurance.soak import Soak
    from grasp2vec_ros.core.results import Results
    from grasp_node_kit.node import SWITCH_INTERVAL_S

    # Cameras, operator and executor are threads of this process: none may keep the others waiting.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    total_s = 60 * options.minutes
    dwell_s = min(LONGEST_DWELL_S, max(SHORTEST_DWELL_S, total_s / 120))
    asked = options.requests
    if asked is None:
        asked = max(FEWEST_REQUESTS, round(LONG_REQUESTS * options.minutes / LONG_MINUTES))
    rounds = max(1, math.floor(options.minutes / 4))
    faults = all_faults(math.ceil(asked / rounds))
    faults = [f for f in faults if not options.only or any(word in f.name for word in options.only)]
    if not faults:
        sys.exit(f"--only: no fault has one of {options.only} in its name")
    rng, outcome = np.random.default_rng(options.seed), Outcome()
    results = Results(_command(options), options.seed)
    file, before = options.output / "soak.json", os.getloadavg()[0]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    soak, interrupted = Soak(options.output, options.seed, dwell_s), False
    killing = [fault for fault in faults if fault.ends_processes]
    living = [fault for fault in faults if not fault.ends_processes]
    try:
        soak.begin()
        with tqdm(total=round(total_s), bar_format="{l_bar}{bar}| {n}/{total} s, {remaining} left") as bar:
            for group, until_s in ((killing, KILLING * total_s), (living, total_s)):
                first = True
                while group and (first or time.monotonic() - soak.began_s < until_s):
                    for number in rng.permutation(len(group)):
                        late = time.monotonic() - soak.began_s > until_s
                        if late and not first:
                            break
                        _inflict(group[number], soak, outcome, bar, Happened)
                        outcome.write(soak, results, file, finished=False)
                        time.sleep(float(rng.uniform(0.1, 0.5)) * dwell_s)
                    first = False
                if group is killing:
                    outcome.settled_s = time.monotonic() - soak.began_s
            missing = asked - sum(soak.malformed.sent.values())
            if missing > 0 and any(fault.name == "malformed requests" for fault in faults):
                rest = [f for f in all_faults(missing) if f.name == "malformed requests"]
                _inflict(rest[0], soak, outcome, bar, Happened)
    except KeyboardInterrupt:
        interrupted = True
        print("interrupted: stopping the nodes; what was found so far is kept")
    finally:
        soak.end()
    counts = outcome.write(soak, results, file, finished=not interrupted)
    note_load(file, before)
    content = json.loads(file.read_text())
    draw(content, file.with_suffix(".png"))
    if options.table is not None:
        publish(file, file.with_suffix(".png"), options.table)
    for name, value in counts.items():
        print(f"{name.replace('_', ' ')}: {value}{' (must be 0)' if name in MUST_BE_ZERO and value else ''}")
    for kind, found in content["wrong"].items():
        for one in found:
            print(f"{kind}: {one}")
    print(f"{file}\n{file.with_suffix('.png')}")
    return int(interrupted or any(counts[name] for name in MUST_BE_ZERO))


def _inflict(fault: object, soak: object, outcome: object, bar: tqdm, happened: type) -> None:
    at_s = time.monotonic() - soak.began_s
    bar.set_description(fault.name)
    try:
        fault.inflict(soak)
    except Exception as error:  # a fault that cannot be inflicted is the harness's failure, and must be seen
        soak.unrecovered.append(f"{fault.name}: {type(error).__name__}: {error}")
    now_s = time.monotonic() - soak.began_s
    outcome.faults.append(happened(fault.name, round(at_s, 2), round(now_s - at_s, 2)))
    bar.n = min(bar.total, round(now_s))
    bar.refresh()


def _command(options: argparse.Namespace) -> str:
    more = [f"--requests {options.requests}"] if options.requests is not None else []
    more += [f"--only {' '.join(options.only)}"] if options.only else []
    return " ".join([f"python -m endurance --minutes {options.minutes:g}", *more, f"--seed {options.seed}"])


if __name__ == "__main__":
    main()
