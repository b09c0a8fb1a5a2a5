"""What is measured of one hand on one object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import trimesh

from examination.semgrasp.held_out import Request
from semgrasp_ros.core.data.household import make_object
from semgrasp_ros.core.data.manners import MANNERS
from semgrasp_ros.core.hand.model import HandModel
from semgrasp_ros.core.metrics.agreement import Agreement, agreement
from semgrasp_ros.core.metrics.displacement import simulation_displacement_cm
from semgrasp_ros.core.metrics.penetration import intersection_volume_cm3, penetration_depth_cm
from semgrasp_ros.core.metrics.solid import Solid
from semgrasp_ros.core.metrics.touches import finger_touches


@dataclass(frozen=True)
class Thing:
    """An object as measurements need it.

    Attributes:
        solid: its closed surface.
        pieces: convex, for the simulation.
        centre_of_mass_m: (3,).
        part_of: points (N, 3) to indices of parts.
        part_names: by index.
    """

    solid: Solid
    pieces: Sequence[trimesh.Trimesh]
    centre_of_mass_m: np.ndarray
    part_of: Callable[[np.ndarray], np.ndarray]
    part_names: tuple[str, ...]


@lru_cache(maxsize=32)
def thing_of(family: str, instance: int) -> Thing:
    """A generated object."""
    made = make_object(family, instance)
    return Thing(
        Solid.of(made.mesh, f"{family} {instance}"),
        [solid for part in made.parts for solid in part.solids],
        np.asarray(made.mesh.center_mass),
        made.part_of,
        tuple(part.name for part in made.parts),
    )


def measure(
    hand: HandModel, vertices: np.ndarray, thing: Thing, simulate: bool, touches: bool = True
) -> dict:
    """Penetration, volume and touches of a hand; the displacement in PyBullet when `simulate`.

    Args:
        hand: gives faces and regions.
        vertices: (V, 3) of the hand, metres, object frame.
        thing: the object.
        simulate: whether the object is let fall.
        touches: whether the fingers' touches are told.
    """
    body = (np.asarray(vertices, float), hand.faces.numpy())
    found: dict = {
        "pd_cm": round(penetration_depth_cm(body[0], thing.solid), 4),
        "siv_cm3": round(intersection_volume_cm3(body, thing.solid), 4),
    }
    if touches:
        found["touches"] = list(
            finger_touches(body[0], hand.regions.numpy(), thing.solid, thing.part_of, thing.part_names)
        )
    if simulate:
        moved = simulation_displacement_cm(body, thing.pieces, thing.centre_of_mass_m)
        found["sd_cm"] = round(moved, 4)
    return found


def agrees(request: Request, touches: Sequence[str]) -> Agreement:
    """Whether touches are what the words ask for; the fingers count only when the words fix the manner."""
    manner = MANNERS[request.grasp.manner]
    fixed = "manner" in request.names
    return agreement(
        touches, request.grasp.part, manner.required if fixed else (), manner.forbidden if fixed else ()
    )
