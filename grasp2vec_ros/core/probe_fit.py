"""How a probe is made: features of a store's attempts, then the projection in which the same object is most alike.

The features are standardised, which by itself finds objects of which nothing alike was seen. From there the projection
learns for few steps, on objects of the store: enough to leave out what differs between views of one object, too little
to forget the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from grasp2vec_ros.core import arithmetic
from grasp2vec_ros.core.change import aligned
from grasp2vec_ros.core.encoder import Grasp2Vec, held_input, scene_input
from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.learner import choose_precision
from grasp2vec_ros.core.linear_fit import learn_matrix, projection, several_views
from grasp2vec_ros.core.probe import Probe
from grasp2vec_ros.core.store import ExperienceStore

CHUNK = 256
SMALLEST_DEVIATION = 0.01  # of the median


@dataclass
class Features:
    """Of attempts that lifted something.

    Attributes:
        removed: (n, `FEATURES`) what left the scene.
        held: (n, `VIEWS`, `FEATURES`).
        learned: (n,) length of the learned phi_s(pre) - phi_s(post).
        scenes: (n,) which filling of the bin.
    """

    removed: np.ndarray
    held: np.ndarray
    learned: np.ndarray
    scenes: np.ndarray


def collect_features(
    model: Grasp2Vec,
    probe: Probe,
    store: ExperienceStore,
    chosen: list[tuple[str, str]],
    quiet: float,
    folder: Path,
) -> Features:
    """Features of attempts; what was computed before is read from `folder`, one file for each `CHUNK` of them.

    Raises:
        ValueError: no attempt has two views of what was held.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    with tqdm(total=len(chosen), desc="looking at attempts", unit="attempt", mininterval=1.0) as bar:
        for begin in range(0, len(chosen), CHUNK):
            chunk, file = chosen[begin : begin + CHUNK], folder / f"{begin:06d}.npz"
            if not file.is_file():
                rows = list(_rows(model, probe, store, chunk, quiet, bar))
                unfinished = file.with_suffix(".new.npz")
                np.savez(unfinished, **{name: np.array([row[name] for row in rows]) for name in ROW})
                unfinished.replace(file)
            else:
                bar.update(len(chunk))
            with np.load(file) as read:
                parts.append({name: read[name] for name in ROW})
    parts = [part for part in parts if len(part["scenes"])]
    if not parts:
        raise ValueError("store: no attempt that lifted something has two views of it; collect others first")
    return Features(**{name: np.concatenate([part[name] for part in parts]) for name in ROW})


ROW = ("removed", "held", "learned", "scenes")


def _rows(
    model: Grasp2Vec,
    probe: Probe,
    store: ExperienceStore,
    chunk: list[tuple[str, str]],
    quiet: float,
    bar: tqdm,
) -> Iterator[dict]:
    precision = choose_precision("auto", torch.device("cpu"))
    for identity, scene in chunk:
        experience = store.get(identity)
        bar.update()
        if len(experience.held) < 2:
            continue
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, enabled=precision is torch.bfloat16),
        ):
            yield {"scenes": scene, **_features(model, probe, experience, quiet)}


def _features(model: Grasp2Vec, probe: Probe, experience: Experience, quiet: float) -> dict[str, np.ndarray]:
    scenes = torch.from_numpy(np.stack([experience.pre, aligned(experience.pre, experience.post)]))
    inputs = scene_input(scenes, model.config)
    changes = [
        arithmetic.quietened(before[None] - after[None], quiet)
        for before, after in (map.float() for map in (*probe.maps(inputs), model.scene_map(inputs)))
    ]
    held = held_input(several_views(experience), model.config)
    return {
        "removed": probe.features(changes[:-1])[0].numpy(),
        "held": probe.features(probe.maps(held)).numpy(),
        "learned": arithmetic.pool(changes[-1], model.config.pooling)[0].norm().numpy(),
    }


def fit(
    probe: Probe, features: Features, steps: int = 200, learning_rate: float = 1e-4, seed: int = 0
) -> float:
    """Sets everything of a probe but its trunk.

    Args:
        probe: changed in place.
        features: of the attempts to learn from.
        steps: of learning; 0: features are standardised, no more.
        learning_rate: of AdamW, for a matrix that begins as the identity.
        seed: of the batches.

    Returns:
        The last loss; nan without steps.
    """
    held = torch.from_numpy(features.held)
    probe.mean.copy_(held.flatten(0, 1).mean(dim=0))
    deviation = held.flatten(0, 1).std(dim=0)
    # A feature that held images never have would count without limit where a scene has it.
    probe.deviation.copy_(deviation.clamp(min=max(1e-6, SMALLEST_DEVIATION * float(deviation.median()))))
    held = (held - probe.mean) / probe.deviation
    removed = torch.from_numpy(features.removed) / probe.deviation
    matrix, loss = learn_matrix(removed, held, features.scenes, steps, learning_rate, seed)
    probe.projection.copy_(projection(matrix, held.flatten(0, 1), len(probe.projection)))
    sizes = probe.scene_vectors(torch.from_numpy(features.removed)).norm(dim=1)
    probe.scene_gain.copy_((torch.from_numpy(features.learned) / sizes).median())
    return loss
