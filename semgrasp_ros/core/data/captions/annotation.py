"""What is said of a grasp, before it is put into sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from semgrasp_ros.core.data.manners import FINGERS, INTENTS, MANNERS

if TYPE_CHECKING:
    from semgrasp_ros.core.data.grasp import Grasp
    from semgrasp_ros.core.data.household import Family


@dataclass(frozen=True)
class Annotation:
    """A grasp in names.

    Attributes:
        family_names: what people call the object.
        part: the part that is held; a key of the data.
        part_names: what people call that part.
        manner: one of MANNERS.
        intent: one of INTENTS.
        touches: six entries in the order of FINGERS, the part that each touches, "" for none; or empty when unknown.
        other_parts: the object's further parts and what people call them.
    """

    family_names: tuple[str, ...]
    part: str
    part_names: tuple[str, ...]
    manner: str
    intent: str
    touches: tuple[str, ...] = ()
    other_parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, values in (("family_names", self.family_names), ("part_names", self.part_names)):
            if isinstance(values, str) or not values or not all(value.strip() for value in values):
                raise ValueError(f"{name}: {values!r} is not a tuple of names; give at least one")
        if self.manner not in MANNERS:
            raise ValueError(f"manner: {self.manner!r} is not one of {', '.join(MANNERS)}")
        if self.intent not in INTENTS:
            raise ValueError(f"intent: {self.intent!r} is not one of {', '.join(INTENTS)}")
        if len(self.touches) not in (0, len(FINGERS)):
            raise ValueError(
                f"touches: has {len(self.touches)} entries; give one for each of {', '.join(FINGERS)}"
            )

    def names_of(self, part: str) -> tuple[str, ...]:
        """What people call a part; its key in plain letters when that is not known."""
        if part == self.part:
            return self.part_names
        return tuple(self.other_parts.get(part, ())) or (part.replace("_", " "),)


def annotate(grasp: Grasp, family: Family, parts: Iterable[str] | None = None) -> Annotation:
    """The names of a generated grasp.

    Args:
        grasp: what is held how, and for what.
        family: of the object.
        parts: the parts that this instance has; all of the family's when None.
    """
    present = family.parts if parts is None else set(parts)
    return Annotation(
        family_names=tuple(family.names),
        part=grasp.part,
        part_names=tuple(family.parts[grasp.part]),
        manner=grasp.manner,
        intent=grasp.intent,
        touches=tuple(grasp.touches),
        other_parts={
            name: said for name, said in family.parts.items() if name in present and name != grasp.part
        },
    )
