"""The world: Gazebo's own parser accepts it, its sizes are the embedded cell's, its toys lie still in the bin."""

import xml.etree.ElementTree as ElementTree

import mujoco
import numpy as np
import pytest

from grasp_cell import scene as layout
from grasp_cell.config import CellConfig
from grasp_cell.scene import make_cameras
from grasp_cell.toys import make_toy
from test.gazebo import files

SYSTEMS = {
    "gz::sim::systems::Physics",
    "gz::sim::systems::Sensors",
    "gz::sim::systems::UserCommands",
    "gz::sim::systems::SceneBroadcaster",
}


def world() -> ElementTree.Element:
    return ElementTree.parse(files.WORLD).getroot().find("world")


def included() -> list[str]:
    return [include.findtext("uri").removeprefix("model://") for include in world().findall("include")]


def numbers(text: str) -> np.ndarray:
    return np.array([float(part) for part in text.split()])


def test_gazebos_parser_accepts_the_world_with_its_models():
    assert "Valid" in files.sdformat("check", files.WORLD)
    # Included models are resolved: a name that is not there would be an error, too.
    printed = ElementTree.fromstring(files.sdformat("print", files.WORLD)).find("world")
    assert {*included(), "table", "bin"} <= {model.get("name") for model in printed.findall("model")}


@pytest.mark.parametrize("name", included())
def test_gazebos_parser_accepts_every_model(name):
    assert "Valid" in files.sdformat("check", files.MODELS / name / "model.sdf")


def test_gazebos_parser_finds_a_mistake(tmp_path):
    wrong = files.WORLD.read_text().replace('visual name="floor_seen"', 'visual name="floor"')
    assert wrong != files.WORLD.read_text()
    (tmp_path / "wrong.sdf").write_text(wrong)
    with pytest.raises(AssertionError, match="Non-unique"):
        files.sdformat("check", tmp_path / "wrong.sdf")


@pytest.mark.parametrize("camera", ["scene", "held", "overview"])
def test_gazebos_parser_puts_the_cameras_where_the_embedded_cell_has_them(camera, tmp_path):
    """Gazebo makes SDF of the URDF and joins links that do not move: the sensor's place is worked out anew."""
    (tmp_path / "panda.urdf").write_text(files.urdf())
    model = ElementTree.fromstring(files.sdformat("print", tmp_path / "panda.urdf")).find("model")
    link, sensor = next(
        (link, sensor)
        for link in model.findall("link")
        for sensor in link.findall("sensor")
        if sensor.get("name") == f"{camera}_camera"
    )
    assert link.get("name") == "panda_link0" and sensor.findtext("gz_frame_id") == f"{camera}_camera"
    x, y, z, roll, pitch, yaw = numbers(sensor.findtext("pose"))
    expected = make_cameras(CellConfig())[camera].base_from_camera
    np.testing.assert_allclose([x, y, z], expected[:3, 3], atol=1e-5)
    # Gazebo's cameras look along x with z up.
    look = [np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), -np.sin(pitch)]
    np.testing.assert_allclose(look, expected[:3, 2], atol=1e-4)
    assert roll == pytest.approx(0, abs=1e-6)


def test_gazebos_parser_keeps_every_joint_and_plugin(tmp_path):
    (tmp_path / "panda.urdf").write_text(files.urdf())
    model = ElementTree.fromstring(files.sdformat("print", tmp_path / "panda.urdf")).find("model")
    moving = {joint.get("name") for joint in model.findall("joint") if joint.get("type") != "fixed"}
    assert moving == {*(f"panda_joint{i}" for i in range(1, 8)), "panda_finger_joint1", "panda_finger_joint2"}
    assert model.find("plugin").findtext("parameters") == str(files.CONTROLLERS)
    for link in model.findall("link"):
        assert files.is_of_a_body(files.tensor(link.find("inertial/inertia"))), link.get("name")


def test_the_systems_that_cameras_and_spawning_need_are_there():
    assert {plugin.get("name") for plugin in world().findall("plugin")} == SYSTEMS
    for plugin in world().findall("plugin"):
        assert plugin.get("filename").startswith("gz-sim-") and plugin.get("filename").endswith("-system")


def test_controllers_run_with_the_physics():
    step = float(world().findtext("physics/max_step_size"))
    assert files.controllers()["controller_manager"]["update_rate"] * step == pytest.approx(1)


