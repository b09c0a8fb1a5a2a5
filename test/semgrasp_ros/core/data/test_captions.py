import re
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.data.captions import KINDS, PHRASINGS, Annotation, annotate, captions, templates
from semgrasp_ros.core.data.captions.english import (
    as_sentences,
    fix_articles,
    gerund,
    is_plural,
    is_them,
    possessive,
    third_person,
    tidy,
    with_article,
)
from semgrasp_ros.core.data.captions.generate import GRAMMARS
from semgrasp_ros.core.data.captions.grammar import GrammarError, UnfillableError, expand, parse, words
from semgrasp_ros.core.data.captions.phrases import seen, shared, unseen
from semgrasp_ros.core.data.captions.phrases.purposes import LIQUIDS, USES, find
from semgrasp_ros.core.data.captions.slots import _FILLERS
from semgrasp_ros.core.data.manners import FINGERS, INTENTS, MANNERS

MUG = Annotation(
    family_names=("mug", "coffee mug"),
    part="handle",
    part_names=("handle", "ear"),
    manner="hook",
    intent="hand_over",
    touches=("", "handle", "handle", "handle", "handle", ""),
    other_parts={"body": ("body", "side"), "rim": ("rim",)},
)
SCISSORS = Annotation(
    family_names=("scissors", "pair of scissors"),
    part="handles",
    part_names=("handles", "finger loops"),
    manner="precision",
    intent="use",
    touches=("handles", "handles", "handles", "blades", "", ""),
    other_parts={"blades": ("blades",)},
)
TEAPOT = Annotation(
    family_names=("teapot",),
    part="handle",
    part_names=("handle",),
    manner="power",
    intent="pour",
    touches=("handle",) * 6,
    other_parts={"spout": ("spout",), "body": ("body", "belly")},
)
BALL = Annotation(("ball", "tennis ball"), "ball", ("ball",), "tripod", "move", ("ball",) * 3 + ("",) * 3)
EVERY = (MUG, SCISSORS, TEAPOT, BALL)


def sample(annotation, kind, phrasings="seen", count=400, seed=0):
    return captions(annotation, np.random.default_rng(seed), (kind,) * count, phrasings)


def texts(made):
    return [text for caption in made for _, text in caption.turns]


def whole(caption):
    return " / ".join(text for _, text in caption.turns)


