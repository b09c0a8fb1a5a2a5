"""Decoded grasps made to touch without lying inside the object, each near where it was.

A network's hand misses surfaces by millimetres. Every stretch of skin that is near the object is drawn onto it, skin
inside is pushed out, and the whole hand is held where it was, so that part and manner stay what the words asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch

from semgrasp_ros.core.contact.field import ObjectField
from semgrasp_ros.core.contact.objective import ContactWeights, Targets, members_of, nearest_skin
from semgrasp_ros.core.contact.search import SearchConfig, search, within_limits
from semgrasp_ros.core.contact.skin import skin_of
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.tokens.pose import HandPose


@dataclass
class RefineConfig:
    """How decoded grasps are refined."""

    near_m: float = field(default=0.012, metadata={"help": "skin this near to the object is meant to touch"})
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
    touching = (nearest < near_m).float()
    # A finger weighs one, however many of its bones touch.
    share = torch.zeros_like(touching)
    for pad in range(6):
        mine = skin.segment_pad == pad
        share[:, mine] = touching[:, mine] / touching[:, mine].sum(dim=1, keepdim=True).clamp_min(1)
    return replace(targets, touching=share)


def refine(hand: HandModel, space: ObjectField, pose: HandPose, config: RefineConfig) -> HandPose:
    """Refined grasps.

    Args:
        hand: the hand.
        space: distances around the object; its first part is the whole surface.
        pose: B decoded grasps, in the field's frame.
        config: how.
    """
    angles = within_limits(hand, hand.angles_from_rotations(pose.joint_rotations))
    begun = HandPose(pose.wrist, hand.rotations_from_angles(angles), pose.shape)
    targets = near_targets(hand, space, begun, config.near_m)
    found = search(hand, skin_of(hand), space, targets, begun.wrist, angles, begun.shape, config.search)
    return HandPose(found.wrist, hand.rotations_from_angles(found.angles), found.shape)
