"""Whether a grasp succeeded, on which part, and why not: from contacts and heights alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grasp_cell.arm_config import ArmCellConfig
from grasp_cell.arm_contacts import ContactLog
from semgrasp_ros.core.data.household import HouseholdObject

PUSHED_M = 0.02
HELD_PHASES = ("lift", "hold")


@dataclass(frozen=True)
class Outcome:
    """What became of a grasp.

    Attributes:
        lifted: the object was off the table, in the gripper alone, at the end of the lift.
        held: and stayed there to the end while the arm shook.
        part: that the gripper pressed most, "" for none.
        part_share: share of the pressing that was on that part.
        on_part: that part is the one asked for, with more than half of the pressing.
        reason: "" when it was held by the right part.
        knocked: what the robot touched beside the object, with the phase.
        moved_before_closing_m: of the object.
    """

    lifted: bool
    held: bool
    part: str
    part_share: float
    on_part: bool
    reason: str
    knocked: tuple[str, ...] = ()
    moved_before_closing_m: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Held, by the part that was asked for."""
        return self.held and self.on_part


def no_motion(reason: str) -> Outcome:
    """A grasp that was never tried."""
    return Outcome(False, False, "", 0.0, False, reason)


def judge(log: ContactLog, thing: HouseholdObject, asked: str, config: ArmCellConfig) -> Outcome:
    """Scores one motion.

    Contacts count from when the gripper has closed to the end, each by its normal force; parts are the object's true
    ones.

    Args:
        log: phases "reach", "approach", "grasp", "lift", "hold".
        thing: the object.
        asked: name of the part that was asked for.
        config: from which height on it is lifted.
    """
    share = _pressing(log, thing)
    part = max(share, key=share.get) if share else ""
    on_part = share.get(asked, 0.0) > 0.5
    lifting = [moment for moment in log.moments if moment.phase == "lift"]
    holding = [moment for moment in log.moments if moment.phase == "hold"]
    lifted = bool(lifting) and _up(lifting[-1], config)
    held = lifted and bool(holding) and all(_up(moment, config) for moment in holding)
    knocked = tuple(f"{name} ({phase})" for name, phase in sorted(log.knocked.items()))
    return Outcome(
        lifted, held, part, share.get(part, 0.0), on_part, _reason(log, lifted, held, on_part, part), knocked,
        log.moved_before_closing_m,
    )  # fmt: skip


def _up(moment, config: ArmCellConfig) -> bool:
    return moment.height_m > config.held_above_m and len(moment.forces_n) > 0 and not moment.elsewhere


def _pressing(log: ContactLog, thing: HouseholdObject) -> dict[str, float]:
    """Share of the gripper's normal force on each part it touched."""
    closed = [m for m in log.moments if m.phase in ("closed", *HELD_PHASES) and len(m.forces_n)]
    if not closed:
        return {}
    points = np.concatenate([m.points_m for m in closed])
    forces = np.concatenate([m.forces_n for m in closed])
    parts = thing.part_of(points)
    total = np.bincount(parts, forces, minlength=len(thing.parts)) / forces.sum()
    return {part.name: float(total[index]) for index, part in enumerate(thing.parts) if total[index] > 0}


def _reason(log: ContactLog, lifted: bool, held: bool, on_part: bool, part: str) -> str:
    if held:
        return "" if on_part else f"held by another part: {part}"
    if lifted:
        holding = [moment for moment in log.moments if moment.phase == "hold"]
        stayed = bool(holding) and all(len(moment.forces_n) for moment in holding)
        return "touched the table while the arm shook" if stayed else "fell while the arm shook"
    if not part:
        pushed = log.moved_before_closing_m > PUSHED_M
        return "pushed away before closing" if pushed else "closed beside it"
    touched = [moment for moment in log.moments if moment.phase == "lift"]
    if touched and len(touched[-1].forces_n):
        return "in the gripper, but not off the table"
    return "slipped out while lifting"
