"""Objects without grasps, as the segmentation learns from them."""

from pathlib import Path

import pytest
import torch

from semgrasp_ros.core.data.dataset import CLOUD_POINTS, VIEW_POINTS, load_shapes, part_vocabulary


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
