"""Kinematics of a robot hand alone, on pinocchio: points of its fingers and how they move with the joints.

Everything is in the palm frame, which is the robot's tool frame: x out of the palm, z along the stretched fingers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from semgrasp_ros.core.retarget.hand_geometry import link_spheres
from semgrasp_ros.core.retarget.robot_file import HandGripper, Robot, RobotError
from semgrasp_ros.core.retarget.robot_model import TOOL_FRAME, build_model

FINGERS = ("thumb", "index", "middle", "ring", "little")
KEYPOINTS = 21
NO_FINGER = -1
MODEL_FINGER_BONES = 3  # a person's finger has so many


@dataclass(frozen=True)
class Points:
    """Points fixed to the hand.

    Attributes:
        joint: (n,) which joint of the model carries each; 0 is the palm.
        local_m: (n, 3) in that joint's frame.
    """

    joint: np.ndarray
    local_m: np.ndarray


@dataclass(frozen=True)
class Posture:
    """Where all joints are, in the palm frame.

    Attributes:
        rotations: (J, 3, 3).
        origins_m: (J, 3).
        linear: (3, n) velocity of the palm frame's origin, were it carried along, for each joint of the hand.
        angular: (3, n).
    """

    rotations: np.ndarray
    origins_m: np.ndarray
    linear: np.ndarray
    angular: np.ndarray


@dataclass(frozen=True)
class Spheres:
    """The hand's body.

    Attributes:
        points: the centres.
        radii_m: (n,).
        finger: (n,) index into the hand's fingers, NO_FINGER for the palm.
        is_tip: (n,) whether a sphere is a fingertip.
        link: (n,) names.
        pairs: (P, 2) spheres that must not overlap.
    """

    points: Points
    radii_m: np.ndarray
    finger: np.ndarray
    is_tip: np.ndarray
    link: tuple[str, ...]
    pairs: np.ndarray


class HandKinematics:
    """A robot's hand.

    Args:
        robot: one with a hand, from `load_robot`.

    Attributes:
        joints: names, finger by finger, as in the robot's file; the order of every q.
        fingers: names of the human fingers that the hand's stand for.
        lower_rad, upper_rad, open_rad: (n,).
        velocity_rad_s: (n,).
        tips: the tips' centres, one for each finger.
        tip_radius_m: of the tips.
        pads: (F, 3) direction out of each finger's pad, in the frame of the joint that carries the tip.
        spheres: the body.

    Raises:
        RobotError: the robot has no hand, or its palm moves with a finger.
    """

    def __init__(self, robot: Robot) -> None:
        import pinocchio

        gripper = robot.gripper
        if not isinstance(gripper, HandGripper):
            raise RobotError(
                f"gripper.kind: {robot.name} has no hand; load a robot of kind hand, such as panda_allegro"
            )
        self.robot, self._pin = robot, pinocchio
        whole = build_model(robot)
        locked = [i for i, name in enumerate(whole.names) if i and name not in gripper.joints]
        self._model = pinocchio.buildReducedModel(whole, locked, pinocchio.neutral(whole))
        self._data = self._model.createData()
        palm = self._model.frames[self._model.getFrameId(TOOL_FRAME)]
        if palm.parentJoint != 0:
            raise RobotError(f"tool.frame: {robot.tool.frame!r} moves with a finger; name a link of the palm")
        to_palm = palm.placement.inverse()
        self._matrix_to_palm, self._action_to_palm = to_palm.homogeneous, to_palm.toActionMatrix()
        self.joints, self.fingers = gripper.joints, tuple(gripper.fingers)
        ids = [self._model.getJointId(name) for name in self.joints]
        self._order = np.array([self._model.joints[i].idx_q for i in ids])
        self._moves = np.zeros((self._model.njoints, len(self.joints)))
        for joint in range(self._model.njoints):
            support = set(self._model.supports[joint])
            self._moves[joint] = [float(i in support) for i in ids]
        self.lower_rad = self._model.lowerPositionLimit[self._order].copy()
        self.upper_rad = self._model.upperPositionLimit[self._order].copy()
        self.velocity_rad_s = self._model.velocityLimit[self._order].copy()
        self.open_rad = np.array([gripper.open_rad[name] for name in self.joints])
        self.tips = self.frames([gripper.tips[finger] for finger in self.fingers])
        self.tip_radius_m = gripper.tip_radius_m
        self._chains = [[self._model.getJointId(name) for name in gripper.fingers[f]] for f in self.fingers]
        self.bones, self.bone_finger, self.bone_index = self._find_bones()
        self.pads = self._find_pads()
        self.spheres = self._find_spheres()

    def frames(self, names: list[str]) -> Points:
        """Origins of links, by name."""
        found = [self._model.frames[self._model.getFrameId(name)] for name in names]
        return Points(
            np.array([frame.parentJoint for frame in found]),
            np.array([frame.placement.translation for frame in found]),
        )

    def pose(self, q: np.ndarray) -> Posture:
        """Places all joints.

        Args:
            q: (n,) in the order of `joints`.
        """
        whole = np.empty(len(self._order))
        whole[self._order] = q
        self._pin.computeJointJacobians(self._model, self._data, whole)
        placed = self._matrix_to_palm @ np.array([place.homogeneous for place in self._data.oMi])
        jacobian = (self._action_to_palm @ self._data.J)[:, self._order]
        return Posture(placed[:, :3, :3], placed[:, :3, 3], jacobian[:3], jacobian[3:])

    def place(self, posture: Posture, points: Points) -> np.ndarray:
        """Points (n, 3) in the palm frame."""
        turned = np.einsum("nij,nj->ni", posture.rotations[points.joint], points.local_m)
        return turned + posture.origins_m[points.joint]

    def moving(self, posture: Posture, joint: np.ndarray, placed_m: np.ndarray) -> np.ndarray:
        """How points move with the joints.

        Args:
            posture: of the hand.
            joint: (n,) that carries each.
            placed_m: (n, 3) in the palm frame.

        Returns:
            (n, 3, joints) Jacobian.
        """
        whole = posture.linear - np.matmul(cross_matrices(placed_m), posture.angular)
        return whole * self._moves[joint][:, None]

    def turning(self, posture: Posture, joint: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """How directions (n, 3) in the palm frame, carried by `joint` (n,), move with the joints: (n, 3, joints)."""
        return -np.matmul(cross_matrices(directions), posture.angular) * self._moves[joint][:, None]

    def pad_directions(self, posture: Posture) -> np.ndarray:
        """Directions (F, 3) out of the pads, palm frame."""
        return np.einsum("fij,fj->fi", posture.rotations[self.tips.joint], self.pads)

    def keypoints(self, q: np.ndarray) -> np.ndarray:
        """The hand as if it were a person's: (21, 3) in MediaPipe's order, palm frame.

        Fingers that the hand lacks are NaN; the wrist is where the palm begins.

        Args:
            q: (n,) joint values.
        """
        posture = self.pose(np.asarray(q, float))
        found = np.full((KEYPOINTS, 3), np.nan)
        ends, starts = self.place(posture, self.bones[1]), self.place(posture, self.bones[0])
        for finger, bone, start, end in zip(self.bone_finger, self.bone_index, starts, ends, strict=True):
            first = 1 + 4 * FINGERS.index(self.fingers[finger])
            found[first + bone], found[first + bone + 1] = start, end
        palm = self.spheres.finger == NO_FINGER
        lowest = self.place(posture, self.spheres.points)[palm, 2] - self.spheres.radii_m[palm]
        knuckles = found[[5, 9, 13, 17]]
        middle = knuckles[np.isfinite(knuckles[:, 0])].mean(axis=0)
        found[0] = [middle[0], middle[1], lowest.min()]
        return found

    def _find_bones(self) -> tuple[tuple[Points, Points], np.ndarray, np.ndarray]:
        """Starts and ends of the last bones of each finger, which finger and which of a person's three bones."""
        starts, ends, fingers, numbers = [], [], [], []
        for finger, chain in enumerate(self._chains):
            nodes = [(joint, np.zeros(3)) for joint in chain]
            nodes.append((self.tips.joint[finger], self.tips.local_m[finger]))
            nodes = nodes[-MODEL_FINGER_BONES - 1 :]
            for bone in range(len(nodes) - 1):
                starts.append(nodes[bone])
                ends.append(nodes[bone + 1])
                fingers.append(finger)
                numbers.append(bone + MODEL_FINGER_BONES + 1 - len(nodes))
        first, last = (
            Points(np.array([joint for joint, _ in side]), np.array([local for _, local in side]))
            for side in (starts, ends)
        )
        return (first, last), np.array(fingers), np.array(numbers)

    def _find_pads(self) -> np.ndarray:
        """A finger presses with the side to which its tip goes when its last joint bends most."""
        posture = self.pose(self.open_rad)
        tips = self.place(posture, self.tips)
        moving = self.moving(posture, self.tips.joint, tips)
        pads = []
        for finger, name in enumerate(self.fingers):
            last = self.joints.index(self.robot.gripper.fingers[name][-1])
            to_upper, to_lower = np.abs([self.upper_rad[last], self.lower_rad[last]] - self.open_rad[last])
            direction = moving[finger, :, last] * (1 if to_upper >= to_lower else -1)
            local = posture.rotations[self.tips.joint[finger]].T @ direction
            pads.append(local / np.linalg.norm(local))
        return np.array(pads)

    def _find_spheres(self) -> Spheres:
        joints, centres, radii, links = [], [], [], []
        for link in link_spheres(self.robot):
            if not self._model.existFrame(link.link):
                continue
            frame = self._model.frames[self._model.getFrameId(link.link)]
            for centre, radius in zip(link.centres_m, link.radii_m, strict=True):
                joints.append(frame.parentJoint)
                centres.append(frame.placement.act(centre))
                radii.append(radius)
                links.append(link.link)
        joint = np.array(joints)
        owner = {i: finger for finger, chain in enumerate(self._chains) for i in chain}
        finger = np.array([owner.get(i, NO_FINGER) for i in joint])
        points = Points(joint, np.array(centres))
        tips = {self.robot.gripper.tips[name] for name in self.fingers}
        is_tip = np.array([name in tips for name in links])
        placed = self.place(self.pose(self.open_rad), points)
        radius = np.array(radii)
        one, other = np.triu_indices(len(joint), k=1)
        apart = np.linalg.norm(placed[one] - placed[other], axis=1) - radius[one] - radius[other]
        # Links that overlap in the open hand are neighbours, as knuckles and palm are.
        together = {
            frozenset((links[i], links[j])) for i, j in zip(one[apart < 0], other[apart < 0], strict=True)
        }
        kept = [
            (i, j)
            for i, j in zip(one, other, strict=True)
            if finger[i] != finger[j] and frozenset((links[i], links[j])) not in together
        ]
        return Spheres(points, radius, finger, is_tip, tuple(links), np.array(kept).reshape(-1, 2))


def cross_matrices(vectors: np.ndarray) -> np.ndarray:
    """Matrices (n, 3, 3) whose product with w is the cross product of each vector (n, 3) with w."""
    matrices = np.zeros((*vectors.shape[:-1], 3, 3))
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    matrices[..., 0, 1], matrices[..., 0, 2], matrices[..., 1, 2] = -z, y, -x
    matrices[..., 1, 0], matrices[..., 2, 0], matrices[..., 2, 1] = z, -y, x
    return matrices
