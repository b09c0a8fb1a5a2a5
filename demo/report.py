"""The report: one HTML file with everything in it."""

from __future__ import annotations

import base64
from pathlib import Path

import jinja2
import numpy as np
from semantic_grasping.msg import GraspExperience

from demo import pictures
from demo.asking import Pick
from demo.learning import Progress
from demo.sentences import Spoken
from demo.story import Story
from grasp2vec_ros.core.held_views import HELD_VIEWS
from grasp2vec_ros.core.overlay import draw_overlay
from grasp2vec_ros.core.results import Results
from grasp_node_kit.images import image_to_rgb

NAMES = {
    "retrieval": "Retrieval",
    "localisation": "Localisation",
    "reward_auc": "Reward: same or different (AUC)",
}


def write_report(
    file: Path,
    story: Story,
    results: Results,
    metrics: dict,
    progress: Progress,
    triplets: list[GraspExperience],
    picks: list[Pick],
    spoken: list[Spoken],
    pairs: tuple[np.ndarray, np.ndarray],
) -> None:
    """Writes the report of a run.

    Args:
        file: where to.
        story: what was shown.
        results: rows of metrics.json.
        metrics: what stands beside them.
        progress: of collecting and learning.
        triplets: some attempts that were learned from.
        picks: what was asked for at the end.
        spoken: what came of sentences about household objects.
        pairs: cosines of pairs of held images, of the same object and of different ones.
    """
    ours = {metric: _row(results, metric, "ours") for metric in NAMES}
    shown = {metric: [r for r in results.of(metric) if r["value"] is not None] for metric in NAMES}
    right = sum(pick.lifted == pick.wanted for pick in picks)
    before = next((r for r in results.of("retrieval") if r["method"] == "before"), None)
    # A trained model takes in grasps; one that begins from nothing makes steps of an optimiser.
    began, what = (
        ("from nothing", "training steps")
        if before is None
        else (f"from {100 * before['value']:.0f} % retrieval", "of them taken in by the model")
    )
    cards = [
        {"value": f"{progress.lifted} / {progress.attempts}", "name": "grasps that lifted something"},
        {
            "value": f"{metrics['steps']:,}",
            "name": f"{what} in {metrics['learning_minutes']:.0f} minutes, {began}",
        },
        {"value": f"{100 * ours['retrieval']['value']:.0f} %", "name": f"retrieval of {story.objects}"},
        {
            "value": f"{100 * ours['localisation']['value']:.0f} %",
            "name": f"{story.objects} found in the scene",
        },
        {"value": f"{right} / {len(picks)}", "name": f"asked-for {story.objects} lifted"},
        {
            "value": f"{sum(one.held and one.on_part for one in spoken)} / {len(spoken)}",
            "name": "household objects lifted and held by the part that a sentence names",
        },
    ]
    baselines = {r["method"]: r["value"] for r in results.of("retrieval") if r["method"] != "ours"}
    template = jinja2.Environment(autoescape=True).from_string(
        (Path(__file__).parent / "report.html.j2").read_text()
    )
    content = results.to_dict()
    file.write_text(
        template.render(
            lead=story.lead,
            cards=cards,
            sequence=_sequence(picks),
            triplets=[_triplet(message) for message in triplets[-6:]],
            learned=story.learned,
            objects=story.objects,
            notes=_notes(results),
            curve=pictures.learning_curve(progress.retrieval, metrics["curve"], baselines, "retrieval"),
            plots=[pictures.bars(rows, NAMES[metric]) for metric, rows in shown.items()]
            + [pictures.reward_histogram(pairs[0].tolist(), pairs[1].tolist())],
            rows=[row for rows in shown.values() for row in rows],
            asked=f"Each time the robot is shown {HELD_VIEWS} pictures of a toy, held up at another time, that lies in the bin among five others. It goes where the heatmap"
            " peaks, grasps what is there, looks at what it holds, and tries elsewhere when that is not the one.",
            finds=[_find(pick) for pick in picks],
            spoken=[_said(one) for one in spoken],
            command=results.command,
            commit=content["commit"],
            device=content["device"],
            seed=results.seed,
            minutes=f"{content['seconds'] / 60:.1f}",
        )
    )


def _row(results: Results, metric: str, method: str) -> dict:
    return next(row for row in results.of(metric) if row["method"] == method)


def _notes(results: Results) -> list[str]:
    """Where the embedding is not ahead of a baseline, the report says so."""
    notes = []
    for metric, name in NAMES.items():
        ours = _row(results, metric, "ours")
        for row in results.of(metric):
            if row["method"] != "ours" and row["value"] is not None and row["value"] >= ours["low"]:
                ahead = "is ahead of" if row["value"] > ours["value"] else "is within the interval of"
                notes.append(
                    f"{name}: {row['method'].replace('_', ' ')} ({row['value']:.2f}) {ahead} what was learned in this run ({ours['value']:.2f})."
                    + (
                        " The toys have colours of their own here, which favours descriptors of colour."
                        if "histogram" in row["method"] or "chroma" in row["method"]
                        else ""
                    )
                )
    return notes


def _sequence(picks: list[Pick]) -> list[dict]:
    frames = next(
        (pick.overviews for pick in picks if len(pick.overviews) >= 10 and pick.held is not None), []
    )
    if not frames:
        return []
    # The last third of a pick shows how the object is put back; the grasp itself is what is worth seeing.
    chosen = np.linspace(0.12, 0.66, 5) * (len(frames) - 1)
    began_s = frames[0][0]
    return [
        {
            "image": pictures.data_uri(frames[round(i)][1]),
            "caption": f"after {frames[round(i)][0] - began_s:.1f} s",
        }
        for i in chosen
    ]


def _triplet(message: GraspExperience) -> dict:
    return {
        "pre": pictures.data_uri(image_to_rgb(message.pre)),
        "post": pictures.data_uri(image_to_rgb(message.post)),
        "held": pictures.data_uri(image_to_rgb(message.held[0])),
    }


def _find(pick: Pick) -> dict:
    return {
        "goal": pictures.data_uri(pick.goal),
        "scene": pictures.data_uri(pick.scene),
        "heat": pictures.data_uri(draw_overlay(pick.scene, pick.heatmap, pick.peak)),
        "peak_score": pick.peak_score,
        "held": pictures.data_uri(pick.held) if pick.held is not None else None,
        "reward": pick.reward,
        "right": pick.lifted == pick.wanted,
        "message": f"{pick.message} in attempt {pick.attempts}" if pick.accepted else pick.message,
    }


def _said(spoken: Spoken) -> dict:
    data = base64.b64encode(spoken.picture.read_bytes()).decode() if spoken.picture.exists() else ""
    return {
        "words": spoken.words,
        "picture": f"data:image/jpeg;base64,{data}" if data else None,
        "right": spoken.held and spoken.on_part,
        "message": spoken.reason or "lifted, and held while the arm shook",
    }
