"""Point clouds of objects: whole, or as a depth camera sees them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.data.household import HouseholdObject


@dataclass(frozen=True)
class Cloud:
    """Points on a surface, in the object frame.

    Attributes:
        points: (N, 3) float32 metres.
        normals: (N, 3) float32, outward, unit.
        parts: (N,) index of the part of each point.
        eye: (3,) where the camera was, metres; None for a cloud of the whole surface.
    """

    points: np.ndarray
    normals: np.ndarray
    parts: np.ndarray
    eye: np.ndarray | None = None


def surface_cloud(thing: HouseholdObject, count: int, rng: np.random.Generator) -> Cloud:
    """Points spread evenly by chance over the whole surface."""
    mesh = thing.mesh
    weights = mesh.area_faces / mesh.area_faces.sum()
    faces = rng.choice(len(weights), size=count, p=weights)
    a, b = rng.random((2, count, 1))
    fold = a + b > 1
    a, b = np.where(fold, 1 - a, a), np.where(fold, 1 - b, b)
    corners = mesh.triangles[faces]
    points = corners[:, 0] + a * (corners[:, 1] - corners[:, 0]) + b * (corners[:, 2] - corners[:, 0])
    return Cloud(
        points.astype(np.float32), mesh.face_normals[faces].astype(np.float32), thing.face_parts[faces]
    )


def seen_cloud(
    thing: HouseholdObject, count: int, rng: np.random.Generator, noise_m: float = 0.0015, pixels: int = 160
) -> Cloud:
    """What a depth camera sees from one side, from above: hidden points are missing, the others are noisy.

    Args:
        thing: the object.
        count: how many points; seen ones are repeated when there are fewer.
        rng: source of chance: of the view, half a metre away and 15 to 75 degrees above the horizon, and of noise.
        noise_m: standard deviation along the view; normals are then estimated, not given.
        pixels: width and height of the camera's image of the object.
    """
    import open3d

    azimuth, elevation = rng.uniform(0, 2 * np.pi), np.radians(rng.uniform(15, 75))
    direction = np.array(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
    )
    reach = float(np.linalg.norm(thing.mesh.extents))
    eye = direction * (0.35 + reach)
    scene = open3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(
        open3d.core.Tensor(np.asarray(thing.mesh.vertices, dtype=np.float32)),
        open3d.core.Tensor(np.asarray(thing.mesh.faces, dtype=np.uint32)),
    )
    angle = 2 * np.degrees(np.arctan2(reach * 0.55, np.linalg.norm(eye)))
    rays = scene.create_rays_pinhole(angle, np.zeros(3), eye, np.array([0.0, 0.0, 1.0]), pixels, pixels)
    answer = scene.cast_rays(rays, nthreads=1)
    distance = answer["t_hit"].numpy().reshape(-1)
    hit = np.flatnonzero(np.isfinite(distance))
    rays = rays.numpy().reshape(-1, 6)[hit]
    faces = answer["primitive_ids"].numpy().reshape(-1)[hit]
    chosen = rng.choice(len(hit), size=count, replace=len(hit) < count)
    away = distance[hit][chosen, None] + rng.normal(scale=noise_m, size=(count, 1))
    points = rays[chosen, :3] + rays[chosen, 3:] * away
    normals = estimate_normals(points, eye)
    return Cloud(points.astype(np.float32), normals, thing.face_parts[faces[chosen]], eye)


def estimate_normals(points: np.ndarray, viewpoint: np.ndarray, neighbours: int = 20) -> np.ndarray:
    """Normals (N, 3) float32 from neighbours, toward the viewpoint (3,)."""
    import open3d

    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(np.asarray(points, dtype=float)))
    cloud.estimate_normals(open3d.geometry.KDTreeSearchParamKNN(neighbours))
    cloud.orient_normals_towards_camera_location(np.asarray(viewpoint, dtype=float))
    return np.asarray(cloud.normals, dtype=np.float32)
