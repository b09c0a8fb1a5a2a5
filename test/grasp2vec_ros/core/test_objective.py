import math

import pytest
import torch

from grasp2vec_ros.core.objective import (
    Embeddings,
    ObjectiveConfig,
    cosine_n_pairs,
    n_pairs,
    objective,
    presence,
    same_objects,
    shared_label_n_pairs,
)


def _embeddings(rows: int = 4, seed: int = 0, failed: int = 0) -> Embeddings:
    generator = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.rand(*shape, generator=generator)  # noqa: E731
    return Embeddings(
        draw(rows, 8, 3, 3), draw(rows, 8, 3, 3), draw(rows, 8), draw(rows, 8), draw(rows, 8), draw(rows, 8),
        draw(failed, 8), draw(failed, 8), torch.tensor(0.1).log(),
    )  # fmt: skip


def test_n_pairs_is_the_papers_formula():
    a, p = torch.tensor([[1.0, 2.0], [0.5, -1.0]]), torch.tensor([[0.3, 0.1], [-0.2, 0.7]])
    expected = 0.0
    for i in range(2):
        products = [math.exp(float(a[i] @ p[j])) for j in range(2)]
        expected -= math.log(products[i] / sum(products)) / 2
        expected += 0.0005 * float(a[i] @ a[i] + p[i] @ p[i]) / 2
    assert float(n_pairs(a, p, 0.0005)) == pytest.approx(expected, rel=1e-5)


def test_matching_pairs_cost_less_than_mixed_up_ones():
    vectors = torch.eye(5)
    temperature = torch.tensor(0.1).log()
    assert (
        cosine_n_pairs(vectors, vectors, temperature)
        < 0.01
        < cosine_n_pairs(vectors, vectors.flip(0), temperature)
    )


def test_presence_asks_for_the_object_in_pre_and_not_in_post():
    held, temperature = torch.eye(4), torch.tensor(0.05).log()
    empty = torch.full((4, 4, 3, 3), 1e-3)
    there = empty.clone()
    there[torch.arange(4), torch.arange(4), 1, 2] = 1.0
    right = presence(there, empty, held, temperature)
    assert right < presence(empty, there, held, temperature)
    assert right < presence(there, there, held, temperature)
    assert right < presence(there.flip(0), empty, held, temperature)


def test_the_papers_loss_is_scene_against_held_in_both_directions():
    e = _embeddings()
    config = ObjectiveConfig(similarity="dot", view_weight=0.0, presence_weight=0.0)
    removed = e.pre - e.post
    assert torch.allclose(
        objective(e, config), n_pairs(removed, e.held, 0.0005) + n_pairs(e.held, removed, 0.0005)
    )


def test_each_variant_changes_the_loss_and_has_a_gradient():
    base = float(objective(_embeddings(failed=2), ObjectiveConfig()))
    for change in (
        {"view_weight": 0.0},
        {"presence_weight": 0.0},
        {"failure": "send_to_zero"},
        {"failure": "shared_label"},
        {"nonnegative_difference": True},
        {"similarity": "dot"},
    ):
        e = _embeddings(failed=2)
        e.pre.requires_grad_(True)
        loss = objective(e, ObjectiveConfig(**change))
        loss.backward()
        assert float(loss.detach()) != pytest.approx(base) and torch.isfinite(e.pre.grad).all()


def test_failed_grasps_of_one_label_are_like_each_other_and_unlike_objects():
    temperature = torch.tensor(0.05).log()
    objects, nothing = torch.eye(5)[:4], torch.eye(5)[4:].repeat(3, 1)
    right = shared_label_n_pairs(objects, objects, nothing, temperature)
    assert right < shared_label_n_pairs(objects, objects, torch.eye(5)[[0, 1, 2]], temperature)
    assert right < shared_label_n_pairs(objects, objects.flip(0), nothing, temperature)


def test_the_same_object_twice_in_a_batch_is_not_pushed_apart():
    """Ten objects and a batch of 32: most negatives would be the object itself."""
    e = _embeddings(rows=6)
    e.held[1] = e.held[0] + 0.01  # attempts 0 and 1 hold the same object
    pairs = same_objects(e.held, 0.95)
    assert pairs[0, 1] and pairs[1, 0] and not pairs.diagonal().any()
    temperature = e.log_temperature.clone().requires_grad_()
    held = e.held.clone().requires_grad_()
    e.log_temperature, e.held = temperature, held
    plain = objective(e, ObjectiveConfig())
    masked = objective(e, ObjectiveConfig(same_object_cosine=0.95))
    assert masked < plain
    masked.backward()
    assert torch.isfinite(temperature.grad) and torch.isfinite(held.grad).all()


def test_pairs_that_are_ignored_leave_the_others_as_they_were():
    vectors, temperature = torch.eye(5) + 0.1, torch.tensor(0.1).log()
    nobody = torch.zeros(5, 5, dtype=torch.bool)
    assert cosine_n_pairs(vectors, vectors, temperature, nobody) == cosine_n_pairs(
        vectors, vectors, temperature
    )
