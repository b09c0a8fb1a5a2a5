"""The parametric hand: MANO from a user's own file, or the open hand that ships."""

from semgrasp_ros.core.hand.model import HandModel, HandSurface
from semgrasp_ros.core.hand.sources import load_hand

__all__ = ["HandModel", "HandSurface", "load_hand"]