@pytest.mark.parametrize("phrasings", PHRASINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_complete_and_tidy(kind, phrasings):
    for manner in MANNERS:
        for intent in INTENTS:
            for annotation in EVERY:
                said = replace(annotation, manner=manner, intent=intent)
                for text in texts(sample(said, kind, phrasings, 3)):
                    assert text == text.strip() and text
                    assert not re.search(r"[<>{}$|_\[\]+#]|\bNone\b", text), text
                    assert not re.search(r"  | [,.;:?!]|[,.;:?!]{2}|[,;:]$", text), text
                    assert fix_articles(text) == text
                    assert not re.search(
                        r"\b(?:the|a|an|your|its|my|our) (?:the|a|an|your|my|our)\b", text
                    ), text
                    assert not re.search(r"\b(\w+) \1\b", text), text


@pytest.mark.parametrize("kind", KINDS)
def test_seen_and_unseen_share_no_text(kind):
    for annotation in (MUG, SCISSORS):
        learned = {text.lower().rstrip(".!?") for text in texts(sample(annotation, kind, count=600))}
        held_out = {text.lower().rstrip(".!?") for text in texts(sample(annotation, kind, "unseen", 600))}
        # One word said in answer to a question is a name, not a phrasing.
        assert not {text for text in learned & held_out if len(text.split()) > 3}


def test_a_quarter_of_the_templates_is_held_out_and_none_is_in_both():
    learned, held_out = templates("seen"), templates("unseen")
    assert len(held_out) >= 0.25 * (len(learned) + len(held_out))
    bodies = [{body for name in names if re.search(r"(?<![$<\w])[a-z]", body := name.split(": ", 1)[1])} for names in (learned, held_out)]  # fmt: skip
    assert min(map(len, bodies)) > 150
    assert not bodies[0] & bodies[1]


def test_words_are_held_out_that_learned_texts_never_hold():
    learned = words(seen.RULES) | words(shared.RULES)
    held_out = words(unseen.RULES) - learned - {"its"}  # which slots say too
    assert len(held_out) > 100
    assert {"seize", "clasp", "clutch", "hoist", "relocate", "unseal", "entire", "suitcase"} <= held_out
    uses = {word for said in USES.values() for phrase in said[0] for word in phrase.split()}
    for annotation in EVERY:
        for kind in KINDS:
            for text in texts(sample(annotation, kind, count=150)):
                found = set(re.findall(r"[a-z][a-z'-]*", text.lower())) - uses
                assert not found & held_out, text


def test_held_out_purposes_differ_from_the_learned():
    for name, (learned, held_out) in USES.items():
        assert learned and held_out and not set(learned) & set(held_out), name


@pytest.mark.parametrize(("phrasings", "share"), [("seen", 0.75), ("unseen", 0.7)])
def test_texts_are_varied(phrasings, share):
    for kind in KINDS:
        made = sample(MUG, kind, phrasings, 1000)
        if kind == "describe":
            assert len({whole(caption) for caption in made}) > 500
        else:
            assert len({whole(caption) for caption in made}) > share * len(made), kind
        assert max(Counter(caption.template for caption in made).values()) < 0.12 * len(made), kind


def test_a_seed_gives_the_same_captions():
    first, again = (captions(TEAPOT, np.random.default_rng(7)) for _ in range(2))
    assert first == again
    assert first != captions(TEAPOT, np.random.default_rng(8))
    assert tuple(caption.kind for caption in first) == KINDS


def test_plural_objects_agree():
    said = replace(SCISSORS, family_names=("scissors",), touches=(), intent="hand_over")
    determiner = "(?:the|my|our|your|these|those)"
    wrong = (
        r"\b(?:a|this|that) scissors\b",
        r"scissors's",
        rf"(?:^|[.?!:] ){determiner} scissors (?:is|needs|calls|belongs)\b",
        rf"\bis {determiner} scissors\b",
        r"\bits\b",
        r"\bhandles is\b",
    )
    for phrasings in PHRASINGS:
        for kind in KINDS:
            for text in texts(sample(said, kind, phrasings, 100)):
                assert not any(re.search(pattern, text, re.IGNORECASE) for pattern in wrong), text
    assert any(" them" in text for text in texts(sample(SCISSORS, "part")))
    assert any("their handles" in text for text in texts(sample(SCISSORS, "part")))


def test_the_fields_that_words_fix_are_recorded():
    for annotation in (MUG, SCISSORS, TEAPOT):
        for phrasings in PHRASINGS:
            parts = {*annotation.part_names}
            for kind in ("fingers", "part", "manner", "intent", "combined"):
                for caption in sample(annotation, kind, phrasings, 80):
                    said = any(re.search(rf"\b{name}\b", whole(caption)) for name in parts)
                    assert said == ("part" in caption.names), caption
                    assert caption.names
            assert all(c.names == {"fingers", "part"} for c in sample(annotation, "fingers", phrasings, 100))
            assert all(c.names == {"part"} for c in sample(annotation, "part", phrasings, 100))
            assert all("manner" in c.names for c in sample(annotation, "manner", phrasings, 100))
            assert all("intent" in c.names for c in sample(annotation, "intent", phrasings, 100))
            assert all(len(c.names) >= 2 for c in sample(annotation, "combined", phrasings, 100))
            every = {c.names for kind in ("manner", "intent") for c in sample(annotation, kind, phrasings)}
            assert {
                frozenset({"manner"}), frozenset({"intent"}), frozenset({"manner", "part"}), frozenset({"intent", "part"}),
            } <= every  # fmt: skip


def test_manners_are_told_apart_by_words():
    for phrasings in PHRASINGS:
        said = {
            manner: {
                re.sub(r"\W+", " ", text.lower())
                for text in texts(sample(replace(MUG, manner=manner), "manner", phrasings, 600))
            }
            for manner in MANNERS
        }
        for manner, found in said.items():
            for other in set(MANNERS) - {manner}:
                assert len(found & said[other]) == 0, (manner, other)


def test_dialogues_have_two_to_four_turns_and_the_last_request_counts():
    lengths = set()
    for annotation in (MUG, SCISSORS, TEAPOT, BALL):
        for phrasings in PHRASINGS:
            for caption in sample(annotation, "dialogue", phrasings, 300):
                speakers = [speaker for speaker, _ in caption.turns]
                assert speakers == ["human", "assistant", "human", "assistant"][: len(speakers)]
                lengths.add(len(speakers))
                assert caption.request[-1][0] == "human"
                assert bool(caption.answer) == (speakers[-1] == "assistant")
    assert lengths == {2, 3, 4}


def test_a_correction_of_the_part_names_the_right_one_last():
    corrections = [c for c in sample(MUG, "dialogue", count=600) if "correct_part#" in c.template]
    assert len(corrections) > 30
    for caption in corrections:
        first, last = caption.turns[0][1], caption.request[-1][1]
        assert re.search(r"\b(handle|ear)\b", last) and "part" in caption.names
        assert not re.search(r"\b(handle|ear)\b", first) or "not" in first


def test_a_correction_of_the_intent_drops_the_first():
    made = sample(replace(TEAPOT, manner="power"), "dialogue", count=800)
    corrections = [caption for caption in made if "correct_intent#" in caption.template]
    assert corrections and all("intent" in caption.names for caption in corrections)
    assert all(re.search("pour|fill", caption.request[-1][1].lower()) for caption in corrections)


def test_descriptions_ask_and_answer():
    for phrasings in PHRASINGS:
        told = set()
        for caption in sample(MUG, "describe", phrasings):
            assert [speaker for speaker, _ in caption.turns] == ["human", "assistant"]
            assert caption.answer[0].isupper() and caption.answer.endswith(".")
            told |= caption.names
        assert told == {"part", "manner", "intent", "fingers"}


def test_fingers_are_said_as_they_touch():
    said = replace(MUG, touches=("handle", "handle", "handle", "body", "", ""))
    found = " ".join(texts(sample(said, "fingers", count=300)))
    assert "thumb, index and middle finger" in found and "thumb, index finger and middle finger" in found
    assert "ring finger touches the body" in found or "ring finger touches the side" in found
    assert "little finger and palm" in found and not re.search(
        r"index finger touches|all five|whole hand", found
    )
    whole_hand = " ".join(texts(sample(TEAPOT, "fingers", count=300)))
    assert "your whole hand" in whole_hand and "whole hand presses" in whole_hand and "free" not in whole_hand
    alone = " ".join(
        texts(sample(replace(MUG, touches=("", "handle", "", "", "", "")), "fingers", count=300))
    )
    assert "index finger touches" in alone and "index finger should touch" in alone


def test_without_touches_fingers_are_not_spoken_of():
    said = replace(MUG, touches=())
    assert [caption.kind for caption in captions(said, np.random.default_rng(0))] == [
        k for k in KINDS if k != "fingers"
    ]
    assert all("fingers" not in caption.names for caption in sample(said, "describe"))


def test_people_type_in_different_ways():
    made = [caption.turns[0][1] for caption in sample(MUG, "part", count=1000)]
    assert 0.5 < np.mean([text[0].isupper() and text[-1] in ".?" for text in made]) < 0.9
    assert any(text[0].islower() for text in made) and any(text[-1] == "!" for text in made)
    assert any(text[-1].isalpha() for text in made)


def test_a_part_is_not_called_like_its_object():
    said = replace(BALL, part_names=("ball", "surface"))
    for text in texts(sample(replace(said, family_names=("ball",)), "part")):
        assert len(re.findall(r"\bball\b", text)) < 2, text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"manner": "fist"}, "manner: 'fist' is not one of power"),
        ({"intent": "throw"}, "intent: 'throw'"),
        ({"touches": ("a",)}, "touches: has 1"),
        ({"family_names": ()}, "family_names"),
        ({"part_names": "handle"}, "part_names: 'handle'"),
    ],
)
def test_wrong_annotations_are_named(changes, words):
    with pytest.raises(ValueError, match=words):
        replace(MUG, **changes)


