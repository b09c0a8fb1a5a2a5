"""How a model is told which differences say nothing about an object: from a store's attempts."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor
from tqdm import tqdm

from grasp2vec_ros.core.encoder import EncoderConfig, Grasp2Vec, make_model
from grasp2vec_ros.core.experience import Experience
from grasp2vec_ros.core.inference import Perceiver
from grasp2vec_ros.core.options import from_mapping
from grasp2vec_ros.core.store import ExperienceStore
from grasp2vec_ros.core.whitening import FITTED_COUNT_AS, Whitening


def with_whitening(model: Grasp2Vec, floor: float) -> Grasp2Vec:
    """A trained model whose vectors are whitened, once it has been fitted.

    Args:
        model: any; one that is whitened begins anew.
        floor: see `Whitening`.

    Raises:
        ValueError: the floor is out of range.
    """
    if floor <= 0:
        raise ValueError(f"whitening_floor: {floor} is none; use more than 0, 3 for the model that ships")
    fields = {**dataclasses.asdict(model.config), "whitening_floor": floor}
    whitened = make_model(from_mapping(EncoderConfig, fields))
    learned = {name: value for name, value in model.state_dict().items() if not name.startswith("whitening.")}
    whitened.load_state_dict(learned, strict=False)
    return whitened.eval()


def grasp_of(perceiver: Perceiver, experience: Experience) -> tuple[Tensor, Tensor] | None:
    """An attempt that lifted something as `Whitening.count_in` takes it.

    Returns:
        What left the scene, (D,), and the views of what was held, (V, D); None where nothing of one of them is seen.
    """
    if not experience.held:
        return None
    removed = perceiver.embed_removed(experience.pre, experience.post)
    held = perceiver.embed_held(list(experience.held))
    if not removed.any():
        return None
    return torch.from_numpy(perceiver.plain(removed)), torch.from_numpy(perceiver.plain(held))


def fit(whitening: Whitening, perceiver: Perceiver, store: ExperienceStore, chosen: list[str]) -> int:
    """Counts in attempts of a store.

    Args:
        whitening: a new one; changed in place.
        perceiver: has the model as it was before.
        store: has the attempts.
        chosen: ids of attempts that lifted something; those in which nothing of it is seen are left out.

    Returns:
        How many were counted in; they count as `FITTED_COUNT_AS` afterwards.

    Raises:
        ValueError: none.
    """
    bar = tqdm(chosen, desc="looking at attempts", unit="attempt", mininterval=1.0)
    grasps = (grasp_of(perceiver, store.get(identity)) for identity in bar)
    whitening.count_in(grasp for grasp in grasps if grasp is not None)
    counted = int(whitening.attempts)
    if not counted:
        raise ValueError("store: no attempt that lifted something has a view of it; collect others first")
    whitening.count_as(min(counted, FITTED_COUNT_AS))
    return counted
