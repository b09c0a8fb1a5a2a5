"""`make evaluate-semgrasp`: grasp tokens and grasps from words on held-out objects, with baselines, and the table in docs/.

What was measured is kept in the output folder: an interrupted run goes on, and a model that changed is measured anew.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from zlib import crc32

import torch

from examination.semgrasp import generation, reconstruction
from examination.semgrasp.answers import Answers, Greedy, fingerprint
from examination.semgrasp.held_out import SPLITS, Request, has_split, requests
from examination.semgrasp.kept import Kept
from examination.semgrasp.models import grounding_folder, language_folder, mark, tokens_folder
from examination.semgrasp.paper import GENERATION, RECONSTRUCTION, add_paper
from examination.semgrasp.table import write_table
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.baselines import (
    BagOfWords,
    Baseline,
    Chance,
    CVae,
    Nearest,
    RandomTokens,
    SentenceEncoder,
    sentence_encoder_folder,
)
from semgrasp_ros.core.baselines.sentence_encoder import PACKAGE, load_encoder
from semgrasp_ros.core.grounding import Grounding
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.language import load_model
from semgrasp_ros.core.objects.frame import HeadingEstimator
from semgrasp_ros.core.pipeline import PipelineConfig, SemGrasp, shipped_folder
from semgrasp_ros.core.tokens.model import TokenModel

PARTS = ("reconstruction", "generation", "sheet", "capgrasp", "table")
PICTURED = 24
# The same whatever is measured: pictures are of the first requests.
FOR_SHEET = 120


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m examination.semgrasp", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=Path("out/evaluate/semgrasp"), help="folder of the results"
    )
    parser.add_argument(
        "--grasps", type=Path, default=Path("out/semgrasp/grasps"), help="folder of generated grasps"
    )
    parser.add_argument(
        "--tokens", type=Path, help="folder of the token model; the shipped one when not given"
    )
    parser.add_argument(
        "--language", type=Path, help="folder of the language model; the shipped one when not given"
    )
    parser.add_argument(
        "--grounding", type=Path, help="folder of the grounding; the shipped one when not given"
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, help="only these parts")
    parser.add_argument("--splits", nargs="+", choices=list(SPLITS), help="only these")
    parser.add_argument(
        "--limit", type=_count, default=200, help="requests, and grasps for PD and SIV, of a split"
    )
    parser.add_argument("--simulated", type=_count, default=100, help="of them, so many are simulated for SD")
    parser.add_argument("--seed", type=int, default=0, help="of requests and of everything that is drawn")
    parser.add_argument(
        "--turned-draws",
        type=int,
        default=PipelineConfig().turned_draws,
        help="for each candidate, drawn besides under each other heading of the object",
    )
    parser.add_argument(
        "--turned",
        action="store_true",
        help="objects are turned by chance, and the pipeline looks for their heading itself, as a robot's does;"
        " without baselines, which cannot",
    )
    parser.add_argument("--threads", type=_count, default=1, help="of torch")
    parser.add_argument(
        "--variant",
        type=_named_path,
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="another token model for the table of reconstruction",
    )
    parser.add_argument(
        "--without", nargs="+", default=[], metavar="BASELINE", help="leave these baselines out"
    )
    parser.add_argument("--baseline-steps", type=_count, help="of the baselines' training; fewer for a try")
    parser.add_argument("--sentence-encoder", type=Path, help="folder of a sentence encoder of transformers")
    parser.add_argument(
        "--capgrasp", type=Path, help="folder of OakInk-Shape with CapGrasp, measured as well"
    )
    parser.add_argument("--mano", type=Path, help="MANO_RIGHT.pkl, for --capgrasp")
    parser.add_argument("--table", type=Path, help="also write the table of all parts to this Markdown file")
    options = parser.parse_args(arguments)
    if (options.capgrasp is None) != (options.mano is None):
        parser.error("--capgrasp needs --mano, and the other way round")
    if options.simulated > options.limit:
        options.simulated = options.limit
    return options


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 1 or more")
    return int(text)


def _named_path(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not name or not path or not Path(path).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r}: give a name, '=' and a folder that exists")
    return name, Path(path)


def main(arguments: list[str] | None = None) -> int:
    """Runs the examination; errors of the user end in one line and exit code 2."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    torch.set_num_threads(options.threads)
    began = time.monotonic()
    try:
        if _wants("reconstruction", options):
            _reconstruction(options)
        if _wants("generation", options) or _wants("sheet", options):
            _from_words(options)
        if options.capgrasp and _wants("capgrasp", options):
            _capgrasp(options)
    except (ValueError, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the same command goes on from here", file=sys.stderr)
        return 130
    if options.table:
        write_table(options.output, options.table)
    print(f"{options.output}: {time.monotonic() - began:.0f} s")
    return 0


def _wants(part: str, options: argparse.Namespace) -> bool:
    return options.only is None or part in options.only


def _results(options: argparse.Namespace) -> Results:
    usual = parse([])
    changed = [
        f"--{name.replace('_', '-')} {getattr(options, name)}"
        for name in ("limit", "simulated", "seed", "turned_draws")
        if getattr(options, name) != getattr(usual, name)
    ]
    changed += ["--turned"] * options.turned
    command = ["python -m examination.semgrasp", *changed] if changed else ["make evaluate-semgrasp"]
    return Results(command=" ".join(command), seed=options.seed)


def _reconstruction(options: argparse.Namespace) -> None:
    if not has_split(options.grasps, "train") and any(options.grasps.glob("*/*.npz")):
        # A first token leaves the fingers open: they are the mean training grasp's.
        print(f"reconstruction: left out, since {options.grasps} has no grasps of the training split")
        return
    models = {"ours": tokens_folder(options.tokens), **dict(options.variant)}
    limits = reconstruction.Limits(options.limit, options.simulated)
    for split in reconstruction.SPLITS:
        if options.splits is None or split in options.splits:
            results = _results(options)
            reconstruction.examine(
                options.grasps, split, models, load_hand(), limits, options.output, options.seed, results
            )
            if split == "unseen_instances":
                add_paper(results, split, RECONSTRUCTION)
            marks = {name: mark(folder) for name, folder in models.items()}
            results.write(options.output / f"reconstruction-{split}.json", models=marks)


def _from_words(options: argparse.Namespace) -> None:
    tokens, language = tokens_folder(options.tokens), language_folder(options.language)
    grounding = grounding_folder(options.grounding)
    grasper = SemGrasp(
        TokenModel.load(tokens), load_model(language), Grounding.load(grounding), load_hand(),
        PipelineConfig(turned_draws=options.turned_draws),
        heading=HeadingEstimator.load(shipped_folder() / "frame") if options.turned else None,
    )  # fmt: skip
    splits = [split for split in SPLITS if options.splits is None or split in options.splits]
    if _wants("generation", options):
        asked = {s: requests(options.grasps, s, options.limit, options.seed) for s in splits}
        marks = mark(tokens), mark(tokens, language), mark(tokens, language, grounding)
        _generation(options, grasper, asked, *marks)
    if options.table and _wants("sheet", options):
        from examination.semgrasp.sheet import chosen, draw_sheet

        of_sheet = [split for split in ("unseen_instances", "unseen_families") if split in splits]
        shown = {s: requests(options.grasps, s, FOR_SHEET, options.seed) for s in of_sheet}
        file = options.table.parent / "images/semgrasp.jpg"
        draw_sheet(grasper, chosen(shown, PICTURED), file, generation.CANDIDATES, options.seed)


def _generation(
    options: argparse.Namespace,
    grasper: SemGrasp,
    asked: dict[str, list[Request]],
    tokens_mark: str,
    both_mark: str,
    all_mark: str,
) -> None:
    trained = fingerprint(options.grasps)
    answers = Answers(grasper.token_model, options.grasps, options.output, tokens_mark, options.seed)
    everything = [request for of_split in asked.values() for request in of_split]
    baselines: dict[str, Kept] = {}
    how = f"{crc32(repr(grasper.config).encode()):08x}{'-turned' * options.turned}"
    of_ours = f"{all_mark}-{options.seed}-{how}"
    versions = {"ours": of_ours, "decoded": of_ours}
    makers, left_out = ({}, ["baselines"]) if options.turned else _baselines(options, grasper)
    for name, make in makers.items():
        learned = both_mark if name == Greedy.name else f"{trained}-{options.seed}"
        baselines[name] = answers.of(name, make, everything, learned)
        versions[name] = f"{tokens_mark}-{learned}"
    measuring = generation.Generation(
        grasper, answers, baselines, versions, options.simulated, options.output, options.seed, options.turned
    )
    learn = has_split(options.grasps, "train")
    classifier = generation.intent_classifier(options.grasps, options.seed) if learn else None
    for split, of_split in asked.items():
        results = _results(options)
        kept = measuring.measure(split, of_split)
        generation.add_rows(kept, of_split, split, options.simulated, classifier, options.seed, results)
        if split == "unseen_instances":
            add_paper(results, split, GENERATION)
        marks = {"tokens, language and grounding": all_mark}
        results.write(options.output / f"generation-{split}.json", models=marks, left_out=left_out)


def _baselines(
    options: argparse.Namespace, grasper: SemGrasp
) -> tuple[dict[str, Callable[[], Baseline]], list[str]]:
    """How the baselines are made, and what is left out and why."""
    steps = {} if options.baseline_steps is None else {"steps": options.baseline_steps}
    makers: dict[str, Callable[[], Baseline]] = {
        Greedy.name: partial(Greedy, grasper.language_model),
        BagOfWords.name: partial(BagOfWords, seed=options.seed, **steps),
        Nearest.name: Nearest,
        CVae.name: partial(CVae, seed=options.seed, **steps),
        Chance.name: Chance,
        RandomTokens.name: RandomTokens,
    }
    left_out = []
    if folder := options.sentence_encoder or sentence_encoder_folder():
        makers[SentenceEncoder.name] = lambda: SentenceEncoder(
            load_encoder(folder), seed=options.seed, **steps
        )
    else:
        left_out.append(
            f"the row of the sentence encoder, since the package {PACKAGE.replace('_', '-')} was not installed"
        )
    unknown = sorted(set(options.without) - {*makers, SentenceEncoder.name})
    if unknown:
        raise ValueError(f"--without: {unknown[0]!r} is no baseline; there are {', '.join(makers)}")
    if not has_split(options.grasps, "train"):
        makers = {Greedy.name: makers[Greedy.name]}
        left_out = [
            f"baselines that learn, and intents, since {options.grasps} has no grasps of the training split; `python -m"
            " semgrasp_ros generate` makes some"
        ]
    left_out += [f"{name}, as was asked" for name in options.without]
    return {name: make for name, make in makers.items() if name not in options.without}, left_out


def _capgrasp(options: argparse.Namespace) -> None:
    from examination.semgrasp.capgrasp import add_capgrasp

    results = _results(options)
    folder = tokens_folder(options.tokens)
    model = TokenModel.load(folder)
    left_out = add_capgrasp(options.capgrasp, model, load_hand(options.mano), options.limit, results)
    results.write(options.output / "capgrasp.json", models={"ours": mark(folder)}, not_measured=left_out)


if __name__ == "__main__":
    sys.exit(main())
