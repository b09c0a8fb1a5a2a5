import sys

import numpy as np
import pytest
import trimesh

from semgrasp_ros.core.metrics import displacement
from semgrasp_ros.core.metrics.displacement import final_position_cm, simulate, simulation_displacement_cm
from test.semgrasp_ros.core.metrics.shapes import box, motion, moved

THING = box((0.04, 0.05, 0.06))


def _needs_bullet():
    pytest.importorskip("pybullet", reason="an optional extra: pip install pybullet==3.2.7")


def _plates(gap_m: float) -> trimesh.Trimesh:
    """Two upright plates that stand still, as far apart as said."""
    return trimesh.util.concatenate(
        [box((0.02, 0.1, 0.1), (side * (gap_m / 2 + 0.01), 0, 0)) for side in (-1, 1)]
    )


def _free_fall_cm() -> float:
    """Semi-implicit Euler: the n-th step falls g * n * dt^2."""
    n = displacement.STEPS
    return 100 * 9.8 * displacement.STEP_S**2 * n * (n + 1) / 2


def test_without_a_hand_the_object_falls_as_the_sum_says():
    _needs_bullet()
    assert simulation_displacement_cm(None, [THING]) == pytest.approx(_free_fall_cm(), rel=1e-6)


def test_where_the_object_stands_matters_to_the_final_position_only():
    _needs_bullet()
    there = box((0.04, 0.05, 0.06), (0.1, 0.2, 0.3))
    assert simulation_displacement_cm(None, [there]) == pytest.approx(_free_fall_cm(), rel=1e-6)
    end = np.array([10, 20, 30 - _free_fall_cm()])
    assert final_position_cm(None, [there]) == pytest.approx(np.linalg.norm(end), rel=1e-6)


def test_the_centre_of_mass_is_that_of_the_pieces_or_the_given_one():
    _needs_bullet()
    pieces = [box((0.02, 0.02, 0.02)), box((0.04, 0.04, 0.04), (0.09, 0, 0))]
    assert simulate(None, pieces).start_m == pytest.approx([0.08, 0, 0], abs=1e-9)
    assert simulate(None, pieces, np.array([0.01, 0, 0])).start_m == pytest.approx([0.01, 0, 0], abs=1e-9)


def test_gravity_acts_where_it_is_told_to():
    _needs_bullet()
    fall = simulate(None, [THING], gravity_m_s2=(0, 9.8, 0))
    assert 100 * (fall.end_m - fall.start_m) == pytest.approx([0, _free_fall_cm(), 0], rel=1e-6)


def test_plates_that_overlap_the_object_hold_it_and_plates_apart_do_not():
    _needs_bullet()
    assert simulation_displacement_cm(_plates(0.038), [THING]) < 0.3
    assert simulation_displacement_cm(_plates(0.05), [THING]) == pytest.approx(_free_fall_cm(), rel=1e-6)


def test_in_a_closed_cage_it_hardly_moves():
    """The cage leaves as much room as Bullet's margins take: 1.5 mm on every side."""
    _needs_bullet()
    cage = trimesh.boolean.difference([box((0.08, 0.09, 0.1)), box((0.043, 0.053, 0.063))], engine="manifold")
    assert simulation_displacement_cm(cage, [THING]) < 0.06


def test_pieces_stay_apart_and_are_not_one_hull():
    """A bar through the gap of a U holds nothing until the U's bridge, above it, comes down on it."""
    _needs_bullet()
    legs = [box((0.02, 0.05, 0.06), (x, 0, 0)) for x in (-0.04, 0.04)]
    bar = box((0.02, 0.2, 0.02))
    assert simulation_displacement_cm(bar, legs) == pytest.approx(_free_fall_cm(), rel=1e-6)
    bridged = [*legs, box((0.1, 0.05, 0.02), (0, 0, 0.04))]
    assert 1.0 < simulation_displacement_cm(bar, bridged) < 5.0


def test_the_same_question_has_the_same_answer_whatever_was_asked_before():
    _needs_bullet()
    first = simulation_displacement_cm(_plates(0.038), [THING])
    simulation_displacement_cm(None, [box((0.1, 0.1, 0.1))], gravity_m_s2=(1, 2, 3))
    assert simulation_displacement_cm(_plates(0.038), [THING]) == first


@pytest.mark.parametrize("seed", range(3))
def test_a_rigid_motion_of_all_changes_nothing(seed):
    _needs_bullet()
    m = motion(seed)
    gravity = m[:3, :3] @ displacement.GRAVITY_M_S2
    falling = simulation_displacement_cm(moved(_plates(0.05), m), [moved(THING, m)], gravity_m_s2=gravity)
    assert falling == pytest.approx(_free_fall_cm(), rel=1e-4)
    assert simulation_displacement_cm(moved(_plates(0.038), m), [moved(THING, m)], gravity_m_s2=gravity) < 0.3


def test_without_pybullet_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pybullet", None)
    monkeypatch.setattr(displacement, "_client", displacement._client.__wrapped__)
    with pytest.raises(ImportError, match="pip install pybullet==3.2.7"):
        simulate(None, [THING])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="pieces is empty"):
        simulate(None, [])
    with pytest.raises(ValueError, match=r"pieces\[1\]"):
        simulate(None, [THING, (np.full((4, 3), np.nan), [[0, 1, 2]])])
    with pytest.raises(ValueError, match="three finite numbers"):
        simulate(None, [THING], gravity_m_s2=(0, 0, np.inf))
    with pytest.raises(ValueError, match="close them"):
        simulate(None, [(THING.vertices, THING.faces[:, ::-1])])
