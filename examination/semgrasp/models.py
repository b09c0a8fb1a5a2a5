"""What is examined: a token model and, for grasps from words, a language model and a grounding of words in points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zlib import crc32

import numpy as np
import torch

from examination.semgrasp.held_out import Request
from semgrasp_ros.core.contact.field import ObjectField, field_of_points
from semgrasp_ros.core.data.dataset import CLOUD_POINTS, object_cloud
from semgrasp_ros.core.data.household import make_object
from semgrasp_ros.core.drawing import SEEN_POINTS
from semgrasp_ros.core.objects.clouds import seen_cloud
from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.pipeline import shipped_folder
from semgrasp_ros.core.tokens.model import TokenModel

WEIGHTS = "model.safetensors"


def tokens_folder(given: Path | None) -> Path:
    """The folder of the token model: the given one, or the shipped one."""
    return _folder(given, "tokens")


def language_folder(given: Path | None) -> Path:
    """The folder of the language model: the given one, or the shipped one."""
    return _folder(given, "language")


def grounding_folder(given: Path | None) -> Path:
    """The folder of the grounding: the given one, or the shipped one."""
    return _folder(given, "grounding")


def _folder(given: Path | None, name: str) -> Path:
    folder = given or shipped_folder() / name
    if not (folder / WEIGHTS).is_file():
        which = "was given" if given else "is shipped"
        raise FileNotFoundError(
            f"--{name}: {folder} {which} but has no {WEIGHTS}; give the folder of a trained model"
        )
    return folder


def mark(*folders: Path) -> str:
    """Short name of what models say, so that measurements of others are not taken for theirs."""
    total = 0
    for folder in folders:
        total = crc32((folder / WEIGHTS).read_bytes(), total)
    return f"{total:08x}"


@dataclass(frozen=True)
class View:
    """An object as it is given to a method.

    Attributes:
        points: (N, 3) float32, object frame, metres.
        normals: (N, 3).
    """

    points: np.ndarray
    normals: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        """(3,) middle of the box around the points, where the networks' frame begins."""
        return ((self.points.min(axis=0) + self.points.max(axis=0)) / 2).astype(np.float32)


def view_of(request: Request) -> View:
    """What is seen of a request's object: all of it, or one side with noise."""
    pair = request.grasp.family, request.grasp.instance
    if not request.partial:
        return whole_view(*pair)
    rng = np.random.default_rng([request.seed, 1])
    cloud = seen_cloud(make_object(*pair), CLOUD_POINTS, rng)
    return View(cloud.points, cloud.normals)


@lru_cache(maxsize=64)
def whole_view(family: str, instance: int) -> View:
    """All of an object, as in training."""
    cloud = object_cloud(family, instance)
    return View(cloud.points, cloud.normals)


@torch.no_grad()
def look(model: TokenModel, view: View, centred: bool = True) -> ObjectTokens:
    """What the encoder sees of one object, its points around the middle of their box or where they are."""
    chosen = np.random.default_rng(0).permutation(len(view.points))[:SEEN_POINTS]
    points = torch.from_numpy(view.points[chosen] - (view.centre if centred else 0))[None]
    return model.see(points, torch.from_numpy(view.normals[chosen])[None])


def field_of(view: View) -> ObjectField:
    """Distances around the points, in the networks' frame."""
    return field_of_points(view.points - view.centre, view.normals)
