"""Words of one grasp for the grammar's slots: the object, its part and the fingers, each with its agreement."""

from __future__ import annotations

import re
from collections.abc import Sequence

from semgrasp_ros.core.data.captions.annotation import Annotation
from semgrasp_ros.core.data.captions.english import (
    is_plural,
    is_them,
    join,
    possessive,
    third_person,
    with_article,
)
from semgrasp_ros.core.data.captions.grammar import Grammar, UnfillableError, expand
from semgrasp_ros.core.data.captions.phrases.purposes import FOODS, LIQUIDS, OPENED, USES, find
from semgrasp_ros.core.data.manners import FINGERS

#: Which words may stand before an object's name when it is first spoken of.
_DETERMINERS = {
    ("seen", False): ("the", "the", "the", "this", "that", "my"),
    ("seen", True): ("the", "the", "the", "these", "those", "my"),
    ("unseen", False): ("the", "the", "our", "your"),
    ("unseen", True): ("the", "the", "our", "your"),
}
_FINGER_NAMES = {
    "seen": {name: (f"{name} finger",) for name in ("index", "middle", "ring", "little")},
    "unseen": {
        "index": ("index finger", "forefinger"),
        "middle": ("middle finger",),
        "ring": ("ring finger",),
        "little": ("little finger", "pinky"),
    },
}
_THROUGH = ("handle", "loop", "ring", "strap", "bail", "hole", "finger ring")
_TELLS = {
    **dict.fromkeys(("part", "its_part", "objects_part", "bare_part", "by_part"), "part"),
    **dict.fromkeys(("fingers", "your_fingers", "others"), "fingers"),
    **dict.fromkeys(("goal", "aim", "need"), "intent"),
    **dict.fromkeys(("manner_grip", "manner_how", "manner_do", "manner_name"), "manner"),
}


class Names:
    """How a grasp's object and parts are called throughout one caption.

    Args:
        annotation: the grasp in names.
        rng: numpy.random.Generator.
    """

    def __init__(self, annotation: Annotation, rng) -> None:
        self.object = _pick(annotation.family_names, rng)
        # "Take the ball by the ball" says nothing: a part is called otherwise than its object where it can be.
        self.parts = {
            part: _pick([name for name in said if name != self.object] or said, rng)
            for part, said in {annotation.part: annotation.part_names, **annotation.other_parts}.items()
        }
        self.mentioned = False


class GraspSlots:
    """Fills a grammar's slots with the words of one grasp.

    Args:
        annotation: the grasp in names.
        names: how things are called in this caption; shared by the turns of a dialogue.
        kind: of caption, which chooses variants of rules.
        phrasings: "seen" or "unseen".
        grammar: the phrasings' rules, for clauses inside slots.
        wrong: what an earlier turn said instead, for corrections.
    """

    def __init__(
        self,
        annotation: Annotation,
        names: Names,
        kind: str,
        phrasings: str,
        grammar: Grammar,
        wrong: Annotation | None = None,
    ) -> None:
        self.annotation = annotation
        self.names = names
        self.kind = kind
        self.phrasings = phrasings
        self.grammar = grammar
        self.wrong = wrong
        self._number: dict[str, bool] = {}
        self._group: tuple[str, tuple[str, ...]] = ("", ())

    def variants(self, rule: str) -> tuple[str, ...]:
        """The rule for this kind, manner or intent before the rule for all."""
        said = self.annotation
        return (
            *self._special(rule),
            f"{rule}.{self.kind}",
            f"{rule}.{said.manner}",
            f"{rule}.{said.intent}",
            rule,
        )

    def _special(self, rule: str) -> tuple[str, ...]:
        # Food is used by being eaten, and a key opens something else than itself.
        said = self.annotation
        if rule in ("goal", "aim", "need"):
            if said.intent == "use" and find(FOODS, said.family_names):
                return (f"{rule}.food",)
            if said.intent == "open" and find(OPENED, said.family_names):
                return (f"{rule}.opener",)
        return ()

    def fixed_by(self, name: str) -> str | None:
        """Which field of the annotation a slot or rule tells."""
        return _TELLS.get(name)

    def fill(self, slot: str, rng) -> str:
        """The words for a slot.

        Raises:
            UnfillableError: there are none for this grasp.
            KeyError: there is no such slot.
        """
        head, _, rest = slot.partition(" ")
        if rest:
            return self._verb(head, rest)
        return _FILLERS[slot](self, rng)

    # --- the object
    def _object(self, rng) -> str:
        name = self.names.object
        if self.names.mentioned:
            return f"the {name}"
        self.names.mentioned = True
        return f"{_pick(_DETERMINERS[self.phrasings, is_plural(name)], rng)} {name}"

    def _new_object(self, rng) -> str:
        self.names.mentioned = True
        return with_article(self.names.object)

    def _it(self, rng) -> str:
        return "them" if is_them(self.names.object) else "it"

    def _its(self) -> str:
        return "their" if is_them(self.names.object) else "its"

    # --- the part
    @property
    def _part(self) -> str:
        return self.names.parts[self.annotation.part]

    def _other_part(self, rng) -> str:
        others = {name for key, name in self.names.parts.items() if key != self.annotation.part} - {
            self._part
        }
        if not others:
            raise UnfillableError("other_part")
        return f"the {_pick(sorted(others), rng)}"

    def _wrong_part(self, rng) -> str:
        if self.wrong is None or self.names.parts.get(self.wrong.part, self._part) == self._part:
            raise UnfillableError("wrong_part")
        return f"the {self.names.parts[self.wrong.part]}"

    def _around(self, rng) -> str:
        return "through" if self._part.split()[-1] in _THROUGH and rng.random() < 0.5 else "around"

    # --- what for
    def _purpose(self, rng) -> str:
        found = find(USES, self.annotation.family_names)
        if self.annotation.intent != "use" or found is None:
            raise UnfillableError("purpose")
        return _pick(found[self.phrasings == "unseen"], rng)

    def _closed(self, rng) -> str:
        return _pick(find(OPENED, self.annotation.family_names), rng)

    def _liquid(self, rng) -> str:
        return _pick(find(LIQUIDS, self.annotation.family_names) or ("water",), rng)

    # --- the fingers
    def _touching(self, part: str) -> tuple[str, ...]:
        touches = self.annotation.touches
        return (
            tuple(name for name, touched in zip(FINGERS, touches, strict=True) if touched == part)
            if touches
            else ()
        )

    def _fingers(self, rng, article: str = "the") -> str:
        return self._list("v", self._touching(self.annotation.part), article, rng)

    def _free(self, rng) -> str:
        free = self._touching("")
        rest = [name for name in free if name != "palm"]
        others_touch = len(self._touching(self.annotation.part)) + len(free) < len(FINGERS)
        if len(rest) > 1 and len(rest) < 5 and not others_touch and rng.random() < 0.5:
            self._number["f"] = True
            return "the other fingers and the palm" if "palm" in free else "the other fingers"
        return self._list("f", free, "the", rng)

    def _list(self, role: str, fingers: Sequence[str], article: str, rng) -> str:
        if not fingers:
            raise UnfillableError(role)
        said, self._number[role] = say_fingers(fingers, _FINGER_NAMES[self.phrasings], rng)
        return said if said.startswith("all") else f"{article} {said}"

    def _others(self, rng) -> str:
        touched = sorted({part for part in self.annotation.touches if part not in ("", self.annotation.part)})
        if not touched:
            raise UnfillableError("others")
        clauses = []
        for part in touched:
            self._group = part, self._touching(part)
            clauses.append(expand(self.grammar, "other_clause", self, rng)[0])
        return join(clauses)

    def _that_part(self, rng) -> str:
        part = self._group[0]
        if part not in self.names.parts:
            self.names.parts[part] = self.annotation.names_of(part)[0]
        return f"the {self.names.parts[part]}"

    def _verb(self, role: str, verb: str) -> str:
        plural = is_plural(self.names.object) if role == "o" else self._number[role]
        return (re.sub(r"^be\b", "are", verb)) if plural else third_person(verb)


