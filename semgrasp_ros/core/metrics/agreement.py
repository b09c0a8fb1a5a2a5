"""Whether a grasp is the one that the words asked for: the right part, with the right fingers.

It takes the place of the score that papers let a commercial language model give: it is a rule over touches, so it
costs nothing, gives the same answer every time, and says what was wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from semgrasp_ros.core.data.manners import FINGERS


@dataclass(frozen=True)
class Agreement:
    """How a grasp agrees with the words.

    Attributes:
        agrees: all three of the following.
        right_part: more of the touching fingers touch the asked part than touch any other part.
        right_fingers: of the required fingers at most one does not touch the asked part.
        none_forbidden: no forbidden finger touches anything.
        part_share: share of the touching fingers that touch the asked part; 0 where none touches anything.
        finger_f1: harmonic mean of precision and recall of the fingers, see `agreement`.
    """

    agrees: bool
    right_part: bool
    right_fingers: bool
    none_forbidden: bool
    part_share: float
    finger_f1: float


def agreement(
    touches: Sequence[str],
    asked_part: str | None,
    required: Collection[str],
    forbidden: Collection[str] = (),
) -> Agreement:
    """Compares touches with what was asked.

    The palm counts as a finger here. One required finger may miss, since people leave one out, too; but a single
    required finger may not, nor may all. For `finger_f1` a required finger on the asked part is a hit, one that is
    not there a miss, and a forbidden one that touches anything a false alarm; other fingers may do as they like.

    Args:
        touches: six parts in the order of FINGERS, "" where a finger touches nothing.
        asked_part: None where the words leave the part open: every part is then the asked one.
        required: fingers that must touch the asked part.
        forbidden: fingers that must not touch anything.

    Raises:
        ValueError: where something is not a finger, or is required and forbidden.
    """
    required, forbidden = frozenset(required), frozenset(forbidden)
    _check(touches, asked_part, required, forbidden)
    touched = {finger: part for finger, part in zip(FINGERS, touches, strict=True) if part}
    on_part = {finger for finger, part in touched.items() if asked_part is None or part == asked_part}
    elsewhere = Counter(part for finger, part in touched.items() if finger not in on_part)
    hits, alarms = len(required & on_part), len(forbidden & touched.keys())
    right_part = len(on_part) > max(elsewhere.values(), default=0)
    right_fingers = hits >= min(len(required), max(1, len(required) - 1))
    counted = len(required) + hits + alarms
    return Agreement(
        agrees=right_part and right_fingers and alarms == 0,
        right_part=right_part,
        right_fingers=right_fingers,
        none_forbidden=alarms == 0,
        part_share=len(on_part) / len(touched) if touched else 0.0,
        finger_f1=2 * hits / counted if counted else 1.0,
    )


def _check(touches: Sequence[str], asked_part: str | None, required: frozenset, forbidden: frozenset) -> None:
    if isinstance(touches, str) or len(touches) != len(FINGERS):
        raise ValueError(
            f"touches is {touches!r}: must be {len(FINGERS)} names of parts, one for each of {FINGERS}"
        )
    if asked_part == "":
        raise ValueError("asked_part is empty: give the part's name, or None where the words name none")
    for name, fingers in (("required", required), ("forbidden", forbidden)):
        if unknown := fingers - set(FINGERS):
            raise ValueError(f"{name} has {sorted(unknown)}: the fingers are {FINGERS}")
    if both := required & forbidden:
        raise ValueError(f"{sorted(both)} cannot be required and forbidden at once")
