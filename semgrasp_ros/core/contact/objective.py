"""What a grasp has to be: fingers on the asked-for part, opposed, not inside the object, a possible hand.

Every term is a mean in metres or radians per grasp, weighted by `ContactWeights`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from semgrasp_ros.core.contact.field import FieldSample, ObjectField
from semgrasp_ros.core.contact.skin import Skin
from semgrasp_ros.core.hand.model import HandModel


@dataclass
class ContactWeights:
    """Weights of the terms of the contact objective."""

    attraction: float = field(default=1.0, metadata={"help": "fingers to the part that they should touch"})
    penetration: float = field(default=6.0, metadata={"help": "skin inside the object"})
    clearance: float = field(default=1.0, metadata={"help": "fingers that should stay away"})
    balance: float = field(default=0.01, metadata={"help": "contact normals that do not cancel, per unit normal"})
    limits: float = field(default=0.5, metadata={"help": "joints beyond their limits, per radian"})
    self_contact: float = field(default=4.0, metadata={"help": "fingers inside one another"})
    # Soft skin gives way: a rigid hand holds by a small overlap only.
    overlap_m: float = field(default=0.001, metadata={"help": "how deep a touching pad may lie in the object"})
    away_m: float = field(default=0.012, metadata={"help": "distance that counts as away"})


@dataclass(frozen=True)
class Targets:
    """What each of B grasps should touch.

    Attributes:
        touching: (B, R) 1 where a region of skin should touch; regions as in `Skin.pads`.
        away: (B, R) 1 where it should stay away from everything.
        part: (B,) index of the part to touch.
    """

    touching: torch.Tensor
    away: torch.Tensor
    part: torch.Tensor


def contact_loss(
    hand: HandModel,
    skin: Skin,
    object_field: ObjectField,
    targets: Targets,
    wrist: torch.Tensor,
    angles: torch.Tensor,
    shape: torch.Tensor,
    weights: ContactWeights,
) -> torch.Tensor:
    """The objective (B,) of B grasps of one object.

    Args:
        hand: the hand.
        skin: which of its vertices are looked at.
        object_field: distances around the object.
        targets: what should touch what.
        wrist: (B, 4, 4) in the object frame.
        angles: (B, 15, 3) about the anatomical axes, radians.
        shape: (B, 10).
        weights: of the terms.
    """
    points = hand.some_vertices(wrist, hand.rotations_from_angles(angles), shape, skin.vertices)
    seen = object_field.sample(points)
    limits = hand.limits
    beyond = (angles - limits[..., 1]).clamp_min(0) + (limits[..., 0] - angles).clamp_min(0)
    return (
        weights.attraction * attraction(skin, seen, targets, weights.overlap_m)
        + weights.penetration * penetration(seen, weights.overlap_m)
        + weights.clearance * clearance(skin, seen, targets, weights.away_m)
        + weights.balance * imbalance(skin, seen, targets)
        + weights.limits * beyond.sum(dim=(1, 2))
        + weights.self_contact * self_contact(skin, points)
    )


def attraction(skin: Skin, seen: FieldSample, targets: Targets, overlap_m: float) -> torch.Tensor:
    """How far (B,) the touching pads are from the part: each by its nearest points, a soft minimum."""
    to_part = seen.part_distance.gather(
        -1, targets.part[:, None, None].expand(-1, seen.part_distance.shape[1], 1)
    )[..., 0]
    # The part's surface may lie inside the object; only what is also at the object's own surface can be touched.
    gap = torch.maximum(to_part, (seen.distance + overlap_m).abs())
    per_pad = torch.stack(
        [torch.stack([_soft_minimum(gap[:, share]) for share in shares]).mean(dim=0) for shares in skin.segments], dim=1
    )
    return (per_pad * targets.touching).sum(dim=1)


def penetration(seen: FieldSample, overlap_m: float) -> torch.Tensor:
    """Sum (B,) over the skin of what lies deeper in the object than soft skin gives way."""
    return (-seen.distance - overlap_m).clamp_min(0).sum(dim=1)


def clearance(skin: Skin, seen: FieldSample, targets: Targets, away_m: float) -> torch.Tensor:
    """By how much (B,) pads that should stay away come too near."""
    nearest = torch.stack([seen.distance[:, pad].amin(dim=1) for pad in skin.pads], dim=1)
    return ((away_m - nearest).clamp_min(0) * targets.away).sum(dim=1)


def imbalance(skin: Skin, seen: FieldSample, targets: Targets) -> torch.Tensor:
    """Length (B,) of the mean contact normal: zero when pads press against one another (Liu et al. 2021, eq. 5).

    "Synthesizing Diverse and Physically Stable Grasps with Arbitrary Hand Structures Using Differentiable Force
    Closure Estimator", https://arxiv.org/abs/2104.09194. The thumb weighs as much as what opposes it.
    """
    normals = torch.stack([_weighted_normal(seen, pad) for pad in skin.pads], dim=1)
    touching = targets.touching.clone()
    opposing = touching[:, 1:].sum(dim=1).clamp_min(1)
    touching[:, 0] = touching[:, 0] * opposing
    total = (normals * touching[..., None]).sum(dim=1) / touching.sum(dim=1, keepdim=True).clamp_min(1)
    return torch.linalg.norm(total + 1e-9, dim=-1)


def self_contact(skin: Skin, points: torch.Tensor) -> torch.Tensor:
    """How far (B,) finger segments lie inside those of other fingers, taken as balls."""
    centres = torch.einsum("sk,bkc->bsc", skin.ball_means, points)
    apart = torch.cdist(centres, centres) + 1e-9
    inside = (skin.ball_reach - apart).clamp_min(0) * skin.ball_pairs
    return inside.sum(dim=(1, 2))


def _soft_minimum(gap: torch.Tensor, sharpness_m: float = 0.003) -> torch.Tensor:
    weight = torch.softmax(-gap / sharpness_m, dim=1)
    return (weight * gap).sum(dim=1)


def _weighted_normal(seen: FieldSample, pad: torch.Tensor) -> torch.Tensor:
    weight = torch.softmax(-seen.distance[:, pad].abs() / 0.004, dim=1)
    return (weight[..., None] * seen.normal[:, pad]).sum(dim=1)
