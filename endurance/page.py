"""A result as tables on a page whose other text is written by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from endurance.outcome import MUST_BE_ZERO

BEGIN = "<!-- Made by `make soak`: do not edit below. -->"


def publish(result: Path, picture: Path, page: Path) -> None:
    """Copies result and picture beside a page and writes its tables.

    Raises:
        ValueError: the page has no line that says where tables begin.
    """
    text = page.read_text()
    if BEGIN not in text:
        raise ValueError(f"--table: {page} has no line {BEGIN!r}; put it where the tables are to begin")
    content = json.loads(result.read_text())
    (page.parent / "results").mkdir(exist_ok=True)
    (page.parent / "images").mkdir(exist_ok=True)
    # Samples are in the picture.
    kept = {key: value for key, value in content.items() if key != "series"}
    (page.parent / "results/soak.json").write_text(json.dumps(kept, indent=1) + "\n")
    shutil.copyfile(picture, page.parent / "images/soak.png")
    page.write_text(text.split(BEGIN)[0] + BEGIN + "\n\n" + "\n".join(tables(content)) + "\n")


def tables(content: dict) -> list[str]:
    """Lines of Markdown."""
    counts = {row["metric"]: int(row["value"]) for row in content["rows"]}
    lines = ["## The last run", ""]
    lines += [
        f"`{content['command']}` at {content['commit']}, seed {content['seed']}, {content['seconds']:.0f} s;"
        f" load {content['load_average']['before']} before and {content['load_average']['after']} after on"
        f" {content['cores']} cores; the full disk was {content['full_disk']}.",
        "",
        "| must be 0 | |",
        "|---|---|",
        *(f"| {_words(name)} | {'' if counts[name] == 0 else '**'}{counts[name]}{'' if counts[name] == 0 else '**'} |" for name in MUST_BE_ZERO),
        "",
        "| done meanwhile | |",
        "|---|---|",
        *(f"| {_words(name)} | {value} |" for name, value in counts.items() if name not in MUST_BE_ZERO),
        "",
        "![Memory, threads and file handles](images/soak.png)",
        "",
        "| process | | median | rise over the line | flat below | line over | |",
        "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for line in content["lines"]:
        verdict = "not judged: too short" if not line["judged"] else "flat" if line["flat"] else "**rises**"
        lines.append(
            f"| {line['node']} | {_words(line['metric']).replace(' mb', ' [MiB]')} | {line['middle']:.4g} |"
            f" {line['rise']:+.2g} | {line['limit']:.3g} | {line['window_s']:.0f} s | {verdict} |"
        )
    times: dict[str, list[float]] = {}
    for fault in content["faults"]:
        times.setdefault(fault["name"], []).append(fault["seconds"])
    lines += ["", "| fault | times | until work went on, longest |", "|---|---|---|"]
    lines += [f"| {name} | {len(of)} | {max(of):.1f} s |" for name, of in times.items()]
    for kind, found in content["wrong"].items():
        lines += [f"- {kind}: {str(one)[:300]}" for one in found]
    return lines


def _words(name: str) -> str:
    return name.replace("_", " ")
