"""Generated goods: physical, graspable, printed alike on all sides of one and differently on another."""

import numpy as np
import pytest

from grasp_cell.cell import Cell
from grasp_cell.config import CellConfig
from grasp_cell.goods import (
    FACE_TEXELS,
    KINDS,
    KINDS_OF_GOODS,
    LONGEST_M,
    WIDEST_SHORT_SIDE_M,
    make_goods,
)
from grasp_cell.library import FIRST_NOVEL_TOY, GeneratedLibrary
from grasp_cell.prints import draw_face, make_brand


def test_goods_depend_on_their_number_alone():
    one, same, other = make_goods(7), make_goods(7), make_goods(8)
    assert np.array_equal(one.vertices, same.vertices) and np.array_equal(one.texture, same.texture)
    assert one.name == same.name != other.name
    assert one.texture.shape != other.texture.shape or not np.array_equal(one.texture, other.texture)


def test_goods_have_sizes_of_a_shelf_and_one_side_that_a_jaw_spans():
    for number in range(80):
        goods = make_goods(number)
        low, high = goods.vertices.min(axis=0), goods.vertices.max(axis=0)
        assert np.abs(low + high).max() < 1e-6
        assert (high - low).min() <= WIDEST_SHORT_SIDE_M and (high - low).max() <= LONGEST_M
        assert 0.02 <= goods.mass_kg <= 0.3
        assert all(part.mesh.is_convex and part.mesh.volume > 0 for part in goods.parts)


@pytest.mark.parametrize("kind", sorted(set(KINDS_OF_GOODS), key=lambda kind: kind.__name__))
def test_every_kind_is_made_of_convex_parts(kind):
    for seed in range(5):
        for piece in kind(np.random.default_rng(seed)):
            assert piece.part.mesh.is_convex and piece.part.mesh.is_volume
            assert piece.material.split(":")[0] in ("printed", "plain", "pattern")


def test_each_point_of_the_surface_shows_its_own_side_of_the_texture():
    boxes = (make_goods(number) for number in range(200))
    goods = next(item for item in boxes if len(item.parts) == 1 and item.parts[0].box is not None)
    coordinates, corners = goods.texture_coordinates, goods.vertices.reshape(-1, 3, 3)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    column = np.floor(coordinates[:, 0].reshape(-1, 3) * len(KINDS)).astype(int)
    assert (column == column[:, :1]).all(), "a face reaches into its neighbour's part of the texture"
    sides = {(int(np.abs(n).argmax()), bool(n[np.abs(n).argmax()] > 0)) for n in normals}
    shown = {
        (int(np.abs(n).argmax()), bool(n[np.abs(n).argmax()] > 0), int(c))
        for n, c in zip(normals, column[:, 0], strict=True)
    }
    assert len(sides) == 6 and len(shown) == 6, "two sides show the same part"
    # Seen from outside, no print is mirrored: corners that run left-handed on a side do so in the texture.
    uv = coordinates.reshape(-1, 3, 2)
    across, along = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    turn = across[:, 0] * along[:, 1] - across[:, 1] * along[:, 0]
    outward = np.einsum("ij,ij->i", normals, corners.mean(axis=1) - corners.mean(axis=(0, 1)))
    assert (turn * outward > 0).all()
    # Standing in front of it (looking along +y), texture's right is +x and its upper side +z.
    front = normals[:, 1] < -1e-9
    points = corners[front].reshape(-1, 3)
    uv = coordinates.reshape(-1, 3, 2)[front].reshape(-1, 2)
    assert np.corrcoef(points[:, 0], uv[:, 0])[0, 1] > 0.99
    assert np.corrcoef(points[:, 2], uv[:, 1])[0, 1] > 0.99


def test_faces_of_one_brand_are_more_alike_in_colour_than_those_of_two():
    def colours(number: int, face_seed: int) -> np.ndarray:
        brand = make_brand(np.random.default_rng(number))
        face = draw_face(np.random.default_rng(face_seed), brand, "front", 0.06, 0.1, FACE_TEXELS)
        return face.reshape(-1, 3).mean(axis=0)

    own = [np.linalg.norm(colours(n, 100) - colours(n, 200)) for n in range(40)]
    foreign = [np.linalg.norm(colours(n, 100) - colours(n + 1, 200)) for n in range(40)]
    assert np.median(own) < 0.5 * np.median(foreign)
    with pytest.raises(KeyError, match="lid"):
        draw_face(np.random.default_rng(0), make_brand(np.random.default_rng(0)), "lid", 0.1, 0.1, 8)


def test_the_cell_fills_its_bin_with_goods():
    cell = Cell(CellConfig(regime="goods", split="novel", objects_per_scene=4))
    try:
        names = cell.ground_truth.objects()
        assert len(names) == 4 and all(name.startswith("goods_") for name in names)
        assert any(mask.sum() > 50 for mask in cell.ground_truth.masks().values())
    finally:
        cell.close()


def test_the_splits_share_no_goods():
    seen = GeneratedLibrary("seen", "goods", 500, 10).names
    novel = GeneratedLibrary("novel", "goods", 10, 500).names
    assert not set(seen) & set(novel) and f"goods_{FIRST_NOVEL_TOY:06d}" in novel
