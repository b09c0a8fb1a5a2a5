"""From a human grasp to a grasp of a robot's hand with fingers.

The person's contacts, the robot's own size and the object's points make a least-squares problem (`hand_objective`) in
palm pose and joint values. It is solved from several palm poses around the person's; the best is judged and returned.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from semgrasp_ros.core.retarget.hand_contacts import HumanTouches, human_touches
from semgrasp_ros.core.retarget.hand_judge import judge
from semgrasp_ros.core.retarget.hand_keypoints import (
    KeypointConfig,
    KeypointProblem,
    KeypointRetargeter,
    checked_keypoints,
    palm_frame,
)
from semgrasp_ros.core.retarget.hand_model import HandKinematics
from semgrasp_ros.core.retarget.hand_objective import GraspProblem, HandState, Scene
from semgrasp_ros.core.retarget.hand_plan import plan_contacts
from semgrasp_ros.core.retarget.hand_solver import Solution, minimise
from semgrasp_ros.core.retarget.hand_surface import CloudSurface
from semgrasp_ros.core.retarget.hand_types import FingerContact, HandConfig, HandGrasp

__all__ = ["FingerContact", "HandConfig", "HandGrasp", "HandKinematics", "retarget_to_hand"]

# Turns about the palm's axes, radians, and shifts along its z, metres, to begin from.
STARTS = (
    (0.0, 0.0, 0.0, 0.0),
    (0.0, 0.5, 0.0, -0.02),
    (0.0, -0.5, 0.0, -0.01),
    (0.5, 0.0, 0.0, 0.0),
    (-0.5, 0.0, 0.0, 0.0),
    (0.0, 0.0, 0.5, 0.0),
    (0.0, 0.0, -0.5, 0.0),
    (0.0, 1.0, 0.0, -0.02),
    (0.0, -1.0, 0.0, -0.02),
    (0.8, 0.5, 0.0, -0.02),
    (-0.8, 0.5, 0.0, -0.02),
)
FEWEST_POINTS = 10


def retarget_to_hand(
    hand: HandKinematics,
    hand_vertices: np.ndarray,
    hand_regions: np.ndarray,
    keypoints: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    *,
    obstacles: np.ndarray | None = None,
    plane: np.ndarray | None = None,
    config: HandConfig | None = None,
) -> HandGrasp:
    """A grasp of a robot's hand that keeps to a human grasp. Deterministic.

    Args:
        hand: of the robot.
        hand_vertices: (V, 3) of the person's right hand, metres.
        hand_regions: (V,) 0-4 thumb to little finger, 5 palm, -1 none.
        keypoints: (21, 3) of the same hand, MediaPipe's order.
        points: (N, 3) of the object, metres, whole or as one camera sees it; same frame as the hand.
        normals: (N, 3) outward, unit.
        obstacles: (M, 3) points of neighbours.
        plane: (4,) normal up and offset of the table, n . p + d = 0, n of length one.
        config: weights and what is tolerated.

    Returns:
        The best grasp that was found; `feasible` says whether it is one, `reason` why not.

    Raises:
        ValueError: an argument does not fit.
    """
    config = config or HandConfig()
    vertices, regions = _array("hand_vertices", hand_vertices, (None, 3)), np.asarray(hand_regions)
    if regions.shape != (len(vertices),):
        raise ValueError(
            f"hand_regions: shape {regions.shape}; give one for each of {len(vertices)} vertices"
        )
    keypoints = checked_keypoints(keypoints)
    if not np.isfinite(keypoints).all():
        raise ValueError("keypoints: some are not finite; a static grasp needs all 21")
    points = _array("points", points, (None, 3))
    normals = _array("normals", normals, (len(points), 3))
    if len(points) < FEWEST_POINTS:
        raise ValueError(f"points: {len(points)} are too few to grasp; give at least {FEWEST_POINTS}")
    lengths = np.linalg.norm(normals, axis=1)
    if np.abs(lengths - 1).max() > 0.05:
        raise ValueError(f"normals: lengths {lengths.min():.2f} to {lengths.max():.2f}; make them unit")
    if plane is not None:
        plane = _array("plane", plane, (4,))
        if abs(np.linalg.norm(plane[:3]) - 1) > 1e-3:
            raise ValueError(f"plane: normal {plane[:3]} is not of length one; normalise it")
    if obstacles is not None:
        obstacles = _array("obstacles", obstacles, (None, 3))
    # In the frame of the person's palm every number is the same wherever the scene stands.
    # To a tenth of a micrometre, since the search would amplify the rounding of the way there.
    there = palm_frame(keypoints)
    turn, shift = there[:3, :3], there[:3, 3]
    if plane is not None:
        plane = np.array([*(plane[:3] @ turn), plane[3] + plane[:3] @ shift])
    around = None if obstacles is None or not len(obstacles) else CloudSurface((obstacles - shift) @ turn)
    points, normals = np.round((points - shift) @ turn, 7), np.round(normals @ turn, 7)
    scene = Scene(CloudSurface(points, normals), plane, around)
    vertices, keypoints = (np.round((part - shift) @ turn, 7) for part in (vertices, keypoints))
    return _moved(_best(hand, vertices, regions, keypoints, points, normals, scene, config), there)


def _best(
    hand: HandKinematics,
    vertices: np.ndarray,
    regions: np.ndarray,
    keypoints: np.ndarray,
    points: np.ndarray,
    normals: np.ndarray,
    scene: Scene,
    config: HandConfig,
) -> HandGrasp:
    """The best grasp of several sets of fingers."""
    like = KeypointRetargeter(hand).solve(keypoints)
    touches = human_touches(
        vertices, regions, keypoints, points, normals, scene.surface, config.touch_m, config.wrap_m
    )
    best = None
    for fingers in _finger_sets(hand, touches):
        planned = plan_contacts(touches, fingers, points, normals, like.scale, hand.tip_radius_m, config)
        wanted = _like_human(hand, keypoints, like.q, planned)
        problem = GraspProblem(hand, config, scene, planned, wanted)
        if not planned.fingers:
            return _grasp(problem, planned, Solution(wanted, 0.0, 0), 0)
        found, tried = _search(problem, planned, config)
        grasp = _grasp(problem, planned, found, tried if best is None else best.starts + tried)
        # Where nothing is feasible, the reason told is that of all fingers.
        best = grasp if best is None or grasp.feasible else dataclasses.replace(best, starts=grasp.starts)
        if best.feasible:
            break
    return best


def _moved(grasp: HandGrasp, frame: np.ndarray) -> HandGrasp:
    """A grasp from a frame (4, 4) to the one that the frame is given in."""
    turn, shift = frame[:3, :3], frame[:3, 3]
    contacts = tuple(
        dataclasses.replace(contact, point_m=turn @ contact.point_m + shift, normal=turn @ contact.normal)
        for contact in grasp.contacts
    )
    return dataclasses.replace(grasp, palm=frame @ grasp.palm, contacts=contacts)


def _finger_sets(hand: HandKinematics, touches: HumanTouches) -> list[tuple[str, ...]]:
    """Which of the robot's fingers to grasp with: all, then fewer, since small things have no room for thick fingers."""
    opposing = [finger for finger in hand.fingers if finger != "thumb" and finger in touches.fingers]
    sets = [opposing[:count] for count in range(len(opposing), 0, -1)]
    return [("thumb", *fingers) for fingers in sets] or [hand.fingers]


