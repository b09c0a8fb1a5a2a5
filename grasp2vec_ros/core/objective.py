"""What is learned: phi_s(pre) - phi_s(post) = phi_o(held), and far from other objects (Grasp2Vec, section 4)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from grasp2vec_ros.core.arithmetic import scene_difference
from grasp2vec_ros.core.options import option


@dataclass
class ObjectiveConfig:
    """Weights and variants of the loss. The paper's: similarity dot, view, presence and failure weights 0."""

    similarity: str = option(
        "cosine",
        "n-pairs on cosines with a learned temperature, or on raw dot products",
        choices=["cosine", "dot"],
    )
    l2_weight: float = option(
        0.0005, "lambda of the n-pairs loss, for similarity dot", minimum=0.0, maximum=1.0
    )
    scene_weight: float = option(1.0, "pre - post against held, both directions", minimum=0.0, maximum=100.0)
    view_weight: float = option(
        1.0, "two views of one held object against each other", minimum=0.0, maximum=100.0
    )
    presence_weight: float = option(
        1.0, "the held object is somewhere in pre and nowhere in post", minimum=0.0, maximum=100.0
    )
    failure: str = option(
        "none", "what failed grasps teach", choices=["none", "send_to_zero", "shared_label"]
    )
    failure_weight: float = option(0.1, "weight of failed grasps", minimum=0.0, maximum=100.0)
    same_object_cosine: float = option(
        1.0,
        "two held objects of a batch that are more alike than this are taken for one object and not pushed apart; for"
        " learning on few objects from a model that knows objects. 1: never",
        minimum=0.0,
        maximum=1.0,
    )
    nonnegative_difference: bool = option(False, "cut pre - post off at zero")


@dataclass
class Embeddings:
    """What the loss is made of, for B attempts that lifted something.

    Attributes:
        pre_map, post_map: (B, D, h, w) phi_s maps of the same window before and after.
        pre, post: (B, D) pooled.
        held, held_again: (B, D) phi_o of two views or two augmentations of the held object.
        failed_pre, failed_post: (F, D) of attempts that lifted nothing; F may be 0.
        log_temperature: scalar.
    """

    pre_map: Tensor
    post_map: Tensor
    pre: Tensor
    post: Tensor
    held: Tensor
    held_again: Tensor
    failed_pre: Tensor
    failed_post: Tensor
    log_temperature: Tensor


def n_pairs(anchors: Tensor, positives: Tensor, l2_weight: float) -> Tensor:
    """NPairs(a, p) = mean_i -log(exp(a_i . p_i) / sum_j exp(a_i . p_j)) + lambda (|a|^2 + |p|^2).

    Args:
        anchors: (B, D).
        positives: (B, D), row i belongs to anchor i.
        l2_weight: lambda.
    """
    own = torch.arange(len(anchors), device=anchors.device)
    size = anchors.square().sum(1).mean() + positives.square().sum(1).mean()
    return functional.cross_entropy(anchors @ positives.T, own) + l2_weight * size


def cosine_n_pairs(
    anchors: Tensor, positives: Tensor, log_temperature: Tensor, ignored: Tensor | None = None
) -> Tensor:
    """N-pairs on cosines over a temperature, one direction; `ignored` (B, B) bool pairs are no negatives."""
    logits = (
        functional.normalize(anchors, dim=1)
        @ functional.normalize(positives, dim=1).T
        / _temperature(log_temperature)
    )
    if ignored is not None:
        logits = logits.masked_fill(ignored, -torch.inf)
    return functional.cross_entropy(logits, torch.arange(len(anchors), device=anchors.device))


def same_objects(held: Tensor, cosine: float) -> Tensor:
    """Pairs of different attempts that hold the same object, as far as the model can tell; (B, D) -> (B, B) bool."""
    unit = functional.normalize(held.detach(), dim=1)
    return (unit @ unit.T > cosine) & ~torch.eye(len(held), dtype=torch.bool, device=held.device)


