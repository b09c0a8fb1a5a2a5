"""Words that both the seen and the held-out phrasings use: names, not ways of asking."""

RULES: dict[str, tuple[str, ...]] = {
    # The taxonomy's names (Feix et al. 2016).
    "manner_name.power": ("a power grip", "a power grasp", "a medium wrap"),
    "manner_name.precision": ("a precision grip", "a precision grasp", "a prismatic grasp"),
    "manner_name.tripod": ("a tripod grip", "a tripod grasp", "a tripod pinch"),
    "manner_name.lateral": ("a lateral grip", "a lateral grasp", "a lateral pinch"),
    "manner_name.hook": ("a hook grip", "a hook grasp", "a fixed hook"),
    "person": ("me", "her", "him", "my colleague", "the person next to you", "my neighbour", "us"),
    "place": (
        "to the shelf",
        "to the other table",
        "to the {left|right}",
        "onto the tray",
        "into the box",
        "to the sink",
        "a little closer",
        "over there",
        "to the kitchen",
        "to the end of the table",
    ),
}
