"""The library dex-retargeting as another way from keypoints to joints, to compare with; optional.

Qin et al. 2023, "AnyTeleop", https://arxiv.org/abs/2307.04577. Install it with `pip install dex-retargeting six`; it does
not name six among what it needs.
"""

from __future__ import annotations

import importlib.util
from typing import Literal

import numpy as np

from semgrasp_ros.core.retarget.hand_keypoints import KeypointResult, KeypointRetargeter, checked_keypoints
from semgrasp_ros.core.retarget.hand_model import HandKinematics
from semgrasp_ros.core.retarget.robot_file import RobotError
from semgrasp_ros.core.retarget.robot_model import find_urdf

NEEDED = ("dex_retargeting", "nlopt", "pytransform3d", "anytree", "lxml", "six")
Kind = Literal["position", "vector", "dexpilot"]


def dex_retargeting_is_there() -> bool:
    """Whether the library and all that it needs can be imported."""
    return all(importlib.util.find_spec(name) for name in NEEDED)


class DexKeypointRetargeter:
    """Follows a person's fingers by dex-retargeting, without its low pass.

    Tips get the same targets as with `KeypointRetargeter`, so that only the objective and the solver differ.

    Args:
        hand: of a robot whose hand has a URDF of its own and whose tool is a frame of it.
        kind: of its objectives.

    Raises:
        ImportError: the library is not installed.
        RobotError: the hand has no URDF of its own, or the tool is moved in its frame.
    """

    def __init__(self, hand: HandKinematics, kind: Kind = "vector") -> None:
        if not dex_retargeting_is_there():
            raise ImportError("dex-retargeting is not installed; pip install dex-retargeting six")
        from dex_retargeting.retargeting_config import RetargetingConfig

        robot, gripper = hand.robot, hand.robot.gripper
        if robot.attach is None or any(robot.tool.translation_m) or any(robot.tool.rpy_rad):
            raise RobotError(
                f"attach: {robot.name} needs a URDF of the hand alone, and a tool that is a frame of it, for "
                "dex-retargeting"
            )
        self.hand, self.kind = hand, kind
        tips = [gripper.tips[finger] for finger in hand.fingers]
        count = len(tips)
        given = {
            "position": {
                "target_link_names": tips,
                "target_link_human_indices": np.arange(count),
            },
            "vector": {
                "target_origin_link_names": [robot.tool.frame] * count,
                "target_task_link_names": tips,
                "target_link_human_indices": np.stack([np.zeros(count, int), np.arange(count)]),
            },
            "dexpilot": {"wrist_link_name": robot.tool.frame, "finger_tip_link_names": tips},
        }[kind]
        config = RetargetingConfig(
            type=kind,
            urdf_path=str(find_urdf(robot.attach.urdf, robot.file)),
            target_joint_names=list(hand.joints),
            low_pass_alpha=-1.0,
            **given,
        )
        self._dex = config.build()
        self._order = np.array([self._dex.joint_names.index(name) for name in hand.joints])
        self._targets = KeypointRetargeter(hand)

    def solve(
        self, keypoints: np.ndarray, q0: np.ndarray | None = None, scale: float | None = None
    ) -> KeypointResult:
        """Joints for one frame; arguments and result as of `KeypointRetargeter.solve`; all tips must be seen.

        Raises:
            ValueError: a fingertip is missing, or keypoints have another shape.
        """
        hand = self.hand
        problem = self._targets.problem(checked_keypoints(keypoints), q0, scale, left=False)
        tips = problem.tips_m
        if not np.isfinite(tips).all():
            raise ValueError("keypoints: a fingertip is missing; dex-retargeting needs all")
        start = hand.open_rad if q0 is None else np.clip(q0, hand.lower_rad, hand.upper_rad)
        whole = np.zeros(len(self._order))
        whole[self._order] = start
        self._dex.set_qpos(whole)
        q = self._dex.retarget(self._reference(tips))[self._order].astype(float)
        q = np.clip(q, hand.lower_rad, hand.upper_rad)
        reached = hand.place(hand.pose(q), hand.tips)
        error = float(np.linalg.norm(reached - tips, axis=1).mean())
        near = np.minimum(q - hand.lower_rad, hand.upper_rad - q) < 1e-6
        at = tuple(name for name, there in zip(hand.joints, near, strict=True) if there)
        return KeypointResult(q, error, tips, problem.scale, at, self._dex.optimizer.opt.get_numevals())

    def _reference(self, tips: np.ndarray) -> np.ndarray:
        """What the objective compares with: tips, or vectors between palm and tips in its own order of pairs."""
        if self.kind != "dexpilot":
            return tips
        nodes = np.concatenate([np.zeros((1, 3)), tips])
        origin, task = self._dex.optimizer.generate_link_indices(len(tips))
        return nodes[task] - nodes[origin]
