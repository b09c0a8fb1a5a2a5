"""The words of the data: fingers, manners of grasping and intents.

Manners follow the GRASP taxonomy (Feix et al. 2016, "The GRASP Taxonomy of Human Grasp Types",
https://doi.org/10.1109/THMS.2015.2470657), five of its groups that a person would name.
"""

from __future__ import annotations

from dataclasses import dataclass

FINGERS = ("thumb", "index", "middle", "ring", "little", "palm")
INTENTS = ("use", "lift", "hand_over", "pour", "open", "move", "hold")


@dataclass(frozen=True)
class Manner:
    """A way of grasping.

    Attributes:
        name: as in the data.
        taxonomy: the taxonomy's names that it stands for.
        required: fingers that touch the object.
        forbidden: fingers that stay away from it.
    """

    name: str
    taxonomy: tuple[str, ...]
    required: frozenset[str]
    forbidden: frozenset[str]


MANNERS = {
    manner.name: manner
    for manner in (
        Manner(
            "power",
            ("medium wrap", "large diameter", "power sphere"),
            frozenset({"thumb", "index", "middle", "ring", "little", "palm"}),
            frozenset(),
        ),
        Manner(
            "precision",
            ("prismatic 4 finger", "precision disk", "precision sphere"),
            frozenset({"thumb", "index", "middle", "ring", "little"}),
            frozenset({"palm"}),
        ),
        Manner("tripod", ("tripod",), frozenset({"thumb", "index", "middle"}), frozenset({"palm", "little"})),
        Manner("lateral", ("lateral",), frozenset({"thumb", "index"}), frozenset({"palm"})),
        Manner(
            "hook",
            ("fixed hook",),
            frozenset({"index", "middle", "ring", "little"}),
            frozenset({"thumb"}),
        ),
    )
}
