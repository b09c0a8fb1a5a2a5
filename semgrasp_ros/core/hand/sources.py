"""Where a hand comes from: the open hand that ships, or a MANO file of the user."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch

from semgrasp_ros.core.hand.model import HandArrays, HandModel

OPEN_HAND = Path(__file__).parent / "open_hand_right.npz"


def load_hand(source: str | Path = "open") -> HandModel:
    """Loads a right hand, in float32 on the CPU.

    The same source gives the same object: copy it (`copy.deepcopy`) before `.to(...)` or `.double()`, which change it.

    Args:
        source: "open", or the path of a MANO_RIGHT.pkl (from https://mano.is.tue.mpg.de, with its licence).

    Raises:
        ValueError: the file is not such a hand.
        FileNotFoundError: no such file.
    """
    return _loaded(str(source))


@cache
def _loaded(source: str) -> HandModel:
    if source == "open":
        return HandModel(_open_hand())
    from semgrasp_ros.core.hand.mano import read_mano

    return HandModel(read_mano(Path(source)))


def _open_hand() -> HandArrays:
    with np.load(OPEN_HAND, allow_pickle=False) as arrays:
        data = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
    return HandArrays(
        template=data["v_template"],
        shape_directions=data["shapedirs"],
        pose_directions=None,
        joint_regressor=data["J_regressor"],
        weights=data["weights"],
        faces=data["f"],
        parents=tuple(data["parents"].tolist()),
        axes=data["axes"],
        limits=data["limits"],
        regions=data["regions"],
        tips=data["tips"],
        source="open",
    )
