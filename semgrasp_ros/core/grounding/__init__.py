"""Which part and manner words ask for, and which points of the object are that part."""

from semgrasp_ros.core.grounding.model import Grounding, Reading, believed

__all__ = ["Grounding", "Reading", "believed"]
