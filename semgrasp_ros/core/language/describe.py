"""Says in words what a grasp is."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from semgrasp_ros.core.language.batches import describe_prompt
from semgrasp_ros.core.language.decoding import check_length, read_prompts, write_token
from semgrasp_ros.core.language.model import GraspLanguageModel

QUESTION = "Describe this grasp."


@torch.no_grad()
def describe(
    model: GraspLanguageModel,
    object_tokens: torch.Tensor,
    object_size: torch.Tensor,
    grasp_tokens: Sequence[int],
    question: str = QUESTION,
) -> str:
    """The likeliest words about a grasp.

    Args:
        model: in evaluation mode.
        object_tokens: (1, G, D).
        object_size: (1, 3) extents in metres.
        grasp_tokens: orientation, manner, refinement.
        question: what is to be told.

    Returns:
        At least one word, at most `longest_answer` tokens.

    Raises:
        ValueError: an empty or too long question, or tokens out of range.
    """
    vocabulary = model.vocabulary
    prompt = describe_prompt((("human", question),), [int(token) for token in grasp_tokens], vocabulary)
    check_length(prompt[:-4], model)  # without the grasp
    hidden, cache, real = read_prompts(model, object_tokens, object_size, [prompt])
    words: list[int] = []
    while len(words) < model.config.longest_answer:
        logits = model.logits(hidden)[0]
        allowed = logits[: vocabulary.first_new]
        best = int(allowed.argmax())
        if vocabulary.decode(words) and logits[vocabulary.end] >= allowed[best]:
            break
        words.append(best)
        hidden, cache, real = write_token(model, torch.tensor([best], device=model.device), cache, real)
    return vocabulary.decode(words)
