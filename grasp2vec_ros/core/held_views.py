"""From where a held object is looked at.

Fingers hide an object from two sides. From the other two it shows what the other does not, and what it will show when
it lies in the bin the next time is on either: an object that is known from all round is found again from more sides
than one that was only ever seen from the front.
"""

from __future__ import annotations

import math

HELD_VIEWS = 4
VIEW_RANGE_RAD = 2.0


def view_angles_rad(count: int, range_rad: float = VIEW_RANGE_RAD, behind: bool = True) -> list[float]:
    """Angles of the wrist at which a held object is looked at, the first 0: where the grasp ended.

    Args:
        count: of views, 1 or more.
        range_rad: views of one side are spread over this turn.
        behind: half of the views, the smaller one, are of the other side.

    Returns:
        As many angles: those of the front first, then those from behind, about pi.
    """
    others = count // 2 if behind else 0
    return [
        *_one_side(count - others, range_rad),
        *(math.pi - angle for angle in _one_side(others, range_rad)),
    ]


def _one_side(count: int, range_rad: float) -> list[float]:
    """Straight on, then from the left and the right, evenly and furthest first."""
    left, right = count // 2, (count - 1) // 2
    furthest = range_rad / 2
    turned_left = [-furthest * (left - i) / left for i in range(left)]
    turned_right = [furthest * (right - i) / right for i in range(right)]
    return [0.0, *turned_left, *turned_right] if count else []
