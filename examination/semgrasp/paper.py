"""The paper's numbers (Li et al. 2024, "SemGrasp", tables 1 to 3): CapGrasp's test split, MANO, their SD settings."""

from __future__ import annotations

from grasp2vec_ros.core.evaluation import Measurement
from grasp2vec_ros.core.results import Results

_METRICS = ("mpvpe_mm", "pd_cm", "siv_cm3", "sd_cm")
RECONSTRUCTION = {
    "paper_ground_truth": (None, 0.11, 0.62, 0.94),
    "paper": (14.97, 0.46, 2.72, 2.14),
    "paper_adapted": (23.61, 0.37, 1.27, 1.90),
    "paper_one": (29.95, 0.66, 5.14, None),
    "paper_two": (25.73, 0.58, 4.32, None),
    "paper_four": (15.37, 0.50, 2.98, None),
    "paper_flat": (28.02, 0.68, 5.31, None),
    "paper_no_roles": (21.94, 0.60, 4.59, None),
    "paper_grabnet": (18.14, 0.76, 5.42, 1.75),
    "paper_jiang": (33.84, 0.58, 2.78, 1.36),
}
GENERATION = {
    "paper_ground_truth": (None, 0.11, 0.62, None),
    "paper": (None, 0.48, 4.24, None),
    "paper_bert": (None, 0.49, 4.60, None),
}


def add_paper(results: Results, split: str, numbers: dict[str, tuple[float | None, ...]]) -> None:
    """Adds the paper's rows beside ours; they count no cases of ours, so n is 0."""
    for method, values in numbers.items():
        for metric, value in zip(_METRICS, values, strict=True):
            if value is not None:
                results.add(metric, split, method, Measurement(value, 0, value, value))
