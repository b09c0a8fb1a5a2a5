"""What a robot hand's grasp has to be, as least squares in palm pose and joint values, with analytic Jacobians.

Columns of every Jacobian: 3 for the palm's shift, 3 for its turn about its own origin (both in axes of the object's
frame), then the joints. All residuals are in metres times a weight of `HandConfig`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from semgrasp_ros.core.retarget.hand_contacts import HumanTouches
from semgrasp_ros.core.retarget.hand_model import NO_FINGER, HandKinematics, Posture, cross_matrices
from semgrasp_ros.core.retarget.hand_types import HandConfig

Term = tuple[np.ndarray, np.ndarray]


class Surface(Protocol):
    """Anything with a signed distance."""

    def query(self, at: np.ndarray, reach_m: float = np.inf) -> tuple[np.ndarray, np.ndarray]:
        """Distances (n,) and gradients (n, 3); farther than `reach_m` they may be less exact."""


class HandState(NamedTuple):
    """Palm rotation (3, 3), palm origin (3,) in the object's frame, joint values (n,)."""

    rotation: np.ndarray
    origin_m: np.ndarray
    q: np.ndarray


@dataclass(frozen=True)
class Scene:
    """What is around the hand.

    Attributes:
        surface: of the object.
        plane: (4,) of the table, n . p + d = 0, n upwards; None without.
        obstacles: surface of neighbours; None without.
    """

    surface: Surface
    plane: np.ndarray | None = None
    obstacles: Surface | None = None


