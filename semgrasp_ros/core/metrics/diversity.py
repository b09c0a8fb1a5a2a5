"""How different several candidates are: a generator that always gives one grasp is of little use."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

CLUSTERS = 20


@dataclass(frozen=True)
class Spread:
    """How grasps spread over clusters.

    Attributes:
        entropy: nats; of the shares of the clusters. 0: all in one cluster; log(20) = 3.0: all alike.
        size: mean distance of a grasp from its cluster's centre, in the unit of the parameters.
    """

    entropy: float
    size: float


def pairwise_distance_mm(candidates: np.ndarray) -> float:
    """Mean distance of a vertex between two of the candidates for one request, over all pairs; 0 of one candidate.

    Args:
        candidates: (K, V, 3), metres, one frame and one order of vertices.
    """
    candidates = np.asarray(candidates, float)
    if candidates.ndim != 3 or candidates.shape[2] != 3 or len(candidates) == 0:
        raise ValueError(f"candidates of shape {candidates.shape} must be (K, V, 3), metres, with K >= 1")
    distances = [
        np.linalg.norm(candidates[i] - candidates[i + 1 :], axis=-1).mean(axis=-1)
        for i in range(len(candidates) - 1)
    ]
    return float(1000.0 * np.concatenate(distances).mean()) if distances else 0.0


def cluster_spread(parameters: np.ndarray, clusters: int = CLUSTERS, seed: int = 0) -> Spread:
    """Entropy and size of the clusters of grasps that k-means finds.

    Following Karunratanakul et al. 2021, "A Skeleton-Driven Neural Occupancy Representation for Articulated Hands"
    (https://arxiv.org/abs/2109.11399), and those who compare with it: all generated grasps are put into 20 clusters.
    A large entropy says that no few clusters have all the grasps, a large size that grasps of one cluster still
    differ. The size depends on what the parameters are and in which units: compare only like with like.

    Args:
        parameters: (n, D), of all grasps: for example wrist rotation and position and joint rotations.
        clusters: how many; at most n.
        seed: of the k-means.
    """
    from scipy.cluster.vq import kmeans2

    parameters = np.asarray(parameters, float)
    if parameters.ndim != 2 or len(parameters) < clusters or not np.isfinite(parameters).all():
        raise ValueError(
            f"parameters of shape {parameters.shape} must be finite and (n, D) with n >= {clusters}, the clusters"
        )
    # Of fewer different grasps no more clusters can be made.
    count, best = min(clusters, len(np.unique(parameters, axis=0))), None
    # k-means ends in a local optimum: the best of a few beginnings.
    for attempt in range(5):
        with warnings.catch_warnings():
            # An attempt that leaves a cluster empty is no better than the others and no reason for alarm.
            warnings.filterwarnings("ignore", message="One of the clusters is empty")
            centres, which = kmeans2(parameters, count, minit="++", rng=seed + attempt)
        size = float(np.linalg.norm(parameters - centres[which], axis=1).mean())
        if best is None or size < best[0]:
            best = (size, which)
    shares = np.bincount(best[1], minlength=clusters) / len(parameters)
    shares = shares[shares > 0]
    return Spread(entropy=float(-(shares * np.log(shares)).sum()) + 0.0, size=best[0])
