"""Weights are safetensors, and no file that a user names is ever run or unpickled."""

from __future__ import annotations

import ast
import json
import os
import pickle
import pickletools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grasp2vec_ros.core.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, make_model
from grasp2vec_ros.core.inference import Perceiver
from grasp2vec_ros.core.trainer import OnlineTrainer, TrainerConfig
from grasp2vec_ros.core.training_state import OPTIMISER_FILE
from semgrasp_ros.core.data import restricted_pickle
from semgrasp_ros.core.data.restricted_pickle import PickleRefusedError
from semgrasp_ros.core.hand import load_hand
from semgrasp_ros.core.hand.mano import read_mano
from semgrasp_ros.core.language.folder import load_model
from semgrasp_ros.core.objects.frame import HeadingEstimator
from semgrasp_ros.core.tokens.model import TokenModel
from test.semgrasp_ros.core.hand.mano_file import content, dumped

ROOT = Path(__file__).parents[2]
PACKAGES = ("grasp2vec_ros", "semgrasp_ros", "grasp_cell", "grasp_node_kit")
# The only reader of pickles; what it allows is fuzzed below and in its own tests.
PICKLE_READER = "semgrasp_ros/core/data/restricted_pickle.py"
# A training's own state beside its weights, read back by the same training: tensors only, by torch's own restriction.
TRAINING_STATE = {
    "semgrasp_ros/core/grounding/training.py",
    "semgrasp_ros/core/objects/frame_training.py",
    "semgrasp_ros/core/tokens/training.py",
}
# Weights of a pinned package, whose digest is checked first; by the same restriction.
PACKAGED_WEIGHTS = {"grasp2vec_ros/core/backbones/imagenet.py"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "os.system",
    "os.popen",
    "yaml.load",
    "torch.hub.load",
}


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


def option(call: ast.Call, name: str) -> str:
    return next((ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == name), "")


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_in_the_code_runs_or_unpickles_files(package):
    files = sorted((ROOT / package).rglob("*.py"))
    assert files
    for file in files:
        where, tree = str(file.relative_to(ROOT)), ast.parse(file.read_text())
        imported = {
            alias.name.split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        } | {(node.module or "").split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        if where != PICKLE_READER:
            assert not imported & FORBIDDEN_MODULES, where
        for name, call in calls(tree):
            at = f"{where}:{call.lineno}: {name}"
            assert name not in FORBIDDEN_CALLS, at
            assert option(call, "trust_remote_code") in ("", "False"), at
            assert option(call, "shell") in ("", "False"), at
            assert option(call, "allow_pickle") in ("", "False"), at
            if name == "torch.load":
                assert (
                    where in TRAINING_STATE | PACKAGED_WEIGHTS and option(call, "weights_only") == "True"
                ), at
            if name.endswith("from_pretrained") and "Model" in name:
                assert option(call, "use_safetensors") == "True", at
                assert option(call, "local_files_only") == "True", at


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, witness: Path) -> None:
        self.witness = str(witness)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.witness,)


@pytest.fixture
def evil(tmp_path):
    """A pickle that leaves a witness, and what checks that it did not."""
    witness = tmp_path / "witness"
    yield pickle.dumps({"state_dict": Evil(witness)}, 2)
    assert not witness.exists()


def test_the_witness_would_be_seen(tmp_path):
    pickle.loads(pickle.dumps(Evil(tmp_path / "witness")))
    assert (tmp_path / "witness").exists()


def test_checkpoints_that_are_pickles_are_refused(evil, tmp_path):
    for name in ("model.pt", "grasp2vec-000000001-00000000.safetensors"):
        (tmp_path / name).write_bytes(evil)
        with pytest.raises(CheckpointError, match=name):
            load_checkpoint(tmp_path / name)
    perceiver = Perceiver()
    assert perceiver.reload_if_newer(tmp_path) is None and perceiver.version == "untrained"


def test_an_optimisers_state_that_is_a_pickle_is_left_alone(evil, tmp_path):
    encoder = EncoderConfig(width=4, embedding_size=16, scene_width_px=64, held_size_px=32)
    save_checkpoint(tmp_path / "checkpoints", make_model(encoder), step=3)
    (tmp_path / "checkpoints" / OPTIMISER_FILE).write_bytes(evil)
    trainer = OnlineTrainer(TrainerConfig(encoder=encoder), tmp_path / "store", tmp_path / "checkpoints")
    assert trainer.step == 3
    trainer.close()


@pytest.mark.parametrize("load", [TokenModel.load, HeadingEstimator.load, load_model])
def test_model_folders_with_pickles_are_refused(evil, tmp_path, load):
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.safetensors", "pytorch_model.bin", "tokenizer.json", "state.pt"):
        (folder / name).write_bytes(evil)
    with pytest.raises((ValueError, FileNotFoundError)):
        load(folder)
    (folder / "config.json").write_bytes(evil)
    with pytest.raises((ValueError, FileNotFoundError)):
        load(folder)


