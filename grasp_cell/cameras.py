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
    """Renders the cameras of one model. Bound to the thread that made it, as OpenGL contexts are.

    All cameras share one rendering context: making one takes far longer than taking a picture.
    """

    def __init__(self, model: mujoco.MjModel, cameras: list[Camera]) -> None:
        self._model = model
        self._cameras = {camera.name: camera for camera in cameras}
        self._gl = mujoco.GLContext(max(c.width for c in cameras), max(c.height for c in cameras))
        self._gl.make_current()
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._scene = mujoco.MjvScene(model, maxgeom=1000)
        self._look = mujoco.MjvOption()
        # Visible surfaces are in groups 0 to 2; what only collides is in 3 and 4.
        self._look.geomgroup[:] = [1, 1, 1, 0, 0, 0]

    def see(self, data: mujoco.MjData, camera: str, depth: bool) -> Frame:
        """Takes a picture."""
        rgb, _ = self._render(data, camera, identities=False)
        if not depth:
            return Frame(rgb, None, data.time)
        # Without shading and smoothing a pixel's depth is that of one surface.
        _, inverse = self._render(data, camera, identities=True)
        return Frame(rgb, self._metres(inverse), data.time)

    def bodies(self, data: mujoco.MjData, camera: str) -> np.ndarray:
        """Index of the body that each pixel shows, (H, W), -1 for none. Ground truth: for scoring only."""
        colours, _ = self._render(data, camera, identities=True)
        number = colours.astype(np.int32) @ np.array([1, 1 << 8, 1 << 16])
        body = np.full(self._scene.ngeom + 1, -1)
        for geom in self._scene.geoms[: self._scene.ngeom]:
            if geom.segid >= 0 and geom.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                body[geom.segid + 1] = self._model.geom_bodyid[geom.objid]
        return body[number]

    def _render(self, data: mujoco.MjData, name: str, identities: bool) -> tuple[np.ndarray, np.ndarray]:
        """Colours (H, W, 3) uint8, or each geom's number written as a colour, and OpenGL's depth (H, W)."""
        self._gl.make_current()
        view = mujoco.MjvCamera()
        view.type, view.fixedcamid = mujoco.mjtCamera.mjCAMERA_FIXED, self._model.camera(name).id
        everything = mujoco.mjtCatBit.mjCAT_ALL.value
        mujoco.mjv_updateScene(self._model, data, self._look, None, view, everything, self._scene)
        flags = mujoco.mjtRndFlag
        self._scene.flags[flags.mjRND_SHADOW] = int(self._model.light_castshadow.any())
        self._scene.flags[flags.mjRND_REFLECTION] = 0
        self._scene.flags[flags.mjRND_SEGMENT] = self._scene.flags[flags.mjRND_IDCOLOR] = int(identities)
        camera = self._cameras[name]
        colours = np.empty((camera.height, camera.width, 3), np.uint8)
        depth = np.empty((camera.height, camera.width), np.float32)
        viewport = mujoco.MjrRect(0, 0, camera.width, camera.height)
        mujoco.mjr_render(viewport, self._scene, self._context)
        mujoco.mjr_readPixels(colours, depth if identities else None, viewport, self._context)
        # OpenGL's first row is the lowest.
        return np.ascontiguousarray(colours[::-1]), depth[::-1]

    def _metres(self, inverse: np.ndarray) -> np.ndarray:
        """Distance along the optical axis [m] from a depth buffer that is 1 at the near plane and 0 at the far one."""
        clip, scale = self._model.vis.map, self._model.stat.extent
        near, far = clip.znear * scale, clip.zfar * scale
        return (near * far / (near + inverse.astype(np.float64) * (far - near))).astype(np.float32)

    def close(self) -> None:
        """Frees the OpenGL context."""
        if self._gl is not None:
            self._context.free()
            self._gl.free()
            self._gl = None
