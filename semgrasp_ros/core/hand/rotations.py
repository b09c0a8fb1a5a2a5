"""Rotations as matrices, rotation vectors and the continuous six numbers; all differentiable, all in batches."""

from __future__ import annotations

import torch

SMALL_RAD = 1e-6


def matrix_from_vector(vector: torch.Tensor) -> torch.Tensor:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3) in radians (Rodrigues' formula)."""
    squared = (vector * vector).sum(-1, keepdim=True)
    angle = torch.sqrt(squared.clamp_min(SMALL_RAD**2))
    # Near zero the series are used, so that the gradient at rest is exact.
    small = squared < SMALL_RAD**2
    sine = torch.where(small, 1 - squared / 6, torch.sin(angle) / angle)
    # Half the angle's sine, since 1 - cos loses every digit of a small angle.
    cosine = torch.where(small, 0.5 - squared / 24, 0.5 * (torch.sin(angle / 2) / (angle / 2)) ** 2)
    cross = cross_matrix(vector)
    identity = torch.eye(3, dtype=vector.dtype, device=vector.device)
    return identity + sine[..., None] * cross + cosine[..., None] * (cross @ cross)


def vector_from_matrix(matrix: torch.Tensor) -> torch.Tensor:
    """Rotation vectors (..., 3), of at most pi radians, of rotation matrices (..., 3, 3)."""
    quaternion = _quaternion(matrix)
    sine = torch.linalg.norm(quaternion[..., 1:], dim=-1, keepdim=True)
    angle = 2 * torch.atan2(sine, quaternion[..., :1])
    return torch.where(
        sine < SMALL_RAD, 2 * quaternion[..., 1:], quaternion[..., 1:] * angle / sine.clamp_min(SMALL_RAD)
    )


def _quaternion(matrix: torch.Tensor) -> torch.Tensor:
    """Unit quaternions (..., 4), real part first and not negative, from the largest of the four candidates."""
    m = matrix
    diagonal = torch.stack(
        [
            1 + m[..., 0, 0] + m[..., 1, 1] + m[..., 2, 2],
            1 + m[..., 0, 0] - m[..., 1, 1] - m[..., 2, 2],
            1 - m[..., 0, 0] + m[..., 1, 1] - m[..., 2, 2],
            1 - m[..., 0, 0] - m[..., 1, 1] + m[..., 2, 2],
        ],
        dim=-1,
    )
    a, b, c = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    d, e, f = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    candidates = torch.stack(
        [
            torch.stack([diagonal[..., 0], a, b, c], -1),
            torch.stack([a, diagonal[..., 1], d, e], -1),
            torch.stack([b, d, diagonal[..., 2], f], -1),
            torch.stack([c, e, f, diagonal[..., 3]], -1),
        ],
        dim=-2,
    )
    best = diagonal.argmax(-1)[..., None, None].expand(*diagonal.shape[:-1], 1, 4)
    quaternion = torch.nn.functional.normalize(candidates.gather(-2, best)[..., 0, :], dim=-1)
    return torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def cross_matrix(vector: torch.Tensor) -> torch.Tensor:
    """Matrices (..., 3, 3) whose product with w is the cross product of `vector` (..., 3) with w."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(*vector.shape, 3)


def matrix_from_six(six: torch.Tensor) -> torch.Tensor:
    """Rotation matrices (..., 3, 3) of six numbers (..., 6): two columns, made orthonormal.

    Zhou et al. 2019, "On the Continuity of Rotation Representations in Neural Networks".
    """
    first = torch.nn.functional.normalize(six[..., :3], dim=-1)
    second = six[..., 3:] - (first * six[..., 3:]).sum(-1, keepdim=True) * first
    second = torch.nn.functional.normalize(second, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def six_from_matrix(matrix: torch.Tensor) -> torch.Tensor:
    """The first two columns (..., 6) of rotation matrices (..., 3, 3)."""
    return torch.cat([matrix[..., :, 0], matrix[..., :, 1]], dim=-1)


def transform(rotation: torch.Tensor, translation: torch.Tensor) -> torch.Tensor:
    """Homogeneous transforms (..., 4, 4) of rotations (..., 3, 3) and translations (..., 3)."""
    top = torch.cat([rotation, translation[..., None]], dim=-1)
    bottom = torch.zeros_like(top[..., :1, :])
    bottom[..., 3] = 1
    return torch.cat([top, bottom], dim=-2)
