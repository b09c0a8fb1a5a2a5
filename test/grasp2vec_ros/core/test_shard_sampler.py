from types import SimpleNamespace

import numpy as np
import pytest

from grasp2vec_ros.core.shard_sampler import ShardSampler


def fake_shards(sizes: list[int], seed: int = 0) -> SimpleNamespace:
    """What the sampler looks at: the shard and the scene of each attempt, scenes in runs of up to four."""
    rng = np.random.default_rng(seed)
    shard = np.repeat(np.arange(len(sizes)), sizes)
    scene = np.repeat(np.arange(len(shard)), rng.integers(1, 5, len(shard)))[: len(shard)]
    return SimpleNamespace(shard=shard, scene=scene.astype(np.uint64))


def test_a_round_shows_every_attempt_once():
    shards = fake_shards([10, 7, 12, 3, 9, 11])
    rows = np.random.default_rng(1).random(52) < 0.8
    sampler = ShardSampler(shards, rows, lanes=2, per_lane=3)
    seen = []
    for lane, steps in enumerate(sampler._steps):
        first = np.concatenate([sampler.draw(step, lane) for step in range(steps)])
        second = np.concatenate([sampler.draw(step, lane) for step in range(steps, 2 * steps)])
        for part in (first, second):
            assert len(set(part.tolist())) == len(part) == 3 * steps
        assert first.tolist() != second.tolist()
        seen += first.tolist()
    assert set(seen) <= set(np.flatnonzero(rows)) and len(seen) >= rows.sum() - 2 * 2
    assert abs(sampler._steps[0] - sampler._steps[1]) <= 2  # lanes are about even


def test_lanes_have_shards_of_their_own():
    shards = fake_shards([20] * 8)
    sampler = ShardSampler(shards, np.ones(160, bool), lanes=4, per_lane=4)
    of_lane = [
        {int(s) for step in range(20) for s in shards.shard[sampler.draw(step, lane)]} for lane in range(4)
    ]
    assert [len(own) for own in of_lane] == [2] * 4 and len(set.union(*of_lane)) == 8


def test_a_draw_follows_from_the_step_alone():
    shards = fake_shards([15, 20, 25])
    rows = np.ones(60, bool)
    one, other = (ShardSampler(shards, rows, 3, 4, seed=5) for _ in range(2))
    forth = [one.draw(step, lane).tolist() for step in range(30) for lane in range(3)]
    back = [other.draw(step, lane).tolist() for step in reversed(range(30)) for lane in reversed(range(3))]
    assert forth == back[::-1]
    third = ShardSampler(shards, rows, 3, 4, seed=6)
    assert forth != [third.draw(step, lane).tolist() for step in range(30) for lane in range(3)]


def test_attempts_of_a_scene_stay_together():
    shards = fake_shards([40, 40])
    pairs = {}
    for group in (1, 4):
        sampler = ShardSampler(shards, np.ones(80, bool), 1, 40, scene_group=group)
        drawn = shards.scene[np.concatenate([sampler.draw(0, 0), sampler.draw(1, 0)])]
        assert sorted(drawn) == sorted(shards.scene)
        pairs[group] = int((np.diff(drawn) == 0).sum())
    whole = int((np.diff(shards.scene[:40]) == 0).sum() + (np.diff(shards.scene[40:]) == 0).sum())
    assert pairs[4] >= whole > 2 * pairs[1]


@pytest.mark.parametrize(
    ("sizes", "lanes", "per_lane", "words"),
    [
        ([20, 20], 3, 2, "3 are more than the 2 shards"),
        ([20, 2], 2, 4, "a lane has 2 attempts"),
        ([], 1, 1, "0 shards"),
    ],
)
def test_what_does_not_fit_is_said(sizes, lanes, per_lane, words):
    shards = fake_shards(sizes)
    with pytest.raises(ValueError, match=words):
        ShardSampler(shards, np.ones(sum(sizes), bool), lanes, per_lane)
