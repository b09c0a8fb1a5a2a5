"""The results as tables in Markdown, made from the result files alone."""

from __future__ import annotations

import json
from pathlib import Path

PERCENT = (
    "agreement",
    "agreement_known_name",
    "agreement_part_only",
    "agreement_part_and_manner",
    "right_part",
    "contact_ratio",
    "intent_accuracy",
)
METRICS = {
    "mpvpe_mm": "MPVPE, mm",
    "mpvpe_more_mm": "more than three tokens, mm",
    "mpvpe_without_search_mm": "MPVPE without search, mm",
    "mpvpe_without_search_more_mm": "more than three tokens, mm",
    "agreement": "agreement, %",
    "agreement_known_name": "part known by name, %",
    "agreement_part_only": "words fix the part only, %",
    "agreement_part_and_manner": "part and manner, %",
    "right_part": "right part, %",
    "intent_accuracy": "intent, %",
    "pd_cm": "PD, cm",
    "siv_cm3": "SIV, cm³",
    "sd_cm": "SD, cm",
    "contact_ratio": "contact, %",
    "diversity_mm": "diversity, mm",
    "moved_mm": "refinement moves, mm",
}
METHODS = {
    "ground_truth": "held-out grasps themselves",
    "ours_1_token": "ours, after the first token",
    "ours_2_tokens": "ours, after two tokens",
    "ours_3_tokens": "ours, after three tokens",
    "ours_without_search": "ours, all tokens, without search",
    "ours": "ours",
    "decoded": "ours, before refinement",
    "ours_greedy": "ours, likeliest tokens, not ranked",
    "sentence_encoder": "sentence encoder",
    "bag_of_words": "bag of words",
    "nearest": "nearest request",
    "cvae": "conditional VAE",
    "chance": "a random training grasp",
    "random_tokens": "random tokens",
    "paper": "*paper: SemGrasp*",
    "paper_adapted": "*paper: with adaptation at test time*",
    "paper_ground_truth": "*paper: its data*",
    "paper_one": "*paper: one token*",
    "paper_two": "*paper: two tokens*",
    "paper_four": "*paper: a second refinement*",
    "paper_flat": "*paper: one flat codebook*",
    "paper_no_roles": "*paper: no roles*",
    "paper_grabnet": "*paper: GrabNet*",
    "paper_jiang": "*paper: Jiang et al. with adaptation*",
    "paper_bert": "*paper: BERT and classification*",
}
VARIANTS = {
    "three": "variant: three tokens, trained as the other variants",
    "one": "variant: one token for all",
    "two": "variant: two tokens",
    "four": "variant: a second refinement",
    "flat": "variant: three shares decoded at once (flat)",
    "no_roles": "variant: no roles",
}
SPLITS = {
    "unseen_instances": "new instances of families that were learned from, words as in training",
    "unseen_families": "families of objects that were never learned from (12 of them), words as in training",
    "unseen_phrasings": "the new instances and grasps again, asked for in phrasings that were never learned from",
    "partial_clouds": "the new instances and words again, seen from one side by a noisy depth camera",
    "capgrasp_test": "CapGrasp's own test split with MANO, read from the user's copy",
}
DISTANCE = """\
* **MPVPE**: mean distance between corresponding vertices of the true and the told hand.
* **PD**: penetration depth, of the deepest hand vertex inside the object. **SIV**: volume that hand and object share,
  from 128³ voxels of the object's box.
* **SD**: simulation displacement: the hand stands still, the object weighs 1 kg and has friction 3, PyBullet lets it
  fall for 35 steps of 1/240 s; distance between its centre of mass before and after (end - start). Without a hand it
  falls 10.72 cm. Simulators differ, so this number is never mixed with another simulator's.
* These three say something only together: a hand that touches nothing has PD and SIV 0, and one that is deep inside
  has SD 0. Baselines that miss the object have the least PD.
* **contact**: share of grasps in which any finger or the palm touches the object (within 5 mm)."""
WORDS = """\
* **agreement**: share of grasps whose touches are what the words ask for. Six touches are looked at (five fingers and
  the palm), each on the part of the object that most of its touching vertices touch. More of the touching ones must be
  on the asked part than on any other; where the words fix the manner too (power, precision, tripod, lateral, hook), of
  the fingers that it needs at most one may miss, and none that it forbids may touch anything. **right part** is the
  first of these alone, for all requests. **part known by name**: agreement where the words call the part by a name
  that, in families that were learned from, mostly means a part of that kind; others call a trowel's neck its shaft.
* **intent**: share of grasps that a linear classifier, which learned from the true grasps of the training split, reads
  as the intent that was asked; only requests that tell the intent. One grasp serves several intents, so the row of the
  held-out grasps is what can be reached.
* **diversity**: mean distance of vertices between two of the 8 candidates for a request (alike ones are merged).
* **refinement moves**: mean distance of vertices before and after refinement."""
ROWS = """\
* *ours*: of 64 draws of the language model, told by the grounding what the words mean and where that is, and 40 under
  each of three other headings of the object, the eight that seem to do it, refined for the asked part and manner, the
  best by our ranking; *before refinement* is the same candidate as it was decoded; *likeliest tokens* is the language
  model's one likeliest answer, without grounding and choice.
* *bag of words*, *sentence encoder*: a net with a hidden layer tells each token from the words (counted, or embedded by
  a frozen encoder) and the object's pooled tokens; *nearest request*: tokens of the training request that is most
  alike, among those of the 20 most alike objects; *conditional VAE*: a pose without tokens; *a random training grasp*:
  its three tokens on this object; *random tokens*: each drawn by itself. All learned from the training split only, and
  all are refined, one candidate each, by what they are near: which part is meant they do not know."""
