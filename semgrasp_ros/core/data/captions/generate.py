"""Captions of a grasp: requests of all levels, dialogues, and descriptions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from semgrasp_ros.core.data.captions.annotation import Annotation
from semgrasp_ros.core.data.captions.english import as_sentences, as_typed, tidy
from semgrasp_ros.core.data.captions.grammar import Grammar, UnfillableError, expand
from semgrasp_ros.core.data.captions.phrases import seen, shared, unseen
from semgrasp_ros.core.data.captions.slots import GraspSlots, Names
from semgrasp_ros.core.data.manners import MANNERS

#: What a caption can be; the first five are single requests.
KINDS = ("fingers", "part", "manner", "intent", "combined", "dialogue", "describe")
PHRASINGS = ("seen", "unseen")
FIELDS = ("part", "manner", "intent", "fingers")
GRAMMARS: dict[str, Grammar] = {
    "seen": {**shared.RULES, **seen.RULES},
    "unseen": {**shared.RULES, **unseen.RULES},
}
#: Rules whose alternatives are templates: sentences or their verb phrases. The others give words.
TEMPLATE_RULES = [
    "ask",
    "tell",
    "do",
    "goal",
    "aim",
    "need",
    "by_part",
    "manner_do",
    "question",
    "answer",
    "reply",
    "which",
    "choose",
    "correct",
]
# An earlier request that is corrected may be for any of these, whatever the object.
_ANY_INTENTS = ("use", "lift", "hand_over", "move", "hold")


@dataclass(frozen=True)
class Caption:
    """What is said of a grasp.

    Attributes:
        kind: one of KINDS.
        turns: (speaker, text) each; the speaker is "human" or "assistant". What counts is the last request of the
            human; an assistant's turn after it is the answer to it, never part of the request.
        template: which templates the text was made of, "seen:" or "unseen:" first.
        names: fields of the annotation that the words fix: of "part", "manner", "intent", "fingers". For a
            request, what the human's words ask for; for "describe", what the answer tells.
    """

    kind: str
    turns: tuple[tuple[str, str], ...]
    template: str
    names: frozenset[str]

    @property
    def request(self) -> tuple[tuple[str, str], ...]:
        """The turns up to the human's last."""
        last = max(number for number, (speaker, _) in enumerate(self.turns) if speaker == "human")
        return self.turns[: last + 1]

    @property
    def answer(self) -> str:
        """What the assistant says to the last request; "" when it says nothing in words."""
        speaker, text = self.turns[-1]
        return text if speaker == "assistant" else ""


def captions(
    annotation: Annotation, rng, kinds: Iterable[str] = KINDS, phrasings: str = "seen"
) -> list[Caption]:
    """Captions of a grasp, one of each kind, at random.

    Args:
        annotation: the grasp in names.
        rng: numpy.random.Generator; the same state gives the same captions.
        kinds: which of KINDS, in this order; may repeat. "fingers" is left out where the touches are not known or
            no finger touches the part.
        phrasings: "seen", or "unseen" for those that are held out.

    Returns:
        The captions.

    Raises:
        ValueError: no such kind or phrasings.
    """
    if phrasings not in PHRASINGS:
        raise ValueError(f"phrasings: {phrasings!r} is not one of {', '.join(PHRASINGS)}")
    made = []
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"kinds: {kind!r} is not one of {', '.join(KINDS)}")
        if kind == "fingers" and annotation.part not in annotation.touches:
            continue
        made.append(_Writer(annotation, rng, phrasings, kind).write())
    return made


def templates(phrasings: str) -> frozenset[str]:
    """The templates of the phrasings: sentences and verb phrases, "rule: text" each."""
    rules = {"seen": seen.RULES, "unseen": unseen.RULES}[phrasings]
    return frozenset(
        f"{rule}: {text}" for rule, texts in rules.items() if _is_template(rule) for text in texts
    )


def _is_template(rule: str) -> bool:
    return any(rule == name or rule.startswith((f"{name}.", f"{name}_")) for name in TEMPLATE_RULES)


