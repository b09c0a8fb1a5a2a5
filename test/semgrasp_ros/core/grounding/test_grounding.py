"""Reading requests and telling parts apart: what holds untrained, and that both can be learned."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from semgrasp_ros.core.data.dataset import GraspData, object_cloud, part_vocabulary
from semgrasp_ros.core.data.household import FAMILIES, make_object
from semgrasp_ros.core.data.manners import FINGERS, MANNERS
from semgrasp_ros.core.grounding import Grounding, believed
from semgrasp_ros.core.grounding.askable import with_touches
from semgrasp_ros.core.grounding.reader import padded
from semgrasp_ros.core.grounding.segmentation import interpolated
from semgrasp_ros.core.grounding.training import (
    GroundingTrainingConfig,
    Loop,
    disturbed,
    requests_of,
    some_named,
)
from test.semgrasp_ros.core.tiny_grounding import tiny_grounding

WORDS = (("human", "hand me the mug by its handle"),)


def test_probabilities_are_of_every_part_manner_and_point():
    model, mug = tiny_grounding(), object_cloud("mug", 0)
    reading = model.read(WORDS)
    assert reading.part.shape == (len(part_vocabulary()),)
    assert float(reading.part.sum()) == pytest.approx(1, abs=1e-5)
    assert float(reading.manner.sum()) == pytest.approx(1, abs=1e-5)
    points = model.parts_of_points(mug.points, mug.normals)
    assert points.shape == (len(mug.points), len(part_vocabulary()))
    assert torch.allclose(points.sum(dim=1), torch.ones(len(points)), atol=1e-4)


def test_padding_does_not_change_a_reading():
    model = tiny_grounding()
    items = [
        model.reader.encode(WORDS),
        model.reader.encode((("human", "lift the pan with a power grasp now"),)),
    ]
    together = model.reader(padded(items, model.reader.vocabulary))
    for row, item in enumerate(items):
        alone = model.reader(padded([item], model.reader.vocabulary))
        for all_of_it, one in zip(together, alone, strict=True):
            assert torch.allclose(all_of_it[row], one[0], atol=1e-5)


def test_what_is_saved_is_read_again(tmp_path: Path):
    model, mug = tiny_grounding(), object_cloud("mug", 0)
    model.save(tmp_path, {"note": 1})
    again = Grounding.load(tmp_path)
    assert again.part_names == model.part_names
    assert torch.equal(again.read(WORDS).part, model.read(WORDS).part)
    assert torch.equal(
        again.parts_of_points(mug.points, mug.normals), model.parts_of_points(mug.points, mug.normals)
    )


def test_folders_of_something_else_are_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="has no config.json"):
        Grounding.load(tmp_path)
    tiny_grounding().save(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="is no safetensors file"):
        Grounding.load(tmp_path)
    (tmp_path / "config.json").write_text('{"format": "x"}')
    with pytest.raises(ValueError, match="has format 'x'"):
        Grounding.load(tmp_path)


@given(st.integers(0, 2**31), st.integers(0, 4))
def test_a_named_part_is_believed_and_order_kept(seed: int, part: int):
    rng = np.random.default_rng(seed)
    seen = torch.from_numpy(rng.dirichlet(np.full(5, 0.3), 200)).float()
    after = believed(seen, part)
    assert torch.allclose(after.sum(dim=1), torch.ones(200), atol=1e-4)
    assert int((after[:, part] >= 0.49).sum()) >= 8  # 4 % of the points
    assert bool((after[:, part] >= seen[:, part] - 1e-5).all())
    order = seen[:, part].argsort(stable=True)
    assert bool((after[order, part].diff() >= -1e-5).all())


def test_a_part_in_plain_sight_stays_as_it_is():
    seen = torch.tensor([[0.9, 0.1]] * 50 + [[0.1, 0.9]] * 50)
    assert torch.allclose(believed(seen, 0), seen, atol=1e-5)


def test_values_at_a_centre_are_the_centres_own():
    centres = torch.tensor([[[0.0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]]])
    values = torch.arange(4.0)[None, :, None]
    assert torch.allclose(interpolated(values, centres, centres), values, atol=0.02)
    middle = torch.tensor([[[0.05, 0.0, 0.0]]])
    assert 0 < float(interpolated(values, centres, middle)) < 1.5


def test_disturbed_clouds_are_centred_and_keep_their_parts():
    mug = object_cloud("mug", 0)
    cloud = np.concatenate([mug.points + 0.3, mug.normals, mug.parts[:, None]], axis=1)
    clouds = torch.from_numpy(cloud).float().repeat(6, 1, 1)
    points, normals, parts = disturbed(clouds, GroundingTrainingConfig(), np.random.default_rng(0))
    assert torch.allclose((points.amax(dim=1) + points.amin(dim=1)) / 2, torch.zeros(6, 3), atol=1e-6)
    assert torch.equal(parts, clouds[..., 6].long())
    assert torch.allclose(normals.norm(dim=2), torch.ones(6, points.shape[1]), atol=1e-4)
    size = points.amax(dim=1) - points.amin(dim=1)
    assert float(size.max() / size.min()) < 6


def test_a_disturbed_ball_still_faces_outward():
    ball = object_cloud("ball", 0)
    cloud = np.concatenate([ball.points, ball.normals, ball.parts[:, None]], axis=1)
    still = replace(GroundingTrainingConfig(), noise_m=0.0)
    points, normals, _ = disturbed(
        torch.from_numpy(cloud).float().repeat(8, 1, 1), still, np.random.default_rng(3)
    )
    outward = ((points * normals).sum(dim=2) > 0).float().mean(dim=1)
    # All but those whose normals were turned up, half of which look in.
    assert sorted(outward.tolist())[2] > 0.99


def test_an_interrupted_loop_goes_on_as_if_nothing_was(tmp_path: Path):
    config = GroundingTrainingConfig()

    def made() -> torch.nn.Module:
        torch.manual_seed(1)
        return torch.nn.Linear(3, 1)

    def loss_of(network: torch.nn.Module):
        return lambda rng: (network(torch.from_numpy(rng.normal(size=(4, 3))).float()) - 1).square().mean()

    whole = made()
    Loop(whole, loss_of(whole), 20, config, tmp_path / "whole.pt", "whole").run()
    first = made()
    loop = Loop(first, loss_of(first), 20, config, tmp_path / "parts.pt", "parts")
    loop.steps = 10
    loop.run()
    second = made()
    Loop(second, loss_of(second), 20, config, tmp_path / "parts.pt", "parts").run()
    assert torch.allclose(whole.weight, second.weight)
    with pytest.raises(ValueError, match="another configuration"):
        Loop(made(), loss_of(second), 20, replace(config, seed=5), tmp_path / "parts.pt", "parts")


def test_parts_of_a_few_mugs_are_learned():
    torch.manual_seed(0)
    model = tiny_grounding()
    names = list(part_vocabulary())
    clouds = []
    for instance in range(2, 5):
        mug = object_cloud("mug", instance, 512)
        parts = np.array([names.index(part.name) for part in make_object("mug", instance).parts])[mug.parts]
        clouds.append(np.concatenate([mug.points, mug.normals, parts[:, None]], axis=1))
    clouds = torch.from_numpy(np.array(clouds)).float()
    optimiser = torch.optim.Adam(model.segmentation.parameters(), 3e-3)
    losses = []
    for step in range(60):
        points, normals, parts = disturbed(clouds, GroundingTrainingConfig(), np.random.default_rng(step))
        said = model.segmentation(points, normals)
        loss = torch.nn.functional.cross_entropy(said.flatten(0, 1), parts.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss))
    assert np.mean(losses[-5:]) < 0.5 * losses[0]


def test_a_named_part_changes_what_is_seen():
    model, mug = tiny_grounding(), object_cloud("mug", 0)
    unnamed = model.parts_of_points(mug.points, mug.normals)
    handle = model.parts_of_points(mug.points, mug.normals, model.part_names.index("handle"))
    body = model.parts_of_points(mug.points, mug.normals, model.part_names.index("body"))
    assert not torch.allclose(unnamed, handle) and not torch.allclose(handle, body)
    assert torch.allclose(handle.sum(dim=1), torch.ones(len(handle)), atol=1e-4)


def test_a_model_that_cannot_be_told_names_is_read_and_used(tmp_path: Path):
    hearing, mug = tiny_grounding(), object_cloud("mug", 0)
    deaf = Grounding(
        hearing.part_names,
        hearing.reader.vocabulary,
        hearing.reader.config,
        hearing.segmentation.config,
        False,
    ).eval()
    deaf.save(tmp_path)
    described = json.loads((tmp_path / "config.json").read_text())
    del described["hears"]  # as older ones were written
    (tmp_path / "config.json").write_text(json.dumps(described))
    again = Grounding.load(tmp_path)
    unnamed = deaf.parts_of_points(mug.points, mug.normals)
    assert torch.equal(again.parts_of_points(mug.points, mug.normals), unnamed)
    assert torch.equal(again.parts_of_points(mug.points, mug.normals, 3), unnamed)


def test_only_parts_that_are_there_are_named():
    parts = torch.tensor([[0, 0, 3], [1, 1, 1]])
    rng = np.random.default_rng(0)
    named = torch.stack([some_named(parts, 0.5, 9, rng) for _ in range(200)])
    assert set(named[:, 0].tolist()) == {0, 3, 9} and set(named[:, 1].tolist()) == {1, 9}
    assert 0.35 < float((named == 9).float().mean()) < 0.65


def test_which_of_two_ends_is_meant_is_learned_from_its_name():
    """Two ends that look alike to whoever does not know what was asked for."""
    torch.manual_seed(0)
    model = tiny_grounding().segmentation
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    rng = np.random.default_rng(0)
    normals = torch.zeros(16, 64, 3)
    normals[..., 2] = 1
    for _ in range(120):
        points = torch.from_numpy(rng.uniform(-0.1, 0.1, (16, 64, 3))).float() * torch.tensor([1, 0.1, 0.1])
        named = torch.from_numpy(rng.integers(0, 2, 16))
        # Part 0, where it is named, is on the left; part 1, where it is named, is there too.
        parts = torch.where(points[..., 0] < 0, named[:, None], 1 - named[:, None])
        loss = torch.nn.functional.cross_entropy(model(points, normals, named).flatten(0, 1), parts.flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        for part in (0, 1):
            said = model(points, normals, torch.full((16,), part)).argmax(dim=2)
            assert float((said[points[..., 0] < -0.02] == part).float().mean()) > 0.9


def test_what_can_be_asked_for_is_on_the_object():
    data = GraspData([("mug", 2)], [], torch.zeros(0), mug_cloud()[None], torch.zeros(1, 0, 1, 7))
    (asked,) = requests_of(data)
    assert {one.part for one in asked} == {hold.part for hold in FAMILIES["mug"].holds} & {
        "handle",
        "body",
        "rim",
    }
    assert all(one.part not in one.other_parts for one in asked)
    rng = np.random.default_rng(0)
    for one in asked:
        manner, touches = MANNERS[one.manner], with_touches(one, rng).touches
        for finger, touched in zip(FINGERS, touches, strict=True):
            assert touched in ("", one.part)
            assert touched or finger not in manner.required
            assert not (touched and finger in manner.forbidden)


def mug_cloud() -> torch.Tensor:
    """A mug (N, 7) as the networks learn from it."""
    mug, names = object_cloud("mug", 2, 512), list(part_vocabulary())
    parts = np.array([names.index(part.name) for part in make_object("mug", 2).parts])[mug.parts]
    return torch.from_numpy(np.concatenate([mug.points, mug.normals, parts[:, None]], axis=1)).float()
