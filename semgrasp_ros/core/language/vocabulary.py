"""Words as tokens, and the tokens that are no words: those of grasps, and of who speaks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import torch

#: Start and end of a grasp, speakers, a slot for the object, padding, end of a description.
SPECIAL = ("<SG>", "<EG>", "<human>", "<assistant>", "<object>", "<pad>", "<end>")
#: Orientation, manner, refinement; the order in which they are written.
ROLES = ("o", "m", "r")


class Vocabulary:
    """A tokenizer of words, followed by our own tokens.

    Our tokens have the ids from `first_new` on: SPECIAL, then `codes` of each of ROLES. Text never makes one of them,
    even where it spells one out.

    Args:
        tokenizer: tokenizers.Tokenizer; our tokens are added to it unless it has them.
        codes: grasp tokens per level.
        lower_case: whether what is read is put in lower case first.

    Raises:
        ValueError: the tokenizer has some of our tokens, at other places or in other numbers.
    """

    def __init__(self, tokenizer, codes: int = 512, lower_case: bool = False) -> None:
        ours = our_tokens(codes)
        known = [tokenizer.token_to_id(token) for token in ours]
        if all(number is None for number in known):
            from tokenizers import AddedToken

            tokenizer.add_special_tokens(
                [AddedToken(token, special=True, normalized=False) for token in ours]
            )
            known = [tokenizer.token_to_id(token) for token in ours]
        first = known[0]
        if first is None or known != list(range(first, first + len(ours))):
            raise ValueError(
                f"tokenizer: has some of our {len(ours)} tokens ({ours[0]} ... {ours[-1]}) at other places;"
                " use one without them, or with the same number of codes"
            )
        tokenizer.encode_special_tokens = True
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.tokenizer = tokenizer
        self.codes = codes
        self.lower_case = lower_case
        self.first_new = first
        self.new_count = len(ours)
        self.grasp_start, self.grasp_end, self.human, self.assistant, self.object, self.pad, self.end = known[
            : len(SPECIAL)
        ]
        self.first_grasp = first + len(SPECIAL)

    def __len__(self) -> int:
        return self.first_new + self.new_count

    def encode(self, text: str) -> list[int]:
        """Ids of words that are read."""
        return self.encode_as_is(text.lower() if self.lower_case else text)

    def encode_as_is(self, text: str) -> list[int]:
        """Ids of words that are written; capitals stay."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Iterable[int]) -> str:
        """Words of ids; our own tokens are left out."""
        return self.tokenizer.decode([i for i in ids if i < self.first_new], skip_special_tokens=True).strip()

    def level(self, level: int) -> slice:
        """Ids of a level's grasp tokens: 0 orientation, 1 manner, 2 refinement."""
        first = self.first_grasp + level * self.codes
        return slice(first, first + self.codes)

    def grasp_ids(self, tokens: torch.Tensor) -> torch.Tensor:
        """Ids (..., 3) of grasp tokens (..., 3), each 0 to codes - 1.

        Raises:
            ValueError: there are not three, or one is out of range.
        """
        if tokens.shape[-1] != len(ROLES):
            raise ValueError(f"grasp_tokens: {tokens.shape[-1]} tokens; use three: {', '.join(ROLES)}")
        if tokens.numel() and (tokens.min() < 0 or tokens.max() >= self.codes):
            raise ValueError(f"grasp_tokens: {tokens.tolist()} are outside 0 to {self.codes - 1}")
        return tokens + self.first_grasp + torch.arange(len(ROLES), device=tokens.device) * self.codes

    def save(self, path: str | Path) -> None:
        """Writes tokenizer.json."""
        self.tokenizer.save(str(path))

    @classmethod
    def load(cls, path: str | Path, codes: int = 512, lower_case: bool = False) -> Vocabulary:
        """Reads a tokenizer.json.

        Raises:
            FileNotFoundError: there is none.
        """
        from tokenizers import Tokenizer

        if not Path(path).is_file():
            raise FileNotFoundError(f"{path}: there is no tokenizer.json; give a folder that `save` wrote")
        return cls(Tokenizer.from_file(str(path)), codes, lower_case)


def our_tokens(codes: int) -> list[str]:
    """Names of our tokens, in their order."""
    return [*SPECIAL, *(f"<{role}_{number}>" for role in ROLES for number in range(codes))]


def train_vocabulary(
    texts: Iterable[str], size: int = 2048, codes: int = 512, lower_case: bool = True
) -> Vocabulary:
    """Learns pieces of words from captions (byte-level BPE), so that no text is unknown to it.

    Args:
        texts: captions, requests and answers alike.
        size: most pieces, the 256 bytes among them.
        codes: grasp tokens per level.
        lower_case: whether requests will be read in lower case.

    Raises:
        ValueError: there is no text.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    texts = list(texts)
    if not texts:
        raise ValueError("texts: there are none; give captions to learn words from")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFKC()
    # A word is the same piece at the beginning of a text as in the middle.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=2,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    # Both as written and as read; answers keep their capitals.
    tokenizer.train_from_iterator(
        [*texts, *(text.lower() for text in texts)] if lower_case else texts, trainer
    )
    return Vocabulary(tokenizer, codes, lower_case)
