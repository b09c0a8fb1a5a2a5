import itertools
import pickle
import pickletools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from semgrasp_ros.core.data.oakink import OakInkGrasp
from semgrasp_ros.core.data.restricted_pickle import PickleRefusedError
from semgrasp_ros.core.hand import HandModel, load_hand
from semgrasp_ros.core.hand.mano import ManoError, mano_wrist, read_mano
from semgrasp_ros.core.hand.rotations import matrix_from_vector, transform
from semgrasp_ros.core.metrics.solid import Solid
from test.semgrasp_ros.core.hand.mano_file import content, dumped


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("mano") / "MANO_RIGHT.pkl"
    path.write_bytes(dumped(content()))
    return path


@pytest.fixture(scope="module")
def hand(path):
    return HandModel(read_mano(path)).double()


@pytest.fixture
def read(tmp_path):
    def read(data):
        path = tmp_path / "hand.pkl"
        path.write_bytes(data if isinstance(data, bytes) else dumped(data))
        return read_mano(path)

    return read


def grasps(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(0, 0.5, (count, 48)), rng.normal(0, 1, (count, 10)), rng.normal(0, 0.3, (count, 3))


def test_the_file_asks_for_what_the_real_one_asks_for(path):
    asked = {code[1] for code in pickletools.genops(path.read_bytes()) if code[0].name == "GLOBAL"}
    assert asked >= {
        "chumpy.ch Ch",
        "chumpy.reordering Select",
        "scipy.sparse.csc csc_matrix",
        "numpy.core.multiarray _reconstruct",
    }


@pytest.mark.parametrize("protocol", [0, 1, 2])
def test_every_protocol_of_python_2_gives_the_same_hand(read, path, protocol):
    ours, theirs = read(dumped(content(), protocol)), read_mano(path)
    for name in ("template", "shape_directions", "pose_directions", "joint_regressor", "weights", "faces"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name))


def test_equals_another_implementation_of_mano(path, hand):
    numpy_models = pytest.importorskip("body_models.mano.numpy")
    theirs = numpy_models.MANO(model_path=path, flat_hand_mean=True)
    pose, shape, translation = grasps(8)
    expected = theirs.forward_vertices(
        pose[:, 3:].reshape(-1, 15, 3), wrist_rotation=pose[:, :3], shape=shape
    )
    joint = theirs.forward_skeleton(pose[:, 3:].reshape(-1, 15, 3), wrist_rotation=pose[:, :3], shape=shape)[
        :, 0, :3, 3
    ]
    expected = expected - joint[:, None] + translation[:, None]
    surface = _posed(hand, pose, shape, translation)
    np.testing.assert_allclose(surface.vertices[:, :778].numpy(), expected, atol=2e-6)


def test_equals_the_equations_of_the_paper(hand):
    pose, shape, translation = grasps(4, seed=1)
    surface = _posed(hand, pose, shape, translation)
    for number in range(4):
        vertices, joints = _embodied_hands(content(), pose[number], shape[number])
        offset = translation[number] - joints[0]
        np.testing.assert_allclose(surface.vertices[number, :778].numpy(), vertices + offset, atol=2e-7)
        np.testing.assert_allclose(surface.joints[number].numpy(), joints + offset, atol=2e-7)


def _posed(hand, pose, shape, translation):
    pose, shape, translation = (torch.from_numpy(array) for array in (pose, shape, translation))
    return hand(mano_wrist(hand, pose[:, :3], translation, shape), pose[:, 3:].unflatten(-1, (15, 3)), shape)


def _embodied_hands(fields, pose, shape):
    """Equations 2 to 4 of Romero et al. 2017, one joint and one vertex at a time; no hand mean."""
    from scipy.spatial.transform import Rotation

    rotations = [Rotation.from_rotvec(vector).as_matrix() for vector in pose.reshape(16, 3)]
    shaped = fields["v_template"] + sum(b * fields["shapedirs"][..., k] for k, b in enumerate(shape))
    rest = fields["J_regressor"] @ shaped
    entries = np.concatenate([(rotation - np.eye(3)).ravel() for rotation in rotations[1:]])
    posed = shaped + sum(e * fields["posedirs"][..., k] for k, e in enumerate(entries))
    world = []
    for joint, parent in enumerate([-1, *fields["kintree_table"][0][1:].astype(int)]):
        local = np.eye(4)
        local[:3, :3], local[:3, 3] = rotations[joint], rest[joint] - (rest[parent] if joint else 0)
        world.append(world[parent] @ local if joint else local)
    joints = np.array([matrix[:3, 3] for matrix in world])
    motions = []
    for joint in range(16):
        back = np.eye(4)
        back[:3, 3] = -rest[joint]
        motions.append(world[joint] @ back)
    vertices = [
        (sum(w * m for w, m in zip(fields["weights"][v], motions, strict=True)) @ [*posed[v], 1])[:3]
        for v in range(778)
    ]
    return np.array(vertices), joints


