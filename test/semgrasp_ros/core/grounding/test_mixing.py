"""Requests about things that do not exist still ask for the same part in the same manner."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from semgrasp_ros.core.data.captions import captions
from semgrasp_ros.core.data.captions.annotation import Annotation
from semgrasp_ros.core.grounding.mixing import mixed, transplanted, unknown_word

MUG = Annotation(
    ("mug", "coffee cup"), "handle", ("handle", "ear"), "hook", "lift", other_parts={"body": ("body", "side")}
)
TEAPOT = Annotation(
    ("teapot",), "spout", ("spout",), "power", "pour", other_parts={"handle": ("handle",), "grip": ("ear",), "lid": ("lid",)}
)  # fmt: skip


@given(st.integers(0, 2**31))
def test_what_is_asked_for_stays(seed: int):
    rng = np.random.default_rng(seed)
    made = mixed(MUG, [MUG, TEAPOT], rng)
    assert (made.part, made.part_names, made.manner, made.intent) == (
        "handle",
        ("handle", "ear"),
        "hook",
        "lift",
    )
    assert "handle" not in made.other_parts
    assert not any(set(names) & {"handle", "ear"} for names in made.other_parts.values())
    (said,) = captions(made, rng, kinds=("part",))
    assert "part" in said.names
    assert "handle" in said.turns[-1][1].lower() or "ear" in said.turns[-1][1].lower()


def test_things_get_other_names_and_parts():
    rng = np.random.default_rng(0)
    made = [mixed(MUG, [TEAPOT], rng) for _ in range(200)]
    names = {one.family_names[0] for one in made}
    assert {"mug", "teapot"} <= names and len(names) > 20
    assert any("lid" in one.other_parts for one in made)
    assert "spout" in names and not {"handle", "ear"} & names


def test_unknown_words_are_words():
    rng = np.random.default_rng(0)
    words = {unknown_word(rng) for _ in range(100)}
    assert len(words) > 90
    assert all(word.isalpha() and word.islower() for word in words)


def test_a_transplanted_part_keeps_its_name_and_stands_where_the_old_one_was():
    rng = np.random.default_rng(0)
    body = np.concatenate([rng.normal(size=(200, 3)) * 0.02, np.zeros((200, 3)), np.zeros((200, 1))], axis=1)

    def thing(part: int, at: float) -> np.ndarray:
        small = rng.normal(size=(56, 3)) * 0.005 + [at, 0, 0]
        return np.concatenate(
            [body, np.concatenate([small, np.ones((56, 3)), np.full((56, 1), part)], axis=1)]
        )

    clouds = torch.from_numpy(np.array([thing(1, 0.1), thing(2, -0.1)])).float()
    made = transplanted(clouds, 1.0, np.random.default_rng(2))
    assert torch.equal(made[:, :200], clouds[:, :200])
    for before, after in zip(clouds, made, strict=True):
        assert len(after[200:, 6].unique()) == 1 and float(after[200, 6]) in (1.0, 2.0)
        assert torch.allclose(after[200:, :3].mean(dim=0), before[200:, :3].mean(dim=0), atol=0.004)
    assert any(
        float(after[200, 6]) != float(before[200, 6]) for before, after in zip(clouds, made, strict=True)
    )
    assert torch.equal(transplanted(clouds, 0.0, rng), clouds)
    whole = clouds[:, :200]
    assert torch.equal(transplanted(whole, 1.0, rng), whole)  # nothing but a body
