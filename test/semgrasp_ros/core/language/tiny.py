"""Small things that the tests of the language model share."""

import torch

from semgrasp_ros.core.data.captions import Caption
from semgrasp_ros.core.language import (
    Example,
    GraspLanguageModel,
    LanguageConfig,
    Vocabulary,
    train_vocabulary,
)

OBJECT_WIDTH, GROUPS, CODES = 12, 5, 8
PARTS = ("handle", "body", "rim", "base", "lid", "spout", "neck", "knob")


def config(**changes) -> LanguageConfig:
    values = dict(
        width=32,
        layers=2,
        heads=2,
        inner=48,
        vocabulary=400,
        codes=CODES,
        object_slots=3,
        dropout=0.0,
        batch=4,
        stage1_steps=4,
        stage2_steps=4,
        stage1_rate=3e-3,
        stage2_rate=1e-3,
        lora_rank=64,
        bf16=False,
    )
    return LanguageConfig(**(values | changes))


def request(text: str) -> tuple[tuple[str, str], ...]:
    return (("human", text),)


def examples() -> list[Example]:
    """Eight parts, each with a grasp of its own; two of them also described."""
    made = [
        Example(
            n % 2,
            (n, (3 * n) % 8, 7 - n),
            Caption("part", request(f"Hold it by the {part}."), "seen:x", frozenset()),
        )
        for n, part in enumerate(PARTS)
    ]
    for n in (0, 1):
        turns = (("human", "What is this grasp?"), ("assistant", f"A hold of the {PARTS[n]}."))
        made.append(Example(0, (n, (3 * n) % 8, 7 - n), Caption("describe", turns, "seen:y", frozenset())))
    return made


def vocabulary() -> Vocabulary:
    texts = [text for example in examples() for _, text in example.caption.turns]
    return train_vocabulary(texts * 3, size=400, codes=CODES)


def features(keys) -> tuple[torch.Tensor, torch.Tensor]:
    tokens = torch.randn(2, GROUPS, OBJECT_WIDTH, generator=torch.Generator().manual_seed(5))
    sizes = torch.tensor([[0.1, 0.08, 0.1], [0.3, 0.02, 0.04]])
    return tokens[list(keys)], sizes[list(keys)]


def small_model(**changes) -> GraspLanguageModel:
    return GraspLanguageModel.make(config(**changes), vocabulary(), OBJECT_WIDTH).eval()


def weights(model) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.named_parameters()}


def assert_same_candidates(ours, theirs) -> None:
    """The same grasps; the last bits of a sum depend on where in memory its terms lie."""
    assert [c.tokens for c in ours] == [c.tokens for c in theirs]
    differences = [abs(a.log_probability - b.log_probability) for a, b in zip(ours, theirs, strict=True)]
    assert max(differences) < 1e-4


def assert_same_weights(one, other) -> None:
    """As after the same training; where a gradient is nothing but rounding, Adam makes steps of it."""
    before, after = weights(one), weights(other)
    assert before.keys() == after.keys()
    apart = torch.cat([(before[name] - after[name]).abs().flatten() for name in before])
    assert float((apart > 1e-5).float().mean()) < 0.01
