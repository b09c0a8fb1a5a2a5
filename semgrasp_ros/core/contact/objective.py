"""What a grasp has to be: fingers on the asked-for part, opposed, not inside the object, a possible hand.

Every term is a sum in metres or radians per grasp, weighted by `ContactWeights`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from semgrasp_ros.core.contact.field import FieldSample, ObjectField
from semgrasp_ros.core.contact.skin import PADS, Skin
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.hand.model import HandModel

PALM = PADS.index("palm")


@dataclass
class ContactWeights:
    """Weights of the terms of the contact objective."""

    attraction: float = field(default=2.0, metadata={"help": "fingers to the part that they should touch"})
    penetration: float = field(default=6.0, metadata={"help": "skin inside the object"})
    inner: float = field(default=3.0, metadata={"help": "insides of the hand that a surface comes near to"})
    clearance: float = field(default=2.0, metadata={"help": "fingers that should stay away"})
    balance: float = field(
        default=0.015, metadata={"help": "contact normals that do not cancel, per unit normal"}
    )
    limits: float = field(default=0.5, metadata={"help": "joints beyond their limits, per radian"})
    self_contact: float = field(default=4.0, metadata={"help": "fingers inside one another"})
    stay: float = field(
        default=0.0, metadata={"help": "mean square of how far vertices move from where they began, per m2"}
    )
    floor: float = field(default=1.0, metadata={"help": "skin below the floor, per metre"})
    floor_m: float | None = field(
        default=None, metadata={"help": "height of the floor in the object frame, if any"}
    )
    # Soft skin gives way: a rigid hand holds by a small overlap only.
    overlap_m: float = field(
        default=0.0005, metadata={"help": "how deep a touching pad may lie in the object"}
    )
    away_m: float = field(default=0.012, metadata={"help": "distance that counts as away"})


@dataclass(frozen=True)
class Targets:
    """What each of B grasps should touch, and with which skin (K vertices, S segments).

    Attributes:
        touching: (B, S) weight of each segment that should touch, zero for the others.
        away: (B, S) 1 for segments that should stay away from everything.
        part: (B,) index of the part to touch.
        members: (B, S, M) which of the K vertices are each segment's touching skin, filled up with any.
        absent: (B, S, M) true where a member only fills up.
    """

    touching: torch.Tensor
    away: torch.Tensor
    part: torch.Tensor
    members: torch.Tensor
    absent: torch.Tensor


def members_of(segments: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Lists of vertices, `members` and `absent` of `Targets`, of masks (B, S, K): most vertices are in no segment."""
    most = int(segments.sum(dim=2).amax())
    present, members = segments.sort(dim=2, descending=True, stable=True)
    return members[..., :most], present[..., :most] == 0


def targets_of(skin: Skin, manners: Sequence[str], parts: Sequence[int]) -> Targets:
    """Targets of one grasp for each pair of a manner and the index of a part.

    Every finger that the manner requires weighs one, shared by its segments.
    """
    required = torch.tensor([[float(pad in MANNERS[manner].required) for pad in PADS] for manner in manners])
    forbidden = torch.tensor(
        [[float(pad in MANNERS[manner].forbidden) for pad in PADS] for manner in manners]
    )
    segments = torch.stack([skin.segments[manner] for manner in manners])
    members, absent = members_of(segments)
    present = (~absent).any(dim=2).float()
    of_pad = torch.nn.functional.one_hot(skin.segment_pad, len(PADS)).float()
    share = (required / (present @ of_pad).clamp_min(1))[:, skin.segment_pad]
    return Targets(
        present * share, present * forbidden[:, skin.segment_pad], torch.tensor(list(parts)), members, absent
    )


