"""What people could ask for of an object, without anybody having to find the grasp.

Reading needs no poses: that a mug's handle is hooked to lift it is known of every mug that has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from semgrasp_ros.core.data.captions.annotation import Annotation
from semgrasp_ros.core.data.household import FAMILIES
from semgrasp_ros.core.data.manners import FINGERS, MANNERS

# Of fingers that may touch and need not.
TOUCHES_TOO = 0.5


def askable(family: str, parts: Sequence[str]) -> list[Annotation]:
    """Every way in which people hold an object of this family that has these parts, fingers left open."""
    known = FAMILIES[family]
    return [
        Annotation(
            family_names=tuple(known.names),
            part=hold.part,
            part_names=tuple(known.parts[hold.part]),
            manner=manner,
            intent=intent,
            other_parts={
                name: said for name, said in known.parts.items() if name in parts and name != hold.part
            },
        )
        for hold in known.holds
        if hold.part in parts
        for manner in hold.manners
        for intent in hold.intents
    ]


def with_touches(annotation: Annotation, rng: np.random.Generator) -> Annotation:
    """The same with fingers on the part: those that the manner requires, and others by chance where it allows them."""
    manner = MANNERS[annotation.manner]
    touching = [
        finger in manner.required or (finger not in manner.forbidden and rng.random() < TOUCHES_TOO)
        for finger in FINGERS
    ]
    return replace(annotation, touches=tuple(annotation.part if one else "" for one in touching))
