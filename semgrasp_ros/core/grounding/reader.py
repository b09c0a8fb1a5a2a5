"""What a request asks for: the part to hold and the manner, read from the words alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import nn

from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.language.batches import Turns, request_ids
from semgrasp_ros.core.language.vocabulary import Vocabulary


@dataclass
class ReaderConfig:
    """Size of the reader."""

    width: int = field(default=128, metadata={"help": "of a word", "minimum": 8})
    layers: int = field(default=2, metadata={"help": "of the transformer", "minimum": 1})
    heads: int = field(default=4, metadata={"help": "of attention", "minimum": 1})
    longest: int = field(
        default=160, metadata={"help": "most tokens; earlier ones are left out", "minimum": 8}
    )
    dropout: float = field(default=0.1, metadata={"help": "while training", "minimum": 0.0, "maximum": 0.9})


class RequestReader(nn.Module):
    """Conversations to scores of parts and manners.

    Args:
        vocabulary: of words and speakers.
        names: W, how many part names there are.
        config: see there.
    """

    def __init__(self, vocabulary: Vocabulary, names: int, config: ReaderConfig) -> None:
        super().__init__()
        self.vocabulary, self.config = vocabulary, config
        width = config.width
        self.words = nn.Embedding(len(vocabulary), width, padding_idx=vocabulary.pad)
        self.places = nn.Embedding(config.longest, width)
        nn.init.normal_(self.places.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(
            width, config.heads, 2 * width, config.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(
            layer, config.layers, nn.LayerNorm(width), enable_nested_tensor=False
        )
        # One look for each question: which words tell the part, and which the manner.
        self.looks = nn.Linear(width, 2)
        self.part = nn.Linear(width, names)
        self.manner = nn.Linear(width, len(MANNERS))

    def encode(self, turns: Turns) -> list[int]:
        """Token ids of a conversation that ends with a request.

        Raises:
            ValueError: it does not.
        """
        return request_ids(turns, self.vocabulary, self.config.longest)

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of parts (B, W) and of manners (B, M) for tokens (B, L), padded on the right."""
        padding = ids == self.vocabulary.pad
        # Counted from the end: the last request is what matters, however long the conversation was.
        place = (~padding).sum(dim=1, keepdim=True) - 1 - torch.arange(ids.shape[1], device=ids.device)
        values = self.words(ids) + self.places(place.clamp_min(0))
        values = self.layers(values, src_key_padding_mask=padding)
        weight = self.looks(values).masked_fill(padding[..., None], -torch.inf).softmax(dim=1)
        pooled = torch.einsum("blq,bld->qbd", weight, values)
        return self.part(pooled[0]), self.manner(pooled[1])


def padded(items: Sequence[Sequence[int]], vocabulary: Vocabulary) -> torch.Tensor:
    """Tokens (B, L) of sequences of different lengths, padded on the right."""
    result = torch.full((len(items), max(map(len, items))), vocabulary.pad)
    for row, item in zip(result, items, strict=True):
        row[: len(item)] = torch.tensor(item)
    return result
