"""Nonlinear least squares within bounds: Levenberg-Marquardt with an active set.

Variables at a bound that would be pushed beyond it are held there and the step is solved for the others (projected
Newton; Bertsekas, "Projected Newton methods for optimization problems with simple constraints", 1982).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

LEAST_DAMPING, MOST_DAMPING = 1e-10, 1e6


class Problem(Protocol):
    """What is minimised: half the sum of squares of residuals of a state."""

    def linearise(self, state: Any) -> tuple[np.ndarray, np.ndarray]:
        """Residuals (m,) and their Jacobian (m, n)."""

    def move(self, state: Any, step: np.ndarray) -> Any:
        """The state after a step (n,), within bounds."""

    def held(self, state: Any, descent: np.ndarray) -> np.ndarray:
        """Which variables (n,) are at a bound that the direction of descent (n,) would cross."""


@dataclass(frozen=True)
class Solution:
    """What was found.

    Attributes:
        state: the best.
        cost: half the sum of squares there.
        iterations: linearisations.
    """

    state: Any
    cost: float
    iterations: int


def minimise(
    problem: Problem,
    state: Any,
    iterations: int,
    tolerance: float = 1e-4,
    damping: float = 1e-3,
    longest_step: float = 0.5,
) -> Solution:
    """Descends from a state.

    Args:
        problem: what is minimised.
        state: where to begin, within bounds.
        iterations: at most so many linearisations after the first.
        tolerance: ends when a step lowers the cost by a smaller share.
        damping: to begin with, relative to the diagonal of J^T J.
        longest_step: no variable moves farther in one step.
    """
    residuals, jacobian = problem.linearise(state)
    cost, done = 0.5 * float(residuals @ residuals), 0
    while done < iterations:
        descent, normal = -jacobian.T @ residuals, jacobian.T @ jacobian
        free = ~problem.held(state, descent)
        if not free.any() or np.abs(descent[free]).max() < 1e-14:
            break
        step = np.zeros(len(descent))
        block = normal[np.ix_(free, free)]
        diagonal = np.diag(block)
        # A variable that moves nothing is damped as much as one that does.
        scaled = damping * (diagonal + 1e-3 * diagonal.max() + 1e-12)
        step[free] = np.linalg.solve(block + np.diag(scaled), descent[free])
        step *= min(1.0, longest_step / max(np.abs(step).max(), 1e-12))
        candidate = problem.move(state, step)
        new_residuals, new_jacobian = problem.linearise(candidate)
        new_cost, done = 0.5 * float(new_residuals @ new_residuals), done + 1
        if new_cost < cost:
            gained = cost - new_cost
            state, residuals, jacobian, cost = candidate, new_residuals, new_jacobian, new_cost
            damping = max(damping / 5, LEAST_DAMPING)
            if gained < tolerance * (cost + gained):
                break
        else:
            damping *= 6
            if damping > MOST_DAMPING:
                break
    return Solution(state, cost, done)
