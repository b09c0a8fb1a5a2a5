"""`python -m grasp2vec_ros`: train, merge, export and inspect from the command line, without ROS."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

if TYPE_CHECKING:
    from grasp2vec_ros.core.trainer import TrainerConfig


def parser() -> argparse.ArgumentParser:
    """Command line."""
    top = argparse.ArgumentParser(prog="python -m grasp2vec_ros", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    train = commands.add_parser(
        "train", help="learn from a store or from shards; goes on from the newest checkpoint"
    )
    source = train.add_mutually_exclusive_group(required=True)
    source.add_argument("--store", type=Path, help="folder of the experience store")
    source.add_argument(
        "--shards",
        nargs="+",
        metavar="URL",
        help="places of shards: folders, s3://..., whatever fsspec reaches; in several processes by `accelerate launch`",
    )
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
    train.add_argument(
        "--lanes",
        type=int,
        default=8,
        help="with --shards: parts of a batch, each from shards of its own; a multiple of the processes",
    )
    train.add_argument(
        "--cache", type=Path, help="with --shards: folder for copies of shards that are not local"
    )
    train.add_argument(
        "--cache-mb", type=float, default=8192, help="with --shards: size of the copies of a process [MiB]"
    )
    start = commands.add_parser(
        "start", help="write a first checkpoint whose trunk has learned ImageNet, for `train` to go on from"
    )
    start.add_argument("--checkpoints", type=Path, required=True, help="folder of the checkpoints")
    start.add_argument(
        "--small", type=Path, help="a trained model with the small net, which goes on from where it is"
    )
    start.add_argument("--config", type=Path, help="YAML file of TrainerConfig")
    start.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="overrides a value")
    probe = commands.add_parser(
        "probe",
        help="add to a trained model what a trunk that knows ImageNet sees, and write it as a checkpoint",
    )
    probe.add_argument("--checkpoint", type=Path, required=True, help="file, or folder (then the newest)")
    probe.add_argument("--store", type=Path, required=True, help="attempts to fit the projection to")
    probe.add_argument(
        "--output",
        type=Path,
        required=True,
        help="folder of the new file; features in its `features` are used again",
    )
    probe.add_argument("--attempts", type=int, default=10000, help="how many of the store are looked at")
    probe.add_argument("--size", type=int, default=512, help="entries that are added to the vectors")
    probe.add_argument("--weight", type=float, default=0.6, help="how much their cosine counts")
    probe.add_argument("--steps", type=int, default=200, help="of fitting; 0: features are standardised only")
    probe.add_argument("--seed", type=int, default=0, help="of the choice of attempts and of batches")
    colours = commands.add_parser(
        "colours", help="let the vectors of a trained model tell colours too, and write it as a checkpoint"
    )
    colours.add_argument("--checkpoint", type=Path, required=True, help="file, or folder (then the newest)")
    colours.add_argument("--store", type=Path, required=True, help="attempts to fit the projection to")
    colours.add_argument("--output", type=Path, required=True, help="folder for the new checkpoint")
    colours.add_argument("--attempts", type=int, default=5000, help="how many of the store are looked at")
    colours.add_argument("--size", type=int, default=128, help="entries that are added to the vectors")
    colours.add_argument("--weight", type=float, default=0.4, help="how much their cosine counts")
    colours.add_argument("--steps", type=int, default=400, help="of fitting; 0: standardised only")
    colours.add_argument("--seed", type=int, default=0, help="of the choice of attempts and of batches")
    whiten = commands.add_parser(
        "whiten",
        help="let directions in which what was taken differs from what is then held count less, and write a checkpoint",
    )
    whiten.add_argument("--checkpoint", type=Path, required=True, help="file, or folder (then the newest)")
    whiten.add_argument("--store", type=Path, required=True, help="attempts to find these directions in")
    whiten.add_argument("--output", type=Path, required=True, help="folder for the new checkpoint")
    whiten.add_argument("--attempts", type=int, default=1200, help="how many of the store are looked at")
    whiten.add_argument("--floor", type=float, default=3.0, help="the larger, the less is changed")
    whiten.add_argument("--seed", type=int, default=0, help="of the choice of attempts")
    shrink = commands.add_parser("shrink", help="write a checkpoint in half precision, to ship it")
    shrink.add_argument("--checkpoint", type=Path, required=True, help="file, or folder (then the newest)")
    shrink.add_argument("--output", type=Path, required=True, help="folder of the new file")
    merge = commands.add_parser("merge", help="bring attempts of other stores or shards into a store")
    merge.add_argument("--store", type=Path, required=True, help="where to; made when missing")
    merge.add_argument(
        "--from",
        dest="sources",
        nargs="+",
        required=True,
        metavar="PLACE",
        help="folders of stores, or places of shards",
    )
    export = commands.add_parser("export", help="write a store's attempts for other programs, or as shards")
    export.add_argument("--store", type=Path, required=True)
    export.add_argument("--format", choices=["mcap", "images", "shards"], required=True)
    export.add_argument(
        "--output",
        required=True,
        help="folder to write; for mcap it must not exist; for shards any URL of fsspec, to which what is new is added",
    )
    export.add_argument("--lifted-only", action="store_true", help="leave failed attempts out")
    export.add_argument("--shard-mb", type=float, default=64.0, help="size of a shard [MiB]")
    inspect = commands.add_parser("inspect", help="say what is in a store, shards or a checkpoint")
    inspect.add_argument("--store", type=Path)
    inspect.add_argument(
        "--shards", nargs="+", metavar="URL", help="also reads all of them and names what is damaged"
    )
    inspect.add_argument("--checkpoint", type=Path, help="file, or folder (then the newest)")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; errors of the user end in one line and exit code 2."""
    options = parser().parse_args(arguments)
    from grasp2vec_ros.core.checkpoint import CheckpointError
    from grasp2vec_ros.core.store import StoreError

    try:
        commands = {
            "train": _train,
            "start": _start,
            "probe": _probe,
            "colours": _colours,
            "whiten": _whiten,
            "shrink": _shrink,
            "merge": _merge,
            "export": _export,
            "inspect": _inspect,
        }
        commands[options.command](options)
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
    if options.shards:
        _train_on_shards(options, config)
        return
    trainer = OnlineTrainer(config, options.store, options.checkpoints, initial_checkpoint(options.initial))
    saved = time.monotonic()
    bar = tqdm(total=options.steps, initial=trainer.step, desc="training", unit="step", mininterval=1.0)
    try:
        while trainer.step < options.steps:
            before, loss = trainer.step, trainer.train_step()
            if loss is None and trainer.caught_up:
                break
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


