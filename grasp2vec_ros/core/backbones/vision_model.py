"""Any vision backbone of `transformers`, from a local folder."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn


class VisionModel(nn.Module):
    """Wraps a model whose last hidden state is a map or a sequence of patches.

    Args:
        model_path: local folder with `config.json`; weights are read from `model.safetensors` when it is there.

    Raises:
        ValueError: no model there, or one whose output is no map.
    """

    def __init__(self, model_path: str) -> None:
        super().__init__()
        folder = Path(model_path)
        if not model_path or not (folder / "config.json").is_file():
            raise ValueError(f"model_path: {model_path!r} is not a local model folder (with config.json)")
        # Imported here: it takes seconds and most users never need it.
        from transformers import AutoConfig, AutoModel

        # Weights only as safetensors and never code from the folder: a model's files are data.
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if (folder / "model.safetensors").is_file():
            self.model = AutoModel.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, trust_remote_code=False
            )
        else:
            self.model = AutoModel.from_config(config, trust_remote_code=False)
        size = getattr(config, "image_size", None)
        self.size = (size if isinstance(size, int) else 224) or 224
        with torch.no_grad():
            probe = self(torch.zeros(1, 3, self.size, self.size))
        self.channels, self.stride = probe.shape[1], max(1, self.size // probe.shape[2])
        self.first_place_px = self.stride / 2  # the middle of the first patch

    def forward(self, x: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, C, h, w)."""
        hidden = self.model(x).last_hidden_state
        if hidden.ndim == 4:
            return hidden
        patch = getattr(self.model.config, "patch_size", None)
        if hidden.ndim != 3 or not isinstance(patch, int):
            raise ValueError(
                f"model_path: the model's output of shape {tuple(hidden.shape)} is not a spatial map"
            )
        rows, columns = x.shape[2] // patch, x.shape[3] // patch
        # Class and register tokens come before the patches.
        return (
            hidden[:, hidden.shape[1] - rows * columns :]
            .transpose(1, 2)
            .reshape(x.shape[0], -1, rows, columns)
        )
