"""Writes grasps: always an orientation, then a manner, then a refinement, whatever the model would like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from semgrasp_ros.core.language.batches import TokenSequence, Turns, collate, grasp_prompt
from semgrasp_ros.core.language.model import GraspLanguageModel, positions
from semgrasp_ros.core.language.vocabulary import ROLES


@dataclass(frozen=True)
class TokenCandidate:
    """A grasp as written.

    Attributes:
        tokens: orientation, manner, refinement; each 0 to codes - 1.
        log_probability: natural logarithm, at temperature 1, among all grasps.
        words: for each level that codes have sides in, the word that was taken to be meant.
    """

    tokens: tuple[int, int, int]
    log_probability: float
    words: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sides:
    """The words that codes of one level stand for: which part is held, say.

    A single code has little probability, all codes of a word together much: so the word is decided by their sum, and
    only then a code of that word is drawn.

    Attributes:
        named: (codes, W) probability of each of W words given the code.
        likely: (W,) how likely each word is for other reasons; 0 for those that cannot be meant.
    """

    named: torch.Tensor
    likely: torch.Tensor


@torch.no_grad()
def generate(
    model: GraspLanguageModel,
    object_tokens: torch.Tensor,
    object_size: torch.Tensor,
    turns: Turns,
    candidates: int = 8,
    temperature: float = 1.0,
    top_p: float = 0.95,
    generator: torch.Generator | None = None,
    sides: Sequence[Sides] = (),
) -> list[TokenCandidate]:
    """Grasps for a request, the likeliest first.

    Args:
        model: in evaluation mode.
        object_tokens: (1, G, D).
        object_size: (1, 3) extents in metres.
        turns: the conversation; the human's last turn is the request.
        candidates: drawn at once; those that are alike are merged, so there may be fewer. 1 takes the likeliest
            token at each of the three steps.
        temperature: above 1 more varied, below less; 0 as with one candidate.
        top_p: only the likeliest tokens that together have this probability are drawn.
        generator: of the draws; on the CPU.
        sides: of the first levels' codes; without them every code is for itself.

    Raises:
        ValueError: turns that are no request, too many words, or arguments out of range.
    """
    return generate_many(
        model, object_tokens, object_size, [turns], candidates, temperature, top_p, generator, sides
    )[0]


@torch.no_grad()
def generate_many(
    model: GraspLanguageModel,
    object_tokens: torch.Tensor,
    object_size: torch.Tensor,
    turns: Sequence[Turns],
    candidates: int = 1,
    temperature: float = 1.0,
    top_p: float = 0.95,
    generator: torch.Generator | None = None,
    sides: Sequence[Sides] = (),
) -> list[list[TokenCandidate]]:
    """As `generate`, for B requests at once: object_tokens (B, G, D), object_size (B, 3), B conversations."""
    _check(candidates, temperature, top_p)
    if candidates == 1:
        temperature = 0.0
    prompts = [_prompt(model, one) for one in turns]
    hidden, cache, real = read_prompts(model, object_tokens, object_size, prompts)
    if candidates > 1:
        cache.batch_repeat_interleave(candidates)
        hidden, real = hidden.repeat_interleave(candidates, 0), real.repeat_interleave(candidates, 0)
    written, words, total = [], [], torch.zeros(len(hidden))
    for level in range(len(ROLES)):
        allowed = _level_log_probabilities(model, hidden, level)
        preferred = allowed
        if level < len(sides):
            preferred, word = take_sides(allowed, sides[level], candidates)
            words.append(word)
        token = draw(preferred, temperature, top_p, generator)
        total += allowed.gather(1, token[:, None])[:, 0]
        written.append(token)
        if level + 1 < len(ROLES):
            ids = (token + model.vocabulary.level(level).start).to(model.device)
            hidden, cache, real = write_token(model, ids, cache, real)
    meant = torch.stack(words, dim=1).tolist() if words else [()] * len(total)
    rows = zip(torch.stack(written, dim=1).tolist(), total.tolist(), meant, strict=True)
    found = [TokenCandidate(tuple(tokens), value, tuple(word)) for tokens, value, word in rows]
    return [_merge(found[low : low + candidates]) for low in range(0, len(found), candidates)]


@torch.no_grad()
def score(
    model: GraspLanguageModel,
    object_tokens: torch.Tensor,
    object_size: torch.Tensor,
    turns: Turns,
    grasp_tokens: torch.Tensor,
) -> torch.Tensor:
    """Log-probabilities (N,) of given grasps (N, 3) for one request; the same as `generate` tells.

    Raises:
        ValueError: as `generate`, or tokens out of range.
    """
    ids = model.vocabulary.grasp_ids(grasp_tokens).to(model.device)
    hidden, cache, real = read_prompts(model, object_tokens, object_size, [_prompt(model, turns)])
    cache.batch_repeat_interleave(len(ids))
    hidden, real = hidden.repeat_interleave(len(ids), 0), real.repeat_interleave(len(ids), 0)
    total = torch.zeros(len(ids))
    for level in range(len(ROLES)):
        allowed = _level_log_probabilities(model, hidden, level)
        total += allowed.gather(1, grasp_tokens[:, level : level + 1].cpu())[:, 0]
        if level + 1 < len(ROLES):
            hidden, cache, real = write_token(model, ids[:, level], cache, real)
    return total


def take_sides(
    log_probabilities: torch.Tensor, sides: Sides, candidates: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Decides which word is meant, for all candidates of a request together.

    Args:
        log_probabilities: (B * candidates, codes).
        sides: of the codes.
        candidates: rows of each request.

    Returns:
        Log-probabilities (B * candidates, codes) given the word, and the word (B * candidates,).
    """
    codes = log_probabilities.exp().unflatten(0, (-1, candidates)).mean(dim=1)
    word = ((codes @ sides.named) * sides.likely).argmax(dim=1)
    given = sides.named[:, word].T.clamp_min(1e-9).log().repeat_interleave(candidates, 0)
    return (log_probabilities + given).log_softmax(dim=1), word.repeat_interleave(candidates, 0)