def test_weights_of_the_right_configuration_that_are_a_pickle_are_refused(evil, tmp_path):
    folder = tmp_path / "frame"
    HeadingEstimator().save(folder, {})
    (folder / "model.safetensors").write_bytes(evil)
    with pytest.raises(ValueError, match="no safetensors"):
        HeadingEstimator.load(folder)


def test_backbones_with_pickled_weights_are_refused(evil, tmp_path):
    from transformers import AutoModel

    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", "hidden_size": 12}))
    (tmp_path / "pytorch_model.bin").write_bytes(evil)
    # The call of every from_pretrained in the package, as the test above checks.
    with pytest.raises(OSError):
        AutoModel.from_pretrained(tmp_path, local_files_only=True, use_safetensors=True)


def test_training_states_are_tensors_only(evil, tmp_path):
    (tmp_path / "state.pt").write_bytes(evil)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(tmp_path / "state.pt", weights_only=True)


def test_hands_and_arrays_that_run_code_are_refused(evil, tmp_path):
    (tmp_path / "MANO_RIGHT.pkl").write_bytes(evil)
    with pytest.raises(PickleRefusedError, match="mkdir"):
        load_hand(tmp_path / "MANO_RIGHT.pkl")
    np.savez(tmp_path / "grasps.npz", pose=np.array([Evil(tmp_path / "witness")], dtype=object))
    with np.load(tmp_path / "grasps.npz", allow_pickle=False) as arrays, pytest.raises(ValueError):
        arrays["pose"]


# Mutated pickles. Python tells of everything that a pickle could do by its audit events.

_SEEN: list[str] = []
_WATCHING = [False]
_EVENTS = ("os.", "subprocess.", "exec", "compile", "import", "open", "socket.", "shutil.", "ctypes.")


def _audit(event: str, arguments: tuple) -> None:
    if _WATCHING[0] and event.startswith(_EVENTS):
        _SEEN.append(f"{event} {arguments!r:.200}")


sys.addaudithook(_audit)

# Pieces of programs: each pushes something that was called, in one of the protocol's ways.
_ATTACKS = (
    b"cos\nsystem\n(X\x04\x00\x00\x00truetR0",
    b"(X\x04\x00\x00\x00trueios\nsystem\n0",
    b"\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R0",
    b"c__builtin__\nexec\n(X\x04\x00\x00\x00passtR0",
    b"cbuiltins\ngetattr\n(cnumpy\nndarray\nX\x04\x00\x00\x00dumptR0",
    b"cnumpy\ndtype\n(X\x02\x00\x00\x00f4tR}X\x09\x00\x00\x00__class__X\x01\x00\x00\x00xsb0",
    b"csubprocess\nPopen\n(X\x04\x00\x00\x00truetR0",
    b"cnumpy.core.multiarray\n_reconstruct\n(cbuiltins\nobject\n(K\x00tC\x01btR0",
    b"(X\x02\x00\x00\x00oscos\nsystem\no0",
)


def _read(data: bytes, read: object) -> None:
    _SEEN.clear()
    _WATCHING[0] = True
    try:
        read(data)
    except PickleRefusedError:
        pass
    finally:
        _WATCHING[0] = False
    assert not _SEEN


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_attacks_put_into_a_pickle_are_refused_and_nothing_is_run(data):
    values = {"pose": np.arange(48.0), "names": ["a", "b"], "nested": {"x": [np.zeros((2, 3), np.float32)]}}
    raw = pickle.dumps(values, data.draw(st.integers(0, pickle.HIGHEST_PROTOCOL)))
    places = [place for _, _, place in pickletools.genops(raw)][1:]
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places))
        raw = raw[:place] + data.draw(st.sampled_from(_ATTACKS)) + raw[place:]
    if data.draw(st.booleans()):
        spot = data.draw(st.integers(0, len(raw) - 1))
        raw = raw[:spot] + data.draw(st.binary(min_size=1, max_size=8)) + raw[spot + 1 :]
    encoding = data.draw(st.sampled_from(["ASCII", "latin1"]))
    _read(raw, lambda given: restricted_pickle.loads(given, encoding=encoding))


@pytest.mark.parametrize("attack", _ATTACKS)
def test_each_attack_by_itself_is_refused(attack):
    for whole in (attack[:-1] + b".", b"\x80\x04" + attack[:-1] + b"."):
        _SEEN.clear()
        _WATCHING[0] = True
        try:
            with pytest.raises(PickleRefusedError):
                restricted_pickle.loads(whole)
        finally:
            _WATCHING[0] = False
        assert not _SEEN


@pytest.mark.parametrize("seed", range(20))
def test_attacks_put_into_a_hand_are_refused(tmp_path, seed):
    raw, rng = dumped(content()), np.random.default_rng(seed)
    places = [place for _, _, place in pickletools.genops(raw)][1:]
    place = places[rng.integers(len(places))]
    attack = _ATTACKS[seed % len(_ATTACKS)]
    path = tmp_path / "MANO_RIGHT.pkl"
    path.write_bytes(raw[:place] + attack + raw[place:])
    witness = tmp_path / "witness"
    with pytest.raises(PickleRefusedError, match="MANO_RIGHT"):
        read_mano(path)
    assert not witness.exists()
