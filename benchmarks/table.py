"""Result files as tables on a page whose other text is written by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from benchmarks.goals import goal_of
from benchmarks.registry import BENCHMARKS

BEGIN = "<!-- Made by `make bench`: do not edit below. -->"
# Of result files that hold more than speed, these rows are shown.
SPEED = ("_ratio", "milliseconds", "per_second", "seconds", "seconds_median", "_hz", "reached")


def publish(results: Path, page: Path) -> None:
    """Copies result files beside a page, and writes its tables from all that are there.

    Raises:
        ValueError: the page has no line that says where tables begin.
    """
    text = page.read_text()
    if BEGIN not in text:
        raise ValueError(f"--table: {page} has no line {BEGIN!r}; put it where the tables are to begin")
    kept = page.parent / "results" / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    contents = {}
    for benchmark in BENCHMARKS:
        file = results / f"{benchmark.name}.json"
        if file.is_file():
            shutil.copyfile(file, kept / file.name)
        if (kept / file.name).is_file():
            contents[benchmark.name] = json.loads((kept / file.name).read_text())
    page.write_text(text.split(BEGIN)[0] + BEGIN + "\n\n" + "\n".join(tables(contents)) + "\n")


def tables(contents: dict[str, dict]) -> list[str]:
    """Lines of Markdown: what has a goal, then all, by benchmark."""
    lines = ["## Goals", "", "| | setting | goal | measured | |", "|---|---|---|---|---|"]
    for content in contents.values():
        for row in content["rows"]:
            if goal := goal_of(row):
                met = "met" if goal.met(row["value"]) else "**missed**"
                lines.append(f"| {what(row)} | {row['split']} | {goal} | {shown_value(row)} | {met} |")
    for benchmark in BENCHMARKS:
        content = contents.get(benchmark.name)
        if content is None:
            continue
        lines += ["", f"## {benchmark.about[0].upper()}{benchmark.about[1:]}", "", origin(content), ""]
        lines += ["| | setting | method | measured |", "|---|---|---|---|"]
        lines += [
            f"| {what(row)} | {row['split']} | {row['method'].replace('_', ' ')} | {shown_value(row)} |"
            for row in content["rows"]
            if row["metric"].endswith(SPEED) or goal_of(row)
        ]
        for split, reasons in content.get("engines", {}).items():
            lines += ["", *(f"- {split}, {name.replace('_', ' ')}: {why}" for name, why in reasons.items())]
    return lines


def headline(file: Path) -> list[str]:
    """A line for each ratio of a result file, and for what has a goal."""
    rows = json.loads(file.read_text())["rows"]
    shown = [row for row in rows if row["metric"].endswith("_ratio") or goal_of(row)]
    return [f"{what(row)}, {row['split']}, {row['method']}: {shown_value(row)}" for row in shown]


def what(row: dict) -> str:
    """A row's metric, for people."""
    return row["metric"].replace("_", " ")


def shown_value(row: dict) -> str:
    """A row's value with its interval, for people."""
    if row["value"] is None:
        return "-"
    return f"{_number(row['value'])} [{_number(row['low'])}, {_number(row['high'])}] n {row['n']}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def origin(content: dict) -> str:
    """The command, the commit and the machine of a result, for people."""
    load = content.get("load_average")
    busy = (
        f", load {load['before']} before and {load['after']} after on {content['cores']} cores"
        if load
        else ""
    )
    return (
        f"`{content['command']}` at {content['commit']}, {content['device']}, seed {content['seed']},"
        f" {content['seconds']:.0f} s{busy}."
    )