def test_wrong_kinds_and_phrasings_are_named():
    with pytest.raises(ValueError, match="kinds: 'poem'"):
        captions(MUG, np.random.default_rng(0), ("poem",))
    with pytest.raises(ValueError, match="phrasings: 'heard'"):
        captions(MUG, np.random.default_rng(0), phrasings="heard")


def test_a_grasp_of_a_family_becomes_an_annotation():
    family = SimpleNamespace(
        names=("mug",), parts={"handle": ("handle",), "body": ("side",), "lid": ("lid",)}
    )
    grasp = SimpleNamespace(part="handle", manner="hook", intent="lift", touches=MUG.touches)
    said = annotate(grasp, family, parts=("handle", "body"))
    assert said == Annotation(
        ("mug",), "handle", ("handle",), "hook", "lift", MUG.touches, {"body": ("side",)}
    )
    assert set(annotate(grasp, family).other_parts) == {"body", "lid"}


def test_all_household_families_can_be_spoken_of():
    from semgrasp_ros.core.data.household import FAMILIES

    rng = np.random.default_rng(0)
    for family in FAMILIES.values():
        for hold in family.holds:
            said = SimpleNamespace(
                part=hold.part,
                manner=hold.manners[rng.integers(len(hold.manners))],
                intent=hold.intents[rng.integers(len(hold.intents))],
                touches=(hold.part,) * len(FINGERS),
            )
            made = captions(annotate(said, family), rng, phrasings=PHRASINGS[rng.integers(2)])
            assert len(made) == len(KINDS)
            assert not any(re.search(r"[<>{}$|_\[\]]|  ", text) for text in texts(made))


