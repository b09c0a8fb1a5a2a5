"""Reading requests and telling parts apart: what holds untrained, and that both can be learned."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from semgrasp_ros.core.data.dataset import GraspData, object_cloud, part_vocabulary
from semgrasp_ros.core.grounding import Grounding, believed, training
from semgrasp_ros.core.grounding.reader import padded
from semgrasp_ros.core.grounding.segmentation import interpolated
from semgrasp_ros.core.grounding.training import GroundingTrainingConfig, Loop, disturbed
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
        from semgrasp_ros.core.data.household import make_object

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


def test_the_segmentation_learns_from_shapes_without_grasps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def data(*objects: tuple[str, int]) -> GraspData:
        clouds = torch.zeros(len(objects), 1, 7)
        return GraspData(list(objects), [], torch.zeros(0), clouds, clouds[:, None])

    train, shapes, seen = data(("mug", 2)), data(("mug", 3), ("cup", 3)), []

    def loss(model: Grounding, looked_at: GraspData, *_: object) -> torch.Tensor:
        seen.append(looked_at)
        return sum(value.sum() for value in model.parameters()) * 0.0

    model = tiny_grounding()
    monkeypatch.setattr(training, "_vocabulary", lambda *_: model.reader.vocabulary)
    monkeypatch.setattr(training, "reading_loss", loss)
    monkeypatch.setattr(training, "segmentation_loss", loss)
    monkeypatch.setattr(training, "check", lambda *_: {})
    config = GroundingTrainingConfig(reader_steps=1, segmentation_steps=1)
    training.train_grounding(train, train, part_vocabulary(), config, tmp_path / "with", shapes)
    training.train_grounding(train, train, part_vocabulary(), config, tmp_path / "without")
    assert [one.objects for one in seen] == [d.objects for d in (train, shapes, train, train)]
