"""What goes into retargeting to a parallel jaw and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class JawConfig:
    """How poses are sampled and scored.

    Attributes:
        samples: how many poses are tried.
        touch_m: an object point nearer to the hand's skin is in contact.
        clearance_m: free room on each side of the object while the open gripper approaches; at least a quarter of
            it must fit into the largest opening.
        unseen_clearance_m: the same where a side of the object is only estimated.
        friction: coefficient; its cone bounds the angle of the closing axis to both normals.
        approach_m: straight way before the grasp that is checked for collision.
        margin_m: the gripper's boxes are taken as so much larger, since clouds have gaps.
        skin_m: points so near to the outermost one count as touched by the finger.
        tolerated_points: so many cloud points may lie in a box: outliers of a depth camera.
        keep: how many grasps are returned.
        antipodal_weight, approach_weight, centre_weight, part_weight, width_weight, hidden_weight: see `jaw_scores.total_cost`.
    """

    samples: int = 1000
    touch_m: float = 0.008
    clearance_m: float = 0.01
    unseen_clearance_m: float = 0.03
    friction: float = 0.5
    approach_m: float = 0.08
    margin_m: float = 0.003
    skin_m: float = 0.003
    tolerated_points: int = 1
    keep: int = 50
    antipodal_weight: float = 1.0
    approach_weight: float = 1.0
    centre_weight: float = 1.0
    part_weight: float = 1.5
    width_weight: float = 0.2
    hidden_weight: float = 4.0

    def __post_init__(self) -> None:
        if self.samples < 1 or self.keep < 1:
            raise ValueError(f"samples {self.samples} and keep {self.keep} must be at least 1")
        if min(self.touch_m, self.friction, self.skin_m) <= 0:
            raise ValueError(
                f"touch_m {self.touch_m}, friction {self.friction}, skin_m {self.skin_m}: must be positive"
            )


@dataclass(frozen=True)
class JawGrasp:
    """One feasible grasp.

    Attributes:
        tool: (4, 4) where the robot's tool frame comes to stand, in the frame of the points, metres: x the closing
            direction, z the approach, origin between the middles of the pads.
        width_m: between the fingers when they touch.
        opening_m: between the fingers during the approach.
        scores: antipodal_rad, approach_rad, centre_m, part_share (1 where no part was asked for),
            hidden_share of the way that leads through space that no camera saw, contacts, cost.
        why: the scores in words.
    """

    tool: np.ndarray
    width_m: float
    opening_m: float
    scores: dict[str, float]
    why: str


class NoJawGraspError(ValueError):
    """No sampled pose is feasible.

    Attributes:
        counts: how many poses failed for each reason.
        narrowest_m: narrowest width found between opposing contacts, None where there was none.
    """

    def __init__(self, text: str, counts: Mapping[str, int], narrowest_m: float | None = None) -> None:
        super().__init__(text)
        self.counts, self.narrowest_m = dict(counts), narrowest_m
