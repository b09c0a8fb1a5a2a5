"""Which attempts of shards are in the batch of a step: known from the step's number alone.

A batch is made of lanes, each with shards of its own. A process takes some of the lanes, so it reads only the shards of
these; which attempts a batch has does not depend on the number of processes, nor on when training was interrupted.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from grasp2vec_ros.core.shards import Shards


class ShardSampler:
    """Goes through the attempts of each lane in random order, again and again.

    Shards come one after the other, in an order that differs each time; the attempts of a shard are shuffled in groups
    of one scene. A lane with fewer attempts than others shows them more often: lanes are made as even as shards allow.

    Args:
        shards: what there is.
        rows: (N,) bool, the attempts to draw from.
        lanes: how many; at most as many as there are shards with attempts to draw from.
        per_lane: attempts of each lane in a batch.
        scene_group: how many attempts of one scene stay together; see `TrainerConfig`.
        seed: of the order.

    Raises:
        ValueError: there are fewer shards than lanes, or too few attempts in one.
    """

    def __init__(
        self,
        shards: Shards,
        rows: np.ndarray,
        lanes: int,
        per_lane: int,
        scene_group: int = 1,
        seed: int = 0,
    ) -> None:
        self.per_lane, self._group, self._seed = per_lane, scene_group, seed
        self._scene = shards.scene
        self._rows = _split(np.flatnonzero(rows), shards.shard[rows])
        if len(self._rows) < lanes:
            raise ValueError(
                f"lanes: {lanes} are more than the {len(self._rows)} shards that have attempts to learn from; use fewer"
                " lanes, or export again with a smaller --shard-mb"
            )
        self._lanes: list[list[int]] = [[] for _ in range(lanes)]
        sizes = [0] * lanes
        for shard, own in sorted(self._rows.items(), key=lambda item: (-len(item[1]), item[0])):
            smallest = int(np.argmin(sizes))
            self._lanes[smallest].append(shard)
            sizes[smallest] += len(own)
        # A batch never spans two rounds: the same attempt would be in it twice, as its own negative.
        self._steps = [size // per_lane for size in sizes]
        if min(self._steps) == 0:
            raise ValueError(
                f"batch_size: a lane has {min(sizes)} attempts to learn from and gives {per_lane} to each batch; use"
                " smaller batches or fewer lanes"
            )
        self._order = lru_cache(maxsize=2 * lanes)(self._make_order)
        self._shuffled = lru_cache(maxsize=2 * lanes)(self._shuffle)

    def draw(self, step: int, lane: int) -> np.ndarray:
        """The attempts of a lane at a step, (per_lane,) int, all different."""
        round_, within = divmod(step, self._steps[lane])
        order, ends = self._order(lane, round_)
        begin, drawn = within * self.per_lane, []
        end = begin + self.per_lane
        for i in range(int(np.searchsorted(ends, begin, side="right")), len(order)):
            start = ends[i] - len(self._rows[order[i]])
            if start >= end:
                break
            own = self._shuffled(order[i], round_)
            drawn.append(own[max(0, begin - start) : end - start])
        return np.concatenate(drawn)

    def _make_order(self, lane: int, round_: int) -> tuple[list[int], np.ndarray]:
        """The shards of a lane in the order of a round, and where each ends among the attempts of the round."""
        order = np.random.default_rng((self._seed, 0, lane, round_)).permutation(self._lanes[lane]).tolist()
        return order, np.cumsum([len(self._rows[shard]) for shard in order])

    def _shuffle(self, shard: int, round_: int) -> np.ndarray:
        rows = self._rows[shard]
        # A group begins where the scene changes, and after so many of one scene.
        new_scene = np.concatenate([[True], np.diff(self._scene[rows]) != 0])
        in_scene = np.arange(len(rows)) - np.maximum.accumulate(np.where(new_scene, np.arange(len(rows)), 0))
        groups = np.split(rows, np.flatnonzero(in_scene % self._group == 0)[1:])
        order = np.random.default_rng((self._seed, 1, shard, round_)).permutation(len(groups))
        return np.concatenate([groups[i] for i in order])


def _split(rows: np.ndarray, shard: np.ndarray) -> dict[int, np.ndarray]:
    """Rows by their shard; rows of one shard are neighbours."""
    if not len(rows):
        return {}
    parts = np.split(rows, np.flatnonzero(np.diff(shard)) + 1)
    begins = np.concatenate([[0], np.cumsum([len(part) for part in parts])[:-1]])
    return {int(shard[begin]): part for begin, part in zip(begins, parts, strict=True)}
