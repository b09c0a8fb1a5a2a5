import numpy as np
import pytest

from semgrasp_ros.core.metrics.touches import finger_touches
from test.semgrasp_ros.core.metrics.shapes import box, motion, moved

NAMES = ("body", "lid")


def _part_of(points):
    return (points[:, 2] > 0.02).astype(int)


def _dots(at, count=4):
    """Vertices within a millimetre of a point."""
    return np.asarray(at) + 0.0005 * np.random.default_rng(0).uniform(-1, 1, (count, 3))


THING = box((0.06, 0.06, 0.1))
THUMB, INDEX, MIDDLE = _dots((0.032, 0, 0)), _dots((-0.032, 0, 0.03)), _dots((0.0, 0.05, 0))


def _ask(*fingers, **more):
    regions = np.concatenate([np.full(len(f), i) for i, f in enumerate(fingers)])
    return finger_touches(np.concatenate(fingers), regions, THING, _part_of, NAMES, **more)


def test_fingers_touch_the_part_before_them():
    assert _ask(THUMB, INDEX, MIDDLE) == ("body", "lid", "", "", "", "")
    assert _ask(THUMB, INDEX, MIDDLE, within_m=0.03) == ("body", "lid", "body", "", "", "")
    assert _ask(MIDDLE, MIDDLE) == ("",) * 6


def test_two_vertices_are_no_touch_and_most_vertices_decide():
    assert _ask(THUMB[:2])[0] == "" and _ask(THUMB[:3])[0] == "body"
    assert _ask(np.concatenate([THUMB[:2], INDEX]))[0] == "lid"
    assert _ask(np.concatenate([THUMB, INDEX[:3]]))[0] == "body"


def test_the_wrist_touches_for_nobody():
    assert finger_touches(THUMB, np.full(4, -1), THING, _part_of, NAMES) == ("",) * 6


@pytest.mark.parametrize("seed", range(5))
def test_a_rigid_motion_of_both_changes_nothing(seed):
    m = motion(seed)
    back = np.linalg.inv(m)
    hand = np.concatenate([THUMB, INDEX, MIDDLE])
    found = finger_touches(
        hand @ m[:3, :3].T + m[:3, 3],
        np.repeat([0, 1, 2], 4),
        moved(THING, m),
        lambda points: _part_of(points @ back[:3, :3].T + back[:3, 3]),
        NAMES,
    )
    assert found == ("body", "lid", "", "", "", "")


def test_regions_must_fit():
    with pytest.raises(ValueError, match="regions of shape"):
        finger_touches(THUMB, np.zeros(3, int), THING, _part_of, NAMES)
    with pytest.raises(ValueError, match="maximum 6"):
        finger_touches(THUMB, np.full(4, 6), THING, _part_of, NAMES)