def test_rest_is_the_flat_hand_of_the_file_with_the_wrist_at_the_origin(hand):
    rest = hand(torch.eye(4)[None].double(), torch.zeros(1, 15, 3).double(), torch.zeros(1, 10).double())
    fields = content()
    wrist = fields["J_regressor"][0] @ fields["v_template"]
    np.testing.assert_allclose(rest.vertices[0, :778].numpy(), fields["v_template"] - wrist, atol=1e-7)
    np.testing.assert_allclose(rest.joints[0, 0].numpy(), 0, atol=1e-7)


def test_surface_is_closed_and_faces_outward(path, hand):
    arrays = read_mano(path)
    assert arrays.template.shape == (779, 3) and arrays.faces.shape == (1538 + 16, 3)
    np.testing.assert_array_equal(arrays.faces[:1538], content()["f"])
    assert Solid(arrays.template, arrays.faces).vertices.shape == (
        779,
        3,
    )  # refuses open or inverted surfaces
    assert torch.allclose(arrays.weights.sum(1), torch.ones(779), atol=1e-6)
    # The cap stays in the middle of its loop, whatever the pose.
    loop = torch.unique(arrays.faces[1538:])[:-1]
    vertices = _posed(hand, *grasps(3)).vertices
    assert (vertices[:, loop].mean(1) - vertices[:, 778]).norm(dim=-1).max() < 1e-3


def test_faces_that_look_inward_are_turned(read):
    arrays = read(content(f=content()["f"][:, ::-1].copy()))
    assert Solid(arrays.template, arrays.faces)


def test_anatomy_is_that_of_the_open_hand(hand):
    ours, mano = load_hand(), hand.float()
    for joint in range(15):
        flexion = mano.axes[joint, 0] @ mano.frame.T @ ours.frame
        assert flexion @ ours.axes[joint, 0] > 0.9
    assert set(mano.regions.tolist()) == set(ours.regions.tolist()) == {-1, 0, 1, 2, 3, 4, 5}
    tips, ours_tips = mano.template[mano.tips] @ mano.frame.T, ours.template[ours.tips] @ ours.frame.T
    assert (tips - ours_tips).norm(dim=-1).max() < 0.012
    hand.double()


def test_oakink_grasps_are_placed_by_their_wrist_joint(hand):
    pose, shape, translation = grasps(1, seed=3)
    grasp = OakInkGrasp(
        "C10001",
        "mug",
        "0123456789",
        pose[0],
        shape[0],
        translation[0],
        "use",
        "C10001",
        (),
        None,
        "train",
        None,
    )
    surface = _posed(hand, pose, shape, translation)
    np.testing.assert_allclose(surface.joints[0, 0].numpy(), grasp.translation_m, atol=1e-9)
    wrist = mano_wrist(hand, torch.from_numpy(pose[:, :3]), torch.from_numpy(translation))
    np.testing.assert_allclose(wrist[0].numpy(), grasp.wrist, atol=1e-6)


@given(st.lists(st.floats(-2, 2), min_size=6, max_size=6))
def test_wrist_of_the_open_hand_puts_its_joint_there_too(numbers):
    hand = load_hand()
    vector, place = torch.tensor([numbers[:3]]), torch.tensor([numbers[3:]])
    shape = torch.full((1, 10), 0.5)
    surface = hand(mano_wrist(hand, vector, place, shape), torch.zeros(1, 15, 3), shape)
    assert torch.allclose(surface.joints[:, 0], place, atol=1e-6)


def test_wrist_says_which_argument_does_not_fit():
    with pytest.raises(ValueError, match=r"translation_m: shape \(3,\)"):
        mano_wrist(load_hand(), torch.zeros(2, 3), torch.zeros(3))
    with pytest.raises(ValueError, match=r"shape: shape \(2, 45\)"):
        mano_wrist(load_hand(), torch.zeros(2, 3), torch.zeros(2, 3), torch.zeros(2, 45))


def test_load_hand_takes_the_path(path):
    assert load_hand(str(path)).source == str(path)
    with pytest.raises(FileNotFoundError):
        load_hand("nowhere/MANO_RIGHT.pkl")