def _start(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.backbones.imagenet import model_with_trunk
    from grasp2vec_ros.core.checkpoint import checkpoints, load_checkpoint, save_checkpoint
    from grasp2vec_ros.core.options import from_yaml
    from grasp2vec_ros.core.trainer import TrainerConfig

    if checkpoints(options.checkpoints):
        print(f"{options.checkpoints} has checkpoints already; training goes on from the newest")
        return
    config = from_yaml(TrainerConfig, options.config, options.set)
    small = None if options.small is None else load_checkpoint(options.small)[0]
    model = model_with_trunk(config.encoder, config.seed, small)
    print(save_checkpoint(options.checkpoints, model, 0, {"trunk": "ImageNet"}).path)


def _probe(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.backbones.imagenet import with_probe
    from grasp2vec_ros.core.checkpoint import load_checkpoint, save_checkpoint
    from grasp2vec_ros.core.inference import PerceiverConfig
    from grasp2vec_ros.core.linear_fit import choose_attempts
    from grasp2vec_ros.core.probe_fit import collect_features, fit
    from grasp2vec_ros.core.store import ExperienceStore

    trained, metadata = load_checkpoint(options.checkpoint)
    model = with_probe(trained, options.size, options.weight)
    with ExperienceStore(options.store, read_only=True) as store:
        chosen = choose_attempts(store, options.attempts, options.seed)
        # Features of another model, or of other attempts, are others.
        which = zlib.crc32(repr(chosen).encode())
        folder = options.output / "features" / f"{metadata['version']}-{which:08x}"
        features = collect_features(model, model.probe, store, chosen, PerceiverConfig().quiet_change, folder)
    loss = fit(model.probe, features, options.steps, seed=options.seed)
    details = {**json.loads(metadata["details"]), "probe": {"attempts": len(chosen), "loss": loss}}
    print(save_checkpoint(options.output, model, int(metadata["step"]), details).path)


def _colours(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.checkpoint import load_checkpoint, save_checkpoint
    from grasp2vec_ros.core.colours_fit import collect_histograms, fit, with_colours
    from grasp2vec_ros.core.linear_fit import choose_attempts
    from grasp2vec_ros.core.store import ExperienceStore

    trained, metadata = load_checkpoint(options.checkpoint)
    model = with_colours(trained, options.size, options.weight)
    with ExperienceStore(options.store, read_only=True) as store:
        chosen = choose_attempts(store, options.attempts, options.seed)
        histograms = collect_histograms(store, chosen, model.config)
    loss = fit(model.colours, histograms, options.steps, seed=options.seed)
    details = {
        **json.loads(metadata["details"]),
        "colours": {"attempts": len(histograms.scenes), "loss": loss},
    }
    print(save_checkpoint(options.output, model, int(metadata["step"]), details).path)


def _whiten(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.checkpoint import load_checkpoint, save_checkpoint
    from grasp2vec_ros.core.inference import Perceiver
    from grasp2vec_ros.core.linear_fit import choose_attempts
    from grasp2vec_ros.core.store import ExperienceStore
    from grasp2vec_ros.core.whitening_fit import fit, with_whitening

    trained, metadata = load_checkpoint(options.checkpoint)
    model, perceiver = with_whitening(trained, options.floor), Perceiver()
    perceiver.load(options.checkpoint)
    with ExperienceStore(options.store, read_only=True) as store:
        chosen = [identity for identity, _ in choose_attempts(store, options.attempts, options.seed)]
        counted = fit(model.whitening, perceiver, store, chosen)
    details = {**json.loads(metadata["details"]), "whitening": {"attempts": counted}}
    print(save_checkpoint(options.output, model, int(metadata["step"]), details).path)


def _shrink(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.checkpoint import load_checkpoint, save_checkpoint

    model, metadata = load_checkpoint(options.checkpoint)
    details = json.loads(metadata["details"])
    print(save_checkpoint(options.output, model, int(metadata["step"]), details, half=True).path)


def _train_on_shards(options: argparse.Namespace, config: TrainerConfig) -> None:
    from grasp2vec_ros.core.inference import initial_checkpoint
    from grasp2vec_ros.core.shard_trainer import ShardTrainer
    from grasp2vec_ros.core.shards import Shards

    stop = _Stop()
    with Shards(options.shards, options.cache_mb, options.cache) as shards:
        trainer = ShardTrainer(
            config, shards, options.checkpoints, initial_checkpoint(options.initial), options.lanes
        )
        first = trainer.peers.index == 0
        bar = tqdm(
            total=options.steps,
            initial=trainer.step,
            desc="training",
            unit="step",
            mininterval=1.0,
            disable=not first,
        )
        saved, interrupted = time.monotonic(), False
        try:
            while trainer.step < options.steps:
                # Together, so that no process waits for one that has stopped.
                interrupted = trainer.peers.any(stop.asked)
                if interrupted:
                    break
                before, loss = trainer.step, trainer.train_step()
                bar.update(trainer.step - before)
                if loss is not None:
                    bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
                if time.monotonic() - saved > config.checkpoint_every_s:
                    trainer.save()
                    saved = time.monotonic()
            trainer.save()
            bar.close()
            if first and interrupted:
                print("interrupted: the checkpoint is saved; run the same command to go on")
            elif first:
                retrieval, gallery = trainer.evaluate()
                print(
                    f"step {trainer.step}, {trainer.peers.count} processes, {len(shards)} attempts; own held image is the"
                    f" nearest for {retrieval:.1%} of {gallery} held-out attempts"
                )
        finally:
            bar.close()
            trainer.close()


class _Stop:
    """Remembers that someone wants it to end: an interrupted step would leave processes with different weights."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: object) -> None:
        self.asked = True


def _merge(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.merge import MergeReport, merge, readable_records
    from grasp2vec_ros.core.shards import Shards
    from grasp2vec_ros.core.store import FILE_NAME, ExperienceStore

    report = MergeReport()
    with ExperienceStore(options.store) as store:
        for place in options.sources:
            if (Path(place) / FILE_NAME).is_file():
                if Path(place).resolve() == options.store.resolve():
                    raise ValueError(f"--from: {place} is the store to merge into; name others")
                source = ExperienceStore(place, read_only=True)
                total, records = len(source), readable_records(source, source.ids(), report.damaged)
            else:
                source = Shards([place])
                total, records = len(source), source.records(report.damaged)
            with source:
                bar = tqdm(records, total=total, desc=f"merging {place}", unit="attempt", mininterval=1.0)
                merge(bar, store, report)
    for text in report.damaged:
        print(f"left out: {text}", file=sys.stderr)
    for experience_id in report.conflicts:
        print(f"left out: {experience_id} is there with another content", file=sys.stderr)
    print(f"{report}; {options.store} has {_count(options.store)} attempts")


def _count(folder: Path) -> int:
    from grasp2vec_ros.core.store import ExperienceStore

    with ExperienceStore(folder, read_only=True) as store:
        return len(store)


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
    if options.format == "shards":
        _export_shards(options)
        return
    from grasp2vec_ros.core.export import export_images, export_mcap

    write = {"mcap": export_mcap, "images": export_images}[options.format]
    print(
        f"{write(_attempts(options.store, options.lifted_only), Path(options.output))} attempts in {options.output}"
    )


def _export_shards(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.shard_export import export_shards
    from grasp2vec_ros.core.store import ExperienceStore

    with (
        ExperienceStore(options.store, read_only=True) as store,
        tqdm(desc="exporting", unit="attempt") as bar,
    ):

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        report = export_shards(
            store, options.output, options.shard_mb, options.lifted_only, progress=progress
        )
    for text in report.damaged:
        print(f"left out: {text}", file=sys.stderr)
    print(
        f"{report.added} attempts added to {report.known} in {options.output}, {report.shards} shards in all"
    )


def _inspect(options: argparse.Namespace) -> None:
    from grasp2vec_ros.core.checkpoint import load_checkpoint
    from grasp2vec_ros.core.store import ExperienceStore

    if options.store is None and options.checkpoint is None and options.shards is None:
        raise ValueError("--store, --shards, --checkpoint: name one of them")
    if options.store is not None:
        with ExperienceStore(options.store, read_only=True) as store:
            attempts, lifted = store.counts()
            heldout = len(store.ids(split="heldout"))
            print(json.dumps({"attempts": attempts, "lifted": lifted, "heldout": heldout}, indent=1))
    if options.shards is not None:
        _inspect_shards(options.shards)
    if options.checkpoint is not None:
        model, metadata = load_checkpoint(options.checkpoint)
        parameters = sum(p.numel() for p in model.parameters())
        facts = {**metadata, "parameters": parameters, "encoder": dataclasses.asdict(model.config)}
        print(json.dumps(facts, indent=1))


def _inspect_shards(urls: list[str]) -> None:
    from grasp2vec_ros.core.shard_format import ShardError
    from grasp2vec_ros.core.shards import Shards

    with Shards(urls) as shards:
        facts = {
            "shards": len(shards.shards),
            "bytes": sum(shard.entry.bytes for shard in shards.shards),
            "attempts": len(shards),
            "lifted": int(shards.lifted.sum()),
            "heldout": int(shards.heldout.sum()),
            "duplicates": shards.duplicates,
        }
        print(json.dumps(facts, indent=1))
        checked = tqdm(shards.problems(), total=len(shards.shards), desc="checking", unit="shard")
        problems = [problem for problem in checked if problem is not None]
    if problems:
        raise ShardError("\n".join(problems))


if __name__ == "__main__":
    sys.exit(main())
