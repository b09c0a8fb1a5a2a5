"""Trained models made small for shipping: 16 bits for each weight, nothing that only training needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from semgrasp_ros.core.grounding import Grounding
from semgrasp_ros.core.language import load_model, save_model
from semgrasp_ros.core.tokens.model import CONFIG, WEIGHTS, TokenModel

FRAME = "frame"
READABLE = 0o644


def export_models(tokens: Path, language: Path, frame: Path, grounding: Path, output: Path) -> None:
    """Writes the folder that `SemGrasp.load` reads.

    Args:
        tokens: folder that `train-tokens` wrote.
        language: folder that `train-language` wrote.
        frame: folder that `train-frame` wrote.
        grounding: folder that `train-grounding` wrote.
        output: gets `tokens`, `language`, `frame` and `grounding`.

    Raises:
        FileNotFoundError: one of them is not there.
        ValueError: weights that cannot be read, or are not finite.
    """
    notes = json.loads((Path(tokens) / CONFIG).read_text())
    TokenModel.load(tokens).half().save(
        output / "tokens", {name: notes[name] for name in ("step", "training", "validation")}
    )
    model = load_model(language)
    trained = json.loads((Path(language) / CONFIG).read_text())
    save_model(model, output / "language", trained["notes"], half=True)
    read = json.loads((Path(grounding) / CONFIG).read_text())
    Grounding.load(grounding).save(output / "grounding", read["notes"], half=True)
    (output / FRAME).mkdir(parents=True, exist_ok=True)
    for name in (CONFIG, WEIGHTS):
        shutil.copyfile(Path(frame) / name, output / FRAME / name)
    for file in output.glob("*/*"):
        file.chmod(READABLE)