class _Writer:
    """Writes one caption."""

    def __init__(self, annotation: Annotation, rng, phrasings: str, kind: str) -> None:
        self.annotation = annotation
        self.rng = rng
        self.phrasings = phrasings
        self.kind = kind
        self.grammar = GRAMMARS[phrasings]
        self.names = Names(annotation, rng)
        self.turns: list[tuple[str, str]] = []
        self.trace: list[str] = []

    def write(self) -> Caption:
        if self.kind == "describe":
            told = self._describe()
        elif self.kind == "dialogue":
            told = self._dialogue()
        else:
            told = self._human("say", self.kind, self.annotation)
        return Caption(
            self.kind, tuple(self.turns), f"{self.phrasings}:{'/'.join(self.trace)}", frozenset(told)
        )

    def _say(
        self, rule: str, kind: str, annotation: Annotation, wrong: Annotation | None
    ) -> tuple[str, set[str]]:
        slots = GraspSlots(annotation, self.names, kind, self.phrasings, self.grammar, wrong)
        text, gathered = expand(self.grammar, rule, slots, self.rng)
        self.trace += [f"{name}#{number}" for name, number in gathered.trace if _is_template(name)]
        return as_sentences(tidy(text)), gathered.names

    def _human(
        self, rule: str, kind: str, annotation: Annotation, wrong: Annotation | None = None
    ) -> set[str]:
        text, names = self._say(rule, kind, annotation, wrong)
        self.turns.append(("human", as_typed(text, self.rng)))
        return names

    def _assistant(self, rule: str, annotation: Annotation) -> set[str]:
        # A machine writes properly.
        text, names = self._say(rule, "combined", annotation, None)
        self.turns.append(("assistant", text))
        return names

    def _describe(self) -> set[str]:
        topics = ["whole", "whole", "part", "manner", "intent"]
        if self.annotation.part in self.annotation.touches:
            topics.append("fingers")
        topic = topics[int(self.rng.integers(len(topics)))]
        self._human(f"question_{topic}", "describe", self.annotation)
        return self._assistant(f"answer_{topic}", self.annotation)

    def _dialogue(self) -> set[str]:
        shape = self.rng.integers(3)
        if shape == 0:
            told = self._human("say", self._request_kind(), self.annotation)
        elif shape == 1:
            told = self._corrected()
        else:
            told = self._asked_back()
        # Without a correction or a question back, the answer makes it a dialogue.
        if len(self.turns) == 1 or self.rng.random() < 0.4:
            self._assistant("reply", self.annotation)
        return told

    def _request_kind(self) -> str:
        return ("part", "manner", "intent", "combined")[int(self.rng.integers(4))]

    def _corrected(self) -> set[str]:
        """Asks, gets something that is not right in one respect, and corrects it."""
        field, wrong = self._mistaken()
        told = self._human("say", self._request_kind(), wrong)
        self._assistant("reply", wrong)
        return (told - {field}) | self._human(f"correct_{field}", self.kind, self.annotation, wrong)

    def _mistaken(self) -> tuple[str, Annotation]:
        right = self.annotation
        fields = ["manner", "intent"] + ["part"] * (2 if right.other_parts else 0)
        field = fields[int(self.rng.integers(len(fields)))]
        options = {
            "part": sorted(right.other_parts),
            "manner": [name for name in MANNERS if name != right.manner],
            "intent": [name for name in _ANY_INTENTS if name != right.intent],
        }[field]
        value = options[int(self.rng.integers(len(options)))]
        changed = {field: value}
        if field == "part":
            changed["part_names"] = right.other_parts[value]
            changed["other_parts"] = {
                right.part: right.part_names,
                **{name: said for name, said in right.other_parts.items() if name != value},
            }
        return field, replace(right, touches=(), **changed)

    def _asked_back(self) -> set[str]:
        """Asks vaguely, is asked back, and says it."""
        field = ("part", "manner", "intent")[int(self.rng.integers(3))]
        told = self._human("ask", "vague", self.annotation)
        self._assistant(f"which_{field}", self.annotation)
        return told | self._human(f"choose_{field}", self.kind, self.annotation)


__all__ = ["KINDS", "PHRASINGS", "Caption", "UnfillableError", "captions", "templates"]
