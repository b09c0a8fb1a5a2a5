"""Grasps in one file come back as they were."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_archive import HELD_OUT, TRAINING, pack, unpack
from semgrasp_ros.core.data.grasp_folder import GraspFolder
from semgrasp_ros.core.data.manners import FINGERS
from semgrasp_ros.core.data.splits import split_of
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.hand.rotations import matrix_from_vector, transform
from semgrasp_ros.core.pipeline import shipped_folder


def some_grasps(family: str, instance: int, count: int) -> list[Grasp]:
    import torch

    rng = np.random.default_rng([instance, count])
    grasps = []
    for index in range(count):
        turn = matrix_from_vector(torch.from_numpy(rng.normal(size=3)).float())
        wrist = transform(turn, torch.from_numpy(rng.normal(scale=0.1, size=3)).float()).numpy()
        joints = rng.normal(scale=0.5, size=(15, 3)).astype(np.float32)
        people = np.random.default_rng(index % 2).normal(size=10).astype(np.float32)
        touches = tuple(str(rng.choice(["", "handle", "body"])) for _ in FINGERS)
        grasps.append(Grasp(family, instance, wrist, joints, people, "handle", "hook", "lift", touches))
    return grasps


@given(counts=st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_what_is_packed_is_unpacked(tmp_path_factory: pytest.TempPathFactory, counts: list[int]) -> None:
    root = tmp_path_factory.mktemp("grasps")
    before, after = GraspFolder(root / "before"), GraspFolder(root / "after")
    for instance, count in enumerate(counts):
        family = ("mug", "pan")[instance % 2]
        before.write(family, instance, some_grasps(family, instance, count))
    assert pack(before, root / "all.npz") == sum(counts)
    assert unpack(root / "all.npz", after) == len(counts)
    # An object that was tried without success is not tried again.
    assert after.objects() == before.objects()
    for one, other in zip(before.grasps(), after.grasps(), strict=True):
        assert np.array_equal(one.wrist, other.wrist) and np.array_equal(one.shape, other.shape)
        assert np.allclose(one.joint_rotations, other.joint_rotations, atol=2e-3)
        assert (one.part, one.manner, one.intent, one.touches) == (
            other.part, other.manner, other.intent, other.touches,
        )  # fmt: skip


def test_a_packed_hand_is_the_same_hand(tmp_path: Path) -> None:
    import torch

    before, after = GraspFolder(tmp_path / "before"), GraspFolder(tmp_path / "after")
    before.write("mug", 2, some_grasps("mug", 2, 6))
    pack(before, tmp_path / "all.npz")
    unpack(tmp_path / "all.npz", after)
    hand = load_hand()

    def vertices(folder: GraspFolder) -> torch.Tensor:
        grasps = list(folder.grasps())
        rows = (
            [grasp.wrist for grasp in grasps], [g.joint_rotations for g in grasps], [g.shape for g in grasps],
        )  # fmt: skip
        return hand(*(torch.from_numpy(np.stack(row)).float() for row in rows)).vertices

    assert float((vertices(before) - vertices(after)).norm(dim=-1).max()) < 2e-4


def test_what_is_there_stays(tmp_path: Path) -> None:
    before, after = GraspFolder(tmp_path / "before"), GraspFolder(tmp_path / "after")
    before.write("mug", 2, some_grasps("mug", 2, 3))
    after.write("mug", 2, some_grasps("mug", 2, 1))
    pack(before, tmp_path / "all.npz")
    assert unpack(tmp_path / "all.npz", after) == 0
    assert len(after.read("mug", 2)) == 1


def test_splits_are_packed_apart(tmp_path: Path) -> None:
    folder = GraspFolder(tmp_path / "all")
    for family, instance in (("mug", 0), ("mug", 1), ("mug", 2), ("kettle", 2)):
        folder.write(family, instance, some_grasps(family, instance, 1))
    pack(folder, tmp_path / "some.npz", ("train", "validation"))
    unpack(tmp_path / "some.npz", GraspFolder(tmp_path / "some"))
    assert GraspFolder(tmp_path / "some").objects() == [("mug", 1), ("mug", 2)]
    with pytest.raises(ValueError, match="has no grasps of unseen_instances; generate some first"):
        pack(GraspFolder(tmp_path / "some"), tmp_path / "none.npz", ("unseen_instances",))


@pytest.mark.parametrize(
    ("archive", "splits", "least"),
    [(HELD_OUT, {"unseen_instances", "unseen_families"}, 2000), (TRAINING, {"train", "validation"}, 19000)],
)
def test_what_is_measured_on_ships_apart_from_what_is_learned_from(
    archive: str, splits: set[str], least: int
) -> None:
    with np.load(shipped_folder() / archive, allow_pickle=False) as data:
        owners = zip(data["families"][data["family"]], data["instance"], strict=True)
        assert {split_of(str(family), int(instance)) for family, instance in owners} == splits
        assert data["count"].sum() > least


def test_what_is_no_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no grasps of train, .*; generate some first"):
        pack(GraspFolder(tmp_path / "empty"), tmp_path / "all.npz")
    with pytest.raises(FileNotFoundError):
        unpack(tmp_path / "none.npz", GraspFolder(tmp_path / "x"))
    GraspFolder(tmp_path / "some").write("mug", 2, some_grasps("mug", 2, 3))
    pack(GraspFolder(tmp_path / "some"), tmp_path / "all.npz")
    whole = (tmp_path / "all.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="is damaged"):
        unpack(tmp_path / "cut.npz", GraspFolder(tmp_path / "x"))
    np.savez(tmp_path / "other.npz", format="something")
    with pytest.raises(ValueError, match="has format 'something'"):
        unpack(tmp_path / "other.npz", GraspFolder(tmp_path / "x"))
