"""Where the part is that is meant."""

import numpy as np

from semgrasp_ros.core.part_belief import MOST_POINTS, PartBelief


def test_tells_of_the_nearest_known_point_in_any_frame():
    rng = np.random.default_rng(0)
    points = rng.uniform(-0.1, 0.1, (3000, 3))
    belief = PartBelief.sampled(points, (points[:, 0] > 0).astype(float))
    assert len(belief.points) == len(belief.probability) == MOST_POINTS
    others = rng.uniform(-0.1, 0.1, (500, 3))
    others = others[abs(others[:, 0]) > 0.03]
    assert np.array_equal(belief.at(others), others[:, 0] > 0)
    pose = np.array([[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]], float)
    placed = others @ pose[:3, :3].T + pose[:3, 3]
    assert np.array_equal(belief.moved(pose).at(placed), belief.at(others))


def test_few_points_are_all_kept():
    belief = PartBelief.sampled(np.eye(3), np.array([0.1, 0.5, 0.9]))
    assert sorted(belief.probability) == [0.1, 0.5, 0.9]