def test_table_and_bin_have_the_embedded_cells_sizes():
    shapes = {}
    for model in world().findall("model"):
        place = numbers(model.findtext("pose"))[:3]
        for collision in model.iter("collision"):
            at = place + numbers(collision.findtext("pose") or "0 0 0 0 0 0")[:3]
            size = numbers(collision.findtext("geometry/box/size"))
            visual = next(
                each for each in model.iter("visual") if each.get("name") == f"{collision.get('name')}_seen"
            )
            assert visual.findtext("geometry/box/size") == collision.findtext("geometry/box/size")
            assert visual.findtext("pose") == collision.findtext("pose")
            shapes[collision.get("name")] = (at - size / 2, at + size / 2)
    assert shapes["top"][1][2] == pytest.approx(-0.0005)
    x, y = layout.BIN_CENTRE_M
    inside = layout.BIN_INSIDE_M
    np.testing.assert_allclose(
        shapes["floor"],
        [
            [x - inside[0] / 2, y - inside[1] / 2, 0],
            [x + inside[0] / 2, y + inside[1] / 2, layout.BIN_FLOOR_M],
        ],
        atol=1e-9,
    )
    assert shapes["front"][0][0] - shapes["back"][1][0] == pytest.approx(inside[0])
    assert shapes["left"][0][1] - shapes["right"][1][1] == pytest.approx(inside[1])
    for wall in ("front", "back", "left", "right"):
        assert shapes[wall][1][2] == pytest.approx(layout.BIN_FLOOR_M + layout.BIN_WALL_M)
        assert min(shapes[wall][1][:2] - shapes[wall][0][:2]) == pytest.approx(layout.BIN_THICKNESS_M)


@pytest.mark.parametrize("name", included())
def test_toys_are_those_of_the_generator(name, tmp_path):
    """The committed files are what the script writes: toys that the shipped model was not trained on."""
    toy = make_toy(int(name.removeprefix("toy_s")), "shared_palette")
    files.script("make_gazebo_toys").write_model(toy, tmp_path)
    for file in ("model.config", "model.sdf", "toy.obj"):
        assert (tmp_path / file).read_text() == (files.MODELS / name / file).read_text(), file
    link = ElementTree.parse(files.MODELS / name / "model.sdf").getroot().find("model/link")
    for address in (link.findtext("visual/geometry/mesh/uri"), next(link.iter("albedo_map")).text):
        assert (files.MODELS / address.removeprefix("model://")).is_file()


@pytest.mark.parametrize("name", included())
def test_masses_and_inertias_are_those_of_bodies(name):
    link = ElementTree.parse(files.MODELS / name / "model.sdf").getroot().find("model/link")
    mass, inertia = float(link.findtext("inertial/mass")), files.tensor(link.find("inertial/inertia"))
    assert 0.01 < mass < 0.3 and files.is_of_a_body(inertia)
    # The radius of gyration is that of a thing of a few centimetres.
    assert 0.005 < np.sqrt(np.trace(inertia) / 2 / mass) < 0.06


def test_inertia_of_a_toy_of_two_parts_is_that_of_its_points():
    """Against sums over points that fill the parts."""
    toy = make_toy(1000005, "shared_palette")
    middle, inertia = files.script("make_gazebo_toys").inertia(toy)
    rng, points, weights = np.random.default_rng(0), [], []
    for part in toy.parts:
        size, transform = part.box
        points.append(rng.uniform(-size / 2, size / 2, (40000, 3)) @ transform[:3, :3].T + transform[:3, 3])
        weights.append(np.full(40000, np.prod(size)))
    points, weights = np.vstack(points), np.concatenate(weights)
    weights *= toy.mass_kg / weights.sum()
    np.testing.assert_allclose(middle, weights @ points / toy.mass_kg, atol=2e-4)
    away = points - middle
    expected = np.eye(3) * (weights @ (away**2).sum(1)) - (away * weights[:, None]).T @ away
    np.testing.assert_allclose(
        inertia, expected, rtol=0.03, atol=1.5e-7
    )  # what chance leaves of 80,000 points


def test_toys_come_to_rest_in_the_bin_where_the_scene_camera_sees_them():
    """The same files in another engine: no toy is thrown out by starting inside another or inside the floor."""
    tools = files.script("render_gazebo_files")
    description = files.urdf()
    model = tools.load(description)
    data = tools.start(model, description)
    names = included()
    before = {name: data.body(name).xpos.copy() for name in names}
    camera = make_cameras(CellConfig())["scene"]
    while data.time < 1.5:
        mujoco.mj_step(model, data)
    base_from_camera = np.linalg.inv(camera.base_from_camera)
    for name in names:
        at = data.body(name).xpos
        assert np.linalg.norm(at - before[name]) < 0.03, f"{name} moved by itself"
        assert np.abs(at[:2] - layout.BIN_CENTRE_M).max() < layout.BIN_INSIDE_M.max() / 2 and 0 < at[2] < 0.06
        assert np.abs(data.body(name).cvel).max() < 0.05, f"{name} does not come to rest"
        pixel = camera.intrinsics @ (base_from_camera @ [*at, 1])[:3]
        assert 0 < pixel[0] / pixel[2] < camera.width and 0 < pixel[1] / pixel[2] < camera.height