def _grasp(problem: GraspProblem, touches: HumanTouches, found: Solution, tried: int) -> HandGrasp:
    config, state = problem.config, found.state
    return HandGrasp(
        palm=_matrix(state),
        joints=problem.hand.joints,
        q=state.q,
        open_q=_moved_tips(problem, state, config.open_m),
        squeeze_q=_moved_tips(problem, state, -config.squeeze_m),
        cost=found.cost,
        starts=tried,
        **judge(problem, touches, state),
    )


def _like_human(
    hand: HandKinematics, keypoints: np.ndarray, q: np.ndarray, touches: HumanTouches
) -> HandState:
    """Palm and fingers as the person's, the palm shifted so that tips are at the contacts on average."""
    own = palm_frame(hand.keypoints(hand.open_rad))
    palm = palm_frame(keypoints) @ np.linalg.inv(own)
    posture = hand.pose(q)
    rows = [i for i, finger in enumerate(hand.fingers) if finger in touches.fingers]
    if rows:
        tips = hand.place(posture, hand.tips)[rows] @ palm[:3, :3].T + palm[:3, 3]
        found = [touches.fingers[hand.fingers[i]] for i in rows]
        goals = np.array([touch.point_m + hand.tip_radius_m * touch.normal for touch in found])
        palm[:3, 3] += (goals - tips).mean(axis=0)
    return HandState(palm[:3, :3], palm[:3, 3], q)


