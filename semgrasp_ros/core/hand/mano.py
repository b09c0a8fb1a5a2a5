"""MANO from a user's own file: read without running anything in it, and closed at the wrist.

Romero, Tzionas, Black 2017, "Embodied Hands". The file comes from https://mano.is.tue.mpg.de, under its own licence.
It is a pickle of Python 2 in which some arrays are objects of chumpy and one is a sparse matrix; neither library is
needed here.

Only right hands are read. A left file is refused and not mirrored: its shape directions are those of the right hand
while its surface is mirrored, so that the same ten numbers make another hand of it.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from semgrasp_ros.core.data import restricted_pickle
from semgrasp_ros.core.hand.anatomy import anatomical_axes, finger_tips, hand_frame, joint_limits, regions
from semgrasp_ros.core.hand.model import SHAPES, HandArrays, HandModel
from semgrasp_ros.core.hand.rotations import matrix_from_vector, transform

VERTICES = 778
JOINTS = 16
PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14)
SHAPES_OF = {
    "v_template": (VERTICES, 3),
    "shapedirs": (VERTICES, 3, SHAPES),
    "posedirs": (VERTICES, 3, 9 * (JOINTS - 1)),
    "J_regressor": (JOINTS, VERTICES),
    "weights": (VERTICES, JOINTS),
    "f": (1538, 3),
    "kintree_table": (2, JOINTS),
}
MAX_BYTES = 64 * 2**20
SUM_TOLERANCE = 1e-2
LONGEST_HAND_M = 0.5
WRAPPINGS = 4


class ManoError(ValueError):
    """A file that is not the right hand of MANO; the message names the file, the field and what is wrong."""


class _Wrapped:
    """Stand-in for an object of chumpy: an array, or a selection from one."""

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Sparse:
    """Stand-in for a sparse matrix of SciPy in compressed columns."""

    def __setstate__(self, state: Any) -> None:
        self.state = state


_EXTRA = {
    ("chumpy.ch", "Ch"): _Wrapped,
    ("chumpy", "Ch"): _Wrapped,
    ("chumpy.reordering", "Select"): _Wrapped,
    ("scipy.sparse.csc", "csc_matrix"): _Sparse,
    ("scipy.sparse._csc", "csc_matrix"): _Sparse,
    ("scipy.sparse._csc", "csc_array"): _Sparse,
}


def read_mano(path: str | Path) -> HandArrays:
    """Reads MANO_RIGHT.pkl.

    The wrist, which is open in the file, is capped with a fan around a new vertex 778; the first 778 vertices keep
    their order and the first 1538 faces theirs. The wrist joint of the mean hand is moved to the origin; the axes stay
    MANO's, so that pose and shape of data sets are used as they are. Zero rotations are the flat hand (`v_template`);
    `hands_mean` is not added. Axes, limits, regions and tips come from `anatomy`.

    Raises:
        ManoError: a field is missing or wrong, or it is a left hand.
        restricted_pickle.PickleRefusedError: the file is damaged, or asks for code to be run.
        OSError: the file cannot be opened.
    """
    path = Path(path)
    try:
        return _arrays(_fields(path), str(path))
    except ManoError as error:
        raise ManoError(f"{path}: {error}") from None


def mano_wrist(
    hand: HandModel,
    rotation_vector: torch.Tensor,
    translation_m: torch.Tensor,
    shape: torch.Tensor | None = None,
) -> torch.Tensor:
    """The wrist transform that places a hand as root-centred MANO layers do, with the wrist joint at `translation_m`.

    OakInk and others store vertices as R (v - J0) + t, where v and the wrist joint J0 are of the shaped hand at rest;
    this model turns about the origin of its mesh instead: R v + (t - R J0).

    Args:
        hand: any hand.
        rotation_vector: (..., 3) radians; the first three of MANO's 48 pose values.
        translation_m: (..., 3) where the wrist joint is; `tsl` of OakInk.
        shape: (..., 10), on which the joint's place depends by millimetres; the mean hand when None.

    Returns:
        (..., 4, 4), the `wrist` of `HandModel.forward`.

    Raises:
        ValueError: shapes do not fit.
    """
    for name, value, size in (
        ("rotation_vector", rotation_vector, 3),
        ("translation_m", translation_m, 3),
        ("shape", shape, SHAPES),
    ):
        if value is not None and value.shape != (*rotation_vector.shape[:-1], size):
            raise ValueError(
                f"{name}: shape {tuple(value.shape)} does not fit; use {(*rotation_vector.shape[:-1], size)}"
            )
    joint = hand.joint_template[0].to(rotation_vector)
    if shape is not None:
        joint = joint + shape.to(rotation_vector) @ hand.joint_directions[0].to(rotation_vector).T
    rotation = matrix_from_vector(rotation_vector)
    return transform(rotation, translation_m - (rotation @ joint[..., None])[..., 0])


def _fields(path: Path) -> dict[str, np.ndarray]:
    content = restricted_pickle.load(path, encoding="latin1", extra=_EXTRA, max_bytes=MAX_BYTES)
    if not isinstance(content, dict):
        raise ManoError(f"holds a {type(content).__name__}, not a dictionary of arrays; give MANO_RIGHT.pkl")
    fields = {}
    for name, shape in SHAPES_OF.items():
        if name not in content:
            raise ManoError(f"{name} is missing; give MANO_RIGHT.pkl as it was downloaded")
        array = _plain(name, content[name])
        if array.shape != shape:
            raise ManoError(
                f"{name} has shape {array.shape}, MANO's has {shape}; give MANO_RIGHT.pkl (not SMPL, SMPL+H or SMPL-X)"
            )
        if not np.isfinite(array).all():
            raise ManoError(f"{name} holds values that are not finite; download the file again")
        fields[name] = array
    return fields


def _plain(name: str, value: Any, depth: int = 0) -> np.ndarray:
    """The numbers behind a field, in double precision."""
    if depth > WRAPPINGS:
        raise ManoError(f"{name} is wrapped more than {WRAPPINGS} times; download the file again")
    if isinstance(value, _Sparse):
        return _dense(name, value, depth)
    if isinstance(value, _Wrapped):
        return _unwrapped(name, value, depth)
    # Arrays only: lists that contain one list many times could grow without end.
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "biuf":
        kind = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else f"a {type(value).__name__}"
        raise ManoError(f"{name} is {kind}, not an array of numbers; download the file again")
    return np.array(value, dtype=np.float64, subok=False)


def _unwrapped(name: str, value: _Wrapped, depth: int) -> np.ndarray:
    state = getattr(value, "state", None)
    if not isinstance(state, dict) or not ("x" in state or {"a", "idxs"} <= state.keys()):
        raise ManoError(f"{name} is an object of chumpy that holds no array; download the file again")
    if "x" in state:
        return _plain(name, state["x"], depth + 1)
    source = _plain(name, state["a"], depth + 1).ravel()
    chosen = source[_whole(f"{name} (idxs)", state["idxs"], 0, source.size - 1, depth + 1)]
    if state.get("preferred_shape") is None:
        return chosen
    return chosen.reshape(_lengths(f"{name} (preferred_shape)", state["preferred_shape"], chosen.size))


def _lengths(name: str, value: Any, size: int) -> tuple[int, ...]:
    lengths = tuple(value) if isinstance(value, (tuple, list, np.ndarray)) and len(value) <= 3 else ()
    if not all(isinstance(length, (int, np.integer)) and length > 0 for length in lengths):
        lengths = ()
    if not lengths or math.prod(int(length) for length in lengths) != size:
        raise ManoError(f"{name} is not a shape of {size} values; download the file again")
    return tuple(int(length) for length in lengths)


def _dense(name: str, value: _Sparse, depth: int) -> np.ndarray:
    """A sparse matrix filled in by hand: SciPy would believe its indices and write where they point."""
    state = getattr(value, "state", None)
    if not isinstance(state, dict) or not {"_shape", "data", "indices", "indptr"} <= state.keys():
        raise ManoError(f"{name} is a sparse matrix without its _shape, data, indices and indptr")
    shape = _lengths(f"{name} (_shape)", state["_shape"], JOINTS * VERTICES)
    if len(shape) != 2:
        raise ManoError(f"{name} (_shape) is {shape}, not rows and columns")
    rows, columns = shape
    data = _plain(f"{name} (data)", state["data"], depth + 1)
    row = _whole(f"{name} (indices)", state["indices"], 0, rows - 1, depth + 1)
    starts = _whole(f"{name} (indptr)", state["indptr"], 0, data.size, depth + 1)
    if data.ndim != 1 or row.shape != data.shape or starts.shape != (columns + 1,):
        raise ManoError(f"{name} is a sparse matrix whose data, indices and indptr do not fit together")
    lengths = np.diff(starts)
    if starts[0] != 0 or starts[-1] != data.size or (lengths < 0).any():
        raise ManoError(f"{name} (indptr) does not count the {data.size} values")
    dense = np.zeros((rows, columns))
    np.add.at(dense, (row, np.repeat(np.arange(columns), lengths)), data)
    return dense


def _whole(name: str, value: Any, low: int, high: int, depth: int = 0) -> np.ndarray:
    array = _plain(name, value, depth)
    if not ((array >= low) & (array <= high) & (array == np.floor(array))).all():
        raise ManoError(f"{name} must hold whole numbers from {low} to {high}")
    return array.astype(np.int64)


def _arrays(fields: dict[str, np.ndarray], source: str) -> HandArrays:
    _check_tree(fields["kintree_table"])
    weights, regressor = fields["weights"], fields["J_regressor"]
    _check_sums("weights", weights)
    _check_sums("J_regressor", regressor)
    faces = _whole("f", fields["f"], 0, VERTICES - 1)
    loop, fan = _cap(faces)
    vertices = fields["v_template"] - regressor[0] @ fields["v_template"]
    joints = regressor @ vertices
    _check_hand(vertices, joints, weights)
    _check_side(joints)
    # The new vertex is the middle of the loop in every respect, so that it stays there.
    vertices, shapes, poses, weights = (
        np.concatenate([array, array[loop].mean(axis=0, keepdims=True)])
        for array in (vertices, fields["shapedirs"], fields["posedirs"], weights)
    )
    regressor = np.concatenate([regressor, np.zeros((JOINTS, 1))], axis=1)
    faces = np.concatenate([faces, fan])
    corners = vertices[faces]
    if np.einsum("fc,fc->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) < 0:
        faces = faces[:, ::-1].copy()
    axes = anatomical_axes(vertices, joints, weights)
    if not np.isfinite(axes).all():
        raise ManoError("v_template: bones without direction; it is not a hand at rest")
    return HandArrays(
        template=_single(vertices),
        shape_directions=_single(shapes),
        pose_directions=_single(poses),
        joint_regressor=_single(regressor),
        weights=_single(weights),
        faces=torch.from_numpy(faces),
        parents=PARENTS,
        axes=_single(axes),
        limits=_single(joint_limits()),
        regions=torch.from_numpy(regions(vertices, _normals(vertices, faces), joints, weights)),
        tips=torch.from_numpy(finger_tips(vertices, joints, weights)),
        source=source,
    )


def _single(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.float32))


def _check_tree(table: np.ndarray) -> None:
    # The wrist's parent is -1, written as an unsigned number of 32 or 64 bits.
    parents, joints = table
    if tuple(parents[1:]) != PARENTS[1:] or tuple(joints) != tuple(range(JOINTS)):
        raise ManoError(
            f"kintree_table has parents {parents[1:].tolist()} of joints {joints.tolist()}, "
            f"MANO's are {list(PARENTS[1:])} of 0 to {JOINTS - 1}"
        )


def _check_sums(name: str, rows: np.ndarray) -> None:
    sums = rows.sum(axis=1)
    worst = int(np.abs(sums - 1).argmax())
    if abs(sums[worst] - 1) > SUM_TOLERANCE:
        raise ManoError(f"{name}: row {worst} sums to {sums[worst]:.4g}, not to 1; download the file again")


def _check_hand(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> None:
    reach = np.abs(vertices).max()
    if not 0.05 < reach < LONGEST_HAND_M:
        raise ManoError(f"v_template reaches {reach:.4g} from the wrist; a hand in metres reaches about 0.2")
    bare = [joint for joint in (3, 6, 9, 12, 15) if (weights[:, joint] > 0.5).sum() < 3]
    if bare:
        raise ManoError(f"weights: hardly a vertex hangs on joint {bare[0]}, the last of a finger")
    bones = np.linalg.norm(joints[1:] - joints[list(PARENTS[1:])], axis=1)
    if bones.min() < 1e-4:
        raise ManoError(f"J_regressor: joint {int(bones.argmin()) + 1} lies on its parent")


def _check_side(joints: np.ndarray) -> None:
    """MANO rests with its palm to -y on both sides; a left hand's fingers point the other way."""
    if hand_frame(joints)[2, 1] < 0:
        raise ManoError("v_template is a left hand; only right hands are read: give MANO_RIGHT.pkl")


def _cap(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The loop (L,) of vertices at the wrist, and the fan (L, 3) of faces that closes it around vertex 778."""
    edges = [(int(face[k]), int(face[(k + 1) % 3])) for face in faces for k in range(3)]
    directed = set(edges)
    if len(directed) != len(edges) or any(a == b for a, b in directed):
        raise ManoError("f: an edge belongs to more than two faces; download the file again")
    border = [(a, b) for a, b in edges if (b, a) not in directed]
    following = dict(border)
    loop = border[0][:1] if border else ()
    while loop and (after := following.get(loop[-1], loop[0])) != loop[0] and len(loop) < len(border):
        loop = (*loop, after)
    if not 3 <= len(loop) == len(border) or following.get(loop[-1]) != loop[0]:
        raise ManoError("f: the surface must be open at the wrist and nowhere else; download the file again")
    return np.array(loop), np.array([(b, a, VERTICES) for a, b in border])


def _normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Outward unit normals (V, 3) of the vertices, faces weighted by their area."""
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True).clip(1e-12)
