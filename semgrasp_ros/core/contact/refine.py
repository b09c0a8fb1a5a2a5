"""Decoded grasps made to touch what was asked for without lying inside the object, each near where it was.

A network's hand misses surfaces by millimetres, and a finger that should be on the handle ends on what is beside it.
Skin near the asked part is drawn onto it, fingers that the manner needs are drawn there from farther away, skin inside
is pushed out, and the whole hand is held where it was, so that it stays the grasp that was decoded.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from semgrasp_ros.core.contact.field import ObjectField
from semgrasp_ros.core.contact.objective import ContactWeights, Targets, members_of, nearest_skin, targets_of
from semgrasp_ros.core.contact.search import SearchConfig, search, within_limits
from semgrasp_ros.core.contact.skin import PADS, skin_of
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.tokens.pose import HandPose


@dataclass
class RefineConfig:
    """How decoded grasps are refined."""

    near_m: float = field(default=0.012, metadata={"help": "skin this near to the object is meant to touch"})
    reach_m: float = field(
        default=0.025,
        metadata={"help": "fingers that the manner needs are drawn to the asked part from at most so far"},
    )
    search: SearchConfig = field(
        default_factory=lambda: SearchConfig(
            steps=60,
            translation_rate_m=0.0015,
            rotation_rate_rad=0.012,
            angle_rate_rad=0.02,
            weights=ContactWeights(attraction=8.0, inner=1.0, clearance=0.0, stay=800.0, overlap_m=0.0025),
        )
    )


@torch.no_grad()
def near_targets(hand: HandModel, space: ObjectField, pose: HandPose, near_m: float) -> Targets:
    """Targets that keep what already is: each of 16 segments of palmar skin that is near the object touches it."""
    skin = skin_of(hand)
    points = hand.some_vertices(pose.wrist, pose.joint_rotations, pose.shape, skin.vertices)
    distance = space.sample(points).distance
    segments = torch.maximum(skin.segments["power"], skin.segments["lateral"]).expand(len(pose), -1, -1)
    nothing = torch.zeros(segments.shape[:2])
    first_part = torch.zeros(len(pose), dtype=torch.long)
    targets = Targets(nothing, nothing, first_part, *members_of(segments))
    nearest = nearest_skin(distance, targets)
    touching = torch.zeros_like(nearest)
    for pad in range(len(PADS)):
        mine = skin.segment_pad == pad
        touching[:, mine] = _shared((nearest[:, mine] < near_m).float())
    return replace(targets, touching=touching)


@torch.no_grad()
def asked_targets(
    hand: HandModel, space: ObjectField, pose: HandPose, manner: str, config: RefineConfig
) -> Targets:
    """Targets that bring about what was asked for, as far as it is near.

    Skin that touches in this manner and is within `near_m` of the part touches it. A finger that the manner needs and
    that has no such skin touches with its nearest bone, if that is within `reach_m`. Forbidden fingers, and skin that
    is near other parts only, are not drawn anywhere.

    Args:
        hand: the hand.
        space: distances around the object; its first part is the asked one.
        pose: B decoded grasps.
        manner: that was asked for.
        config: distances.
    """
    skin = skin_of(hand)
    targets = targets_of(skin, [manner] * len(pose), [0] * len(pose))
    points = hand.some_vertices(pose.wrist, pose.joint_rotations, pose.shape, skin.vertices)
    to_part = nearest_skin(space.part_distance(points, targets.part), targets)
    touching = torch.zeros_like(to_part)
    for pad, finger in enumerate(PADS):
        if finger in MANNERS[manner].forbidden:
            continue
        mine = to_part[:, skin.segment_pad == pad]
        on = mine < config.near_m
        if finger in MANNERS[manner].required:
            nearest = mine.amin(dim=1, keepdim=True)
            on |= (mine == nearest) & (nearest < config.reach_m)
        touching[:, skin.segment_pad == pad] = _shared(on.float())
    return replace(targets, touching=touching)


def _shared(on: torch.Tensor) -> torch.Tensor:
    """Weights (B, S) of one finger's segments: it weighs one, however many of its bones touch."""
    return on / on.sum(dim=1, keepdim=True).clamp_min(1)


def refine(
    hand: HandModel, space: ObjectField, pose: HandPose, config: RefineConfig, manner: str | None = None
) -> HandPose:
    """Refined grasps.

    Args:
        hand: the hand.
        space: distances around the object; its first part is the one to hold.
        pose: B decoded grasps, in the field's frame.
        config: how.
        manner: that was asked for; None: what is near something touches it, whatever that is.
    """
    angles = within_limits(hand, hand.angles_from_rotations(pose.joint_rotations))
    begun = HandPose(pose.wrist, hand.rotations_from_angles(angles), pose.shape)
    if manner is None:
        targets = near_targets(hand, space, begun, config.near_m)
    else:
        targets = asked_targets(hand, space, begun, manner, config)
    found = search(hand, skin_of(hand), space, targets, begun.wrist, angles, begun.shape, config.search)
    return HandPose(found.wrist, hand.rotations_from_angles(found.angles), found.shape)
