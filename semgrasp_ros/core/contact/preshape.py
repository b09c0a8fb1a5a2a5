"""How a hand opens before it grasps in a given manner, and where in it the thing will be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch

from semgrasp_ros.core.hand.model import HandModel

INDEX, MIDDLE, LITTLE, RING, THUMB = 0, 3, 6, 9, 12


@dataclass(frozen=True)
class Preshape:
    """An open hand about to grasp, in the hand's own frame.

    Attributes:
        angles: (15, 3) about the anatomical axes, radians.
        anchor: (3,) metres: where the middle of what is grasped will be.
        press: (3,) unit: from the side that presses first (thumb or palm) into the thing.
        along: (3,) unit, across `press`: the direction of a long part held in this manner.
        free_turn: the hand may be turned about `press` at will, since nothing in this manner has to be parallel.
    """

    angles: torch.Tensor
    anchor: torch.Tensor
    press: torch.Tensor
    along: torch.Tensor
    free_turn: bool


@cache
def preshape(hand: HandModel, manner: str) -> Preshape:
    """The preshape of a manner.

    Raises:
        ValueError: unknown manner.
    """
    makers = {"power": _power, "precision": _precision, "tripod": _tripod, "lateral": _lateral, "hook": _hook}
    if manner not in makers:
        raise ValueError(f"manner: {manner!r} is unknown; use one of {', '.join(makers)}")
    return makers[manner](hand)


def _fingers(
    flexion: tuple[float, float, float], which: tuple[int, ...] = (INDEX, MIDDLE, LITTLE, RING)
) -> torch.Tensor:
    angles = torch.zeros(15, 3)
    for finger in which:
        for joint, value in enumerate(flexion):
            angles[finger + joint, 0] = value
    return angles


def _thumb(
    angles: torch.Tensor, base: tuple[float, float, float], middle: float, last: float
) -> torch.Tensor:
    angles[THUMB] = torch.tensor(base)
    angles[THUMB + 1, 0], angles[THUMB + 2, 0] = middle, last
    return angles


def _keypoints(hand: HandModel, angles: torch.Tensor) -> torch.Tensor:
    surface = hand(torch.eye(4)[None], hand.rotations_from_angles(angles[None]), torch.zeros(1, 10))
    return surface.keypoints[0]


def _unit(vector: torch.Tensor) -> torch.Tensor:
    return vector / torch.linalg.norm(vector)


def _across(vector: torch.Tensor, press: torch.Tensor) -> torch.Tensor:
    return _unit(vector - torch.dot(vector, press) * press)


def _power(hand: HandModel) -> Preshape:
    angles = _thumb(_fingers((0.45, 0.45, 0.3)), (0.2, 0.35, 0.3), 0.2, 0.2)
    press = _unit(torch.tensor([0.25, 0.0, -1.0]))
    palm = hand.template[hand.regions == 5].mean(dim=0) + torch.tensor([0.015, 0.0, -0.008])
    return Preshape(angles, palm, press, _across(torch.tensor([0.0, 1.0, 0.0]), press), False)


def _pinch(hand: HandModel, angles: torch.Tensor, tips: tuple[int, ...], free_turn: bool) -> Preshape:
    points = _keypoints(hand, angles)
    thumb, others = points[4], points[list(tips)].mean(dim=0)
    press = _unit(others - thumb)
    # A long part lies across the fingers, as a pen or a rim does.
    return Preshape(
        angles, (thumb + others) / 2, press, _across(torch.tensor([0.0, 1.0, 0.0]), press), free_turn
    )


def _precision(hand: HandModel) -> Preshape:
    return _pinch(hand, _thumb(_fingers((0.75, 0.35, 0.2)), (0.35, 0.5, 0.3), 0.15, 0.2), (8, 12, 16), True)


def _tripod(hand: HandModel) -> Preshape:
    angles = _fingers((0.8, 0.4, 0.25), (INDEX, MIDDLE)) + _fingers((1.2, 1.5, 0.8), (LITTLE, RING))
    return _pinch(hand, _thumb(angles, (0.35, 0.5, 0.3), 0.15, 0.2), (8, 12), True)


def _lateral(hand: HandModel) -> Preshape:
    angles = _thumb(_fingers((0.75, 1.05, 0.6)), (0.1, 0.1, 0.2), 0.1, 0.2)
    points = _keypoints(hand, angles)
    side = (points[6] + points[7]) / 2 + torch.tensor([0.0, 0.008, 0.0])
    press = _unit(side - points[4])
    return Preshape(
        angles, (side + points[4]) / 2, press, _across(torch.tensor([1.0, 0.0, 0.0]), press), True
    )


def _hook(hand: HandModel) -> Preshape:
    angles = _thumb(_fingers((0.5, 1.15, 0.7)), (-0.3, -0.3, 0.0), 0.0, 0.0)
    points = _keypoints(hand, angles)
    hollow = (points[[6, 10, 14, 18]] + points[[8, 12, 16, 20]]).mean(dim=0) / 2
    press = _unit(points[[5, 9, 13, 17]].mean(dim=0) - hollow)
    return Preshape(angles, hollow, press, _across(torch.tensor([0.0, 1.0, 0.0]), press), False)
