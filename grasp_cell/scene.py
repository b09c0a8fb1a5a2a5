"""Builds the MuJoCo model of a scene: arm, table, bin, cameras, and the objects of this scene only."""

from __future__ import annotations

import mujoco
import numpy as np

from grasp_cell.arm import arm_spec
from grasp_cell.cameras import Camera
from grasp_cell.config import CellConfig
from grasp_cell.objects import CellObject

BIN_CENTRE_M = np.array([0.50, 0.0])
BIN_INSIDE_M = np.array([0.26, 0.34])  # along x, along y
BIN_WALL_M = 0.045
BIN_THICKNESS_M = 0.008
BIN_FLOOR_M = 0.006  # height of the floor's upper side
PRESENTED_M = np.array([0.28, 0.46, 0.34])  # tool centre point when an object is shown to the held camera

OBJECT_FRICTION = [0.8, 0.01, 0.0003]


def make_cameras(config: CellConfig) -> dict[str, Camera]:
    """The scene camera over the bin and the camera that sees the held object."""
    bin_middle = np.array([*BIN_CENTRE_M, 0.02])
    tilt = np.radians(24)
    distance = 1.0
    scene = Camera(
        name="scene",
        position_m=bin_middle + distance * np.array([np.sin(tilt), 0, np.cos(tilt)]),
        target_m=bin_middle + np.array([-0.005, 0, 0]),
        up=np.array([-1.0, 0, 0]),
        field_of_view_rad=2 * np.arctan(0.150 / distance),
        width=config.scene_width_px,
        height=config.scene_height_px,
    )
    # Across the closing direction and from above, under the palm: it sees the object's side and top between the fingers.
    shown = PRESENTED_M + [0, 0, -0.012]
    elevation = np.radians(24)
    held = Camera(
        name="held",
        position_m=shown + 0.55 * np.array([np.cos(elevation), 0, np.sin(elevation)]),
        target_m=shown,
        up=np.array([0.0, 0, 1]),
        field_of_view_rad=2 * np.arctan(0.075 / 0.55),
        width=config.held_size_px,
        height=config.held_size_px,
    )
    overview = Camera(
        name="overview",
        position_m=np.array([1.20, 0.62, 0.62]),
        target_m=np.array([0.30, 0.14, 0.24]),
        up=np.array([0.0, 0, 1]),
        field_of_view_rad=np.radians(48),
        width=400,
        height=300,
    )
    return {camera.name: camera for camera in (scene, held, overview)}


def build_scene(config: CellConfig, cameras: dict[str, Camera], objects: list[CellObject]) -> mujoco.MjModel:
    """Compiles the model. Object bodies are named `object:<name>`."""
    spec = arm_spec(config.finger_friction, config.finger_force_n)
    spec.option.timestep = config.timestep_s
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10
    spec.option.iterations = 20
    spec.option.ls_iterations = 20
    spec.stat.extent, spec.stat.center = 1.0, [0.5, 0, 0]
    spec.visual.map.znear, spec.visual.map.zfar = 0.05, 6.0
    spec.visual.quality.shadowsize = 2048 if config.shadows else 0
    spec.visual.quality.offsamples = 0
    spec.visual.headlight.ambient, spec.visual.headlight.diffuse = [0.42] * 3, [0.30] * 3
    spec.visual.headlight.specular = [0.05] * 3
    widest = max(camera.width for camera in cameras.values())
    spec.visual.global_.offwidth = widest
    spec.visual.global_.offheight = max(camera.height for camera in cameras.values())
    spec.worldbody.add_light(
        pos=[0.9, -0.7, 1.6], dir=[-0.35, 0.5, -1.0], diffuse=[0.5, 0.49, 0.46], castshadow=config.shadows
    )
    for camera in cameras.values():
        camera.add_to(spec)
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.93, 0.94, 0.95],
        rgb2=[0.72, 0.76, 0.80],
        width=64,
        height=64 * 6,
    )
    _add_table_and_bin(spec)
    for item in objects:
        _add_object(spec, item)
    return spec.compile()


def _add_table_and_bin(spec: mujoco.MjSpec) -> None:
    box = mujoco.mjtGeom.mjGEOM_BOX
    table = dict(type=box, friction=OBJECT_FRICTION, condim=4)
    spec.worldbody.add_geom(
        **table, pos=[0.3, 0.1, -0.0255], size=[1.2, 1.1, 0.025], rgba=[0.80, 0.77, 0.72, 1]
    )
    x, y = BIN_CENTRE_M
    half_x, half_y = BIN_INSIDE_M / 2
    t, h = BIN_THICKNESS_M / 2, (BIN_WALL_M + BIN_FLOOR_M) / 2
    colour = dict(rgba=[0.30, 0.36, 0.43, 1])
    spec.worldbody.add_geom(
        **table,
        pos=[x, y, BIN_FLOOR_M / 2],
        size=[half_x, half_y, BIN_FLOOR_M / 2],
        rgba=[0.62, 0.65, 0.68, 1],
    )
    for side in (-1, 1):
        spec.worldbody.add_geom(
            **table, **colour, pos=[x + side * (half_x + t), y, h], size=[t, half_y + 2 * t, h]
        )
        spec.worldbody.add_geom(**table, **colour, pos=[x, y + side * (half_y + t), h], size=[half_x, t, h])


def _add_object(spec: mujoco.MjSpec, item: CellObject) -> None:
    name = item.name
    spec.add_mesh(
        name=f"seen:{name}",
        uservert=item.vertices.ravel(),
        userface=item.faces.ravel(),
        usertexcoord=np.column_stack(
            [item.texture_coordinates[:, 0], 1 - item.texture_coordinates[:, 1]]
        ).ravel(),
        inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
    )
    height, width = item.texture.shape[:2]
    texture = spec.add_texture(
        name=f"texture:{name}", type=mujoco.mjtTexture.mjTEXTURE_2D, width=width, height=height, nchannel=3
    )
    texture.data = item.texture.tobytes()
    material = spec.add_material(name=f"material:{name}", specular=0.15, shininess=0.2)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = texture.name
    body = spec.worldbody.add_body(name=f"object:{name}")
    body.add_freejoint()
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=f"seen:{name}",
        material=material.name,
        group=2,
        contype=0,
        conaffinity=0,
        mass=0,
    )
    volume = sum(part.mesh.volume for part in item.parts)
    for i, part in enumerate(item.parts):
        geom = dict(
            group=3,
            condim=4,
            friction=OBJECT_FRICTION,
            mass=item.mass_kg * part.mesh.volume / volume,
            solref=[0.008, 1.0],
        )
        if part.box is not None:
            size, transform = part.box
            body.add_geom(**geom, type=mujoco.mjtGeom.mjGEOM_BOX, size=size / 2, **_placed(transform))
        elif part.cylinder is not None:
            radius, height_m, transform = part.cylinder
            body.add_geom(
                **geom,
                type=mujoco.mjtGeom.mjGEOM_CYLINDER,
                size=[radius, height_m / 2, 0],
                **_placed(transform),
            )
        else:
            # MuJoCo moves a mesh to its centre of mass and remembers by how much: no pose is given here.
            mesh = spec.add_mesh(
                name=f"part{i}:{name}", uservert=part.mesh.vertices.ravel(), userface=part.mesh.faces.ravel()
            )
            body.add_geom(**geom, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name)


def _placed(transform: np.ndarray) -> dict:
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(transform[:3, :3]).ravel())
    return {"pos": transform[:3, 3], "quat": quaternion}
