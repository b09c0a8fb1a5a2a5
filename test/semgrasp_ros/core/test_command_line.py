"""`python -m semgrasp_ros`: from generated grasps to a trained pipeline, small; and what it says when it cannot."""

from pathlib import Path

import numpy as np
import pytest

from semgrasp_ros.__main__ import main
from semgrasp_ros.core.data.dataset import object_cloud
from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.pipeline import SemGrasp


def write_grasps(folder: Path) -> None:
    """Some hands beside objects: enough to run on, nothing to learn from."""
    rng = np.random.default_rng(0)
    for instance in (1, 2, 3):
        grasps = []
        for _ in range(4):
            wrist = np.eye(4)
            wrist[:3, 3] = rng.normal(scale=0.05, size=3)
            grasps.append(
                Grasp("mug", instance, wrist, rng.normal(scale=0.2, size=(15, 3)), rng.normal(size=10),
                      "handle", "power", "lift", ("handle",) * 6)
            )  # fmt: skip
        GraspFolder(folder).write("mug", instance, grasps)


@pytest.mark.slow
def test_from_grasps_to_a_pipeline(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    grasps, models = tmp_path / "grasps", tmp_path / "models"
    write_grasps(grasps)
    tokens = ["--output", str(models / "tokens"), "--steps", "2"]
    assert main(["train-tokens", "--grasps", str(grasps), *tokens]) == 0
    words = ["--tokens", str(models / "tokens"), "--output", str(models / "language"), "--steps", "2", "1"]
    assert main(["train-language", "--grasps", str(grasps), *words]) == 0
    assert "8 grasps of 2 objects; 4 to validate with" in capsys.readouterr().out
    ground = [
        "--output",
        str(models / "grounding"),
        "--steps",
        "2",
        "2",
        "--instances",
        "4",
        "--made-up",
        "2",
    ]
    assert main(["train-grounding", "--families", "mug", "cup", *ground]) == 0
    said = capsys.readouterr().out
    assert "6 objects; 2 to validate with" in said and "named_view" in said
    pipeline = SemGrasp.load(models)
    assert pipeline.version.startswith("models-")
    cloud = object_cloud("mug", 10)
    (hand,) = pipeline.generate(
        cloud.points, cloud.normals, "take the mug by its handle", candidates=2, seed=0
    )
    assert np.isfinite(hand.vertices).all()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["generate", "--grasps", "x", "--families", "mugg"], "families: ['mugg'] are unknown"),
        (
            ["train-tokens", "--grasps", "nothing", "--output", "x", "--variant", "five"],
            "variant: 'five' is unknown",
        ),
        (["train-tokens", "--grasps", "nothing", "--output", "x"], "has no grasps of the split 'train'"),
        (
            ["train-language", "--grasps", "x", "--tokens", "nothing", "--output", "y"],
            "has no model.safetensors",
        ),
        (
            ["train-grounding", "--families", "kettle", "--output", "x"],
            "families: kettle is held out; use others",
        ),
    ],
)
def test_mistakes_are_named(arguments: list[str], text: str, capsys: pytest.CaptureFixture) -> None:
    assert main(arguments) == 2
    assert text in capsys.readouterr().err


def test_what_does_not_ship_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has no"):
        SemGrasp.load(tmp_path)
