import pytest
import torch

from semgrasp_ros.core.data.captions import Caption
from semgrasp_ros.core.language import Example
from semgrasp_ros.core.language.batches import collate, encode, leave_words_out, order, request_ids
from test.semgrasp_ros.core.language import tiny

VOCABULARY = tiny.vocabulary()
CONFIG = tiny.config()


def _names(ids):
    return [VOCABULARY.tokenizer.id_to_token(int(i)) for i in ids]


def test_a_grasp_is_the_answer_to_a_request():
    item = encode(tiny.examples()[1], VOCABULARY, CONFIG)
    names = _names(item.ids)
    assert names[0] == "<human>"
    assert names[-6:] == ["<assistant>", "<SG>", "<o_1>", "<m_3>", "<r_6>", "<EG>"]
    assert names[item.answer_from :] == names[-5:]


def test_words_are_the_answer_to_a_grasp():
    item = encode(tiny.examples()[-1], VOCABULARY, CONFIG)
    names = _names(item.ids)
    begin = names.index("<SG>")
    assert names[begin : begin + 6] == ["<SG>", "<o_1>", "<m_3>", "<r_6>", "<EG>", "<assistant>"]
    assert item.is_words
    assert item.answer_from == begin + 6
    assert VOCABULARY.decode(item.ids[item.answer_from :]) == "A hold of the body."
    assert names[-1] == "<end>"


def test_a_reply_after_the_request_is_not_read():
    turns = (
        ("human", "Hold it."),
        ("assistant", "Where?"),
        ("human", "The lid."),
        ("assistant", "Like this."),
    )
    long = encode(Example(0, (0, 0, 0), Caption("dialogue", turns, "", frozenset())), VOCABULARY, CONFIG)
    short = encode(
        Example(0, (0, 0, 0), Caption("dialogue", turns[:-1], "", frozenset())), VOCABULARY, CONFIG
    )
    assert long == short
    assert [name for name in _names(long.ids) if name in ("<human>", "<assistant>")] == [
        "<human>",
        "<assistant>",
        "<human>",
        "<assistant>",
    ]


def test_too_long_conversations_lose_their_beginning():
    example = Example(0, (0, 0, 0), Caption("part", tiny.request("hold " * 50 + "lid"), "", frozenset()))
    item = encode(example, VOCABULARY, tiny.config(longest_text=8))
    assert len(item) == 8 + 2 + 4
    assert _names(item.ids)[7] == "Ġlid"


@pytest.mark.parametrize("left", [False, True])
def test_only_answers_have_labels(left):
    items = [encode(example, VOCABULARY, CONFIG) for example in tiny.examples()]
    batch = collate(items, 4, VOCABULARY, describe_weight=0.5, left=left)
    for row, item in enumerate(items):
        real = batch.real[row]
        assert batch.ids[row][real].tolist() == [VOCABULARY.object] * 4 + list(item.ids)
        written = batch.labels[row][batch.labels[row] >= 0].tolist()
        assert written == list(item.ids[item.answer_from :])
        assert (batch.ids[row][~real] == VOCABULARY.pad).all()
        assert bool(real[-1] if left else real[0])
    assert batch.weight.tolist() == [1.0] * 8 + [0.5] * 2


def test_order_has_every_example_once_and_alike_lengths_together():
    lengths = [n % 40 for n in range(1000)]
    batches = order(lengths, 16, seed=3, epoch=1)
    assert sorted(index for batch in batches for index in batch) == list(range(1000))
    spread = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in batches]
    assert sum(spread) / len(spread) < 8
    assert batches == order(lengths, 16, seed=3, epoch=1)
    assert batches != order(lengths, 16, seed=3, epoch=2)


def test_words_left_out_are_of_the_request_only():
    item = encode(tiny.examples()[-1], VOCABULARY, CONFIG)
    less = leave_words_out(item, 0.9, VOCABULARY, torch.Generator().manual_seed(0))
    assert len(less) < len(item)
    assert less.ids[less.answer_from :] == item.ids[item.answer_from :]
    assert less.ids[0] == VOCABULARY.human


@pytest.mark.parametrize(
    ("turns", "message"),
    [
        ((), "turns: "),
        ("hold it", "give .speaker, text. pairs"),
        ((("robot", "hold it"),), "speaker 'robot'"),
        ((("human", " "),), "says nothing"),
        ((("human", "hold it"), ("assistant", "where?")), "the last is the assistant's"),
    ],
)
def test_turns_that_are_no_request(turns, message):
    with pytest.raises(ValueError, match=message):
        request_ids(turns, VOCABULARY)
