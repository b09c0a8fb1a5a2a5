"""Small rules of English: articles, plurals, verb forms, lists, and how people type."""

from __future__ import annotations

import re
from collections.abc import Sequence

# Nouns that end in s and name one thing.
_SINGULAR = frozenset(
    [
        "lens",
        "compass",
        "canvas",
        "chassis",
        "atlas",
        "gas",
        "bus",
        "iris",
        "cactus",
        "chess",
        "iris",
        "walrus",
        "thermos",
    ]
)
_PLURAL = frozenset(["teeth", "feet", "people"])
# What is never counted.
_MASS = frozenset(["toothpaste", "soap", "glue", "paint", "paper", "wire", "cloth"])
_VOWEL_SOUND = re.compile(
    r"(?!(?:one|once|uni|use|usu|usb|uti|eu|ute)\w*)[aeiou]|hour|honest|heir", re.IGNORECASE
)
# Initials that are read letter by letter: "an LED torch", "a TV remote".
_VOWEL_LETTER = re.compile(r"[AEFHILMNORSX](?:[A-Z0-9]+\b|\b|-)")
_ARTICLE = re.compile(r"\b([Aa])n?(?= (\S+))")
_DOUBLED = frozenset(
    [
        "clip",
        "cut",
        "drop",
        "get",
        "grab",
        "grip",
        "hug",
        "let",
        "nip",
        "pat",
        "pin",
        "pop",
        "put",
        "run",
        "set",
        "sit",
        "snap",
        "stop",
        "tip",
        "trap",
        "wrap",
        "zip",
    ]
)


def is_plural(noun: str) -> bool:
    """Whether a noun takes "are": "scissors", "pliers", "jaws", but not "lens", "glass" or "pair of scissors"."""
    if " and " in noun:
        return True
    head = re.split(r" (?:of|with|for|in|on) ", noun.lower())[0].split()[-1]
    if head in _PLURAL:
        return True
    return head.endswith("s") and not head.endswith(("ss", "us", "is")) and head not in _SINGULAR


def is_them(noun: str) -> bool:
    """Whether a noun is spoken of as "them": plurals and pairs."""
    return is_plural(noun) or noun.lower().startswith("pair of ")


def with_article(noun: str) -> str:
    """A noun as something new: "a mug", "an apple", "a pair of scissors", "some tongs"."""
    return f"some {noun}" if is_plural(noun) or noun.split()[-1] in _MASS else fix_articles(f"a {noun}")


def possessive(noun: str) -> str:
    """ "mug's", "scissors'", "pair of scissors'"."""
    last = noun.split()[-1]
    return f"{noun}'" if is_plural(last) and last.endswith("s") else f"{noun}'s"


def third_person(verb: str) -> str:
    """ "presses" for "press"; only the first word changes."""
    word, _, rest = verb.partition(" ")
    if word in ("be", "are"):
        word = "is"
    elif word == "have":
        word = "has"
    elif re.search(r"(?:s|sh|ch|x|z|o)$", word):
        word += "es"
    elif re.search(r"[^aeiou]y$", word):
        word = word[:-1] + "ies"
    else:
        word += "s"
    return f"{word} {rest}".strip()


def gerund(phrase: str) -> str:
    """ "taking the mug" for "take the mug"; only the first word changes."""
    word, _, rest = phrase.partition(" ")
    if word.endswith("ie"):
        word = word[:-2] + "ying"
    elif re.search(r"[^eoy]e$", word) and word != "be":
        word = word[:-1] + "ing"
    elif word in _DOUBLED:
        word += word[-1] + "ing"
    else:
        word += "ing"
    return f"{word} {rest}".strip()


def join(words: Sequence[str]) -> str:
    """ "thumb, index and middle finger"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def fix_articles(text: str) -> str:
    """Sets a or an before every word by its sound."""

    def choose(match: re.Match[str]) -> str:
        word = match[2].lstrip("\"'(")
        if word.isupper() and len(word) > 1 or "-" in word and word[0].isupper():
            vowel = _VOWEL_LETTER.match(word)
        else:
            vowel = _VOWEL_SOUND.match(word)
        return match[1] + ("n" if vowel else "")

    return _ARTICLE.sub(choose, text)


def tidy(text: str) -> str:
    """One space between words, none before a mark, one mark at a time, articles right."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r" (?=[,.;:?!])", "", text)
    text = re.sub(r",(?=[,.;:?!])", "", text)
    return fix_articles(text)


def as_sentences(text: str) -> str:
    """Capital letters where sentences begin."""
    text = text[:1].upper() + text[1:]
    return re.sub(r"(?<=[.?!] )[a-z]", lambda match: match[0].upper(), text)


def as_typed(text: str, rng, share: float = 0.35) -> str:
    """The text as people type it: most of the time properly, sometimes without the last mark or capitals.

    Args:
        text: tidy and properly written.
        rng: numpy.random.Generator.
        share: of texts that are written less than properly.
    """
    if rng.random() >= share:
        return text
    style = rng.integers(4)
    if style == 0:
        return text.rstrip(".")
    if style == 1:
        return text.rstrip(".?!")
    if style == 2 and text.endswith("."):
        return text[:-1] + "!"
    # "I" keeps its capital in most hands; initials such as LED do too.
    head = text.split(" ", 1)[0].split("'")[0]
    lowered = text if head == "I" or (head.isupper() and len(head) > 1) else text[:1].lower() + text[1:]
    return re.sub(r"(?<=[.?!] )[A-Z](?=[a-z])", lambda match: match[0].lower(), lowered).rstrip(".")
