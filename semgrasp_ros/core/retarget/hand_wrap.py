"""A robot's hand curled around a thing, like a person's power grasp.

Tips that press from two sides at a thing's middle must press in balance, or it slips out between them. Where they come a
little past its middle they may close with all that their joints can: the thing is drawn towards the palm and cannot leave
(precision and power grasps: Cutkosky, "On grasp choice, grasp models, and the design of hands for manufacturing tasks",
1989).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from semgrasp_ros.core.retarget.hand_model import HandKinematics
from semgrasp_ros.core.retarget.hand_pinch import TOUCHING_M, HandPinch
from semgrasp_ros.core.retarget.jaw_types import JawGrasp
from semgrasp_ros.core.retarget.plan import GraspCandidate
from semgrasp_ros.core.retarget.robot_file import Wrap

# Tips that come less far past the thing's middle, along the approach, push it out instead of closing behind it. Those that
# come farther than this share of its width bend behind it before they press: of 22 requests for validation objects 6 were
# held that way, of 24 with less 18.
LEAST_BEYOND_M, MOST_BEYOND_SHARE = 0.005, 0.4
# Along the thing, across the fingers.
SLICES = 3


class HandWrap:
    """Joint values of a hand that curls around a thing, and the jaw that it is on its way there.

    Args:
        hand: of the robot.
        pinch: the same hand as a jaw, as which it arrives and closes.
        wrap: how far its fingers go and which joints curl, from the robot's file.

    Attributes:
        jaw: the pinch's with longer fingers: what finds grasps of a jaw then leaves room beyond the thing.
        lever_m: so far beside the middle of the object a grasp is as bad as one that another term of its cost calls bad.
        for_heavy, for_light: so much more it may cost than a pinch, for what looks heavy and for what does not.
    """

    lever_m, for_heavy, for_light = 0.15, 0.6, -1.5

    def __init__(self, hand: HandKinematics, pinch: HandPinch, wrap: Wrap) -> None:
        self._hand, self._pinch, self._wrap = hand, pinch, wrap
        self._curl = np.array([wrap.curl_rad.get(joint, 0.0) for joint in hand.joints])
        self.jaw = replace(pinch.jaw, beyond_tool_m=pinch.jaw.beyond_tool_m + wrap.deeper_m)

    def curled(self, width_m: float) -> np.ndarray:
        """Joint values (n,) to send once the fingers are at what is so wide: servos press where it stops them."""
        q = self._pinch.joints(width_m) + self._curl
        return np.clip(q, self._hand.lower_rad, self._hand.upper_rad)

    def candidates(
        self,
        grasp: JawGrasp,
        base_from_points: np.ndarray,
        thumb: np.ndarray,
        points: np.ndarray,
        plane: np.ndarray | None = None,
    ) -> list[GraspCandidate]:
        """A jaw's grasp for the hand, as `HandPinch.candidates`; none where tips do not come far enough.

        Args:
            grasp: of `jaw`, by `retarget_to_jaw`, which has looked at the table.
            base_from_points: (4, 4) from the frame of the grasp to the robot's base.
            thumb: (3,) where a person's thumb is, in the frame of the grasp.
            points: (N, 3) of the thing, in the frame of the grasp.
            plane: of the table; not needed.
        """
        tips = grasp.tool.copy()
        tips[:3, 3] += self._wrap.deeper_m * tips[:3, 2]
        beyond_m = self.beyond_m(tips, grasp.width_m, points)
        if not LEAST_BEYOND_M < beyond_m < MOST_BEYOND_SHARE * grasp.width_m:
            return []
        touching = max(grasp.width_m - TOUCHING_M, 0.0)
        return self._pinch.on_both_sides(
            tips, thumb, base_from_points, grasp.opening_m, touching, self.curled(touching)
        )

    def beyond_m(self, tips: np.ndarray, width_m: float, points: np.ndarray) -> float:
        """How far tips reach past the middle of what is between the fingers, if that is as deep as it is wide.

        A camera sees only the side from which the hand comes. Where a thing lies aslant, the finger counts that has it
        least.

        Args:
            tips: (4, 4) pose of the jaw between the tips' centres, in the frame of the points.
            width_m: of the thing there.
            points: (N, 3) of the thing.
        """
        x, y, z = np.moveaxis((points - tips[:3, 3]) @ tips[:3, :3], 1, 0)
        between = (np.abs(x) < width_m / 2 + TOUCHING_M) & (z > -self.jaw.finger_length_m)
        edges = np.linspace(-0.5, 0.5, SLICES + 1) * self.jaw.finger_width_m
        slices = [between & (y > first) & (y < second) for first, second in pairwise(edges)]
        nearest = [float(z[inside].min()) for inside in slices if inside.any()]
        return -max(nearest) - width_m / 2 if nearest else float("-inf")
