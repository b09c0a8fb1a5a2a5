"""The demonstration's second act: one sentence, the shipped models, real physics."""

import json

import pytest

from demo import sentences
from demo.report import _said
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.data.household import FAMILIES, make_object
from semgrasp_ros.core.data.splits import split_of


@pytest.mark.parametrize(("family", "instance", "part", "words"), sentences.SENTENCES)
def test_sentences_are_about_parts_of_objects_that_nothing_learned_from(family, instance, part, words):
    assert split_of(family, instance) == "unseen_instances"
    assert part in {one.name for one in make_object(family, instance).parts}
    assert any(name in words.lower() for name in (*FAMILIES[family].names, family.replace("_", " ")))


@pytest.mark.slow
def test_a_sentence_becomes_a_trial_that_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(sentences, "SENTENCES", sentences.SENTENCES[:1])
    results = Results("test", 0)
    (spoken,) = sentences.speak(tmp_path, 0, results)
    assert spoken.words == sentences.SENTENCES[0][3]
    assert spoken.held == (spoken.reason == "") or not spoken.on_part
    assert spoken.picture.is_file()
    shown = _said(spoken)
    assert shown["picture"].startswith("data:image/jpeg;base64,")
    assert shown["right"] == (spoken.held and spoken.on_part)
    rows = {row["metric"]: row for row in results.rows}
    assert rows["lift_and_part"]["n"] == 1
    assert rows["lift_and_part"]["split"] == sentences.SPLIT
    (file,) = tmp_path.glob("*.jsonl")
    before = file.read_text()
    assert json.loads(before)["asked"] == "handle"
    # A second run finds it done.
    again = sentences.speak(tmp_path, 0, Results("test", 0))
    assert again == [spoken]
    assert file.read_text() == before
