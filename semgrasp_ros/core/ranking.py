"""Which of several refined hands is best: likely, touching what was asked, not inside the object, and holding it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
import trimesh

from semgrasp_ros.core.contact.field import ObjectField
from semgrasp_ros.core.contact.hold import HoldingTest
from semgrasp_ros.core.data.manners import FINGERS, MANNERS
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.tokens.pose import HandPose
from semgrasp_ros.core.touching import Touches

PIECES = 20
SHELL_M = 0.004


@dataclass
class RankingConfig:
    """Weights of the ranking; each term is about one where it is bad."""

    likely: float = field(
        default=0.1, metadata={"help": "per unit of log-probability, at most 5 below the best"}
    )
    deep: float = field(default=1.5, metadata={"help": "per 5 mm of penetration beyond 2 mm"})
    falls: float = field(
        default=1.0, metadata={"help": "per 5 cm that the object moves in the hand, at most 2"}
    )
    part: float = field(default=4.0, metadata={"help": "share of touching fingers not on the wanted part"})
    manner: float = field(
        default=4.0, metadata={"help": "share of fingers that do not do as the manner says"}
    )


def rank(
    hand: HandModel,
    space: ObjectField,
    points: np.ndarray,
    pose: HandPose,
    vertices: torch.Tensor,
    touches: Sequence[Touches],
    log_probability: np.ndarray,
    manner: str,
    config: RankingConfig,
) -> list[dict[str, float]]:
    """The scores of B hands on one object; a greater `total` is better.

    Args:
        hand: the hand.
        space: distances around the object.
        points: (N, 3) of the object.
        pose: B hands.
        vertices: (B, V, 3) of them.
        touches: what each touches.
        log_probability: (B,) of their tokens.
        manner: that is to be used.
        config: weights.
    """
    depth = (-space.sample(vertices).distance.amin(dim=1)).clamp_min(0).numpy()
    # As the hand is: whoever looks at a grasp expects the very hand that is shown to hold.
    falls = HoldingTest(hand, shell_pieces(points), points.mean(axis=0), (0.0,)).displacement_m(
        pose.wrist, pose.joint_rotations, pose.shape
    )
    result = []
    for index, touched in enumerate(touches):
        total = (
            config.likely * max(log_probability[index] - log_probability.max(), -5)
            - config.deep * max(0.0, depth[index] - 0.002) / 0.005
            - config.falls * min(falls[index] / 0.05, 2)
            - disagreement(touched, manner, config)
        )
        result.append(
            {
                "log_probability": float(log_probability[index]),
                "penetration_cm": float(depth[index]) * 100,
                "contact": sum(map(bool, touched.parts)) / len(FINGERS),
                "stability": 1 / (1 + float(falls[index]) / 0.05),
                "agreement": 1 - _astray(touched),
                "total": float(total),
            }
        )
    return result


def disagreement(touched: Touches, manner: str, config: RankingConfig) -> float:
    """How far touches are, as is to be expected, from what is meant; 0 when they are surely just that.

    Args:
        touched: by a hand.
        manner: that is to be used.
        config: weights.
    """
    return config.part * _astray(touched) + config.manner * _unlike(touched.parts, manner)


def _astray(touched: Touches) -> float:
    """Share of what touches that is to be expected not on the part; 1 when nothing touches."""
    some = [wanted for part, wanted in zip(touched.parts, touched.wanted, strict=True) if part]
    return 1 - float(np.mean(some)) if some else 1.0


def _unlike(touched: tuple[str, ...], manner: str) -> float:
    """Share of the fingers that a manner speaks of which do otherwise."""
    touching = {finger for finger, part in zip(FINGERS, touched, strict=True) if part}
    spoken = MANNERS[manner]
    wrong = len(spoken.required - touching) + len(spoken.forbidden & touching)
    return wrong / max(1, len(spoken.required | spoken.forbidden))


def shell_pieces(points: np.ndarray, pieces: int = PIECES) -> list[trimesh.Trimesh]:
    """Convex pieces that together follow a cloud's surface: hulls of patches of neighbouring points.

    What a camera does not see cannot be made up; a patch stands for what is right behind it.
    """
    from scipy.cluster.vq import kmeans2

    _, patch = kmeans2(points, pieces, minit="++", seed=0, missing="warn")
    solids = []
    for number in range(pieces):
        mine = points[patch == number]
        if len(mine) < 4:
            continue
        # Flat patches have no hull: they get the thickness of a thin wall.
        thick = np.concatenate([mine, mine + SHELL_M * _across(mine)])
        solids.append(trimesh.convex.convex_hull(thick))
    return solids


def _across(points: np.ndarray) -> np.ndarray:
    _, _, directions = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    return directions[2]
