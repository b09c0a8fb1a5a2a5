"""Words and points tied together: what is asked for, and where on the object that is.

Both networks learn from objects and sentences alone, which can be made without end, so that a grasp's tokens, whose
data is dear, need not carry the meaning of words.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from semgrasp_ros.core.grounding.reader import ReaderConfig, RequestReader, padded
from semgrasp_ros.core.grounding.segmentation import PartSegmentation
from semgrasp_ros.core.language.batches import Turns
from semgrasp_ros.core.language.folder import write_json, write_tensors
from semgrasp_ros.core.language.vocabulary import Vocabulary
from semgrasp_ros.core.objects.encoder import ObjectEncoderConfig

FORMAT = "semgrasp-grounding-1"
CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
# More points than groups can tell apart help nobody.
SEEN_POINTS = 1024
# A part that words name is there: its likeliest points, this share of the object, are made likely.
CORE_SHARE = 0.04


@dataclass(frozen=True)
class Reading:
    """What a request asks for, as far as words tell.

    Attributes:
        part: (W,) probabilities of part names.
        manner: (M,) probabilities of manners, in the order of MANNERS.
    """

    part: torch.Tensor
    manner: torch.Tensor


class Grounding(nn.Module):
    """Reader of requests and segmentation of clouds over the same part names."""

    def __init__(
        self,
        part_names: Sequence[str],
        vocabulary: Vocabulary,
        reader: ReaderConfig | None = None,
        encoder: ObjectEncoderConfig | None = None,
        hears: bool = True,
    ) -> None:
        super().__init__()
        self.part_names = tuple(part_names)
        self.reader = RequestReader(vocabulary, len(self.part_names), reader or ReaderConfig())
        self.segmentation = PartSegmentation(
            len(self.part_names),
            encoder or ObjectEncoderConfig(width=128, groups=96, neighbours=24),
            hears,
        )

    @torch.no_grad()
    def read(self, turns: Turns) -> Reading:
        """Reads a conversation that ends with a request.

        Raises:
            ValueError: it does not.
        """
        part, manner = self.reader(padded([self.reader.encode(turns)], self.reader.vocabulary))
        return Reading(part[0].softmax(dim=0), manner[0].softmax(dim=0))

    @torch.no_grad()
    def parts_of_points(
        self, points: np.ndarray, normals: np.ndarray, named: int | None = None
    ) -> torch.Tensor:
        """Probabilities of part names.

        Args:
            points: (N, 3) metres, object frame.
            normals: (N, 3).
            named: index of a part that words name, so that it is there; see also `believed`.

        Returns:
            (N, W).
        """
        chosen = np.random.default_rng(0).permutation(len(points))[:SEEN_POINTS]
        seen = torch.from_numpy(points[chosen])[None], torch.from_numpy(normals[chosen])[None]
        there = None if named is None else torch.tensor([named])
        said = self.segmentation(*seen, there)[0].softmax(dim=1)
        nearest = torch.cdist(torch.from_numpy(points), seen[0][0]).argmin(dim=1)
        return said[nearest]

    def save(self, folder: str | Path, notes: dict[str, object] | None = None, half: bool = False) -> None:
        """Writes weights, words and configuration; each file appears whole or not at all, config.json last.

        Raises:
            ValueError: a weight is not finite; nothing was written.
        """
        weights = self.state_dict()
        for name, value in weights.items():
            if not torch.isfinite(value).all():
                raise ValueError(f"weights: {name} is not finite; not saved")
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors(
            folder / WEIGHTS, {name: value.half() if half else value for name, value in weights.items()}
        )
        self.reader.vocabulary.save(folder / TOKENIZER)
        described = {
            "format": FORMAT,
            "part_names": self.part_names,
            "codes": self.reader.vocabulary.codes,
            "reader": dataclasses.asdict(self.reader.config),
            "encoder": dataclasses.asdict(self.segmentation.config),
            "hears": self.segmentation.hears,
            "notes": dict(notes or {}),
        }
        write_json(folder / CONFIG, described)

    @classmethod
    def load(cls, folder: str | Path) -> Grounding:
        """Reads what `save` wrote, ready for use.

        Raises:
            FileNotFoundError: the folder holds no such model.
            ValueError: the files are of something else, or do not fit one another.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        folder = Path(folder)
        for name in (CONFIG, TOKENIZER, WEIGHTS):
            if not (folder / name).is_file():
                raise FileNotFoundError(
                    f"{folder}: has no {name}; give a folder that `train-grounding` wrote"
                )
        described = json.loads((folder / CONFIG).read_text())
        if described.get("format") != FORMAT:
            raise ValueError(
                f"{folder}: {CONFIG} has format {described.get('format')!r}; this reads {FORMAT!r}"
            )
        vocabulary = Vocabulary.load(folder / TOKENIZER, described["codes"], lower_case=True)
        loaded = cls(
            described["part_names"],
            vocabulary,
            ReaderConfig(**described["reader"]),
            ObjectEncoderConfig(**described["encoder"]),
            # Those from before segmentations could be told a part's name do not say.
            described.get("hears", False),
        )
        try:
            loaded.load_state_dict(load_file(folder / WEIGHTS))
        except SafetensorError as error:
            raise ValueError(f"{folder / WEIGHTS}: is no safetensors file ({error})") from error
        except RuntimeError as error:
            raise ValueError(f"{folder}: weights do not fit {CONFIG} ({error})") from error
        return loaded.eval()


def believed(probabilities: torch.Tensor, part: int) -> torch.Tensor:
    """What points belong to when it is known that a part is there, since somebody named it.

    Args:
        probabilities: (N, W) of part names for points, as the eye alone sees them.
        part: index of the named part.

    Returns:
        (N, W) probabilities: the odds of the named part are raised, for all points alike, until its likeliest points
        are as likely as not to belong to it; unchanged where they already are.
    """
    odds = torch.logit(probabilities[:, part].clamp(1e-7, 1 - 1e-7))
    core = odds.topk(max(1, round(CORE_SHARE * len(odds)))).values[-1]
    raised = torch.sigmoid(odds + (-core).clamp_min(0.0))
    others = probabilities.clone()
    others[:, part] = 0.0
    others = others / others.sum(dim=1, keepdim=True).clamp_min(1e-9) * (1 - raised)[:, None]
    others[:, part] = raised
    return others
