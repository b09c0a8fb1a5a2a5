"""`python -m semgrasp_ros`: generate, train and use from the command line, without ROS."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path

from semgrasp_ros.core.data.splits import SPLITS


def parser() -> argparse.ArgumentParser:
    """Command line."""
    top = argparse.ArgumentParser(prog="python -m semgrasp_ros", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    make = commands.add_parser(
        "generate", help="make captioned grasps of generated objects; goes on after a break"
    )
    make.add_argument("--grasps", type=Path, required=True, help="folder to fill")
    make.add_argument("--families", nargs="*", default=[], help="only these families")
    make.add_argument("--first", type=int, default=0, help="first instance")
    make.add_argument("--instances", type=int, default=40, help="instances of each family")
    make.add_argument("--seed", type=int, default=0, help="of the first guesses")
    make.add_argument("--workers", type=int, default=1, help="processes")
    pack = commands.add_parser("pack", help="write the grasps of a folder to one small file")
    pack.add_argument("--grasps", type=Path, required=True, help="folder of grasps")
    pack.add_argument("--output", type=Path, required=True, help="file to write, .npz")
    pack.add_argument("--splits", nargs="+", choices=SPLITS, default=SPLITS, help="only these; all otherwise")
    unpack = commands.add_parser("unpack", help="put the grasps that ship in a folder")
    unpack.add_argument("--grasps", type=Path, required=True, help="folder; what it has stays as it is")
    unpack.add_argument("--file", type=Path, help="another file that `pack` wrote")
    tokens = commands.add_parser("train-tokens", help="learn grasp tokens; goes on where it was interrupted")
    tokens.add_argument("--grasps", type=Path, required=True, help="folder of grasps")
    tokens.add_argument("--output", type=Path, required=True, help="folder of the model")
    tokens.add_argument("--steps", type=int, default=8000, help="optimiser steps")
    tokens.add_argument("--variant", default="three", help="levels: three, one, two, four, no_roles or flat")
    tokens.add_argument("--hand", default="open", help="'open', or the path of a MANO file")
    tokens.add_argument("--seed", type=int, default=0)
    language = commands.add_parser("train-language", help="learn from words to tokens; goes on after a break")
    language.add_argument("--grasps", type=Path, required=True, help="folder of grasps")
    language.add_argument("--tokens", type=Path, required=True, help="folder that train-tokens wrote")
    language.add_argument("--output", type=Path, required=True, help="folder of the model")
    language.add_argument(
        "--base", default="small", help="'small', or the folder of a causal LM of transformers"
    )
    language.add_argument("--steps", type=int, nargs=2, default=(4000, 1000), help="of the two stages")
    language.add_argument(
        "--word-dropout", type=float, default=0.05, help="share of words left out while training"
    )
    language.add_argument("--seed", type=int, default=0)
    frame = commands.add_parser("train-frame", help="learn to find headings; goes on after a break")
    frame.add_argument("--output", type=Path, required=True, help="folder of the model")
    frame.add_argument("--clouds", type=Path, help="folder that keeps the objects between runs")
    frame.add_argument("--instances", type=int, default=16, help="of each seen family, to learn from")
    frame.add_argument("--steps", type=int, default=1500, help="optimiser steps")
    frame.add_argument("--results", type=Path, help="file for what held-out objects say afterwards")
    frame.add_argument("--seed", type=int, default=0)
    grounding = commands.add_parser(
        "train-grounding", help="learn which part words ask for and where it is; goes on after a break"
    )
    grounding.add_argument("--output", type=Path, required=True, help="folder of the model")
    grounding.add_argument("--clouds", type=Path, help="folder that keeps the objects between runs")
    grounding.add_argument("--families", nargs="*", default=[], help="only these; all seen ones when empty")
    grounding.add_argument("--instances", type=int, default=40, help="of each family, to learn from")
    grounding.add_argument("--made-up", type=int, default=1000, help="things that do not exist, besides")
    grounding.add_argument(
        "--steps", type=int, nargs=2, default=(10000, 8000), help="of the reader and of the segmentation"
    )
    grounding.add_argument("--seed", type=int, default=0)
    export = commands.add_parser("export", help="make trained models small, for SemGrasp.load and the node")
    export.add_argument("--tokens", type=Path, required=True, help="folder that train-tokens wrote")
    export.add_argument("--language", type=Path, required=True, help="folder that train-language wrote")
    export.add_argument("--frame", type=Path, required=True, help="folder that train-frame wrote")
    export.add_argument("--grounding", type=Path, required=True, help="folder that train-grounding wrote")
    export.add_argument("--output", type=Path, required=True, help="folder to write")
    check = commands.add_parser("check-robot", help="say what is wrong with the YAML of a robot")
    check.add_argument("files", nargs="+", metavar="FILE", help="YAML, or the name of a shipped robot")
    excludes = commands.add_parser(
        "exclude-collisions", help="find the links of a robot that may touch and write them in its YAML"
    )
    excludes.add_argument("files", nargs="+", metavar="FILE", help="YAML, or the name of a shipped robot")
    return top


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; errors of the user end in one line and exit code 2."""
    options = parser().parse_args(arguments)
    try:
        {
            "generate": _generate,
            "pack": _pack,
            "unpack": _unpack,
            "train-tokens": _train_tokens,
            "train-frame": _train_frame,
            "train-language": _train_language,
            "train-grounding": _train_grounding,
            "export": _export,
            "check-robot": _check_robot,
            "exclude-collisions": _exclude_collisions,
        }[options.command](options)
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
    counts = generate(
        options.grasps, options.families, instances, SynthesisConfig(), options.seed, options.workers
    )
    print(", ".join(f"{count} {reason}" for reason, count in counts.most_common()))


