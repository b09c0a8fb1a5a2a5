"""The results as tables in Markdown, made from the result files alone."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from examination.online import ONLINE

METRICS = {
    "retrieval": "Retrieval: nearest held image shows the same object",
    "retrieval_other_filling": "Retrieval, gallery from other fillings of the bin only",
    "localisation": "Localisation: the heatmap's peak is on the object",
    "localisation_of_3": "Localisation of three targets, all right",
    "composition": "Composition: peak of the mean of two goals is on either",
    "reward_auc": "Reward, same or different: area under the curve",
    "reward_accuracy": "Reward: balanced accuracy at a threshold from other objects",
    "reward_calibration_error": "Reward: calibration error (0 is best)",
    "grasp_right": "Instance grasping: the right object is lifted in the end",
    "grasp_lifted": "Instance grasping: anything is lifted in the end",
    "grasp_right_given_lifted": "Instance grasping: right, of those that lift",
    "grasp_right_first_attempt": "First grasp alone: right",
    "grasp_right_given_lifted_first_attempt": "First grasp alone: right, of those that lift",
}
METHODS = {
    "ours": "ours",
    "ours_one_view": "ours, one view",
    "untrained": "untrained net",
    "mean_chroma": "mean chroma",
    "colour_histogram": "colour histogram",
    "sift": "SIFT + RANSAC",
    "grasp_anything": "grasp anything",
    "chance": "chance",
    "chance_pixel": "random pixel",
    "paper": "paper",
}
SPLITS = {
    "toys_palette_novel": "Novel toys, shared palette and size",
    "toys_palette_seen": "Seen toys, shared palette and size",
    "toys_novel": "Novel toys, colours of their own",
    "toys_seen": "Seen toys, colours of their own",
    "gso_novel": "Scanned objects, never trained on",
    "goods_novel": "Novel goods: generated packages, bottles, tools",
}


def write_table(results: Path, file: Path) -> None:
    """Writes the tables of all result files in a folder."""
    rows, runs = [], []
    for path in sorted(results.glob("*.json")):
        content = json.loads(path.read_text())
        rows += content["rows"]
        runs.append((path.name, content))
    lines = [
        "# Grasp2Vec: measurements",
        "",
        "Made by `make evaluate-grasp2vec`; do not edit. Each cell: percent, 95 % interval, number of cases."
        " The protocols are described in [grasp2vec.md](grasp2vec.md).",
        "",
    ]
    for split, title in SPLITS.items():
        of_split = [row for row in rows if row["split"] == split and ":" not in row["metric"]]
        if of_split:
            lines += [f"## {title} (`{split}`)", "", *_gallery(runs, split), *_split_table(of_split), ""]
    lines += _robustness_table(rows)
    lines += _online_table(rows)
    lines += ["## Runs", "", "| file | commit | device | seed | seconds |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {c['commit']} | {c['device']} | {c['seed']} | {c['seconds']:.0f} |" for name, c in runs
    ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


def _gallery(runs: list, split: str) -> list[str]:
    for name, content in runs:
        if name == f"protocols-{split}.json":
            g = content["gallery"]
            return [
                f"{g['attempts']} attempts, {g['lifted']} lifted something: a gallery of {g['lifted']} held images"
                f" of {g['objects']} objects.",
                "",
            ]
    return []


def _split_table(rows: list[dict]) -> list[str]:
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        cells[row["metric"]][row["method"]] = _cell(row)
    methods = [m for m in METHODS if any(m in cells[metric] for metric in cells)]
    lines = ["| | " + " | ".join(METHODS[m] for m in methods) + " |", "|---|" + "---|" * len(methods)]
    for metric, title in METRICS.items():
        if metric in cells:
            lines.append(f"| {title} | " + " | ".join(cells[metric].get(m, "") for m in methods) + " |")
    return lines


def _cell(row: dict) -> str:
    if row["value"] is None:
        return "-"
    value = f"{100 * row['value']:.1f}"
    if row["method"].startswith("chance") or row["method"] == "paper":
        return value
    if row["method"] == "ours":
        value = f"**{value}**"
    return f"{value} [{100 * row['low']:.0f}-{100 * row['high']:.0f}] n {row['n']}"


def _robustness_table(rows: list[dict]) -> list[str]:
    rows = [row for row in rows if ":" in row["metric"]]
    if not rows:
        return []
    methods = list(dict.fromkeys(row["method"] for row in rows))
    names = list(dict.fromkeys(row["metric"].split(":", 1)[1] for row in rows))
    found = {(row["metric"], row["method"]): row for row in rows}
    columns = [(metric, method) for metric in ("retrieval", "localisation") for method in methods]
    lines = [
        f"## Robustness (`{rows[0]['split']}`)",
        "",
        "| disturbance | " + " | ".join(f"{metric}, {method}" for metric, method in columns) + " |",
        "|---|" + "---|" * len(columns),
    ]
    for name in names:
        cells = [found.get((f"{metric}:{name}", method)) for metric, method in columns]
        lines.append(
            f"| {name.replace('_', ' ')} | " + " | ".join(_cell(c) if c else "" for c in cells) + " |"
        )
    return [*lines, ""]


def _online_table(rows: list[dict]) -> list[str]:
    """Retrieval before and after learning on, and the paired gain, by what is asked for and among what."""
    found: dict[str, dict[str, dict]] = defaultdict(dict)
    for row in rows:
        if row["metric"] == ONLINE:
            found[row["split"]][row["method"]] = row
    if not found:
        return []
    methods = list(dict.fromkeys(method for row in found.values() for method in row))
    lines = [
        "## Learning online",
        "",
        "Retrieval, gallery from other fillings of the bin only, before and after 100 grasps of ten unknown objects; gains"
        " are paired, in points.",
        "",
        "| asked for | " + " | ".join(method.replace("_", ", by ") for method in methods) + " |",
        "|---|" + "---|" * len(methods),
    ]
    for split, of_split in found.items():
        cells = [_gain_or_cell(of_split.get(method)) for method in methods]
        lines.append(f"| {split.replace('_', ' ')} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def _gain_or_cell(row: dict | None) -> str:
    if row is None or not row["method"].startswith("gain"):
        return "" if row is None else _cell(row)
    value, low, high = (100 * row[name] for name in ("value", "low", "high"))
    return f"**{value:+.1f}** [{low:+.1f}, {high:+.1f}] n {row['n']}"
