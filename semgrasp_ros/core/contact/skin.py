"""Which of the hand's vertices the contact objective looks at: a few hundred, spread, and the pads among them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy.optimize import nnls

from semgrasp_ros.core.hand.model import HandModel

PADS = ("thumb", "index", "middle", "ring", "little", "palm")
# Over the whole hand, and besides on the pads of each finger's middle and last bone, where millimetres matter.
SPREAD_VERTICES, PAD_VERTICES = 200, (6, 10)
# Two neighbouring fingers' bones are never nearer than this in a possible hand.
FINGER_WIDTH_M = 0.013
# Points inside the hand: this far apart, at least this deep.
INNER_SPACING_M, INNER_DEPTH_M = 0.009, 0.0035
# Joint at the root of each finger of PADS: MANO counts index, middle, little, ring, thumb.
ROOTS = (13, 1, 4, 10, 7)


@dataclass(frozen=True)
class Skin:
    """Vertices to look at, and how they are grouped; K of them, S = 16 segments: 15 bones and the palm.

    Attributes:
        vertices: (K,) of the hand.
        segments: for each manner (S, K), 1 where a vertex is skin that touches in this manner.
        segment_pad: (S,) index into PADS.
        ball_means: (F, K) rows that average the vertices of one finger segment.
        inner_members: (N, M) vertices of whose places a mean gives a point inside the hand.
        inner_shares: (N, M) their shares in it, which sum to one.
        inner_depth: (N,) how deep inside the resting hand these are, metres.
        ball_pairs: (F, F) 1 for segments of different fingers.
        ball_reach: (F, F) metres under which two segments overlap.
    """

    vertices: torch.Tensor
    segments: dict[str, torch.Tensor]
    segment_pad: torch.Tensor
    ball_means: torch.Tensor
    inner_members: torch.Tensor
    inner_shares: torch.Tensor
    inner_depth: torch.Tensor
    ball_pairs: torch.Tensor
    ball_reach: torch.Tensor


@cache
def skin_of(hand: HandModel) -> Skin:
    """Chooses the skin of a hand.

    Precision and tripod touch with the last bones, lateral with the thumb and the index finger's side, power and hook
    with the whole palmar side of the fingers.
    """
    bone = hand.weights.argmax(dim=1)
    normals = _vertex_normals(hand.template, hand.faces)
    palmward = -torch.einsum("vc,vc->v", normals, _back_of(hand, bone)) > 0.35
    thumbward = normals[:, 1] > 0.5
    chosen = [_spread(hand.template, torch.arange(len(hand.template)), SPREAD_VERTICES)]
    for region, root in enumerate(ROOTS):
        for joint, count in zip((root + 1, root + 2), PAD_VERTICES, strict=True):
            pad = torch.nonzero((hand.regions == region) & palmward & (bone == joint))[:, 0]
            chosen.append(_spread(hand.template, pad, min(count, len(pad))))
    vertices = torch.cat(chosen).unique()
    segments = {}
    for manner in ("power", "hook"):
        segments[manner] = _segments(hand, bone, palmward, vertices, last_only=False)
    for manner in ("precision", "tripod", "lateral"):
        segments[manner] = _segments(hand, bone, palmward, vertices, last_only=True)
    side = _segments(hand, bone, thumbward, vertices, last_only=False)
    segments["lateral"][[1, 2]] = side[[1, 2]]  # the index finger's last two bones
    pad = torch.tensor([PADS.index("palm")] * 16)
    for region, root in enumerate(ROOTS):
        pad[root - 1 : root + 2] = region
    means, pairs, reach = _balls(hand, bone, vertices)
    return Skin(vertices, segments, pad, means, *_inner(hand, vertices), pairs, reach)


def _segments(
    hand: HandModel, bone: torch.Tensor, toward: torch.Tensor, vertices: torch.Tensor, last_only: bool
) -> torch.Tensor:
    segments = torch.zeros(16, len(vertices))
    for region, root in enumerate(ROOTS):
        for joint in range(root + 2 * last_only, root + 3):
            segments[joint - 1] = ((hand.regions == region) & toward & (bone == joint))[vertices]
    segments[15] = (hand.regions == PADS.index("palm"))[vertices]
    return segments


def _balls(hand: HandModel, bone: torch.Tensor, vertices: torch.Tensor) -> tuple[torch.Tensor, ...]:
    joints, fingers = [], []
    for region, root in enumerate(ROOTS):
        mine = range(root + (PADS[region] == "thumb"), root + 3)  # the thumb's root is part of the palm
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


def _inner(hand: HandModel, vertices: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Points inside the resting hand as means of skin around them, and their depths.

    They follow a posed hand as their skin does, which is near enough for a few millimetres.
    """
    import trimesh

    from semgrasp_ros.core.metrics.solid import Solid

    mesh = trimesh.Trimesh(hand.template.numpy(), hand.faces.numpy(), process=False)
    axes = [np.arange(low, high, INNER_SPACING_M) for low, high in mesh.bounds.T]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    depth = -np.asarray(Solid.of(mesh).signed_distance(grid))
    inside = depth > INNER_DEPTH_M
    skin = hand.template[vertices].numpy()
    rows = []
    for point in grid[inside]:
        near = np.argsort(np.linalg.norm(skin - point, axis=1))[:24]
        # Sum to one: an equation of its own, as heavy as a decimetre.
        equations = np.concatenate([skin[near].T, np.full((1, len(near)), 0.1)])
        shares, _ = nnls(equations, np.concatenate([point, [0.1]]))
        row = np.zeros(len(skin))
        row[near] = shares / max(shares.sum(), 1e-9)
        rows.append(row)
    means = torch.from_numpy(np.array(rows)).float()
    apart = (means @ hand.template[vertices] - torch.from_numpy(grid[inside]).float()).norm(dim=1)
    kept = apart < 0.002
    # Few vertices have a share: no solution of so few equations needs more of them than equations.
    shares, members = means[kept].topk(4, dim=1)
    return members, shares, torch.from_numpy(depth[inside]).float()[kept]


def _back_of(hand: HandModel, bone: torch.Tensor) -> torch.Tensor:
    """Direction (V, 3) out of the back of each vertex's bone; zero for the wrist's."""
    back = torch.zeros(16, 3)
    # Flexion moves a finger's tip along flexion x along, which is palmward.
    back[1:] = -torch.linalg.cross(hand.axes[:, 0], hand.axes[:, 2])
    return torch.nn.functional.normalize(back, dim=-1)[bone]


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
