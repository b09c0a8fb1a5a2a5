"""Pictures of grasps: the object in the colours of its parts, the hand around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PART_COLOURS = (
    (0.25, 0.55, 0.80), (0.95, 0.65, 0.20), (0.45, 0.70, 0.35), (0.75, 0.40, 0.65), (0.55, 0.45, 0.40), (0.35, 0.35, 0.75),
)  # fmt: skip
SKIN_COLOUR = (0.93, 0.76, 0.66)


def render_surfaces(
    surfaces: Sequence[tuple[np.ndarray, np.ndarray, tuple[float, float, float]]],
    size_px: int = 320,
    azimuth_deg: float = 135.0,
    elevation_deg: float = -25.0,
) -> np.ndarray:
    """One picture (size, size, 3) uint8 of closed surfaces, seen whole.

    Args:
        surfaces: each vertices (V, 3) in metres, faces (F, 3) and a colour of three values in 0..1.
        size_px: width and height.
        azimuth_deg: of the camera about z.
        elevation_deg: of the camera; negative looks down.
    """
    import mujoco

    spec = mujoco.MjSpec()
    spec.visual.global_.offwidth = spec.visual.global_.offheight = size_px
    spec.visual.headlight.ambient[:] = 0.45
    spec.visual.headlight.diffuse[:] = 0.55
    for number, (vertices, faces, colour) in enumerate(surfaces):
        spec.add_mesh(
            name=f"surface{number}",
            uservert=np.asarray(vertices, dtype=float).ravel(),
            userface=np.asarray(faces, dtype=int).ravel(),
            inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
        )
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=f"surface{number}",
            rgba=[*colour, 1.0],
            contype=0,
            conaffinity=0,
        )
    spec.add_texture(
        name="sky", type=mujoco.mjtTexture.mjTEXTURE_SKYBOX, builtin=mujoco.mjtBuiltin.mjBUILTIN_FLAT,
        rgb1=[1, 1, 1], rgb2=[1, 1, 1], width=32, height=32,
    )  # fmt: skip
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    points = np.concatenate([vertices for vertices, _, _ in surfaces])
    low, high = points.min(axis=0), points.max(axis=0)
    camera = mujoco.MjvCamera()
    camera.lookat[:] = (low + high) / 2
    camera.distance = 1.35 * np.linalg.norm(high - low)
    camera.azimuth, camera.elevation = azimuth_deg, elevation_deg
    with mujoco.Renderer(model, size_px, size_px) as renderer:
        renderer.update_scene(data, camera)
        return renderer.render()
