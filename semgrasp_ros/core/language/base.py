"""The causal language model inside: a small one of our own, or any other by its folder, with adapters."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from semgrasp_ros.core.language.config import LanguageConfig

ADAPTER = "default"


def make_small(config: LanguageConfig, words: int) -> nn.Module:
    """A Llama of the configured size with random weights.

    Args:
        config: its size.
        words: tokens of the tokenizer, without ours.

    Raises:
        ValueError: the width cannot be shared among the heads.
    """
    from transformers import LlamaConfig, LlamaForCausalLM

    if config.width % config.heads:
        raise ValueError(f"width: {config.width} cannot be divided by {config.heads} heads")
    described = LlamaConfig(
        vocab_size=words,
        hidden_size=config.width,
        intermediate_size=config.inner,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        max_position_embeddings=1024,
        attention_dropout=config.dropout,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=None,
    )
    return LlamaForCausalLM(described)


def load_foreign(config: LanguageConfig):
    """A language model from a folder, frozen, with fresh adapters in its attention and feed-forward projections.

    Only safetensors are read, and no code of the folder is run.

    Returns:
        The model, and its tokenizers.Tokenizer.

    Raises:
        FileNotFoundError: there is no such folder, or no weights in it.
        ValueError: its tokenizer cannot be used.
    """
    folder = Path(config.base)
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(
            f"base: {config.base!r} is not the folder of a language model (no config.json there);"
            " give a local folder of transformers, or 'small'"
        )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        lm = AutoModelForCausalLM.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=getattr(torch, config.base_dtype)
        )
    except OSError as error:
        raise FileNotFoundError(f"base: {config.base!r} has no weights as safetensors ({error})") from error
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if not getattr(tokenizer, "is_fast", False):
        raise ValueError(
            f"base: the tokenizer of {config.base!r} has no tokenizer.json; convert it to a fast one"
        )
    backend = tokenizer.backend_tokenizer
    if backend.get_vocab_size() > lm.get_input_embeddings().num_embeddings:
        raise ValueError(
            f"base: the tokenizer of {config.base!r} has {backend.get_vocab_size()} tokens but the model only"
            f" {lm.get_input_embeddings().num_embeddings} embeddings"
        )
    lm.requires_grad_(False)
    return add_adapters(lm, config), backend


def add_adapters(lm: nn.Module, config: LanguageConfig) -> nn.Module:
    """LoRA in every linear layer of the blocks (Hu et al. 2021, https://arxiv.org/abs/2106.09685)."""
    from peft import inject_adapter_in_model

    lm = inject_adapter_in_model(adapter_config(lm, config), lm, adapter_name=ADAPTER)
    for name, value in lm.named_parameters():
        if "lora_" in name:
            # Steps this small vanish in 16 bits.
            value.data = value.data.float()
    return lm


def adapter_config(lm: nn.Module, config: LanguageConfig):
    """What `peft` needs to know of the adapters."""
    from peft import LoraConfig

    head = lm.get_output_embeddings()
    names = sorted(
        {
            name.rpartition(".")[2]
            for name, part in lm.named_modules()
            if _is_projection(part) and part is not head
        }
        - {"base_layer", ADAPTER}
    )
    return LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules=names,
        bias="none",
        task_type="CAUSAL_LM",
        fan_in_fan_out=any(type(part).__name__ == "Conv1D" for part in lm.modules()),
    )


def _is_projection(part: nn.Module) -> bool:
    # GPT-2 keeps its projections in transformers' Conv1D; a layer with an adapter already is a LoraLayer.
    return isinstance(part, nn.Linear) or type(part).__name__ == "Conv1D" or hasattr(part, "lora_A")
