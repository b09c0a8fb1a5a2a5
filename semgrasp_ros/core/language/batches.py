"""Conversations about an object as sequences of tokens, padded to batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from semgrasp_ros.core.data.captions import Caption
from semgrasp_ros.core.language.config import LanguageConfig
from semgrasp_ros.core.language.model import Sequences
from semgrasp_ros.core.language.vocabulary import Vocabulary

NO_LABEL = -1
#: Batches are cut from groups of so many, sorted by length, so that little is padding.
BATCHES_PER_GROUP = 16

Turns = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Example:
    """Something to learn from.

    Attributes:
        object_key: names the object for `features`.
        grasp_tokens: three, each 0 to codes - 1.
        caption: what is said of the grasp.
    """

    object_key: object
    grasp_tokens: tuple[int, int, int]
    caption: Caption


@dataclass(frozen=True)
class TokenSequence:
    """One sequence without the object's slots: ids, and from where on they are to be written."""

    ids: tuple[int, ...]
    answer_from: int
    is_words: bool

    def __len__(self) -> int:
        return len(self.ids)


def request_ids(turns: Turns, vocabulary: Vocabulary, longest: int | None = None) -> list[int]:
    """Tokens of a conversation that ends with a request.

    Args:
        turns: (speaker, text) each; speakers are "human" and "assistant", and the human has the last word.
        vocabulary: see there.
        longest: most tokens; earlier ones are left out. None: any number.

    Raises:
        ValueError: no turns, another speaker, an empty text, or the human does not speak last.
    """
    if isinstance(turns, str) or not turns:
        raise ValueError(f'turns: {turns!r}; give (speaker, text) pairs, as (("human", "hold the mug"),)')
    speakers = {"human": vocabulary.human, "assistant": vocabulary.assistant}
    ids: list[int] = []
    for speaker, text in turns:
        if speaker not in speakers:
            raise ValueError(f"turns: speaker {speaker!r} is not one of {', '.join(speakers)}")
        if not text.strip():
            raise ValueError(f"turns: the {speaker} says nothing ({text!r}); leave empty turns out")
        ids += [speakers[speaker], *vocabulary.encode(text)]
    if turns[-1][0] != "human":
        raise ValueError("turns: the last is the assistant's; end with what the human asks for")
    return ids if longest is None else ids[-longest:]


def grasp_prompt(turns: Turns, vocabulary: Vocabulary, longest: int | None = None) -> list[int]:
    """Tokens after which a grasp is written: its orientation comes next."""
    return [*request_ids(turns, vocabulary, longest), vocabulary.assistant, vocabulary.grasp_start]


def describe_prompt(
    turns: Turns, grasp_tokens: Sequence[int], vocabulary: Vocabulary, longest: int | None = None
) -> list[int]:
    """Tokens after which a grasp is described in words."""
    return [
        *request_ids(turns, vocabulary, longest),
        vocabulary.grasp_start,
        *vocabulary.grasp_ids(torch.tensor(tuple(grasp_tokens))).tolist(),
        vocabulary.grasp_end,
        vocabulary.assistant,
    ]


def encode(example: Example, vocabulary: Vocabulary, config: LanguageConfig) -> TokenSequence:
    """The sequence of an example, without the object's slots."""
    caption = example.caption
    if caption.kind == "describe":
        prompt = describe_prompt(caption.request, example.grasp_tokens, vocabulary, config.longest_text)
        words = vocabulary.encode_as_is(caption.answer)[: config.longest_answer - 1]
        return TokenSequence((*prompt, *words, vocabulary.end), len(prompt), True)
    prompt = grasp_prompt(caption.request, vocabulary, config.longest_text)
    tokens = vocabulary.grasp_ids(torch.tensor(tuple(example.grasp_tokens))).tolist()
    # That a grasp begins here is to be learned too.
    return TokenSequence((*prompt, *tokens, vocabulary.grasp_end), len(prompt) - 1, False)


def collate(
    items: Sequence[TokenSequence],
    slots: int,
    vocabulary: Vocabulary,
    describe_weight: float = 1.0,
    left: bool = False,
) -> Sequences:
    """A batch of sequences behind their objects.

    Args:
        items: at least one.
        slots: that an object takes.
        vocabulary: see there.
        describe_weight: of examples that are described in words; others have 1.
        left: pad on the left, for decoding.
    """
    longest = slots + max(map(len, items))
    ids = torch.full((len(items), longest), vocabulary.pad)
    labels = torch.full((len(items), longest), NO_LABEL)
    real = torch.zeros((len(items), longest), dtype=torch.bool)
    for row, item in enumerate(items):
        length = slots + len(item)
        first = longest - length if left else 0
        here = torch.tensor([*[vocabulary.object] * slots, *item.ids])
        ids[row, first : first + length] = here
        real[row, first : first + length] = True
        answer = slots + item.answer_from
        labels[row, first + answer : first + length] = here[answer:]
    weight = torch.tensor([describe_weight if item.is_words else 1.0 for item in items])
    return Sequences(ids, labels, real, weight)


def leave_words_out(
    item: TokenSequence, share: float, vocabulary: Vocabulary, generator: torch.Generator
) -> TokenSequence:
    """The same without some of the request's tokens; who speaks and what is answered stays."""
    kept = torch.rand(len(item), generator=generator) >= share
    ids, answer_from = [], item.answer_from
    for place, token in enumerate(item.ids):
        if place >= item.answer_from or token >= vocabulary.first_new or kept[place]:
            ids.append(token)
        else:
            answer_from -= 1
    return TokenSequence(tuple(ids), answer_from, item.is_words)


def order(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    """Batches of indices for an epoch, alike in length, in an order that seed and epoch alone decide."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    shuffled = torch.randperm(len(lengths), generator=generator).tolist()
    batches = []
    for low in range(0, len(shuffled), batch * BATCHES_PER_GROUP):
        group = sorted(shuffled[low : low + batch * BATCHES_PER_GROUP], key=lambda index: lengths[index])
        batches += [group[first : first + batch] for first in range(0, len(group), batch)]
    return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]
