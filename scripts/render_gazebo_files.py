"""Loads the Gazebo world and the robot's xacro into MuJoCo and takes pictures with the cameras that the files define.

    python scripts/render_gazebo_files.py --output docs/images/gazebo-files.jpg

shows what the files describe where no Gazebo is: the whole cell, the scene camera's and the held camera's image. It is
not Gazebo's picture: light and shading are MuJoCo's.
"""

from __future__ import annotations

import argparse
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import cv2
import mujoco
import numpy as np
from transforms3d.euler import euler2quat

ROOT = Path(__file__).resolve().parent.parent
ROBOT = ROOT / "urdf/panda.urdf.xacro"
WORLD = ROOT / "worlds/cell.sdf"
MODELS = ROOT / "worlds/models"
# Gazebo has no group for what collides only; in MuJoCo such shapes are in a group that is not drawn.
SEEN, TOUCHED = 2, 3


def expand(**arguments: str) -> str:
    """The robot's URDF; arguments as on xacro's command line."""
    import xacro

    return xacro.process_file(str(ROBOT), mappings=arguments).toxml()


def load(urdf: str, world: Path = WORLD) -> mujoco.MjModel:
    """Robot and world as one model; cameras have the names of the sensors."""
    spec = _robot(urdf)
    spec.option.timestep = 0.002
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.visual.global_.offwidth, spec.visual.global_.offheight = 1280, 960
    spec.visual.quality.offsamples = 4
    spec.visual.map.znear = 0.01
    spec.visual.headlight.ambient, spec.visual.headlight.diffuse = [0.42] * 3, [0.30] * 3
    spec.visual.headlight.specular = [0.05] * 3
    root = ElementTree.parse(world).getroot().find("world")
    background = [float(part) for part in root.findtext("scene/background").split()][:3]
    spec.add_texture(
        name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=background, rgb2=background, width=16, height=96,
    )  # fmt: skip
    for light in root.iter("light"):
        spec.worldbody.add_light(
            type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
            pos=_numbers(light.findtext("pose"))[:3],
            dir=_numbers(light.findtext("direction")),
            diffuse=_numbers(light.findtext("diffuse"))[:3] * 0.66,
            castshadow=False,
        )
    for model in root.findall("model"):
        _add_model(spec, model, _pose(model), fixed=model.findtext("static") == "true")
    for include in root.findall("include"):
        name = include.findtext("uri").removeprefix("model://")
        model = ElementTree.parse(MODELS / name / "model.sdf").getroot().find("model")
        _add_model(spec, model, _pose(include), fixed=False)
    return spec.compile()


def start(model: mujoco.MjModel, urdf: str) -> mujoco.MjData:
    """The arm at the initial values of its joints."""
    data = mujoco.MjData(model)
    for joint in ElementTree.fromstring(urdf).find("ros2_control").findall("joint"):
        value = joint.find("state_interface/param[@name='initial_value']")
        data.joint(joint.get("name")).qpos = float(value.text)
    mujoco.mj_forward(model, data)
    return data


def see(model: mujoco.MjModel, data: mujoco.MjData, camera: str, width: int, height: int) -> np.ndarray:
    """A camera's image, (height, width, 3) uint8."""
    look = mujoco.MjvOption()
    look.geomgroup[:] = [1, 1, 1, 0, 0, 0]
    with mujoco.Renderer(model, height, width) as renderer:
        renderer.update_scene(data, camera, look)
        return renderer.render().copy()


def _robot(urdf: str) -> mujoco.MjSpec:
    root = ElementTree.fromstring(urdf)
    sensors = {gazebo.get("reference"): gazebo.find("sensor") for gazebo in root.findall("gazebo")}
    for tag in ("gazebo", "ros2_control"):
        for element in root.findall(tag):
            root.remove(element)
    ElementTree.SubElement(
        ElementTree.SubElement(root, "mujoco"), "compiler", fusestatic="false", discardvisual="false"
    )
    spec = mujoco.MjSpec.from_string(ElementTree.tostring(root, encoding="unicode"))
    for body in spec.bodies[1:]:
        body.gravcomp = 1.0
        for geom in body.geoms:
            # Arm against table and bin is not asked here, only what is seen and where the toys come to rest.
            geom.contype = geom.conaffinity = 0
    for sensor in sensors.values():
        if sensor is not None:
            _add_camera(spec, sensor)
    return spec


def _add_camera(spec: mujoco.MjSpec, sensor: ElementTree.Element) -> None:
    """On the frame that its images name: MuJoCo looks along -z with y up, an optical frame along +z with y down."""
    image = sensor.find("camera/image")
    across = np.tan(float(sensor.findtext("camera/horizontal_fov")) / 2)
    down = across * int(image.findtext("height")) / int(image.findtext("width"))
    spec.body(sensor.findtext("gz_frame_id")).add_camera(
        name=sensor.get("name"), quat=[0, 1, 0, 0], fovy=float(np.degrees(2 * np.arctan(down)))
    )


