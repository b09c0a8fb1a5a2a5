"""A robot's hand used as a wide jaw: the thumb on one side, other fingers on the other, for any width between them.

The widths' joint values are found once. What finds and checks grasps of a jaw on a cloud then finds them for the hand
too (two virtual fingers: Iberall, "Human prehension and dexterous robot hands", 1997).
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from semgrasp_ros.core.retarget.hand_model import NO_FINGER, HandKinematics
from semgrasp_ros.core.retarget.hand_solver import minimise
from semgrasp_ros.core.retarget.jaw_types import JawGrasp
from semgrasp_ros.core.retarget.plan import GraspCandidate
from semgrasp_ros.core.retarget.robot_file import ParallelGripper, Pinch, RobotError

STEP_M = 0.005
# Round tips hold better with what is above their ends; and the nearer to the knuckles, the harder they press.
DEEPER_M, ABOVE_TABLE_M = 0.01, 0.001
# Tips go so far beyond where the thing seems to begin before they press.
TOUCHING_M = 0.004
CLOSING_STEPS = 12
# The force along the approach beside the one across.
ONWARD = 0.4
# What ends so far below the tips' middles, as a share of their radius, is pressed with this share of the force.
LOW_SHARE, GENTLY = 1 / 3, 0.25
# Tips matter most; then that pads face one another; then that joints stay where they are.
PAD_WEIGHT_M, STAY_WEIGHT_M = 0.002, 0.0003
ITERATIONS = 60
# A tip that is farther from its place cannot do as the file says.
TOLERATED_M = 0.01
PALM_DEPTH_M = 0.10
FINGER_SKIN_M = 0.002
HALF_TURN = np.diag([-1.0, -1.0, 1.0, 1.0])


class HandPinch:
    """Joint values of a hand for each width, and the jaw that it then is.

    Args:
        hand: of the robot.
        pinch: which fingers and where, from the robot's file.

    Attributes:
        palm_from_jaw: (4, 4) pose of the jaw, x from the fingers to the thumb, z the approach, origin between the
            tips' centres, in the palm frame.
        jaw: what a jaw of the same size would be.
        lever_m: so far beside the middle of the object a grasp is as bad as one that another term of its cost calls bad.
        for_heavy, for_light: so much more it may cost than another kind of grasp of the same hand.

    Raises:
        RobotError: the fingers do not reach that far.
    """

    lever_m, for_heavy, for_light = 0.05, 0.0, 0.0

    def __init__(self, hand: HandKinematics, pinch: Pinch) -> None:
        self._hand, self._pinch = hand, pinch
        self.palm_from_jaw = np.eye(4)
        self.palm_from_jaw[:3, :3] = Rotation.from_euler("xyz", pinch.rpy_rad).as_matrix()
        self.palm_from_jaw[:3, 3] = pinch.translation_m
        self._rows = [hand.fingers.index(name) for name in ("thumb", *pinch.fingers)]
        self._widths = np.linspace(0.0, pinch.width_max_m, 1 + round(pinch.width_max_m / STEP_M))
        found, q = [], hand.open_rad
        # From the widest on: each begins where the one before ended.
        for width in self._widths[::-1]:
            q = minimise(_WidthProblem(self, width, q), q, ITERATIONS, tolerance=1e-5).state
            found.append(q)
        self._table = np.array(found[::-1])
        off_m, width = max((self._off_m(*row), row[0]) for row in zip(self._widths, self._table, strict=True))
        if off_m > TOLERATED_M:
            raise RobotError(
                f"gripper.pinch: around {width * 1e3:.0f} mm a tip stays {off_m * 1e3:.0f} mm from its place; change"
                " translation_m, rpy_rad, spacing_m or width_max_m"
            )
        self.jaw = self._as_jaw()

    def joints(self, width_m: float) -> np.ndarray:
        """Joint values (n,) in the order of `HandKinematics.joints`; beyond what is possible, the nearest."""
        return np.array([np.interp(width_m, self._widths, column) for column in self._table.T])

    def pressing(self, width_m: float, firmly: float = 1.0) -> np.ndarray:
        """Joint values (n,) to send so that thumb and fingers press at one another across what is so wide.

        Servos press by how far they are sent beyond where they are: each joint by its share in a force (its Jacobian,
        transposed), the fingers together as hard as the thumb, whose joint with the largest share is sent
        `squeeze_rad` farther, or a share of it. The force points across, and a little along the approach: round tips climb
        what is lower than they are.
        """
        hand, q = self._hand, self.joints(width_m)
        posture = hand.pose(q)
        tips = hand.place(posture, hand.tips)
        shares = hand.moving(posture, hand.tips.joint, tips)[self._rows]
        across, onward = self.palm_from_jaw[:3, 0], ONWARD * self.palm_from_jaw[:3, 2]
        thumb = (onward - across) @ shares[0]
        fingers = [(onward + across) @ share for share in shares[1:]]
        beyond = thumb + sum(fingers) / len(fingers)
        beyond *= firmly * self._pinch.squeeze_rad / np.abs(thumb).max()
        return np.clip(q + beyond, hand.lower_rad, hand.upper_rad)

    def closing(self, opening_m: float, width_m: float) -> list[np.ndarray]:
        """Joint values (n,) for ever smaller widths, down to one: tips keep to the line across."""
        return [self.joints(width) for width in np.linspace(opening_m, width_m, CLOSING_STEPS)]

    def firmness(self, tool: np.ndarray, width_m: float, points: np.ndarray) -> float:
        """Share of the squeeze that suits a thing: round tips slip over what is lower than their middle when they press hard.

        Args:
            tool: (4, 4) pose of the jaw when it closes, in the frame of the points.
            width_m: of the thing there.
            points: (N, 3) of the thing.
        """
        x, y, z = np.moveaxis((points - tool[:3, 3]) @ tool[:3, :3], 1, 0)
        between = (np.abs(x) < width_m / 2 + TOUCHING_M) & (np.abs(y) < self.jaw.finger_width_m / 2)
        if not between.any():
            return 1.0
        over = float(z[between].min()) / (LOW_SHARE * self._hand.tip_radius_m)
        return float(np.interp(over, [0.0, 1.0], [1.0, GENTLY]))

    def deeper(self, tool: np.ndarray, plane: np.ndarray | None) -> np.ndarray:
        """A jaw's pose (4, 4) moved on along its approach, as far as the table (4,), n . p + d = 0, lets it."""
        way = DEEPER_M
        if plane is not None:
            down = -float(plane[:3] @ tool[:3, 2])
            tips = tool[:3, 3] + np.outer([-1, 1], self.jaw.opening_max_m / 2 * tool[:3, 0])
            room = float((tips @ plane[:3]).min() + plane[3]) - self._hand.tip_radius_m - ABOVE_TABLE_M
            way = float(np.clip(room / down, 0.0, DEEPER_M)) if down > 1e-3 else DEEPER_M
        moved = tool.copy()
        moved[:3, 3] += way * tool[:3, 2]
        return moved

    def candidates(
        self,
        grasp: JawGrasp,
        base_from_points: np.ndarray,
        thumb: np.ndarray,
        points: np.ndarray,
        plane: np.ndarray | None = None,
    ) -> list[GraspCandidate]:
        """A jaw's grasp for the hand, the thumb on the side that is nearer to a place first, then on the other.

        Args:
            grasp: of `jaw`, by `retarget_to_jaw`.
            base_from_points: (4, 4) from the frame of the grasp to the robot's base.
            thumb: (3,) where a person's thumb is, in the frame of the grasp.
            points: (N, 3) of the thing, in the frame of the grasp.
            plane: (4,) of the table, in the frame of the grasp; None without one.
        """
        tool = self.deeper(grasp.tool, plane)
        touching = max(grasp.width_m - TOUCHING_M, 0.0)
        closed = self.pressing(touching, self.firmness(tool, grasp.width_m, points))
        return self.on_both_sides(tool, thumb, base_from_points, grasp.opening_m, touching, closed)

    def on_both_sides(
        self,
        tool: np.ndarray,
        thumb: np.ndarray,
        base_from_points: np.ndarray,
        opening_m: float,
        width_m: float,
        closed: np.ndarray,
    ) -> list[GraspCandidate]:
        """The hand with its tips at a place, the thumb on the side that is nearer to a person's first, then on the other.

        Args:
            tool: (4, 4) pose of the jaw, between the tips' centres, in the frame of the thing.
            thumb: (3,) where a person's thumb is, in the same frame.
            base_from_points: (4, 4) from that frame to the robot's base.
            opening_m: between the tips on the way.
            width_m: down to which tips keep to a line.
            closed: (n,) joint values that are sent then.
        """
        jaw_from_palm = np.linalg.inv(self.palm_from_jaw)
        sides = [tool, tool @ HALF_TURN]
        if (thumb - tool[:3, 3]) @ tool[:3, 0] < 0:
            sides.reverse()
        opened, *between = self.closing(opening_m, width_m)
        return [
            GraspCandidate(
                base_from_points @ side @ jaw_from_palm,
                opened,
                closed,
                approach=self.palm_from_jaw[:3, 2],
                between=tuple(between),
            )
            for side in sides
        ]

    def places(self, width_m: float) -> np.ndarray:
        """Where the tips' centres (F, 3) should be, palm frame; NaN for fingers that take no part."""
        places = np.full((len(self._hand.fingers), 3), np.nan)
        across = width_m / 2 + self._hand.tip_radius_m
        count = len(self._rows) - 1
        beside = self._pinch.spacing_m * ((count - 1) / 2 - np.arange(count))
        places[self._rows[0]] = across, 0.0, 0.0
        places[self._rows[1:]] = np.column_stack([np.full(count, -across), beside, np.zeros(count)])
        return places @ self.palm_from_jaw[:3, :3].T + self.palm_from_jaw[:3, 3]

    def _off_m(self, width_m: float, q: np.ndarray) -> float:
        tips = self._hand.place(self._hand.pose(q), self._hand.tips)
        return float(np.nanmax(np.linalg.norm(tips - self.places(width_m), axis=1)))

    def _as_jaw(self) -> ParallelGripper:
        """Fingers as thick and as wide as the tips; a palm that holds all of the palm's body."""
        hand, spheres, radius = self._hand, self._hand.spheres, self._hand.tip_radius_m
        placed = hand.place(hand.pose(self.joints(self._pinch.width_max_m / 2)), spheres.points)
        local = (placed - self.palm_from_jaw[:3, 3]) @ self.palm_from_jaw[:3, :3]
        palm = spheres.finger == NO_FINGER
        reach = np.abs(local[palm]) + spheres.radii_m[palm, None]
        first, second = self._pinch.fingers[0], self._pinch.fingers[-1]
        return ParallelGripper(
            joints=(f"{first} to thumb", f"{second} to thumb"),
            opening_max_m=self._pinch.width_max_m,
            opening_min_m=0.0,
            finger_length_m=float(radius - (local[palm, 2] + spheres.radii_m[palm]).max()),
            finger_width_m=self._pinch.spacing_m * (len(self._pinch.fingers) - 1) + 2 * radius,
            finger_thickness_m=2 * radius + FINGER_SKIN_M,
            beyond_tool_m=radius,
            palm_width_m=2 * float(reach[:, 0].max()),
            palm_thickness_m=2 * float(reach[:, 1].max()),
            palm_depth_m=PALM_DEPTH_M,
        )