def _pack(options: argparse.Namespace) -> None:
    from semgrasp_ros.core.data.grasp_archive import pack
    from semgrasp_ros.core.data.grasp_folder import GraspFolder

    count = pack(GraspFolder(options.grasps), options.output, options.splits)
    print(f"{options.output}: {count} grasps, {options.output.stat().st_size / 2**20:.1f} MiB")


def _unpack(options: argparse.Namespace) -> None:
    from semgrasp_ros.core.data.grasp_archive import HELD_OUT, TRAINING, unpack
    from semgrasp_ros.core.data.grasp_folder import GraspFolder
    from semgrasp_ros.core.pipeline import shipped_folder

    shipped = [shipped_folder() / name for name in (HELD_OUT, TRAINING)]
    files, folder = [options.file] if options.file else shipped, GraspFolder(options.grasps)
    count = sum(unpack(file, folder) for file in files)
    print(f"{options.grasps}: grasps of {count} objects came new")


def _train_tokens(options: argparse.Namespace) -> None:
    import torch

    from semgrasp_ros.core.data.dataset import load_split, part_vocabulary
    from semgrasp_ros.core.hand import load_hand
    from semgrasp_ros.core.tokens.model import TokenModel, TokenModelConfig
    from semgrasp_ros.core.tokens.tokenizer import VARIANTS, TokenizerConfig
    from semgrasp_ros.core.tokens.training import TokenTrainer, TokenTrainingConfig

    if options.variant not in VARIANTS:
        raise ValueError(f"variant: {options.variant!r} is unknown; use one of {', '.join(VARIANTS)}")
    cache = options.grasps.parent / "clouds"
    train = load_split(options.grasps, "train", cache, views=3)
    validation = load_split(options.grasps, "validation", cache)
    print(f"{len(train)} grasps of {len(train.objects)} objects; {len(validation)} to validate with")
    config = TokenModelConfig(tokenizer=TokenizerConfig(roles=VARIANTS[options.variant]))
    training = TokenTrainingConfig(steps=options.steps, seed=options.seed)
    torch.manual_seed(options.seed)
    model = TokenModel(config, part_vocabulary())
    TokenTrainer(model, load_hand(options.hand), train, validation, training, options.output).run()


def _train_frame(options: argparse.Namespace) -> None:
    from semgrasp_ros.core.objects.frame_evaluation import write_results
    from semgrasp_ros.core.objects.frame_training import FrameTrainingConfig, train_frame

    config = FrameTrainingConfig(steps=options.steps, seed=options.seed)
    checked = train_frame(options.output, options.instances, config, options.clouds)
    print(", ".join(f"{kind}: {share:.1%} within 15 degrees" for kind, share in checked.items()))
    if options.results:
        write_results(options.output, options.clouds, options.results, options.seed)