def _add_model(spec: mujoco.MjSpec, model: ElementTree.Element, pose: np.ndarray, fixed: bool) -> None:
    name = model.get("name")
    body = spec.worldbody.add_body(name=name, pos=pose[:3], quat=euler2quat(*pose[3:], "sxyz"))
    if not fixed:
        body.add_freejoint()
    for link in model.findall("link"):
        for visual in link.findall("visual"):
            shape = _shape(spec, name, visual)
            body.add_geom(**shape, group=SEEN, contype=0, conaffinity=0, mass=0)
        for collision in link.findall("collision"):
            friction = float(collision.findtext("surface/friction/ode/mu"))
            body.add_geom(
                **_shape(spec, name, collision),
                group=TOUCHED,
                friction=[friction, 0.01, 0.0003],
                condim=4,
                mass=0,
            )
        inertial = link.find("inertial")
        if inertial is not None:
            tensor = inertial.find("inertia")
            body.explicitinertial = True
            body.mass = float(inertial.findtext("mass"))
            body.ipos = _pose(inertial)[:3]
            body.fullinertia = [
                float(tensor.findtext(part)) for part in ("ixx", "iyy", "izz", "ixy", "ixz", "iyz")
            ]


def _shape(spec: mujoco.MjSpec, model: str, element: ElementTree.Element) -> dict:
    pose = _pose(element)
    shape = {"pos": pose[:3], "quat": euler2quat(*pose[3:], "sxyz")}
    geometry = element.find("geometry")[0]
    if geometry.tag == "box":
        shape |= {"type": mujoco.mjtGeom.mjGEOM_BOX, "size": _numbers(geometry.findtext("size")) / 2}
    elif geometry.tag == "cylinder":
        size = [float(geometry.findtext("radius")), float(geometry.findtext("length")) / 2, 0]
        shape |= {"type": mujoco.mjtGeom.mjGEOM_CYLINDER, "size": size}
    else:
        shape |= _mesh(spec, model, geometry, element.find("material"))
        return shape
    colour = element.findtext("material/diffuse")
    if colour is not None:
        shape["rgba"] = _numbers(colour)
    return shape


def _mesh(spec: mujoco.MjSpec, model: str, mesh: ElementTree.Element, material: ElementTree.Element) -> dict:
    """A mesh with its picture; MuJoCo centres meshes itself, so that the pose stays that of the visual."""
    file = MODELS / mesh.findtext("uri").removeprefix("model://")
    picture = cv2.imread(str(MODELS / material.findtext("pbr/metal/albedo_map").removeprefix("model://")))
    spec.add_mesh(name=model, file=str(file), inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL)
    texture = spec.add_texture(
        name=model,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        width=picture.shape[1],
        height=picture.shape[0],
        nchannel=3,
    )
    texture.data = picture[..., ::-1].tobytes()
    added = spec.add_material(name=model, specular=0.1)
    added.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = model
    return {"type": mujoco.mjtGeom.mjGEOM_MESH, "meshname": model, "material": model}


def _pose(element: ElementTree.Element) -> np.ndarray:
    return _numbers(element.findtext("pose") or "0 0 0 0 0 0")


def _numbers(text: str) -> np.ndarray:
    return np.array([float(part) for part in text.split()])


def _labelled(image: np.ndarray, label: str) -> np.ndarray:
    """The image in OpenCV's order of colours, over a strip with its name."""
    strip = np.full((28, image.shape[1], 3), 255, np.uint8)
    cv2.putText(strip, label, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (40, 40, 40), 1, cv2.LINE_AA)
    return np.vstack([image[..., ::-1], strip])


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("out/gazebo-files.jpg"))
    options = parser.parse_args()
    urdf = expand(use_gazebo="true")
    model = load(urdf)
    data = start(model, urdf)
    free = [i for i in range(model.njnt) if model.jnt_type[i] == mujoco.mjtJoint.mjJNT_FREE]
    rest = data.qpos.copy()
    while data.time < 1.0:  # the toys settle, the arm stays
        mujoco.mj_step(model, data)
        kept = np.ones(model.nq, bool)
        for joint in free:
            kept[model.jnt_qposadr[joint] : model.jnt_qposadr[joint] + 7] = False
        data.qpos[kept] = rest[kept]
    mujoco.mj_forward(model, data)
    whole = _labelled(see(model, data, "overview_camera", 996, 748), "overview/image")
    scene = _labelled(see(model, data, "scene_camera", 480, 360), "scene/image")
    held = _labelled(see(model, data, "held_camera", 360, 360), "held/image")
    held = cv2.copyMakeBorder(held, 0, 0, 60, 60, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(
        str(options.output), np.hstack([whole, np.vstack([scene, held])]), [cv2.IMWRITE_JPEG_QUALITY, 88]
    )


if __name__ == "__main__":
    main()
