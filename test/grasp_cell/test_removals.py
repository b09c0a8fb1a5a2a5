"""Removals without an arm's motion: what they show must be what a grasp would show."""

import numpy as np
import pytest

from grasp2vec_ros.core.baselines import changed_region
from grasp_cell.cell import Cell
from grasp_cell.config import CellConfig
from grasp_cell.removals import show_object, simulate_removals


@pytest.fixture(scope="module")
def cell():
    made = Cell(CellConfig(objects_per_scene=4, seen_toys=20, regime="shared_palette"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def removals(cell):
    rng = np.random.default_rng(0)
    return list(simulate_removals(cell, 10, rng, held_views=3, nudge_m=0.0, settle_s=0.0))


def test_only_the_removed_object_is_gone(removals):
    for removal in removals:
        experience, mask = removal.experience, removal.truth.masks[removal.truth.held_object]
        changed = changed_region(experience.pre, experience.post, threshold=2)
        assert changed[mask].mean() > 0.5
        others = np.any([m for n, m in removal.truth.masks.items() if n != removal.truth.held_object], axis=0)
        assert not (changed & others).any()


def test_the_removed_object_is_held_and_turned(removals):
    for removal in removals:
        first, *others = removal.experience.held
        middle = (slice(40, 90), slice(40, 90))
        # Against the wall behind, the middle of the picture has the toy's colours.
        assert first[middle].std() > 25
        assert all(np.abs(first.astype(int) - other).mean() > 1 for other in others)
        removal.experience.check()


def test_neighbours_can_be_pushed(cell):
    def changes(nudge_m: float) -> float:
        rng = np.random.default_rng(1)
        made = list(simulate_removals(cell, 8, rng, 1, nudge_m, nudge_share=1.0))
        return float(np.mean([changed_region(r.experience.pre, r.experience.post, 2).mean() for r in made]))

    assert changes(0.02) > 1.05 * changes(0.0)


def test_what_leaned_on_the_removed_object_falls():
    heap = Cell(CellConfig(objects_per_scene=8, regime="goods"))

    def changes(settle_s: float) -> float:
        rng = np.random.default_rng(2)
        made = list(simulate_removals(heap, 12, rng, 1, nudge_m=0.0, settle_s=settle_s))
        return float(
            np.mean(
                [
                    (
                        changed_region(r.experience.pre, r.experience.post, 8)
                        & ~r.truth.masks[r.truth.held_object]
                    ).mean()
                    for r in made
                ]
            )
        )

    try:
        assert changes(0.3) > 1.5 * changes(0.0)
    finally:
        heap.close()


def test_showing_an_object_leaves_the_bin_as_it_was(cell):
    cell.reset_scene(3)
    before, state = cell.scene_frame().rgb, cell.data.qpos.copy()
    shown = [show_object(cell, name, np.random.default_rng(0)) for name in cell.ground_truth.objects()]
    assert any(image is not None for image in shown)
    assert np.array_equal(cell.data.qpos, state) and np.array_equal(cell.scene_frame().rgb, before)


def test_scenes_vary_when_they_shall():
    def scenes(variation: float) -> list[np.ndarray]:
        cell = Cell(CellConfig(objects_per_scene=1, seen_toys=1, variation=variation))
        pictures, places = [], []
        for seed in (1, 2):
            cell.reset_scene(seed)
            pictures.append(cell.scene_frame().rgb[:20].astype(int))
            places.append(cell.scene_camera.position_m)
        cell.close()
        return [np.abs(pictures[0] - pictures[1]).mean(), np.abs(places[0] - places[1]).max()]

    assert scenes(0.0) == [0.0, 0.0]
    colours, places = scenes(1.0)
    assert colours > 5 and 0.0 < places < 0.1


def test_with_shadows_some_of_the_floor_is_darker():
    pictures = {}
    for shadows in (False, True):
        cell = Cell(CellConfig(objects_per_scene=3, seen_toys=3, shadows=shadows))
        cell.reset_scene(1)
        pictures[shadows] = cell.scene_frame().rgb.astype(int)
        cell.close()
    darker = (pictures[False] - pictures[True]).max(axis=2) > 15
    assert 0.005 < darker.mean() < 0.6 and (pictures[True] <= pictures[False] + 3).mean() > 0.95
