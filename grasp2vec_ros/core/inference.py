"""The model in use: embeds, finds and scores, while newer checkpoints replace it."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grasp2vec_ros.core import arithmetic
from grasp2vec_ros.core.change import aligned
from grasp2vec_ros.core.checkpoint import CheckpointError, load_checkpoint, newest_checkpoint
from grasp2vec_ros.core.colours import cell_px, removed_histogram, root_histograms
from grasp2vec_ros.core.encoder import (
    EncoderConfig,
    Grasp2Vec,
    held_input,
    make_model,
    scene_height_px,
    scene_input,
)
from grasp2vec_ros.core.options import option
from grasp2vec_ros.core.packed import pack
from grasp2vec_ros.core.probe import STRIDES

logger = logging.getLogger(__name__)

UNTRAINED = "untrained"
SHIPPED_MODEL = "grasp2vec"


@dataclass
class PerceiverConfig:
    """Where the model runs and what its heatmap is."""

    device: str = option(
        "auto",
        "where the model runs; auto: a GPU when there is one",
        choices=["auto", "cpu", "cuda"],
        read_only=True,
    )
    cosine_heatmap: bool = option(
        True,
        "heatmap of cosines in [-1, 1]; otherwise raw dot products as in the paper, of what is learned alone",
    )
    heatmap_blur: float = option(
        0.6,
        "standard deviation by which a heatmap is smoothed [places of the map]: the middle of an object is surer than"
        " its border. The paper's: 0",
        minimum=0.0,
        maximum=2.0,
    )
    quiet_change: float = option(
        0.1,
        "where a scene changed by this part of its largest change, that counts half for what was removed: shadows and a"
        " camera that moved change every place a little. The paper's: 0",
        minimum=0.0,
        maximum=1.0,
    )
    probe_heatmap: float = option(
        0.3,
        "how much a model's probe counts in heatmaps beside what is learned: it finds objects unlike those that were"
        " learned from more often, and costs a second pass of a trunk. 0: learned alone",
        minimum=0.0,
        maximum=10.0,
    )
    colour_heatmap: float = option(
        0.5, "how much a model's colours count in heatmaps beside what is learned", minimum=0.0, maximum=10.0
    )
    seed: int = option(
        0, "seed of the weights before the first checkpoint", minimum=0, maximum=2**31 - 1, read_only=True
    )


@dataclass(frozen=True)
class _Loaded:
    model: Grasp2Vec
    version: str
    path: Path | None


def default_checkpoint() -> Path | None:
    """The checkpoint that ships with the package, from the source tree or an installation; None without one."""
    for folder in Path(__file__).resolve().parents:
        for models in (folder / "models", folder / "share" / "semantic_grasping" / "models"):
            if (models / SHIPPED_MODEL).is_dir():
                return newest_checkpoint(models / SHIPPED_MODEL)
    return None


def initial_checkpoint(choice: str) -> Path | None:
    """What a model begins with: "shipped", "none" for random weights, or a path.

    Raises:
        CheckpointError: the path does not exist, or nothing is shipped.
    """
    if choice == "none":
        return None
    path = default_checkpoint() if choice == "shipped" else Path(choice)
    if path is None or not path.exists():
        raise CheckpointError(
            f"initial_checkpoint: {choice!r} is not there; use 'shipped', 'none', or the path of a checkpoint"
        )
    return path


def choose_device(device: str) -> torch.device:
    """The device to use; warns when a GPU was asked for and there is none."""
    if device == "cuda" and not torch.cuda.is_available():
        logger.warning("device: 'cuda' was asked for and there is no usable GPU; using the CPU")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def _example_of(model: Grasp2Vec) -> Callable[[nn.Module], list[Tensor]]:
    """What is asked of a model, of a scene of usual proportions and a held image."""
    config = model.config
    colours = torch.linspace(0, 1, 3 * 4 * 4).view(1, 3, 4, 4)
    scene, held = (
        functional.interpolate(colours, size).contiguous(memory_format=torch.channels_last)
        for size in (
            (scene_height_px(480, 640, config), config.scene_width_px),
            (config.held_size_px, config.held_size_px),
        )
    )

    def run(model: Grasp2Vec) -> list[Tensor]:
        probed = [] if model.probe is None else [*model.probe.maps(scene), *model.probe.maps(held)]
        return [model.scene_map(scene), model.held(held), *probed]

    return run


def _places(low: float, high: float, stride: int, first: float, count: int) -> tuple[int, int]:
    """The places of a map, from and up to, that look at a stretch of the input [px]; at least one."""
    begin = min(max(round((low - first) / stride), 0), count - 1)
    return begin, min(max(round((high - first) / stride), begin + 1), count)


def _scaled(
    left: int, top: int, width: int, height: int, zoom: tuple[float, float]
) -> tuple[float, float, float, float]:
    """A rectangle of a scene as (left, right, top, bottom) [px of the encoder's input]."""
    return left * zoom[0], (left + width) * zoom[0], top * zoom[1], (top + height) * zoom[1]


def _excess(maps: Tensor, rectangle: tuple[float, float, float, float], stride: int, first: float) -> Tensor:
    """Sum of a map over a rectangle [px of the input], over what is common in the map; (1, C, h, w) -> (1, C)."""
    rows, columns = maps.shape[2:]
    x0, x1 = _places(rectangle[0], rectangle[1], stride, first, columns)
    y0, y1 = _places(rectangle[2], rectangle[3], stride, first, rows)
    # What most of the scene looks like is no part of the goal.
    return arithmetic.excess(maps)[:, :, y0:y1, x0:x1].sum(dim=(2, 3))


def _inside(images: Tensor, rectangle: tuple[float, float, float, float]) -> Tensor:
    """One at the pixels of a rectangle (left, right, top, bottom) [px], at least one of them, else zero; (1, h, w)."""
    rows, columns = images.shape[2:]
    x0, x1 = _places(rectangle[0], rectangle[1], 1, 0.0, columns)
    y0, y1 = _places(rectangle[2], rectangle[3], 1, 0.0, rows)
    inside = images.new_zeros(1, rows, columns)
    inside[:, y0:y1, x0:x1] = 1.0
    return inside


class Perceiver:
    """Holds the model in use; safe to call from several threads.

    A new model is read beside the old one and swapped in by one assignment: a call uses one model from start to end.
    """

    def __init__(self, config: PerceiverConfig | None = None, encoder: EncoderConfig | None = None) -> None:
        self.config = config or PerceiverConfig()
        self.device = choose_device(self.config.device)
        untrained = make_model(encoder or EncoderConfig(), self.config.seed).eval()
        self._loaded = _Loaded(self._placed(untrained), UNTRAINED, None)
        self._loading = threading.Lock()
        self._refused: tuple[Path, int] | None = None

    @torch.inference_mode()
    def _placed(self, model: Grasp2Vec) -> Grasp2Vec:
        model = model.to(self.device, memory_format=torch.channels_last)
        return pack(model, _example_of(model)) if self.device.type == "cpu" else model

    @property
    def version(self) -> str:
        """Version of the checkpoint in use; "untrained" before the first."""
        return self._loaded.version

    @property
    def embedding_size(self) -> int:
        """Length of the vectors."""
        return self._loaded.model.config.vector_size

    def load(self, path: str | Path) -> str:
        """Uses a checkpoint from now on.

        Returns:
            Its version.

        Raises:
            CheckpointError: it cannot be used; the model in use stays.
        """
        with self._loading:
            path = Path(path)
            file = newest_checkpoint(path) if path.is_dir() else path
            model, metadata = load_checkpoint(file or path)
            self._loaded = _Loaded(self._placed(model), metadata["version"], file)
            return metadata["version"]

    def use(self, model: Grasp2Vec, version: str) -> None:
        """Uses a model that is in memory from now on; it is copied."""
        with self._loading:
            self._loaded = _Loaded(self._placed(copy.deepcopy(model).eval()), version, None)

    def reload_if_newer(self, folder: str | Path) -> str | None:
        """Uses the newest checkpoint of a folder when it is another one than now.

        Returns:
            Its version when it was loaded, else None. A damaged one is logged once and left alone.
        """
        newest = newest_checkpoint(folder)
        if newest is None or newest == self._loaded.path:
            return None
        try:
            mark = (newest, newest.stat().st_mtime_ns)
            if mark == self._refused:
                return None
            return self.load(newest)
        except (CheckpointError, OSError) as error:
            self._refused = mark
            logger.error("%s; the model in use (%s) stays", error, self.version)
            return None

    @torch.inference_mode()
    def embed_held(self, images: list[np.ndarray]) -> np.ndarray:
        """phi_o of images of objects held up to the camera.

        Args:
            images: (H, W, 3) uint8 RGB each, of any size.

        Returns:
            (n, D) float32.
        """
        loaded = self._loaded
        inputs = [held_input(self._tensor(image), loaded.model.config) for image in images]
        return loaded.model.embed_held(torch.cat(inputs)).float().cpu().numpy()

    @torch.inference_mode()
    def embed_scene(self, image: np.ndarray) -> np.ndarray:
        """phi_s of a scene (H, W, 3) uint8 RGB: (D,) float32."""
        loaded = self._loaded
        return (
            loaded.model.embed_scene(scene_input(self._tensor(image), loaded.model.config))[0]
            .float()
            .cpu()
            .numpy()
        )

    @torch.inference_mode()
    def embed_removed(self, pre: np.ndarray, post: np.ndarray) -> np.ndarray:
        """phi_s(pre) - phi_s(post): what was taken out of a scene.

        `post` is aligned to `pre` first: what the camera did meanwhile would add up over the whole scene. The scene
        is looked at as a whole; neighbours that the grasp has pushed cancel then, in a window they need not.

        Args:
            pre, post: (H, W, 3) uint8 RGB.

        Returns:
            (D,) float32.
        """
        model = self._loaded.model
        scenes = torch.from_numpy(np.stack([pre, aligned(pre, post)])).to(self.device)
        inputs = scene_input(scenes, model.config)
        learned = arithmetic.pool(self._change(model.scene_map(inputs)), model.config.pooling)
        seen = colours = None
        if model.probe is not None:
            changes = [self._change(map) for map in model.probe.maps(inputs)]
            seen = model.probe.scene_vectors(model.probe.features(changes))
        if model.colours is not None:
            colours = model.colours.removed_vectors(removed_histogram(*inputs))
        return model.joined(learned, seen, colours)[0].cpu().numpy()

    @torch.inference_mode()
    def plain(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors (..., D) of this model without whitening, each part at length 1."""
        model = self._loaded.model
        return model.plain(torch.from_numpy(vectors).to(self.device)).cpu().numpy()

    def _change(self, maps: Tensor) -> Tensor:
        """What changed from the first to the second of two maps, (2, C, h, w) -> (1, C, h, w)."""
        before, after = maps.float()
        return arithmetic.quietened(
            arithmetic.scene_difference(before, after)[None], self.config.quiet_change
        )

    @torch.inference_mode()
    def embed_region(self, scene: np.ndarray, left: int, top: int, width: int, height: int) -> np.ndarray:
        """phi_s of a rectangle of a scene [px]: what a goal is made of that is pointed at in the scene, (D,) float32."""
        model = self._loaded.model
        inputs = scene_input(self._tensor(scene), model.config)
        zoom, stride, first = self._geometry(scene)
        rectangle = _scaled(left, top, width, height, zoom)
        learned = _excess(model.scene_map(inputs).float(), rectangle, stride, first)
        seen = colours = None
        if model.probe is not None:
            # With TensorFlow's padding place i of stride s looks at s i + s - 1/2.
            parts = [
                _excess(map.float(), rectangle, s, s - 0.5)
                for map, s in zip(model.probe.maps(inputs), STRIDES, strict=True)
            ]
            seen = model.probe.scene_vectors(torch.cat(parts, dim=1))
        if model.colours is not None:
            inside = _inside(inputs, rectangle)
            colours = model.colours.removed_vectors(root_histograms(inputs, inside))
        return model.joined(learned, seen, colours)[0].cpu().numpy()

    def heatmap(self, scene: np.ndarray, goal: np.ndarray) -> np.ndarray:
        """Where the goal is in a scene.

        Args:
            scene: (H, W, 3) uint8 RGB.
            goal: (D,).

        Returns:
            (H, W) float32, at the scene's size.
        """
        return self.heatmaps(scene, goal[None])[0]

    @torch.inference_mode()
    def heatmaps(self, scene: np.ndarray, goals: np.ndarray) -> np.ndarray:
        """Where each of several goals is in a scene, for little more than the time of one.

        Args:
            scene: (H, W, 3) uint8 RGB.
            goals: (n, D).

        Returns:
            (n, H, W) float32, at the scene's size.
        """
        model, config = self._loaded.model, self.config
        size = model.config.vector_size
        if goals.ndim != 2 or goals.shape[1] != size:
            raise ValueError(f"goals: shape {goals.shape} does not fit the model's embedding size {size}")
        inputs = scene_input(self._tensor(scene), model.config)
        maps = model.whitened_map(0, model.scene_map(inputs))
        vectors = torch.from_numpy(np.ascontiguousarray(goals)).to(maps)
        learned, seen, colours = vectors.split(model.config.part_sizes, dim=1)
        zoom, stride, first = self._geometry(scene)
        over = partial(self._over, scene, zoom)
        heat = [arithmetic.heatmap(maps[0], goal, config.cosine_heatmap) for goal in learned]
        layers = [(1.0, [over(one, stride, first, config.heatmap_blur) for one in heat])]
        # Dot products have no scale in common with what follows.
        if config.cosine_heatmap and model.probe is not None and config.probe_heatmap > 0:
            places = model.whitened_map(1, model.probe.place_map(model.probe.maps(inputs)))[0]
            heat = [model.probe.heatmap(places, goal) for goal in seen]
            layers.append((config.probe_heatmap, [over(one, STRIDES[0], STRIDES[0] - 0.5) for one in heat]))
        if config.cosine_heatmap and model.colours is not None and config.colour_heatmap > 0:
            shown, cell = model.colours.place_map(inputs), cell_px(inputs.shape[3])
            # As long as they were: their length says how little floor there is.
            places = functional.normalize(model.whitened_map(2, shown[None])[0], dim=0) * shown.norm(dim=0)
            heat = [model.colours.heatmap(places, goal) for goal in colours]
            layers.append((config.colour_heatmap, [over(one, cell, (cell - 1) / 2) for one in heat]))
        return sum(weight * np.stack(heat) for weight, heat in layers) / sum(weight for weight, _ in layers)

    def _over(
        self,
        scene: np.ndarray,
        zoom: tuple[float, float],
        map: Tensor,
        stride: int,
        first: float,
        blur: float = 0.0,
    ) -> np.ndarray:
        """A heatmap (h, w) at the size of its scene, each value at the place that it is about."""
        heat = map.float().cpu().numpy()
        if blur > 0:
            heat = cv2.GaussianBlur(heat, (5, 5), blur, borderType=cv2.BORDER_REPLICATE)
        # From a pixel of the scene to a place of the map, both counted from their middles.
        columns, rows = (np.array([z / stride, (0.5 * z - first) / stride]) for z in zoom)
        map_from_scene = np.array([[columns[0], 0, columns[1]], [0, rows[0], rows[1]]])
        # OpenCV's cubic is torch's bicubic, several times as fast.
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        size_px = (scene.shape[1], scene.shape[0])
        return cv2.warpAffine(heat, map_from_scene, size_px, flags=flags, borderMode=cv2.BORDER_REPLICATE)

    def _geometry(self, scene: np.ndarray) -> tuple[tuple[float, float], int, float]:
        """How many pixels of the encoder's input a pixel of the scene is (x, y), stride, first place [px of the input]."""
        config, backbone = self._loaded.model.config, self._loaded.model.scene.backbone
        height = scene_height_px(scene.shape[0], scene.shape[1], config)
        zoom = (config.scene_width_px / scene.shape[1], height / scene.shape[0])
        return zoom, backbone.stride, backbone.first_place_px

    @staticmethod
    def reward(goal: np.ndarray, held: np.ndarray) -> tuple[float, float]:
        """Reward in [0, 1] and cosine in [-1, 1] of a goal and an outcome, (D,) each."""
        goal_vector, held_vector = torch.from_numpy(goal), torch.from_numpy(held)
        cosine = float(functional.cosine_similarity(goal_vector, held_vector, dim=0))
        return float(arithmetic.cosine_reward(goal_vector, held_vector)), cosine

    def _tensor(self, image: np.ndarray) -> Tensor:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ValueError(
                f"image: shape {image.shape} and type {image.dtype} are not an RGB image (H, W, 3) of uint8"
            )
        return torch.from_numpy(np.ascontiguousarray(image))[None].to(self.device)
