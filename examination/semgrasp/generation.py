"""Grasps from words: ours, before and after refinement, and the baselines, on the same requests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from examination.semgrasp.answers import Answers
from examination.semgrasp.held_out import Request, known_by_name
from examination.semgrasp.kept import Kept
from examination.semgrasp.measures import agrees, measure, thing_of
from examination.semgrasp.models import field_of, look, view_of
from grasp2vec_ros.core.results import Results
from semgrasp_ros.core.contact.refine import refine
from semgrasp_ros.core.data.dataset import part_vocabulary
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.splits import split_of
from semgrasp_ros.core.metrics.diversity import pairwise_distance_mm
from semgrasp_ros.core.metrics.intent import IntentClassifier, grasp_features
from semgrasp_ros.core.metrics.intervals import mean_by_object
from semgrasp_ros.core.objects.frame import rotation
from semgrasp_ros.core.pipeline import SemGrasp
from semgrasp_ros.core.tokens.pose import HandPose

CANDIDATES = 8
_MOST_FOR_INTENT = 6000


@dataclass(frozen=True)
class Hand:
    """One answer, ready to be measured.

    Attributes:
        vertices: (V, 3) object frame.
        joint_rotations: (15, 3).
        more: measured on the way.
    """

    vertices: np.ndarray
    joint_rotations: np.ndarray
    more: dict[str, float]


class Generation:
    """Measures methods on the requests of one split.

    Args:
        grasper: what is examined.
        answers: decodes the baselines' answers.
        baselines: kept answers by method.
        versions: of each method, for the names of files; "ours" for the pipeline.
        simulated: so many requests of the split are simulated.
        output: keeps what was measured.
        seed: of the candidates that are drawn, and of intervals.
        turned: whether the pipeline gets each object turned about the vertical by chance.
    """

    def __init__(
        self,
        grasper: SemGrasp,
        answers: Answers,
        baselines: dict[str, Kept],
        versions: dict[str, str],
        simulated: int,
        output: Path,
        seed: int,
        turned: bool = False,
    ) -> None:
        self.turned = turned
        self.grasper, self.answers, self.baselines = grasper, answers, baselines
        self.versions, self.simulated, self.output, self.seed = versions, simulated, output, seed

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of all rows."""
        return ("ground_truth", "ours", "decoded", *self.baselines)

    def measure(self, split: str, requests: Sequence[Request]) -> dict[str, Kept]:
        """Measures what is not kept yet; one request after the other, all methods together."""
        kept = {
            method: Kept(
                self.output / "cases" / f"generation-{split}-{method}-{self.versions.get(method, '0')}.jsonl"
            )
            for method in self.methods
        }
        todo = [
            (number, request, missing)
            for number, request in enumerate(requests)
            if (missing := [m for m in self.methods if not self._done(kept[m], request, number)])
        ]
        for number, request, missing in tqdm(todo, desc=split, unit="request", mininterval=2.0):
            thing = thing_of(request.grasp.family, request.grasp.instance)
            for method, hand in self._hands(request, missing).items():
                found = measure(self.grasper.hand, hand.vertices, thing, number < self.simulated)
                rotations = np.round(hand.joint_rotations.astype(float), 4).ravel().tolist()
                kept[method].add(request.key, {**found, "joint_rotations": rotations, **hand.more})
        return kept

    def _done(self, kept: Kept, request: Request, number: int) -> bool:
        return request.key in kept and (number >= self.simulated or "sd_cm" in kept[request.key])

    def _hands(self, request: Request, methods: Sequence[str]) -> dict[str, Hand]:
        view, hands = view_of(request), {}
        if "ground_truth" in methods:
            hands["ground_truth"] = self._truth(request)
        if {"ours", "decoded"} & set(methods):
            # Rows are turned; what comes back is turned back.
            turn = rotation(self._heading_rad(request))
            began = time.perf_counter()
            found = self.grasper.generate(
                view.points @ turn.T,
                view.normals @ turn.T,
                request.turns,
                CANDIDATES,
                CANDIDATES,
                seed=self.seed + request.seed,
            )
            seconds = time.perf_counter() - began
            best = found[0]
            moved = np.linalg.norm(best.vertices - best.decoded_vertices, axis=1).mean() * 1000
            spread = pairwise_distance_mm(np.stack([one.vertices for one in found]))
            more = {
                "moved_mm": round(float(moved), 3),
                "diversity_mm": round(spread, 3),
                "seconds": round(seconds, 3),
            }
            hands["ours"] = Hand(best.vertices @ turn, best.joint_rotations, more)
            hands["decoded"] = Hand(best.decoded_vertices @ turn, best.joint_rotations, {})
        asked = [method for method in methods if method in self.baselines]
        if asked:
            things = look(self.grasper.token_model, view)
            poses = [self.answers.pose(self.baselines[method][request.key], things) for method in asked]
            refined = refine(
                self.grasper.hand, field_of(view), HandPose.joined(poses), self.grasper.config.refine
            )
            vertices = self._vertices(refined) + view.centre
            before = self._vertices(HandPose.joined(poses)) + view.centre
            for number, method in enumerate(asked):
                moved = np.linalg.norm(vertices[number] - before[number], axis=1).mean() * 1000
                hands[method] = Hand(
                    vertices[number],
                    refined.joint_rotations[number].numpy(),
                    {"moved_mm": round(float(moved), 3)},
                )
        return {method: hands[method] for method in methods}

    def _heading_rad(self, request: Request) -> float:
        return float(np.random.default_rng(request.seed).uniform(-np.pi, np.pi)) if self.turned else 0.0

    def _truth(self, request: Request) -> Hand:
        grasp = request.grasp
        pose = HandPose(
            *(
                torch.from_numpy(np.asarray(a))[None]
                for a in (grasp.wrist, grasp.joint_rotations, grasp.shape)
            )
        )
        return Hand(self._vertices(pose)[0], grasp.joint_rotations, {})

    @torch.no_grad()
    def _vertices(self, pose: HandPose) -> np.ndarray:
        return self.grasper.hand(pose.wrist, pose.joint_rotations, pose.shape).vertices.numpy()


