"""A captioned grasp's annotation: which object, which hand pose, what it touches and what it is for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grasp:
    """One grasp of one generated object.

    Attributes:
        family: of the object.
        instance: of the object, so that `make_object` makes it again.
        wrist: (4, 4) the hand's wrist in the object frame, metres.
        joint_rotations: (15, 3) rotation vectors in radians, MANO's order of joints.
        shape: (10,) the hand's shape.
        part: that is held.
        manner: key of MANNERS.
        intent: one of INTENTS.
        touches: in the order of FINGERS, the part that each touches, "" for none.
    """

    family: str
    instance: int
    wrist: np.ndarray
    joint_rotations: np.ndarray
    shape: np.ndarray
    part: str
    manner: str
    intent: str
    touches: tuple[str, ...]
