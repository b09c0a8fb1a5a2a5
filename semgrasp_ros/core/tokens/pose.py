"""A hand's pose as the networks see it: G = (T, theta, beta) in numbers of about unit size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from semgrasp_ros.core.hand.rotations import (
    matrix_from_six,
    matrix_from_vector,
    six_from_matrix,
    transform,
    vector_from_matrix,
)

UNIT_M = 0.1
WRIST, FINGERS, SHAPE = 9, 90, 10


@dataclass(frozen=True)
class HandPose:
    """B hands.

    Attributes:
        wrist: (B, 4, 4) in the object frame, metres.
        joint_rotations: (B, 15, 3) radians.
        shape: (B, 10).
    """

    wrist: torch.Tensor
    joint_rotations: torch.Tensor
    shape: torch.Tensor

    def __len__(self) -> int:
        return len(self.wrist)

    def select(self, which: torch.Tensor | slice) -> HandPose:
        """Only the hands `which`."""
        return HandPose(self.wrist[which], self.joint_rotations[which], self.shape[which])

    @classmethod
    def joined(cls, poses: Sequence[HandPose]) -> HandPose:
        """The hands of several, one after the other."""
        return cls(
            torch.cat([pose.wrist for pose in poses]),
            torch.cat([pose.joint_rotations for pose in poses]),
            torch.cat([pose.shape for pose in poses]),
        )


def wrist_numbers(wrist: torch.Tensor) -> torch.Tensor:
    """T as (B, 9): two columns of the rotation, then the position in decimetres."""
    return torch.cat([six_from_matrix(wrist[:, :3, :3]), wrist[:, :3, 3] / UNIT_M], dim=-1)


def wrist_from_numbers(numbers: torch.Tensor) -> torch.Tensor:
    """T (B, 4, 4) of (B, 9)."""
    return transform(matrix_from_six(numbers[:, :6]), numbers[:, 6:] * UNIT_M)


def finger_numbers(joint_rotations: torch.Tensor) -> torch.Tensor:
    """Theta as (B, 90): six numbers for each of 15 rotations."""
    return six_from_matrix(matrix_from_vector(joint_rotations)).flatten(1)


def fingers_from_numbers(numbers: torch.Tensor) -> torch.Tensor:
    """Rotation vectors (B, 15, 3) of (B, 90)."""
    return vector_from_matrix(matrix_from_six(numbers.unflatten(-1, (15, 6))))
