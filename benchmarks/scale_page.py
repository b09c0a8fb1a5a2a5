"""The result of `python -m benchmarks.scale` as tables on a page whose other text is written by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.goals import goal_of
from benchmarks.table import origin, shown_value, what

BEGIN = "<!-- Made by `python -m benchmarks.scale`: do not edit below. -->"
KEPT = Path("results/scale.json")


def publish(result: Path, page: Path) -> None:
    """Copies a result beside a page and writes the page's tables from it.

    Raises:
        ValueError: the page has no line that says where tables begin.
    """
    text = page.read_text()
    if BEGIN not in text:
        raise ValueError(f"--table: {page} has no line {BEGIN!r}; put it where the tables are to begin")
    kept = page.parent / KEPT
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(result, kept)
    page.write_text(
        text.split(BEGIN)[0] + BEGIN + "\n\n" + "\n".join(tables(json.loads(result.read_text()))) + "\n"
    )


def tables(content: dict) -> list[str]:
    """Lines of Markdown: what has a goal, all that was measured, and the fleet."""
    measured = [row for row in content["rows"] if row["method"] != "model"]
    lines = ["## Goals", "", "| | setting | goal | measured | |", "|---|---|---|---|---|"]
    for row in measured:
        if goal := goal_of(row):
            met = "met" if goal.met(row["value"]) else "**missed**"
            lines.append(f"| {what(row)} | {row['split']} | {goal} | {shown_value(row)} | {met} |")
    lines += ["", "## Measured", "", origin(content), ""]
    lines += ["| | setting | method | measured |", "|---|---|---|---|"]
    lines += [
        f"| {what(row)} | {row['split']} | {row['method'].replace('_', ' ')} | {shown_value(row)} |"
        for row in measured
    ]
    lines += ["", "## A fleet", "", "Assumed:", ""]
    lines += [f"- `{name}`: {value:g}" for name, value in content["assumptions"].items()]
    fleets = list(dict.fromkeys(row["split"] for row in content["rows"] if row["method"] == "model"))
    lines += [
        "",
        f"| | {' | '.join(f.replace('_', ' ') for f in fleets)} |",
        "|---" * (len(fleets) + 1) + "|",
    ]
    values: dict[str, dict[str, float]] = {}
    for row in content["rows"]:
        if row["method"] == "model":
            values.setdefault(what(row).removeprefix("fleet "), {})[row["split"]] = row["value"]
    lines += [f"| {name} | {' | '.join(f'{of[f]:,.4g}' for f in fleets)} |" for name, of in values.items()]
    return lines
