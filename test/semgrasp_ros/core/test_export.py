"""What is exported is half as large and grasps the same."""

from pathlib import Path

import numpy as np
import pytest
import torch

from semgrasp_ros.core.data.dataset import object_cloud, part_vocabulary
from semgrasp_ros.core.export import export_models
from semgrasp_ros.core.language import GraspLanguageModel, LanguageConfig, save_model, train_vocabulary
from semgrasp_ros.core.objects.encoder import ObjectEncoderConfig
from semgrasp_ros.core.objects.frame import HeadingConfig, HeadingEstimator
from semgrasp_ros.core.pipeline import SemGrasp
from semgrasp_ros.core.tokens.model import TokenModel, TokenModelConfig
from semgrasp_ros.core.tokens.tokenizer import TokenizerConfig
from test.semgrasp_ros.core.tiny_grounding import tiny_grounding

WORDS = "hand me the mug by its handle"


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    encoder = ObjectEncoderConfig(width=32, groups=8, neighbours=8, layers=1, heads=2)
    tokens = TokenModel(
        TokenModelConfig(encoder, TokenizerConfig(width=32, layers=1, heads=2)), part_vocabulary()
    )
    tokens.save(tmp_path / "tokens", {"step": 0, "training": {}, "validation": {}})
    small = LanguageConfig(width=32, layers=1, heads=2, inner=32, vocabulary=300, object_slots=4)
    language = GraspLanguageModel.make(small, train_vocabulary([WORDS], 300), object_width=32)
    save_model(language, tmp_path / "language")
    HeadingEstimator(HeadingConfig()).save(tmp_path / "frame")
    tiny_grounding().save(tmp_path / "grounding")
    return tmp_path


def test_exported_models_are_small_and_grasp_the_same(trained: Path, tmp_path: Path) -> None:
    output = tmp_path / "shipped"
    parts = ("tokens", "language", "frame", "grounding")
    export_models(*(trained / part for part in parts), output)
    for name in ("tokens", "language", "grounding"):
        before, after = ((folder / name / "model.safetensors").stat().st_size for folder in (trained, output))
        assert after < 0.6 * before
    assert not list(output.rglob("state.pt"))
    mug = object_cloud("mug", 0)
    points, normals = (torch.from_numpy(rows[:512])[None].float() for rows in (mug.points, mug.normals))
    with torch.no_grad():
        before, after = (
            model.tokenizer.decode(torch.tensor([[3, 5, 7]]), model.see(points, normals))
            for model in (TokenModel.load(folder / "tokens") for folder in (trained, output))
        )
    assert torch.allclose(before.wrist, after.wrist, atol=2e-3)
    assert torch.allclose(before.joint_rotations, after.joint_rotations, atol=2e-2)
    assert np.isfinite(
        SemGrasp.load(output).generate(mug.points, mug.normals, WORDS, seed=0)[0].vertices
    ).all()


def test_a_missing_model_is_named(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        export_models(
            tmp_path / "nowhere",
            *(trained / part for part in ("language", "frame", "grounding")),
            tmp_path / "out",
        )