class GraspProblem:
    """Least squares of one grasp.

    Args:
        hand: of the robot.
        config: weights.
        scene: object, table, neighbours.
        touches: of the person.
        wanted: palm pose and joint values that look like the person's.
    """

    def __init__(
        self,
        hand: HandKinematics,
        config: HandConfig,
        scene: Scene,
        touches: HumanTouches,
        wanted: HandState,
    ) -> None:
        self.hand, self.config, self.scene, self.wanted = hand, config, scene, wanted
        self.touching = np.array([i for i, f in enumerate(hand.fingers) if f in touches.fingers], dtype=int)
        found = [touches.fingers[hand.fingers[i]] for i in self.touching]
        self._points = np.array([touch.point_m for touch in found]).reshape(-1, 3)
        self._normals = np.array([touch.normal for touch in found]).reshape(-1, 3)
        self._thumb = np.flatnonzero([hand.fingers[i] == "thumb" for i in self.touching])
        self._others = np.flatnonzero([hand.fingers[i] != "thumb" for i in self.touching])
        self._palm = touches.palm
        spheres = hand.spheres
        resting = hand.place(hand.pose(hand.open_rad), spheres.points)
        palm = spheres.finger == NO_FINGER
        self._palm_front_m = float((resting[palm, 0] + spheres.radii_m[palm]).max())
        touching_tip = spheres.is_tip & np.isin(spheres.finger, self.touching)
        self._body = np.flatnonzero(~touching_tip)
        free = ~np.isin(spheres.finger, self.touching) & ~palm
        self._room = spheres.radii_m + config.margin_m
        self._reach_m = float(spheres.radii_m.max()) + max(config.margin_m, config.away_m)
        self._away = np.flatnonzero(free & spheres.is_tip)

    def linearise(self, state: HandState) -> Term:
        """Residuals (m,) and Jacobian (m, 6 + n)."""
        terms = list(self.terms(state, self.hand.pose(state.q)))
        return np.concatenate([r for r, _ in terms]), np.concatenate([j for _, j in terms])

    def terms(self, state: HandState, posture: Posture) -> Iterator[Term]:
        """All terms, one after the other."""
        spheres, tips = self.hand.spheres.points, self.hand.tips
        placed = self.hand.place(posture, spheres)
        centres = self.in_object_frame(state, placed)
        local = self.hand.place(posture, tips)[self.touching]
        yield from self._contacts(
            state, posture, local, *self.scene.surface.query(self.in_object_frame(state, local))
        )
        yield from self._bodies(state, posture, placed, *self.scene.surface.query(centres, self._reach_m))
        yield self._self_overlap(state, posture, placed)
        if self._palm is not None:
            yield self._palm_contact(state)
        yield self._wrist(state)
        yield self._posture(state)

    def move(self, state: HandState, step: np.ndarray) -> HandState:
        """The state after a step, joints within limits."""
        import pinocchio

        rotation = pinocchio.exp3(step[3:6]) @ state.rotation
        q = np.clip(state.q + step[6:], self.hand.lower_rad, self.hand.upper_rad)
        return HandState(rotation, state.origin_m + step[:3], q)

    def held(self, state: HandState, descent: np.ndarray) -> np.ndarray:
        """Joints at a limit that would be pushed beyond it; the palm is free."""
        hand, q, towards = self.hand, state.q, descent[6:]
        at = ((q <= hand.lower_rad) & (towards < 0)) | ((q >= hand.upper_rad) & (towards > 0))
        return np.concatenate([np.zeros(6, bool), at])

    def in_object_frame(self, state: HandState, placed_m: np.ndarray) -> np.ndarray:
        """Points (n, 3) from the palm's to the object's frame."""
        return placed_m @ state.rotation.T + state.origin_m

    def _moving(
        self, state: HandState, posture: Posture, joint: np.ndarray, placed_m: np.ndarray
    ) -> np.ndarray:
        """Jacobian (n, 3, 6 + joints) of points (n, 3), given in the palm frame, in the object's frame."""
        turned = placed_m @ state.rotation.T
        jacobian = np.empty((len(placed_m), 3, 6 + len(state.q)))
        jacobian[:, :, :3] = np.eye(3)
        jacobian[:, :, 3:6] = -cross_matrices(turned)
        jacobian[:, :, 6:] = state.rotation @ self.hand.moving(posture, joint, placed_m)
        return jacobian

    def _contacts(
        self,
        state: HandState,
        posture: Posture,
        local: np.ndarray,
        distance: np.ndarray,
        gradient: np.ndarray,
    ) -> Iterator[Term]:
        if not len(self.touching):
            return
        hand, config, joint = self.hand, self.config, self.hand.tips.joint[self.touching]
        tips, moving = self.in_object_frame(state, local), self._moving(state, posture, joint, local)
        gap = distance - hand.tip_radius_m
        yield config.gap_weight * gap, config.gap_weight * np.einsum("fc,fcn->fn", gradient, moving)
        goal = self._points + hand.tip_radius_m * self._normals
        yield _flat(config.place_weight * (tips - goal), config.place_weight * moving)
        pads = hand.pad_directions(posture)[self.touching]
        turned = pads @ state.rotation.T
        turning = np.zeros_like(moving)
        turning[:, :, 3:6] = -cross_matrices(turned)
        turning[:, :, 6:] = state.rotation @ hand.turning(posture, joint, pads)
        weight = config.normal_weight_m
        # The normal under the tip, not under the person's finger: the tip may have slid to where it fits.
        yield _flat(weight * (turned + gradient), weight * turning)
        if len(self._thumb) and len(self._others):
            yield from self._opposition(tips, gradient, moving)

    def _opposition(self, tips: np.ndarray, normals: np.ndarray, moving: np.ndarray) -> Iterator[Term]:
        """What is sideways in the line between the thumb's tip and the middle of the others, seen from either end."""
        weight, thumb, others = self.config.opposition_weight, self._thumb[0], self._others
        line = tips[others].mean(axis=0) - tips[thumb]
        change = moving[others].mean(axis=0) - moving[thumb]
        mean = normals[others].mean(axis=0)
        for normal in (normals[thumb], mean / max(np.linalg.norm(mean), 1e-9)):
            sideways = weight * (np.eye(3) - np.outer(normal, normal))
            yield sideways @ line, sideways @ change

    def _bodies(
        self,
        state: HandState,
        posture: Posture,
        placed: np.ndarray,
        distance: np.ndarray,
        gradient: np.ndarray,
    ) -> Iterator[Term]:
        spheres, config, scene = self.hand.spheres, self.config, self.scene
        centres = self.in_object_frame(state, placed)

        def pushed(rows: np.ndarray, distance: np.ndarray, gradient: np.ndarray, room, weight) -> Term:
            lack = room - distance
            near = np.flatnonzero(lack > 0)
            moving = self._moving(state, posture, spheres.points.joint[rows[near]], placed[rows[near]])
            return weight * lack[near], -weight * np.einsum("nc,ncm->nm", gradient[near], moving)

        every = np.arange(len(centres))
        body, away = self._body, self._away
        yield pushed(body, distance[body], gradient[body], self._room[body], config.penetration_weight)
        room = spheres.radii_m[away] + config.away_m
        yield pushed(away, distance[away], gradient[away], room, config.away_weight)
        if scene.plane is not None:
            height = centres @ scene.plane[:3] + scene.plane[3]
            normals = np.broadcast_to(scene.plane[:3], centres.shape)
            yield pushed(every, height, normals, self._room, config.penetration_weight)
        if scene.obstacles is not None:
            yield pushed(
                every, *scene.obstacles.query(centres, self._reach_m), self._room, config.penetration_weight
            )

    def _self_overlap(self, state: HandState, posture: Posture, placed: np.ndarray) -> Term:
        spheres, weight = self.hand.spheres, self.config.self_weight
        one, other = spheres.pairs[:, 0], spheres.pairs[:, 1]
        between = placed[one] - placed[other]
        squared = np.einsum("pc,pc->p", between, between)
        reach = spheres.radii_m[one] + spheres.radii_m[other]
        near = np.flatnonzero(squared < reach**2)
        distance = np.sqrt(np.maximum(squared[near], 1e-12))
        joint = spheres.points.joint
        moving = self.hand.moving(posture, joint[one[near]], placed[one[near]])
        moving = moving - self.hand.moving(posture, joint[other[near]], placed[other[near]])
        jacobian = np.zeros((len(near), 6 + len(state.q)))
        jacobian[:, 6:] = -np.einsum("pc,pcn->pn", between[near] / distance[:, None], moving)
        return weight * (reach[near] - distance), weight * jacobian

    def _palm_contact(self, state: HandState) -> Term:
        weight, x = self.config.palm_weight, state.rotation[:, 0]
        away = self._palm.point_m - state.origin_m
        jacobian = np.zeros((1, 6 + len(state.q)))
        jacobian[0, :3], jacobian[0, 3:6] = -x, np.cross(x, away)
        return weight * np.array([x @ away - self._palm_front_m]), weight * jacobian

    def _wrist(self, state: HandState) -> Term:
        import pinocchio

        config = self.config
        turn = pinocchio.log3(state.rotation @ self.wanted.rotation.T)
        jacobian = np.zeros((6, 6 + len(state.q)))
        jacobian[:3, :3] = config.wrist_weight * np.eye(3)
        # A turn in fixed axes, hence the Jacobian of the inverse turn.
        jacobian[3:, 3:6] = config.wrist_turn_weight_m * pinocchio.Jlog3(
            (state.rotation @ self.wanted.rotation.T).T
        )
        shift = config.wrist_weight * (state.origin_m - self.wanted.origin_m)
        return np.concatenate([shift, config.wrist_turn_weight_m * turn]), jacobian

    def _posture(self, state: HandState) -> Term:
        weight, count = self.config.posture_weight_m, len(state.q)
        jacobian = np.concatenate([np.zeros((count, 6)), weight * np.eye(count)], axis=1)
        return weight * (state.q - self.wanted.q), jacobian


def _flat(residuals: np.ndarray, jacobian: np.ndarray) -> Term:
    return residuals.ravel(), jacobian.reshape(-1, jacobian.shape[-1])
