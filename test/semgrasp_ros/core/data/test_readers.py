import contextlib
import json
import os
import pickle
import struct
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from semgrasp_ros.core.data import restricted_pickle
from semgrasp_ros.core.data.capgrasp import CapGrasp
from semgrasp_ros.core.data.oakink import OakInkError, OakInkShape, read_hand, split_of
from semgrasp_ros.core.data.restricted_pickle import PickleRefusedError

REAL, OTHER = "A01001", "s10101"  # test and train


def hand(seed=0, **changes):
    rng = np.random.default_rng(seed)
    values = {
        "pose": rng.normal(size=48).astype(np.float32),
        "shape": rng.normal(size=10).astype(np.float32),
        "tsl": rng.normal(size=3).astype(np.float32),
    }
    return values | changes


def write_grasp(folder, content, source=None):
    folder.mkdir(parents=True)
    (folder / "hand_param.pkl").write_bytes(content if isinstance(content, bytes) else pickle.dumps(content))
    if source:
        (folder / "source.txt").write_text(source)


def write_mesh(root, folder, align, name="obj.obj"):
    path = root / "shape" / folder / align / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    return path


@pytest.fixture
def tree(tmp_path):
    shape = tmp_path / "shape"
    grasp = shape / "oakink_shape_v2" / "mug" / REAL / "0a1b2c3d4e"
    write_grasp(grasp, hand(0), f"pass1/{REAL}_0003_0002/2021-10-01-12-00-00/dom.pkl")
    write_grasp(grasp / OTHER, hand(1))
    write_grasp(
        shape / "oakink_shape_v2" / "mug" / REAL / "ffffffffff",
        hand(2),
        f"pass1/{REAL}_0004_0002_0003/2021-10-01-12-00-01/dom_alt.pkl",
    )
    meta = shape / "metaV2"
    meta.mkdir()
    (meta / "object_id.json").write_text(json.dumps({REAL: {"name": "mug_r"}}))
    (meta / "virtual_object_id.json").write_text(json.dumps({OTHER: {"name": "mug_v"}}))
    write_mesh(tmp_path, "OakInkObjectsV2/mug_r", "align")
    write_mesh(tmp_path, "OakInkObjectsV2/mug_r", "align", "align_mug.obj")
    write_mesh(tmp_path, "OakInkVirtualObjectsV2/mug_v", "align_ds", "mug.ply")
    return tmp_path


def write_captions(folder, *texts):
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        turns = [{"from": "human", "value": text}]
        (folder / f"{number}_simple_caption.json").write_text(json.dumps(turns))


def test_recorded_and_transferred_grasps_come_back(tree):
    first, transferred, last = OakInkShape(tree)
    assert (first.object_id, first.recorded_object_id, first.category) == (REAL, REAL, "mug")
    assert (transferred.object_id, transferred.recorded_object_id) == (OTHER, REAL)
    assert transferred.transferred and not first.transferred
    assert first.grasp_id == transferred.grasp_id == "0a1b2c3d4e"
    assert (first.intent, transferred.intent, last.intent) == ("lift", "lift", "hand_over")
    assert first.mesh_path.name == "align_mug.obj" and transferred.mesh_path.name == "mug.ply"
    assert np.array_equal(first.pose, hand(0)["pose"]) and np.array_equal(last.shape, hand(2)["shape"])
    assert first.captions == ()
    assert len(list(OakInkShape(tree, transferred=False))) == 2


def test_the_wrist_is_the_first_rotation_and_the_translation(tree):
    grasp = next(iter(OakInkShape(tree)))
    axis = grasp.pose[:3] / np.linalg.norm(grasp.pose[:3])
    assert grasp.wrist.shape == (4, 4) and grasp.wrist.dtype == np.float32
    assert np.allclose(grasp.wrist[:3, :3] @ axis, axis, atol=1e-5)
    assert np.trace(grasp.wrist[:3, :3]) == pytest.approx(
        1 + 2 * np.cos(np.linalg.norm(grasp.pose[:3])), abs=1e-5
    )
    assert np.array_equal(grasp.wrist[:3, 3], hand(0)["tsl"])
    assert grasp.joint_rotations.shape == (15, 3)
    assert np.array_equal(grasp.joint_rotations[0], grasp.pose[3:6])


def test_objects_are_split_by_their_md5():
    assert {split_of(f"C{number:05d}") for number in range(100)} == {"train", "val", "test"}
    counts = [split_of(f"x{number:05d}") for number in range(3000)]
    assert 0.77 < counts.count("train") / 3000 < 0.83 and 0.08 < counts.count("val") / 3000 < 0.12
    # As md5sum and bc say: the last decimal digit of the number decides.
    assert [split_of(name) for name in ("s10101", "C00003", "A01001")] == ["train", "val", "test"]