@pytest.mark.parametrize(
    "name", ["v_template", "shapedirs", "posedirs", "J_regressor", "weights", "f", "kintree_table"]
)
def test_errors_name_the_field(read, name):
    with pytest.raises(ManoError, match=rf"hand\.pkl: {name} is missing"):
        read(content(**{name: None}))
    with pytest.raises(ManoError, match=rf"{name} has shape \(3, 3\)"):
        broken = {name: np.zeros((3, 3))}
        read(pickle.dumps(content(**broken), 2))
    with pytest.raises(ManoError, match=f"{name} is a str, not an array"):
        read(content(**{name: "text"}))
    with pytest.raises(ManoError, match=f"{name} is an array of object"):
        read(content(**{name: np.array([None, 1], dtype=object)}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c["v_template"].__setitem__((5, 1), np.nan),
            "v_template holds values that are not finite",
        ),
        (lambda c: c["v_template"].__imul__(1000), r"v_template reaches .* in metres"),
        (lambda c: c["weights"].__imul__(2), r"weights: row \d+ sums to 2"),
        (lambda c: c["J_regressor"].__imul__(0.5), r"J_regressor: row \d+ sums to 0.5"),
        (lambda c: c["f"].__setitem__((0, 0), 778), "f must hold whole numbers from 0 to 777"),
        (lambda c: c["f"].__setitem__(0, c["f"][1]), "f: an edge belongs to more than two faces"),
        (lambda c: c["kintree_table"].__setitem__((0, 4), 3), "kintree_table has parents"),
    ],
)
def test_wrong_values_are_named(read, change, message):
    fields = content()
    change(fields)
    with pytest.raises(ManoError, match=message):
        read(fields)


def test_a_second_hole_is_refused(read):
    fields = content()
    faces = fields["f"]
    # One face fewer somewhere on a finger; another one takes its number, to keep the shape.
    far = int(fields["v_template"][faces].mean(axis=1)[:, 0].argmin())
    faces[far] = [faces[far][0]] * 3
    with pytest.raises(ManoError, match="f: "):
        read(fields)


def test_left_hands_are_refused(read):
    fields = content()
    fields["v_template"][:, 0] *= -1
    fields["f"] = fields["f"][:, ::-1].copy()
    with pytest.raises(ManoError, match=r"left hand.*give MANO_RIGHT\.pkl"):
        read(fields)


class Evil:
    def __reduce__(self):
        return exec, ("raise SystemExit('ran')",)


def test_code_is_refused_and_not_run(read):
    with pytest.raises(PickleRefusedError, match="exec"):
        read(pickle.dumps(content() | {"extra": Evil()}, 2))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"_shape": (778, 16)}, "J_regressor"),
        ({"_shape": (16, 10**12)}, r"J_regressor \(_shape\)"),
        ({"indices": np.array([99], dtype=np.int32)}, r"J_regressor \(indices\) must hold"),
        ({"indices": np.array([-1], dtype=np.int32)}, r"J_regressor \(indices\) must hold"),
        ({"indptr": np.zeros(779, dtype=np.int32)}, r"J_regressor \(indptr\) does not count"),
        ({"indptr": np.zeros(3, dtype=np.int32)}, "do not fit together"),
        ({"data": None}, r"J_regressor \(data\)"),
    ],
)
def test_sparse_matrices_that_point_elsewhere_are_refused(state, message):
    from semgrasp_ros.core.hand import mano

    good = {
        "_shape": (16, 778),
        "data": np.ones(1),
        "indices": np.zeros(1, dtype=np.int32),
        "indptr": np.array([0] + [1] * 778, dtype=np.int32),
    }
    value = mano._Sparse()
    value.__setstate__(good | state)
    with pytest.raises(ManoError, match=message):
        array = mano._plain("J_regressor", value)
        if array.shape != (16, 778):
            raise ManoError("J_regressor has another shape")


def test_wrappings_that_never_end_are_refused():
    from semgrasp_ros.core.hand import mano

    value = mano._Wrapped()
    value.__setstate__({"x": value})
    with pytest.raises(ManoError, match="wrapped more than"):
        mano._plain("weights", value)
    value.__setstate__({"a": np.zeros(3), "idxs": value})
    with pytest.raises(ManoError, match="wrapped more than"):
        mano._plain("weights", value)


@pytest.mark.parametrize("fraction", [0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_truncated_files_are_refused(read, fraction):
    data = dumped(content())
    with pytest.raises(ValueError, match=r"hand\.pkl: "):
        read(data[: int(fraction * len(data))])


def test_flipped_bits_are_refused_or_harmless(read):
    data = dumped(content())
    # Bits of the numbers are most of the file; those of the structure are what matters.
    places = list(
        itertools.chain.from_iterable(
            range(position, position + 6)
            for code, _, position in pickletools.genops(data)
            if code.name not in ("BINPUT", "LONG_BINPUT")
        )
    )
    rng = np.random.default_rng(0)
    refused = 0
    for place in rng.choice([place for place in places if place < len(data)], 60):
        broken = bytearray(data)
        broken[place] ^= 1 << rng.integers(8)
        try:
            arrays = read(bytes(broken))
        except ValueError as error:
            assert "hand.pkl: " in str(error)
            refused += 1
        else:
            assert torch.isfinite(arrays.template).all()
    assert refused > 20


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_noise_is_refused(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "noise.pkl"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"noise\.pkl: "):
        read_mano(path)


def test_wrist_is_differentiable(hand):
    vector = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    place = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    shape = torch.zeros(1, 10, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *values: mano_wrist(hand, *values), (vector, place, shape))
    expected = transform(matrix_from_vector(vector), place)
    assert torch.allclose(mano_wrist(hand, vector, place), expected, atol=1e-7)
