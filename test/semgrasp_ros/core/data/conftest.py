"""A grasp to write and read."""

import numpy as np
import pytest

from semgrasp_ros.core.data.grasp import Grasp


@pytest.fixture
def grasp() -> Grasp:
    rng = np.random.default_rng(0)
    return Grasp(
        "mug",
        3,
        np.eye(4, dtype=np.float32),
        rng.normal(scale=0.2, size=(15, 3)).astype(np.float32),
        rng.normal(size=10).astype(np.float32),
        "handle",
        "power",
        "use",
        ("handle", "handle", "handle", "", "", "handle"),
    )
