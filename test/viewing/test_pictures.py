"""What perception draws for people: the goal's images and the markers at the heatmap's peak."""

import numpy as np
import pytest
from semantic_grasping.msg import GoalHeatmap
from visualization_msgs.msg import Marker

from grasp2vec_ros.core.goal_picture import MOST_TILES, TILE_PX, draw_goal
from grasp2vec_ros.core.goals import GoalView
from grasp2vec_ros.nodes.markers import TEXT_ABOVE_M, peak_markers


def plain(colour: tuple[int, int, int], height: int = 40, width: int = 40) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


@pytest.mark.parametrize(("views", "shape"), [(1, (1, 1)), (2, (1, 2)), (3, (2, 2)), (200, (4, 4))])
def test_a_goals_views_lie_in_square_tiles(views, shape):
    picture = draw_goal(tuple(GoalView(plain((i % 250, 9, 9))) for i in range(views)))
    assert picture.shape == (shape[0] * TILE_PX, shape[1] * TILE_PX, 3) and picture.dtype == np.uint8
    middles = picture[TILE_PX // 2 :: TILE_PX, TILE_PX // 2 :: TILE_PX, 0].reshape(-1)
    assert middles[: min(views, MOST_TILES)].tolist() == list(range(min(views, MOST_TILES)))


def test_of_a_scene_only_the_region_is_shown_and_keeps_its_shape():
    scene = plain((200, 0, 0), 100, 160)
    scene[20:40, 30:90] = (0, 200, 0)
    picture = draw_goal((GoalView(scene, (30, 20, 60, 20)),))
    green = (picture == (0, 200, 0)).all(axis=2)
    rows, columns = np.flatnonzero(green.any(axis=1)), np.flatnonzero(green.any(axis=0))
    assert len(columns) == TILE_PX and len(rows) == round(TILE_PX / 3) and not (picture[..., 0] == 200).any()


def heatmap_info(score: float = 0.8, valid: bool = True) -> GoalHeatmap:
    info = GoalHeatmap(goal_id="goal-1", peak_score=score, point_valid=valid)
    info.header.frame_id, info.point.header.frame_id = "scene_camera", "base"
    info.header.stamp.sec = info.point.header.stamp.sec = 7
    info.point.point.x, info.point.point.y, info.point.point.z = 0.5, -0.1, 0.03
    return info


def test_the_ball_is_at_the_peak_and_the_text_over_it_says_name_and_score():
    clear, ball, text = peak_markers(heatmap_info(), "mug").markers
    assert clear.action == Marker.DELETEALL and (ball.type, text.type) == (2, 9)
    assert ball.header.frame_id == text.header.frame_id == "base" and ball.header.stamp.sec == 7
    assert (ball.pose.position.x, ball.pose.position.y, ball.pose.position.z) == (0.5, -0.1, 0.03)
    assert text.pose.position.z == pytest.approx(0.03 + TEXT_ABOVE_M) and text.text == "mug 0.80"
    assert {ball.ns, text.ns} == {"peak", "text"} and min(ball.scale.x, text.scale.z) > 0


def test_a_goal_without_label_is_named_by_its_id():
    assert peak_markers(heatmap_info(), "").markers[2].text == "goal-1 0.80"


@pytest.mark.parametrize("score", [-1.0, 0.0, 0.5, 1.0, 40.0])
def test_colours_stay_colours_for_any_score(score):
    colour = peak_markers(heatmap_info(score), "").markers[1].color
    assert all(0 <= value <= 1 for value in (colour.r, colour.g, colour.b)) and colour.a > 0.5


def test_without_a_point_earlier_markers_go():
    (only,) = peak_markers(heatmap_info(valid=False), "mug").markers
    assert only.action == Marker.DELETEALL
