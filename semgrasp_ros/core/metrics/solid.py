"""A closed surface that answers what is inside it and how far away it is."""

from __future__ import annotations

from functools import cached_property

import numpy as np

_RECASTS = 8
_NUDGE = 1e-6
"""Of the solid's diagonal: 0.2 micrometres for a mug."""


class Solid:
    """A watertight triangle mesh, metres, faces counter-clockwise when seen from outside.

    Inside is where the winding number is positive, so a hand whose fingers cross each other is one body and not a
    body with holes, as it would be with the parity of crossings.

    Args:
        vertices: (V, 3).
        faces: (F, 3) int.
        name: says in errors which of the meshes is meant.

    Raises:
        ValueError: where the mesh is not finite, not closed or inside out.
    """

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, name: str = "mesh") -> None:
        self.vertices, self.faces = np.asarray(vertices, float), np.asarray(faces, np.int64)
        _check(self.vertices, self.faces, name)
        self.low, self.high = self.vertices.min(axis=0), self.vertices.max(axis=0)
        self.diagonal_m = float(np.linalg.norm(self.high - self.low))
        # Single precision follows: it must not be spent on where the mesh stands.
        self._middle = (self.low + self.high) / 2
        corners = self.vertices[self.faces]
        self._normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])

    @classmethod
    def of(cls, thing: object, name: str = "mesh") -> Solid:
        """A solid from a Solid, from anything with `vertices` and `faces` (trimesh), or from such a pair."""
        if isinstance(thing, Solid):
            return thing
        if hasattr(thing, "vertices") and hasattr(thing, "faces"):
            return cls(thing.vertices, thing.faces, name)
        if isinstance(thing, tuple | list) and len(thing) == 2:
            return cls(thing[0], thing[1], name)
        raise ValueError(
            f"{name} is {type(thing).__name__}: give a Solid, a trimesh.Trimesh or (vertices, faces)"
        )

    @cached_property
    def face_normals(self) -> np.ndarray:
        """(F, 3) unit, outward; zero for faces without area."""
        return self._normals / np.maximum(np.linalg.norm(self._normals, axis=1, keepdims=True), 1e-30)

    @cached_property
    def _scene(self):
        from open3d import core, t

        scene = t.geometry.RaycastingScene(nthreads=1)
        scene.add_triangles(
            core.Tensor((self.vertices - self._middle).astype(np.float32)),
            core.Tensor(self.faces.astype(np.uint32)),
        )
        return scene

    def closest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The nearest points of the surface and how far they are; (N, 3) to (N, 3) and (N,), metres."""
        from open3d import core

        local = (np.asarray(points, float) - self._middle).astype(np.float32)
        found = self._scene.compute_closest_points(core.Tensor(local), nthreads=1)["points"].numpy()
        return found + self._middle, np.linalg.norm(found - local, axis=1)

    def cast_rays(self, origins: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The first face that each ray meets, from either side.

        Args:
            origins: (N, 3), metres.
            directions: (N, 3), unit.

        Returns:
            (N,) distances, metres, inf where nothing is met; (N,) index of the face, -1 where nothing is met.
        """
        from open3d import core

        rays = np.concatenate([np.asarray(origins, float) - self._middle, directions], axis=1)
        found = self._scene.cast_rays(core.Tensor(rays.astype(np.float32)), nthreads=1)
        distance = found["t_hit"].numpy().astype(float)
        faces = found["primitive_ids"].numpy().astype(np.int64)
        return distance, np.where(np.isfinite(distance), faces, -1)

    def inside(self, points: np.ndarray) -> np.ndarray:
        """Whether points are inside; (N, 3) to (N,) bool."""
        points = np.asarray(points, float)
        within = ((points > self.low) & (points < self.high)).all(axis=1)
        answer = np.zeros(len(points), bool)
        # Along no edge of anything that was modelled with a ruler.
        direction = np.array([0.5773, 0.1931, 0.7933])
        direction /= np.linalg.norm(direction)
        answer[within] = self._windings(points[within], direction, np.zeros((within.sum(), 1)))[:, 0] > 0
        return answer

    def inside_grid(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Whether the points of a grid are inside: one ray for each column, however many points are in it.

        Args:
            x, y, z: (X,), (Y,), (Z,) coordinates, metres.

        Returns:
            (X, Y, Z) bool.
        """
        columns = np.stack(np.meshgrid(x, y, [0.0], indexing="ij"), axis=-1).reshape(-1, 3)
        heights = np.broadcast_to(np.asarray(z, float), (len(columns), len(z)))
        windings = self._windings(columns, np.array([0.0, 0.0, 1.0]), heights)
        return (windings > 0).reshape(len(x), len(y), len(z))

    def signed_distance(self, points: np.ndarray) -> np.ndarray:
        """Distance to the surface, negative inside; (N, 3) to (N,), metres."""
        distance = self.closest(points)[1]
        return np.where(self.inside(points), -distance, distance)

    def _windings(self, points: np.ndarray, direction: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Winding numbers of the points `points[i] + offsets[i, j] * direction`; (N, K) int.

        A line enters the solid as often as it leaves it. Where the count does not come out even, the line met an
        edge twice, and a line beside it is cast.
        """
        windings = np.zeros(offsets.shape, int)
        left, rng = np.arange(len(points)), np.random.default_rng(0)
        for _ in range(_RECASTS):
            if len(left) == 0:
                break
            line, where, step = self._crossings(points[left], direction)
            even = np.bincount(line, step, len(left)) == 0
            windings[left] = _sums_before(line, where, step, offsets[left])
            left = left[~even]
            points = points + self.diagonal_m * _NUDGE * rng.uniform(-1, 1, points.shape)
        return windings

    def _crossings(
        self, points: np.ndarray, direction: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Where lines cross the surface.

        Returns:
            (C,) index of the line; (C,) offset along it from its point, metres; (C,) +1 in and -1 out.
        """
        from open3d import core

        local = points - self._middle
        # Every line begins on one plane before the whole solid.
        back = local @ direction + self.diagonal_m
        rays = np.concatenate(
            [local - back[:, None] * direction, np.broadcast_to(direction, local.shape)], axis=1
        )
        found = self._scene.list_intersections(core.Tensor(rays.astype(np.float32)), nthreads=1)
        line = found["ray_ids"].numpy().astype(np.int64)
        facing = self._normals[found["primitive_ids"].numpy().astype(np.int64)] @ direction
        return line, found["t_hit"].numpy() - back[line], -np.sign(facing).astype(int)


def _sums_before(line: np.ndarray, where: np.ndarray, step: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Sum of the steps of each line that come before each of its offsets; (N, K) int."""
    count, width = offsets.shape
    if width == 1:
        before = where < offsets[line, 0]
        return np.bincount(line[before], step[before], count).astype(int)[:, None]
    # All lines share ascending offsets: every step counts from the first offset after it.
    first = np.searchsorted(offsets[0], where, side="left") if count else np.zeros(0, int)
    sums = np.bincount(line * (width + 1) + first, step, count * (width + 1)).reshape(count, width + 1)
    return np.cumsum(sums, axis=1)[:, :width].astype(int)


def _check(vertices: np.ndarray, faces: np.ndarray, name: str) -> None:
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise ValueError(
            f"{name}: vertices {vertices.shape} and faces {faces.shape} must be (V, 3) and (F, 3)"
        )
    if len(faces) == 0 or faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError(f"{name}: {len(faces)} faces do not index its {len(vertices)} vertices")
    if not np.isfinite(vertices).all():
        raise ValueError(f"{name}: {int((~np.isfinite(vertices)).sum())} coordinates are not finite")
    starts, ends = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    there, back = np.sort(starts * len(vertices) + ends), np.sort(ends * len(vertices) + starts)
    if not np.array_equal(there, back):
        lonely = len(np.setdiff1d(there, back))
        raise ValueError(
            f"{name}: {lonely} edges have no face on the other side, so nothing is inside it; merge equal vertices "
            "and close the holes (a MANO hand is open at the wrist: cap that loop)"
        )
    corners = vertices[faces]
    volume = np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    if volume <= 0:
        raise ValueError(
            f"{name}: its volume is {volume:.3g} m3; turn its faces over, so that they face outwards"
        )
