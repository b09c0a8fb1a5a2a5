"""What baselines see: an object's tokens pooled, and the words of a request counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import torch

from semgrasp_ros.core.objects.encoder import ObjectTokens

FEWEST_TIMES = 2
MOST_WORDS = 3000
_WORD = re.compile(r"[a-z]+")


def pooled(things: ObjectTokens) -> torch.Tensor:
    """(B, 3 D + 3): mean and greatest of the groups' tokens, the size token, and the logarithm of the extents."""
    groups, size = things.tokens[:, :-1], things.tokens[:, -1]
    extents = torch.log(things.size.clamp_min(1e-3))
    return torch.cat([groups.mean(dim=1), groups.amax(dim=1), size, extents], dim=1)


def said(turns: Sequence[tuple[str, str]]) -> str:
    """What the human says; an assistant's words ask for nothing."""
    return " ".join(text for speaker, text in turns if speaker == "human")


def words_of(text: str) -> list[str]:
    """Words in lower case, without punctuation."""
    return _WORD.findall(text.lower())


class WordCounter:
    """Texts as bags of words.

    Args:
        texts: to learn the words from; those said once only are left out.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        counts = Counter(word for text in texts for word in set(words_of(text)))
        often = [word for word, count in counts.most_common(MOST_WORDS) if count >= FEWEST_TIMES]
        self.index = {word: number for number, word in enumerate(sorted(often))}

    def __len__(self) -> int:
        return len(self.index)

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """(n, W): 1 where a word is said."""
        bags = torch.zeros(len(texts), len(self.index))
        for row, text in enumerate(texts):
            known = [self.index[word] for word in words_of(text) if word in self.index]
            bags[row, known] = 1.0
        return bags


class Scaler:
    """Brings columns to mean 0 and deviation 1; columns that never vary become 0."""

    def __init__(self, values: torch.Tensor) -> None:
        self.mean = values.mean(dim=0)
        deviation = values.std(dim=0, correction=0)
        self.scale = torch.where(deviation > 1e-6, 1 / deviation.clamp_min(1e-6), 0.0)

    def __call__(self, values: torch.Tensor) -> torch.Tensor:
        """(n, D) to (n, D)."""
        return (values - self.mean) * self.scale