def _train_language(options: argparse.Namespace) -> None:
    from semgrasp_ros.core.captioned import CaptionedGrasps
    from semgrasp_ros.core.data.dataset import load_split
    from semgrasp_ros.core.language import (
        GraspLanguageModel,
        LanguageConfig,
        train_language_model,
        train_vocabulary,
    )
    from semgrasp_ros.core.tokens.model import TokenModel

    cache = options.grasps.parent / "clouds"
    model = TokenModel.load(options.tokens)
    train = CaptionedGrasps(model, load_split(options.grasps, "train", cache, views=3), seed=options.seed)
    validation = CaptionedGrasps(
        model, load_split(options.grasps, "validation", cache), seed=options.seed + 1
    )
    print(f"{len(train)} grasps; {len(validation)} to validate with")
    config = LanguageConfig(
        base=options.base,
        stage1_steps=options.steps[0],
        stage2_steps=options.steps[1],
        word_dropout=options.word_dropout,
        seed=options.seed,
    )
    vocabulary = train_vocabulary(train.texts(20_000)) if options.base == "small" else None
    language = GraspLanguageModel.make(config, vocabulary, object_width=model.config.encoder.width)

    def features(keys: list) -> tuple:
        # Examples to validate with are of other objects: their keys are marked.
        source = validation if keys and keys[0][0] == "validation" else train
        return source.features([key[1:] if key[0] == "validation" else key for key in keys])

    looked_at = [
        dataclasses.replace(example, object_key=("validation", *example.object_key))
        for example in validation.examples(0)[:400]
    ]
    train_language_model(language, train.examples, features, options.output, looked_at)


def _train_grounding(options: argparse.Namespace) -> None:
    from semgrasp_ros.core.data.dataset import joined, load_made_up, load_shapes, part_vocabulary
    from semgrasp_ros.core.data.household import FAMILIES
    from semgrasp_ros.core.data.splits import UNSEEN_FAMILIES
    from semgrasp_ros.core.grounding.training import GroundingTrainingConfig, train_grounding

    held_out = sorted(set(options.families) & set(UNSEEN_FAMILIES))
    if held_out:
        raise ValueError(f"families: {', '.join(held_out)} is held out; use others")
    families = options.families or [family for family in FAMILIES if family not in UNSEEN_FAMILIES]
    train = load_shapes("train", families, options.instances, options.clouds, views=3)
    validation = load_shapes("validation", families, options.instances, options.clouds, views=3)
    if options.made_up:
        train = joined(train, load_made_up(options.made_up, options.clouds, views=3))
    print(f"{len(train.objects)} objects; {len(validation.objects)} to validate with")
    reader, segmentation = options.steps
    config = GroundingTrainingConfig(reader_steps=reader, segmentation_steps=segmentation, seed=options.seed)
    checked = train_grounding(train, validation, part_vocabulary(), config, options.output)
    print(", ".join(f"{name} {share:.1%}" for name, share in checked.items()))


def _export(options: argparse.Namespace) -> None:
    from semgrasp_ros.core.export import export_models

    export_models(options.tokens, options.language, options.frame, options.grounding, options.output)
    size = sum(file.stat().st_size for file in options.output.rglob("*") if file.is_file())
    print(f"{options.output}: {size / 2**20:.1f} MiB")


def _check_robot(options: argparse.Namespace) -> None:
    from semgrasp_ros.core.retarget.robot_check import check_robot, summary
    from semgrasp_ros.core.retarget.robots import RobotError, load_robot, robot_file

    wrong = []
    for name in options.files:
        file = robot_file(name)
        found = check_robot(file)
        wrong += found
        if not found:
            print(summary(load_robot(file)))
    if wrong:
        raise RobotError("\n".join([f"{len(wrong)} problems", *wrong]))


def _exclude_collisions(options: argparse.Namespace) -> None:
    from semgrasp_ros.core.retarget.collision import write_excludes
    from semgrasp_ros.core.retarget.robots import load_robot, robot_file

    for name in options.files:
        file = robot_file(name)
        print(f"{file}: {len(write_excludes(load_robot(file)))} pairs of links may touch")


if __name__ == "__main__":
    sys.exit(main())
