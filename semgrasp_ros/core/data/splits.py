"""Which objects are learned from and which are held out."""

from __future__ import annotations

from semgrasp_ros.core.data.household import FAMILIES

SPLITS = ("train", "validation", "unseen_instances", "unseen_families")
# Never learned from; their parts have names that other families' parts have too.
UNSEEN_FAMILIES = (
    "carton",
    "clamp",
    "cleaver",
    "hair_dryer",
    "ice_cream_scoop",
    "kettle",
    "ladle",
    "marker",
    "pot",
    "toothbrush",
    "trowel",
    "watering_can",
)


def split_of(family: str, instance: int) -> str:
    """The split of an object: of ten instances of a seen family eight are learned from, one validates, one is held out.

    Raises:
        ValueError: unknown family.
    """
    if family not in FAMILIES:
        raise ValueError(f"family: {family!r} is unknown; use one of {', '.join(FAMILIES)}")
    if family in UNSEEN_FAMILIES:
        return "unseen_families"
    return {0: "unseen_instances", 1: "validation"}.get(instance % 10, "train")
