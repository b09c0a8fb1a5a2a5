"""The whole scene as a MuJoCo model: robot, table, objects, a depth camera and one for people."""

from __future__ import annotations

from collections.abc import Sequence

import mujoco
import numpy as np

from grasp_cell.arm_config import ArmCellConfig
from grasp_cell.arm_model import robot_spec
from grasp_cell.cameras import Camera
from grasp_cell.household_scene import Placed, add_object, add_table
from semgrasp_ros.core.retarget.robot_file import Robot

DEPTH_CAMERA, OVERVIEW = "depth", "overview"
CONTACT_ITERATIONS = 40


def object_name(index: int) -> str:
    """Name of an object's body; 0 is the one to be grasped."""
    return f"object{index}"


def make_arm_cameras(middle_m: np.ndarray, config: ArmCellConfig) -> dict[str, Camera]:
    """The depth camera, which looks at the work place past the arm, and one for pictures.

    Args:
        middle_m: (2,) of the work place in the base frame.
        config: where the camera stands.
    """
    middle = np.array([*middle_m, 0.03])
    facing = np.arctan2(middle_m[1], middle_m[0])

    def around(azimuth: float, elevation: float, distance: float) -> np.ndarray:
        angle = facing + azimuth
        flat = np.array([np.cos(angle), np.sin(angle), 0.0])
        return middle + distance * (np.cos(elevation) * flat + [0, 0, np.sin(elevation)])

    up = np.array([0.0, 0, 1])
    depth = Camera(
        DEPTH_CAMERA,
        around(config.camera_azimuth_rad, config.camera_elevation_rad, config.camera_distance_m),
        middle,
        up,
        config.field_of_view_rad,
        config.width_px,
        config.height_px,
    )
    overview = Camera(
        OVERVIEW, around(0.9, 0.45, 1.05), middle + [0, 0, 0.1], up, 0.75, config.width_px, config.height_px
    )
    return {camera.name: camera for camera in (depth, overview)}


def build_arm_scene(
    robot: Robot,
    placed: Sequence[Placed],
    cameras: dict[str, Camera],
    config: ArmCellConfig,
    rng: np.random.Generator,
) -> mujoco.MjModel:
    """Compiles the model; objects are bodies `object0`, `object1`, …

    Args:
        robot: from `load_robot`.
        placed: the objects, the first to be grasped.
        cameras: of `make_arm_cameras`.
        config: of everything.
        rng: of the colours.
    """
    spec = robot_spec(robot, config)
    spec.option.timestep = config.timestep_s
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    # Friction that is softer lets things creep out of fingers that press with a few newtons.
    spec.option.impratio = 100
    spec.option.iterations = spec.option.ls_iterations = CONTACT_ITERATIONS
    spec.stat.extent, spec.stat.center = 1.0, [0.5, 0, 0]
    spec.visual.map.znear, spec.visual.map.zfar = 0.05, 6.0
    spec.visual.quality.shadowsize, spec.visual.quality.offsamples = 2048, 0
    spec.visual.headlight.ambient, spec.visual.headlight.diffuse = [0.4] * 3, [0.3] * 3
    spec.visual.headlight.specular = [0.05] * 3
    spec.visual.global_.offwidth = max(camera.width for camera in cameras.values())
    spec.visual.global_.offheight = max(camera.height for camera in cameras.values())
    spec.worldbody.add_light(
        pos=[0.9, -0.7, 1.6], dir=[-0.35, 0.5, -1.0], diffuse=[0.5, 0.49, 0.46], castshadow=True
    )
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.93, 0.94, 0.95],
        rgb2=[0.72, 0.76, 0.80],
        width=64,
        height=64 * 6,
    )
    for camera in cameras.values():
        camera.add_to(spec)
    add_table(spec, config)
    for index, each in enumerate(placed):
        add_object(spec, object_name(index), each, config, rng)
    return spec.compile()
