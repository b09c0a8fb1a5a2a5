import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp2vec_ros.core.arithmetic import (
    cosine_reward,
    heatmap,
    mean_of_goals,
    pool,
    quietened,
    scene_difference,
)


def test_what_was_removed_is_what_is_left_of_the_difference():
    mug, brush, block = torch.eye(3)
    assert torch.equal(scene_difference(mug + brush + block, mug + block), brush)


def test_the_heatmap_peaks_where_the_goal_is():
    maps = torch.zeros(4, 5, 6)
    maps[1, 2, 3] = 2.0
    maps[0, 4, 4] = 9.0  # stronger, but of another object
    heat = heatmap(maps, torch.tensor([0.0, 1.0, 0.0, 0.0]))
    assert divmod(int(heat.argmax()), 6) == (2, 3) and heat.max() == pytest.approx(1.0)


def test_the_raw_heatmap_is_the_papers_dot_product():
    maps, goal = torch.rand(4, 2, 3), torch.rand(4)
    assert torch.allclose(heatmap(maps, goal, cosine=False)[1, 2], maps[:, 1, 2] @ goal)


@settings(deadline=None)
@given(st.integers(0, 10**6), st.floats(0.1, 100.0))
def test_a_mean_of_goals_does_not_depend_on_their_lengths_or_order(seed, scale):
    goals = torch.rand(3, 8, generator=torch.Generator().manual_seed(seed)) + 0.01
    mean = mean_of_goals(goals)
    assert torch.allclose(mean, mean_of_goals(goals.flip(0) * scale), atol=1e-5)
    assert float(mean.norm()) <= 1.0 + 1e-6


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_rewards_are_between_zero_and_one(seed):
    goal, held = torch.randn(2, 16, generator=torch.Generator().manual_seed(seed))
    assert 0 <= float(cosine_reward(goal, held)) <= 1
    assert float(cosine_reward(goal, goal)) == pytest.approx(1.0, abs=1e-5)
    assert float(cosine_reward(goal, -goal)) == 0.0


def test_pooling_by_sum_does_not_care_how_much_of_the_rest_is_seen():
    pre, post = torch.rand(2, 1, 4, 8, 8)
    post[..., :3] = pre[..., :3]
    whole = pool(pre, "sum") - pool(post, "sum")
    window = pool(pre[..., 3:], "sum") - pool(post[..., 3:], "sum")
    assert torch.allclose(whole, window, atol=1e-5)
    assert torch.allclose(pool(pre, "mean"), pre.mean(dim=(2, 3)))


def test_places_that_changed_little_count_less():
    change = torch.zeros(1, 3, 4, 4)
    change[0, 0, 1, 2] = 2.0
    change[0, 1] += 0.002  # a little darker everywhere
    assert torch.equal(quietened(change, 0), change)
    kept = quietened(change, 0.1)
    assert kept[0, 0, 1, 2] == pytest.approx(2 / 1.1, rel=1e-4)
    assert pool(kept, "sum")[0, 1].abs() < 0.1 * pool(change, "sum")[0, 1]
    # A tenth of the largest change counts half; as a whole it scales with the change.
    half = torch.zeros(1, 1, 1, 2)
    half[0, 0, 0, 0], half[0, 0, 0, 1] = 1.0, 0.1
    assert quietened(half, 0.1)[0, 0, 0, 1] == pytest.approx(0.05)
    assert torch.allclose(quietened(3 * change, 0.1), 3 * kept)
    assert not quietened(torch.zeros(2, 3, 4, 4), 0.1).any()
