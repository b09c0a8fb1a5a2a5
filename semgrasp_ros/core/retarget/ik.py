"""Where the joints must be for the tool to be at a pose: damped least squares on pinocchio, with restarts.

Damping grows with the squared error, so that steps far from the target stay bounded and near it become Newton's
(Sugihara, "Solvability-unconcerned inverse kinematics by the Levenberg-Marquardt method", 2011). Joints at a limit that
would be pushed beyond it are held there and the step is solved for the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.robot_file import Robot, RobotError
from semgrasp_ros.core.retarget.robot_model import TOOL_FRAME, build_model

FULL_TURN_TOLERANCE_RAD = 1e-5  # files round pi


@dataclass(frozen=True)
class IkConfig:
    """How long and how exactly is searched.

    Attributes:
        iterations: of each start.
        position_tolerance_m: of the tool's origin.
        rotation_tolerance_rad: of the tool's turn.
        least_damping: added to the damping by the error.
        longest_step_rad: of any joint in one iteration.
        patience: iterations without an error smaller by 2 % before a start is given up.
    """

    iterations: int = 60
    position_tolerance_m: float = 1e-4
    rotation_tolerance_rad: float = 1e-3
    least_damping: float = 1e-6
    longest_step_rad: float = 0.8
    patience: int = 12


@dataclass(frozen=True)
class IkResult:
    """What was found; the best try when it is no solution.

    Attributes:
        q: joint values, (n,), always within limits.
        position_error_m: distance of the tool from the target.
        rotation_error_rad: angle between them.
        converged: both errors are within tolerance.
        restarts: starts after the first.
        iterations: of all starts.
        reason: why it is no solution, "" when it is.
    """

    q: np.ndarray
    position_error_m: float
    rotation_error_rad: float
    converged: bool
    restarts: int
    iterations: int
    reason: str = ""


@dataclass
class _Try:
    q: np.ndarray
    error: np.ndarray  # (6,) log of the pose of the target in the tool: metres and radians
    iterations: int

    @property
    def size(self) -> float:
        return float(np.linalg.norm(self.error))


class ArmKinematics:
    """Forward and inverse kinematics of a robot's arm; gripper joints stay where they are.

    Not to be shared between threads.
    """

    def __init__(self, robot: Robot, config: IkConfig | None = None) -> None:
        """Builds the model.

        Raises:
            RobotError: a URDF cannot be read.
        """
        import pinocchio

        self.robot, self.config, self._pin = robot, config or IkConfig(), pinocchio
        whole = build_model(robot)
        for name in robot.arm.joints:
            if not whole.existJointName(name):
                raise RobotError(
                    f"arm.joints: the URDF has no joint {name!r}; load the robot with load_robot"
                )
        locked = [i for i, name in enumerate(whole.names) if i and name not in robot.arm.joints]
        self._model = pinocchio.buildReducedModel(whole, locked, pinocchio.neutral(whole))
        self._data = self._model.createData()
        self._tool = self._model.getFrameId(TOOL_FRAME)
        self._world_from_base = self._model.frames[self._model.getFrameId(robot.base_frame)].placement
        # The model orders joints by its tree, the robot's file by its own list.
        self._order = np.array(
            [self._model.joints[self._model.getJointId(n)].idx_q for n in robot.arm.joints]
        )
        self.lower_rad = self._model.lowerPositionLimit[self._order].copy()
        self.upper_rad = self._model.upperPositionLimit[self._order].copy()
        range_rad = self._model.upperPositionLimit - self._model.lowerPositionLimit
        turning = [joint.shortname().startswith("JointModelR") for joint in list(self._model.joints)[1:]]
        self._turns_round = np.array(turning) & (range_rad > 2 * np.pi - FULL_TURN_TOLERANCE_RAD)
        self.velocity_rad_s = self._model.velocityLimit[self._order].copy()
        self.acceleration_rad_s2 = np.array(robot.arm.acceleration_rad_s2)
        self.home_rad = np.array(robot.arm.home_rad)

    def forward(self, q: np.ndarray) -> np.ndarray:
        """Pose of the tool in the base frame.

        Args:
            q: (n,) in the order of the robot's `arm.joints`.

        Returns:
            (4, 4).

        Raises:
            ValueError: q has another length or is not finite.
        """
        placement = self._place(self._joints(q, "q"))
        return self._world_from_base.actInv(placement).homogeneous.copy()

    def jacobian(self, q: np.ndarray) -> np.ndarray:
        """How the tool moves with the joints: (6, n), linear over angular speed, in axes of the base frame."""
        q = self._joints(q, "q")
        frame = self._pin.ReferenceFrame.LOCAL_WORLD_ALIGNED
        whole = self._pin.computeFrameJacobian(self._model, self._data, self._whole(q), self._tool, frame)
        turned = self._world_from_base.rotation.T
        return np.vstack([turned @ whole[:3], turned @ whole[3:]])[:, self._order]

    def manipulability(self, q: np.ndarray) -> float:
        """Yoshikawa's measure, the root of det(J J^T): 0 where a direction of motion is lost."""
        return float(np.prod(np.linalg.svd(self.jacobian(q), compute_uv=False)))

    def solve(
        self,
        target: np.ndarray,
        q0: np.ndarray | None = None,
        restarts: int = 20,
        seed: int = 0,
    ) -> IkResult:
        """Joint values that bring the tool to a pose.

        Args:
            target: (4, 4) in the base frame.
            q0: (n,) first start, clipped to the limits; the home pose when None.
            restarts: random starts to try after that.
            seed: of the random starts.

        Raises:
            ValueError: target is no pose, q0 has another length, or restarts is below 0.
        """
        if restarts < 0:
            raise ValueError(f"restarts: {restarts} is below 0; give how many random starts to try")
        goal = self._world_from_base * self._pin.SE3(_checked_pose(target))
        start = (
            self.home_rad if q0 is None else np.clip(self._joints(q0, "q0"), self.lower_rad, self.upper_rad)
        )
        rng = np.random.default_rng(seed)
        best = self._descend(goal, start)
        iterations, restart = best.iterations, 0
        while restart < restarts and not self._is_there(best.error):
            restart += 1
            found = self._descend(goal, rng.uniform(self.lower_rad, self.upper_rad))
            iterations += found.iterations
            best = found if found.size < best.size else best
        return self._result(best, goal, restart, iterations)

    def _descend(self, goal: object, start: np.ndarray) -> _Try:
        config, pin, model, data = self.config, self._pin, self._model, self._data
        q = self._whole(start)
        best_q, best_error, best_size, since = q, None, np.inf, 0
        for iteration in range(config.iterations + 1):
            pin.computeJointJacobians(model, data, q)
            offset = pin.updateFramePlacement(model, data, self._tool).actInv(goal)
            error = pin.log6(offset).vector
            size = float(error @ error) ** 0.5
            since = 0 if size < 0.98 * best_size else since + 1
            if size < best_size:
                best_q, best_error, best_size = q, error, size
            if self._is_there(error) or since > config.patience or iteration == config.iterations:
                break
            # d log(offset) / dq, the sign turned so that the step reduces the error.
            jacobian = pin.getFrameJacobian(model, data, self._tool, pin.ReferenceFrame.LOCAL)
            towards = pin.Jlog6(offset.inverse()) @ jacobian
            step = self._step(towards, error, q)
            q = self._within(q + step)
        return _Try(best_q[self._order], best_error, iteration)

    def _step(self, jacobian: np.ndarray, error: np.ndarray, q: np.ndarray) -> np.ndarray:
        lower, upper = self._model.lowerPositionLimit, self._model.upperPositionLimit
        damping = (self.config.least_damping + 0.05 * float(error @ error)) * np.eye(6)
        step = jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + damping, error)
        held = (((q <= lower) & (step < 0)) | ((q >= upper) & (step > 0))) & ~self._turns_round
        if held.any():
            free = np.where(held, 0.0, jacobian)
            step = free.T @ np.linalg.solve(free @ free.T + damping, error)
        longest = np.abs(step).max()
        return step * min(1.0, self.config.longest_step_rad / max(longest, 1e-12))

    def _within(self, q: np.ndarray) -> np.ndarray:
        """Joints that can turn all the way round go on from the other end, the others stop at their limit."""
        lower, upper = self._model.lowerPositionLimit, self._model.upperPositionLimit
        wrapped = lower + np.mod(q - lower, 2 * np.pi)
        beyond = (q < lower) | (q > upper)
        return np.clip(np.where(self._turns_round & beyond, wrapped, q), lower, upper)

    def _result(self, best: _Try, goal: object, restarts: int, iterations: int) -> IkResult:
        # Said anew from the joint values alone, limits included, not from what the search believes.
        offset = self._place(best.q).actInv(goal)
        position_m = float(np.linalg.norm(offset.translation))
        rotation_rad = float(np.linalg.norm(self._pin.log3(offset.rotation)))
        within = bool(np.all((best.q >= self.lower_rad - 1e-9) & (best.q <= self.upper_rad + 1e-9)))
        config = self.config
        near = position_m <= config.position_tolerance_m and rotation_rad <= config.rotation_tolerance_rad
        reason = "" if near and within else self._reason(best.q, position_m, rotation_rad, restarts)
        return IkResult(best.q, position_m, rotation_rad, near and within, restarts, iterations, reason)

    def _reason(self, q: np.ndarray, position_m: float, rotation_rad: float, restarts: int) -> str:
        at = [
            f"{name} at its {'lower' if value < middle else 'upper'} limit"
            for name, value, low, high, middle in zip(
                self.robot.arm.joints,
                q,
                self.lower_rad,
                self.upper_rad,
                (self.lower_rad + self.upper_rad) / 2,
                strict=True,
            )
            if min(value - low, high - value) < 1e-3
        ]
        limits = f"; there {', '.join(at)}" if at else ""
        return (
            f"unreachable: the nearest of {restarts + 1} tries stays {position_m * 1e3:.1f} mm and "
            f"{np.degrees(rotation_rad):.1f} degrees away{limits}"
        )

    def _is_there(self, error: np.ndarray) -> bool:
        # The log's linear part differs from the distance by the turn that is left, which is small here; hence the 0.9.
        position = float(error[:3] @ error[:3]) ** 0.5
        rotation = float(error[3:] @ error[3:]) ** 0.5
        config = self.config
        return position < 0.9 * config.position_tolerance_m and rotation < 0.9 * config.rotation_tolerance_rad

    def _place(self, q: np.ndarray) -> object:
        self._pin.forwardKinematics(self._model, self._data, self._whole(q))
        return self._pin.updateFramePlacement(self._model, self._data, self._tool)

    def _whole(self, q: np.ndarray) -> np.ndarray:
        """From the robot's order of joints to the model's."""
        ordered = np.empty(len(self._order))
        ordered[self._order] = q
        return ordered

    def _joints(self, q: np.ndarray, name: str) -> np.ndarray:
        q = np.asarray(q, dtype=float)
        if q.shape != self._order.shape or not np.isfinite(q).all():
            raise ValueError(f"{name}: {q!r} are not {len(self._order)} finite joint values")
        return q


def _checked_pose(target: np.ndarray) -> np.ndarray:
    target = np.asarray(target, dtype=float)
    if target.shape != (4, 4) or not np.isfinite(target).all():
        raise ValueError(
            f"target: shape {target.shape} or its values are no pose; give a finite (4, 4) matrix"
        )
    rotation = target[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > 1e-3 or np.linalg.det(rotation) < 0:
        raise ValueError(
            "target: its left upper 3 x 3 part is no rotation; make its columns orthonormal, right-handed"
        )
    # Single precision is good enough to ask with, but not to compute logarithms with.
    left, _, right = np.linalg.svd(rotation)
    clean = np.eye(4)
    clean[:3, :3], clean[:3, 3] = left @ right, target[:3, 3]
    return clean
