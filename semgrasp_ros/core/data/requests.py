"""Words for grasps in memory."""

from __future__ import annotations

import numpy as np

from semgrasp_ros.core.data.captions import Caption, annotate, captions
from semgrasp_ros.core.data.captions.annotation import Annotation
from semgrasp_ros.core.data.dataset import GraspData, part_vocabulary
from semgrasp_ros.core.data.household import FAMILIES


def caption_of(
    data: GraspData, row: int, kind: str, rng: np.random.Generator, phrasings: str = "seen"
) -> Caption:
    """Words for one grasp; those of its part where this kind has nothing to say.

    Args:
        data: grasps and clouds.
        row: which grasp.
        kind: of the caption, see `captions`.
        rng: source of chance.
        phrasings: "seen" or "unseen".
    """
    return say(annotation_of(data, row), kind, rng, phrasings)


def annotation_of(data: GraspData, row: int) -> Annotation:
    """One grasp in names."""
    grasp = data.grasps[row]
    return annotate(grasp, FAMILIES[grasp.family], parts_of(data, int(data.owner[row])))


def say(annotation: Annotation, kind: str, rng: np.random.Generator, phrasings: str = "seen") -> Caption:
    """Words for a grasp in names, as `caption_of`."""
    said = captions(annotation, rng, kinds=(kind,), phrasings=phrasings)
    return said[0] if said else captions(annotation, rng, kinds=("part",), phrasings=phrasings)[0]


def parts_of(data: GraspData, thing: int) -> list[str]:
    """Names of the parts that an object's surface has."""
    names = part_vocabulary()
    return [names[index] for index in data.clouds[thing, :, 6].unique().int().tolist()]
