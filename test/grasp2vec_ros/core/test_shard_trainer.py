"""Training over shards.

Sums of float32 in another order differ by about 1e-7 of their size, and a whole gradient by little more: gradients of one
step are compared within 1e-5 of their length. The optimiser divides each entry of a gradient by its own size, so where an
entry is nearly nothing, the difference becomes as large as a step: losses over a few steps are compared within 1 %, and
weights within 5 % of how far they have moved. One process twice gives the same bits, and several agree to the bit.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from grasp2vec_ros.__main__ import main
from grasp2vec_ros.core import shard_trainer as shard_trainer_module
from grasp2vec_ros.core.augmentation import AugmentationConfig
from grasp2vec_ros.core.checkpoint import CheckpointError, load_checkpoint
from grasp2vec_ros.core.encoder import EncoderConfig, make_model
from grasp2vec_ros.core.learner import LearnerConfig
from grasp2vec_ros.core.merge import MergeReport, merge
from grasp2vec_ros.core.objective import ObjectiveConfig
from grasp2vec_ros.core.peers import Alone, Peers
from grasp2vec_ros.core.record import encode_record
from grasp2vec_ros.core.shard_export import export_shards
from grasp2vec_ros.core.shard_format import ShardError
from grasp2vec_ros.core.shard_trainer import ShardTrainer
from grasp2vec_ros.core.shards import Shards
from grasp2vec_ros.core.store import ExperienceStore
from grasp2vec_ros.core.trainer import TrainerConfig
from test.grasp2vec_ros.core.helpers import make_experience

ALONE = (Alone(), torch.device("cpu"))
STEPS = 4
GRADIENT_TOLERANCE = 1e-5
LOSS_TOLERANCE = 0.01
WEIGHT_TOLERANCE = 0.05


def config(**changes: object) -> TrainerConfig:
    values = {
        "batch_size": 16,
        "encoder": EncoderConfig(
            width=8, embedding_size=32, scene_width_px=64, held_size_px=32, held_crop=1.0
        ),
        # What is common to a batch must be so over all processes, too.
        "augmentation": AugmentationConfig(window_px=32, jitter_px=4, hue=0.5, common_zoom=0.2),
        "learner": LearnerConfig(learning_rate=3e-3, warm_up_steps=5, precision="float32"),
        **changes,
    }
    return TrainerConfig(**values)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("shards")
    with ExperienceStore(folder / "store") as store:
        given = (
            encode_record(make_experience(rng, success=i % 4 > 0, episode=f"e{i // 6}", attempt=i))
            for i in range(160)
        )
        merge(given, store, MergeReport())
        assert export_shards(store, folder / "shards", 0.05).shards >= 8
    return folder / "shards"


@pytest.fixture
def shards(folder):
    with Shards([folder]) as opened:
        yield opened


def weights(trainer: ShardTrainer) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in trainer._learner.model.state_dict().items()}


def assert_equal_up_to_order(one: dict, other: dict, before: dict) -> None:
    moved = torch.sqrt(sum((one[n].double() - before[n].double()).square().sum() for n in one))
    apart = torch.sqrt(sum((one[n].double() - other[n].double()).square().sum() for n in one))
    assert moved > 0.1 and apart < WEIGHT_TOLERANCE * moved


class ThreadPeers:
    """What `Peers` asks of `accelerate`, between threads: exact and quick."""

    def __init__(self, count: int) -> None:
        self.num_processes, self._given = count, [None] * count
        self._barrier, self._local = threading.Barrier(count, timeout=60), threading.local()
        self.device = torch.device("cpu")

    @property
    def process_index(self) -> int:
        return self._local.index

    def _exchange(self, value: torch.Tensor) -> list[torch.Tensor]:
        self._given[self.process_index] = value.detach().clone()
        self._barrier.wait()
        found = list(self._given)
        self._barrier.wait()
        return found

    def gather(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.cat(self._exchange(rows))

    def reduce(self, value: torch.Tensor, reduction: str) -> torch.Tensor:
        total = torch.stack(self._exchange(value)).sum(0)
        return total / self.num_processes if reduction == "mean" else total

    def end_training(self) -> None:
        pass

    def run(self, work: Callable[[Peers], object]) -> list:
        results = [None] * self.num_processes

        def one(index: int) -> None:
            self._local.index = index
            try:
                results[index] = work(Peers(self))
            except BaseException:
                self._barrier.abort()
                raise

        threads = [threading.Thread(target=one, args=(i,)) for i in range(self.num_processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results


@pytest.mark.parametrize(("count", "failure"), [(2, "none"), (4, "shared_label")])
def test_several_processes_give_the_result_of_one(shards, tmp_path, count, failure):
    """The loss of the whole batch with all its negatives, in parts."""
    wanted = config(objective=ObjectiveConfig(failure=failure))

    def learn(peers: Alone) -> tuple[list, torch.Tensor, dict]:
        trainer = ShardTrainer(wanted, shards, tmp_path, lanes=4, peers=(peers, torch.device("cpu")))
        losses = [trainer.train_step()]
        gradient = torch.cat([p.grad.reshape(-1).clone() for p in trainer._learner.model.parameters()])
        losses += [trainer.train_step() for _ in range(STEPS - 1)]
        result = weights(trainer)
        trainer.close()
        return losses, gradient, result

    losses, gradient, one = learn(Alone())
    parts = ThreadPeers(count).run(learn)
    for other_losses, _, other in parts:
        assert other_losses == parts[0][0]
        assert all(torch.equal(other[name], parts[0][2][name]) for name in other)
    assert (parts[0][1] - gradient).norm() < GRADIENT_TOLERANCE * gradient.norm()
    assert parts[0][0] == pytest.approx(losses, rel=LOSS_TOLERANCE)
    assert_equal_up_to_order(one, parts[0][2], make_model(wanted.encoder, wanted.seed).state_dict())


def test_it_goes_on_as_if_it_had_not_been_interrupted(shards, tmp_path):
    straight = ShardTrainer(config(), shards, tmp_path / "a", lanes=2, peers=ALONE)
    losses = [straight.train_step() for _ in range(6)]
    first = ShardTrainer(config(), shards, tmp_path / "b", lanes=2, peers=ALONE)
    found = [first.train_step() for _ in range(3)]
    first.save()
    first.close()
    second = ShardTrainer(config(), shards, tmp_path / "b", lanes=2, peers=ALONE)
    assert second.step == 3
    found += [second.train_step() for _ in range(3)]
    assert found == losses
    a, b = weights(straight), weights(second)
    assert all(torch.equal(a[name], b[name]) for name in a)
    straight.close()
    second.close()


def test_held_out_attempts_are_never_learned_from(shards, tmp_path):
    trainer = ShardTrainer(config(), shards, tmp_path, lanes=2, peers=ALONE)
    drawn = np.unique(
        np.concatenate([trainer._sampler.draw(s, lane) for s in range(60) for lane in range(2)])
    )
    assert not shards.heldout[drawn].any() and shards.lifted[drawn].all()
    assert len(drawn) >= (~shards.heldout & shards.lifted).sum() - 2 * 8
    assert trainer.evaluate()[1] == (shards.heldout & shards.lifted).sum()
    trainer.close()


def test_a_batch_with_a_number_that_is_none_is_left_out(shards, tmp_path, monkeypatch):
    trainer = ShardTrainer(config(), shards, tmp_path, lanes=2, peers=ALONE)
    trainer.train_step()
    before, real = weights(trainer), shard_trainer_module.make_batch
    trainer._next = None  # the next batch is made already

    def poisoned(*arguments: object) -> object:
        batch = real(*arguments)
        batch.pre[0, 0, 0, 0] = float("nan")
        return batch

    monkeypatch.setattr(shard_trainer_module, "make_batch", poisoned)
    assert trainer.train_step() is None and trainer.skipped_batches == 1
    assert all(torch.equal(value, before[name]) for name, value in weights(trainer).items())
    monkeypatch.undo()
    trainer._next = None
    assert trainer.train_step() is not None and trainer.step == 2
    trainer.save()
    trainer.close()
    again = ShardTrainer(config(), shards, tmp_path, lanes=2, peers=ALONE)
    assert (
        again.skipped_batches == trainer.skipped_batches
    )  # or it would see other batches than without the pause
    again.close()


def test_a_shard_that_goes_bad_meanwhile_is_named(folder, tmp_path):
    copy = tmp_path / "shards"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    with Shards([copy]) as shards:
        for tar in copy.glob("*.tar"):
            tar.write_bytes(tar.read_bytes()[:5000])
        trainer = ShardTrainer(config(), shards, tmp_path / "c", lanes=2, peers=ALONE)
        with pytest.raises(ShardError, match=r"shard-\d+\.tar is truncated"):
            trainer.train_step()
        trainer.close()


@pytest.mark.parametrize(
    ("changes", "lanes", "count", "words"),
    [
        ({}, 3, 1, "batch_size: 16"),
        ({}, 4, 3, "multiple of the 3 processes"),
        ({}, 16, 1, "lanes: 16 are more"),
    ],
)
def test_what_does_not_fit_is_said(shards, tmp_path, changes, lanes, count, words):
    peers = Alone()
    peers.count = count
    with pytest.raises(ValueError, match=words):
        ShardTrainer(config(**changes), shards, tmp_path, lanes=lanes, peers=(peers, torch.device("cpu")))


OPTIONS = [
    "encoder.width=8", "encoder.embedding_size=32", "encoder.scene_width_px=64", "encoder.held_size_px=32",
    "encoder.held_crop=1.0", "augmentation.window_px=32", "augmentation.jitter_px=4", "augmentation.hue=0.5",
    "augmentation.common_zoom=0.2", "learner.learning_rate=0.003", "learner.warm_up_steps=5",
    "learner.precision=float32", "batch_size=16", "device=cpu",
]  # fmt: skip


def command(folder: Path, checkpoints_folder: Path, steps: int) -> list[str]:
    sets = [part for option in OPTIONS for part in ("--set", option)]
    train = ["train", "--shards", str(folder), "--checkpoints", str(checkpoints_folder), "--lanes", "4"]
    return [*train, "--steps", str(steps), *sets]


def start(arguments: list[str], count: int) -> list[subprocess.Popen]:
    """What `torchrun` and `accelerate launch` do on one machine."""
    root = Path(__file__).parents[3]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = {
        **os.environ,
        "PYTHONPATH": f"{root}:{os.environ.get('PYTHONPATH', '')}",
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
    }
    return [
        subprocess.Popen(
            [sys.executable, "-m", "grasp2vec_ros", *arguments],
            env={**base, "RANK": str(i), "LOCAL_RANK": str(i)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(count)
    ]


def test_processes_that_see_different_checkpoints_do_not_begin(shards, tmp_path):
    trainer = ShardTrainer(config(), shards, tmp_path / "0", lanes=4, peers=ALONE)
    trainer.train_step()
    trainer.save()
    trainer.close()

    def begin(peers: Peers) -> str:
        folder = tmp_path / str(peers.index)
        with pytest.raises(CheckpointError, match=r"steps \[1, 0\].*same folder"):
            ShardTrainer(config(), shards, folder, lanes=4, peers=(peers, torch.device("cpu")))
        return "refused"

    assert ThreadPeers(2).run(begin) == ["refused", "refused"]


def outputs(processes: list[subprocess.Popen]) -> list[str]:
    told = [process.communicate(timeout=250) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), told
    return [out for out, _ in told]


@pytest.mark.slow
def test_two_real_processes_give_the_result_of_one(folder, tmp_path):
    """Over gloo, by the command line."""
    told = outputs(start(command(folder, tmp_path / "two", STEPS), 2))
    assert f"step {STEPS}, 2 processes" in told[0] and told[1] == ""
    assert main(command(folder, tmp_path / "one", STEPS)) == 0
    one, two = (load_checkpoint(tmp_path / name)[0].state_dict() for name in ("one", "two"))
    assert_equal_up_to_order(one, two, make_model(config().encoder, 0).state_dict())


@pytest.mark.slow
def test_when_one_process_is_interrupted_all_end_and_one_goes_on(folder, tmp_path, capfd):
    processes = start(command(folder, tmp_path, 100000), 2)
    for line in iter(processes[0].stderr.readline, ""):  # carriage returns of the progress end lines, too
        if "loss=" in line:
            break
    processes[1].send_signal(signal.SIGINT)
    told = outputs(processes)
    assert "run the same command to go on" in told[0] and told[1] == ""
    steps = int(load_checkpoint(tmp_path)[1]["step"])
    assert main(command(folder, tmp_path, steps + 1)) == 0
    assert f"step {steps + 1}, 1 process" in capfd.readouterr().out
