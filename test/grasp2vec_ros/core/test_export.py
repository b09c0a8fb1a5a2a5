import json

import cv2
import numpy as np
import pytest

from grasp2vec_ros.__main__ import main
from grasp2vec_ros.core.export import export_images, export_mcap, read_bag
from grasp2vec_ros.core.store import ExperienceStore
from test.grasp2vec_ros.core.helpers import make_experience


def test_a_bag_holds_what_the_store_holds(tmp_path):
    rng = np.random.default_rng(0)
    experiences = [make_experience(rng, stamp_ns=10**9 * (i + 1), success=i != 1) for i in range(3)]
    assert export_mcap(experiences, tmp_path / "bag") == 3
    for experience, message in zip(experiences, read_bag(tmp_path / "bag"), strict=True):
        assert message.experience_id == experience.experience_id and message.success == experience.success
        assert np.array_equal(np.asarray(message.pre.data).reshape(48, 64, 3), experience.pre)
        assert len(message.held) == len(experience.held)
        assert message.header.stamp.sec == experience.stamp_ns // 10**9
    with pytest.raises(ValueError, match="exists"):
        export_mcap(experiences, tmp_path / "bag")


def test_folders_of_images(tmp_path):
    experience = make_experience(np.random.default_rng(0))
    for _ in range(2):  # again: goes on instead of failing
        assert export_images([experience], tmp_path) == 1
    picture = cv2.imread(str(tmp_path / experience.experience_id / "pre.png"))[:, :, ::-1]
    assert np.array_equal(picture, experience.pre)
    facts = json.loads((tmp_path / "attempts.jsonl").read_text())
    assert facts["experience_id"] == experience.experience_id and facts["gripper_opening_m"] is None


def test_the_command_line(tmp_path, capsys):
    with ExperienceStore(tmp_path / "s") as store:
        for seed in range(20):
            store.add(make_experience(np.random.default_rng(seed)))
    small = [
        "--set",
        "encoder.width=4",
        "--set",
        "encoder.embedding_size=8",
        "--set",
        "batch_size=8",
        "--set",
        "smallest_batch=4",
    ]
    train = ["train", "--store", str(tmp_path / "s"), "--checkpoints", str(tmp_path / "c"), *small]
    assert main([*train, "--steps", "2"]) == 0
    assert main([*train, "--steps", "3"]) == 0
    assert "step 3" in capsys.readouterr().out
    assert main(["inspect", "--store", str(tmp_path / "s"), "--checkpoint", str(tmp_path / "c")]) == 0
    assert '"lifted": 20' in capsys.readouterr().out
    assert (
        main(["export", "--store", str(tmp_path / "s"), "--format", "mcap", "--output", str(tmp_path / "b")])
        == 0
    )
    assert len(list(read_bag(tmp_path / "b"))) == 20


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspect", "--store", "nowhere"], "does not exist"),
        (["inspect", "--checkpoint", "nowhere"], "does not exist"),
        (["inspect"], "name one of them"),
        (["train", "--store", "s", "--checkpoints", "c", "--set", "batch_sise=3"], "batch_sise"),
        (["train", "--store", "s", "--checkpoints", "c", "--set", "encoder.width=three"], "width"),
        (["train", "--store", "s", "--checkpoints", "c", "--set", "encoder.pooling=max"], "pooling"),
    ],
)
def test_the_command_line_says_what_is_wrong(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error and "Traceback" not in error
