"""Configuration of the language model and of its two training stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: The base that is made from scratch and ships with the package.
SMALL = "small"


def _option(default: Any, help: str, **limits: Any) -> Any:
    return field(default=default, metadata={"help": help, **limits})


@dataclass
class LanguageConfig:
    """Size of the model, and how it is trained.

    Learning rates, schedule and the frozen parts are those of SemGrasp (Li et al. 2024, section 3.3); what the paper
    does not tell (LoRA alpha, weight decay, warm-up) is usual practice.
    """

    base: str = _option(SMALL, "'small' for our own model, or the folder of any causal LM of transformers")
    base_dtype: str = _option(
        "float32", "weights of a foreign base", choices=["float32", "bfloat16", "float16"]
    )
    width: int = _option(256, "hidden width of the small model", minimum=8)
    layers: int = _option(4, "of the small model", minimum=1)
    heads: int = _option(4, "of attention, in the small model", minimum=1)
    inner: int = _option(512, "width of the small model's feed-forward layers", minimum=8)
    vocabulary: int = _option(2048, "most pieces of words that the small model's tokenizer has", minimum=257)
    lower_case: bool = _option(True, "the small model reads requests in lower case")
    codes: int = _option(512, "grasp tokens of each of the three levels", minimum=2)
    object_slots: int = _option(
        16, "tokens that an object takes in a sequence, gathered from all; 0: all, as in the paper", minimum=0
    )
    projector_heads: int = _option(4, "of the attention that gathers object tokens", minimum=1)
    longest_text: int = _option(160, "most tokens of a conversation's words", minimum=8)
    longest_answer: int = _option(64, "most tokens of a description", minimum=4)
    dropout: float = _option(0.1, "of embeddings and attention while training", minimum=0.0, maximum=0.9)
    word_dropout: float = _option(
        0.0,
        "share of a request's tokens left out while training, against rote learning",
        minimum=0.0,
        maximum=0.9,
    )
    lora_rank: int = _option(64, "of the adapters in a foreign base", minimum=1)
    lora_alpha: int = _option(128, "scale of the adapters is alpha / rank", minimum=1)
    lora_dropout: float = _option(0.05, "before the adapters", minimum=0.0, maximum=0.9)
    stage1_rate: float = _option(5e-4, "learning rate of the alignment", minimum=0.0)
    stage2_rate: float = _option(3e-5, "learning rate of the instruction tuning", minimum=0.0)
    stage1_steps: int = _option(8000, "of the alignment", minimum=0)
    stage2_steps: int = _option(2000, "of the instruction tuning", minimum=0)
    batch: int = _option(64, "examples per step (the paper: 128)", minimum=1)
    warm_up: float = _option(0.03, "share of the steps in which the rate rises", minimum=0.0, maximum=1.0)
    weight_decay: float = _option(0.05, "of AdamW, on matrices", minimum=0.0)
    clip: float = _option(1.0, "largest norm of the gradient", minimum=1e-6)
    describe_weight: float = _option(0.5, "weight of an example that is described in words", minimum=0.0)
    bf16: bool = _option(True, "train in bfloat16 where it is safe; needs a processor that has it")
    check_every: int = _option(500, "steps between looks at the validation examples", minimum=1)
    save_every: int = _option(200, "steps between checkpoints", minimum=1)
    seed: int = _option(0, "of weights, order and dropout", minimum=0)
