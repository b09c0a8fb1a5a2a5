"""A collision-free way between joint values: the straight line, or rapidly-exploring random trees from both ends.

RRT-Connect: Kuffner and LaValle, "RRT-Connect: an efficient approach to single-query path planning" (2000).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.trajectory import dense

Free = Callable[[np.ndarray], bool]


@dataclass(frozen=True)
class FreeMotionConfig:
    """How a way is searched.

    Attributes:
        step_rad: largest joint step between checks.
        reach_rad: how far a tree grows at once.
        trees: nodes of both trees before giving up.
        shortcuts: tries to cut corners.
    """

    step_rad: float = 0.05
    reach_rad: float = 0.6
    trees: int = 1500
    shortcuts: int = 60


def free_path(
    start: np.ndarray,
    goal: np.ndarray,
    free: Free,
    lower: np.ndarray,
    upper: np.ndarray,
    rng: np.random.Generator,
    config: FreeMotionConfig | None = None,
) -> np.ndarray | None:
    """Corners (C, n) of a path of straight joint lines, None when none is found.

    Args:
        start: (n,) radians, free.
        goal: (n,), free.
        free: whether joint values are without collision.
        lower: (n,) limits.
        upper: (n,) limits.
        rng: source of chance.
        config: of the search.
    """
    config = config or FreeMotionConfig()

    def line_free(begin: np.ndarray, end: np.ndarray) -> bool:
        return all(free(q) for q in _middle_first(dense(np.stack([begin, end]), config.step_rad)[1:]))

    if line_free(start, goal):
        return np.stack([start, goal])
    near, far = _Tree(start), _Tree(goal)
    while len(near.nodes) + len(far.nodes) < config.trees:
        target = rng.uniform(lower, upper)
        reached = near.grow(target, line_free, config.reach_rad)
        if reached is not None:
            joined = far.grow_all_the_way(near.nodes[reached], line_free, config.reach_rad)
            if joined is not None:
                one, other = near.way(reached), far.way(joined)
                path = np.array(one[::-1] + other[1:])
                path = path if np.array_equal(path[0], start) else path[::-1]
                return _cut_corners(path, line_free, rng, config.shortcuts)
        near, far = far, near
    return None


class _Tree:
    def __init__(self, root: np.ndarray) -> None:
        self.nodes, self._parents = [root], [-1]

    def grow(
        self, target: np.ndarray, line_free: Callable[[np.ndarray, np.ndarray], bool], reach_rad: float
    ) -> int | None:
        """One step toward the target; the new node, None when something is in the way."""
        nearest = int(np.abs(np.array(self.nodes) - target).max(axis=1).argmin())
        offset = target - self.nodes[nearest]
        new = self.nodes[nearest] + offset * min(1.0, reach_rad / max(np.abs(offset).max(), 1e-12))
        if not line_free(self.nodes[nearest], new):
            return None
        self.nodes.append(new)
        self._parents.append(nearest)
        return len(self.nodes) - 1

    def grow_all_the_way(
        self, target: np.ndarray, line_free: Callable[[np.ndarray, np.ndarray], bool], reach_rad: float
    ) -> int | None:
        """Steps until the target is reached; its node, None when something is in the way."""
        while True:
            new = self.grow(target, line_free, reach_rad)
            if new is None or np.abs(self.nodes[new] - target).max() < 1e-9:
                return new

    def way(self, node: int) -> list[np.ndarray]:
        """From a node to the root."""
        found = []
        while node >= 0:
            found.append(self.nodes[node])
            node = self._parents[node]
        return found


def _middle_first(points: np.ndarray) -> np.ndarray:
    """The end, then coarse before fine: what is in the way is met early."""
    strides = [8, 4, 2, 1]
    order = list(dict.fromkeys([len(points) - 1, *(i for s in strides for i in range(0, len(points), s))]))
    return points[order]


def _cut_corners(
    path: np.ndarray,
    line_free: Callable[[np.ndarray, np.ndarray], bool],
    rng: np.random.Generator,
    tries: int,
) -> np.ndarray:
    for _ in range(tries):
        if len(path) < 3:
            break
        places = np.sort(rng.uniform(0, len(path) - 1, 2))
        first, last = int(places[0]), int(places[1])
        if first == last:
            continue
        begin = path[first] + (places[0] - first) * (path[first + 1] - path[first])
        end = path[last] + (places[1] - last) * (path[min(last + 1, len(path) - 1)] - path[last])
        if line_free(begin, end):
            path = np.concatenate([path[: first + 1], [begin, end], path[last + 1 :]])
    return path
