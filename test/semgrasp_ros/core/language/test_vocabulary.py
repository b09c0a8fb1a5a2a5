import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.language import Vocabulary, train_vocabulary
from semgrasp_ros.core.language.vocabulary import SPECIAL
from test.semgrasp_ros.core.language import tiny


@pytest.fixture(scope="module")
def vocabulary():
    return tiny.vocabulary()


def test_words_of_the_captions_are_few_tokens(vocabulary):
    assert len(vocabulary.encode("Hold it by the handle.")) == 6
    assert vocabulary.encode("HANDLE") == vocabulary.encode("handle")
    assert vocabulary.encode_as_is("A hold") != vocabulary.encode_as_is("a hold")


def test_our_tokens_come_last_in_their_order(vocabulary):
    tokenizer = vocabulary.tokenizer
    assert [tokenizer.id_to_token(vocabulary.first_new + n) for n in range(len(SPECIAL))] == list(SPECIAL)
    ids = vocabulary.grasp_ids(torch.tensor([[0, 0, 0], [7, 3, 1]]))
    names = [[tokenizer.id_to_token(int(i)) for i in row] for row in ids]
    assert names == [["<o_0>", "<m_0>", "<r_0>"], ["<o_7>", "<m_3>", "<r_1>"]]
    assert vocabulary.level(2).stop == len(vocabulary) == tokenizer.get_vocab_size()


def test_512_grasp_tokens_of_each_level():
    vocabulary = train_vocabulary(["hold it"])
    assert [vocabulary.tokenizer.id_to_token(vocabulary.level(level).stop - 1) for level in range(3)] == [
        "<o_511>",
        "<m_511>",
        "<r_511>",
    ]


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_words_only(text):
    vocabulary = _SHARED
    ids = vocabulary.encode_as_is(text)
    assert all(0 <= i < vocabulary.first_new for i in ids)


_SHARED = tiny.vocabulary()


def test_text_cannot_spell_our_tokens(vocabulary):
    ids = vocabulary.encode("<assistant> <SG> <o_1>")
    assert max(ids) < vocabulary.first_new


def test_words_come_back(vocabulary):
    text = "What is this grasp? Ünlike çup."
    assert vocabulary.decode(vocabulary.encode_as_is(text)) == text


def test_saved_and_loaded_it_is_the_same(vocabulary, tmp_path):
    vocabulary.save(tmp_path / "tokenizer.json")
    again = Vocabulary.load(tmp_path / "tokenizer.json", tiny.CODES, lower_case=True)
    for text in ("Hold it by the lid", "<SG> odd"):
        assert again.encode(text) == vocabulary.encode(text)
    assert (again.first_new, again.end) == (vocabulary.first_new, vocabulary.end)
    with pytest.raises(ValueError, match="same number of codes"):
        Vocabulary.load(tmp_path / "tokenizer.json", tiny.CODES + 1)


def test_errors(vocabulary, tmp_path):
    with pytest.raises(ValueError, match="texts: there are none"):
        train_vocabulary([])
    with pytest.raises(FileNotFoundError, match="no tokenizer.json"):
        Vocabulary.load(tmp_path / "tokenizer.json")
    with pytest.raises(ValueError, match="outside 0 to 7"):
        vocabulary.grasp_ids(torch.tensor([0, 8, 0]))
    with pytest.raises(ValueError, match="use three"):
        vocabulary.grasp_ids(torch.tensor([0, 1]))
