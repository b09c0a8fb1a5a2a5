"""A causal language model that sees an object and writes a grasp."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import nn

from semgrasp_ros.core.language.base import load_foreign, make_small
from semgrasp_ros.core.language.config import SMALL, LanguageConfig
from semgrasp_ros.core.language.projector import ObjectProjector
from semgrasp_ros.core.language.vocabulary import Vocabulary


@dataclass(frozen=True)
class Sequences:
    """A batch of sequences.

    Attributes:
        ids: (B, L) tokens; the object's slots hold the object token.
        labels: (B, L) what is to be written at each place, -1 where nothing is; the same as ids where it counts.
        real: (B, L) bool, False for padding.
        weight: (B,) of each example in the loss.
    """

    ids: torch.Tensor
    labels: torch.Tensor
    real: torch.Tensor
    weight: torch.Tensor

    def to(self, device: torch.device | str) -> Sequences:
        """The same on another device."""
        return Sequences(*(value.to(device) for value in (self.ids, self.labels, self.real, self.weight)))


class GraspLanguageModel(nn.Module):
    """Any causal LM with a projector of object tokens and grasp tokens in its vocabulary.

    The base's own embeddings stay as they are: our tokens have a table of their own, appended at both ends. So a
    foreign base is never resized, and everything that is learned can be saved apart from it.

    Args:
        config: see there.
        vocabulary: of the base, with our tokens.
        object_width: D of the object tokens.
        lm: the base.
    """

    def __init__(
        self, config: LanguageConfig, vocabulary: Vocabulary, object_width: int, lm: nn.Module
    ) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary
        self.lm = lm
        words = lm.get_input_embeddings()
        width = words.weight.shape[1]
        scale = float(words.weight.detach().float().std())
        self.projector = ObjectProjector(
            object_width, width, config.object_slots, config.projector_heads, scale
        )
        self.new_tokens = nn.Embedding(vocabulary.new_count, width)
        tied = bool(getattr(lm.config, "tie_word_embeddings", False))
        self.new_head = None if tied else nn.Linear(width, vocabulary.new_count, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        self._begin(words, scale)

    @classmethod
    def make(
        cls, config: LanguageConfig, vocabulary: Vocabulary | None = None, object_width: int = 256
    ) -> GraspLanguageModel:
        """A model to be trained; the configuration's seed gives the same weights again.

        Args:
            config: see there.
            vocabulary: of the small model (`train_vocabulary`); a foreign base brings its own.
            object_width: D of the object tokens.

        Raises:
            ValueError: the small model without a vocabulary, or a foreign base with one; a base that cannot be used.
            FileNotFoundError: there is no such base.
        """
        if (config.base == SMALL) != (vocabulary is not None):
            raise ValueError(
                f"vocabulary: the base {config.base!r} "
                + ("needs one; learn it with train_vocabulary" if config.base == SMALL else "brings its own")
            )
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            if vocabulary is not None:
                return cls(config, vocabulary, object_width, make_small(config, vocabulary.first_new))
            lm, tokenizer = load_foreign(config)
            return cls(config, Vocabulary(tokenizer, config.codes), object_width, lm)

    def _begin(self, words: nn.Embedding, scale: float) -> None:
        # New tokens begin as the mean word with some noise, so that a trained base finds nothing strange.
        with torch.no_grad():
            noise = torch.randn(self.new_tokens.weight.shape) * scale
            self.new_tokens.weight.copy_(words.weight.detach().float().mean(dim=0) + noise)
            if self.new_head is not None:
                head = self.lm.get_output_embeddings().weight.detach().float()
                self.new_head.weight.copy_(
                    head.mean(dim=0) + torch.randn(self.new_head.weight.shape) * head.std()
                )

    @property
    def is_small(self) -> bool:
        """Whether the base is our own, and so all of it can be trained."""
        return self.config.base == SMALL

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.new_tokens.weight.device

    def trainable(self, stage: int) -> dict[str, nn.Parameter]:
        """What a stage trains, by name.

        Stage 1, alignment: projector and new tokens, and the whole of the small model. Stage 2, instruction tuning:
        the small model or the adapters, and the new tokens; the projector is frozen.

        Raises:
            ValueError: there is no such stage.
        """
        if stage not in (1, 2):
            raise ValueError(f"stage: {stage!r} is unknown; 1 is alignment, 2 is instruction tuning")

        def wanted(name: str) -> bool:
            if name.startswith("projector."):
                return stage == 1
            if name.startswith("lm."):
                return self.is_small or (stage == 2 and "lora_" in name)
            return True

        return {name: value for name, value in self.named_parameters() if wanted(name)}

    def embed(self, ids: torch.Tensor, slots: torch.Tensor | None = None) -> torch.Tensor:
        """Embeddings (B, L, W) of tokens; the object's slots (B, S, W) take the places of the object token."""
        first = self.vocabulary.first_new
        words = self.lm.get_input_embeddings()(ids.clamp_max(first - 1))
        ours = self.new_tokens((ids - first).clamp_min(0)).to(words.dtype)
        embedded = torch.where((ids >= first)[..., None], ours, words)
        if slots is not None:
            places = (ids == self.vocabulary.object)[..., None]
            embedded = embedded.masked_scatter(places, slots.to(embedded.dtype))
        return embedded

    def hidden(
        self, embedded: torch.Tensor, real: torch.Tensor | None = None, **more
    ) -> tuple[torch.Tensor, object]:
        """Last hidden states (B, L, W) and the base's cache.

        Args:
            embedded: (B, L, W).
            real: (B, L) bool, False for padding on the left; None where there is none. Padding on the right needs
                no mask, since nothing real looks ahead.
            **more: for the base: past_key_values, use_cache, position_ids.
        """
        if real is not None:
            more["attention_mask"] = real.long()
        more.setdefault("use_cache", False)
        result = self.lm.base_model(inputs_embeds=embedded, **more)
        return result.last_hidden_state, getattr(result, "past_key_values", None)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Logits (..., V) over words and our tokens, float32."""
        first = self.vocabulary.first_new
        words = self.lm.get_output_embeddings()(hidden)[..., :first]
        if self.new_head is None:
            ours = nn.functional.linear(hidden, self.new_tokens.weight.to(hidden.dtype))
        else:
            ours = self.new_head(hidden.to(self.new_head.weight.dtype)).to(words.dtype)
        return _as_the_base_does(torch.cat([words, ours], dim=-1).float(), self.lm.config)

    def forward(self, sequences: Sequences, slots: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Loss of each label and whether it would have been written.

        Logits are computed where there are labels only.

        Args:
            sequences: padded on the right or on the left.
            slots: (B, S, W) of the objects, from the projector.

        Returns:
            losses (B, L - 1), 0 where there is no label, and right (B, L - 1) bool.
        """
        embedded = self.dropout(self.embed(sequences.ids, slots))
        if bool(sequences.real[:, 0].all()):
            hidden, _ = self.hidden(embedded)
        else:
            hidden, _ = self.hidden(embedded, sequences.real, position_ids=positions(sequences.real))
        wanted = sequences.labels[:, 1:]
        places = wanted >= 0
        logits = self.logits(hidden[:, :-1][places])
        labels = wanted[places]
        losses = torch.zeros(wanted.shape, device=labels.device)
        losses = losses.masked_scatter(places, nn.functional.cross_entropy(logits, labels, reduction="none"))
        right = torch.zeros_like(places).masked_scatter(places, logits.argmax(dim=-1) == labels)
        return losses, right

    def generate(self, object_tokens: torch.Tensor, object_size: torch.Tensor, turns, **options):
        """Grasps for a request; see `decoding.generate`."""
        from semgrasp_ros.core.language.decoding import generate

        return generate(self, object_tokens, object_size, turns, **options)

    def describe(
        self, object_tokens: torch.Tensor, object_size: torch.Tensor, grasp_tokens, **options
    ) -> str:
        """Words about a grasp; see `describe.describe`."""
        from semgrasp_ros.core.language.describe import describe

        return describe(self, object_tokens, object_size, grasp_tokens, **options)

    def save(self, folder, **options) -> None:
        """Writes the model; see `folder.save_model`."""
        from semgrasp_ros.core.language.folder import save_model

        save_model(self, folder, **options)

    @classmethod
    def load(cls, folder, base=None) -> GraspLanguageModel:
        """Reads a model; see `folder.load_model`."""
        from semgrasp_ros.core.language.folder import load_model

        return load_model(folder, base)


def positions(real: torch.Tensor) -> torch.Tensor:
    """Places (B, L) of tokens in their sequences, padding not counted."""
    return (real.long().cumsum(dim=1) - 1).clamp_min(0)


def mean_loss(losses: torch.Tensor, sequences: Sequences) -> torch.Tensor:
    """Mean over examples of the mean over their labels, so that long answers weigh no more than grasps."""
    count = (sequences.labels[:, 1:] >= 0).sum(dim=1).clamp_min(1)
    return (losses.sum(dim=1) / count * sequences.weight).sum() / sequences.weight.sum().clamp_min(1e-9)


def _as_the_base_does(logits: torch.Tensor, config: object) -> torch.Tensor:
    # Some families (Cohere, Granite, Gemma 2) scale or bound their logits after the head.
    logits = (
        logits
        * (getattr(config, "logit_scale", None) or 1.0)
        / (getattr(config, "logits_scaling", None) or 1.0)
    )
    bound = getattr(config, "final_logit_softcapping", None)
    return logits if not bound or math.isinf(bound) else bound * torch.tanh(logits / bound)
