"""Things that do not exist, to talk about and to look at, so that parts are learned apart from the things that have them.

Who has only ever heard of the spout of a teapot should understand the spout of a thing never heard of before, and see it
there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from semgrasp_ros.core.data.captions.annotation import Annotation

# Shares of requests whose thing has the name of another, or of a part (as scoops and cups do), or a name that nobody
# knows; and of those whose thing has other parts.
RENAMED, LIKE_A_PART, UNKNOWN, OTHER_PARTS = 0.25, 0.1, 0.25, 0.4
_ONSETS = (
    "b",
    "br",
    "d",
    "f",
    "fl",
    "g",
    "gr",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "st",
    "t",
    "tr",
    "v",
    "w",
)
_VOWELS = ("a", "e", "i", "o", "u", "ea", "oo", "ai")
_ENDS = ("", "n", "r", "l", "t", "ck", "mp", "nd", "sh", "ter", "dle")


def mixed(annotation: Annotation, others: list[Annotation], rng: np.random.Generator) -> Annotation:
    """The same grasp in names, of a thing with another name and perhaps other parts besides the held one.

    Args:
        annotation: of the grasp.
        others: of grasps of other things, to borrow from.
        rng: source of chance.
    """
    chance = rng.random()
    if chance < RENAMED:
        annotation = replace(annotation, family_names=_any(others, rng).family_names)
    elif chance < RENAMED + LIKE_A_PART:
        names = _any(others, rng).part_names
        # Nobody asks for the handle of a handle.
        same = set(names) & set(annotation.part_names)
        annotation = replace(annotation, family_names=(unknown_word(rng),) if same else names)
    elif chance < RENAMED + LIKE_A_PART + UNKNOWN:
        annotation = replace(annotation, family_names=(unknown_word(rng),))
    if rng.random() < OTHER_PARTS:
        borrowed = _any(others, rng)
        parts = {borrowed.part: borrowed.part_names, **borrowed.other_parts}
        said = set(annotation.part_names)
        # A part that is called the same would make the request mean two things.
        kept = {
            name: names for name, names in parts.items() if name != annotation.part and not said & set(names)
        }
        annotation = replace(annotation, other_parts=kept, touches=())
    return annotation


def unknown_word(rng: np.random.Generator) -> str:
    """A word of one to three syllables that means nothing."""
    count = int(rng.integers(1, 4))
    return "".join(str(rng.choice(letters)) for _ in range(count) for letters in (_ONSETS, _VOWELS, _ENDS))


def _any(others: list[Annotation], rng: np.random.Generator) -> Annotation:
    return others[int(rng.integers(len(others)))]


def transplanted(clouds: torch.Tensor, share: float, rng: np.random.Generator) -> torch.Tensor:
    """Clouds some of which have a part of another in place of one of their own.

    The new part is stretched to the size of the old one, give or take, and put where that was; the points keep its
    name. An object of a single part stays as it is.

    Args:
        clouds: (B, N, 7) points in metres, normals and parts.
        share: of clouds that get another part.
        rng: source of chance.
    """
    result = clouds.clone()
    for row in np.flatnonzero(rng.random(len(clouds)) < share):
        old = _a_part(clouds[row], rng)
        donor = clouds[int(rng.integers(len(clouds)))]
        new = _a_part(donor, rng)
        if old is None or new is None:
            continue
        place = torch.from_numpy(rng.integers(len(new), size=len(old)))
        graft = donor[new][place]
        here, there = clouds[row, old, :3], graft[:, :3]
        size = (_extent(here) / _extent(there)).clamp(0.3, 3.0) * float(rng.uniform(0.8, 1.25))
        graft[:, :3] = (there - there.mean(dim=0)) * size + here.mean(dim=0)
        result[row, old] = graft
    return result


def _a_part(cloud: torch.Tensor, rng: np.random.Generator) -> torch.Tensor | None:
    """Rows (M,) of one of a cloud's parts, never of its largest; None where there is no other."""
    names, counts = cloud[:, 6].unique(return_counts=True)
    smaller = [name for name, count in zip(names, counts, strict=True) if 12 <= count < counts.max()]
    if not smaller:
        return None
    return torch.nonzero(cloud[:, 6] == smaller[int(rng.integers(len(smaller)))])[:, 0]


def _extent(points: torch.Tensor) -> torch.Tensor:
    """The largest edge of the box around points, not less than 5 mm."""
    return (points.amax(dim=0) - points.amin(dim=0)).amax().clamp_min(0.005)
