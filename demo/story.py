"""The two stories that the demonstration can tell."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_cell.config import CellConfig


@dataclass(frozen=True)
class Story:
    """What is learned from what, and how it is told.

    Attributes:
        name: of the split in metrics.json.
        initial_checkpoint: what learning begins with: "shipped" or "none".
        learning: the cell in which grasps are learned from.
        examined: the cell with the objects that are examined and asked for.
        minutes: of grasping and learning.
        lead, learned, objects: texts of the report.
    """

    name: str
    initial_checkpoint: str
    learning: CellConfig
    examined: CellConfig
    minutes: float
    lead: str
    learned: str
    objects: str


def unknown_toys(seed: int) -> Story:
    """The shipped model meets toys that it has never seen, grasps them, and learns on."""
    return Story(
        name="toys_palette_12_unknown",
        initial_checkpoint="shipped",
        learning=CellConfig(split="novel", regime="shared_palette", novel_toys=12, seed=seed),
        examined=CellConfig(split="novel", regime="shared_palette", novel_toys=12, seed=seed + 2),
        minutes=4.0,
        lead="A simulated arm meets twelve toys that its model has never seen. All have the same four colours in equal"
        " shares and the same size: only shape and pattern tell them apart. It grasps what it can, and from each grasp"
        " it learns on: what left the scene is what the gripper holds.",
        learned="Examined on the same twelve toys in grasps that were not learned from. Retrieval: which held image shows"
        " what has left the scene? Localisation: does the peak of the heatmap lie on the object that is shown, held"
        " up at another time? “Before” is the model that ships, “ours” the one at the end of this run.",
        objects="unknown toys",
    )


def from_scratch(seed: int) -> Story:
    """Random weights, many toys to learn from, and others to be examined on."""
    return Story(
        name="toys_novel",
        initial_checkpoint="none",
        learning=CellConfig(seed=seed),
        examined=CellConfig(split="novel", novel_toys=40, seed=seed + 2),
        minutes=7.0,
        lead="No labels and no pretrained net: a simulated arm grasps what it can from a bin of toys, and an embedding"
        " learns from each grasp that what left the scene is what the gripper holds. Then it is shown toys that it has"
        " never seen.",
        learned="Examined on toys that were never trained on, in grasps of their own. Retrieval: which held image shows"
        " what has left the scene? Localisation: does the peak of the heatmap lie on the object that is shown, held"
        " up at another time?",
        objects="novel toys",
    )
