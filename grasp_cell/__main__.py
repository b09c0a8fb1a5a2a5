"""`python -m grasp_cell`: attempts into a store without ROS, and a sheet of the objects."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from grasp2vec_ros.core.held_views import HELD_VIEWS
from grasp2vec_ros.core.store import ExperienceStore, StoreError
from grasp_cell.cell import Cell
from grasp_cell.collect import collect_attempts
from grasp_cell.config import REGIMES, CellConfig
from grasp_cell.removals import simulate_removals


def parser() -> argparse.ArgumentParser:
    """Command line."""
    top = argparse.ArgumentParser(prog="python -m grasp_cell", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    collect = commands.add_parser(
        "collect", help="grasp, and store every attempt; adds to a store that is there"
    )
    collect.add_argument("--store", type=Path, required=True, help="folder of the experience store")
    collect.add_argument("--truth", type=Path, help="JSON-lines file for what was lifted; for scoring only")
    collect.add_argument("--attempts", type=int, default=500)
    collect.add_argument("--held-views", type=int, default=HELD_VIEWS)
    removals = commands.add_parser(
        "simulate-removals",
        help="store attempts in which objects vanish from the bin into the gripper, without an arm's motion",
    )
    removals.add_argument("--store", type=Path, required=True, help="folder of the experience store")
    removals.add_argument("--attempts", type=int, default=1000, help="what the store shall hold in the end")
    removals.add_argument("--held-views", type=int, default=HELD_VIEWS)
    removals.add_argument("--toys", type=int, default=2000, help="how many different toys")
    removals.add_argument("--variation", type=float, default=1.0, help="of light, colours and cameras")
    sheet = commands.add_parser("contact-sheet", help="a picture of bins full of objects")
    sheet.add_argument("--output", type=Path, required=True, help="image file")
    sheet.add_argument("--scenes", type=int, default=12)
    for command in (collect, removals, sheet):
        command.add_argument("--split", choices=["seen", "novel", "all"], default="seen")
        command.add_argument("--regime", choices=REGIMES, default="varied")
        command.add_argument("--objects-dir", default="", help="folder of meshes instead of generated toys")
        command.add_argument("--seed", type=int, default=0)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; errors of the user end in one line and exit code 2."""
    options = parser().parse_args(arguments)
    try:
        config = CellConfig(
            split=options.split, regime=options.regime, objects_dir=options.objects_dir, seed=options.seed
        )
        if options.command == "simulate-removals":
            config = replace(config, seen_toys=options.toys, variation=options.variation)
        work = {"collect": _collect, "simulate-removals": _simulate_removals, "contact-sheet": _contact_sheet}
        work[options.command](options, Cell(config))
    except (StoreError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _collect(options: argparse.Namespace, cell: Cell) -> None:
    lifted = 0
    with ExperienceStore(options.store) as store, tqdm(total=options.attempts, unit="grasp") as bar:
        # What is there already is not made again, so that an interrupted collection goes on with other scenes.
        rng = np.random.default_rng([options.seed, len(store)])
        for attempt in collect_attempts(cell, options.attempts, rng, options.held_views):
            experience_id = store.add(attempt.experience)
            lifted += attempt.experience.success
            if options.truth is not None:
                with options.truth.open("a") as file:
                    file.write(
                        json.dumps({"experience_id": experience_id, "held": attempt.truth.held_object}) + "\n"
                    )
            bar.update()
            bar.set_postfix(lifted=lifted, refresh=False)
        print(f"{lifted} of {options.attempts} attempts lifted something; {len(store)} in {options.store}")


def _simulate_removals(options: argparse.Namespace, cell: Cell) -> None:
    with ExperienceStore(options.store) as store:
        rng = np.random.default_rng([options.seed, len(store)])
        done = min(len(store), options.attempts)
        with tqdm(total=options.attempts, initial=done, unit="removal", mininterval=2.0) as bar:
            for removal in simulate_removals(cell, options.attempts - done, rng, options.held_views):
                store.add(removal.experience)
                bar.update()
        print(f"{len(store)} attempts in {options.store}")


def _contact_sheet(options: argparse.Namespace, cell: Cell) -> None:
    scenes = []
    for number in range(options.scenes):
        cell.reset_scene(options.seed + number)
        scenes.append(cell.scene_frame().rgb)
    columns = min(4, len(scenes))
    scenes += [np.full_like(scenes[0], 255)] * (-len(scenes) % columns)
    rows = [np.hstack(scenes[i : i + columns]) for i in range(0, len(scenes), columns)]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(options.output), np.vstack(rows)[:, :, ::-1]):
        raise ValueError(f"--output: {options.output} is no image file that can be written; use .png or .jpg")


if __name__ == "__main__":
    sys.exit(main())
