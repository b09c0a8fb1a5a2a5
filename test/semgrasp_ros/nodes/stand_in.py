"""A pipeline without a network: an open hand amid the cloud, deterministic."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import torch

from semgrasp_ros.core.hand.sources import load_hand
from semgrasp_ros.core.part_belief import PartBelief


@dataclass(frozen=True)
class Candidate:
    """The fields of the pipeline's candidates."""

    tokens: np.ndarray
    wrist: np.ndarray
    joint_rotations: np.ndarray
    shape: np.ndarray
    keypoints: np.ndarray
    vertices: np.ndarray
    touches: tuple[str, ...]
    decoded_vertices: np.ndarray
    scores: dict[str, float]
    why: str
    part: PartBelief


@dataclass
class StandIn:
    """Puts hands at the cloud's centroid; notes what it was asked."""

    parts: tuple[str, ...] = ("body", "handle")
    version: str = "stand-in"
    calls: list[dict] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.hand = load_hand("open")
        self.gate.set()

    def generate(self, points, normals, turns, candidates, keep, part, manner, seed):
        """As SemGrasp.generate. The word "explode" makes it fail as broken code would."""
        self.calls.append(
            {"points": points, "normals": normals, "turns": turns, "candidates": candidates, "keep": keep}
            | {"part": part, "manner": manner, "seed": seed}
        )
        assert self.gate.wait(20.0)
        if "explode" in turns:
            raise ZeroDivisionError("tokens divided by nothing")
        if part is not None and part not in self.parts:
            raise ValueError(f"part: {part!r} is not on this object; it has {', '.join(self.parts)}")
        return [self._candidate(points.mean(axis=0), number, seed or 0) for number in range(keep)]

    def _candidate(self, middle: np.ndarray, number: int, seed: int) -> Candidate:
        wrist = np.eye(4, dtype=np.float32)
        wrist[:3, 3] = middle
        joints, shape = np.full((15, 3), 0.01 * number, np.float32), np.zeros(10, np.float32)
        with torch.no_grad():
            surface = self.hand(*(torch.from_numpy(array)[None] for array in (wrist, joints, shape)))
        return Candidate(
            tokens=np.array([seed % 512, number, 511]),
            wrist=wrist,
            joint_rotations=joints,
            shape=shape,
            keypoints=surface.keypoints[0].numpy(),
            vertices=surface.vertices[0].numpy(),
            touches=("handle", "handle", "", "", "", ""),
            decoded_vertices=surface.vertices[0].numpy(),
            scores={"log_probability": -1.0 - number, "total": 1.0 / (1 + number)},
            why=f"number {number}",
            part=PartBelief(np.array([middle, middle + 0.01], np.float32), np.array([0.9, 0.1])),
        )
