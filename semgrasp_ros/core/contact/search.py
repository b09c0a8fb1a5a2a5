"""Grasps found by gradient descent on the contact objective, many at a time on one object."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from semgrasp_ros.core.contact.field import ObjectField
from semgrasp_ros.core.contact.objective import ContactWeights, Targets, contact_loss
from semgrasp_ros.core.contact.skin import Skin
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.hand.rotations import matrix_from_vector, transform


@dataclass
class SearchConfig:
    """How long and how far the search goes."""

    steps: int = field(default=120, metadata={"help": "steps of Adam", "minimum": 1})
    translation_rate_m: float = field(default=0.003, metadata={"help": "first step of the wrist's position"})
    rotation_rate_rad: float = field(default=0.03, metadata={"help": "first step of the wrist's rotation"})
    angle_rate_rad: float = field(default=0.04, metadata={"help": "first step of the joints' angles"})
    # Contact is found first, then the hand is pushed out of the object.
    hardening: float = field(default=8.0, metadata={"help": "penetration weighs this much more at the end"})
    weights: ContactWeights = field(default_factory=ContactWeights)


@dataclass(frozen=True)
class Found:
    """Grasps after the search.

    Attributes:
        wrist: (B, 4, 4) object frame.
        angles: (B, 15, 3) radians about the anatomical axes, within the joint limits.
        shape: (B, 10).
        loss: (B,) what is left of the objective.
    """

    wrist: torch.Tensor
    angles: torch.Tensor
    shape: torch.Tensor
    loss: torch.Tensor


def within_limits(hand: HandModel, angles: torch.Tensor) -> torch.Tensor:
    """Angles (B, 15, 3) moved to their limits where they are beyond."""
    return torch.minimum(torch.maximum(angles, hand.limits[..., 0]), hand.limits[..., 1])


def search(
    hand: HandModel,
    skin: Skin,
    object_field: ObjectField,
    targets: Targets,
    wrist: torch.Tensor,
    angles: torch.Tensor,
    shape: torch.Tensor,
    config: SearchConfig,
) -> Found:
    """Descends from the given hands.

    Args:
        hand: the hand.
        skin: of the manner.
        object_field: of the object.
        targets: what to touch.
        wrist: (B, 4, 4) to begin with.
        angles: (B, 15, 3) to begin with.
        shape: (B, 10), kept.
        config: steps and weights.
    """
    begun = None
    if config.weights.stay > 0:
        with torch.no_grad():
            begun = hand.some_vertices(wrist, hand.rotations_from_angles(angles), shape, skin.vertices)
    shift = torch.zeros(len(wrist), 3, requires_grad=True)
    turn = torch.zeros(len(wrist), 3, requires_grad=True)
    bent = angles.clone().requires_grad_(True)
    optimiser = torch.optim.Adam(
        [
            {"params": [shift], "lr": config.translation_rate_m},
            {"params": [turn], "lr": config.rotation_rate_rad},
            {"params": [bent], "lr": config.angle_rate_rad},
        ]
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps, eta_min=0.0)

    def moved() -> torch.Tensor:
        return transform(matrix_from_vector(turn) @ wrist[:, :3, :3], wrist[:, :3, 3] + shift)

    for step in range(config.steps):
        harder = config.hardening ** (step / config.steps)
        weights = replace(config.weights, penetration=config.weights.penetration * harder)
        loss = contact_loss(hand, skin, object_field, targets, moved(), bent, shape, weights, begun)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        kept = within_limits(hand, bent)
        loss = contact_loss(hand, skin, object_field, targets, moved(), kept, shape, config.weights, begun)
        return Found(moved(), kept, shape, loss)
