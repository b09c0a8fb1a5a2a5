"""Baselines on a toy world: the word says which tokens, and where the hand is; most learn it, chance does not."""

import pytest
import torch

from semgrasp_ros.core.baselines import (
    BagOfWords,
    Chance,
    CVae,
    Nearest,
    RandomTokens,
    SentenceEncoder,
    TrainingSet,
    sentence_encoder_folder,
)
from semgrasp_ros.core.baselines.features import WordCounter, pooled, said, words_of
from semgrasp_ros.core.baselines.sentence_encoder import load_encoder
from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.tokens.pose import HandPose

PARTS = ("handle", "rim", "body", "lid")
CODES = 8
ASKED = tuple(range(len(PARTS))) * 12


def things(count: int, seed: int) -> ObjectTokens:
    generator = torch.Generator().manual_seed(seed)
    return ObjectTokens(
        torch.randn(count, 5, 6, generator=generator), 0.05 + 0.1 * torch.rand(count, 3, generator=generator)
    )


def request(part: int, number: int):
    start = ("Hold", "Take", "Grip", "Grasp")[number % 4]
    return (("human", f"{start} it by the {PARTS[part]}, please."),)


def true_tokens(parts) -> torch.Tensor:
    parts = torch.as_tensor(parts)
    return torch.stack([parts, 7 - parts, (parts * 3) % CODES], dim=1)


def true_poses(parts) -> HandPose:
    parts = torch.as_tensor(parts, dtype=torch.float32)
    wrist = torch.eye(4).repeat(len(parts), 1, 1)
    wrist[:, 0, 3] = 0.1 * (parts - 1.5)
    rotations = torch.zeros(len(parts), 15, 3)
    rotations[:, :, 2] = 0.3 * parts[:, None]
    return HandPose(wrist, rotations, torch.zeros(len(parts), 10))


@pytest.fixture(scope="module")
def data() -> TrainingSet:
    parts = [number % len(PARTS) for number in range(480)]
    return TrainingSet(
        things(120, 0),
        torch.tensor([number // len(PARTS) for number in range(480)]),
        [request(part, number // 4) for number, part in enumerate(parts)],
        true_tokens(parts),
        true_poses(parts),
        CODES,
    )


def answer(baseline, data):
    baseline.fit(data)
    turns = [request(part, number) for number, part in enumerate(ASKED)]
    return baseline.answer(things(len(ASKED), 1), turns, torch.Generator().manual_seed(2))


def hits(tokens: torch.Tensor) -> float:
    return float((tokens == true_tokens(ASKED)).float().mean())


def letters(texts):
    """Stands for a sentence encoder: which letters are in a text."""
    return torch.nn.functional.normalize(
        torch.tensor([[float(chr(97 + n) in text.lower()) for n in range(26)] for text in texts]), dim=1
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: BagOfWords(steps=150),
        lambda: SentenceEncoder(letters, steps=150),
        Nearest,
    ],
    ids=["bag_of_words", "sentence_encoder", "nearest"],
)
def test_learns_which_word_means_which_tokens(make, data):
    assert hits(answer(make(), data)) > 0.9


@pytest.mark.parametrize("make", [Chance, RandomTokens])
def test_chance_gives_likely_tokens_but_does_not_listen(make, data):
    tokens = answer(make(), data)
    assert tokens.shape == (len(ASKED), 3)
    assert all(set(tokens[:, level].tolist()) <= set(data.tokens[:, level].tolist()) for level in range(3))
    assert 0.05 < hits(tokens) < 0.55


def test_chance_keeps_tokens_of_one_grasp_together_and_random_tokens_do_not(data):
    there = {tuple(row) for row in data.tokens.tolist()}
    together = [tuple(row) in there for row in answer(Chance(), data).tolist()]
    apart = [tuple(row) in there for row in answer(RandomTokens(), data).tolist()]
    assert all(together)
    assert not all(apart)


def test_cvae_puts_the_hand_where_the_word_says(data):
    poses = answer(CVae(steps=250), data)
    true = true_poses(ASKED)
    error = (poses.wrist[:, 0, 3] - true.wrist[:, 0, 3]).abs().mean()
    whatever = (true.wrist[:, 0, 3] - data.poses.wrist[:, 0, 3].mean()).abs().mean()
    assert error < 0.4 * whatever
    assert torch.allclose(
        poses.wrist[:, :3, :3] @ poses.wrist[:, :3, :3].mT, torch.eye(3).expand(len(ASKED), 3, 3), atol=1e-4
    )


def test_nearest_asks_only_objects_that_look_alike():
    # Every object stands for one part here, so that the object alone decides.
    ten, parts = things(10, 0), torch.arange(10) % 4
    one_each = TrainingSet(
        ten, torch.arange(10), [request(0, 0)] * 10, true_tokens(parts), true_poses(parts), CODES
    )
    nearest = Nearest(objects=1)
    nearest.fit(one_each)
    found = nearest.answer(ten, [request(0, 1)] * 10, torch.Generator())
    assert torch.equal(found, one_each.tokens)


@pytest.mark.parametrize("make", [lambda: BagOfWords(steps=20), lambda: CVae(steps=20)])
def test_the_same_data_give_the_same_baseline(make, data):
    one, other = answer(make(), data), answer(make(), data)
    if isinstance(one, HandPose):
        one, other = one.wrist, other.wrist
    assert torch.equal(one, other)


def test_words_are_the_humans_alone():
    turns = (("human", "Take the mug!"), ("assistant", "Which part?"), ("human", "Its handle."))
    assert words_of(said(turns)) == ["take", "the", "mug", "its", "handle"]


def test_words_said_once_are_left_out_and_unknown_ones_do_not_count():
    counter = WordCounter(["the mug", "the cup", "the mug"])
    assert set(counter.index) == {"the", "mug"}
    assert counter(["A strange mug"]).sum() == 1


def test_pooled_features_do_not_depend_on_the_order_of_groups():
    thing = things(2, 3)
    turned = ObjectTokens(torch.cat([thing.tokens[:, [3, 0, 2, 1]], thing.tokens[:, -1:]], dim=1), thing.size)
    assert torch.allclose(pooled(thing), pooled(turned), atol=1e-6)


def test_a_training_set_with_a_missing_entry_is_refused(data):
    with pytest.raises(ValueError, match="one of each"):
        TrainingSet(data.things, data.owner[:-1], data.turns, data.tokens, data.poses, CODES)


def test_a_folder_without_an_encoder_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json"):
        load_encoder(tmp_path)


def test_an_encoder_of_transformers_gives_unit_vectors(tmp_path):
    folder = small_bert(tmp_path)
    vectors = load_encoder(folder, batch=2)(["hold it", "hold it by the handle", "hold it"])
    assert vectors.shape == (3, 16)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(vectors[0], vectors[2], atol=1e-5)


def test_the_encoder_is_found_only_where_it_is_installed():
    folder = sentence_encoder_folder()
    assert folder is None or (folder / "config.json").is_file()


def small_bert(folder):
    """A tiny encoder with random weights, as `transformers` would save a real one."""
    from transformers import BertConfig, BertModel, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hold", "it", "by", "the", "handle"]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder
