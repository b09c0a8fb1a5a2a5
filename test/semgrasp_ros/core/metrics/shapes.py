"""Bodies of which the answers are known."""

import numpy as np
import trimesh


def box(extents, at=(0.0, 0.0, 0.0)) -> trimesh.Trimesh:
    mesh = trimesh.creation.box(extents)
    mesh.apply_translation(at)
    return mesh


def sphere(radius, at=(0.0, 0.0, 0.0), fineness=4) -> trimesh.Trimesh:
    mesh = trimesh.creation.icosphere(fineness, radius)
    mesh.apply_translation(at)
    return mesh


def motion(seed: int) -> np.ndarray:
    """A random rigid motion of up to half a metre; (4, 4)."""
    rng = np.random.default_rng(seed)
    matrix = trimesh.transformations.random_rotation_matrix(rng.random(3))
    matrix[:3, 3] = rng.uniform(-0.5, 0.5, 3)
    return matrix


def moved(mesh: trimesh.Trimesh, matrix: np.ndarray) -> trimesh.Trimesh:
    return mesh.copy().apply_transform(matrix)
