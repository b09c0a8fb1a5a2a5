"""Scenes that differ as places differ: light, colours of table and bin, where the cameras are (domain randomisation)."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np

from grasp_cell.cameras import Camera

# At full strength; half of it to either side.
CAMERA_SHIFT_M = 0.06
TARGET_SHIFT_M = 0.03
ZOOM = 0.12
BRIGHTNESS = 0.7
TINT = 0.2
COLOUR = 0.5
LAMP_SHIFT_M = 1.6


def vary_cameras(cameras: dict[str, Camera], rng: np.random.Generator, strength: float) -> dict[str, Camera]:
    """The same cameras, mounted a little differently and with another zoom."""

    def spread(size: int | None = None) -> np.ndarray | float:
        return strength * rng.uniform(-0.5, 0.5, size)

    return {
        name: replace(
            camera,
            position_m=camera.position_m + CAMERA_SHIFT_M * spread(3),
            target_m=camera.target_m + TARGET_SHIFT_M * spread(3),
            field_of_view_rad=camera.field_of_view_rad * (1 + ZOOM * spread()),
        )
        for name, camera in cameras.items()
    }


def vary_looks(model: mujoco.MjModel, rng: np.random.Generator, strength: float) -> None:
    """Changes the light and the colours of all that is no object, in place."""

    def spread(size: int | None = None) -> np.ndarray | float:
        return strength * rng.uniform(-0.5, 0.5, size)

    tint = 1 + TINT * spread(3)
    for light in (model.light_diffuse, model.vis.headlight.ambient, model.vis.headlight.diffuse):
        light[:] = light * (1 + BRIGHTNESS * spread()) * tint
    model.light_pos[:] += LAMP_SHIFT_M * spread(3) * [1, 1, 0.3]
    toward = np.array([0.5, 0.0, 0.0]) - model.light_pos
    model.light_dir[:] = toward / np.linalg.norm(toward, axis=1, keepdims=True)
    background = model.geom_bodyid == 0
    for colour in np.unique(model.geom_rgba[background], axis=0):
        same = background & (model.geom_rgba == colour).all(axis=1)
        model.geom_rgba[same, :3] = np.clip(
            colour[:3] + COLOUR * spread() + 0.4 * COLOUR * spread(3), 0.02, 0.98
        )
