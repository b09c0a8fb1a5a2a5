"""A small grammar of phrases, kept as readable text, and its expansion.

A grammar is a dictionary: rule -> its alternatives. In an alternative

    {a|b}       is one of a and b
    [a]         is a or nothing
    $rule       is an alternative of the rule; `rule.power` comes before `rule` when the manner is power,
                and so on for the names that the slots give
    $rule+ing   the same, its first word as a gerund
    <slot>      is filled with words of the grasp at hand

What cannot be filled (no finger is free, the object has no other part) leaves out the group or the alternative that
it is in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

from semgrasp_ros.core.data.captions.english import gerund

Grammar = Mapping[str, tuple[str, ...]]

_TOKENS = re.compile(
    r"(?P<open>[{\[])|(?P<close>[}\]])|(?P<bar>\|)|\$(?P<rule>\w+(?:\+ing)?)|<(?P<slot>[^<>]+)>"
)


class GrammarError(ValueError):
    """A rule that cannot be read or does not exist; names the rule's text."""


class UnfillableError(LookupError):
    """There are no words for a slot, or no alternative of a rule can be filled."""


class Slots(Protocol):
    """What fills a grammar's slots."""

    def fill(self, slot: str, rng) -> str:
        """The words for a slot; raises UnfillableError when there are none."""

    def variants(self, rule: str) -> tuple[str, ...]:
        """Names of a rule's variants, most special first, the rule itself last."""

    def fixed_by(self, name: str) -> str | None:
        """The field of the annotation that a slot or rule of this name tells, if any."""


@dataclass
class Expansion:
    """What an expansion gathers besides its text.

    Attributes:
        names: fields of the annotation that the words tell.
        trace: (rule, number of its alternative) of every rule that was used, in order.
    """

    names: set[str] = field(default_factory=set)
    trace: list[tuple[str, int]] = field(default_factory=list)


def expand(grammar: Grammar, rule: str, slots: Slots, rng) -> tuple[str, Expansion]:
    """Expands a rule at random.

    Args:
        grammar: rules and their alternatives.
        rule: where to begin.
        slots: fills slots and chooses variants of rules.
        rng: numpy.random.Generator.

    Returns:
        The text, as yet without care for spaces and articles, and what was gathered.

    Raises:
        GrammarError: a rule does not exist or cannot be read.
        UnfillableError: no alternative can be filled.
    """
    gathered = Expansion()
    return _rule(rule, grammar, slots, rng, gathered), gathered


@cache
def parse(text: str) -> tuple:
    """The tree of an alternative: ("sequence", ...) of texts and of choice, optional, rule, slot nodes.

    Raises:
        GrammarError: brackets do not match.
    """
    stack: list[tuple[str, list[list]]] = [("", [[]])]
    position = 0
    for match in _TOKENS.finditer(text):
        if match.start() > position:
            stack[-1][1][-1].append(text[position : match.start()])
        position = match.end()
        kind = match.lastgroup
        if kind == "open":
            stack.append((match[0], [[]]))
        elif kind == "bar" and len(stack) > 1:
            stack[-1][1].append([])
        elif kind == "close":
            opened, options = stack.pop()
            if {"{": "}", "[": "]"}.get(opened) != match[0]:
                raise GrammarError(f"{text!r}: {match[0]!r} closes nothing")
            choice = ("choice", *(("sequence", *option) for option in options))
            stack[-1][1][-1].append(choice if opened == "{" else ("optional", choice))
        elif kind in ("rule", "slot"):
            stack[-1][1][-1].append((kind, match[kind]))
        else:
            raise GrammarError(f"{text!r}: {match[0]!r} stands outside of brackets")
    if len(stack) != 1:
        raise GrammarError(f"{text!r}: {stack[-1][0]!r} is never closed")
    stack[0][1][0].append(text[position:])
    return ("sequence", *(part for part in stack[0][1][0] if part != ""))


def words(grammar: Grammar) -> frozenset[str]:
    """All words that the alternatives themselves hold, in lower case; not those of slots."""
    bare = (_TOKENS.sub(" ", text) for alternatives in grammar.values() for text in alternatives)
    return frozenset(word.lower() for text in bare for word in re.findall(r"[A-Za-z][A-Za-z'-]*", text))


def _rule(name: str, grammar: Grammar, slots: Slots, rng, gathered: Expansion) -> str:
    name, _, form = name.partition("+")
    for variant in slots.variants(name):
        if variant in grammar:
            break
    else:
        raise GrammarError(f"${name}: there is no such rule, nor a variant of it for this grasp")
    if told := slots.fixed_by(name):
        gathered.names.add(told)
    alternatives = grammar[variant]
    text = _one_of(
        len(alternatives),
        variant,
        lambda number: _node(parse(alternatives[number]), grammar, slots, rng, gathered),
        rng,
        gathered,
    )
    return gerund(text.lstrip()) if form == "ing" else text


def _one_of(count: int, rule: str, expand_number, rng, gathered: Expansion) -> str:
    left = list(range(count))
    while left:
        number = left.pop(int(rng.integers(len(left))))
        mark = set(gathered.names), len(gathered.trace)
        if rule:
            gathered.trace.append((rule, number))
        try:
            return expand_number(number)
        except UnfillableError:
            _go_back(gathered, mark)
    raise UnfillableError(rule or "choice")


def _node(node, grammar: Grammar, slots: Slots, rng, gathered: Expansion) -> str:
    if isinstance(node, str):
        return node
    kind, *content = node
    if kind == "sequence":
        return "".join(_node(part, grammar, slots, rng, gathered) for part in content)
    if kind == "choice":
        return _one_of(
            len(content),
            "",
            lambda number: _node(content[number], grammar, slots, rng, gathered),
            rng,
            gathered,
        )
    if kind == "optional":
        if rng.random() < 0.5:
            return ""
        mark = set(gathered.names), len(gathered.trace)
        try:
            return _node(content[0], grammar, slots, rng, gathered)
        except UnfillableError:
            _go_back(gathered, mark)
            return ""
    if kind == "rule":
        return _rule(content[0], grammar, slots, rng, gathered)
    if told := slots.fixed_by(content[0]):
        gathered.names.add(told)
    return slots.fill(content[0], rng)


def _go_back(gathered: Expansion, mark: tuple[set[str], int]) -> None:
    gathered.names = mark[0]
    del gathered.trace[mark[1] :]
