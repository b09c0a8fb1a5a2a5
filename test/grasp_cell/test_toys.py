import numpy as np
import pytest

from grasp_cell.config import CellConfig
from grasp_cell.library import FIRST_NOVEL_TOY, GeneratedLibrary, MeshLibrary, is_novel, open_library
from grasp_cell.surface import sample_texels
from grasp_cell.textures import SHARED_PALETTE, TEXTURE_SIZE, make_texture
from grasp_cell.toys import SHARED_SIZE_M, graspable, make_toy


def test_a_toy_depends_on_its_number_alone():
    one, same, other = make_toy(7, "varied"), make_toy(7, "varied"), make_toy(8, "varied")
    assert np.array_equal(one.vertices, same.vertices) and np.array_equal(one.texture, same.texture)
    assert one.vertices.shape != other.vertices.shape or not np.array_equal(one.vertices, other.vertices)


@pytest.mark.parametrize("regime", ["varied", "shared_palette"])
def test_toys_are_graspable_and_centred(regime):
    for number in range(60):
        toy = make_toy(number, regime)
        assert graspable(toy.parts) and 0.02 <= toy.mass_kg <= 0.3
        assert np.abs(toy.vertices.min(axis=0) + toy.vertices.max(axis=0)).max() < 1e-3
        assert all(part.mesh.is_convex or part.mesh.volume > 0 for part in toy.parts)


def test_with_a_shared_palette_colour_and_size_say_nothing():
    for number in range(20):
        toy = make_toy(number, "shared_palette")
        # Points on the surface that the toy was not made with.
        texels = sample_texels(
            toy.vertices, toy.faces, toy.texture_coordinates, toy.parts, TEXTURE_SIZE, seed=99
        )
        shown = toy.texture[texels[:, 0], texels[:, 1]]
        shares = [(shown == colour).all(axis=1).mean() for colour in SHARED_PALETTE]
        assert np.abs(np.array(shares) - 0.25).max() < 0.02
        assert np.prod(np.ptp(toy.vertices, axis=0)) ** (1 / 3) == pytest.approx(SHARED_SIZE_M, rel=0.02)


def test_textures_repeat_without_a_seam():
    for seed in range(20):
        texture = make_texture(np.random.default_rng(seed), shared_palette=False).astype(int)
        inside = np.abs(np.diff(texture, axis=0)).sum(axis=2).mean(axis=1).max()
        seam = np.abs(texture[0] - texture[-1]).sum(axis=1).mean()
        assert seam <= 1.5 * inside + 40


def test_the_splits_share_no_toy():
    seen = GeneratedLibrary("seen", "varied", 1000, 10).names
    novel = GeneratedLibrary("novel", "varied", 10, 1000).names
    assert not set(seen) & set(novel) and len(set(novel)) == 1000
    assert len(seen) < FIRST_NOVEL_TOY


def test_an_unknown_regime_is_named():
    with pytest.raises(ValueError, match="plaid"):
        make_toy(0, "plaid")
    with pytest.raises(ValueError, match="split: 'old'"):
        CellConfig(split="old")


def test_a_folder_of_meshes(tmp_path):
    import trimesh

    for i in range(12):
        trimesh.creation.box((0.04, 0.03, 0.05 + 0.001 * i)).export(tmp_path / f"block{i}.stl")
    split = {kind: MeshLibrary(tmp_path, kind) for kind in ("seen", "novel")}
    assert not set(split["seen"].names) & set(split["novel"].names)
    assert len(split["seen"].names) + len(split["novel"].names) == 12
    assert all(is_novel(name) for name in split["novel"].names)
    item = split["seen"].load(split["seen"].names[0])
    assert np.ptp(item.vertices, axis=0) == pytest.approx([0.04, 0.03, np.ptp(item.vertices[:, 2])])


@pytest.mark.parametrize("content", [None, "empty", "other"])
def test_a_folder_without_meshes_is_named(tmp_path, content):
    folder = tmp_path / "objects"
    if content is not None:
        folder.mkdir()
    if content == "other":
        (folder / "readme.txt").write_text("no mesh")
    with pytest.raises(ValueError, match="objects_dir: .*objects"):
        open_library(CellConfig(objects_dir=str(folder)))


def test_a_mesh_in_millimetres_is_noticed(tmp_path):
    import trimesh

    for i in range(8):
        trimesh.creation.box((40, 30, 50)).export(tmp_path / f"block{i}.stl")
    library = MeshLibrary(tmp_path, "seen")
    with pytest.raises(ValueError, match="metres"):
        library.load(library.names[0])
