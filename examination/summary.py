"""The most important rows of the result files as the short tables of docs/grasp2vec.md."""

from __future__ import annotations

import json
from pathlib import Path

MARK = "<!-- table -->"
HEADLINE = "toys_palette_novel"
METRICS = {
    "retrieval": "retrieval",
    "localisation": "localisation",
    "localisation_of_3": "three targets, all right",
    "composition": "composition, either of two",
    "reward_auc": "reward, AUC",
    "grasp_right": "right object lifted",
    "grasp_right_given_lifted": "right, of those that lift",
    "grasp_right_first_attempt": "right by the first grasp",
}
OTHERS = {
    "toys_palette_seen": "seen toys, one palette",
    "toys_novel": "novel toys, own colours",
    "toys_seen": "seen toys, own colours",
    "goods_novel": "novel goods",
    "gso_novel": "scanned objects",
}


def write_summary(results: Path, page: Path) -> None:
    """Renews what stands between the marks of a page; a page without two marks stays as it is."""
    before, *rest = page.read_text().split(MARK) if page.is_file() else ("",)
    if len(rest) != 2:
        return
    rows = {}
    for path in sorted(results.glob("*.json")):
        for row in json.loads(path.read_text())["rows"]:
            rows[row["split"], row["metric"], row["method"]] = row
    lines = ["", *_headline(rows), "", *_others(rows), ""]
    page.write_text(f"{before}{MARK}{chr(10).join(lines)}{MARK}{rest[1]}")


def _headline(rows: dict) -> list[str]:
    lines = [
        "| novel toys, one palette | ours | colour histogram | SIFT | untrained | chance, or grasp anything | paper |",
        "|---|---|---|---|---|---|---|",
    ]
    for metric, title in METRICS.items():
        ours = rows.get((HEADLINE, metric, "ours"))
        if ours is None:
            continue
        cells = [_precise(ours)]
        for methods in (
            ("colour_histogram",),
            ("sift",),
            ("untrained",),
            ("chance", "grasp_anything"),
            ("paper",),
        ):
            found = [
                rows[HEADLINE, metric, method] for method in methods if (HEADLINE, metric, method) in rows
            ]
            cells.append(_value(found[0]) if found else "")
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def _others(rows: dict) -> list[str]:
    lines = [
        "| | retrieval | histogram | localisation | histogram | reward AUC | right object lifted |",
        "|---|---|---|---|---|---|---|",
    ]
    for split, title in OTHERS.items():
        cells = []
        for metric, method, write in (
            ("retrieval", "ours", _precise),
            ("retrieval", "colour_histogram", _value),
            ("localisation", "ours", _precise),
            ("localisation", "colour_histogram", _value),
            ("reward_auc", "ours", _value),
            ("grasp_right", "ours", _precise),
        ):
            row = rows.get((split, metric, method))
            cells.append("" if row is None else write(row))
        if any(cells):
            lines.append(f"| {title} | {' | '.join(cells)} |")
    return lines


def _value(row: dict) -> str:
    return f"{100 * row['value']:.1f} %"


def _precise(row: dict) -> str:
    return f"{_value(row)} [{100 * row['low']:.0f}-{100 * row['high']:.0f}], n {row['n']}"
