"""The model on disk: safetensors and JSON alone; adapters of a foreign base apart from the base.

config.json            configuration, and what the base was
tokenizer.json         words and our tokens
model.safetensors      projector and new tokens; the whole small model
adapter/               for a foreign base, in the layout of `peft`
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

import torch

from semgrasp_ros.core.language.base import ADAPTER, adapter_config, load_foreign, make_small
from semgrasp_ros.core.language.config import SMALL, LanguageConfig
from semgrasp_ros.core.language.model import GraspLanguageModel
from semgrasp_ros.core.language.vocabulary import Vocabulary

FORMAT = "semgrasp-language-1"
CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
ADAPTER_WEIGHTS, ADAPTER_CONFIG = "adapter/adapter_model.safetensors", "adapter/adapter_config.json"
_PEFT_PREFIX = "base_model.model."


def save_model(
    model: GraspLanguageModel,
    folder: str | Path,
    notes: Mapping[str, object] | None = None,
    half: bool = False,
) -> None:
    """Writes a model; each file appears whole or not at all, config.json last.

    Args:
        model: what to save.
        folder: where to; made when missing.
        notes: anything worth remembering, as JSON.
        half: keep 16 bits of each weight, for shipping.

    Raises:
        ValueError: a weight is not finite; nothing was written.
    """
    own, adapters = split_weights(model)
    for name, value in {**own, **adapters}.items():
        if not torch.isfinite(value).all():
            raise ValueError(f"weights: {name} is not finite; not saved")
    if half:
        own, adapters = ({name: value.half() for name, value in part.items()} for part in (own, adapters))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, own)
    if not model.is_small:
        (folder / ADAPTER_WEIGHTS).parent.mkdir(exist_ok=True)
        write_tensors(
            folder / ADAPTER_WEIGHTS, {_PEFT_PREFIX + name: value for name, value in adapters.items()}
        )
        write_json(folder / ADAPTER_CONFIG, _adapter_description(model))
    model.vocabulary.save(folder / (TOKENIZER + ".partial"))
    (folder / (TOKENIZER + ".partial")).rename(folder / TOKENIZER)
    described = {
        "format": FORMAT,
        "config": dataclasses.asdict(model.config),
        "object_width": model.projector.object_width,
        "notes": dict(notes or {}),
    }
    write_json(folder / CONFIG, described)


def load_model(folder: str | Path, base: str | Path | None = None) -> GraspLanguageModel:
    """Reads what `save_model` wrote, ready for use.

    Args:
        folder: where it is.
        base: folder of the foreign base, where it is not where it was when the model was saved.

    Raises:
        FileNotFoundError: there is no such model, or its base is missing.
        ValueError: the files do not fit one another.
    """
    folder = Path(folder)
    described = read_description(folder)
    config = LanguageConfig(**described["config"])
    if base is not None:
        if config.base == SMALL:
            raise ValueError(f"base: {folder} holds a small model, which has no other base")
        config = dataclasses.replace(config, base=str(base))
    if config.base == SMALL:
        vocabulary = Vocabulary.load(folder / TOKENIZER, config.codes, config.lower_case)
        lm = make_small(config, vocabulary.first_new)
    else:
        lm, _ = load_foreign(config)
        vocabulary = Vocabulary.load(folder / TOKENIZER, config.codes)
    model = GraspLanguageModel(config, vocabulary, described["object_width"], lm)
    load_weights(model, folder)
    return model.eval()


def read_description(folder: Path) -> dict[str, object]:
    """What config.json tells.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: config.json is of something else.
    """
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"{folder}: has no {name}; give a folder that a language model was saved in"
            )
    described = json.loads((folder / CONFIG).read_text())
    if described.get("format") != FORMAT:
        raise ValueError(f"{folder}: {CONFIG} has format {described.get('format')!r}; this reads {FORMAT!r}")
    return described


def load_weights(model: GraspLanguageModel, folder: Path) -> None:
    """Puts saved weights into a model of the same configuration.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: names or shapes do not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    own, adapters = split_weights(model)
    files = [(folder / WEIGHTS, "", own)]
    if not model.is_small:
        files.append((folder / ADAPTER_WEIGHTS, _PEFT_PREFIX, adapters))
    for file, prefix, wanted in files:
        if not file.is_file():
            raise FileNotFoundError(f"{file}: is missing; save the model again")
        try:
            saved = {name.removeprefix(prefix): value for name, value in load_file(file).items()}
        except SafetensorError as error:
            raise ValueError(f"{file}: is no safetensors file ({error})") from error
        unfit = sorted(set(saved) ^ set(wanted)) or [
            f"{name} {tuple(saved[name].shape)} for {tuple(value.shape)}"
            for name, value in wanted.items()
            if saved[name].shape != value.shape
        ]
        if unfit:
            raise ValueError(f"{file}: does not fit its configuration or base ({', '.join(unfit[:3])})")
        with torch.no_grad():
            for name, value in wanted.items():
                value.copy_(saved[name])


def split_weights(model: GraspLanguageModel) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """What is ours, and the adapters by the names that `peft` gives them; a foreign base itself is in neither."""
    own, adapters = {}, {}
    for name, value in model.named_parameters():
        if model.is_small or not name.startswith("lm."):
            own[name] = value.detach()
        elif "lora_" in name:
            adapters[name.removeprefix("lm.").replace(f".{ADAPTER}.", ".")] = value.detach()
    return own, adapters


def write_tensors(
    path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Writes a safetensors file beside its place, forces it to disk, and moves it there."""
    from safetensors.torch import save_file

    partial = path.with_name(path.name + ".partial")
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    save_file(plain, partial, dict(metadata or {}))
    _to_disk(partial)
    partial.rename(path)


def write_json(path: Path, value: object) -> None:
    """As `write_tensors`, for JSON."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(value, indent=1))
    _to_disk(partial)
    partial.rename(path)


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _adapter_description(model: GraspLanguageModel) -> dict[str, object]:
    described = adapter_config(model.lm, model.config).to_dict()
    described["base_model_name_or_path"] = model.config.base
    described["inference_mode"] = True
    return {name: sorted(value) if isinstance(value, set) else value for name, value in described.items()}
