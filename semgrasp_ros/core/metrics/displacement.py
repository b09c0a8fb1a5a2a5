"""How far an object slips out of a rigid hand: the simulation displacement of the grasp literature, in PyBullet.

The protocol is that of Hasson et al. 2019, "Learning joint reconstruction of hands and manipulated objects"
(https://arxiv.org/abs/1904.05767), as later papers use it: the hand stands still, the object weighs 1 kg, both have
friction 3 and restitution 0 (Bullet multiplies the two bodies' values), and gravity acts for 35 steps of 1/240 s.
A rigid hand cannot squeeze: it holds by friction where it overlaps the object or all but does (Bullet's margins of 1 mm
around both bodies let contact begin up to 2 mm before they meet; they are left as the papers' code leaves them). So a
number is worth little without the penetration beside it. Without any hand an object falls 10.72 cm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

STEPS = 35
STEP_S = 1 / 240
MASS_KG = 1.0
FRICTION = 3.0
GRAVITY_M_S2 = (0.0, 0.0, -9.8)


@dataclass(frozen=True)
class Fall:
    """What happened to the object.

    Attributes:
        start_m: (3,) centre of mass before, in the frame of the grasp.
        end_m: (3,) and after.
    """

    start_m: np.ndarray
    end_m: np.ndarray


def simulation_displacement_cm(
    hand: object | None,
    pieces: Sequence[object],
    centre_of_mass_m: np.ndarray | None = None,
    gravity_m_s2: Sequence[float] = GRAVITY_M_S2,
) -> float:
    """Distance between the object's centre of mass before and after; arguments as in `simulate`."""
    fall = simulate(hand, pieces, centre_of_mass_m, gravity_m_s2)
    return float(100.0 * np.linalg.norm(fall.end_m - fall.start_m))


def final_position_cm(
    hand: object | None,
    pieces: Sequence[object],
    centre_of_mass_m: np.ndarray | None = None,
    gravity_m_s2: Sequence[float] = GRAVITY_M_S2,
) -> float:
    """Distance of the object's centre of mass after the simulation from the frame's origin; as in `simulate`.

    This is what public evaluation code (OakInk-Grasp-Generation) returns as the displacement. It contains how far
    the centre of mass was from the origin to begin with; it is here for comparison with numbers made that way.
    """
    fall = simulate(hand, pieces, centre_of_mass_m, gravity_m_s2)
    return float(100.0 * np.linalg.norm(fall.end_m))


def simulate(
    hand: object | None,
    pieces: Sequence[object],
    centre_of_mass_m: np.ndarray | None = None,
    gravity_m_s2: Sequence[float] = GRAVITY_M_S2,
) -> Fall:
    """Lets gravity act on an object in a fixed hand.

    Args:
        hand: a mesh with `vertices` and `faces`, or such a pair; metres. None: there is no hand.
        pieces: the object as convex meshes in the hand's frame, of each of which the convex hull is taken.
        centre_of_mass_m: (3,), the object's. None: that of the pieces, of which overlaps then count twice.
        gravity_m_s2: (3,), in the same frame.

    Raises:
        ImportError: where PyBullet is not installed.
        ValueError: where there are no pieces or something is not a finite mesh.
    """
    if len(pieces) == 0:
        raise ValueError("pieces is empty: give the object as one or more convex meshes")
    meshes = [_mesh(piece, f"pieces[{i}]") for i, piece in enumerate(pieces)]
    centre = _centre(meshes) if centre_of_mass_m is None else np.asarray(centre_of_mass_m, float)
    gravity = np.asarray(gravity_m_s2, float)
    if centre.shape != (3,) or gravity.shape != (3,) or not np.isfinite([centre, gravity]).all():
        raise ValueError(
            f"centre_of_mass_m is {centre} and gravity_m_s2 {gravity}: both must be three finite numbers"
        )
    bullet, client = _client()
    _empty_world(bullet, client, gravity)
    if hand is not None:
        _add_hand(bullet, client, *_mesh(hand, "hand"))
    body = _add_object(bullet, client, [vertices for vertices, _ in meshes], centre)
    start = np.array(bullet.getBasePositionAndOrientation(body, physicsClientId=client)[0])
    for _ in range(STEPS):
        bullet.stepSimulation(physicsClientId=client)
    end = np.array(bullet.getBasePositionAndOrientation(body, physicsClientId=client)[0])
    return Fall(start, end)