def _search(problem: GraspProblem, touches: HumanTouches, config: HandConfig) -> tuple[Solution, int]:
    """The best of several starts, polished, and how many were made."""
    import pinocchio

    wanted = problem.wanted
    found, good, centre = [], [], _middle(problem, wanted)
    for *turn, shift in STARTS[: config.starts]:
        # Turned about the contacts, so that the tips stay where they are.
        rotation = pinocchio.exp3(wanted.rotation @ np.array(turn))
        origin = centre + rotation @ (wanted.origin_m - centre)
        turned = rotation @ wanted.rotation
        start = HandState(turned, origin + shift * turned[:, 2], wanted.q)
        found.append(minimise(problem, start, config.iterations, tolerance=3e-3))
        if judge(problem, touches, found[-1].state)["feasible"]:
            good.append(found[-1])
        if len(good) == config.enough:
            break
    # What is feasible counts more than what costs little.
    best = min(good or found, key=lambda solution: solution.cost)
    return minimise(problem, best.state, config.polish_iterations, tolerance=1e-4), len(found)


def _middle(problem: GraspProblem, state: HandState) -> np.ndarray:
    hand = problem.hand
    tips = problem.in_object_frame(state, hand.place(hand.pose(state.q), hand.tips))
    return tips[problem.touching].mean(axis=0)


def _moved_tips(problem: GraspProblem, state: HandState, outwards_m: float) -> np.ndarray:
    """Joint values that put the touching tips farther out along the surface's normals, the palm staying."""
    hand = problem.hand
    tips = hand.place(hand.pose(state.q), hand.tips)
    goals = np.full_like(tips, np.nan)
    rows = problem.touching
    if not len(rows):
        return state.q
    normals = problem.scene.surface.query(problem.in_object_frame(state, tips[rows]))[1]
    goals[rows] = tips[rows] + outwards_m * normals @ state.rotation
    bones = np.full((len(hand.bone_finger), 3), np.nan)
    config = KeypointConfig(stay_weight=3e-3)
    only_tips = KeypointProblem(hand, config, goals, bones, np.full_like(tips, np.nan), state.q, 1.0)
    return minimise(only_tips, state.q, config.iterations).state


def _matrix(state: HandState) -> np.ndarray:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = state.rotation, state.origin_m
    return pose


def _array(name: str, value: np.ndarray, shape: tuple[int | None, ...]) -> np.ndarray:
    value = np.asarray(value, float)
    if value.ndim != len(shape) or any(
        want is not None and want != got for want, got in zip(shape, value.shape, strict=True)
    ):
        wanted = tuple("N" if size is None else size for size in shape)
        raise ValueError(f"{name}: shape {value.shape} does not fit; use {wanted}")
    if not np.isfinite(value).all():
        raise ValueError(f"{name}: {int((~np.isfinite(value)).sum())} entries are not finite; remove them")
    return value
