"""`make evaluate-grasp2vec`: the paper's protocols on every split, with baselines, and the table in docs/."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

from examination import grasping, online, protocols
from examination.attempts import Examination, collect
from examination.methods import ColourHistogram, Embedding, MeanChroma, Method, Sift
from examination.pictures import draw_sheet
from examination.robustness import add_robustness
from examination.splits import REFERENCE_ONLY, SCANNED_FOLDER, available_splits
from examination.summary import write_summary
from examination.table import write_table
from grasp2vec_ros.core.evaluation import Measurement, best_threshold, reward_pairs
from grasp2vec_ros.core.inference import Perceiver, default_checkpoint
from grasp2vec_ros.core.results import Results

# Recalled from the paper: table 1, simulation, and the best cells of table 2.
PAPER = {
    ("retrieval", "toys_palette_seen"): 0.88,
    ("retrieval", "toys_palette_novel"): 0.64,
    ("localisation", "toys_palette_seen"): 0.96,
    ("localisation", "toys_palette_novel"): 0.77,
    ("grasp_right", "toys_palette_seen"): 0.801,
    ("grasp_right", "toys_palette_novel"): 0.589,
}
# A held object is accepted by a threshold that was chosen on other objects.
REFERENCE_SPLIT = {
    "toys_palette_seen": "toys_palette_seen",
    "toys_palette_novel": "toys_palette_seen",
    "toys_seen": "toys_seen",
    "toys_novel": "toys_seen",
    "goods_seen": "goods_seen",
    "goods_novel": "goods_seen",
    "gso_novel": "goods_seen",
}
PICTURED = ("toys_palette_novel", "gso_novel")
# Local features are compared pair by pair, which is slow: this many attempts.
MOST_FOR_SIFT = 120
# Attempts on what is known before learning online, per split.
MOST_KNOWN = 400


def parse(arguments: list[str]) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m examination", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("out/evaluate"), help="folder of the results")
    parser.add_argument("--checkpoint", type=Path, help="what to examine; the shipped one when not given")
    parser.add_argument("--splits", nargs="*", help="only these; all that there are when not given")
    parser.add_argument("--attempts", type=int, default=740, help="grasps to measure with, per split")
    parser.add_argument(
        "--trials", type=int, default=700, help="objects asked for in the splits of the shared palette"
    )
    parser.add_argument("--other-trials", type=int, default=200, help="objects asked for in the others")
    parser.add_argument("--seed", type=int, default=0, help="seed of scenes and grasps")
    parser.add_argument(
        "--only", choices=["collect", "protocols", "grasping", "robustness", "online"], help="one part"
    )
    parser.add_argument(
        "--compare",
        type=_named_path,
        action="append",
        default=[],
        metavar="NAME=CHECKPOINT",
        help="another model for the table of robustness",
    )
    parser.add_argument(
        "--table",
        type=Path,
        help="also write the table of all parts to this Markdown file, and the short ones to grasp2vec.md beside it",
    )
    return parser.parse_args(arguments)


def _named_path(text: str) -> tuple[str, Path]:
    name, _, path = text.partition("=")
    if not name or not Path(path).exists():
        raise argparse.ArgumentTypeError(f"{text!r}: give a name, '=' and a checkpoint that exists")
    return name, Path(path)


def main() -> None:
    """Runs the examination; attempts and trials that are there already are used again."""
    options = parse(sys.argv[1:])
    torch.set_num_threads(1)
    splits = available_splits()
    unknown = set(options.splits or []) - set(splits)
    if unknown:
        raise SystemExit(f"--splits: {sorted(unknown)[0]!r} is unknown or not here; use {', '.join(splits)}")
    began = time.monotonic()
    for split in options.splits or [name for name in splits if name != REFERENCE_ONLY]:
        config = splits[split]
        kept = options.output / "attempts"
        examination = collect(config, options.attempts, options.seed, kept, split)
        if options.only in (None, "protocols"):
            _protocols(examination, split, options)
        if options.only in (None, "grasping"):
            _grasping(examination, split, options)
        if options.only in (None, "robustness") and split == "toys_palette_novel":
            results = _results("robustness", options)
            compared = [_ours(options), *(_load(path, name) for name, path in options.compare)]
            compared += [_load(path, f"{name}_unaligned", unaligned=True) for name, path in options.compare]
            compared.append(_load(_checkpoint(options), "ours_unaligned", unaligned=True))
            add_robustness(examination, config, split, compared, kept, options.seed, results)
            results.write(options.output / "robustness.json")
    if options.only in (None, "online"):
        _online(options)
    if options.table:
        write_table(options.output, options.table)
        write_summary(options.output, options.table.parent / "grasp2vec.md")
    print(f"{options.output}: {time.monotonic() - began:.0f} s")


def _results(part: str, options: argparse.Namespace) -> Results:
    arguments = [f"--attempts {options.attempts}"] if options.attempts != parse([]).attempts else []
    return Results(command=" ".join(["make evaluate-grasp2vec", *arguments]), seed=options.seed)


def _checkpoint(options: argparse.Namespace) -> Path:
    checkpoint = options.checkpoint or default_checkpoint()
    if checkpoint is None:
        raise SystemExit("--checkpoint: none was given and none is shipped; train one first")
    return checkpoint


def _ours(options: argparse.Namespace, name: str = "ours", views: int | None = None) -> Embedding:
    return _load(_checkpoint(options), name, views)


def _load(checkpoint: Path, name: str, views: int | None = None, unaligned: bool = False) -> Embedding:
    perceiver = Perceiver()
    perceiver.load(checkpoint)
    return Embedding(perceiver, name, views, unaligned)


def _protocols(examination: Examination, split: str, options: argparse.Namespace) -> None:
    results = _results("protocols", options)
    protocols.add_chance(examination, split, results)
    methods: list[Method] = [
        _ours(options),
        Embedding(Perceiver(), "untrained"),
        MeanChroma(),
        ColourHistogram(),
    ]
    for method in methods:
        protocols.examine(examination, method, split, results)
    protocols.examine(examination, _ours(options, "ours_one_view", 1), split, results, heatmaps=False)
    protocols.examine(examination, Sift(), split, results, MOST_FOR_SIFT)
    _add_paper(results, split)
    gallery = {
        "attempts": len(examination.made),
        "lifted": len(examination.attempts),
        "objects": len(set(examination.labels.tolist())),
    }
    results.write(options.output / f"protocols-{split}.json", gallery=gallery)
    if split in PICTURED and options.table:
        draw_sheet(examination, methods[0], options.table.parent / f"images/retrieval-{split}.jpg")


def _add_paper(results: Results, split: str) -> None:
    measured = {row["metric"] for row in results.rows}
    for (metric, of_split), value in PAPER.items():
        if of_split == split and metric in measured:
            results.add(metric, split, "paper", Measurement(value, 0, value, value))


def _grasping(examination: Examination, split: str, options: argparse.Namespace) -> None:
    results = _results("grasping", options)
    config, seed = available_splits()[split], options.seed + 1
    trials = options.trials if "palette" in split else options.other_trials
    ours, histogram = _ours(options), ColourHistogram()
    for method, count in ((ours, trials), (histogram, options.other_trials), (None, options.other_trials)):
        name = "grasp_anything" if method is None else method.name
        threshold = 0.0 if method is None else _threshold(method, split, options)
        version = f"-{ours.version}" if method is ours else ""
        file = options.output / f"trials/{split}-{name}{version}-{grasping.scenes_mark(config, seed)}.jsonl"
        done = grasping.grasp_instances(
            config, examination, method, threshold, min(count, trials), seed, file, f"{split}: {name}"
        )
        grasping.add_rows(done, split, name, results)
    _add_paper(results, split)
    results.write(options.output / f"grasping-{split}.json")


def _online(options: argparse.Namespace) -> None:
    results = _results("online", options)
    known = {}
    for split in ("toys_palette_seen", "toys_palette_novel"):
        config = available_splits()[split]
        known[split] = collect(config, options.attempts, options.seed, options.output / "attempts", split)
    # The ten unknown toys are among the novel ones: what is known is measured without them.
    novel = known["toys_palette_novel"]
    unknown_names = set(online.unknown_toys())
    known["toys_palette_novel"] = Examination(
        [attempt for attempt in novel.made if attempt.truth.held_object not in unknown_names]
    )
    known = {split: Examination(examination.made[:MOST_KNOWN]) for split, examination in known.items()}
    checkpoint, measured = _checkpoint(options), options.attempts // 2
    online.add_online(checkpoint, known, SCANNED_FOLDER, options.output, measured, options.seed, results)
    results.write(options.output / "online.json")


def _threshold(method: Method, split: str, options: argparse.Namespace) -> float:
    """Where a method tells the same object from another best, on objects of training."""
    reference = REFERENCE_SPLIT[split]
    config = available_splits()[reference]
    seen = collect(config, options.attempts, options.seed, options.output / "attempts", reference)
    held = [method.describe_held(attempt.experience.held) for attempt in seen.attempts]
    return best_threshold(*reward_pairs(method.similarity(held, held), seen.labels))


if __name__ == "__main__":
    main()
