"""Memory, threads and handles over time, with marks for faults."""

from __future__ import annotations

from pathlib import Path

# Names stand upright: so many have room side by side.
MOST_NAMES = 90
LABELS = {"memory_mb": "memory [MiB]", "threads": "threads", "handles": "file handles"}


def draw(content: dict, file: Path) -> None:
    """Draws a result file's series."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    nodes = list(dict.fromkeys(series["node"] for series in content["series"]))
    names = list(dict.fromkeys(fault["name"] for fault in content["faults"]))
    figure, axes = pyplot.subplots(3, 1, figsize=(12, 10), sharex=True, layout="constrained")
    for panel, (metric, label) in zip(axes, LABELS.items(), strict=True):
        for series in content["series"]:
            colour = f"C{nodes.index(series['node'])}"
            panel.plot(series["at_s"], series[metric], color=colour, linewidth=1.2)
        for fault in content["faults"]:
            shade = "0.75" if names.index(fault["name"]) % 2 else "0.85"
            panel.axvspan(fault["at_s"], fault["at_s"] + fault["seconds"], color=shade, linewidth=0)
        panel.set_ylabel(label)
        panel.set_ylim(bottom=0)
        panel.grid(alpha=0.3)
    _name_faults(axes[0], content)
    for number, node in enumerate(nodes):
        axes[1].plot([], [], color=f"C{number}", label=node)
    axes[1].legend(loc="upper left", ncols=len(nodes))
    axes[-1].set_xlabel("time [s]; grey: a fault; a line that begins anew: a process that was started again")
    figure.savefig(file, dpi=80)
    pyplot.close(figure)


def _name_faults(panel: object, content: dict) -> None:
    """Names at the foot of a panel, below what is drawn; those that would stand on another are left out."""
    last_s, apart_s = -float("inf"), content["seconds"] / MOST_NAMES
    for fault in content["faults"]:
        middle_s = fault["at_s"] + fault["seconds"] / 2
        if middle_s - last_s >= apart_s:
            panel.text(middle_s, 4, fault["name"], rotation=90, fontsize=7, ha="center", va="bottom")
            last_s = middle_s