def say_fingers(fingers: Sequence[str], names: dict[str, tuple[str, ...]], rng) -> tuple[str, bool]:
    """A list of fingers in words, without its article, and whether it is plural.

    Args:
        fingers: in the order of FINGERS, at least one.
        names: finger -> what it may be called in full.
        rng: numpy.random.Generator.
    """
    inner = [name for name in fingers if name in names]
    palm, thumb = "palm" in fingers, "thumb" in fingers
    whole = []
    if len(inner) == 4 and thumb:
        whole = (
            ["all five fingers and the palm"] if palm else ["all five fingers", "thumb and all four fingers"]
        )
        if palm and rng.random() < 0.5:
            return "whole hand", False
    elif len(inner) == 4:
        whole = ["four fingers and the palm"] if palm else ["four fingers", "four long fingers"]
    if whole and rng.random() < 0.6:
        return _pick(whole, rng), True
    plural = len(fingers) > 1
    if inner and not palm and rng.random() < 0.5:
        ending = "fingers" if len(inner) > 1 and not thumb else "finger"
        return f"{join([*(['thumb'] if thumb else []), *inner])} {ending}", plural
    return join([_pick(names[name], rng) if name in names else name for name in fingers]), plural


def _pick(options: Sequence, rng):
    return options[int(rng.integers(len(options)))]


_FILLERS = {
    "object": GraspSlots._object,
    "the_object": lambda self, rng: f"the {self.names.object}",
    "an_object": GraspSlots._new_object,
    "there_is": lambda self, rng: "there are" if is_plural(self.names.object) else "there is",
    "it": GraspSlots._it,
    "its": lambda self, rng: self._its(),
    "part": lambda self, rng: f"the {self._part}",
    "its_part": lambda self, rng: f"{self._its()} {self._part}",
    "objects_part": lambda self, rng: f"{possessive(self._object(rng))} {self._part}",
    "part_is": lambda self, rng: "are" if is_plural(self._part) else "is",
    "part_it": lambda self, rng: "them" if is_plural(self._part) else "it",
    "other_part": GraspSlots._other_part,
    "wrong_part": GraspSlots._wrong_part,
    "around": GraspSlots._around,
    "purpose": GraspSlots._purpose,
    "liquid": GraspSlots._liquid,
    "closed": GraspSlots._closed,
    "fingers": GraspSlots._fingers,
    "your_fingers": lambda self, rng: self._fingers(rng, "your"),
    "free": GraspSlots._free,
    "others": GraspSlots._others,
    "these": lambda self, rng: self._list("w", self._group[1], "the", rng),
    "that_part": GraspSlots._that_part,
}
