"""Household objects on a table: which stand where, and their bodies in MuJoCo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
import trimesh
from scipy.spatial import ConvexHull, cKDTree

from grasp_cell.arm_config import ArmCellConfig
from grasp_cell.arm_model import OBJECT_CONAFFINITY, OBJECT_CONTYPE
from semgrasp_ros.core.data.household import HouseholdObject

FOOTPRINT_POINTS = 400
PLACING_TRIES = 300
TABLE_SOLREF = [0.008, 1.0]
# An object's own colour, and how far its parts' colours differ from it.
PART_TINT = 0.3


@dataclass(frozen=True)
class Placed:
    """An object and where it is let fall.

    Attributes:
        thing: the object.
        pose: (4, 4) of its frame in the robot's base, metres.
    """

    thing: HouseholdObject
    pose: np.ndarray


class NoRoomError(RuntimeError):
    """An object has no place on the table; the text names it."""


def place(
    things: Sequence[HouseholdObject], middle_m: np.ndarray, config: ArmCellConfig, rng: np.random.Generator
) -> list[Placed]:
    """Puts objects on the table at z = 0, apart from one another, the first around the middle of the work place.

    Args:
        things: the first is the one to be grasped.
        middle_m: (2,) of the work place, base frame.
        config: spread, gaps and tilt.
        rng: of chance.

    Raises:
        NoRoomError: no free place was found for one of them.
    """
    placed: list[Placed] = []
    taken: list[cKDTree] = []
    for number, thing in enumerate(things):
        for _ in range(PLACING_TRIES):
            away = config.spread_m if number == 0 else config.neighbours_within_m
            where = middle_m + away * np.sqrt(rng.uniform()) * _direction(rng.uniform(0, 2 * np.pi))
            if number:
                where = placed[0].pose[:2, 3] + where - middle_m
            pose = _lying(thing, where, rng.uniform(0, 2 * np.pi), rng.normal(scale=config.tilt_rad, size=2))
            pose[2, 3] += config.drop_m
            footprint = _footprint(thing, pose)
            if all(tree.query(footprint)[0].min() > config.neighbour_gap_m for tree in taken):
                break
        else:
            raise NoRoomError(f"{thing.family} {thing.instance}: found no room beside {number} others")
        placed.append(Placed(thing, pose))
        taken.append(cKDTree(footprint))
    return placed


def _direction(angle_rad: float) -> np.ndarray:
    return np.array([np.cos(angle_rad), np.sin(angle_rad)])


def _lying(thing: HouseholdObject, where_m: np.ndarray, yaw_rad: float, tilt_rad: np.ndarray) -> np.ndarray:
    """As it rests, but turned and a little tilted, its lowest point at z = 0."""
    pose = trimesh.transformations.euler_matrix(*tilt_rad, yaw_rad)
    pose[:2, 3] = where_m
    pose[2, 3] = -(thing.mesh.vertices @ pose[2, :3]).min()
    return pose


def _footprint(thing: HouseholdObject, pose: np.ndarray) -> np.ndarray:
    """Points (N, 2) that fill the convex hull of what is above the table."""
    flat = (thing.mesh.vertices @ pose[:3, :3].T + pose[:3, 3])[:, :2]
    corners = flat[ConvexHull(flat).vertices]
    weights = np.random.default_rng(0).dirichlet(np.full(len(corners), 0.5), FOOTPRINT_POINTS)
    edges = np.linspace(corners, np.roll(corners, -1, axis=0), 10).reshape(-1, 2)
    return np.concatenate([weights @ corners, edges])


def mass_kg(thing: HouseholdObject, config: ArmCellConfig) -> float:
    """Of an object: its volume's, within bounds."""
    return float(np.clip(thing.mesh.volume * config.density_kg_m3, config.lightest_kg, config.heaviest_kg))


def add_table(spec: mujoco.MjSpec, config: ArmCellConfig) -> None:
    """A table top at z = 0 under everything."""
    spec.worldbody.add_geom(
        name="table",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        pos=[0.4, 0, -0.025],
        size=[1.0, 1.0, 0.025],
        rgba=[0.78, 0.74, 0.68, 1],
        contype=OBJECT_CONTYPE,
        conaffinity=OBJECT_CONAFFINITY,
        condim=6,
        # Against rolling: cloth-like, so that balls come to rest.
        friction=[config.object_friction, 0.01, 0.002],
        solref=TABLE_SOLREF,
    )


def add_object(
    spec: mujoco.MjSpec, name: str, placed: Placed, config: ArmCellConfig, rng: np.random.Generator
) -> None:
    """A free body that looks as its parts' surfaces and collides as their convex solids.

    Args:
        spec: to add it to.
        name: of the body; geoms that collide are named `<name>/<part index>/<number>`.
        placed: the object and its pose.
        config: density and friction.
        rng: of the colours.
    """
    thing = placed.thing
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(placed.pose[:3, :3]).ravel())
    body = spec.worldbody.add_body(name=name, pos=placed.pose[:3, 3], quat=quaternion)
    body.add_freejoint(name=name)
    _set_inertia(body, thing, mass_kg(thing, config))
    colour = rng.uniform(0.15, 0.85, 3)
    for index, part in enumerate(thing.parts):
        tint = np.clip(colour + rng.uniform(-PART_TINT, PART_TINT, 3), 0.05, 0.95)
        surface = thing.mesh.submesh([np.flatnonzero(thing.face_parts == index)], append=True)
        if len(surface.faces):
            mesh = spec.add_mesh(
                name=f"{name}/{index}",
                uservert=surface.vertices.ravel(),
                userface=surface.faces.ravel(),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
            )
            body.add_geom(
                type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, group=2, contype=0, conaffinity=0,
                mass=0, rgba=[*tint, 1],
            )  # fmt: skip
        for number, solid in enumerate(part.solids):
            mesh = spec.add_mesh(
                name=f"{name}/{index}/{number}",
                uservert=solid.vertices.ravel(),
                userface=solid.faces.ravel(),
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_CONVEX,
            )
            body.add_geom(
                name=mesh.name, type=mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh.name, group=3, mass=0,
                contype=OBJECT_CONTYPE, conaffinity=OBJECT_CONAFFINITY, condim=4,
                friction=[config.object_friction, 0.01, 0.0003], solref=TABLE_SOLREF,
            )  # fmt: skip


def _set_inertia(body: mujoco.MjsBody, thing: HouseholdObject, mass: float) -> None:
    """That of the true surface, filled evenly: solids overlap, their sum would count some of it twice."""
    inertia = thing.mesh.moment_inertia * (mass / thing.mesh.volume)
    # A thin thing's smallest inertia would need smaller steps in time than a table's contact.
    moments, axes = np.linalg.eigh(inertia)
    moments = np.maximum(moments, 2e-6)
    # No solid has one moment above the sum of the others.
    moments[2] = min(moments[2], 0.999 * (moments[0] + moments[1]))
    if np.linalg.det(axes) < 0:
        axes[:, 0] *= -1
    quaternion = np.empty(4)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(axes).ravel())
    body.mass, body.ipos, body.inertia, body.iquat = mass, thing.mesh.center_mass, moments, quaternion
    body.explicitinertial = True
