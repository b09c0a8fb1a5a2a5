"""Object encoder and grasp tokenizer together: what is trained in the first place, saved and loaded."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.objects.encoder import ObjectEncoder, ObjectEncoderConfig, ObjectTokens
from semgrasp_ros.core.tokens.tokenizer import GraspTokenizer, TokenizerConfig

WEIGHTS, CONFIG = "model.safetensors", "config.json"


@dataclass
class TokenModelConfig:
    """Both networks."""

    encoder: ObjectEncoderConfig = field(default_factory=ObjectEncoderConfig)
    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)


class TokenModel(nn.Module):
    """The two networks, and heads that name parts and manners while training.

    One head names the part of each group of points. Two others name the part that is held from the orientation's code
    alone, and the manner from the manner's: so codes take sides with words, whatever the object, and a language model
    has only to choose among the codes of a word.
    """

    def __init__(self, config: TokenModelConfig, part_names: tuple[str, ...]) -> None:
        super().__init__()
        self.config = config
        self.part_names = part_names
        self.encoder = ObjectEncoder(config.encoder)
        self.tokenizer = GraspTokenizer(config.tokenizer)
        self.part_head = nn.Linear(config.encoder.width, len(part_names))
        self.held_head = nn.Linear(config.tokenizer.width, len(part_names))
        self.manner_head = nn.Linear(config.tokenizer.width, len(MANNERS))

    def see(self, points: torch.Tensor, normals: torch.Tensor) -> ObjectTokens:
        """Tokens of clouds (B, N, 3)."""
        return self.encoder(points, normals)

    def save(self, folder: Path, notes: dict[str, object]) -> None:
        """Writes weights and configuration; the weights appear whole or not at all."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        described = {"model": dataclasses.asdict(self.config), "part_names": self.part_names, **notes}
        partial = folder / (WEIGHTS + ".partial")
        save_file({name: value.contiguous() for name, value in self.state_dict().items()}, partial)
        (folder / CONFIG).write_text(json.dumps(described, indent=1))
        partial.rename(folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> TokenModel:
        """Reads what `save` wrote, ready for use.

        Raises:
            FileNotFoundError: the folder holds no such model.
            ValueError: weights and configuration do not fit.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        folder = Path(folder)
        for name in (WEIGHTS, CONFIG):
            if not (folder / name).exists():
                raise FileNotFoundError(f"{folder}: has no {name}; give a folder that `train-tokens` wrote")
        described = json.loads((folder / CONFIG).read_text())
        model = described["model"]
        model["tokenizer"]["roles"] = tuple(model["tokenizer"]["roles"])
        config = TokenModelConfig(
            ObjectEncoderConfig(**model["encoder"]), TokenizerConfig(**model["tokenizer"])
        )
        loaded = cls(config, tuple(described["part_names"]))
        try:
            loaded.load_state_dict(load_file(folder / WEIGHTS))
        except SafetensorError as error:
            raise ValueError(f"{folder / WEIGHTS}: is no safetensors file ({error})") from error
        except RuntimeError as error:
            raise ValueError(f"{folder}: weights do not fit config.json ({error})") from error
        return loaded.eval()
