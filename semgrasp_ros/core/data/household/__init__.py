"""Generated household objects with named parts: any number of instances of every family."""

import difflib
from zlib import crc32

import numpy as np

from . import (
    cleaning,
    containers,
    desk,
    devices,
    garage,
    jugs,
    kitchen,
    pantry,
    parlour,
    personal,
    sports,
    tools,
    vessels,
)
from .family import Family, Hold
from .made_up import made_up
from .object import HouseholdObject, Part, assemble

__all__ = ["FAMILIES", "MADE_UP", "Family", "Hold", "HouseholdObject", "Part", "make_object"]

FAMILIES: dict[str, Family] = {
    family.name: family
    for kind in (
        vessels,
        containers,
        kitchen,
        tools,
        devices,
        personal,
        jugs,
        pantry,
        parlour,
        garage,
        cleaning,
        desk,
        sports,
    )
    for family in kind.FAMILIES
}


#: In place of a family: things that do not exist, to learn parts from.
MADE_UP = "made_up"
# Now and then chance puts together what is not one body.
TRIES = 20


def make_object(family: str, instance: int) -> HouseholdObject:
    """An instance of a family; the same arguments give the same object.

    Args:
        family: Key of `FAMILIES`, or `MADE_UP`.
        instance: Any number from 0.

    Returns:
        The object, centred, resting on an imagined table.

    Raises:
        ValueError: The family is unknown, or the instance is negative.
    """
    if family not in (*FAMILIES, MADE_UP):
        near = difflib.get_close_matches(str(family), FAMILIES, n=3, cutoff=0.0)
        raise ValueError(f"family {family!r} is unknown; the nearest known names are {', '.join(near)}")
    if instance < 0:
        raise ValueError(f"instance {instance} is negative; give a number from 0")
    rng = np.random.default_rng([crc32(family.encode()), int(instance)])
    if family == MADE_UP:
        return _made_up(int(instance), rng)
    return assemble(family, int(instance), FAMILIES[family].build(rng))


def _made_up(instance: int, rng: np.random.Generator) -> HouseholdObject:
    for _ in range(TRIES):
        try:
            return assemble(MADE_UP, instance, made_up(rng))
        except ValueError as error:
            reason = error
    raise reason
