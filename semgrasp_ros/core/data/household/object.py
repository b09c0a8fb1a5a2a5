"""A household object: named parts of convex solids, and the closed surface of them all."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import manifold3d
import numpy as np
import trimesh
from scipy.spatial import cKDTree

_SAMPLES_PER_M2 = 4e5  # a sample about every 1.6 mm
_MAX_SAMPLES = 40_000


@dataclass(frozen=True)
class Part:
    """A named part of an object.

    Attributes:
        name: From the family's vocabulary, unique in the object.
        solids: Convex and watertight, in the object frame, in metres.
    """

    name: str
    solids: tuple[trimesh.Trimesh, ...]

    def depth(self, points: np.ndarray) -> np.ndarray:
        """How far outside of the part points lie: (N, 3) to (N,), metres, negative inside.

        It is the distance to the nearest face's plane: exact inside and in front of a face, less than the distance
        beyond an edge.
        """
        points = np.asarray(points, dtype=np.float64)
        nearest = np.full(len(points), np.inf)
        for solid in self.solids:
            offset = np.einsum("fk,fk->f", solid.face_normals, solid.triangles[:, 0])
            nearest = np.minimum(nearest, (points @ solid.face_normals.T - offset).max(axis=1))
        return nearest


@dataclass(frozen=True)
class HouseholdObject:
    """One instance of a family.

    Attributes:
        family: Name of the family.
        instance: Number of the instance.
        parts: The named parts.
        mesh: Watertight union of all solids, one body, metres. The origin is the centre of its axis-aligned bounding
            box, z points up in the pose in which the object rests on a table, x along its length or to its handle.
    """

    family: str
    instance: int
    parts: tuple[Part, ...]
    mesh: trimesh.Trimesh

    @cached_property
    def face_parts(self) -> np.ndarray:
        """(F,) int: for every face of the mesh, the index of its part."""
        centres = self.mesh.triangles_center
        return np.argmin([part.depth(centres) for part in self.parts], axis=0)

    @cached_property
    def _samples(self) -> tuple[cKDTree, np.ndarray]:
        count = int(np.clip(self.mesh.area * _SAMPLES_PER_M2, 2000, _MAX_SAMPLES))
        points, faces = trimesh.sample.sample_surface(self.mesh, count, seed=0)
        # Small faces would be missed by chance: every face gives its centre as well.
        points = np.concatenate([points, self.mesh.triangles_center])
        return cKDTree(points), np.concatenate([faces, np.arange(len(self.mesh.faces))])

    def part_of(self, points: np.ndarray) -> np.ndarray:
        """Which part's surface is nearest.

        Args:
            points: (N, 3) in the object frame, metres.

        Returns:
            (N,) int, indices into `parts`.

        Raises:
            ValueError: points do not have three columns.
        """
        points = np.asarray(points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points has shape {points.shape}; give an (N, 3) array in metres")
        if len(points) == 0:
            return np.zeros(0, dtype=np.int64)
        tree, faces = self._samples
        # The sampled neighbours propose faces; the exact distance to these decides.
        candidates = faces[tree.query(points, k=6)[1]]
        triangles = self.mesh.triangles[candidates.reshape(-1)]
        repeated = np.repeat(points, candidates.shape[1], axis=0)
        closest = trimesh.triangles.closest_point(triangles, repeated)
        distance = np.linalg.norm(closest - repeated, axis=1).reshape(candidates.shape)
        best = candidates[np.arange(len(points)), distance.argmin(axis=1)]
        return self.face_parts[best]


def assemble(family: str, instance: int, parts: Iterable[Part]) -> HouseholdObject:
    """Unites parts to one closed surface and centres it.

    Args:
        family: Name of the family.
        instance: Number of the instance.
        parts: Parts in one frame, overlapping or touching so that they are one body.

    Returns:
        The object.

    Raises:
        ValueError: The parts are not connected, or a name is used twice.
    """
    parts = tuple(parts)
    names = [part.name for part in parts]
    if len(set(names)) != len(names) or not names:
        raise ValueError(f"{family} {instance}: parts {names}; give at least one, each name once")
    mesh = _union([solid for part in parts for solid in part.solids], f"{family} {instance}")
    centre = mesh.bounds.mean(axis=0)
    mesh.apply_translation(-centre)
    for part in parts:
        for solid in part.solids:
            solid.apply_translation(-centre)
    return HouseholdObject(family, instance, parts, mesh)


def _union(solids: list[trimesh.Trimesh], what: str) -> trimesh.Trimesh:
    """Closed surface of overlapping solids; slivers and enclosed gaps left by rounding are dropped."""
    for attempt in range(8):
        pieces = sorted(_united(solids, attempt).decompose(), key=lambda piece: -piece.volume())
        volumes = [piece.volume() for piece in pieces]
        mesh = _on_grid(pieces[0])
        if sum(volumes[1:]) < 1e-3 * volumes[0] and mesh.is_watertight and mesh.body_count == 1:
            return mesh
    shown = ", ".join(f"{volume * 1e6:.3f}" for volume in volumes)
    raise ValueError(
        f"{what}: no closed body, but pieces of {shown} cm3; let all solids overlap by 0.1 mm at least"
    )


def _on_grid(piece: manifold3d.Manifold) -> trimesh.Trimesh:
    """Mesh whose corners are whole micrometres from its first corner, equal ones merged.

    Readers of meshes merge equal corners, some after rounding. Merged here, the surface stays closed for them too.
    """
    surface = piece.to_mesh64()
    corners = surface.vert_properties[:, :3]
    mesh = trimesh.Trimesh(corners[0] + np.round(corners - corners[0], 6), surface.tri_verts.astype(np.int64))
    faces = mesh.faces
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    mesh.update_faces(distinct)
    mesh.remove_unreferenced_vertices()
    return mesh


def _united(solids: list[trimesh.Trimesh], attempt: int) -> manifold3d.Manifold:
    """Union; from the second attempt on, every corner is moved by some micrometres.

    Neighbours that share the very same corners unite best untouched. Where surfaces coincide only up to rounding, cracks
    remain; growing the solids and moving their corners a little parts such surfaces.
    """
    rng = np.random.default_rng(attempt)
    bodies = []
    for solid in solids:
        vertices = np.array(solid.vertices, dtype=np.float64)
        if attempt > 0:
            vertices += 5e-4 * (vertices - vertices.mean(axis=0)) + rng.normal(
                scale=4e-6, size=vertices.shape
            )
        mesh = manifold3d.Mesh64(vertices, np.array(solid.faces, dtype=np.uint64))
        bodies.append(manifold3d.Manifold(mesh))
    return manifold3d.Manifold.batch_boolean(bodies, manifold3d.OpType.Add).simplify(2e-5)
