"""What a robot hand's grasp is like, in numbers, and whether it is one."""

from __future__ import annotations

from typing import Any

import numpy as np

from semgrasp_ros.core.retarget.hand_contacts import HumanTouches
from semgrasp_ros.core.retarget.hand_objective import GraspProblem, HandState
from semgrasp_ros.core.retarget.hand_types import FingerContact, HandConfig

# A round tip presses with all of its front half, and some more.
PAD_RAD = 1.8


def judge(problem: GraspProblem, touches: HumanTouches, state: HandState) -> dict[str, Any]:
    """The fields of `HandGrasp` that follow from a state."""
    hand, config, scene, wanted = problem.hand, problem.config, problem.scene, problem.wanted
    import pinocchio

    posture = hand.pose(state.q)
    spheres = hand.spheres
    placed = hand.place(posture, spheres.points)
    centres = problem.in_object_frame(state, placed)
    depth = spheres.radii_m - scene.surface.query(centres)[0]
    one, other = spheres.pairs.T
    apart = np.linalg.norm(placed[one] - placed[other], axis=1)
    overlap = spheres.radii_m[one] + spheres.radii_m[other] - apart
    clearance, nearest = _clearance(problem, centres)
    contacts = _contacts(problem, touches, state)
    near = np.minimum(state.q - hand.lower_rad, hand.upper_rad - state.q) < 1e-6
    numbers = {
        "contacts": contacts,
        "penetration_m": float(max(depth.max(), 0.0)),
        "self_overlap_m": float(max(overlap.max(initial=0.0), 0.0)),
        "clearance_m": clearance,
        "opposition_rad": opposition(contacts, touches, config),
        "wrist_offset_m": float(np.linalg.norm(state.origin_m - wanted.origin_m)),
        "wrist_turn_rad": float(np.linalg.norm(pinocchio.log3(state.rotation @ wanted.rotation.T))),
        "at_limits": tuple(name for name, there in zip(hand.joints, near, strict=True) if there),
    }
    links = {
        "object": spheres.link[int(depth.argmax())],
        "self": " and ".join(spheres.link[i] for i in spheres.pairs[int(overlap.argmax())])
        if len(overlap)
        else "",
        "around": nearest,
    }
    reason = _reason(numbers, links, touches, config)
    return {**numbers, "feasible": not reason, "reason": reason}


def _contacts(problem: GraspProblem, touches: HumanTouches, state: HandState) -> tuple[FingerContact, ...]:
    hand, rows = problem.hand, problem.touching
    if not len(rows):
        return ()
    posture = hand.pose(state.q)
    tips = problem.in_object_frame(state, hand.place(posture, hand.tips)[rows])
    pads = hand.pad_directions(posture)[rows] @ state.rotation.T
    distance, normals = problem.scene.surface.query(tips)
    contacts = []
    for row, tip, pad, far, normal in zip(rows, tips, pads, distance, normals, strict=True):
        finger = hand.fingers[row]
        point = tip - far * normal
        human = float(np.linalg.norm(point - touches.fingers[finger].point_m))
        error = float(np.arccos(np.clip(-pad @ normal, -1, 1)))
        contacts.append(FingerContact(finger, point, normal, float(far - hand.tip_radius_m), human, error))
    return tuple(contacts)


def presses(contact: FingerContact, config: HandConfig) -> bool:
    """Whether a tip touches, and not with its back."""
    return contact.gap_m <= config.tolerated_gap_m and contact.normal_error_rad <= PAD_RAD


def opposition(contacts: tuple[FingerContact, ...], touches: HumanTouches, config: HandConfig) -> float:
    """Angle between the contacts' normals and the line from one side to the other, the larger of both; pi without sides.

    One side is the thumb, or the palm where that is better; the other the fingers that touch.
    """
    there = [contact for contact in contacts if presses(contact, config)]
    fingers = [contact for contact in there if contact.finger != "thumb"]
    sides = [(contact.point_m, contact.normal) for contact in there if contact.finger == "thumb"]
    if touches.palm is not None:
        sides.append((touches.palm.point_m, touches.palm.normal))
    if not fingers or not sides:
        return float(np.pi)
    point = np.mean([contact.point_m for contact in fingers], axis=0)
    normal = np.mean([contact.normal for contact in fingers], axis=0)
    normal = normal / max(np.linalg.norm(normal), 1e-9)
    angles = []
    for against, outward in sides:
        line = (point - against) / max(np.linalg.norm(point - against), 1e-9)
        # Seen from this side the object goes on along the line, so its outward normal points back.
        cosines = np.clip([-outward @ line, normal @ line], -1, 1)
        angles.append(float(np.arccos(cosines).max()))
    return min(angles)


def _clearance(problem: GraspProblem, centres: np.ndarray) -> tuple[float, str]:
    """Smallest distance to table and neighbours and what is so near."""
    scene, spheres = problem.scene, problem.hand.spheres
    found = [(np.inf, "")]
    if scene.plane is not None:
        height = centres @ scene.plane[:3] + scene.plane[3] - spheres.radii_m
        found.append((float(height.min()), f"{spheres.link[int(height.argmin())]} with the table"))
    if scene.obstacles is not None:
        far = scene.obstacles.query(centres)[0] - spheres.radii_m
        found.append((float(far.min()), f"{spheres.link[int(far.argmin())]} with neighbours"))
    return min(found)


def _reason(numbers: dict[str, Any], links: dict[str, str], touches: HumanTouches, config: HandConfig) -> str:
    """Why a grasp is none, the first of what matters most; "" when it is one."""
    contacts = numbers["contacts"]
    there = [c for c in contacts if presses(c, config)]
    if not touches.fingers:
        return (
            f"no contact: no finger of the person is within {config.touch_m * 1e3:.0f} mm of the points; give a hand "
            "that touches the object, in the frame of its points"
        )
    if not any(c.finger != "thumb" for c in contacts) or (
        touches.palm is None and not any(c.finger == "thumb" for c in contacts)
    ):
        held = ", ".join(touches.fingers)
        return f"no opposing contacts: the person touches with {held} only, of fingers that the robot has"
    missing = [c for c in contacts if c not in there]
    needed = [c for c in missing if c.finger == "thumb" and touches.palm is None]
    if needed or not any(c.finger != "thumb" for c in there):
        worst = max(needed or missing, key=lambda c: c.gap_m)
        if worst.gap_m <= config.tolerated_gap_m:
            return f"back of a finger: {worst.finger} would press with its back or side"
        at = f"; at a limit: {', '.join(numbers['at_limits'])}" if numbers["at_limits"] else ""
        return f"unreachable: {worst.finger} stays {worst.gap_m * 1e3:.0f} mm away{at}"
    if numbers["penetration_m"] > config.tolerated_overlap_m:
        return f"collision: {links['object']} is {numbers['penetration_m'] * 1e3:.0f} mm inside the object"
    if numbers["self_overlap_m"] > config.tolerated_self_m:
        return f"collision: {links['self']} overlap by {numbers['self_overlap_m'] * 1e3:.0f} mm"
    if numbers["clearance_m"] < -config.tolerated_overlap_m:
        return f"collision: {links['around']}, {-numbers['clearance_m'] * 1e3:.0f} mm deep"
    if numbers["opposition_rad"] > np.arctan(config.friction):
        return (
            f"no opposing contacts: {np.degrees(numbers['opposition_rad']):.0f} degrees between normals and the line "
            f"across, friction {config.friction:g} holds {np.degrees(np.arctan(config.friction)):.0f}"
        )
    return ""