def test_a_split_holds_its_own_objects_only(tree):
    everything = {(grasp.path, grasp.split) for grasp in OakInkShape(tree)}
    parts = [
        {(g.path, g.split) for g in OakInkShape(tree, split=split)} for split in ("train", "val", "test")
    ]
    assert set.union(*parts) == everything and [len(part) for part in parts] == [1, 0, 2]
    assert [grasp.object_id for grasp in OakInkShape(tree, split="train")] == [OTHER]


def test_captions_are_found_in_their_own_tree_and_beside_the_grasps(tree):
    grasp = "mug/" + REAL + "/0a1b2c3d4e"
    write_captions(tree / "shape/oakink_shape_v2" / grasp, "Beside.")
    assert [g.captions for g in CapGrasp(tree)] == [("Beside.",)]
    own = tree / "CapGrasp/captions/v0_1" / grasp
    write_captions(own, *(f"Text {number}." for number in range(11)))
    write_captions(own / OTHER, "Transferred.")
    first, second = CapGrasp(tree)
    assert first.captions == tuple(f"Text {number}." for number in range(11))
    assert second.captions == ("Transferred.",)
    assert len(list(CapGrasp(tree, captioned_only=False))) == 3


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '[{"from": "human", "value": 3}]', "[" * 100000])
def test_a_bad_caption_file_is_named(tree, text):
    folder = tree / "CapGrasp/captions/v0_1/mug" / REAL / "0a1b2c3d4e"
    write_captions(folder, "x")
    (folder / "0_simple_caption.json").write_text(text)
    with pytest.raises(OakInkError, match="0_simple_caption.json"):
        list(CapGrasp(tree))


def test_a_wrong_tree_split_or_category_is_named(tree):
    with pytest.raises(OakInkError, match="oakink_shape_v2"):
        OakInkShape(tree / "shape")
    with pytest.raises(OakInkError, match="'trian'"):
        OakInkShape(tree, split="trian")
    with pytest.raises(OakInkError, match="no cup here; there are mug"):
        OakInkShape(tree, categories=("cup",))
    with pytest.raises(OakInkError, match="captions_root"):
        CapGrasp(tree, captions_root=tree / "nowhere")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "list, not a dictionary"),
        ({"pose": np.zeros(48)}, "shape is missing"),
        (hand(pose=np.zeros(45)), r"pose has shape \(45,\); 48"),
        (hand(tsl=np.array([0, np.nan, 0])), "tsl holds values that are not finite"),
        (hand(shape="ten"), "shape is not numbers"),
    ],
)
def test_a_file_that_is_no_grasp_is_named(tmp_path, content, words):
    path = tmp_path / "hand_param.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(OakInkError, match=words):
        read_hand(path)


def test_objects_without_a_mesh_or_a_source_are_read(tree):
    for file in (tree / "shape/metaV2").iterdir():
        file.unlink()
    (tree / "shape/oakink_shape_v2/mug" / REAL / "ffffffffff/source.txt").unlink()
    grasps = list(OakInkShape(tree))
    assert [g.mesh_path for g in grasps] == [None] * 3
    assert grasps[2].intent == ""


def test_a_bad_list_of_objects_is_named(tree):
    (tree / "shape/metaV2/object_id.json").write_text('{"x": 3}')
    with pytest.raises(OakInkError, match="object_id.json"):
        list(OakInkShape(tree))


# --- the restricted unpickler


class Calls:
    def __init__(self, function, *values):
        self.function, self.values = function, values

    def __reduce__(self):
        return self.function, self.values


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_arrays_and_containers_come_back(protocol):
    content = {
        "f": np.arange(6, dtype=">f4").reshape(2, 3).T,
        "column": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "o": np.array([None, "a", [1]], dtype=object),
        "u": np.array(["ab", "c"]),
        "empty": np.zeros((0, 3)),
        "point": np.array(2.5),
        "scalar": np.float64(1.5),
        "rest": [(1, 2), {3}, frozenset({4}), b"\xff\x00", bytearray(b"x"), 1j, None, True, OrderedDict(a=1)],
    }
    read = restricted_pickle.loads(pickle.dumps(content, protocol))
    for key in ("f", "column", "o", "u", "empty", "point"):
        native = content[key].dtype.newbyteorder("=")
        assert np.array_equal(read[key], content[key]) and read[key].dtype == native
    assert read["scalar"] == 1.5 and read["rest"] == content["rest"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (Calls(os.system, "true"), "system"),
        (Calls(eval, "1 + 1"), "eval"),
        ({"pose": [Calls(os.system, "true")]}, "system"),
        (np.array([1, Calls(eval, "1 + 1")], dtype=object), "eval"),
        (Calls(getattr, "x", "upper"), "getattr"),
        (Calls(np.load, "x"), "load"),
        (Calls(np.ndarray, (10**9,)), "ndarray"),
        (Calls(np.dtype, "f4,f4"), "elements"),
        (Calls(bytearray, 10**12), "int"),
        (np.ma.masked_array([1.0], [True]), "not allowed|only numpy.ndarray"),
    ],
)
def test_a_pickle_that_calls_anything_is_refused(content, words, protocol):
    with pytest.raises(PickleRefusedError, match=words):
        restricted_pickle.loads(pickle.dumps(content, protocol))


