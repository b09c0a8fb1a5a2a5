"""What is asked for: grasps of held-out objects, and words for them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np

from semgrasp_ros.core.data.captions.annotation import annotate
from semgrasp_ros.core.data.captions.generate import captions
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.household import FAMILIES, make_object
from semgrasp_ros.core.data.splits import split_of

#: Which objects, which phrasings, and whether the object is seen from one side only.
SPLITS = {
    "unseen_instances": ("unseen_instances", "seen", False),
    "unseen_families": ("unseen_families", "seen", False),
    "unseen_phrasings": ("unseen_instances", "unseen", False),
    "partial_clouds": ("unseen_instances", "seen", True),
}
#: Requests alternate between these: the fields that the words fix at least.
SETS = ({"part"}, {"part", "manner"})
_KINDS = (("part", "part", "combined", "fingers", "dialogue"), ("combined", "combined", "dialogue", "manner"))
_MOST_CHARACTERS = 400


@dataclass(frozen=True)
class Held:
    """A held-out grasp.

    Attributes:
        grasp: as it was found.
        row: its place among the grasps of its object.
    """

    grasp: Grasp
    row: int

    @property
    def key(self) -> str:
        """Names the grasp; another grasp in its place has another key."""
        print_of = crc32(np.ascontiguousarray(self.grasp.wrist, np.float32).tobytes())
        return f"{self.grasp.family}/{self.grasp.instance}/{self.row}/{print_of:08x}"


@dataclass(frozen=True)
class Request:
    """Words for a held-out grasp.

    Attributes:
        held: the grasp that was meant.
        turns: a conversation that ends with the request.
        names: fields that the words fix: of "part", "manner", "intent", "fingers".
        partial: the object is seen from one side only.
    """

    held: Held
    turns: tuple[tuple[str, str], ...]
    names: frozenset[str]
    partial: bool

    @property
    def grasp(self) -> Grasp:
        """The grasp that was meant."""
        return self.held.grasp

    @property
    def key(self) -> str:
        """Names the request; other words have another key."""
        return f"{self.held.key}/{crc32(repr(self.turns).encode()):08x}{'/partial' * self.partial}"

    @property
    def seed(self) -> int:
        """Of everything that is drawn for this request."""
        return crc32(self.key.encode())


def known_by_name(request: Request) -> bool:
    """Whether the words call the asked part by a name that, in families that were learned from, mostly means just that.

    People call the neck of a trowel its shaft, too; who has only heard of shafts of other things is right to look for
    one of those.
    """
    said = " ".join(text.lower() for speaker, text in request.turns if speaker == "human")
    grasp, meanings = request.grasp, _meanings()
    names = [name for name in FAMILIES[grasp.family].parts[grasp.part] if re.search(rf"\b{name}\b", said)]
    return any(meanings.get(name) == grasp.part for name in names)


@cache
def _meanings() -> dict[str, str]:
    """For what people call a part in families that were learned from, the part that most of these families mean."""
    counts: dict[str, Counter[str]] = {}
    for family, described in FAMILIES.items():
        if split_of(family, 0) != "unseen_families":
            for part, names in described.parts.items():
                for name in names:
                    counts.setdefault(name, Counter())[part] += 1
    return {name: meant.most_common(1)[0][0] for name, meant in counts.items()}


def has_split(folder: Path, split: str) -> bool:
    """Whether grasps of any object of a split are there."""
    return any(split_of(*pair) == split for pair in GraspFolder(folder).objects())


def held_grasps(folder: Path, split: str, seed: int = 0) -> list[Held]:
    """All grasps of a split's objects: family by family, object by object in turn, so that the first few are a sample.

    Raises:
        ValueError: the folder has no grasps of the split.
    """
    store, rng = GraspFolder(folder), np.random.default_rng(seed)
    families: dict[str, list[list[Held]]] = {}
    for family, instance in store.objects():
        if split_of(family, instance) == split:
            mine = [Held(grasp, row) for row, grasp in enumerate(store.read(family, instance))]
            if mine:
                families.setdefault(family, []).append([mine[row] for row in rng.permutation(len(mine))])
    if not families:
        raise ValueError(f"{folder}: has no grasps of the split {split!r}; generate some first")
    orders = [_in_turn([objects[n] for n in rng.permutation(len(objects))]) for objects in families.values()]
    return list(_in_turn([list(orders[n]) for n in rng.permutation(len(orders))]))


def _in_turn(lists: list[list]) -> Iterator:
    """The first of each list, then the second of each, and so on."""
    for number in range(max(map(len, lists))):
        for one in lists:
            if number < len(one):
                yield one[number]


def requests(folder: Path, split: str, limit: int, seed: int = 0) -> list[Request]:
    """Requests of a split of SPLITS, at most `limit`.

    Those of "partial_clouds" have the same words as those of "unseen_instances", those of "unseen_phrasings" other
    words for the same grasps.
    """
    objects, phrasings, partial = SPLITS[split]
    made = []
    for number, held in enumerate(held_grasps(folder, objects, seed)[:limit]):
        rng = np.random.default_rng([seed, crc32(held.key.encode())])
        made.append(_request(held, number % len(SETS), phrasings, partial, rng))
    return made


def _request(held: Held, which: int, phrasings: str, partial: bool, rng: np.random.Generator) -> Request:
    grasp = held.grasp
    parts = [part.name for part in make_object(grasp.family, grasp.instance).parts]
    annotation = annotate(grasp, FAMILIES[grasp.family], parts)
    for _ in range(200):
        kind = _KINDS[which][int(rng.integers(len(_KINDS[which])))]
        for caption in captions(annotation, rng, [kind], phrasings):
            short = sum(len(text) for _, text in caption.request) <= _MOST_CHARACTERS
            only_part = which == 1 or "manner" not in caption.names
            if SETS[which] <= caption.names and only_part and short:
                return Request(held, caption.request, caption.names, partial)
    raise ValueError(f"{held.key}: no request of the {phrasings} phrasings fixes {sorted(SETS[which])}")