def intent_classifier(grasps: Path, seed: int = 0) -> IntentClassifier:
    """Learns to read intents off true grasps of the training split."""
    store, rng = GraspFolder(grasps), np.random.default_rng(seed)
    objects = [pair for pair in store.objects() if split_of(*pair) == "train"]
    some: list = []
    for number in rng.permutation(len(objects)):
        if len(some) >= _MOST_FOR_INTENT:
            break
        some += store.read(*objects[number])
    if not some:
        raise ValueError(f"{grasps}: has no grasps of the split 'train'; generate some first")
    features = np.stack([_features(grasp.touches, grasp.joint_rotations) for grasp in some])
    return IntentClassifier().fit(features, [grasp.intent for grasp in some])


def add_rows(
    kept: dict[str, Kept],
    requests: Sequence[Request],
    split: str,
    simulated: int,
    classifier: IntentClassifier | None,
    seed: int,
    results: Results,
) -> None:
    """Adds the rows of a split: every metric of every method, with intervals by object; no intents without classifier."""
    for method, entries in kept.items():
        found = [(request, entries[request.key]) for request in requests]
        columns = _columns(found, simulated)
        if method != "decoded" and classifier is not None:
            # The joints that were kept are those after refinement.
            told = [(request, entry) for request, entry in found if "intent" in request.names]
            columns["intent_accuracy"] = _intents(told, classifier)
        for metric, (values, owners) in columns.items():
            if values:
                measured = mean_by_object(np.array(values, float), owners, seed=seed)
                results.add(metric, split, method, measured)


def _columns(found: list[tuple[Request, dict]], simulated: int) -> dict[str, tuple[list, list]]:
    columns: dict[str, tuple[list, list]] = {}

    def put(metric: str, value: float, request: Request) -> None:
        values, owners = columns.setdefault(metric, ([], []))
        values.append(float(value))
        owners.append((request.grasp.family, request.grasp.instance))

    for number, (request, entry) in enumerate(found):
        agreed = agrees(request, entry["touches"])
        put("agreement", agreed.agrees, request)
        words = "part_and_manner" if "manner" in request.names else "part_only"
        put(f"agreement_{words}", agreed.agrees, request)
        if known_by_name(request):
            put("agreement_known_name", agreed.agrees, request)
        put("right_part", agreed.right_part, request)
        put("contact_ratio", any(entry["touches"]), request)
        for metric in ("pd_cm", "siv_cm3", "moved_mm", "diversity_mm"):
            if metric in entry:
                put(metric, entry[metric], request)
        if number < simulated:
            put("sd_cm", entry["sd_cm"], request)
    return columns


def _intents(told: list[tuple[Request, dict]], classifier: IntentClassifier) -> tuple[list, list]:
    if not told:
        return [], []
    features = np.stack([_features(entry["touches"], entry["joint_rotations"]) for _, entry in told])
    right = classifier.right(features, [request.grasp.intent for request, _ in told])
    return right.astype(float).tolist(), [(r.grasp.family, r.grasp.instance) for r, _ in told]


def _features(touches: Sequence[str], joint_rotations: Sequence[float]) -> np.ndarray:
    return grasp_features(touches, np.asarray(joint_rotations), part_vocabulary())
