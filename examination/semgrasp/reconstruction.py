"""How much of a grasp three tokens keep."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from examination.semgrasp.held_out import Held, held_grasps
from examination.semgrasp.kept import Kept
from examination.semgrasp.measures import measure, thing_of
from examination.semgrasp.models import look, mark, whole_view
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.splits import split_of
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.metrics.intervals import mean_by_object
from semgrasp_ros.core.metrics.vertex_error import mpvpe_mm
from semgrasp_ros.core.objects.encoder import ObjectTokens
from semgrasp_ros.core.tokens.model import TokenModel
from semgrasp_ros.core.tokens.pose import HandPose
from semgrasp_ros.core.tokens.search import search_tokens

SPLITS = ("unseen_instances", "unseen_families")
METRICS = ("pd_cm", "siv_cm3", "sd_cm")
# The variant that others are compared with, grasp by grasp: it differs from "ours" in how long it was trained.
REFERENCE = "three"
_BATCH = 64
_MEAN_OF = 4000


@dataclass(frozen=True)
class Limits:
    """How many cases are measured how.

    Attributes:
        penetration: grasps whose penetration depth and volume are measured.
        simulated: of them, grasps that are simulated.
    """

    penetration: int
    simulated: int


def mean_grasp(folder: Path, seed: int = 0) -> HandPose:
    """Fingers and shape of the mean grasp of the training split; one hand, the wrist at the origin."""
    store = GraspFolder(folder)
    objects = [pair for pair in store.objects() if split_of(*pair) == "train"]
    chosen = np.random.default_rng(seed).permutation(len(objects))[: _MEAN_OF // 8]
    grasps = list(store.grasps([objects[number] for number in chosen]))
    if not grasps:
        raise ValueError(f"{folder}: has no grasps of the split 'train'; generate some first")
    fingers, shape = (
        torch.from_numpy(np.mean([getattr(grasp, name) for grasp in grasps], axis=0, dtype=np.float32))
        for name in ("joint_rotations", "shape")
    )
    return HandPose(torch.eye(4)[None], fingers[None], shape[None])


def pose_of(held: list[Held]) -> HandPose:
    """The true hands."""
    return HandPose(
        *(
            torch.from_numpy(np.stack([getattr(one.grasp, name) for one in held]))
            for name in ("wrist", "joint_rotations", "shape")
        )
    )


@torch.no_grad()
def reconstruct(
    model: TokenModel, true: HandPose, things: ObjectTokens, owner: torch.Tensor, mean: HandPose
) -> list[HandPose]:
    """Hands after each token that the encoders tell.

    A first token that tells the wrist alone says nothing of the fingers: these are the mean grasp's then, not the
    true ones.

    Args:
        model: the token model.
        true: N hands.
        things: O objects.
        owner: (N,) index of the object of each hand.
        mean: see `mean_grasp`.
    """
    levels: list[list[HandPose]] = [[] for _ in range(model.tokenizer.levels)]
    for low in range(0, len(true), _BATCH):
        rows = slice(low, low + _BATCH)
        result = model.tokenizer(true.select(rows), things.repeat(owner[rows]))
        for level, pose in enumerate(result.poses):
            if model.tokenizer.config.roles[level] == "orientation":
                count = len(pose)
                pose = HandPose(
                    pose.wrist, mean.joint_rotations.expand(count, -1, -1), mean.shape.expand(count, -1)
                )
            levels[level].append(pose)
    return [HandPose.joined(poses) for poses in levels]


@torch.no_grad()
def reconstruct_by_search(
    model: TokenModel, hand: HandModel, true: HandPose, things: ObjectTokens, owner: torch.Tensor, title: str
) -> HandPose:
    """Hands of the tokens that a search finds; see `reconstruct`."""
    tokenizer, found = model.tokenizer, []
    for rows in tqdm(torch.arange(len(true)).split(_BATCH), desc=f"{title}, search", leave=False):
        some = things.repeat(owner[rows])
        found.append(tokenizer.decode(search_tokens(tokenizer, hand, true.select(rows), some), some))
    return HandPose.joined(found)


def level_names(levels: int) -> list[str]:
    """Names of the methods "after the first token", ..., without search."""
    return [f"ours_{n}_token{'s' * (n > 1)}" for n in range(1, levels)] + ["ours_without_search"]


def examine(
    folder: Path,
    split: str,
    models: dict[str, Path],
    hand: HandModel,
    limits: Limits,
    output: Path,
    seed: int,
    results: Results,
) -> None:
    """Adds the rows of a split: ground truth, and each model, of which "ours" also after each of its tokens.

    Of each model the vertex error without search, too; and how much larger a variant's error is than REFERENCE's.

    Args:
        folder: of the grasps.
        split: of SPLITS.
        models: names and folders of token models.
        hand: their hand.
        limits: how many cases.
        output: keeps what was measured.
        seed: of the choice of cases and of intervals.
        results: gets the rows.
    """
    held = held_grasps(folder, split, seed)
    objects = [(one.grasp.family, one.grasp.instance) for one in held]
    true, mean = pose_of(held), mean_grasp(folder)
    surfaces = {"ground_truth": (_vertices(hand, true), "true")}
    nearest: dict[str, np.ndarray] = {}
    for name, path in models.items():
        model = TokenModel.load(path)
        things, owner = _see(model, objects, f"{split}: {name}")
        best = reconstruct_by_search(model, hand, true, things, owner, f"{split}: {name}")
        surfaces[name] = (_vertices(hand, best), mark(path))
        poses = reconstruct(model, true, things, owner, mean)
        nearest[name] = _vertices(hand, poses[-1])
        if name == "ours":
            for method, pose in zip(level_names(len(poses)), poses, strict=True):
                surfaces[method] = (_vertices(hand, pose), mark(path))
    truth = surfaces["ground_truth"][0]
    errors = {method: mpvpe_mm(vertices, truth) for method, (vertices, _) in surfaces.items()}
    without_search = {name: mpvpe_mm(vertices, truth) for name, vertices in nearest.items()}
    for metric, of_methods in (("mpvpe_mm", errors), ("mpvpe_without_search_mm", without_search)):
        for method, error in of_methods.items():
            if method != "ground_truth":
                results.add(metric, split, method, mean_by_object(error, objects, seed=seed))
            if REFERENCE in models and method in models and method not in ("ours", REFERENCE):
                more = mean_by_object(error - of_methods[REFERENCE], objects, seed=seed)
                results.add(metric.replace("_mm", "_more_mm"), split, method, more)
    for method, (vertices, version) in surfaces.items():
        kept = Kept(output / "cases" / f"reconstruction-{split}-{method}-{version}.jsonl")
        _measure(kept, held, vertices, hand, limits, f"{split}: {method}")
        add_penetration(kept, held, limits, split, method, seed, results)


def _measure(
    kept: Kept, held: list[Held], vertices: np.ndarray, hand: HandModel, limits: Limits, title: str
) -> None:
    chosen = list(enumerate(held))[: limits.penetration]
    missing = [(n, one) for n, one in chosen if not _done(kept, one.key, n < limits.simulated)]
    for number, one in tqdm(missing, desc=title, unit="grasp", mininterval=2.0):
        thing = thing_of(one.grasp.family, one.grasp.instance)
        kept.add(one.key, measure(hand, vertices[number], thing, number < limits.simulated, touches=False))


def _done(kept: Kept, key: str, simulated: bool) -> bool:
    return key in kept and (not simulated or "sd_cm" in kept[key])


def add_penetration(
    kept: Kept, held: list[Held], limits: Limits, split: str, method: str, seed: int, results: Results
) -> None:
    """Adds the rows of PD, SIV and SD of what is kept."""
    for metric in METRICS:
        most = limits.simulated if metric == "sd_cm" else limits.penetration
        rows = held[: min(most, limits.penetration)]
        if rows:
            values = np.array([kept[one.key][metric] for one in rows])
            owners = [(one.grasp.family, one.grasp.instance) for one in rows]
            results.add(metric, split, method, mean_by_object(values, owners, seed=seed))


def _see(model: TokenModel, objects: list[tuple[str, int]], title: str) -> tuple[ObjectTokens, torch.Tensor]:
    unique = list(dict.fromkeys(objects))
    seen = [
        look(model, whole_view(*pair), centred=False)
        for pair in tqdm(unique, desc=f"{title}, objects", unit="object", leave=False, mininterval=2.0)
    ]
    things = ObjectTokens(torch.cat([one.tokens for one in seen]), torch.cat([one.size for one in seen]))
    number = {pair: index for index, pair in enumerate(unique)}
    return things, torch.tensor([number[pair] for pair in objects])


@torch.no_grad()
def _vertices(hand: HandModel, pose: HandPose) -> np.ndarray:
    parts = [
        hand(
            *(getattr(pose, name)[low : low + 256] for name in ("wrist", "joint_rotations", "shape"))
        ).vertices
        for low in range(0, len(pose), 256)
    ]
    return torch.cat(parts).numpy()
