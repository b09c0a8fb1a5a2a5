"""A made-up hand in the layout of MANO_RIGHT.pkl: the open hand with fewer vertices, in MANO's axes."""

import io
import pickle
import struct
import sys
from functools import cache
from types import ModuleType

import manifold3d
import numpy as np
from scipy.optimize import nnls
from scipy.sparse import csc_matrix
from scipy.spatial import cKDTree

from semgrasp_ros.core.hand import load_hand

PARENTS = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14)
WRIST = np.array([0.0957, 0.0064, 0.0062])
# From the open hand's axes (fingers, thumb, back) to MANO's: fingers to -x, thumb to z, back of the hand to y.
AXES = np.array([[-1.0, 0, 0], [0, 0, 1], [0, 1, 0]])


def open_surface() -> tuple[np.ndarray, np.ndarray]:
    """778 vertices and 1538 faces with a hole of 16 edges at the wrist, in the open hand's axes."""
    hand = load_hand()
    solid = manifold3d.Manifold(
        manifold3d.Mesh(hand.template.numpy(), hand.faces.numpy().astype(np.uint32))
    ).simplify(1e-3)
    mesh = solid.to_mesh()
    vertices = np.asarray(mesh.vert_properties, dtype=float)[:, :3]
    faces = [tuple(int(corner) for corner in face) for face in mesh.tri_verts]
    cap = int(np.linalg.norm(vertices - hand.template[-1].numpy(), axis=1).argmin())
    faces = [tuple(corner - (corner > cap) for corner in face) for face in faces if cap not in face]
    points = list(np.delete(vertices, cap, axis=0))
    _narrow_hole(points, faces, 16)
    while len(points) < 778:
        corners = np.array(points)[np.array(faces)]
        areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        a, b, c = faces.pop(int(areas.argmax()))
        points.append((points[a] + points[b] + points[c]) / 3)
        faces += [(a, b, len(points) - 1), (b, c, len(points) - 1), (c, a, len(points) - 1)]
    return np.array(points), np.array(faces)


def _narrow_hole(points: list, faces: list, edges: int) -> None:
    directed = {(face[k], face[(k + 1) % 3]) for face in faces for k in range(3)}
    following = {a: b for a, b in directed if (b, a) not in directed}
    assert len(following) >= edges
    while len(following) > edges:
        a = min(
            following, key=lambda a: (float(np.linalg.norm(points[a] - points[following[following[a]]])), a)
        )
        b = following.pop(a)
        c = following.pop(b)
        faces.append((c, b, a))
        following[a] = c


@cache
def _content() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    hand = load_hand()
    vertices, faces = open_surface()
    joints = hand.joint_template.double().numpy()
    nearest = cKDTree(hand.template.numpy()).query(vertices)[1]
    weights = hand.weights.double().numpy()[nearest]
    weights /= weights.sum(axis=1, keepdims=True)
    regressor = np.zeros((16, 778))
    for joint in range(16):
        near = np.argsort(np.linalg.norm(vertices - joints[joint], axis=1))[:60]
        solution, _ = nnls(
            np.concatenate([vertices[near].T, np.ones((1, 60))]), np.concatenate([joints[joint], [1]])
        )
        regressor[joint, near] = solution / solution.sum()
    directions = hand.shape_directions.double().numpy()[nearest]
    mean = rng.normal(0, 0.2, 45)
    return {
        "v_template": (vertices - joints[0]) @ AXES.T + WRIST,
        "f": faces.astype(np.uint32),
        "shapedirs": np.einsum("ij,vjs->vis", AXES, directions),
        "posedirs": rng.normal(0, 5e-4, (778, 3, 135)),
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": np.array([[2**32 - 1, *PARENTS[1:]], range(16)], dtype=np.uint32),
        "hands_mean": mean,
        "hands_components": rng.normal(0, 1, (45, 45)),
    }


def content(**changed) -> dict[str, np.ndarray]:
    """Plain arrays of the file, some of them replaced; None removes a field."""
    fields = {name: array.copy() for name, array in _content().items()} | changed
    return {name: value for name, value in fields.items() if value is not None}


def dumped(fields: dict, protocol: int = 2) -> bytes:
    """The pickle that Python 2 with chumpy and SciPy would have written; neither is imported to write it."""
    names = {
        "chumpy": (),
        "chumpy.ch": ("Ch",),
        "chumpy.reordering": ("Select",),
        "scipy.sparse.csc": ("csc_matrix",),
    }
    before = {name: sys.modules.get(name) for name in names}
    classes = {}
    try:
        for name, contents in names.items():
            module = sys.modules[name] = ModuleType(name)
            for kind in contents:
                classes[kind] = type(kind, (), {"__module__": name})
                setattr(module, kind, classes[kind])
        stream = io.BytesIO()
        _Python2(stream, protocol).dump(_wrapped(fields, classes))
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module
    return stream.getvalue().replace(b"cnumpy._core.", b"cnumpy.core.")


class _Python2(pickle._Pickler):
    """Writes bytes as the 8-bit strings of Python 2."""

    dispatch = dict(pickle._Pickler.dispatch)

    def _bytes(self, data: bytes) -> None:
        if self.bin:
            self.write(pickle.BINSTRING + struct.pack("<i", len(data)) + data)
        else:
            pickle._Pickler.save_bytes(self, data)

    dispatch[bytes] = _bytes


def _made(kind: type, **state):
    thing = kind()
    thing.__dict__.update(state)
    return thing


def _wrapped(fields: dict, classes: dict) -> dict:
    fields = dict(fields)
    for name in ("v_template", "weights", "posedirs"):
        if isinstance(fields.get(name), np.ndarray):
            fields[name] = _made(classes["Ch"], x=fields[name], _dirty_vars={"x"}, _itr=None)
    directions = fields.get("shapedirs")
    if isinstance(directions, np.ndarray) and directions.shape == (778, 3, 10):
        # As in the real file: the first ten of more directions, selected from a flat array.
        more = np.concatenate([directions, np.full((778, 3, 5), 9.0)], axis=2)
        places = np.arange(more.size).reshape(more.shape)[:, :, :10].ravel()
        inner = _made(classes["Ch"], x=more, _dirty_vars=set())
        fields["shapedirs"] = _made(classes["Select"], a=inner, idxs=places, preferred_shape=(778, 3, 10))
    if isinstance(fields.get("J_regressor"), np.ndarray) and fields["J_regressor"].ndim == 2:
        sparse = csc_matrix(fields["J_regressor"])
        fields["J_regressor"] = _made(
            classes["csc_matrix"],
            data=sparse.data,
            indices=sparse.indices,
            indptr=sparse.indptr,
            _shape=sparse.shape,
            format="csc",
            maxprint=50,
        )
    return fields
