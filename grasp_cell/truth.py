"""Ground truth of the simulator. For scoring only: nothing that learns or acts may use it."""

from __future__ import annotations

import mujoco
import numpy as np

from grasp_cell.cameras import Eye

# An object higher than this over the table is not lying in the bin any more.
_LIFTED_M = 0.15


class GroundTruth:
    """Who is where, at the moment of each call."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, names: list[str], eye: Eye) -> None:
        self._model, self._data, self._names, self._eye = model, data, names, eye

    def objects(self) -> list[str]:
        """Names of the objects in the scene."""
        return list(self._names)

    def position_m(self, name: str) -> np.ndarray:
        """Centre of an object in the base frame, (3,)."""
        return self._data.body(f"object:{name}").xpos.copy()

    def held_object(self) -> str | None:
        """The object that is up in the air, or None."""
        up = [name for name in self._names if self.position_m(name)[2] > _LIFTED_M]
        return max(up, key=lambda name: self.position_m(name)[2]) if up else None

    def masks(self) -> dict[str, np.ndarray]:
        """Visible pixels of each object in the scene camera, (H, W) bool by name."""
        shown = self._eye.bodies(self._data, "scene")
        return {name: shown == self._model.body(f"object:{name}").id for name in self._names}

    def arm_in_view(self) -> bool:
        """Whether any part of the arm is in the scene camera's image."""
        shown = self._eye.bodies(self._data, "scene")
        arm = {i for i in range(self._model.nbody) if self._model.body(i).name.startswith("panda_")}
        return bool(np.isin(shown, list(arm)).any())
