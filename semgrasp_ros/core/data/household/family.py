"""What a family of household objects is: how it is built, what people call it, and how they hold it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import trimesh

from .object import Part


@dataclass(frozen=True)
class Hold:
    """How people hold a part.

    Attributes:
        part: Name of the part.
        manners: Ways of holding it that hands are capable of, from `manners.MANNERS`.
        intents: What people hold it for, from `manners.INTENTS`.
    """

    part: str
    manners: tuple[str, ...]
    intents: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """A kind of household object.

    Attributes:
        name: Key of the family.
        names: What people call it; the first is the usual name.
        parts: For every part that an instance may have, what people call it, the first being the usual name.
        holds: How people hold it.
        build: Makes an instance's parts from random numbers.
    """

    name: str
    names: tuple[str, ...]
    parts: dict[str, tuple[str, ...]]
    holds: tuple[Hold, ...]
    build: Callable[[np.random.Generator], list[Part]]


def part(name: str, *solids: trimesh.Trimesh | Iterable[trimesh.Trimesh]) -> Part:
    """A part of solids and lists of solids."""
    flat: list[trimesh.Trimesh] = []
    for item in solids:
        flat.extend([item] if isinstance(item, trimesh.Trimesh) else item)
    return Part(name, tuple(flat))


def hold(name: str, manners: str, intents: str) -> Hold:
    """A `Hold` from words separated by spaces."""
    return Hold(name, tuple(manners.split()), tuple(intents.split()))
