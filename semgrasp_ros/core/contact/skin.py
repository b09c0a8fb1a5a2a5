"""Which of the hand's vertices the contact objective looks at: a few hundred, spread, and the pads among them."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from semgrasp_ros.core.hand.model import HandModel

PADS = ("thumb", "index", "middle", "ring", "little", "palm")
SKIN_VERTICES = 320
# Two neighbouring fingers' bones are never nearer than this in a possible hand.
FINGER_WIDTH_M = 0.013


@dataclass(frozen=True)
class Skin:
    """Vertices to look at, and how they are grouped; indices count within `vertices`.

    Attributes:
        vertices: (K,) of the hand.
        pads: six index tensors, in the order of PADS: the skin of each finger that touches in this manner, and the palm.
        segments: for each pad the bones' shares of it: in a power grip every bone of a finger touches.
        ball_means: (S, K) rows that average the vertices of one finger segment.
        ball_pairs: (S, S) 1 for segments of different fingers.
        ball_reach: (S, S) metres under which two segments overlap.
    """

    vertices: torch.Tensor
    pads: tuple[torch.Tensor, ...]
    segments: tuple[tuple[torch.Tensor, ...], ...]
    ball_means: torch.Tensor
    ball_pairs: torch.Tensor
    ball_reach: torch.Tensor


def skin_of(hand: HandModel, manner: str) -> Skin:
    """Chooses the skin that matters in a manner of grasping.

    Precision and tripod touch with the last bones, lateral with the thumb and the index finger's side, power and hook
    with the whole palmar side of the fingers.
    """
    bone = hand.weights.argmax(dim=1)
    normals = _vertex_normals(hand.template, hand.faces)
    vertices = _spread(hand.template, torch.nonzero(hand.regions >= 0)[:, 0], SKIN_VERTICES)
    facing = -torch.einsum("vc,vc->v", normals, _back_of(hand, bone))
    thumbward = normals[:, 1]
    pads, segments = [], []
    for region in range(5):
        first = _first_joint(region)
        bones = [first + 2] if manner in ("precision", "tripod", "lateral") else [first, first + 1, first + 2]
        toward = facing > 0.35
        if manner == "lateral" and PADS[region] == "index":
            bones, toward = [first + 1, first + 2], thumbward > 0.5
        shares = [(hand.regions == region) & toward & (bone == joint) for joint in bones]
        shares = [torch.nonzero(share[vertices])[:, 0] for share in shares]
        segments.append(tuple(share for share in shares if len(share)))
        pads.append(torch.cat(segments[-1]))
    palm = torch.nonzero((hand.regions == 5)[vertices])[:, 0]
    return Skin(vertices, (*pads, palm), (*segments, (palm,)), *_balls(hand, bone, vertices))


def _balls(hand: HandModel, bone: torch.Tensor, vertices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    joints, fingers = [], []
    for region in range(5):
        first = _first_joint(region)
        mine = range(first + (PADS[region] == "thumb"), first + 3)  # the thumb's root is part of the palm
        joints += mine
        fingers += [region] * len(mine)
    finger = torch.tensor(fingers)
    means = torch.stack([(bone[vertices] == joint).float() for joint in joints])
    means = means / means.sum(dim=1, keepdim=True)
    pairs = (finger[:, None] < finger[None]).float()
    rest = means @ hand.template[vertices]
    # Neighbouring fingers at rest do not overlap, however slim they are.
    reach = torch.minimum(torch.full_like(pairs, FINGER_WIDTH_M), torch.cdist(rest, rest) * 0.95)
    return means, pairs, reach


def _first_joint(region: int) -> int:
    """Joint at a finger's root: MANO counts index, middle, little, ring, thumb."""
    return (13, 1, 4, 10, 7)[region]


def _back_of(hand: HandModel, bone: torch.Tensor) -> torch.Tensor:
    """Direction (V, 3) out of the back of each vertex's bone; zero for the wrist's."""
    back = torch.zeros(16, 3)
    back[1:] = torch.nn.functional.normalize(hand.axes[:, 1], dim=-1)
    # The abduction axis is flexion x along: it points out of the back when flexion closes the hand.
    return back[bone] * _sign_of_back(hand)


def _sign_of_back(hand: HandModel) -> float:
    """1 when the abduction axis of the middle finger points away from where flexion moves its tip, else -1."""
    moved = torch.linalg.cross(hand.axes[3, 0], hand.axes[3, 2])
    return -1.0 if torch.dot(moved, hand.axes[3, 1]) > 0 else 1.0


def _spread(points: torch.Tensor, candidates: torch.Tensor, count: int) -> torch.Tensor:
    """Farthest-point choice of `count` of the candidates."""
    chosen = [int(candidates[0])]
    nearest = torch.full((len(candidates),), float("inf"))
    for _ in range(count - 1):
        nearest = torch.minimum(nearest, torch.linalg.norm(points[candidates] - points[chosen[-1]], dim=1))
        chosen.append(int(candidates[nearest.argmax()]))
    return torch.tensor(sorted(chosen))


def _vertex_normals(vertices: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    corners = vertices[faces]
    normal = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    total = torch.zeros_like(vertices)
    for corner in range(3):
        total.index_add_(0, faces[:, corner], normal)
    return torch.nn.functional.normalize(total, dim=-1)
