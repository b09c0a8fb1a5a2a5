"""What the project wants to reach, by metric."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """A limit for rows of one metric.

    Attributes:
        metric: of the rows.
        most: the value must not be above, or None.
        least: the value must not be below, or None.
        method: of the rows; a beginning is enough.
        splits: beginnings of settings; none: all.
    """

    metric: str
    most: float | None = None
    least: float | None = None
    method: str = "ours"
    splits: tuple[str, ...] = ("",)

    def concerns(self, row: dict) -> bool:
        """Whether a row is meant."""
        same = row["metric"] == self.metric and row["method"].startswith(self.method)
        return same and row["split"].startswith(self.splits)

    def met(self, value: float | None) -> bool:
        """Whether a value reaches it."""
        if value is None:
            return False
        return (self.most is None or value <= self.most) and (self.least is None or value >= self.least)

    def __str__(self) -> str:
        return f"at most {self.most:g}" if self.most is not None else f"at least {self.least:g}"


GOALS = (
    Goal("heatmap_ratio", most=1.25, method="ours_to_bare_network"),
    Goal("heatmap_added_milliseconds", most=10.0, method="ours_to_bare_network"),
    Goal("reward_ratio", most=1.25, method="ours_to_bare_network"),
    Goal("reward_added_milliseconds", most=10.0, method="ours_to_bare_network"),
    Goal("heatmap_while_training_ratio", most=1.5),
    Goal("training_steps_per_second_ratio", least=0.9),
    Goal("frame_age_ratio", most=1.0),
    Goal("camera_frames_received_ratio", least=1.0),
    Goal("attempts_stored_ratio", least=1.0),
    Goal("semgrasp_tokens_and_hand_milliseconds", most=300.0),
    Goal("semgrasp_16_candidates_milliseconds", most=3000.0),
    Goal("ik_reached", least=0.995),
    Goal("ik_milliseconds", most=5.0),
    Goal("frame_milliseconds", most=15.0),
    Goal("seconds_median", most=0.3, splits=("whole", "single_view")),
    Goal("hand_seconds", most=0.5),
    Goal("store_open_from_disk_milliseconds", most=2000.0, splits=("1000000_",)),
    Goal("store_sample_32_ratio", most=1.5, method="to_"),
    Goal("store_sample_and_read_32_ratio", most=1.5, method="to_"),
    Goal("trainer_memory_growth_mb_in_second_half", most=16.0),
)


def goal_of(row: dict) -> Goal | None:
    """The goal for a row, None when there is none."""
    return next((goal for goal in GOALS if goal.concerns(row)), None)
