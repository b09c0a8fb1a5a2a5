"""How a model is given colours: histograms of a store's attempts, then the projection in which objects are most alike.

Standardised histograms alone mix up objects that share a palette more than no colours do; after a few hundred steps
colours that say nothing count for little.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from grasp2vec_ros.core.change import aligned
from grasp2vec_ros.core.colours import LEAST_DEVIATION, Colours, held_histograms, removed_histogram
from grasp2vec_ros.core.encoder import EncoderConfig, Grasp2Vec, held_input, make_model, scene_input
from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.linear_fit import learn_matrix, projection, several_views
from grasp2vec_ros.core.options import from_mapping
from grasp2vec_ros.core.store import ExperienceStore


@dataclass
class Histograms:
    """Of attempts that lifted something and changed the scene.

    Attributes:
        removed: (n, `ENTRIES`) of what left the scene.
        held: (n, `VIEWS`, `ENTRIES`).
        scenes: (n,) which filling of the bin.
    """

    removed: Tensor
    held: Tensor
    scenes: np.ndarray


def with_colours(model: Grasp2Vec, size: int, weight: float) -> Grasp2Vec:
    """A trained model whose vectors tell colours too, whose projection is still to be fitted.

    Args:
        model: any; one that has colours gets new ones.
        size: entries that they add.
        weight: how much their cosine counts.

    Raises:
        ValueError: size or weight are out of range.
    """
    if size < 1:
        raise ValueError(f"colour_size: {size} adds nothing; use 1 or more, 128 for the model that ships")
    fields = {**dataclasses.asdict(model.config), "colour_size": size, "colour_weight": weight}
    coloured = make_model(from_mapping(EncoderConfig, fields))
    learned = {name: value for name, value in model.state_dict().items() if not name.startswith("colours.")}
    coloured.load_state_dict(learned, strict=False)
    return coloured.eval()


def collect_histograms(
    store: ExperienceStore, chosen: list[tuple[str, str]], config: EncoderConfig
) -> Histograms:
    """Histograms of attempts, (id, scene) each; those without two views, or without a change, are left out.

    Raises:
        ValueError: nothing is left.
    """
    rows = []
    for identity, scene in tqdm(chosen, desc="looking at attempts", unit="attempt", mininterval=1.0):
        experience = store.get(identity)
        if len(experience.held) >= 2:
            removed, held = _histograms(experience, config)
            if removed.any():
                rows.append((removed, held, scene))
    if not rows:
        raise ValueError("store: no attempt that lifted something has two views of it; collect others first")
    removed, held, scenes = zip(*rows, strict=True)
    return Histograms(torch.cat(removed), torch.stack(held), np.array(scenes))


@torch.inference_mode()
def _histograms(experience: Experience, config: EncoderConfig) -> tuple[Tensor, Tensor]:
    scenes = torch.from_numpy(np.stack([experience.pre, aligned(experience.pre, experience.post)]))
    views = held_input(several_views(experience), config)
    return removed_histogram(*scene_input(scenes, config)), held_histograms(views, config.held_crop)


def fit(
    colours: Colours, histograms: Histograms, steps: int = 400, learning_rate: float = 3e-3, seed: int = 0
) -> float:
    """Sets means, deviations and projection.

    Args:
        colours: changed in place.
        histograms: of the attempts to learn from.
        steps: of learning; 0: histograms are standardised, no more.
        learning_rate: of AdamW, for a matrix that begins as the identity.
        seed: of the batches.

    Returns:
        The last loss; nan without steps.
    """
    colours.removed_mean.copy_(histograms.removed.mean(dim=0))
    colours.held_mean.copy_(histograms.held.flatten(0, 1).mean(dim=0))
    # A colour that few objects have must not count without limit.
    colours.deviation.copy_(histograms.held.flatten(0, 1).std(dim=0) + LEAST_DEVIATION)
    removed = (histograms.removed - colours.removed_mean) / colours.deviation
    held = (histograms.held - colours.held_mean) / colours.deviation
    matrix, loss = learn_matrix(removed, held, histograms.scenes, steps, learning_rate, seed)
    colours.projection.copy_(projection(matrix, held.flatten(0, 1), len(colours.projection)))
    return loss
