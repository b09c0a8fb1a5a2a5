"""`python -m grasp2vec_ros`: train, export and inspect from the command line, without ROS."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm


def parser() -> argparse.ArgumentParser:
    """Command line."""
    top = argparse.ArgumentParser(prog="python -m grasp2vec_ros", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="learn from a store; goes on from the newest checkpoint")
    train.add_argument("--store", type=Path, required=True, help="folder of the experience store")
    train.add_argument("--checkpoints", type=Path, required=True, help="folder of the checkpoints")
    train.add_argument(
        "--initial",
        default="none",
        help="model to begin with: 'shipped', 'none' for random weights, or a file",
    )
    train.add_argument(
        "--steps", type=int, default=1000, help="optimiser steps in all, those of the checkpoint included"
    )
    train.add_argument(
        "--config", type=Path, help="YAML file of TrainerConfig; groups as encoder: {width: 32}"
    )
    train.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="overrides a value, as encoder.width=32",
    )
    export = commands.add_parser("export", help="write a store's attempts for other programs")
    export.add_argument("--store", type=Path, required=True)
    export.add_argument("--format", choices=["mcap", "images"], required=True)
    export.add_argument(
        "--output", type=Path, required=True, help="folder to write; for mcap it must not exist"
    )
    export.add_argument("--lifted-only", action="store_true", help="leave failed attempts out")
    inspect = commands.add_parser("inspect", help="say what is in a store or a checkpoint")
    inspect.add_argument("--store", type=Path)
    inspect.add_argument("--checkpoint", type=Path, help="file, or folder (then the newest)")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; errors of the user end in one line and exit code 2."""
    options = parser().parse_args(arguments)
    from grasp2vec_ros.core.checkpoint import CheckpointError
    from grasp2vec_ros.core.store import StoreError

    try:
        {"train": _train, "export": _export, "inspect": _inspect}[options.command](options)
    except (StoreError, CheckpointError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _train(options: argparse.Namespace) -> None:
    import torch

    from grasp2vec_ros.core.inference import initial_checkpoint
    from grasp2vec_ros.core.options import from_yaml
    from grasp2vec_ros.core.trainer import OnlineTrainer, TrainerConfig

    config = from_yaml(TrainerConfig, options.config, options.set)
    if config.threads:
        torch.set_num_threads(config.threads)
    trainer = OnlineTrainer(config, options.store, options.checkpoints, initial_checkpoint(options.initial))
    saved = time.monotonic()
    bar = tqdm(total=options.steps, initial=trainer.step, desc="training", unit="step", mininterval=1.0)
    try:
        while trainer.step < options.steps:
            before, loss = trainer.step, trainer.train_step()
            if loss is None and trainer.status().waiting:
                raise ValueError(f"store: {trainer.status().message}; collect more grasps first")
            bar.update(trainer.step - before)
            if loss is not None:
                bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            if time.monotonic() - saved > config.checkpoint_every_s:
                trainer.save()
                saved = time.monotonic()
    except KeyboardInterrupt:
        print("\ninterrupted: the checkpoint is saved; run the same command to go on")
    finally:
        bar.close()
        retrieval, gallery = trainer.evaluate()
        trainer.close()
    print(
        f"step {trainer.step}; own held image is the nearest for {retrieval:.1%} of {gallery} held-out attempts"
    )


def _attempts(folder: Path, lifted_only: bool) -> Iterator:
    from grasp2vec_ros.core.store import ExperienceStore, ExperienceUnreadableError

    with ExperienceStore(folder, read_only=True) as store:
        for experience_id in tqdm(
            store.ids(lifted=True if lifted_only else None), desc="exporting", unit="attempt"
        ):
            try:
                yield store.get(experience_id)
            except ExperienceUnreadableError as error:
                print(f"left out: {error}", file=sys.stderr)


def _export(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.export import export_images, export_mcap

    write = {"mcap": export_mcap, "images": export_images}[options.format]
    print(
        f"{write(_attempts(options.store, options.lifted_only), options.output)} attempts in {options.output}"
    )


def _inspect(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.checkpoint import load_checkpoint
    from grasp2vec_ros.core.store import ExperienceStore

    if options.store is None and options.checkpoint is None:
        raise ValueError("--store, --checkpoint: name one of them")
    if options.store is not None:
        with ExperienceStore(options.store, read_only=True) as store:
            attempts, lifted = store.counts()
            heldout = len(store.ids(split="heldout"))
            print(json.dumps({"attempts": attempts, "lifted": lifted, "heldout": heldout}, indent=1))
    if options.checkpoint is not None:
        model, metadata = load_checkpoint(options.checkpoint)
        parameters = sum(p.numel() for p in model.parameters())
        facts = {**metadata, "parameters": parameters, "encoder": dataclasses.asdict(model.config)}
        print(json.dumps(facts, indent=1))


if __name__ == "__main__":
    sys.exit(main())
