"""Retargeting to a parallel jaw, on boxes between two blobs of a hand."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from semgrasp_ros.core.retarget.jaw import JawConfig, NoJawGraspError, retarget_to_jaw
from semgrasp_ros.core.retarget.robots import load_robot

CONFIG, GRIPPER = JawConfig(samples=300), load_robot("panda").gripper


def scene(size: tuple[float, float, float], faces: slice = slice(None)) -> tuple[np.ndarray, ...]:
    """A hand from above (wrist at z = +0.15) that holds a box across x: thumb at +x, fingers at -x."""
    rng = np.random.default_rng(0)
    box = trimesh.creation.box(size)
    points, face = trimesh.sample.sample_surface(box, 3000, seed=0)
    pad = rng.uniform(-1, 1, (60, 3)) * (0.002, 0.01, 0.01)
    thumb, fingers = pad + (size[0] / 2 + 0.004, 0, 0), pad - (size[0] / 2 + 0.004, 0, 0)
    wrist = rng.normal(scale=0.01, size=(30, 3)) + (0, 0, 0.15)
    hand = np.concatenate([thumb, fingers, wrist])
    return hand, np.repeat([0, 1, -1], [60, 60, 30]), points, box.face_normals[face]


@pytest.mark.parametrize("width_m", [0.02, 0.05])
def test_closes_across_the_thin_side(width_m: float) -> None:
    best = retarget_to_jaw(*scene((width_m, 0.12, 0.06)), GRIPPER, config=CONFIG)[0]
    assert abs(best.tool[0, 0]) > np.cos(np.radians(4))
    assert best.width_m == pytest.approx(width_m, abs=0.003)
    assert best.tool[2, 2] < -0.8, "from the wrist's side"
    assert best.width_m < best.opening_m <= 0.08


@pytest.mark.parametrize("side", [-1, 1])
def test_keeps_to_the_asked_part_also_where_it_is_only_likely(side: int) -> None:
    hand, regions, points, normals = scene((0.03, 0.12, 0.06))
    likely = np.where(side * points[:, 1] > 0.01, 0.9, 0.2)
    best = retarget_to_jaw(hand, regions, points, normals, GRIPPER, on_part=likely, config=CONFIG)[0]
    assert side * best.tool[1, 3] > 0.01 and best.scores["part_share"] > 0.6
    with pytest.raises(ValueError, match="on_part: shape"):
        retarget_to_jaw(hand, regions, points, normals, GRIPPER, on_part=likely[1:], config=CONFIG)


def test_a_plate_is_too_wide() -> None:
    with pytest.raises(
        NoJawGraspError, match="too wide: the narrowest .* mm, the gripper opens 80 mm"
    ) as error:
        retarget_to_jaw(*scene((0.12, 0.2, 0.16)), GRIPPER, config=CONFIG)
    assert error.value.narrowest_m == pytest.approx(0.12, abs=0.01)


def test_a_lid_above_forces_another_approach_and_a_cage_is_named() -> None:
    hand, regions, points, normals = scene((0.03, 0.03, 0.03))
    grid = np.stack(np.meshgrid(np.linspace(-0.1, 0.1, 40), np.linspace(-0.1, 0.1, 40)), -1).reshape(-1, 2)
    lid = np.column_stack([grid, np.full(len(grid), 0.03)])
    config = JawConfig(samples=600)
    best = retarget_to_jaw(hand, regions, points, normals, GRIPPER, obstacles=lid, config=config)[0]
    assert best.tool[2, 2] > -0.6
    sides = [np.roll(lid * (1, 1, sign), turn, axis=1) for sign in (1, -1) for turn in range(3)]
    with pytest.raises(NoJawGraspError, match="collide with neighbours") as error:
        retarget_to_jaw(
            hand, regions, points, normals, GRIPPER, obstacles=np.concatenate(sides), config=config
        )
    assert error.value.counts["neighbours"] > 100


def test_the_table_is_named() -> None:
    with pytest.raises(NoJawGraspError, match="collide with the table"):
        retarget_to_jaw(*scene((0.03, 0.05, 0.05)), GRIPPER, plane=np.array([0, 0, 1, -0.5]), config=CONFIG)


def test_the_unseen_side_comes_from_the_hand() -> None:
    hand, regions, points, normals = scene((0.03, 0.08, 0.05))
    seen = (normals[:, 0] > 0.5) | (normals[:, 2] > 0.5)
    best = retarget_to_jaw(hand, regions, points[seen], normals[seen], GRIPPER, config=CONFIG)[0]
    assert abs(best.tool[0, 0]) > np.cos(np.radians(12))
    assert best.width_m == pytest.approx(0.03, abs=0.012)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_moves_with_the_scene(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rotation, shift = Rotation.random(random_state=seed).as_matrix(), rng.uniform(-1, 1, 3)
    hand, regions, points, normals = scene((0.03, 0.08, 0.05))
    here = retarget_to_jaw(hand, regions, points, normals, GRIPPER, config=CONFIG)[0]
    there = retarget_to_jaw(
        hand @ rotation.T + shift,
        regions,
        points @ rotation.T + shift,
        normals @ rotation.T,
        GRIPPER,
        config=CONFIG,
    )[0]
    assert there.tool[:3, :3] == pytest.approx(rotation @ here.tool[:3, :3], abs=1e-6)
    assert there.tool[:3, 3] == pytest.approx(rotation @ here.tool[:3, 3] + shift, abs=1e-6)


def test_same_seed_same_grasps() -> None:
    first, second = (
        retarget_to_jaw(*scene((0.03, 0.08, 0.05)), GRIPPER, config=CONFIG, seed=3) for _ in range(2)
    )
    assert [grasp.why for grasp in first] == [grasp.why for grasp in second]
    assert np.array_equal(first[0].tool, second[0].tool)


def test_bad_input_is_named() -> None:
    hand, regions, points, normals = scene((0.03, 0.08, 0.05))
    with pytest.raises(ValueError, match="hand_regions"):
        retarget_to_jaw(hand, regions[:5], points, normals, GRIPPER)
    with pytest.raises(ValueError, match="normals: lengths"):
        retarget_to_jaw(hand, regions, points, 2 * normals, GRIPPER)
    with pytest.raises(ValueError, match="points: .* not finite"):
        retarget_to_jaw(hand, regions, points * np.nan, normals, GRIPPER)
    with pytest.raises(ValueError, match="plane"):
        retarget_to_jaw(hand, regions, points, normals, GRIPPER, plane=np.array([0, 0, 2.0, 0]))
    with pytest.raises(NoJawGraspError, match="no opposing contacts"):
        retarget_to_jaw(hand + 1.0, regions, points, normals, GRIPPER)
