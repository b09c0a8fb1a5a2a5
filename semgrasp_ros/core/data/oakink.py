"""OakInk-Shape on disk: recorded and transferred human grasps.

Layout and split follow the public toolkit of the data set (https://github.com/oakink/OakInk):

    <root>/shape/oakink_shape_v2/<category>/<object>/<10 hex>/hand_param.pkl      a recorded grasp
    <root>/shape/oakink_shape_v2/<category>/<object>/<10 hex>/source.txt          where it was recorded
    <root>/shape/oakink_shape_v2/<category>/<object>/<10 hex>/<object 2>/hand_param.pkl   transferred to object 2
    <root>/shape/metaV2/object_id.json, virtual_object_id.json                    object -> {"name": ...}
    <root>/shape/OakInkObjectsV2/<name>/align*/*.obj|ply                          meshes of real objects
    <root>/shape/OakInkVirtualObjectsV2/<name>/align*/*.obj|ply                   meshes of virtual objects
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from semgrasp_ros.core.data import restricted_pickle

SPLITS = ("train", "val", "test")
#: The data set's numbers of actions, as intents of this package.
ACTIONS = {"0001": "use", "0002": "hold", "0003": "lift", "0004": "hand_over"}
_SIZES = {"pose": 48, "shape": 10, "tsl": 3}
_MAX_GRASP_BYTES = 2**20
_IDENTIFIER = re.compile(r"[0-9a-f]{10}")
_SOURCE = re.compile(r"(?P<object>[^/_]{6})_(?P<action>\d{4})_(?P<subjects>[0-9_]+)/(?P<stamp>[-0-9]+)")


class OakInkError(ValueError):
    """A tree or a file that is not OakInk-Shape; the message names it."""


@dataclass(frozen=True)
class OakInkGrasp:
    """One grasp of OakInk-Shape, and what is said of it where captions were found.

    Attributes:
        object_id: of the object that is grasped; six characters.
        category: "mug", ...
        grasp_id: ten hexadecimal digits; shared by a recorded grasp and those transferred from it.
        pose: (48,) float32, axis-angle in radians: the wrist, then 15 joints in MANO order.
        shape: (10,) float32, MANO's shape values.
        translation_m: (3,) float32, the wrist joint in the object frame (origin: centre of the mesh's bounding box).
        intent: "use", "hold", "lift" or "hand_over"; "" when `source.txt` does not say.
        recorded_object_id: the object that the grasp was recorded on; `object_id` unless transferred.
        captions: what is said of the grasp; empty without CapGrasp.
        mesh_path: the object's mesh, or None when it is not on disk. Centre its bounding box after loading.
        split: "train", "val" or "test", by the object.
        path: of the grasp's file.
    """

    object_id: str
    category: str
    grasp_id: str
    pose: np.ndarray
    shape: np.ndarray
    translation_m: np.ndarray
    intent: str
    recorded_object_id: str
    captions: tuple[str, ...]
    mesh_path: Path | None
    split: str
    path: Path

    @property
    def transferred(self) -> bool:
        """Whether the grasp was recorded on another object and carried over to this one."""
        return self.object_id != self.recorded_object_id

    @property
    def wrist(self) -> np.ndarray:
        """(4, 4) float32: the hand's wrist in the object frame, metres."""
        transform = np.eye(4, dtype=np.float32)
        transform[:3, :3] = Rotation.from_rotvec(self.pose[:3]).as_matrix()
        transform[:3, 3] = self.translation_m
        return transform

    @property
    def joint_rotations(self) -> np.ndarray:
        """(15, 3) float32: axis-angle of the finger joints in radians, MANO order; zero is MANO's flat hand."""
        return self.pose[3:].reshape(15, 3)


def split_of(object_id: str) -> str:
    """The split that an object belongs to: eight tenths train, one val, one test, by the MD5 of its id."""
    tenth = int(hashlib.md5(object_id.encode(), usedforsecurity=False).hexdigest(), 16) % 10
    return "train" if tenth < 8 else "val" if tenth == 8 else "test"


class OakInkShape:
    """Iterates over the grasps of OakInk-Shape, in the order of their paths.

    Args:
        root: the folder that holds `shape/`.
        split: "train", "val", "test", or None for all.
        categories: only these; None for all.
        transferred: whether grasps that were carried over to other objects are read too.
        coarse_meshes: whether `align_ds` (fewer triangles) is preferred over `align`.

    Raises:
        OakInkError: no such split or category, or the tree is not there.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        categories: tuple[str, ...] | None = None,
        transferred: bool = True,
        coarse_meshes: bool = True,
    ) -> None:
        self.root = Path(root)
        self.grasps_root = self.root / "shape" / "oakink_shape_v2"
        if split is not None and split not in SPLITS:
            raise OakInkError(f"split: {split!r} is not one of {', '.join(SPLITS)}")
        if not self.grasps_root.is_dir():
            raise OakInkError(
                f"root: {self.root} holds no shape/oakink_shape_v2; give the folder that OakInk was unpacked in"
            )
        present = sorted(folder.name for folder in self.grasps_root.iterdir() if folder.is_dir())
        missing = set(categories or ()) - set(present)
        if missing:
            raise OakInkError(
                f"categories: no {', '.join(sorted(missing))} here; there are {', '.join(present)}"
            )
        self.split = split
        self.categories = tuple(present if categories is None else categories)
        self.transferred = transferred
        self.coarse_meshes = coarse_meshes
        self._meshes: dict[str, Path | None] = {}

    def __iter__(self) -> Iterator[OakInkGrasp]:
        """Reads the grasps one by one.

        Raises:
            OakInkError: a file does not hold a grasp.
            restricted_pickle.PickleRefusedError: a file is damaged, or asks for code to be run.
        """
        for path in self.paths():
            yield self.read(path)

    def paths(self) -> Iterator[Path]:
        """The files of the grasps that belong to the split."""
        for category in self.categories:
            for folder in sorted((self.grasps_root / category).glob("*/*")):
                if not _IDENTIFIER.fullmatch(folder.name):
                    continue
                files = [folder / "hand_param.pkl"]
                if self.transferred:
                    files += sorted(folder.glob("*/hand_param.pkl"))
                for file in files:
                    if file.is_file() and self.split in (None, split_of(_object_of(file))):
                        yield file

    def read(self, path: Path) -> OakInkGrasp:
        """Reads one grasp.

        Args:
            path: of its `hand_param.pkl`, inside this tree.

        Raises:
            OakInkError: it does not hold a grasp.
            restricted_pickle.PickleRefusedError: it is damaged, or asks for code to be run.
        """
        object_id = _object_of(path)
        folder = path.parent if _IDENTIFIER.fullmatch(path.parent.name) else path.parent.parent
        pose, shape, translation_m = read_hand(path)
        return OakInkGrasp(
            object_id=object_id,
            category=folder.parent.parent.name,
            grasp_id=folder.name,
            pose=pose,
            shape=shape,
            translation_m=translation_m,
            intent=_read_intent(folder / "source.txt"),
            recorded_object_id=folder.parent.name,
            captions=self.captions_of(path),
            mesh_path=self.mesh_path(object_id),
            split=split_of(object_id),
            path=path,
        )

    def captions_of(self, path: Path) -> tuple[str, ...]:
        """What is said of a grasp: nothing here, CapGrasp says it."""
        return ()

    def mesh_path(self, object_id: str) -> Path | None:
        """The mesh of an object, or None when it is not on disk.

        Raises:
            OakInkError: several meshes could be meant.
        """
        if object_id not in self._meshes:
            self._meshes[object_id] = self._find_mesh(object_id)
        return self._meshes[object_id]

    def _find_mesh(self, object_id: str) -> Path | None:
        if object_id not in self._names:
            return None
        folder, name = self._names[object_id]
        order = ("align_ds", "align") if self.coarse_meshes else ("align", "align_ds")
        for align in order:
            found = sorted(
                file
                for file in (self.root / "shape" / folder / name / align).glob("*")
                if file.suffix.lower() in (".obj", ".ply")
            )
            # Beside an aligned mesh some folders keep the scan that it was made from.
            found = [file for file in found if "align" in file.name] if len(found) > 1 else found
            if len(found) > 1:
                raise OakInkError(f"{found[0].parent}: {len(found)} meshes could be meant; leave one")
            if found:
                return found[0]
        return None

    @cached_property
    def _names(self) -> dict[str, tuple[str, str]]:
        names = {}
        # The real objects are read last: their entry counts where an id is in both lists.
        for file, folder in (
            ("virtual_object_id.json", "OakInkVirtualObjectsV2"),
            ("object_id.json", "OakInkObjectsV2"),
        ):
            path = self.root / "shape" / "metaV2" / file
            if not path.is_file():
                continue
            try:
                entries = json.loads(path.read_text(encoding="utf-8"))
                names |= {key: (folder, str(entry["name"])) for key, entry in entries.items()}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise OakInkError(
                    f'{path}: is not an object of {{id: {{"name": ...}}}} ({error!r}); copy it again'
                ) from error
        return names


def read_hand(path: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reads `hand_param.pkl`.

    Returns:
        Pose (48,) in radians, shape (10,), translation (3,) in metres; float32.

    Raises:
        OakInkError: an entry is missing, of another size, or not finite.
        restricted_pickle.PickleRefusedError: the file is damaged, or asks for code to be run.
    """
    content = restricted_pickle.load(path, encoding="latin1", max_bytes=_MAX_GRASP_BYTES)
    if not isinstance(content, dict):
        raise OakInkError(
            f"{path}: holds a {type(content).__name__}, not a dictionary of pose, shape and tsl"
        )
    values = []
    for key, size in _SIZES.items():
        if key not in content:
            raise OakInkError(
                f"{path}: {key} is missing; there are {', '.join(map(str, content)) or 'no entries'}"
            )
        try:
            value = np.asarray(content[key], np.float32)
        except (TypeError, ValueError) as error:
            raise OakInkError(f"{path}: {key} is not numbers ({error})") from error
        if value.size != size:
            raise OakInkError(f"{path}: {key} has shape {value.shape}; {size} values are expected")
        if not np.isfinite(value).all():
            raise OakInkError(f"{path}: {key} holds values that are not finite")
        values.append(value.reshape(size))
    return values[0], values[1], values[2]


def _object_of(path: Path) -> str:
    # A recorded grasp lies in <object>/<10 hex>/, a transferred one in <object>/<10 hex>/<other object>/.
    parent = path.parent
    return parent.parent.name if _IDENTIFIER.fullmatch(parent.name) else parent.name


def _read_intent(path: Path) -> str:
    if not path.is_file():
        return ""
    match = _SOURCE.search(path.read_text(encoding="utf-8", errors="replace"))
    return ACTIONS.get(match["action"], "") if match else ""
