import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.language import Sides, describe, generate, generate_many, score
from semgrasp_ros.core.language.batches import TokenSequence, collate, grasp_prompt
from semgrasp_ros.core.language.decoding import draw, take_sides
from test.semgrasp_ros.core.language import tiny

MODEL = tiny.small_model()
TURNS = tiny.request("Hold it by the lid.")
LONG = (*tiny.request("Hold it by the rim, please, and do not drop it."), ("assistant", "Why?"), *TURNS)


def _rng(seed=0):
    return torch.Generator().manual_seed(seed)


def _teacher_forced(model, tokens, size, turns, grasp):
    """Log-probability by one pass over the whole sequence, without a cache."""
    vocabulary = model.vocabulary
    ids = [*grasp_prompt(turns, vocabulary), *vocabulary.grasp_ids(torch.tensor(grasp)).tolist()]
    slots = model.projector(tokens, size)
    batch = collate([TokenSequence(tuple(ids), len(ids), False)], slots.shape[1], vocabulary)
    logits = model.logits(model.hidden(model.embed(batch.ids, slots))[0])[0]
    return sum(
        float(logits[level - 4, vocabulary.level(level)].log_softmax(-1)[grasp[level]]) for level in range(3)
    )


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.floats(0.1, 5.0))
def test_any_weights_write_a_grasp(seed, candidates, temperature):
    torch.manual_seed(seed)
    with torch.no_grad():
        for value in MODEL_OF_ANY_WEIGHTS.parameters():
            value.normal_(0.0, 0.5)
    found = generate(
        MODEL_OF_ANY_WEIGHTS, *tiny.features([0]), TURNS, candidates, temperature, generator=_rng(seed)
    )
    assert 1 <= len(found) <= candidates
    for candidate in found:
        assert len(candidate.tokens) == 3
        assert all(0 <= token < tiny.CODES for token in candidate.tokens)
        assert candidate.log_probability <= 0.0


MODEL_OF_ANY_WEIGHTS = tiny.small_model(layers=1)


def test_log_probabilities_are_those_of_a_teacher_forced_pass():
    thing = tiny.features([1])
    found = generate(MODEL, *thing, TURNS, 12, 1.3, generator=_rng())
    assert len(found) > 3
    with torch.no_grad():
        expected = [_teacher_forced(MODEL, *thing, TURNS, c.tokens) for c in found]
    assert [c.log_probability for c in found] == pytest.approx(expected, abs=1e-4)
    scored = score(MODEL, *thing, TURNS, torch.tensor([c.tokens for c in found]))
    assert scored.tolist() == pytest.approx(expected, abs=1e-4)


def test_probabilities_of_all_grasps_sum_to_one():
    every = torch.cartesian_prod(*[torch.arange(tiny.CODES)] * 3)
    assert float(score(MODEL, *tiny.features([0]), TURNS, every).exp().sum()) == pytest.approx(1.0, abs=1e-4)


def test_candidates_are_different_and_the_likeliest_is_first():
    found = generate(MODEL, *tiny.features([0]), TURNS, 40, 0.3, generator=_rng())
    assert len({c.tokens for c in found}) == len(found)
    values = [c.log_probability for c in found]
    assert values == sorted(values, reverse=True)


def test_the_same_seed_draws_the_same():
    draws = [generate(MODEL, *tiny.features([0]), TURNS, 8, generator=_rng(seed)) for seed in (4, 4, 5)]
    tiny.assert_same_candidates(draws[0], draws[1])
    assert [c.tokens for c in draws[0]] != [c.tokens for c in draws[2]]


def test_one_candidate_is_the_likeliest_step_by_step():
    alone = generate(MODEL, *tiny.features([0]), TURNS, 1)
    hot = generate(MODEL, *tiny.features([0]), TURNS, 1, temperature=3.0, generator=_rng(9))
    tiny.assert_same_candidates(alone, hot)
    cold = generate(MODEL, *tiny.features([0]), TURNS, 5, temperature=0.0)
    assert [c.tokens for c in cold] == [alone[0].tokens]


@pytest.mark.parametrize("candidates", [1, 4])
def test_padding_does_not_matter(candidates):
    tokens, size = tiny.features([0, 1, 1])
    turns = [TURNS, LONG, tiny.request("lid")]
    together = generate_many(MODEL, tokens, size, turns, candidates, generator=_rng())
    for row, found in enumerate(together):
        alone = score(MODEL, tokens[[row]], size[[row]], turns[row], torch.tensor([c.tokens for c in found]))
        assert [c.log_probability for c in found] == pytest.approx(alone.tolist(), abs=1e-4)
        if candidates == 1:
            assert generate(MODEL, tokens[[row]], size[[row]], turns[row], 1)[0].tokens == found[0].tokens


def test_the_word_of_most_codes_together_is_meant() -> None:
    # One code of the first word is the likeliest, but three of the second are more together.
    rows = torch.tensor([[0.4, 0.2, 0.2, 0.2], [0.4, 0.2, 0.2, 0.2]]).log()
    sides = Sides(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]), torch.ones(2))
    preferred, word = take_sides(rows, sides, candidates=2)
    assert word.tolist() == [1, 1]
    assert preferred.exp()[0] == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3], abs=1e-6)


def test_an_impossible_word_is_not_meant() -> None:
    rows = torch.tensor([[0.4, 0.2, 0.2, 0.2]]).log()
    named = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    preferred, word = take_sides(rows, Sides(named, torch.tensor([1.0, 0.0])), candidates=1)
    assert word.tolist() == [0]
    assert preferred.argmax() == 0


def test_draw_keeps_to_the_nucleus():
    chances = torch.tensor([[0.5, 0.3, 0.15, 0.05]]).log().repeat(4000, 1)
    drawn = draw(chances, 1.0, 0.7, _rng())
    assert set(drawn.tolist()) == {0, 1}
    assert float((drawn == 0).float().mean()) == pytest.approx(0.5 / 0.8, abs=0.03)
    assert set(draw(chances, 1.0, 1.0, _rng()).tolist()) == {0, 1, 2, 3}
    assert set(draw(chances, 1.0, 0.01, _rng()).tolist()) == {0}


def test_a_description_is_words():
    said = describe(MODEL, *tiny.features([0]), (1, 2, 3), "What is this grasp?")
    assert said
    assert "<" not in said
    assert said == describe(MODEL, *tiny.features([0]), torch.tensor([1, 2, 3]), "What is this grasp?")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"candidates": 0}, "candidates: 0"),
        ({"temperature": -1.0}, "temperature: -1.0"),
        ({"temperature": float("nan")}, "temperature: nan"),
        ({"top_p": 0.0}, "top_p: 0.0"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        generate(MODEL, *tiny.features([0]), TURNS, **options)


def test_other_errors():
    tokens, size = tiny.features([0])
    with pytest.raises(ValueError, match="reads \\(B, G, 12\\): use the object encoder"):
        generate(MODEL, tokens[..., :7], size, TURNS)
    with pytest.raises(ValueError, match="object size: shape"):
        generate(MODEL, tokens, size[:, :2], TURNS)
    with pytest.raises(ValueError, match="too many for this model; say it in at most 160"):
        generate(MODEL, tokens, size, tiny.request("hold " * 200))
    with pytest.raises(ValueError, match="1 objects for 2 requests"):
        generate_many(MODEL, tokens, size, [TURNS, TURNS])
    with pytest.raises(ValueError, match="says nothing"):
        describe(MODEL, tokens, size, (0, 0, 0), "")
    with pytest.raises(ValueError, match="outside 0 to 7"):
        describe(MODEL, tokens, size, (0, 9, 0))