# Metric, split, method, bound, at least (+1) or at most (-1), and what it is called.
GOALS = [
    ("mpvpe_mm", "unseen_instances", "ours", 12.0, -1, "Reconstruction: MPVPE, mm"),
    (
        "mpvpe_without_search_more_mm",
        "unseen_instances",
        "two",
        0.0,
        1,
        "Two tokens instead of three: more, mm",
    ),
    (
        "mpvpe_without_search_more_mm",
        "unseen_instances",
        "one",
        0.0,
        1,
        "One token instead of three: more, mm",
    ),
    ("mpvpe_without_search_more_mm", "unseen_instances", "flat", 0.0, 1, "Flat instead of three: more, mm"),
    ("pd_cm", "unseen_instances", "ours", 0.37, -1, "From words: PD, cm"),
    ("siv_cm3", "unseen_instances", "ours", 1.27, -1, "From words: SIV, cm³"),
    ("sd_cm", "unseen_instances", "ours", 1.36, -1, "From words: SD, cm"),
    ("moved_mm", "unseen_instances", "ours", 8.0, -1, "From words: refinement moves, mm"),
    ("agreement", "unseen_instances", "ours", 0.90, 1, "Agreement, new instances, %"),
    (
        "agreement_known_name",
        "unseen_families",
        "ours",
        0.80,
        1,
        "Agreement, new families, part known by name, %",
    ),
    ("agreement", "unseen_phrasings", "ours", 0.85, 1, "Agreement, new phrasings, %"),
]


def write_table(results: Path, file: Path, picture: bool | None = None) -> None:
    """Writes the tables of all result files in a folder.

    Args:
        results: the folder.
        file: Markdown.
        picture: whether to show `images/semgrasp.jpg`; where it is there, when None.
    """
    runs = [(path.name, json.loads(path.read_text())) for path in sorted(results.glob("*.json"))]
    parts = {name: content["rows"] for name, content in runs}
    reconstruction = _rows(parts, "reconstruction")
    generation = _rows(parts, "generation")
    if picture is None:
        picture = (file.parent / "images/semgrasp.jpg").is_file()
    lines = [
        "# SemGrasp: measurements",
        "",
        "Made by `make evaluate-semgrasp`; do not edit. Each cell: the value, its 95 % interval (objects are drawn again,"
        " each with all of its grasps), number of cases. Only held-out objects are measured.",
        "",
        "Rows in italics are the paper's own numbers (Li et al. 2024, tables 1 to 3). They were measured on its data,"
        " CapGrasp with MANO hands, and ours on generated objects with the open hand: they say what is usual, and"
        " nothing about which is better on the same data. The paper lets GPT-4 judge words; that is another scale"
        " than agreement.",
        "",
        *_goals(reconstruction, generation),
    ]
    if picture:
        lines += [
            "![Grasps made from words for held-out objects](images/semgrasp.jpg)",
            "",
            "Grasps from words for held-out objects, not chosen by hand; parts have colours. Green frame: agreement;"
            " red: none.",
            "",
        ]
    if reconstruction:
        lines += ["## Reconstruction", "", _RECONSTRUCTION, "", DISTANCE.rsplit("\n", 1)[0], ""]
        lines += _split_tables(reconstruction)
    if generation:
        lines += [
            "## Grasps from words",
            "",
            _GENERATION,
            "",
            WORDS,
            DISTANCE.split("\n", 1)[1],
            "",
            ROWS,
            "",
        ]
        lines += _split_tables(generation)
        lines += _left_out(runs)
    if rows := _rows(parts, "capgrasp"):
        lines += ["## CapGrasp", "", "Grasps through the tokens, on the paper's own data.", ""]
        lines += _split_tables(rows)
    lines += _runs(runs)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


_RECONSTRUCTION = (
    "A grasp is turned into three tokens and back. *ours* and the variants: of 512 combinations of codes that the"
    " encoders find near, the one whose hand is nearest (`semgrasp_ros/core/tokens/search.py`). *without search*, and"
    " after the first tokens: the nearest code of each level, as in the paper. After the first token only the wrist is"
    " known; its fingers and shape are then those of the mean training grasp. Variants are trained anew, all alike and"
    " shorter than *ours*; *more than three tokens*: a variant's error minus that of the variant with three, grasp by"
    " grasp."
)
_GENERATION = (
    "A held-out grasp is put into words, which name at least its part; every second request also its manner. Single"
    " requests and dialogues are mixed. The object is given as a cloud of points. What comes back is measured on the"
    " object's true surface."
)