def test_food_is_eaten_and_openers_open_something_else():
    apple = Annotation(("apple",), "body", ("side",), "power", "use")
    key = Annotation(("key",), "bow", ("bow",), "lateral", "open")
    for phrasings in PHRASINGS:
        for kind in ("intent", "combined"):
            said = " ".join(texts(sample(apple, kind, phrasings))).lower()
            assert "work with" not in said and "use the apple" not in said
            assert not re.search(
                r"\b(?:open|unseal|undo) (?:up )?(?:the|this|that|my|our|your) key",
                " ".join(texts(sample(key, kind, phrasings))),
            )
    assert "eat the apple" in said or "bite" in said


# --- the grammar


@pytest.mark.parametrize("phrasings", PHRASINGS)
def test_every_alternative_can_be_read_and_names_rules_and_slots_that_exist(phrasings):
    grammar = GRAMMARS[phrasings]
    bases = {rule.split(".")[0] for rule in grammar}
    for rule, alternatives in grammar.items():
        assert len(set(alternatives)) == len(alternatives), rule
        for text in alternatives:
            parse(text)
            assert {name for name in re.findall(r"\$([a-z_]+)", text)} <= bases, (rule, text)
            for slot in re.findall(r"<([^>]+)>", text):
                assert slot in _FILLERS or re.fullmatch(r"[vfwo] [a-z]+", slot), (rule, text)


@pytest.mark.parametrize("phrasings", PHRASINGS)
def test_rules_of_manners_intents_and_kinds_are_complete(phrasings):
    rules = set(GRAMMARS[phrasings])
    for base in ("manner_name", "manner_grip", "manner_how", "manner_do"):
        assert {f"{base}.{manner}" for manner in MANNERS} <= rules
    for base in ("goal", "aim", "need"):
        assert {f"{base}.{intent}" for intent in INTENTS} <= rules
    for kind in ("fingers", "part", "manner", "intent", "combined"):
        assert {f"do.{kind}", f"tell.{kind}"} <= rules


@pytest.mark.parametrize("text", ["{a", "a}", "[a}", "a|b", "{a|[b}]"])
def test_unreadable_alternatives_are_named(text):
    with pytest.raises(GrammarError, match=re.escape(repr(text))):
        parse(text)


