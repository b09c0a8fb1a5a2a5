"""What goes into retargeting to a robot's hand and what comes out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class HandConfig:
    """How a grasp is searched, weighed and judged. Weights are per metre unless said.

    Attributes:
        touch_m: a person's finger nearer to the object touches it.
        wrap_m: a touching finger's tip farther away than this from the surface has no place of its own to go to.
        replan_m: so far contacts may move on the surface, about, to where thumb and fingers oppose one another.
        replan_angle_rad: an angle between normal and line across that weighs as much as `replan_m`.
        gap_weight: of the distance between a touching tip's sphere and the surface.
        place_weight: of the distance from where the person's finger touches.
        normal_weight_m: of the pad's direction against the surface's normal, metres per unit vector.
        opposition_weight: of what is sideways in the line from the thumb's contact to the fingers'.
        palm_weight: of the palm's distance from what the person's palm touches.
        penetration_weight: of spheres inside the object, table or neighbours.
        self_weight: of spheres of different fingers inside one another.
        away_weight: of fingers that should not touch and come nearer than `away_m`.
        away_m: room for these.
        posture_weight_m: of joint values other than those that look like the person's hand, metres per radian.
        wrist_weight: of the palm's distance from the person's.
        wrist_turn_weight_m: of its turn, metres per radian.
        iterations: of each start.
        polish_iterations: of the best of them.
        starts: palm poses to begin from, at most, for each set of fingers.
        enough: feasible grasps after which no other start is made.
        margin_m: spheres other than the touching tips stay this far from the surface.
        tolerated_gap_m: a tip that is nearer touches.
        tolerated_overlap_m: deeper inside the object is a collision.
        tolerated_self_m: deeper inside another finger is a collision.
        friction: coefficient; its cone bounds the opposition of thumb and fingers.
        open_m: the tips' distance from their contacts before the grasp.
        squeeze_m: how deep the tips are sent into the surface to hold it.
    """

    touch_m: float = 0.008
    wrap_m: float = 0.025
    replan_m: float = 0.03
    replan_angle_rad: float = 0.3
    gap_weight: float = 4.0
    place_weight: float = 0.4
    normal_weight_m: float = 0.015
    opposition_weight: float = 0.5
    palm_weight: float = 0.3
    penetration_weight: float = 4.0
    self_weight: float = 4.0
    away_weight: float = 1.0
    away_m: float = 0.01
    posture_weight_m: float = 0.003
    wrist_weight: float = 0.05
    wrist_turn_weight_m: float = 0.01
    iterations: int = 15
    polish_iterations: int = 30
    starts: int = 6
    enough: int = 2
    margin_m: float = 0.001
    tolerated_gap_m: float = 0.004
    tolerated_overlap_m: float = 0.004
    tolerated_self_m: float = 0.004
    friction: float = 1.0
    open_m: float = 0.03
    squeeze_m: float = 0.01

    def __post_init__(self) -> None:
        for name in ("touch_m", "wrap_m", "friction", "tolerated_gap_m", "tolerated_overlap_m"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; give a positive number")
        if min(self.iterations, self.polish_iterations, self.starts) < 1:
            raise ValueError(
                f"iterations {self.iterations}, polish_iterations {self.polish_iterations} and starts {self.starts} "
                "must be at least 1"
            )


@dataclass(frozen=True)
class FingerContact:
    """A fingertip on the object.

    Attributes:
        finger: human name of the robot's finger.
        point_m: (3,) where it touches, frame of the points.
        normal: (3,) out of the object there.
        gap_m: from tip to surface; negative inside.
        from_human_m: how far from where the person's finger touches.
        normal_error_rad: between the pad's direction and the surface's inward normal.
    """

    finger: str
    point_m: np.ndarray
    normal: np.ndarray
    gap_m: float
    from_human_m: float
    normal_error_rad: float


@dataclass(frozen=True)
class HandGrasp:
    """A grasp of a robot's hand, feasible or the best that was found.

    Attributes:
        palm: (4, 4) the robot's tool frame in the frame of the points.
        joints: names, the order of every q.
        q: (n,) at first touch.
        open_q: (n,) before: tips away from the object, palm as in `palm`.
        squeeze_q: (n,) after: where the joints are sent so that the tips press.
        contacts: of the fingers that should touch.
        penetration_m: deepest sphere in the object, 0 for none.
        self_overlap_m: deepest overlap of different fingers or finger and palm, 0 for none.
        clearance_m: from table and neighbours; infinite without them.
        opposition_rad: largest angle between the contacts' normals and the line from thumb (or palm) to fingers.
        wrist_offset_m: of the palm from where the person's hand suggests it.
        wrist_turn_rad: the same for its turn.
        at_limits: names of joints at a limit.
        cost: of the objective.
        starts: that were tried.
        feasible: whether it is good to execute.
        reason: why not, "" when it is.
    """

    palm: np.ndarray
    joints: tuple[str, ...]
    q: np.ndarray
    open_q: np.ndarray
    squeeze_q: np.ndarray
    contacts: tuple[FingerContact, ...]
    penetration_m: float
    self_overlap_m: float
    clearance_m: float
    opposition_rad: float
    wrist_offset_m: float
    wrist_turn_rad: float
    at_limits: tuple[str, ...]
    cost: float
    starts: int
    feasible: bool
    reason: str
