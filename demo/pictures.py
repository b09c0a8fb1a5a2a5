"""Pictures for the report: overlays, strips and plots, as data URIs that need no other file."""

from __future__ import annotations

import base64
import io

import cv2
import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt

INK, ACCENT, MUTED = "#1d2733", "#e4572e", "#8a97a6"
BASELINE_COLOURS = {
    "chance": "#b9c2cc",
    "mean_chroma": "#7fb069",
    "colour_histogram": "#3d7ea6",
    "untrained": "#9b5de5",
}


def data_uri(image: np.ndarray, quality: int = 88) -> str:
    """An RGB image (H x W x 3, uint8) as a JPEG data URI."""
    encoded, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )
    if not encoded:
        raise ValueError(f"image of shape {image.shape} could not be encoded as JPEG")
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _figure_uri(figure: plt.Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", transparent=True)
    plt.close(figure)
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def _axes(width: float, height: float) -> tuple[plt.Figure, plt.Axes]:
    plt.rcParams.update(
        {"font.size": 10, "font.family": "sans-serif", "svg.fonttype": "none", "axes.edgecolor": MUTED}
    )
    figure, axes = plt.subplots(figsize=(width, height))
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
    axes.grid(axis="y", color="#e6eaee")
    axes.set_axisbelow(True)
    return figure, axes


def learning_curve(
    trainer: list[tuple[float, float]], novel: list[dict], baselines: dict[str, float], metric: str
) -> str:
    """Retrieval over the minutes of the run.

    Args:
        trainer: (minutes, held-out retrieval in [0, 1]) as the trainer reported it.
        novel: a row per checkpoint: minutes, value, low, high, measured on novel objects afterwards.
        baselines: value by method, drawn as horizontal lines.
        metric: what the vertical axis is.
    """
    figure, axes = _axes(7.4, 3.2)
    if trainer:
        axes.plot(
            *zip(*trainer, strict=True),
            color=MUTED,
            lw=1.2,
            label="own held image, held-out attempts (trainer)",
        )
    if novel:
        minutes = [row["minutes"] for row in novel]
        axes.fill_between(
            minutes, [r["low"] for r in novel], [r["high"] for r in novel], color=ACCENT, alpha=0.15, lw=0
        )
        axes.plot(
            minutes,
            [r["value"] for r in novel],
            color=ACCENT,
            lw=2.2,
            marker="o",
            ms=4,
            label="novel objects (checkpoints)",
        )
    for method, value in baselines.items():
        axes.axhline(
            value, color=BASELINE_COLOURS.get(method, MUTED), lw=1.2, ls="--", label=method.replace("_", " ")
        )
    axes.set_xlabel("minutes since the first grasp")
    axes.set_ylabel(metric)
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return _figure_uri(figure)


def bars(rows: list[dict], title: str) -> str:
    """Horizontal bars with 95 % intervals, a bar per method."""
    figure, axes = _axes(5.2, 0.42 * len(rows) + 0.9)
    names = [row["method"].replace("_", " ") for row in rows]
    values = np.array([row["value"] for row in rows])
    errors = np.array([[row["value"] - row["low"], row["high"] - row["value"]] for row in rows]).T.clip(min=0)
    colours = [
        ACCENT if row["method"] == "ours" else BASELINE_COLOURS.get(row["method"], "#c9d1d9") for row in rows
    ]
    axes.barh(names, values, xerr=errors, color=colours, height=0.62, error_kw={"ecolor": INK, "lw": 1})
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.grid(axis="x", color="#e6eaee")
    axes.grid(axis="y", visible=False)
    return _figure_uri(figure)


def reward_histogram(right: list[float], wrong: list[float]) -> str:
    """The reward of pairs of novel held images: same object against different objects."""
    figure, axes = _axes(5.2, 2.6)
    bins = np.linspace(-0.2, 1, 41)
    axes.hist(wrong, bins, color="#c9d1d9", density=True, label=f"another object ({len(wrong)} pairs)")
    axes.hist(
        right, bins, color=ACCENT, alpha=0.75, density=True, label=f"the same object ({len(right)} pairs)"
    )
    axes.set_xlabel("cosine of goal and outcome")
    axes.set_yticks([])
    axes.legend(frameon=False, fontsize=8)
    return _figure_uri(figure)
