"""A matrix for features that need no learning, in which what was taken is most like what is then held.

It begins as the identity and learns for few steps, on attempts of a store: enough to leave out what differs between
views of one object, too little to forget the rest.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.objective import cosine_n_pairs
from grasp2vec_ros.core.store import ExperienceStore

VIEWS = 3
TEMPERATURE = 0.07
SCENES_PER_BATCH = 24


def choose_attempts(store: ExperienceStore, count: int, seed: int) -> list[tuple[str, str]]:
    """Whole scenes in a random order until there are enough attempts: (id, scene) each."""
    scenes: dict[str, list[str]] = {}
    for identity, robot, episode in store.scenes(lifted=True):
        scenes.setdefault(f"{robot}|{episode}", []).append(identity)
    names, chosen = sorted(scenes), []
    np.random.default_rng(seed).shuffle(names)
    for name in names:
        if len(chosen) >= count:
            break
        chosen += [(identity, name) for identity in scenes[name]]
    return chosen


def several_views(experience: Experience) -> Tensor:
    """So many views of what was held that features of all attempts have one shape, (`VIEWS`, H, W, 3) uint8."""
    return torch.from_numpy(np.stack([*experience.held, *[experience.held[-1]] * VIEWS][:VIEWS]))


def learn_matrix(
    removed: Tensor, held: Tensor, scenes: np.ndarray, steps: int, learning_rate: float, seed: int
) -> tuple[Tensor, float]:
    """Learns with the objective of the embedding; objects of one scene are told apart.

    Args:
        removed: (n, F) standardised features of what left the scenes.
        held: (n, `VIEWS`, F) of what was held then.
        scenes: (n,) which filling of the bin.
        steps: of learning; 0: the matrix is the identity.
        learning_rate: of AdamW.
        seed: of the batches.

    Returns:
        The matrix, (F, F), by which both are multiplied from the right, and the last loss, nan without steps.
    """
    names, which = np.unique(scenes, return_inverse=True)
    members = [np.flatnonzero(which == i) for i in range(len(names))]
    features = removed.shape[1]
    change = torch.zeros(features, features, requires_grad=True)
    optimiser = torch.optim.AdamW([change], lr=learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, max(1, steps))
    rng, loss = np.random.default_rng(seed), float("nan")
    temperature = torch.tensor(TEMPERATURE).log()
    for _ in tqdm(range(steps), desc="fitting", unit="step", mininterval=1.0):
        batch = rng.choice(len(members), min(SCENES_PER_BATCH, len(members)), replace=False)
        rows = np.concatenate([members[i] for i in batch])
        views = held[rows] + held[rows] @ change
        mean = functional.normalize(views, dim=2).mean(dim=1)
        one = torch.from_numpy(rng.integers(0, VIEWS, len(rows)))
        every = torch.arange(len(rows))
        first, second = views[every, one], views[every, (one + 1) % VIEWS]
        taken = removed[rows] + removed[rows] @ change
        value = sum(
            weight * (cosine_n_pairs(a, b, temperature) + cosine_n_pairs(b, a, temperature))
            for a, b, weight in ((taken, mean, 1.0), (taken, first, 0.5), (first, second, 0.5))
        )
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        schedule.step()
        loss = float(value.detach())
    return torch.eye(features) + change.detach(), loss


def projection(matrix: Tensor, centred: Tensor, size: int) -> Tensor:
    """A matrix, brought to the directions in which its products with centred features (n, F) differ most, (size, F)."""
    products = centred @ matrix
    moments = (products.T @ products).double() / len(products)
    directions = torch.linalg.eigh(moments).eigenvectors.flip(1)[:, :size].float()
    return directions.T @ matrix.T
