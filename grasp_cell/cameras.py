"""Where the cameras are and what they see: RGB, depth, and who is where (for scoring only)."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np

# MuJoCo's camera looks along -z with y up; ROS's optical frame looks along +z with y down (REP 103).
_OPTICAL_FROM_MUJOCO = np.diag([1.0, -1.0, -1.0])


@dataclass
class Frame:
    """One exposure.

    Attributes:
        rgb: (H, W, 3) uint8.
        depth_m: (H, W) float32 along the optical axis, or None when it was not asked for.
        stamp_s: simulated time.
    """

    rgb: np.ndarray
    depth_m: np.ndarray | None
    stamp_s: float


@dataclass
class Camera:
    """A fixed pinhole camera that looks at a point.

    Attributes:
        name: name in the MuJoCo model.
        position_m: (3,) in the base frame.
        target_m: (3,) point in the middle of the image.
        up: (3,) direction that is up in the image.
        field_of_view_rad: vertical angle of view.
        width, height: pixels.
    """

    name: str
    position_m: np.ndarray
    target_m: np.ndarray
    up: np.ndarray
    field_of_view_rad: float
    width: int
    height: int

    @property
    def base_from_camera(self) -> np.ndarray:
        """Pose of the optical frame in the base frame, (4, 4)."""
        forward = self.target_m - self.position_m
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, self.up)
        right = right / np.linalg.norm(right)
        pose = np.eye(4)
        pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
        pose[:3, 3] = self.position_m
        return pose

    @property
    def intrinsics(self) -> np.ndarray:
        """Pinhole matrix, (3, 3); pixel centres are at whole numbers plus a half."""
        focal = self.height / 2 / np.tan(self.field_of_view_rad / 2)
        return np.array([[focal, 0, self.width / 2], [0, focal, self.height / 2], [0, 0, 1.0]])

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Adds the camera to a model."""
        quaternion = np.empty(4)
        mujoco.mju_mat2Quat(quaternion, (self.base_from_camera[:3, :3] @ _OPTICAL_FROM_MUJOCO).ravel())
        spec.worldbody.add_camera(
            name=self.name,
            pos=self.position_m,
            quat=quaternion,
            fovy=float(np.degrees(self.field_of_view_rad)),
        )


class Eye:
    """Renders the cameras of one model. Bound to the thread that made it, as OpenGL contexts are."""

    def __init__(self, model: mujoco.MjModel, cameras: list[Camera]) -> None:
        self._model = model
        self._renderers = {
            camera.name: mujoco.Renderer(model, camera.height, camera.width) for camera in cameras
        }
        self._look = mujoco.MjvOption()
        # Visible surfaces are in groups 0 to 2; what only collides is in 3 and 4.
        self._look.geomgroup[:] = [1, 1, 1, 0, 0, 0]
        for renderer in self._renderers.values():
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0

    def see(self, data: mujoco.MjData, camera: str, depth: bool) -> Frame:
        """Takes a picture."""
        renderer = self._renderers[camera]
        renderer.update_scene(data, camera, self._look)
        rgb = renderer.render().copy()
        if not depth:
            return Frame(rgb, None, data.time)
        renderer.enable_depth_rendering()
        depth_m = renderer.render().copy()
        renderer.disable_depth_rendering()
        return Frame(rgb, depth_m, data.time)

    def bodies(self, data: mujoco.MjData, camera: str) -> np.ndarray:
        """Index of the body that each pixel shows, (H, W), -1 for none. Ground truth: for scoring only."""
        renderer = self._renderers[camera]
        renderer.update_scene(data, camera, self._look)
        renderer.enable_segmentation_rendering()
        segments = renderer.render()
        renderer.disable_segmentation_rendering()
        geoms = np.where(segments[..., 1] == mujoco.mjtObj.mjOBJ_GEOM, segments[..., 0], -1)
        return np.where(geoms >= 0, self._model.geom_bodyid[geoms], -1)

    def close(self) -> None:
        """Frees the OpenGL contexts."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers = {}