def _rows(parts: dict[str, list[dict]], prefix: str) -> list[dict]:
    return [row for name, rows in parts.items() if name.startswith(prefix) for row in rows]


def _split_tables(rows: list[dict]) -> list[str]:
    lines = []
    for split, title in SPLITS.items():
        of_split = [row for row in rows if row["split"] == split]
        if of_split:
            lines += [f"### `{split}`", "", f"{title[0].upper()}{title[1:]}.", "", *_table(of_split), ""]
    return lines


def _table(rows: list[dict]) -> list[str]:
    cells = {(row["method"], row["metric"]): _cell(row) for row in rows}
    there = list(dict.fromkeys(row["method"] for row in rows))
    ours = [method for method in METHODS if method in there and not method.startswith("paper")]
    variants = [method for method in there if method not in METHODS]
    papers = [method for method in METHODS if method in there and method.startswith("paper")]
    metrics = [metric for metric in METRICS if any(row["metric"] == metric for row in rows)]
    lines = [
        "| | " + " | ".join(METRICS[metric] for metric in metrics) + " |",
        "|---|" + "---|" * len(metrics),
    ]
    for method in [*ours, *variants, *papers]:
        title = METHODS.get(method) or VARIANTS.get(method, f"variant: {method}")
        lines.append(f"| {title} | " + " | ".join(cells.get((method, m), "") for m in metrics) + " |")
    return lines


def _cell(row: dict) -> str:
    if row["value"] is None:
        return "-"
    value = _number(row["metric"], row["value"])
    if row["method"].startswith("paper"):
        return value
    if row["method"] == "ours":
        value = f"**{value}**"
    interval = ""
    if row["low"] is not None and row["high"] is not None:
        low, high = (_number(row["metric"], row[end]) for end in ("low", "high"))
        interval = f" [{low} to {high}]"
    return f"{value}{interval} n {row['n']}"


def _number(metric: str, value: float) -> str:
    if metric in PERCENT:
        return f"{100 * value:.1f}"
    return f"{value:.1f}" if metric in ("diversity_mm", "moved_mm") else f"{value:.2f}"


def _goals(reconstruction: list[dict], generation: list[dict]) -> list[str]:
    lines = ["## Goals", "", "| what we aim at | goal | measured | reached |", "|---|---|---|---|"]
    for metric, split, method, bound, sign, title in GOALS:
        rows = reconstruction if metric.startswith("mpvpe") else generation
        row = _find(rows, metric, split, method)
        if row is not None and row["value"] is not None:
            reached = "yes" if sign * (row["value"] - bound) >= 0 else "no"
            goal = f"{'at least' if sign > 0 else 'at most'} {_number(metric, bound)}"
            lines.append(f"| {title} | {goal} | {_cell(row)} | {reached} |")
    lines += _differences(generation)
    return [*lines, ""] if len(lines) > 4 else []


def _differences(rows: list[dict]) -> list[str]:
    """Goals that compare two rows."""
    ours = _find(rows, "agreement", "unseen_instances", "ours")
    lines = []
    for other, title, sign, bound in (
        (("unseen_instances", "bag_of_words"), "Agreement above the bag of words, points", 1, 20.0),
        (("partial_clouds", "ours"), "Agreement lost with partial noisy clouds, points", -1, 5.0),
    ):
        row = _find(rows, "agreement", *other)
        if ours and row:
            apart = 100 * (ours["value"] - row["value"])
            goal = f"{'at least' if sign > 0 else 'at most'} {bound:.0f}"
            reached = "yes" if sign * (apart - bound) >= 0 else "no"
            lines.append(f"| {title} | {goal} | {apart:.1f} | {reached} |")
    return lines


def _find(rows: list[dict], metric: str, split: str, method: str) -> dict | None:
    wanted = (metric, split, method)
    return next((row for row in rows if (row["metric"], row["split"], row["method"]) == wanted), None)


def _left_out(runs: list[tuple[str, dict]]) -> list[str]:
    reasons = list(dict.fromkeys(text for _, content in runs for text in content.get("left_out", ())))
    return [f"Left out: {text}." for text in reasons] + [""] * bool(reasons)


def _runs(runs: list[tuple[str, dict]]) -> list[str]:
    return [
        "## Runs",
        "",
        "Seconds are those of the last run, which uses again what was measured before; a model's mark is the checksum of"
        " its weights.",
        "",
        "| file | command | commit | models | device | seed | seconds |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | `{c['command']}` | {c['commit']} | {_marks(c)} | {c['device']} | {c['seed']} |"
            f" {c['seconds']:.0f} |"
            for name, c in runs
        ),
    ]


def _marks(content: dict) -> str:
    return ", ".join(f"{name} {mark}" for name, mark in content.get("models", {}).items())
