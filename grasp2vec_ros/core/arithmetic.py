"""The arithmetic of sets of objects: what the embedding is for (Grasp2Vec, sections 3 and 4)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def pool(maps: Tensor, how: str) -> Tensor:
    """phi(image) from its spatial map.

    Args:
        maps: (B, D, h, w).
        how: "mean" as in the paper, or "sum": then a window around all that changed gives the same difference
            as the whole image.

    Returns:
        (B, D).
    """
    return maps.mean(dim=(2, 3)) if how == "mean" else maps.sum(dim=(2, 3))


def scene_difference(pre: Tensor, post: Tensor) -> Tensor:
    """What was taken out of the scene: phi_s(pre) - phi_s(post), (B, D)."""
    return pre - post


def quietened(change: Tensor, quiet: float) -> Tensor:
    """A map's change in which places that changed little count less.

    Shadows, noise and a camera that moved by less than a pixel change every place a little, and there are many of them.

    Args:
        change: map before minus map after, (B, D, h, w).
        quiet: places that changed so much of the most changed one count half; 0: all count alike, as in the paper.

    Returns:
        (B, D, h, w).
    """
    if quiet == 0:
        return change
    size = change.norm(dim=1, keepdim=True)
    largest = size.amax(dim=(2, 3), keepdim=True)
    return change * size / (size + quiet * largest).clamp(min=1e-12)


def excess(maps: Tensor) -> Tensor:
    """Maps (B, C, h, w) less the median over their places: what most of a scene looks like, its floor, is taken out."""
    return maps - maps.flatten(2).median(dim=2).values[:, :, None, None]


def mean_of_goals(goals: Tensor) -> Tensor:
    """A goal that any of several objects satisfies: the mean of their unit vectors, (n, D) -> (D,)."""
    return functional.normalize(goals, dim=-1).mean(dim=0)


def heatmap(scene_map: Tensor, goal: Tensor, cosine: bool = True) -> Tensor:
    """Where the goal is: the product of the map and the goal at each place.

    Args:
        scene_map: (D, h, w).
        goal: (D,).
        cosine: cosines in [-1, 1]; otherwise raw dot products as in the paper.

    Returns:
        (h, w).
    """
    if cosine:
        scene_map, goal = functional.normalize(scene_map, dim=0), functional.normalize(goal, dim=0)
    return torch.einsum("dhw,d->hw", scene_map, goal)


def cosine_reward(goal: Tensor, held: Tensor) -> Tensor:
    """The embedding-similarity reward: cosine of phi_o(goal) and phi_o(held), negative ones count as 0.

    Args:
        goal: (..., D).
        held: (..., D).

    Returns:
        (...) in [0, 1].
    """
    return functional.cosine_similarity(goal, held, dim=-1).clamp(0, 1)
