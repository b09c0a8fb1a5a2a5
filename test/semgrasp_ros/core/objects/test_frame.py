"""Headings: symmetric targets, exact shifts with turns, a training that learns and goes on, files and errors."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from grasp2vec_ros.core.results import Results
from semgrasp_ros.__main__ import main
from semgrasp_ros.core.data.household.object import HouseholdObject, Part, assemble
from semgrasp_ros.core.objects.clouds import surface_cloud
from semgrasp_ros.core.objects.frame import (
    BIN_RAD,
    BINS,
    HeadingConfig,
    HeadingEstimator,
    canonical_pose,
    cylindrical_grid,
    middle,
    rotation,
    turned,
    wrapped,
)
from semgrasp_ros.core.objects.frame_data import (
    CLOUD_POINTS,
    STEPS,
    VIEWS,
    HeadingExamples,
    instances_of,
    load_examples,
    mirror_keeps_heading,
    misfit_at,
    self_misfit,
)
from semgrasp_ros.core.objects.frame_evaluation import (
    KINDS,
    evaluate,
    found_by,
    has_heading,
    median,
    principal_heading,
    right_within,
    trials,
)
from semgrasp_ros.core.objects.frame_training import (
    FrameTrainer,
    FrameTrainingConfig,
    heading_targets,
    robot_clouds,
    train_frame,
)

TINY = HeadingConfig(rings=4, floors=3, width=16, dilations=(1, 2))
CAN = assemble("can", 0, [Part("body", (trimesh.creation.cylinder(0.035, 0.1, sections=64),))])
BRICK = assemble("brick", 0, [Part("body", (trimesh.creation.box((0.2, 0.1, 0.06)),))])


def racket(instance: int) -> HouseholdObject:
    """A broad head, and a handle toward x; sizes differ by instance."""
    rng = np.random.default_rng(instance)
    head = trimesh.creation.box(rng.uniform(0.06, 0.1, 3))
    handle = trimesh.creation.box((rng.uniform(0.12, 0.18), 0.02, 0.02))
    handle.apply_translation((handle.extents[0] / 2 + 0.02, 0, 0))
    return assemble("racket", instance, [Part("head", (head,)), Part("handle", (handle,))])


def examples_of(things: list[HouseholdObject]) -> HeadingExamples:
    """Whole clouds only, where views are wanted too."""
    clouds = []
    for thing in things:
        rng = np.random.default_rng(thing.instance)
        seen = [surface_cloud(thing, CLOUD_POINTS, rng) for _ in range(1 + VIEWS)]
        clouds.append([np.concatenate([cloud.points, cloud.normals], axis=1) for cloud in seen])
    misfit = [self_misfit(thing, np.random.default_rng(0)) for thing in things]
    pairs = [(thing.family, thing.instance) for thing in things]
    return HeadingExamples(pairs, np.array(clouds, np.float16), np.array(misfit))


RACKETS = examples_of([racket(instance) for instance in range(6)])


MIRRORS = torch.ones(len(RACKETS), dtype=torch.bool)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cloud(seed: int = 0, batch: int = 2, count: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    chance = generator(seed)
    points = torch.randn(batch, count, 3, generator=chance) * torch.tensor([0.1, 0.04, 0.06]) + 0.05
    normals = torch.nn.functional.normalize(torch.randn(batch, count, 3, generator=chance), dim=2)
    return points, normals


class TestTargets:
    def test_flat_for_a_can(self) -> None:
        misfit = torch.from_numpy(self_misfit(CAN, np.random.default_rng(0)))[None]
        assert misfit.max() < 0.001
        probability, _, weight = heading_targets(misfit, torch.tensor([0.7]))
        np.testing.assert_allclose(probability.numpy(), 1 / BINS, rtol=0.1)
        assert weight.max() < 0.01

    def test_two_modes_for_a_brick(self) -> None:
        misfit = torch.from_numpy(self_misfit(BRICK, np.random.default_rng(0)))[None]
        probability = heading_targets(misfit, torch.tensor([3 * BIN_RAD]))[0][0]
        assert set(probability.topk(2).indices.tolist()) == {3, 21}
        assert probability[[2, 3, 4, 20, 21, 22]].sum() > 0.99
        assert probability[3] == pytest.approx(float(probability[21]), rel=0.1)

    def test_one_mode_where_a_handle_is_and_residuals_lead_to_it(self) -> None:
        misfit = torch.from_numpy(RACKETS.misfit_m[:1])
        heading = torch.tensor([0.33])
        probability, residual, weight = heading_targets(misfit, heading)
        best = int(probability.argmax())
        assert best == 2 and weight[0, best] > 0.1
        for bin_ in (1, 2):
            assert bin_ * BIN_RAD + residual[0, bin_] == pytest.approx(0.33, abs=1e-4)

    def test_sum_to_one_at_any_heading(self) -> None:
        misfit = torch.from_numpy(RACKETS.misfit_m)
        probability, residual, weight = heading_targets(misfit, torch.linspace(-9, 9, 6))
        torch.testing.assert_close(probability.sum(dim=1), torch.ones(6))
        assert residual.abs().max() <= BIN_RAD + 1e-6 and weight.min() >= 0


class TestMisfit:
    def test_is_nought_where_the_heading_is_right_and_grows(self) -> None:
        misfit = RACKETS.misfit_m
        assert (misfit[:, 0] == 0).all() and (misfit[:, 36] > 0.01).all()
        between = misfit_at(misfit, np.full(6, np.radians(2.5)))
        np.testing.assert_allclose(between, misfit[:, 1] / 2, rtol=1e-5)
        np.testing.assert_allclose(misfit_at(misfit, np.full(6, np.radians(-5))), misfit[:, -1], rtol=1e-4)

    def test_a_half_turn_of_a_brick_is_right_a_quarter_is_not(self) -> None:
        misfit = np.repeat(self_misfit(BRICK, np.random.default_rng(0))[None], 4, axis=0)
        error = np.radians([180.0, 90.0, -168.0, 30.0])
        assert right_within(misfit, error).tolist() == [True, False, True, False]

    def test_only_what_is_not_round_has_a_heading(self) -> None:
        misfit = np.stack([self_misfit(thing, np.random.default_rng(0)) for thing in (CAN, BRICK, racket(0))])
        assert has_heading(misfit).tolist() == [False, True, True]


class TestMirror:
    def test_a_racket_mirrored_has_its_heading(self) -> None:
        assert all(mirror_keeps_heading(clouds[0, :, :3]) for clouds in RACKETS.clouds)
        assert mirror_keeps_heading(surface_cloud(CAN, CLOUD_POINTS, np.random.default_rng(0)).points)

    def test_where_the_front_tells_the_heading_a_mirror_turns_it_around(self) -> None:
        bar = trimesh.creation.box((0.16, 0.03, 0.03))
        grips = [trimesh.creation.box((0.03, 0.1, 0.03)) for _ in range(2)]
        for grip, side in zip(grips, (-1, 1), strict=True):
            grip.apply_translation((side * 0.065, 0.05, 0))
        controller = assemble("controller", 0, [Part("body", (bar,)), Part("grips", tuple(grips))])
        assert not mirror_keeps_heading(
            surface_cloud(controller, CLOUD_POINTS, np.random.default_rng(0)).points
        )


class TestGeometry:
    def test_turned_agrees_with_the_matrix_and_back(self) -> None:
        points, _ = cloud()
        angle = torch.tensor([0.4, -2.0])
        result = turned(points, angle)
        for index in range(2):
            expected = points[index].numpy() @ rotation(float(angle[index])).T
            np.testing.assert_allclose(result[index].numpy(), expected, atol=1e-6)
        torch.testing.assert_close(turned(result, -angle), points)

    def test_middle_moves_and_turns_with_the_cloud(self) -> None:
        points, _ = cloud()
        moved = middle(turned(points, 5 * BIN_RAD) + torch.tensor([0.3, -1.0, 2.0]))
        expected = turned(
            torch.nn.functional.pad(middle(points), (0, 1))[:, None], 5 * BIN_RAD
        )[:, 0, :2] + torch.tensor([0.3, -1.0])  # fmt: skip
        torch.testing.assert_close(moved, expected, atol=1e-5, rtol=0)

    def test_grid_holds_every_point_once(self) -> None:
        points, normals = cloud()
        grid, size = cylindrical_grid(points, torch.zeros_like(normals), 4, 3)
        full = grid.view(2, 12, 4, -1)[:, :, 0]
        assert (grid.view(2, 12, 4, -1)[:, :, 1:] == 0).all()
        # The grid holds roots of shares of one over the mean sector's.
        assert (full.square().sum(dim=(1, 2)) / grid.shape[2]) == pytest.approx(1.0, abs=0.05)
        assert size[0, 1] == pytest.approx(np.log(float(np.ptp(points[0, :, 2].numpy())) / 0.1), abs=1e-5)

    def test_wrapped(self) -> None:
        np.testing.assert_allclose(
            wrapped(torch.tensor([4.0, -4.0, 1.0])), [4 - 2 * np.pi, 2 * np.pi - 4, 1], 1e-5
        )


class TestNetwork:
    @pytest.mark.parametrize("bins", [1, 7, 35])
    def test_turning_the_cloud_shifts_the_answer(self, bins: int) -> None:
        torch.manual_seed(0)
        model, (points, normals) = HeadingEstimator(TINY).eval(), cloud()
        with torch.no_grad():
            logits, residual = model(points, normals)
            shifted, moved = model(turned(points, bins * BIN_RAD), turned(normals, bins * BIN_RAD))
        torch.testing.assert_close(shifted, logits.roll(bins, dims=1), atol=2e-3, rtol=0)
        torch.testing.assert_close(moved, residual.roll(bins, dims=1), atol=2e-3, rtol=0)
        before, after = model.heading(points, normals)[0], model.heading(
            turned(points, bins * BIN_RAD), turned(normals, bins * BIN_RAD)
        )[0]  # fmt: skip
        assert wrapped(after - before - bins * BIN_RAD).abs().max() < 1e-3

    def test_where_the_cloud_is_does_not_matter(self) -> None:
        torch.manual_seed(0)
        model, (points, normals) = HeadingEstimator(TINY).eval(), cloud()
        with torch.no_grad():
            here, _ = model(points, normals)
            there, _ = model(points + torch.tensor([0.5, -0.25, 1.0]), normals)
        torch.testing.assert_close(here, there, atol=2e-3, rtol=0)

    def test_canonical_pose_turns_and_moves_with_the_cloud(self) -> None:
        torch.manual_seed(0)
        model = HeadingEstimator(TINY).eval()
        points, normals = (rows[0].numpy().astype(float) for rows in cloud())
        turn, there = rotation(4 * float(BIN_RAD)), np.array([0.2, -0.1, 0.3])
        here = canonical_pose(points, normals, model)
        moved = canonical_pose(points @ turn.T + there, normals @ turn.T, model)
        np.testing.assert_allclose(moved[:3, :3], turn @ here[:3, :3], atol=1e-3)
        np.testing.assert_allclose(moved[:3, 3], turn @ here[:3, 3] + there, atol=1e-3)
        local = (points - here[:3, 3]) @ here[:3, :3]
        np.testing.assert_allclose(local.min(axis=0) + local.max(axis=0), 0, atol=1e-9)

    def test_without_an_estimator_the_clouds_own_heading_is_kept(self) -> None:
        points, normals = (rows[0].numpy() for rows in cloud())
        pose = canonical_pose(points, normals, None)
        assert np.array_equal(pose[:3, :3], np.eye(3))
        np.testing.assert_allclose(pose[:3, 3], (points.min(axis=0) + points.max(axis=0)) / 2)

    def test_sureness_is_a_probability(self) -> None:
        angle, sure = HeadingEstimator(TINY).heading(*cloud())
        assert angle.shape == sure.shape == (2,)
        assert (angle.abs() <= np.pi + 1e-6).all() and (sure > 0).all() and (sure <= 1).all()

    def test_flat_and_tiny_clouds_give_numbers(self) -> None:
        points, normals = cloud()
        for awkward in (
            points * torch.tensor([1.0, 1.0, 0.0]),
            points * 0,
            points * torch.tensor([0.0, 0.0, 1.0]),
        ):
            angle, sure = HeadingEstimator(TINY).heading(awkward, normals)
            assert torch.isfinite(angle).all() and torch.isfinite(sure).all()

    def test_is_small(self) -> None:
        assert sum(value.numel() for value in HeadingEstimator().parameters()) <= 1_000_000

    def test_wrong_shapes_are_named(self) -> None:
        points, normals = cloud()
        model = HeadingEstimator(TINY)
        with pytest.raises(ValueError, match=r"points \(2, 300, 3\), normals \(2, 299, 3\)"):
            model(points, normals[:, 1:])
        with pytest.raises(ValueError, match="use \\(B, N, 3\\)"):
            model(points[0], normals[0])
        with pytest.raises(ValueError, match="points: 3 are too few"):
            model(points[:, :3], normals[:, :3])


class TestFiles:
    def test_what_was_saved_is_read(self, tmp_path: Path) -> None:
        model = HeadingEstimator(TINY).eval()
        model.save(tmp_path / "a" / "b", {"step": 3})
        again = HeadingEstimator.load(tmp_path / "a" / "b")
        assert again.config == TINY and not again.training
        assert torch.equal(again(*cloud())[0], model(*cloud())[0])
        assert {file.suffix for file in (tmp_path / "a" / "b").iterdir()} == {".json", ".safetensors"}

    def test_errors_say_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="train-frame"):
            HeadingEstimator.load(tmp_path)
        HeadingEstimator(TINY).save(tmp_path)
        described = json.loads((tmp_path / "config.json").read_text())
        (tmp_path / "config.json").write_text(json.dumps({**described, "format": "other"}))
        with pytest.raises(ValueError, match="format 'other'"):
            HeadingEstimator.load(tmp_path)
        described["model"]["width"] = 8
        (tmp_path / "config.json").write_text(json.dumps(described))
        with pytest.raises(ValueError, match="do not fit"):
            HeadingEstimator.load(tmp_path)

    def test_broken_weights_are_not_saved(self, tmp_path: Path) -> None:
        model = HeadingEstimator(TINY)
        with torch.no_grad():
            model.cells.bias[0] = torch.nan
        with pytest.raises(ValueError, match="not finite"):
            model.save(tmp_path / "new")
        assert not (tmp_path / "new").exists()


class TestData:
    def test_splits(self) -> None:
        seen = instances_of("train", 2)
        assert ("mug", 2) in seen and not {family for family, _ in seen} & {"kettle", "pot"}
        assert instances_of("unseen_families", 1)[0] == ("kettle", 0)
        assert all(instance % 10 == 0 for _, instance in instances_of("unseen_instances", 2))

    def test_kept_examples_are_the_same(self, tmp_path: Path) -> None:
        first = load_examples([("book", 2)], tmp_path)
        assert [file.name for file in tmp_path.iterdir()] == ["book-2.npz"]
        again = load_examples([("book", 2)], tmp_path)
        assert np.array_equal(first.clouds, again.clouds) and np.array_equal(first.misfit_m, again.misfit_m)
        assert first.clouds.shape == (1, 1 + VIEWS, CLOUD_POINTS, 6) and first.misfit_m.shape == (1, STEPS)

    def test_no_objects(self) -> None:
        with pytest.raises(ValueError, match="objects: is empty"):
            load_examples([])


class TestTraining:
    def test_clouds_are_turned_by_the_heading_they_say(self) -> None:
        quiet = FrameTrainingConfig(tilt_rad=0, noise_m=0, cut_m=0, scale=0, stretch=0)
        whole = torch.from_numpy(RACKETS.clouds[:, 0])
        batch = robot_clouds(whole, torch.from_numpy(RACKETS.misfit_m), MIRRORS, quiet, generator())
        back = turned(batch.points, -batch.heading_rad)
        torch.testing.assert_close(
            back.amax(dim=1)[:, 0], whole[..., 0].float().amax(dim=1), atol=0.004, rtol=0
        )
        assert CLOUD_POINTS // 2 <= back.shape[1] <= CLOUD_POINTS

    def test_all_at_once_stay_clouds(self) -> None:
        wild = FrameTrainingConfig(cut_m=0.5)
        whole = torch.from_numpy(RACKETS.clouds[:, 0])
        batch = robot_clouds(whole, torch.from_numpy(RACKETS.misfit_m), MIRRORS, wild, generator())
        length = batch.normals.norm(dim=2)
        assert torch.isfinite(batch.points).all() and batch.points.abs().max() < 0.5
        assert (((length - 1).abs() < 0.01) | (length == 0)).all()

    def test_learns_rackets_and_goes_on(self, tmp_path: Path) -> None:
        torch.manual_seed(0)
        config = FrameTrainingConfig(steps=50, batch=16)
        half = FrameTrainer(HeadingEstimator(TINY), RACKETS, RACKETS, config, tmp_path)
        for _ in range(25):
            half.one_step()
        half._save({})
        trainer = FrameTrainer(HeadingEstimator(TINY), RACKETS, RACKETS, config, tmp_path)
        assert trainer.step == 25
        assert trainer.run()["whole"] == 1.0
        new = examples_of([racket(instance) for instance in range(20, 28)])
        tried = trials(new, "whole", seed=3)
        error = np.angle(np.exp(1j * (found_by(HeadingEstimator.load(tmp_path), tried) - tried.heading_rad)))
        assert (np.abs(error) < np.radians(15)).all()
        with pytest.raises(ValueError, match="another configuration"):
            FrameTrainer(HeadingEstimator(), RACKETS, RACKETS, config, tmp_path)

    def test_bad_numbers(self, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
        with pytest.raises(ValueError, match="steps: 0"):
            train_frame(tmp_path, 1, FrameTrainingConfig(steps=0))
        assert main(["train-frame", "--output", str(tmp_path), "--instances", "0"]) == 2
        assert "instances: 0 is too few" in capsys.readouterr().err


class TestEvaluation:
    def test_principal_axis_finds_the_heavy_end_of_rackets(self) -> None:
        tried = trials(RACKETS, "whole", seed=0)
        error = principal_heading(tried) - tried.heading_rad + np.pi
        assert right_within(tried.misfit_m, error).all()

    def test_rows_of_all_methods(self) -> None:
        results = Results("none", 0)
        families = evaluate(HeadingEstimator(TINY), {"rackets": RACKETS}, results)
        assert {row["method"] for row in results.rows} == {"ours", "principal_axis", "chance"}
        assert {row["split"] for row in results.rows} == {
            "rackets" if kind == "whole" else f"rackets_{kind}" for kind in KINDS
        }
        assert all(row["n"] == 6 and row["low"] <= row["value"] <= row["high"] for row in results.rows)
        assert set(families["rackets"]) == {"racket"}

    def test_median_and_unknown_kind(self) -> None:
        found = median(np.arange(101.0), range(101))
        assert found.value == 50 and found.low < 50 < found.high and found.n == 101
        halves = median(np.arange(101.0), [value < 50 for value in range(101)])
        assert halves.high - halves.low > found.high - found.low
        with pytest.raises(ValueError, match="'half' is unknown"):
            trials(RACKETS, "half", 0)
