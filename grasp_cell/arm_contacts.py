"""What the gripper touches: contact points on the object, by part, and what else the robot runs into."""

from __future__ import annotations

from dataclasses import dataclass, field

import mujoco
import numpy as np


@dataclass(frozen=True)
class Touching:
    """Contacts of the gripper with the object at one moment.

    Attributes:
        phase: of the motion.
        points_m: (K, 3) in the object's frame.
        forces_n: (K,) normal forces.
        bodies: (K) names of the gripper's bodies.
        elsewhere: whether the object touches anything but the gripper.
        height_m: how much higher its centre of mass is than at rest.
    """

    phase: str
    points_m: np.ndarray
    forces_n: np.ndarray
    bodies: tuple[str, ...]
    elsewhere: bool
    height_m: float


@dataclass
class ContactLog:
    """All moments of one motion.

    Attributes:
        moments: in order.
        knocked: names of what the robot touched beside the object, and the phase in which it first did.
        moved_before_closing_m: how far the object was moved before the gripper closed.
    """

    moments: list[Touching] = field(default_factory=list)
    knocked: dict[str, str] = field(default_factory=dict)
    moved_before_closing_m: float = 0.0


class ContactReader:
    """Reads contacts of one model.

    Args:
        model: of the scene.
        thing: name of the object's body.
        gripper: names of the gripper's bodies.
        robot: names of all bodies of the robot.
    """

    def __init__(self, model: mujoco.MjModel, thing: str, gripper: set[str], robot: set[str]) -> None:
        self._model = model
        self._thing = model.body(thing).id
        self._gripper = {model.body(name).id for name in gripper}
        self._robot = {model.body(name).id for name in robot}

    def read(self, data: mujoco.MjData, phase: str, rest_height_m: float) -> tuple[Touching, set[str]]:
        """This moment, and names of what the robot touches beside the object."""
        points, forces, bodies, elsewhere, others = [], [], [], False, set()
        force = np.zeros(6)
        for number in range(data.ncon):
            contact = data.contact[number]
            pair = self._model.geom_bodyid[contact.geom1], self._model.geom_bodyid[contact.geom2]
            mujoco.mj_contactForce(self._model, data, number, force)
            if force[0] <= 0:
                continue
            for one, other in (pair, pair[::-1]):
                if one == self._thing and other in self._gripper:
                    points.append(contact.pos.copy())
                    forces.append(force[0])
                    bodies.append(self._model.body(other).name)
                elif one == self._thing:
                    elsewhere = True
                elif one in self._robot and other not in self._robot and other != self._thing:
                    others.add(self._model.body(other).name)
        rotation = data.xmat[self._thing].reshape(3, 3)
        local = (np.array(points).reshape(-1, 3) - data.xpos[self._thing]) @ rotation
        height = float(data.xipos[self._thing][2] - rest_height_m)
        return Touching(phase, local, np.array(forces), tuple(bodies), elsewhere, height), others