class Words:
    def fill(self, slot, rng):
        if slot == "nothing":
            raise UnfillableError(slot)
        return slot

    def variants(self, rule):
        return f"{rule}.special", rule

    def fixed_by(self, name):
        return name if name == "told" else None


def test_what_cannot_be_filled_is_left_out():
    grammar = {
        "a": ("x[ <told> <nothing>]{ <nothing>| y}",),
        "b": ("<nothing>",),
        "c.special": ("s",),
        "c": ("g",),
    }
    rng = np.random.default_rng(0)
    for _ in range(50):
        text, gathered = expand(grammar, "a", Words(), rng)
        assert text == "x y" and gathered.names == set() and gathered.trace == [("a", 0)]
    with pytest.raises(UnfillableError):
        expand(grammar, "b", Words(), rng)
    assert expand(grammar, "c", Words(), rng)[0] == "s"
    with pytest.raises(GrammarError, match=r"\$d"):
        expand({"a": ("$d",)}, "a", Words(), rng)


# --- English


@pytest.mark.parametrize(
    ("noun", "plural", "them", "new", "owner"),
    [
        ("mug", False, False, "a mug", "mug's"),
        ("apple", False, False, "an apple", "apple's"),
        ("scissors", True, True, "some scissors", "scissors'"),
        ("pair of scissors", False, True, "a pair of scissors", "pair of scissors'"),
        ("wine glass", False, False, "a wine glass", "wine glass's"),
        ("utility knife", False, False, "a utility knife", "utility knife's"),
        ("umbrella", False, False, "an umbrella", "umbrella's"),
        ("hourglass", False, False, "an hourglass", "hourglass's"),
        ("headphones", True, True, "some headphones", "headphones'"),
        ("LED torch", False, False, "an LED torch", "LED torch's"),
        ("TV remote", False, False, "a TV remote", "TV remote's"),
        ("lens", False, False, "a lens", "lens's"),
        ("front teeth", True, True, "some front teeth", "front teeth's"),
        ("toothpaste", False, False, "some toothpaste", "toothpaste's"),
        ("bottle of pills", False, False, "a bottle of pills", "bottle of pills'"),
    ],
)
def test_nouns(noun, plural, them, new, owner):
    assert (is_plural(noun), is_them(noun), with_article(noun), possessive(noun)) == (
        plural,
        them,
        new,
        owner,
    )


@pytest.mark.parametrize(
    ("verb", "third", "ing"),
    [
        ("press", "presses", "pressing"),
        ("touch", "touches", "touching"),
        ("stay", "stays", "staying"),
        ("take", "takes", "taking"),
        ("get hold", "gets hold", "getting hold"),
        ("be", "is", "being"),
        ("carry", "carries", "carrying"),
        ("free", "frees", "freeing"),
        ("tie", "ties", "tying"),
    ],
)
def test_verbs(verb, third, ing):
    assert (third_person(verb), gerund(verb)) == (third, ing)


def test_text_is_tidied():
    assert tidy(" a  apple , and an mug ,. ") == "an apple, and a mug."
    assert as_sentences("take it. now? yes: no.") == "Take it. Now? Yes: no."


def test_things_are_found_by_the_end_of_their_names():
    assert find(LIQUIDS, ("wine glass", "glass")) == ("wine",)
    assert find(USES, ("mug", "coffee cup")) is USES["mug"]  # the usual name comes first
    assert find(USES, ("spray bottle",)) is USES["spray bottle"]
    assert find(USES, ("bottle opener",)) is None
    assert find(USES, ("penguin",)) is None


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    manner=st.sampled_from(sorted(MANNERS)),
    intent=st.sampled_from(INTENTS),
    touches=st.lists(st.sampled_from(["", "handle", "rim"]), min_size=6, max_size=6),
    phrasings=st.sampled_from(PHRASINGS),
)
def test_any_grasp_can_be_spoken_of(seed, manner, intent, touches, phrasings):
    said = replace(MUG, manner=manner, intent=intent, touches=tuple(touches))
    made = captions(said, np.random.default_rng(seed), phrasings=phrasings)
    assert len(made) == len(KINDS) - ("handle" not in touches)
    assert all(10 < len(whole(caption)) < 600 for caption in made)