class _WidthProblem:
    """Least squares in the joint values for one width.

    Args:
        pinch: whose.
        width_m: between thumb and fingers.
        previous: (n,) joint values to stay near to.
    """

    def __init__(self, pinch: HandPinch, width_m: float, previous: np.ndarray) -> None:
        self._hand, self._rows, self._previous = pinch._hand, pinch._rows, previous
        self._places = pinch.places(width_m)[self._rows]
        across = pinch.palm_from_jaw[:3, 0]
        self._pads = np.array([-across, *[across] * (len(self._rows) - 1)])

    def linearise(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Residuals (m,) and Jacobian (m, n)."""
        hand, rows, count = self._hand, self._rows, len(q)
        posture = hand.pose(q)
        tips, pads = hand.place(posture, hand.tips), hand.pad_directions(posture)
        residuals = [
            tips[rows] - self._places,
            PAD_WEIGHT_M * (pads[rows] - self._pads),
            STAY_WEIGHT_M * (q - self._previous),
        ]
        jacobians = [
            hand.moving(posture, hand.tips.joint, tips)[rows],
            PAD_WEIGHT_M * hand.turning(posture, hand.tips.joint, pads)[rows],
            STAY_WEIGHT_M * np.eye(count),
        ]
        return (
            np.concatenate([part.ravel() for part in residuals]),
            np.concatenate([part.reshape(-1, count) for part in jacobians]),
        )

    def move(self, q: np.ndarray, step: np.ndarray) -> np.ndarray:
        """Within the joints' limits."""
        return np.clip(q + step, self._hand.lower_rad, self._hand.upper_rad)

    def held(self, q: np.ndarray, descent: np.ndarray) -> np.ndarray:
        """Joints (n,) at a limit that would be crossed."""
        hand = self._hand
        return ((q <= hand.lower_rad) & (descent < 0)) | ((q >= hand.upper_rad) & (descent > 0))
