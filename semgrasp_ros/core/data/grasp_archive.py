"""Many grasps in one small file: so that they can ship, and nobody has to find them again."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path

import numpy as np

from semgrasp_ros.core.data.grasp import Grasp
from semgrasp_ros.core.data.grasp_folder import WORDS, GraspFolder
from semgrasp_ros.core.data.splits import SPLITS, split_of

FORMAT = "semgrasp-grasps-1"
#: Beside the models that ship: what is measured on, and what is learned from.
HELD_OUT, TRAINING = "held_out_grasps.npz", "training_grasps.npz"


def pack(folder: GraspFolder, file: Path, splits: Collection[str] = SPLITS) -> int:
    """Writes the grasps of a folder, and which objects were tried without success.

    Joint rotations keep three digits, which is 0.1 mm at a finger's tip; everything else is kept as it is.

    Args:
        folder: of the grasps.
        file: appears whole or not at all.
        splits: of SPLITS; objects of others are left out.

    Returns:
        How many grasps there are.

    Raises:
        ValueError: the folder has none of these splits, or a file in it is damaged.
    """
    objects = [pair for pair in folder.objects() if split_of(*pair) in splits]
    if not objects:
        raise ValueError(f"{folder.path}: has no grasps of {', '.join(splits)}; generate some first")
    of_objects = [folder.read(*pair) for pair in objects]
    grasps = [grasp for mine in of_objects for grasp in mine]
    families, family = _numbered([name for name, _ in objects])
    said, numbers = _numbered([getattr(grasp, word) for grasp in grasps for word in WORDS])
    touched, touches = _numbered([touch for grasp in grasps for touch in grasp.touches])
    people, person = np.unique(
        np.array([grasp.shape for grasp in grasps], np.float32).reshape(-1, 10), axis=0, return_inverse=True
    )
    partial = Path(file).with_name(Path(file).name + ".partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("wb") as stream:
        np.savez_compressed(
            stream,
            format=FORMAT,
            families=families,
            family=family,
            instance=np.array([instance for _, instance in objects], np.int32),
            count=np.array([len(mine) for mine in of_objects], np.int32),
            wrist=np.array([grasp.wrist[:3] for grasp in grasps], np.float32).reshape(-1, 3, 4),
            joint_rotations=np.array([grasp.joint_rotations for grasp in grasps], np.float16).reshape(
                -1, 15, 3
            ),
            people=people,
            person=person.astype(np.uint16),
            said=said,
            words=numbers.reshape(-1, len(WORDS)),
            touched=touched,
            touches=touches.reshape(-1, 6),
        )
    partial.rename(file)
    return len(grasps)


def unpack(file: Path, folder: GraspFolder) -> int:
    """Puts the grasps of an archive in a folder; objects that the folder has stay as they are.

    Returns:
        Of how many objects grasps were written.

    Raises:
        FileNotFoundError: there is no such archive.
        ValueError: it is damaged, or of something else.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            data = {name: arrays[name] for name in arrays.files}
        if str(data["format"]) != FORMAT:
            raise ValueError(f"{file}: has format {str(data['format'])!r}; this reads {FORMAT!r}")
        return _write(data, folder)
    except (zipfile.BadZipFile, KeyError, EOFError, IndexError) as error:
        raise ValueError(f"{file}: is damaged ({error}); get it again") from error


def _write(data: dict[str, np.ndarray], folder: GraspFolder) -> int:
    ends = np.cumsum(data["count"])
    written = 0
    for row, (family, instance, count) in enumerate(
        zip(data["family"], data["instance"], data["count"], strict=True)
    ):
        owner = str(data["families"][family]), int(instance)
        if folder.has(*owner):
            continue
        folder.write(*owner, [_grasp(data, *owner, index) for index in range(ends[row] - count, ends[row])])
        written += 1
    return written


def _grasp(data: dict[str, np.ndarray], family: str, instance: int, row: int) -> Grasp:
    wrist = np.eye(4, dtype=np.float32)
    wrist[:3] = data["wrist"][row]
    return Grasp(
        family,
        instance,
        wrist,
        data["joint_rotations"][row].astype(np.float32),
        data["people"][data["person"][row]],
        *(str(data["said"][word]) for word in data["words"][row]),
        tuple(str(data["touched"][touch]) for touch in data["touches"][row]),
    )


def _numbered(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The different names, and for each of the given ones its number among them."""
    known, numbers = np.unique(np.array(names, dtype=str), return_inverse=True)
    return known, numbers.astype(np.uint16)