def test_nothing_is_run(tmp_path):
    witness = tmp_path / "run"
    for content in (Calls(os.mkdir, str(witness)), [np.zeros(3), Calls(os.mkdir, str(witness))]):
        path = tmp_path / "bad.pkl"
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(PickleRefusedError, match=r"bad\.pkl: asks for the global '\w+\.mkdir'"):
            restricted_pickle.load(path)
    assert not witness.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"cnumpy\ndtype\n}(X\x01\x00\x00\x00xK\x01ub.",  # sets an attribute of what it was given
        b"cnumpy\ndtype\nN}(X\x05\x00\x00\x00_callK\x01u\x86b.",
        b"\x80\x02K\x01r\xff\xff\xff\xff.",  # a memo of four thousand million entries
        b"\x80\x05\x96\x00\x00\x00\x00\x00\x01\x00\x00.",  # a byte array of a tebibyte
        b"Pname\n.",  # an outside object
        b"\x80\x02\x82\x01.",  # a registered extension
        b"ccopy_reg\n_reconstructor\n(c__builtin__\nset\nc__builtin__\nobject\nNtR.",
        b"",
        b"no pickle",
    ],
)
def test_tricks_and_rubbish_are_refused_or_harmless(data):
    try:
        assert restricted_pickle.loads(data) == 1
    except PickleRefusedError as error:
        assert str(error).startswith("pickle: ")


def test_every_truncation_is_refused():
    data = pickle.dumps(hand())
    for length in range(len(data)):
        with pytest.raises(PickleRefusedError):
            restricted_pickle.loads(data[:length])


def test_a_truncated_file_says_so(tmp_path):
    path = tmp_path / "hand_param.pkl"
    path.write_bytes(pickle.dumps(hand())[:-40])
    with pytest.raises(PickleRefusedError, match=r"hand_param\.pkl: ends early .* copy the file again"):
        read_hand(path)


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "large.pkl"
    path.write_bytes(pickle.dumps(b"x" * 1000))
    with pytest.raises(PickleRefusedError, match="more than the 100"):
        restricted_pickle.load(path, max_bytes=100)


def test_arrays_of_python_2_are_read_as_latin1():
    # As Python 2 wrote them: 8-bit strings for the element type's name and for the content.
    raw = struct.pack("<2d", 1.0, -2.5)
    data = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + bytes([len(raw)]) + raw + b"tb."
    )
    assert restricted_pickle.loads(data, encoding="latin1").tolist() == [1.0, -2.5]
    with pytest.raises(PickleRefusedError):
        restricted_pickle.loads(data)


class Wrapped:
    """A stand-in, as the reader of hands uses for arrays that are wrapped by a class that is not installed."""


@pytest.mark.parametrize("reconstructor", [b"copy_reg", b"copyreg"])
def test_stand_ins_take_the_place_of_what_the_file_asks_for(reconstructor):
    inner = pickle.dumps(np.arange(3.0), 2)[2:-1]
    data = (
        b"\x80\x02c" + reconstructor + b"\n_reconstructor\n(cchumpy.ch\nCh\nc__builtin__\nobject\nNtR}U\x01x"
        b"" + inner + b"sb."
    )
    with pytest.raises(PickleRefusedError, match=r"chumpy\.ch\.Ch"):
        restricted_pickle.loads(data)
    read = restricted_pickle.loads(data, encoding="latin1", extra={("chumpy.ch", "Ch"): Wrapped})
    assert isinstance(read, Wrapped) and np.array_equal(read.x, [0, 1, 2])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    array=hnp.arrays(
        st.sampled_from(["<f4", ">f8", "<i8", "?", "<U3", "S2", "<c8"]),
        hnp.array_shapes(min_dims=0, min_side=0),
    ),
    protocol=st.integers(0, pickle.HIGHEST_PROTOCOL),
)
def test_any_array_comes_back(array, protocol):
    read = restricted_pickle.loads(pickle.dumps(array, protocol))
    usual = array.astype(array.dtype.newbyteorder("="))  # the order of bytes is the machine's after reading
    assert read.dtype == usual.dtype and read.shape == usual.shape and read.tobytes() == usual.tobytes()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(data):
    raw = bytearray(pickle.dumps(hand(), data.draw(st.integers(0, pickle.HIGHEST_PROTOCOL))))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(PickleRefusedError):
        restricted_pickle.loads(bytes(raw), encoding="latin1")