def draw(
    log_probabilities: torch.Tensor, temperature: float, top_p: float, generator: torch.Generator | None
) -> torch.Tensor:
    """One token (N,) for each row (N, C): the likeliest at temperature 0, else from the nucleus.

    Nucleus sampling as in Holtzman et al. 2020, https://arxiv.org/abs/1904.09751.
    """
    if temperature == 0.0:
        return log_probabilities.argmax(dim=1)
    probabilities = (log_probabilities / temperature).softmax(dim=1)
    ordered, index = probabilities.sort(dim=1, descending=True)
    # A token stays while those before it do not have top_p yet; the first always stays.
    ordered[(ordered.cumsum(dim=1) - ordered) >= top_p] = 0.0
    return index.gather(1, torch.multinomial(ordered, 1, generator=generator))[:, 0]


def _check(candidates: int, temperature: float, top_p: float) -> None:
    if candidates < 1:
        raise ValueError(f"candidates: {candidates} is too few; use at least 1")
    if not 0.0 <= temperature < float("inf"):
        raise ValueError(f"temperature: {temperature} is out of range; use 0 or more")
    if not 0.0 < top_p <= 1.0:
        raise ValueError(f"top_p: {top_p} is out of range; use more than 0 and at most 1")


def _prompt(model: GraspLanguageModel, turns: Turns) -> list[int]:
    ids = grasp_prompt(turns, model.vocabulary)
    check_length(ids, model)
    return ids


def check_length(ids: Sequence[int], model: GraspLanguageModel) -> None:
    """Raises ValueError when a conversation is longer than the model has learned to read."""
    # Two tokens of a prompt are not words.
    if len(ids) - 2 > model.config.longest_text:
        raise ValueError(
            f"turns: {len(ids) - 2} tokens are too many for this model; say it in at most {model.config.longest_text}"
        )


def read_prompts(
    model: GraspLanguageModel,
    object_tokens: torch.Tensor,
    object_size: torch.Tensor,
    prompts: Sequence[list[int]],
) -> tuple[torch.Tensor, object, torch.Tensor]:
    """Last hidden states (B, W) after prompts, the cache, and which places are no padding (B, L)."""
    if len(object_tokens) != len(prompts):
        raise ValueError(
            f"object tokens: {len(object_tokens)} objects for {len(prompts)} requests; give one each"
        )
    slots = model.projector(object_tokens.to(model.device), object_size.to(model.device))
    items = [TokenSequence(tuple(ids), len(ids), False) for ids in prompts]
    sequences = collate(items, slots.shape[1], model.vocabulary, left=True).to(model.device)
    more = {"use_cache": True}
    padded = not bool(sequences.real.all())
    if padded:
        more["position_ids"] = positions(sequences.real)
    hidden, cache = model.hidden(
        model.embed(sequences.ids, slots), sequences.real if padded else None, **more
    )
    return hidden[:, -1], cache, sequences.real


def write_token(
    model: GraspLanguageModel, ids: torch.Tensor, cache: object, real: torch.Tensor
) -> tuple[torch.Tensor, object, torch.Tensor]:
    """Hidden states (B, W) after one more token (B,)."""
    real = torch.cat([real, real.new_ones(len(real), 1)], dim=1)
    more = {"use_cache": True, "past_key_values": cache}
    padded = not bool(real.all())
    if padded:
        more["position_ids"] = positions(real)[:, -1:]
    hidden, cache = model.hidden(model.embed(ids[:, None]), real if padded else None, **more)
    return hidden[:, -1], cache, real


def _level_log_probabilities(model: GraspLanguageModel, hidden: torch.Tensor, level: int) -> torch.Tensor:
    """Log-probabilities (B, codes) of a level's tokens, all others forbidden; on the CPU."""
    return model.logits(hidden)[:, model.vocabulary.level(level)].log_softmax(dim=-1).cpu()


def _merge(found: Sequence[TokenCandidate]) -> list[TokenCandidate]:
    best = {candidate.tokens: candidate for candidate in found}
    return sorted(best.values(), key=lambda candidate: -candidate.log_probability)
