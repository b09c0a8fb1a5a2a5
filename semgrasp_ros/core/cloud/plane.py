"""The plane that things stand on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Points that the search looks at; more only cost time.
SAMPLE = 4000


@dataclass(frozen=True)
class Plane:
    """A plane: normal . p = offset_m.

    Attributes:
        normal: (3,) of unit length, on the camera's side.
        offset_m: along the normal, from the origin.
    """

    normal: np.ndarray
    offset_m: float

    def heights_m(self, points: np.ndarray) -> np.ndarray:
        """How far points (..., 3) are above the plane, on the camera's side; NaN stays NaN."""
        return points @ self.normal - self.offset_m


def supporting_plane(
    points: np.ndarray, rng: np.random.Generator, tolerance_m: float, least_share: float, tries: int = 200
) -> Plane | None:
    """The plane through most points by RANSAC, refined by least squares; None when there is none.

    Points behind a plane count against it: a box's top has the table behind it, the table nothing.

    Args:
        points: (N, 3) finite, metres, camera at the origin.
        rng: chooses the tries.
        tolerance_m: how far a point may be from its plane.
        least_share: of the points, in 0 to 1, that must lie on it.
        tries: planes that are tried.
    """
    if len(points) < 3:
        return None
    sample = points if len(points) <= SAMPLE else points[rng.choice(len(points), SAMPLE, replace=False)]
    corners = sample[rng.integers(len(sample), size=(tries, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    usable = lengths > 1e-12
    if not usable.any():
        return None
    normals, anchors = normals[usable] / lengths[usable, None], corners[usable, 0]
    offsets = np.einsum("ij,ij->i", normals, anchors)
    # The camera, at the origin, is above the table.
    heights = (sample @ normals.T - offsets) * np.where(offsets > 0, -1.0, 1.0)
    on, behind = (np.abs(heights) < tolerance_m).sum(axis=0), (heights < -tolerance_m).sum(axis=0)
    best = int((on - behind).argmax())
    if on[best] < least_share * len(sample):
        return None
    near = sample[np.abs(sample @ normals[best] - offsets[best]) < tolerance_m]
    middle = near.mean(axis=0)
    normal = np.linalg.svd(near - middle, full_matrices=False)[2][2]
    offset = float(normal @ middle)
    return Plane(normal, offset) if offset < 0 else Plane(-normal, -offset)