@cache
def _client():
    """PyBullet and one physics server without a window, for as long as the process lives."""
    try:
        import pybullet
    except ImportError as error:
        raise ImportError(
            "the displacement of a grasp is simulated with PyBullet: pip install pybullet==3.2.7"
        ) from error
    return pybullet, pybullet.connect(pybullet.DIRECT)


def _empty_world(bullet, client: int, gravity: np.ndarray) -> None:
    bullet.resetSimulation(physicsClientId=client)
    bullet.setPhysicsEngineParameter(
        fixedTimeStep=STEP_S, enableFileCaching=0, deterministicOverlappingPairs=1, physicsClientId=client
    )
    bullet.setGravity(*gravity, physicsClientId=client)


def _add_hand(bullet, client: int, vertices: np.ndarray, faces: np.ndarray) -> None:
    shape = bullet.createCollisionShape(
        bullet.GEOM_MESH,
        vertices=vertices.tolist(),
        indices=faces.ravel().tolist(),
        flags=bullet.GEOM_FORCE_CONCAVE_TRIMESH,
        physicsClientId=client,
    )
    body = bullet.createMultiBody(0.0, shape, physicsClientId=client)
    _set_contact(bullet, client, body)


def _add_object(bullet, client: int, pieces: list[np.ndarray], centre: np.ndarray) -> int:
    # The shape is made around the centre of mass: then the body's frame, which Bullet puts there, is the frame of
    # the shape, and no offset between the two has to be kept in mind.
    with TemporaryDirectory() as folder:
        # Bullet makes a compound only from a file: a convex hull of each of its groups.
        file = Path(folder) / "object.obj"
        file.write_text(_wavefront([_hull(piece - centre) for piece in pieces]))
        shape = bullet.createCollisionShape(bullet.GEOM_MESH, fileName=str(file), physicsClientId=client)
        # While the file is there, since Bullet reads it again for its looks.
        body = bullet.createMultiBody(MASS_KG, shape, basePosition=centre.tolist(), physicsClientId=client)
    _set_contact(bullet, client, body)
    return body


def _wavefront(pieces: list[np.ndarray]) -> str:
    """An OBJ file with a group for each piece. Faces only name the vertices: hulls are made of these."""
    lines, first = [], 1
    for number, piece in enumerate(pieces):
        lines.append(f"o piece{number}")
        lines += [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in piece]
        lines += [f"f {first} {first + i} {first + i + 1}" for i in range(1, len(piece) - 1)]
        first += len(piece)
    return "\n".join(lines) + "\n"


def _set_contact(bullet, client: int, body: int) -> None:
    # Bullet's usual damping would slow a free fall by a few parts in a thousand; the protocol has none.
    bullet.changeDynamics(
        body,
        -1,
        lateralFriction=FRICTION,
        restitution=0.0,
        linearDamping=0.0,
        angularDamping=0.0,
        activationState=bullet.ACTIVATION_STATE_DISABLE_SLEEPING,
        physicsClientId=client,
    )


def _hull(points: np.ndarray) -> np.ndarray:
    """The corners of the points' convex hull; what is flat stays as it is."""
    from scipy.spatial import ConvexHull, QhullError

    try:
        return points[ConvexHull(points).vertices]
    except QhullError:
        return points


def _centre(meshes: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """Centre of mass of closed meshes of one density; (3,)."""
    weighted, volume = np.zeros(3), 0.0
    for vertices, faces in meshes:
        corners = vertices[faces]
        tetrahedra = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
        weighted += (tetrahedra[:, None] * corners.sum(axis=1) / 4).sum(axis=0)
        volume += tetrahedra.sum()
    if volume <= 0:
        raise ValueError(
            f"pieces have a volume of {volume:.3g} m3 together: close them and let their faces face outwards"
        )
    return weighted / volume


def _mesh(thing: object, name: str) -> tuple[np.ndarray, np.ndarray]:
    if hasattr(thing, "vertices") and hasattr(thing, "faces"):
        thing = (thing.vertices, thing.faces)
    try:
        vertices, faces = (np.asarray(part) for part in thing)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a mesh or (vertices, faces), metres") from error
    if vertices.ndim != 2 or vertices.shape[1] != 3 or not np.isfinite(vertices).all() or len(faces) == 0:
        raise ValueError(f"{name} must have finite vertices (V, 3) and faces; vertices are {vertices.shape}")
    return vertices.astype(float), faces.astype(int)
