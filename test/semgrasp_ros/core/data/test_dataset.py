"""Objects without grasps, as the segmentation learns from them."""

from pathlib import Path

import pytest
import torch

from semgrasp_ros.core.data.dataset import (
    CLOUD_POINTS,
    VIEW_POINTS,
    joined,
    load_made_up,
    load_shapes,
    part_vocabulary,
)
from semgrasp_ros.core.data.household import MADE_UP


def test_shapes_are_of_their_split_alone(tmp_path: Path):
    names = part_vocabulary()
    shapes = load_shapes("train", ("mug", "kettle"), 4, tmp_path, views=1)
    # Of a seen family the first instance is held out and the second validates; kettles are never learned from.
    assert shapes.objects == [("mug", 2), ("mug", 3)]
    assert shapes.clouds.shape == (2, CLOUD_POINTS, 7)
    assert shapes.views.shape == (2, 1, VIEW_POINTS, 7)
    assert len(shapes) == 0
    told = {names[int(part)] for part in shapes.clouds[..., 6].unique()}
    assert told == {"body", "handle", "rim"}
    again = load_shapes("train", ("mug", "kettle"), 4, tmp_path, views=1)
    assert torch.equal(again.clouds, shapes.clouds) and torch.equal(again.views, shapes.views)


def test_too_few_instances_are_named():
    with pytest.raises(ValueError, match="instances: among 1 of a family none is of the split 'train'"):
        load_shapes("train", ("mug", "cup"), 1)


def test_things_that_do_not_exist_join_those_that_do(tmp_path: Path):
    shapes, besides = load_shapes("train", ("mug",), 4, views=1), load_made_up(2, tmp_path, views=1)
    both = joined(shapes, besides)
    assert both.objects == [("mug", 2), ("mug", 3), (MADE_UP, 0), (MADE_UP, 1)]
    assert torch.equal(both.clouds[2:], besides.clouds) and torch.equal(both.views[:2], shapes.views)
    assert len(both) == 0
