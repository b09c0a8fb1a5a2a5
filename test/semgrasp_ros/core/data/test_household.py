import numpy as np
import pytest
import trimesh

from semgrasp_ros.core.data.household import FAMILIES, MADE_UP, HouseholdObject, make_object
from semgrasp_ros.core.data.household.family import part
from semgrasp_ros.core.data.household.object import assemble
from semgrasp_ros.core.data.household.solids import block, lathe, loop, shell, sweep
from semgrasp_ros.core.data.manners import INTENTS, MANNERS

INSTANCES = range(2)
_made: dict[tuple[str, int], HouseholdObject] = {}


def made(family: str, instance: int) -> HouseholdObject:
    if (family, instance) not in _made:
        _made[family, instance] = make_object(family, instance)
    return _made[family, instance]


def test_there_are_many_families():
    assert len(FAMILIES) >= 30
    assert all(name == family.name for name, family in FAMILIES.items())


def test_usual_names_are_unambiguous():
    usual = [family.names[0] for family in FAMILIES.values()]
    assert len(set(usual)) == len(usual)


@pytest.mark.parametrize("family", FAMILIES)
def test_mesh_is_one_closed_centred_body(family):
    for instance in INSTANCES:
        thing = made(family, instance)
        mesh = thing.mesh
        # Readers of meshes merge equal corners; it must stay closed.
        merged = trimesh.Trimesh(mesh.vertices, mesh.faces)
        assert mesh.is_watertight and merged.is_watertight and mesh.is_winding_consistent
        assert mesh.body_count == 1 and mesh.volume > 0
        assert len(mesh.faces) <= 8000
        assert 0.04 <= mesh.extents.max() <= 0.6
        np.testing.assert_allclose(mesh.bounds.sum(axis=0), 0, atol=2e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_parts_are_convex_and_named(family):
    for instance in INSTANCES[:1]:
        thing = made(family, instance)
        names = [p.name for p in thing.parts]
        assert len(set(names)) == len(names)
        assert set(names) <= set(FAMILIES[family].parts)
        # Parts without holds may be absent; a part that people hold never is.
        assert {h.part for h in FAMILIES[family].holds} <= set(names)
        shares = np.bincount(thing.face_parts, thing.mesh.area_faces, minlength=len(names))
        assert (shares > 2e-5).all(), dict(zip(names, shares, strict=True))
        for p in thing.parts:
            assert p.solids
            for solid in p.solids:
                assert solid.is_watertight and solid.volume > 0
                # No corner in front of a face's plane.
                out = (solid.vertices[None] - solid.triangles[:, :1]) @ solid.face_normals[..., None]
                assert out.max() < 2e-6


@pytest.mark.parametrize("family", FAMILIES)
def test_points_of_a_part_belong_to_it(family):
    thing = made(family, 0)
    for index, own in enumerate(thing.parts):
        surface = trimesh.util.concatenate(own.solids)
        points = trimesh.sample.sample_surface(surface, 200, seed=1)[0]
        outside = own.depth(points) > -1e-4
        for other in thing.parts:
            outside &= (other is own) | (other.depth(points) > 3e-4)
        assert (thing.part_of(points[outside]) == index).mean() > 0.9, own.name


@pytest.mark.parametrize("family", FAMILIES)
def test_vocabulary_and_holds(family):
    spoken = FAMILIES[family]
    assert spoken.names and all(spoken.names)
    assert all(names and len(set(names)) == len(names) for names in spoken.parts.values())
    assert spoken.holds
    for hold in spoken.holds:
        assert hold.part in spoken.parts
        assert hold.manners and set(hold.manners) <= set(MANNERS)
        assert hold.intents and set(hold.intents) <= set(INTENTS)
    assert "use" in {intent for hold in spoken.holds for intent in hold.intents} or family in (
        "plate",
        "book",
        "box",
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_instances_are_deterministic_and_distinct(family):
    again = make_object(family, 1)
    np.testing.assert_array_equal(again.mesh.vertices, made(family, 1).mesh.vertices)
    np.testing.assert_array_equal(again.mesh.faces, made(family, 1).mesh.faces)
    sizes = made(family, 0).mesh.extents, made(family, 1).mesh.extents
    assert np.abs(sizes[0] - sizes[1]).max() > 0.001


def test_a_mug_stands_with_its_handle_to_x():
    thing = made("mug", 0)
    names = [p.name for p in thing.parts]
    handle = thing.mesh.triangles_center[thing.face_parts == names.index("handle")]
    rim = thing.mesh.triangles_center[thing.face_parts == names.index("rim")]
    assert handle[:, 0].max() == pytest.approx(thing.mesh.bounds[1, 0], abs=0.003)
    assert rim[:, 2].min() > 0.5 * thing.mesh.bounds[1, 2]
    # It is hollow.
    assert thing.mesh.volume < 0.5 * thing.mesh.convex_hull.volume


def test_unknown_family_names_the_nearest():
    with pytest.raises(ValueError, match="'mugg'.*nearest known names are mug"):
        make_object("mugg", 0)


def test_negative_instance_is_refused():
    with pytest.raises(ValueError, match="-1 is negative"):
        make_object("mug", -1)


def test_points_of_a_wrong_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(3,\)"):
        made("mug", 0).part_of(np.zeros(3))
    assert made("mug", 0).part_of(np.zeros((0, 3))).shape == (0,)


def test_separate_parts_are_refused():
    near, far = block((0.01, 0.01, 0.01)), block((0.01, 0.01, 0.01), (0.1, 0, 0))
    with pytest.raises(ValueError, match="no closed body"):
        assemble("thing", 0, [part("a", near), part("b", far)])


def test_a_name_used_twice_is_refused():
    with pytest.raises(ValueError, match="each name once"):
        assemble("thing", 0, [part("a", block((0.01, 0.01, 0.01))), part("a", block((0.02, 0.01, 0.01)))])


def test_volumes_of_solids():
    full = sum(solid.volume for solid in lathe([(0, 0.08), (0.05, 0.08), (0.1, 0.08)]))
    assert full == pytest.approx(16 / 2 * np.sin(np.pi / 8) * 0.04**2 * 0.1, rel=1e-6)
    wall = sum(solid.volume for solid in shell([(0, 0.08), (0.1, 0.08)], 0.004))
    assert 0.15 * full < wall < 0.35 * full
    path = loop((0, 0, 0.03), (0, 0, -0.03), (0.04, 0, 0))
    assert path[len(path) // 2, 0] == pytest.approx(0.04)
    assert all(solid.is_convex for solid in sweep(path, 0.01, 0.01))


def test_made_up_things_are_bodies_of_known_parts():
    known = {name for family in FAMILIES.values() for name in family.parts}
    kinds = set()
    for instance in range(24):
        thing = make_object(MADE_UP, instance)
        names = [p.name for p in thing.parts]
        kinds.add(tuple(sorted(names)))
        assert set(names) <= known and len(names) > 1
        assert thing.mesh.is_watertight and thing.mesh.body_count == 1
        assert 0.04 <= thing.mesh.extents.max() <= 0.6
        assert set(thing.face_parts) == set(range(len(names)))
    assert len(kinds) > 10
    again = make_object(MADE_UP, 3)
    np.testing.assert_array_equal(again.mesh.vertices, make_object(MADE_UP, 3).mesh.vertices)
    assert MADE_UP not in FAMILIES
