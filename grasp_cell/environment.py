"""A Gymnasium environment over the cell: lift the object that the goal image shows.

    import gymnasium, grasp_cell.environment
    environment = gymnasium.make("GraspCell-v0", regime="shared_palette")
    many = gymnasium.make_vec(
        "grasp_cell.environment:GraspCell-v0", num_envs=4, vectorization_mode="async",
        vector_kwargs={"context": "spawn"},  # OpenGL does not survive a fork
    )

The action is a displacement of the tool, a turn of the wrist, and whether to close, as in Grasp2Vec (section 5.3). Closing
ends the episode: the arm lifts, and the reward is the cosine of what is held and the goal in the embedding, 0 when
nothing is. Which object was meant, and which is held, is known to `info` alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from grasp2vec_ros.core.inference import Perceiver, default_checkpoint
from grasp_cell import scene as layout
from grasp_cell.cell import Cell
from grasp_cell.config import CellConfig
from grasp_cell.removals import show_object

LARGEST_STEP_M = 0.06
LARGEST_TURN_RAD = 0.6
START_HEIGHT_M = 0.16
# The tool stays over the bin and off its floor.
LOWEST_M, HIGHEST_M = 0.018, 0.22
BEYOND_BIN_M = 0.01


class GraspEnvironment(gymnasium.Env):
    """Goal-conditioned grasping with the embedding's reward.

    Observation: `scene` (240, 320, 3) and `goal` (128, 128, 3), uint8 RGB; `tool` (5,): position [m] in the base
    frame, cosine and sine of twice the jaw's yaw (half a turn of a jaw changes nothing).
    Action: (5,) in [-1, 1]: x, y, z in units of 6 cm, yaw in units of 0.6 rad, and above 0: close the gripper.

    Args:
        checkpoint: of the embedding; None: the one that ships.
        max_episode_steps: after so many steps without closing the episode is truncated, reward 0.
        render_mode: None or "rgb_array".
        cell: fields of CellConfig, as regime, split, seed.

    Raises:
        ValueError: a field of the cell is wrong, or there is no checkpoint.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 10}

    def __init__(
        self,
        checkpoint: str | Path | None = None,
        max_episode_steps: int = 20,
        render_mode: str | None = None,
        **cell: Any,
    ) -> None:
        config = CellConfig(**cell)
        self.render_mode = render_mode
        self._perceiver = Perceiver()
        self._most_steps = max_episode_steps
        found = checkpoint or default_checkpoint()
        if found is None:
            raise ValueError("checkpoint: none was given and none is shipped; train one first")
        self._perceiver.load(found)
        self._cell = Cell(config)
        scene_shape = (config.scene_height_px, config.scene_width_px, 3)
        held_shape = (config.held_size_px, config.held_size_px, 3)
        self.observation_space = spaces.Dict(
            {
                "scene": spaces.Box(0, 255, scene_shape, np.uint8),
                "goal": spaces.Box(0, 255, held_shape, np.uint8),
                "tool": spaces.Box(-2.0, 2.0, (5,), np.float32),
            }
        )
        self.action_space = spaces.Box(-1.0, 1.0, (5,), np.float32)
        self._goal, self._goal_vector = np.zeros(held_shape, np.uint8), np.zeros(0)
        self._wanted = ""
        self._yaw, self._steps = 0.0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Fills the bin anew, shows an object that lies in it, and brings the open gripper over its middle."""
        super().reset(seed=seed)
        rng = self.np_random
        goal = None
        while goal is None:
            self._cell.reset_scene(int(rng.integers(2**31)))
            self._wanted = str(rng.choice(self._cell.ground_truth.objects()))
            goal = show_object(self._cell, self._wanted, rng)
        self._goal = goal
        self._goal_vector = self._perceiver.embed_held([goal])[0]
        self._yaw, self._steps = float(rng.uniform(-np.pi / 2, np.pi / 2)), 0
        self._cell.move_tool_from_rest(self._pose(np.array([*layout.BIN_CENTRE_M, START_HEIGHT_M])))
        # The arm may have taken the jaw's other way round.
        rotation = self._cell.tool_pose()[:3, :3]
        self._yaw = float(np.arctan2(rotation[1, 0], rotation[0, 0]))
        return self._observation(), self._info(None)

    def step(self, action: np.ndarray) -> tuple[dict[str, np.ndarray], float, bool, bool, dict[str, Any]]:
        """Moves the tool, then closes it when the last entry says so."""
        action = np.clip(np.asarray(action, float), -1.0, 1.0)
        self._steps += 1
        yaw_before = self._yaw
        self._yaw += LARGEST_TURN_RAD * action[3]
        place = self._within_bin(self._cell.tool_pose()[:3, 3] + LARGEST_STEP_M * action[:3])
        if not self._cell.move_tool(self._pose(place)):
            self._yaw = yaw_before
        if action[4] <= 0:
            truncated = self._steps >= self._most_steps
            return self._observation(), 0.0, False, truncated, self._info(None)
        result = self._cell.close_and_lift()
        held = self._cell.ground_truth.held_object() if result.outcome == "ok" else None
        return self._observation(), self._reward(result.outcome), True, False, self._info(held)

    def _reward(self, outcome: str) -> float:
        """Cosine of what is held and the goal, 0 for an empty gripper: from images alone."""
        if outcome != "ok":
            return 0.0
        held = self._perceiver.embed_held([self._cell.held_frame().rgb])[0]
        return self._perceiver.reward(self._goal_vector, held)[0]

    def render(self) -> np.ndarray | None:
        """The whole cell, (H, W, 3) uint8."""
        return self._cell.overview_frame().rgb if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Frees the renderer."""
        self._cell.close()

    def _pose(self, place_m: np.ndarray) -> np.ndarray:
        cosine, sine = np.cos(self._yaw), np.sin(self._yaw)
        pose = np.eye(4)
        pose[:3, :3] = [[cosine, sine, 0], [sine, -cosine, 0], [0, 0, -1]]
        pose[:3, 3] = place_m
        return pose

    @staticmethod
    def _within_bin(place_m: np.ndarray) -> np.ndarray:
        half = layout.BIN_INSIDE_M / 2 + BEYOND_BIN_M
        low, high = layout.BIN_CENTRE_M - half, layout.BIN_CENTRE_M + half
        return np.clip(place_m, [*low, LOWEST_M], [*high, HIGHEST_M])

    def _observation(self) -> dict[str, np.ndarray]:
        place = self._cell.tool_pose()[:3, 3]
        tool = np.array([*place, np.cos(2 * self._yaw), np.sin(2 * self._yaw)], np.float32)
        return {"scene": self._cell.scene_frame(depth=False).rgb, "goal": self._goal.copy(), "tool": tool}

    def _info(self, held: str | None) -> dict[str, Any]:
        """Ground truth, for scoring only."""
        return {"wanted_object": self._wanted, "held_object": held or "", "right": held == self._wanted}


gymnasium.register(id="GraspCell-v0", entry_point=GraspEnvironment)