def contact_loss(
    hand: HandModel,
    skin: Skin,
    object_field: ObjectField,
    targets: Targets,
    wrist: torch.Tensor,
    angles: torch.Tensor,
    shape: torch.Tensor,
    weights: ContactWeights,
    begun: torch.Tensor | None = None,
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
        begun: (B, K, 3) where the skin's vertices were, for `weights.stay`.
    """
    points = hand.some_vertices(wrist, hand.rotations_from_angles(angles), shape, skin.vertices)
    seen = object_field.sample(points)
    to_part = object_field.part_distance(points, targets.part)
    limits = hand.limits
    beyond = (angles - limits[..., 1]).clamp_min(0) + (limits[..., 0] - angles).clamp_min(0)
    stayed = points.new_zeros(len(points)) if begun is None else (points - begun).square().sum(-1).mean(-1)
    under = points.new_zeros(len(points))
    if weights.floor_m is not None:
        under = (weights.floor_m - points[..., 2]).clamp_min(0).sum(dim=1)
    return (
        weights.stay * stayed
        + weights.floor * under
        + weights.attraction * attraction(seen, to_part, targets, weights.overlap_m)
        + weights.penetration * penetration(seen, weights.overlap_m)
        + weights.inner * inner_overlap(skin, object_field, points, weights.overlap_m).sum(dim=1)
        + weights.clearance * clearance(seen, targets, weights.away_m)
        + weights.balance * imbalance(skin, seen, targets)
        + weights.limits * beyond.sum(dim=(1, 2))
        + weights.self_contact * self_contact(skin, points)
    )


def attraction(seen: FieldSample, to_part: torch.Tensor, targets: Targets, overlap_m: float) -> torch.Tensor:
    """How far (B,) the touching pads are from the part: each of their segments by a soft minimum.

    Args:
        seen: of the skin (B, K).
        to_part: (B, K) distance of the skin to the asked-for part's surface.
        targets: what should touch.
        overlap_m: how deep a touching pad may lie in the object.
    """
    # Skin a little inside the surface touches it too.
    gap = torch.where(seen.distance < 0, (seen.distance + overlap_m).abs(), to_part)
    gap = torch.maximum(gap, to_part - overlap_m)
    return (_per_segment(gap, targets, 0.003) * targets.touching).sum(dim=1)


def penetration(seen: FieldSample, overlap_m: float) -> torch.Tensor:
    """Sum (B,) over the skin of what lies deeper in the object than soft skin gives way."""
    return (-seen.distance - overlap_m).clamp_min(0).sum(dim=1)


def inner_overlap(
    skin: Skin, object_field: ObjectField, points: torch.Tensor, overlap_m: float
) -> torch.Tensor:
    """How much nearer (B, N) points inside the hand are to the object than skin at its surface would let them.

    A thin wall can pass through a hand without any vertex of its surface being inside; it comes near to these.
    """
    inner = (skin.inner_shares[..., None] * points[:, skin.inner_members]).sum(dim=2)
    return (skin.inner_depth - overlap_m - object_field.sample(inner).distance).clamp_min(0)


def clearance(seen: FieldSample, targets: Targets, away_m: float) -> torch.Tensor:
    """By how much (B,) segments that should stay away come too near."""
    nearest = nearest_skin(seen.distance, targets)
    return ((away_m - nearest).clamp_min(0) * targets.away).sum(dim=1)


def nearest_skin(distance: torch.Tensor, targets: Targets) -> torch.Tensor:
    """Least (B, S) of the distances (B, K) over each segment's skin; infinite for segments without any."""
    return _gather(distance, targets).masked_fill(targets.absent, torch.inf).amin(dim=2)


def imbalance(skin: Skin, seen: FieldSample, targets: Targets) -> torch.Tensor:
    """Length (B,) of the mean contact normal: zero when pads press against one another (Liu et al. 2021, eq. 5).

    "Synthesizing Diverse and Physically Stable Grasps with Arbitrary Hand Structures Using Differentiable Force
    Closure Estimator", https://arxiv.org/abs/2104.09194. Thumb or palm weigh as much as the fingers that oppose them.
    """
    weight = _soft_choice(_gather(seen.distance, targets).abs(), targets, 0.004)
    batch = torch.arange(len(weight))[:, None, None]
    normals = (weight[..., None] * seen.normal[batch, targets.members]).sum(dim=2)
    share = targets.touching
    fingers = (skin.segment_pad > 0) & (skin.segment_pad < PALM)
    opposing, others = share * ~fingers, share * fingers
    share = opposing / opposing.sum(1, keepdim=True).clamp_min(1e-6) + others / others.sum(
        1, keepdim=True
    ).clamp_min(1e-6)
    return torch.linalg.norm((normals * share[..., None]).sum(dim=1) + 1e-9, dim=-1) / 2


def self_contact(skin: Skin, points: torch.Tensor) -> torch.Tensor:
    """How far (B,) finger segments lie inside those of other fingers, taken as balls."""
    centres = torch.einsum("fk,bkc->bfc", skin.ball_means, points)
    apart = torch.linalg.norm(centres[:, :, None] - centres[:, None] + 1e-9, dim=-1)
    return ((skin.ball_reach - apart).clamp_min(0) * skin.ball_pairs).sum(dim=(1, 2))


def _per_segment(gap: torch.Tensor, targets: Targets, sharpness_m: float) -> torch.Tensor:
    """Soft minimum (B, S) of the gaps (B, K) over each segment's vertices."""
    gaps = _gather(gap, targets)
    return (_soft_choice(gaps, targets, sharpness_m) * gaps).sum(dim=2)


def _soft_choice(gaps: torch.Tensor, targets: Targets, sharpness_m: float) -> torch.Tensor:
    """Weights (B, S, M) that prefer the smallest of the gaps (B, S, M)."""
    return torch.softmax((-gaps / sharpness_m).masked_fill(targets.absent, -1e4), dim=2)


def _gather(values: torch.Tensor, targets: Targets) -> torch.Tensor:
    """Values (B, S, M) of each segment's skin among values (B, K)."""
    return values.gather(1, targets.members.flatten(1)).view(targets.members.shape)
