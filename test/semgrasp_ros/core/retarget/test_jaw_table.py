"""Flat things on a table: sides from the outline, fingers above the table."""

import numpy as np
import pytest

from semgrasp_ros.core.retarget.jaw_table import FREE_M, LowThing, raised
from semgrasp_ros.core.retarget.robots import load_robot

TABLE = np.array([0.0, 0.0, 1.0, 0.0])


def top_of_a_bar(width_m: float = 0.012, height_m: float = 0.006) -> np.ndarray:
    """Points of the upper side of a bar along x, as a camera above sees them, with noise."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-0.08, -width_m / 2, height_m], [0.08, width_m / 2, height_m], (4000, 3))
    return points + rng.normal(scale=0.0007, size=points.shape) * [0, 0, 1]


@pytest.mark.parametrize("width_m", [0.006, 0.012, 0.03])
def test_walls_stand_under_the_outline(width_m):
    walls, outward = LowThing.around(top_of_a_bar(width_m), TABLE, np.array([0, 0, 0.004])).walls()
    assert walls[:, 2].min() > 0 and walls[:, 2].max() < 0.01
    np.testing.assert_allclose(np.abs(walls[:, 1]), width_m / 2, atol=0.002)
    np.testing.assert_array_equal(np.sign(outward[:, 1]), np.sign(walls[:, 1]))
    assert np.abs(outward[:, 1]).min() > 0.9 and np.abs(outward[:, 2]).max() < 1e-9


def test_walls_turn_with_the_table():
    points = top_of_a_bar()
    angle = 0.7
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    shift = np.array([0.3, -0.2, 1.0])
    plane = np.array([*turn[:, 2], -turn[:, 2] @ shift])
    walls, outward = LowThing.around(points @ turn.T + shift, plane, shift + turn[:, 2] * 0.004).walls()
    local = (walls - shift) @ turn
    np.testing.assert_allclose(np.abs(local[:, 1]), 0.006, atol=0.002)
    assert np.abs(outward @ turn[:, 2]).max() < 1e-9


def test_tall_things_have_no_walls_and_are_not_flat():
    points = top_of_a_bar(height_m=0.1)
    low = LowThing.around(points, TABLE, np.array([0, 0, 0.09]))
    assert not low.flat and len(low.walls()[0]) == 0


def test_nothing_near_the_grasp():
    low = LowThing.around(top_of_a_bar(), TABLE, np.array([1.0, 0, 0]))
    assert not low.flat and len(low.walls()[0]) == 0


def test_fingers_end_above_the_table():
    gripper = load_robot("panda").gripper
    down = np.array([[1.0, 0, 0], [0, -1, 0], [0, 0, -1]])
    tips = np.array([[0, 0, -0.01], [0, 0, 0.05]])
    lifted = raised(np.stack([down, down]), tips, np.full(2, 0.04), TABLE, gripper)
    np.testing.assert_allclose(lifted[:, 2], [FREE_M, 0.05])


def test_leaning_fingers_are_lifted_by_their_lower_corner():
    gripper = load_robot("panda").gripper
    lean = 0.5
    x = np.array([np.cos(lean), 0, np.sin(lean)])
    z = np.array([np.sin(lean), 0, -np.cos(lean)])
    rotation = np.stack([x, np.cross(z, x), z], axis=1)
    tip = raised(rotation[None], np.zeros((1, 3)), np.array([0.04]), TABLE, gripper)[0]
    corner = tip - (0.02 + gripper.finger_thickness_m) * x
    assert corner[2] == pytest.approx(FREE_M)