def shared_label_n_pairs(removed: Tensor, held: Tensor, nothing: Tensor, log_temperature: Tensor) -> Tensor:
    """N-pairs in which all failed grasps have one label: "nothing was taken" is a thing of its own.

    Each failed grasp's difference belongs to every other failed one and to no held object, and the other way round.

    Args:
        removed: (B, D) pre - post of grasps that lifted something.
        held: (B, D).
        nothing: (F, D) pre - post of grasps that lifted nothing.
        log_temperature: scalar.
    """
    anchors, positives = torch.cat([removed, nothing]), torch.cat([held, nothing.roll(1, dims=0)])
    logits = (
        functional.normalize(anchors, dim=1)
        @ functional.normalize(positives, dim=1).T
        / _temperature(log_temperature)
    )
    targets = torch.eye(len(anchors), device=anchors.device)
    targets[len(removed) :, len(removed) :] = 1.0 / len(nothing)
    return functional.cross_entropy(logits, targets)


def presence(
    pre_map: Tensor,
    post_map: Tensor,
    held: Tensor,
    log_temperature: Tensor,
    ignored: Tensor | None = None,
) -> Tensor:
    """The peak of the held object's heatmap: high in its own pre, low in its post and in other scenes.

    The pooled difference leaves open where on the map an object is; this loss ties the heatmap itself to it.

    Args:
        pre_map, post_map: (B, D, h, w).
        held: (B, D).
        log_temperature: scalar.
        ignored: (B, B) bool, scenes (columns) that may contain the object of a row; None: none.
    """
    goals = functional.normalize(held, dim=1)
    with_object = _peaks(pre_map, goals)
    without_object = _peaks(post_map, goals)
    logits = torch.cat([with_object, torch.diagonal(without_object)[:, None]], dim=1) / _temperature(
        log_temperature
    )
    if ignored is not None:
        logits = logits.masked_fill(functional.pad(ignored, (0, 1)), -torch.inf)
    return functional.cross_entropy(logits, torch.arange(len(goals), device=goals.device))


def _peaks(maps: Tensor, goals: Tensor) -> Tensor:
    """Soft maximum of the cosine heatmap of each goal (rows) in each map (columns), (B, B)."""
    cosines = torch.einsum("nd,bdhw->nbhw", goals, functional.normalize(maps, dim=1)).flatten(2)
    sharpness = 20.0
    return (
        torch.logsumexp(sharpness * cosines, dim=2) - torch.tensor(float(cosines.shape[2])).log()
    ) / sharpness


def _temperature(log_temperature: Tensor) -> Tensor:
    return log_temperature.exp().clamp(0.02, 1.0)


def objective(e: Embeddings, config: ObjectiveConfig) -> Tensor:
    """The whole loss, a scalar."""
    removed = scene_difference(e.pre, e.post)
    if config.nonnegative_difference:
        removed = functional.relu(removed)
    ignored = same_objects(e.held, config.same_object_cosine) if config.same_object_cosine < 1 else None
    if config.similarity == "dot":
        scene = n_pairs(removed, e.held, config.l2_weight) + n_pairs(e.held, removed, config.l2_weight)
    else:
        scene = cosine_n_pairs(removed, e.held, e.log_temperature, ignored) + cosine_n_pairs(
            e.held, removed, e.log_temperature, ignored
        )
    loss = config.scene_weight * scene
    if config.view_weight > 0:
        views = cosine_n_pairs(e.held, e.held_again, e.log_temperature, ignored) + cosine_n_pairs(
            e.held_again, e.held, e.log_temperature, ignored
        )
        loss = loss + config.view_weight * views
    if config.presence_weight > 0:
        loss = loss + config.presence_weight * presence(
            e.pre_map, e.post_map, e.held_again, e.log_temperature, ignored
        )
    if config.failure != "none" and len(e.failed_pre):
        nothing = scene_difference(e.failed_pre, e.failed_post)
        if config.failure == "send_to_zero":
            failed = nothing.square().sum(1).mean()
        else:
            failed = shared_label_n_pairs(removed, e.held, nothing, e.log_temperature)
        loss = loss + config.failure_weight * failed
    return loss
