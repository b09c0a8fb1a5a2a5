"""CapGrasp v0.1 on disk: captions of the grasps of OakInk-Shape.

The captions lie in a tree like that of the grasps: beside each grasp's path, `<i>_simple_caption.json` holds a list
of turns {"from": "human", "value": text}.

    <root>/CapGrasp/captions/v0_1/<category>/<object>/<10 hex>[/<object 2>]/<i>_simple_caption.json
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from semgrasp_ros.core.data.oakink import OakInkError, OakInkShape

_NAME = re.compile(r"(\d+)_simple_caption\.json")
_MAX_CAPTION_BYTES = 2**20


class CapGrasp(OakInkShape):
    """Iterates over the grasps of OakInk-Shape with what CapGrasp says of them.

    Args:
        root: the folder that holds `shape/`.
        captions_root: the folder of the captions' tree; by default `<root>/CapGrasp/captions/v0_1`, and the grasps'
            own tree where that is not there.
        captioned_only: whether grasps without a caption are left out.
        options: as for OakInkShape: split, categories, transferred, coarse_meshes.

    Raises:
        OakInkError: as OakInkShape, or the captions' folder is not there.
    """

    def __init__(
        self,
        root: str | Path,
        captions_root: str | Path | None = None,
        captioned_only: bool = True,
        **options,
    ) -> None:
        super().__init__(root, **options)
        usual = self.root / "CapGrasp" / "captions" / "v0_1"
        self.captions_root = Path(
            captions_root if captions_root is not None else usual if usual.is_dir() else self.grasps_root
        )
        if not self.captions_root.is_dir():
            raise OakInkError(
                f"captions_root: {self.captions_root} is not a folder; give CapGrasp's captions/v0_1"
            )
        self.captioned_only = captioned_only

    def paths(self):
        """The files of the grasps that belong to the split and, if so asked, have a caption."""
        for path in super().paths():
            if not self.captioned_only or self._files(path):
                yield path

    def captions_of(self, path: Path) -> tuple[str, ...]:
        """What people's words for a grasp are, in the order of the files' numbers.

        Args:
            path: of the grasp's `hand_param.pkl`.

        Raises:
            OakInkError: a file is not a list of turns.
        """
        return tuple(text for file in self._files(path) for text in read_caption(file))

    def _files(self, path: Path) -> list[Path]:
        folder = self.captions_root / path.parent.relative_to(self.grasps_root)
        if not folder.is_dir():
            return []
        numbered = [(match, file) for file in folder.iterdir() if (match := _NAME.fullmatch(file.name))]
        return [file for match, file in sorted(numbered, key=lambda pair: int(pair[0][1]))]


def read_caption(path: str | Path) -> tuple[str, ...]:
    """Reads what the person says in one caption file; empty texts are left out.

    Raises:
        OakInkError: the file is too large or is not a list of turns.
    """
    path = Path(path)
    if path.stat().st_size > _MAX_CAPTION_BYTES:
        raise OakInkError(f"{path}: is larger than the {_MAX_CAPTION_BYTES} bytes that a caption may have")
    try:
        turns = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise OakInkError(f"{path}: is not JSON ({error}); copy the file again") from error
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        raise OakInkError(f'{path}: is not a list of turns {{"from": "human", "value": text}}')
    texts = []
    for number, turn in enumerate(turns):
        if turn.get("from") != "human":
            continue
        text = turn.get("value")
        if not isinstance(text, str):
            raise OakInkError(f"{path}: turn {number} has no text as its value but {text!r:.80}")
        texts.append(text.strip())
    return tuple(text for text in texts if text)
